// SPDX-License-Identifier: GPL-3.0-or-later
// Recognises the usual ways of numbering clauses without regular expressions.
#include "app/asking/sections.h"

#include <array>
#include <optional>

#include "app/asking/ascii.h"

namespace dossier::app {
namespace {

bool isRoman(char c) {
    return std::string_view("IVXLivxl").find(c) != std::string_view::npos;
}

/// "5", "5.2", "5.2.1", "12A": at most three digits a part, so that years and amounts do not count.
std::size_t decimalEnd(std::string_view line, std::size_t at) {
    constexpr std::size_t kDigits = 3;
    std::size_t end = at;
    for (;;) {
        std::size_t digits = end;
        while (digits < line.size() && isAsciiDigit(line[digits])) {
            ++digits;
        }
        if (digits == end || digits - end > kDigits) {
            return end == at ? at : end - 1; // the dot before what is no part
        }
        end = digits;
        if (end + 1 < line.size() && line[end] == '.' && isAsciiDigit(line[end + 1])) {
            ++end;
            continue;
        }
        return end;
    }
}

/// "(a)", "(iv)", "(12)", "a)", "a."; at most four characters inside.
std::optional<ClauseNumber> bracketed(std::string_view line, std::size_t at) {
    constexpr std::size_t kInside = 4;
    const bool open = at < line.size() && line[at] == '(';
    std::size_t end = at + (open ? 1 : 0);
    const std::size_t begin = end;
    while (end < line.size() && end - begin <= kInside &&
           (isAsciiLetter(line[end]) || isAsciiDigit(line[end]))) {
        ++end;
    }
    const std::size_t inside = end - begin;
    if (inside == 0 || inside > kInside || end >= line.size() || line[end] != ')') {
        return std::nullopt;
    }
    const std::string_view word = line.substr(begin, inside);
    const bool plain = inside == 1 || isAsciiDigit(word[0]) ||
                       word.find_first_not_of("ivxlIVXL") == std::string_view::npos ||
                       word[0] == word[word.size() - 1]; // aa, bb
    if (!plain) {
        return std::nullopt;
    }
    std::string number(1, '(');
    number.append(word).push_back(')');
    return ClauseNumber{std::move(number), end + 1, false};
}

/// "Section 5.2", "ARTICLE IX", "Clause 7", "§ 5".
std::optional<ClauseNumber> named(std::string_view line, std::size_t at) {
    static constexpr std::array<std::string_view, 6> kNames = {"section", "article", "clause",
                                                               "sec.",    "art.",    "§"};
    for (const std::string_view name : kNames) {
        if (line.size() - at < name.size()) {
            continue;
        }
        bool equal = true;
        for (std::size_t i = 0; i < name.size() && equal; ++i) {
            const char c = line[at + i];
            equal = (c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) == name[i];
        }
        if (!equal) {
            continue;
        }
        const std::size_t begin = skipBlanks(line, at + name.size());
        std::size_t end = decimalEnd(line, begin);
        if (end == begin) {
            while (end < line.size() && isRoman(line[end])) {
                ++end;
            }
            if (end < line.size() && (isAsciiLetter(line[end]) || isAsciiDigit(line[end]))) {
                return std::nullopt;
            }
        }
        if (end > begin) {
            return ClauseNumber{std::string(line.substr(begin, end - begin)), end, true};
        }
    }
    return std::nullopt;
}

} // namespace

ClauseNumber clauseNumberOf(std::string_view line) {
    const std::size_t at = skipBlanks(line, 0);
    std::optional<ClauseNumber> found = named(line, at);
    if (!found) {
        found = bracketed(line, at);
    }
    if (!found) {
        std::size_t end = decimalEnd(line, at);
        if (end > at) {
            const bool dotted = line.substr(at, end - at).find('.') != std::string_view::npos;
            const bool marked = end < line.size() && (line[end] == '.' || line[end] == ')');
            // "5 Repairs" is no number without a dot: it may be "5 days".
            if ((dotted || marked) && (end + (marked ? 1 : 0) >= line.size() ||
                                       !isAsciiDigit(line[end + (marked ? 1 : 0)]))) {
                found = ClauseNumber{std::string(line.substr(at, end - at)), end, true};
            }
        }
    }
    if (!found) {
        return {};
    }
    while (found->length < line.size() &&
           (line[found->length] == '.' || line[found->length] == ')' ||
            line[found->length] == ':' || isAsciiBlank(line[found->length]))) {
        ++found->length;
    }
    return *found;
}

std::string sectionAt(const ingest::Document& document, std::uint64_t offset) {
    constexpr std::uint64_t kReach = 20'000;
    if (document.format == ingest::Format::Code || document.text.empty()) {
        return {};
    }
    const std::string_view text = document.text;
    std::uint64_t lineEnd = text.find('\n', offset);
    if (lineEnd == std::string_view::npos) {
        lineEnd = text.size();
    }
    const std::uint64_t stop = offset > kReach ? offset - kReach : 0;
    for (;;) {
        const std::size_t newLine =
            lineEnd == 0 ? std::string_view::npos : text.rfind('\n', lineEnd - 1);
        const std::uint64_t begin = newLine == std::string_view::npos ? 0 : newLine + 1;
        if (begin <= offset) {
            const ClauseNumber number = clauseNumberOf(text.substr(begin, lineEnd - begin));
            if (number.major) {
                return number.number;
            }
        }
        if (begin == 0 || begin <= stop) {
            return {};
        }
        lineEnd = begin - 1;
    }
}

} // namespace dossier::app
