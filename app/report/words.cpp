// SPDX-License-Identifier: GPL-3.0-or-later
// Wording, figures and the cleaning of foreign text for reports.
#include "app/report/words.h"

#include <array>
#include <cstdio>
#include <ctime>

#include "ingest/document/utf8.h"

namespace dossier::app::report {
namespace {

/// Characters that would change how their neighbours are shown, or show nothing at all.
bool isHarmful(char32_t c) {
    return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0) ||
           (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x2028 ||
           c == 0x2029 || c == 0xFEFF || (c & 0xFFFEU) == 0xFFFE || (c >= 0xFDD0 && c < 0xFDF0) ||
           c >= 0xE0000;
}

template<typename Time>
std::string formatted(const char* form, const Time& parts) {
    std::array<char, 64> text{};
    const std::size_t n = std::strftime(text.data(), text.size(), form, &parts);
    return {text.data(), n};
}

std::string place(bool hasPage, std::uint32_t page, const std::string& label, std::uint64_t line,
                  const std::string& section, bool printedLabels, bool words) {
    std::string out;
    if (hasPage) {
        const std::string number =
            printedLabels && !label.empty() ? oneLine(label) : std::to_string(page + 1);
        out = (words ? "page " : "p. ") + number;
    } else if (line > 0) {
        out = "line " + grouped(line);
    }
    if (!section.empty())
        out +=
            (out.empty() ? "" : ", ") + std::string(words ? "clause " : "cl. ") + oneLine(section);
    return out;
}

} // namespace

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto character = ingest::utf8::decode(text, at);
        at += character.length;
        if (character.value == '\t')
            out += ' ';
        else if (!isHarmful(character.value))
            ingest::utf8::append(out, character.value);
    }
    return out;
}

std::string oneLine(std::string_view text) {
    const std::string clean = printable(text);
    std::string out;
    out.reserve(clean.size());
    for (const char c : clean) {
        const bool blank = c == ' ' || c == '\n';
        if (!blank)
            out += c;
        else if (!out.empty() && out.back() != ' ')
            out += ' ';
    }
    while (!out.empty() && out.back() == ' ')
        out.pop_back();
    return out;
}

std::string elided(std::string_view text, std::size_t most) {
    const std::string line = oneLine(text);
    std::vector<std::size_t> starts;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (!ingest::utf8::isContinuation(line[i]))
            starts.push_back(i);
    }
    if (starts.size() <= most)
        return line;
    const std::size_t head = (most - 1) * 2 / 3, tail = most - 1 - head;
    return line.substr(0, starts[head]) + "…" + line.substr(starts[starts.size() - tail]);
}

std::string sizeText(std::uint64_t bytes) {
    if (bytes < 1000)
        return std::to_string(bytes) + " bytes";
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    constexpr std::array<const char*, 5> kUnits = {"", "kB", "MB", "GB", "TB"};
    while (value >= 999.5 && unit + 1 < kUnits.size()) {
        value /= 1000;
        ++unit;
    }
    std::array<char, 32> text{};
    const int n = std::snprintf(text.data(), text.size(), value < 9.95 ? "%.1f %s" : "%.0f %s",
                                value, kUnits[unit]);
    return {text.data(), static_cast<std::size_t>(n)};
}

std::string dateText(std::int64_t ms) {
    const std::time_t seconds = ms / 1000;
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    const std::string text = formatted("%d %B %Y", parts);
    return text[0] == '0' ? text.substr(1) : text;
}

std::string isoDate(std::int64_t ms) {
    const std::time_t seconds = ms / 1000;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return formatted("%Y-%m-%dT%H:%M:%SZ", parts);
}

std::string counted(std::uint64_t n, std::string_view one, std::string_view many) {
    return grouped(n) + " " + std::string(n == 1 ? one : many);
}

std::string placeText(const ReportCitation& citation, bool printedLabels, bool words) {
    return place(citation.page.has_value(), citation.page.value_or(0), citation.pageLabel,
                 citation.line, citation.section, printedLabels, words);
}

std::string placeText(const ReportNote& note, bool printedLabels) {
    return place(note.page.has_value(), note.page.value_or(0), note.pageLabel, note.line,
                 note.section, printedLabels, false);
}

