// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/pdf/hyphens.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "ingest/document/utf8.h"
#include "ingest/readers/headings.h"

namespace dossier::ingest::readers {
namespace {

bool isWordByte(char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || u >= 0x80;
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return result;
}

/// The letters around a hyphen: "termi" and "nation".
struct Halves {
    std::string before, after;
};

Halves halvesAt(std::string_view text, const LineEndHyphen& hyphen) {
    std::size_t begin = hyphen.offset;
    while (begin > 0 && isWordByte(text[begin - 1])) {
        --begin;
    }
    const std::size_t next = hyphen.offset + hyphen.bytes;
    std::size_t end = next;
    while (end < text.size() && isWordByte(text[end])) {
        ++end;
    }
    return {lower(text.substr(begin, hyphen.offset - begin)), lower(text.substr(next, end - next))};
}

/// Counts how often each of the given forms stands in the text, as "word" and as "one-two".
class FormCounter {
  public:
    void want(const std::string& form) { m_counts.emplace(form, 0); }

    void count(std::string_view text, const std::vector<LineEndHyphen>& without) {
        auto skip = without.begin();
        for (std::size_t at = 0; at < text.size();) {
            if (!isWordByte(text[at])) {
                ++at;
                continue;
            }
            std::size_t end = at, previous = at;
            bool atLineEnd = false;
            for (;;) {
                previous = end;
                while (end < text.size() && isWordByte(text[end])) {
                    ++end;
                }
                add(text.substr(previous, end - previous), atLineEnd);
                const bool compound =
                    end + 1 < text.size() && text[end] == '-' && isWordByte(text[end + 1]);
                if (!compound) {
                    break;
                }
                while (skip != without.end() && skip->offset < end) {
                    ++skip;
                }
                const bool divided = skip != without.end() && skip->offset == end;
                if (!divided && !atLineEnd) {
                    std::size_t second = end + 1;
                    while (second < text.size() && isWordByte(text[second])) {
                        ++second;
                    }
                    add(text.substr(previous, second - previous), false);
                }
                atLineEnd = divided;
                ++end;
            }
            at = end;
        }
    }

    std::uint64_t of(const std::string& form) const {
        const auto found = m_counts.find(form);
        return found == m_counts.end() ? 0 : found->second;
    }

  private:
    void add(std::string_view form, bool half) {
        if (half || form.empty()) {
            return;
        }
        const auto found = m_counts.find(lower(form));
        if (found != m_counts.end()) {
            ++found->second;
        }
    }

    std::unordered_map<std::string, std::uint64_t> m_counts;
};

/// Removes the bytes of the chosen hyphens, which are ascending, and moves every range behind them.
void removeHyphens(Document& document, const std::vector<LineEndHyphen>& chosen) {
    std::string text;
    text.reserve(document.text.size());
    std::vector<std::uint64_t> removedBefore; // bytes taken out up to and with chosen[i]
    std::uint64_t from = 0, removed = 0;
    for (const LineEndHyphen& hyphen : chosen) {
        text.append(document.text, from, hyphen.offset - from);
        from = hyphen.offset + hyphen.bytes;
        removed += hyphen.bytes;
        removedBefore.push_back(removed);
        --document.words[hyphen.word].edgeCount;
    }
    text.append(document.text, from, std::string::npos);
    const auto moved = [&](std::uint64_t offset) {
        const auto after = std::lower_bound(
            chosen.begin(), chosen.end(), offset,
            [](const LineEndHyphen& hyphen, std::uint64_t value) { return hyphen.offset < value; });
        const auto index = after - chosen.begin();
        return index == 0 ? offset : offset - removedBefore[static_cast<std::size_t>(index - 1)];
    };
    const auto move = [&](TextRange& range) { range = {moved(range.begin), moved(range.end)}; };
    for (Word& word : document.words) {
        move(word.range);
    }
    for (Block& block : document.blocks) {
        move(block.range);
    }
    for (Page& page : document.pages) {
        move(page.range);
    }
    document.text = std::move(text);
}

} // namespace

std::optional<std::size_t> lineEndHyphen(std::string_view line, std::string_view next) {
    const std::size_t bytes = line.ends_with('-') ? 1 : line.ends_with("\u2010") ? 3 : 0;
    const bool letterBefore =
        bytes > 0 && line.size() > bytes && isWordByte(line[line.size() - bytes - 1]);
    return letterBefore && startsLower(next) ? std::optional(bytes) : std::nullopt;
}

void joinDividedWords(Document& document, const std::vector<LineEndHyphen>& hyphens) {
    if (hyphens.empty()) {
        return;
    }
    FormCounter forms;
    std::vector<Halves> halves;
    for (const LineEndHyphen& hyphen : hyphens) {
        halves.push_back(halvesAt(document.text, hyphen));
        forms.want(halves.back().before + halves.back().after);
        forms.want(halves.back().before + "-" + halves.back().after);
    }
    forms.count(document.text, hyphens);
    enum class Verdict { Open, Divides, Belongs };
    std::vector<Verdict> verdicts;
    std::size_t divides = 0, belongs = 0;
    for (const Halves& half : halves) {
        const std::uint64_t joined = forms.of(half.before + half.after);
        const std::uint64_t compound = forms.of(half.before + "-" + half.after);
        verdicts.push_back(joined == compound  ? Verdict::Open
                           : joined > compound ? Verdict::Divides
                                               : Verdict::Belongs);
        divides += verdicts.back() == Verdict::Divides ? 1U : 0U;
        belongs += verdicts.back() == Verdict::Belongs ? 1U : 0U;
    }
    const bool usuallyDivides = divides >= 3 && divides > 3 * belongs;
    std::vector<LineEndHyphen> chosen;
    for (std::size_t i = 0; i < hyphens.size(); ++i) {
        if (verdicts[i] == Verdict::Divides || (verdicts[i] == Verdict::Open && usuallyDivides)) {
            chosen.push_back(hyphens[i]);
        }
    }
    removeHyphens(document, chosen);
}

} // namespace dossier::ingest::readers
