// SPDX-License-Identifier: GPL-3.0-or-later
// Blocks of the document -> flows (paragraphs joined over page breaks) -> sentences -> passages.
#include "app/asking/passages.h"

#include <algorithm>
#include <array>

#include "app/asking/ascii.h"
#include "app/asking/sections.h"

namespace dossier::app {
namespace {

using ingest::Block;
using ingest::BlockKind;
using ingest::TextRange;

bool isSpace(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\f' || c == '\v';
}

bool isUpperOrDigit(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool isAbbreviation(std::string_view word) {
    static constexpr std::array<std::string_view, 37> kWords = {
        "v",   "vs", "No",     "Nos",  "St",   "Mr",  "Mrs", "Ms",  "Dr",  "Prof",
        "Gen", "Lt", "Col",    "Capt", "Sgt",  "Rev", "Hon", "Gov", "Sen", "Rep",
        "Jr",  "Sr", "Inc",    "Co",   "Corp", "Ltd", "Mt",  "Ft",  "Sec", "Art",
        "cf",  "ca", "approx", "e.g",  "i.e",  "U.S", "U.K"};
    return std::find(kWords.begin(), kWords.end(), word) != kWords.end() || word == "a.k.a";
}

/// True when the dot at the end of `sentence` belongs to an abbreviation or an initial.
bool endsInAbbreviation(std::string_view sentence) {
    constexpr std::size_t kLongSentence = 600;
    if (sentence.empty() || sentence.back() != '.' || sentence.size() >= kLongSentence) {
        return false;
    }
    std::size_t begin = sentence.size() - 1;
    while (begin > 0 && !isSpace(sentence[begin - 1])) {
        --begin;
    }
    std::string_view word = sentence.substr(begin, sentence.size() - 1 - begin);
    while (!word.empty() && (word[0] == '(' || word[0] == '"' || word[0] == '[')) {
        word.remove_prefix(1);
    }
    const bool initial = word.size() == 1 && isAsciiLetter(word[0]) && word[0] != 'I';
    return (initial && sentence.size() > 3) || isAbbreviation(word);
}

std::size_t wordCount(std::string_view text) {
    return text.empty() ? 0
                        : 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), ' '));
}

/// Appends the text of a range with single blanks for white space.
void appendCollapsed(std::string& out, std::string_view text) {
    for (const char c : text) {
        if (!isSpace(c)) {
            out += c;
        } else if (!out.empty() && out.back() != ' ') {
            out += ' ';
        }
    }
}

/// A paragraph, perhaps in several pieces with page furniture between them.
struct Flow {
    std::vector<TextRange> pieces;
    BlockKind kind = BlockKind::Paragraph;
};

/// The text of a flow with white space collapsed, and where each byte of it comes from.
struct FlowText {
    std::string text;
    std::vector<std::uint64_t> origin; ///< offset in the document of each byte

    FlowText(std::string_view document, const Flow& flow) {
        for (const TextRange& piece : flow.pieces) {
            if (!text.empty() && text.back() != ' ') {
                put(' ', piece.begin);
            }
            for (std::uint64_t at = piece.begin; at < piece.end; ++at) {
                const char c = document[at];
                if (!isSpace(c)) {
                    put(c, at);
                } else if (!text.empty() && text.back() != ' ') {
                    put(' ', at);
                }
            }
        }
        while (!text.empty() && text.back() == ' ') {
            text.pop_back();
            origin.pop_back();
        }
    }
    TextRange range(std::size_t begin, std::size_t end) const {
        return {origin[begin], origin[end - 1] + 1};
    }

  private:
    void put(char c, std::uint64_t at) {
        text += c;
        origin.push_back(at);
    }
};

std::vector<Flow> flowsOf(const ingest::Document& document) {
    std::vector<Flow> flows, footnotes;
    bool goesOn = false;
    for (const Block& block : document.blocks) {
        if (block.kind == BlockKind::Running) {
            continue;
        }
        if (block.kind == BlockKind::Footnote) {
            footnotes.push_back({{block.range}, block.kind});
            continue;
        }
        if (goesOn && !flows.empty()) {
            flows.back().pieces.push_back(block.range);
        } else {
            flows.push_back({{block.range}, block.kind});
        }
        goesOn = block.continues;
    }
    if (document.blocks.empty() && !document.text.empty()) {
        // Text without blocks: paragraphs are what empty lines divide.
        for (std::size_t at = 0; at < document.text.size();) {
            const std::size_t end = std::min(document.text.find("\n\n", at), document.text.size());
            flows.push_back({{{at, end}}, BlockKind::Paragraph});
            at = document.text.find_first_not_of('\n', end);
            if (at == std::string::npos) {
                break;
            }
        }
    }
    flows.insert(flows.end(), footnotes.begin(), footnotes.end());
    return flows;
}

/// Pieces of at most `maxWords` words, cut behind , ; or : where one stands in the last third.
std::vector<TextRange> divideLong(std::string_view text, std::size_t maxWords) {
    std::vector<TextRange> pieces;
    std::size_t begin = 0;
    while (begin < text.size()) {
        std::size_t words = 0, end = text.size(), comma = 0;
        for (std::size_t at = begin; at < text.size(); ++at) {
            if (text[at] != ' ') {
                continue;
            }
            ++words;
            if (words * 3 >= maxWords * 2 &&
                (text[at - 1] == ',' || text[at - 1] == ';' || text[at - 1] == ':')) {
                comma = at;
            }
            if (words == maxWords) {
                end = comma != 0 ? comma : at;
                break;
            }
        }
        if (words < maxWords) {
            end = text.size();
        }
        pieces.push_back({begin, end});
        begin = end + 1;
    }
    return pieces;
}