std::string stateWord(const ReportCitation& citation) {
    switch (citation.verdict) {
    case Verdict::Verified:
    case Verdict::VerifiedNormalised:
        return {};
    case Verdict::Partial:
        return "partial";
    case Verdict::OtherDocument:
        return "found elsewhere";
    case Verdict::NotFound:
        return "not found";
    }
    return {};
}

bool looksVerified(Verdict verdict) {
    return verdict == Verdict::Verified || verdict == Verdict::VerifiedNormalised;
}

std::string verdictText(const ReportCitation& citation) {
    std::string text;
    switch (citation.verdict) {
    case Verdict::Verified:
        text = "Verified.";
        break;
    case Verdict::VerifiedNormalised:
        text = "Verified after normalisation.";
        break;
    case Verdict::Partial:
        text = "Partial: " + std::to_string(citation.percent) + " % stand in the source.";
        break;
    case Verdict::OtherDocument:
        text = "Found elsewhere";
        if (!citation.named.empty())
            text += ", not in " + elided(citation.named, 80);
        text += ".";
        break;
    case Verdict::NotFound:
        text = "Not found in the documents.";
        break;
    }
    if (citation.forced)
        text += " Held to the source’s words.";
    return text;
}

std::string countsText(const Counts& counts) {
    if (counts.total() == 0)
        return "none";
    std::string text = grouped(counts.total()) + ":";
    const auto add = [&](std::uint64_t n, const char* word) {
        if (n > 0)
            text += (text.back() == ':' ? " " : ", ") + grouped(n) + " " + word;
    };
    add(counts.verified, "verified");
    add(counts.normalised, "after normalisation");
    add(counts.partial, "partial");
    add(counts.elsewhere, "found elsewhere");
    add(counts.notFound, "not found");
    return text;
}

std::string forcedText(const Counts& counts) {
    if (counts.forced == 0)
        return {};
    return counted(counts.forced, "quotation was", "quotations were") +
           " held to the source’s words while the model wrote";
}

std::string leftOutText(const Counts& counts) {
    if (counts.statementsLeftOut == 0)
        return {};
    if (counts.statementsLeftOut == 1)
        return "One statement was left out of this report, because its quotation could not be "
               "verified.";
    return grouped(counts.statementsLeftOut) +
           " statements were left out of this report, because their quotations could not be "
           "verified.";
}

std::string sourcesText(const Report& report) {
    std::string text = counted(report.sources.size(), "document", "documents");
    if (report.production.tokens > 0)
        text += std::string(", ") + (report.production.tokensExact ? "" : "at least ") +
                grouped(report.production.tokens) + " tokens";
    return text;
}

std::string sourceFacts(const ReportSource& source) {
    std::string text;
    const auto add = [&](const std::string& part) { text += (text.empty() ? "" : " · ") + part; };
    if (source.pages > 0)
        add(counted(source.pages, "page", "pages"));
    else if (source.lines > 0)
        add(counted(source.lines, "line", "lines"));
    if (source.tokens)
        add(counted(*source.tokens, "token", "tokens"));
    add(sizeText(source.bytes));
    return text;
}

std::string copyFailedText(const ReportSource& source) {
    return source.copyFailed.empty() ? std::string()
                                     : "No annotated copy: " + source.copyFailed + ".";
}

std::string kindText(ingest::MarkKind kind) {
    switch (kind) {
    case ingest::MarkKind::Highlight:
        return "Highlight";
    case ingest::MarkKind::Underline:
        return "Underlined";
    case ingest::MarkKind::StrikeOut:
        return "Struck out";
    case ingest::MarkKind::Note:
        return "Note";
    }
    return "Mark";
}

std::string safeFileName(std::string_view name, std::size_t most) {
    std::string out;
    for (const char c : oneLine(name)) {
        const bool reserved = std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos;
        out += reserved ? '-' : c;
    }
    if (out.size() > most) {
        std::size_t end = most;
        while (end > 0 && ingest::utf8::isContinuation(out[end]))
            --end;
        out.resize(end);
    }
    while (!out.empty() && (out.back() == ' ' || out.back() == '.'))
        out.pop_back();
    while (!out.empty() && (out.front() == ' ' || out.front() == '.'))
        out.erase(0, 1);
    return out.empty() ? "untitled" : out;
}

} // namespace dossier::app::report