class Cutter {
  public:
    Cutter(const ingest::Document& document, const PassageLimits& limits)
        : m_document(document), m_limits(limits) {}

    std::vector<Passage> cut() {
        for (const Flow& flow : flowsOf(m_document)) {
            paragraph(flow);
        }
        close();
        return std::move(m_passages);
    }

  private:
    void paragraph(const Flow& flow) {
        const FlowText flowText(m_document.text, flow);
        if (flowText.text.empty()) {
            return;
        }
        const bool heading = flow.kind == BlockKind::Heading;
        const bool clause = heading || clauseNumberOf(flowText.text).major;
        if ((clause && m_words >= m_limits.clauseWords) || flow.kind == BlockKind::Footnote) {
            close();
        }
        if (heading) {
            m_heading = flowText.text;
            m_headingOpen = true;
        }
        for (const TextRange& sentence : sentenceRanges(flowText.text)) {
            add(flowText, sentence);
        }
        // A heading stays with what it is the heading of.
        if (m_words >= m_limits.minWords && !heading) {
            close();
        }
    }

    void add(const FlowText& flow, TextRange sentence) {
        const std::string_view text =
            std::string_view(flow.text).substr(sentence.begin, sentence.size());
        const std::size_t words = wordCount(text);
        if (words > m_limits.maxWords) {
            close();
            for (const TextRange& piece : divideLong(text, m_limits.maxWords)) {
                close();
                push(flow, {sentence.begin + piece.begin, sentence.begin + piece.end});
            }
            return;
        }
        if (m_words + words > m_limits.maxWords) {
            close();
        }
        push(flow, sentence);
    }

    void push(const FlowText& flow, TextRange in) {
        m_open.sentences.push_back(
            {flow.range(in.begin, in.end), flow.text.substr(in.begin, in.size())});
        m_words += wordCount(m_open.sentences.back().text);
    }

    void close() {
        if (m_open.sentences.empty()) {
            return;
        }
        m_open.range = m_open.sentences.front().range;
        for (const Sentence& sentence : m_open.sentences) {
            m_open.range.begin = std::min(m_open.range.begin, sentence.range.begin);
            m_open.range.end = std::max(m_open.range.end, sentence.range.end);
            m_open.text += (m_open.text.empty() ? "" : " ") + sentence.text;
        }
        if (!m_headingOpen) {
            m_open.heading = m_heading;
        }
        m_headingOpen = false;
        m_passages.push_back(std::move(m_open));
        m_open = {};
        m_words = 0;
    }

    const ingest::Document& m_document;
    const PassageLimits& m_limits;
    std::vector<Passage> m_passages;
    Passage m_open;
    std::size_t m_words = 0;
    std::string m_heading;
    bool m_headingOpen = false; ///< the open passage holds m_heading itself
};

/// Code: lines are the units that may be quoted. A passage ends at an empty line when it has enough
/// words, and in any case when it has too many.
std::vector<Passage> cutCode(const ingest::Document& document, const PassageLimits& limits) {
    std::vector<Passage> passages;
    Passage open;
    std::size_t words = 0;
    const std::string& text = document.text;
    const auto close = [&] {
        if (!open.sentences.empty()) {
            open.range = {open.sentences.front().range.begin, open.sentences.back().range.end};
            open.text = text.substr(open.range.begin, open.range.size());
            passages.push_back(std::move(open));
        }
        open = {};
        words = 0;
    };
    std::uint64_t line = 1;
    for (std::size_t at = 0; at < text.size(); ++line) {
        std::size_t end = text.find('\n', at);
        end = end == std::string::npos ? text.size() : end;
        std::size_t first = at;
        while (first < end && isSpace(text[first])) {
            ++first;
        }
        if (first == end) {
            if (words >= limits.minWords) {
                close();
            }
        } else {
            std::string collapsed;
            appendCollapsed(collapsed, std::string_view(text).substr(first, end - first));
            const std::size_t count = wordCount(collapsed);
            if (words + count > limits.maxWords) {
                close();
            }
            if (open.sentences.empty()) {
                open.line = line;
            }
            open.sentences.push_back({{first, end}, text.substr(first, end - first)});
            words += count;
        }
        at = end + 1;
    }
    close();
    return passages;
}

} // namespace

std::vector<TextRange> sentenceRanges(std::string_view paragraph) {
    std::vector<TextRange> sentences;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < paragraph.size(); ++at) {
        if (!isSpace(paragraph[at]) || at == begin) {
            continue;
        }
        std::size_t next = at;
        while (next < paragraph.size() && isSpace(paragraph[next])) {
            ++next;
        }
        const char before = paragraph[at - 1];
        const bool stop =
            before == '.' || before == '!' || before == '?' || before == ';' || before == ':';
        const bool opens =
            next < paragraph.size() &&
            (isUpperOrDigit(paragraph[next]) || paragraph[next] == '"' || paragraph[next] == '(' ||
             paragraph[next] == '[' || paragraph.substr(next).starts_with("“"));
        if (stop && opens && !endsInAbbreviation(paragraph.substr(begin, at - begin))) {
            sentences.push_back({begin, at});
            begin = next;
        }
        at = next - 1;
    }
    std::size_t end = paragraph.size();
    while (end > begin && isSpace(paragraph[end - 1])) {
        --end;
    }
    if (end > begin) {
        sentences.push_back({begin, end});
    }
    return sentences;
}

std::vector<Passage> cutPassages(const ingest::Document& document, const PassageLimits& limits) {
    return document.format == ingest::Format::Code ? cutCode(document, limits)
                                                   : Cutter(document, limits).cut();
}

} // namespace dossier::app
