// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/pdf/line_text.h"

#include <algorithm>
#include <cmath>

#include "ingest/document/utf8.h"
#include "ingest/readers/headings.h"

namespace dossier::ingest::readers {
namespace {

// In heights of the text.
constexpr float kBlank = 0.25F;       ///< the blank that a further word would need
constexpr float kIndent = 0.8F;       ///< a line that begins this much further in is indented
constexpr float kTouching = 0.1F;     ///< words closer than this are one word in two fonts
constexpr float kParagraphGap = 1.4F; ///< times the usual pitch
constexpr float kOtherSize = 0.2F;    ///< share by which letters of another size differ
constexpr float kPlainPitch = 1.2F;
constexpr std::size_t kNeighbours = 4; ///< lines that a row may be from another one of its table
constexpr float kNarrowCell = 0.6F;    ///< least gap before a cell that is known from other rows

char32_t lastCharacter(std::string_view text) {
    std::size_t at = text.size();
    while (at > 0 && utf8::isContinuation(text[--at])) {
    }
    return text.empty() ? 0 : utf8::decode(text, at).value;
}

char32_t firstCharacter(std::string_view text) {
    return text.empty() ? 0 : utf8::decode(text, 0).value;
}

bool isLetter(char32_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0x24F) ||
           (c >= 0x370 && c <= 0x52F);
}

bool isDigit(char32_t c) {
    return c >= '0' && c <= '9';
}

/// Scripts that are written without blanks between words.
bool isUnspaced(char32_t c) {
    return (c >= 0x2E80 && c <= 0xABFF && !(c >= 0xA000 && c <= 0xAAFF)) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE4F) ||
           (c >= 0xFF00 && c <= 0xFFEF) || (c >= 0x20000 && c <= 0x3FFFF);
}

/// The next word would not have fitted on this line: the break is the printer's, not the author's.
bool isFull(const TextLine& a, const TextLine& b) {
    const Line& line = *a.line;
    const float measure = line.columnRight - line.columnLeft;
    if (line.u0 - line.columnLeft > 0.5F * measure) {
        return false; // set to the right: its end says nothing
    }
    const bool sameMeasure =
        std::abs(a.line->u1 - b.line->u1) < 0.15F * line.height && a.line->region == b.line->region;
    return sameMeasure || line.u1 + kBlank * line.height + b.firstWordWidth >
                              line.columnRight - 0.05F * line.height;
}

/// The sentence goes on in the next line although a further word would have fitted: text that was
/// wrapped by hand or in another font.
bool goesOn(const TextLine& a, const TextLine& b) {
    const float measure = std::max(a.line->columnRight - a.line->columnLeft, 1.0F);
    const float width = (a.line->u1 - a.line->u0) / measure;
    return !endsSentence(a.text) && (width > 0.8F || (width > 0.5F && startsLower(b.text)));
}

/// A line of dashes or underscores.
bool isRule(std::string_view text) {
    return utf8::length(text) >= 4 && text.find_first_not_of("-_=* \t") == std::string_view::npos;
}

/// "“Term” means ...": a definition begins a paragraph even where nothing sets it off.
bool startsDefinition(std::string_view text) {
    const bool quoted = text.starts_with("\u201C") || text.starts_with('"');
    const std::size_t close = quoted ? text.find_first_of("\"\xE2", 3) : std::string_view::npos;
    if (close == std::string_view::npos || close > 80) {
        return false;
    }
    const std::string_view rest = text.substr(close);
    const std::string_view after = rest.substr(std::min(rest.find(' '), rest.size()));
    return after.starts_with(" means") || after.starts_with(" shall ") ||
           after.starts_with(" has the") || after.starts_with(" have the") ||
           after.starts_with(" refers");
}

bool sameAlignment(const Line& a, const Line& b, float height) {
    const bool left = std::abs(a.u0 - b.u0) < 2 * height;
    const bool centred = std::abs((a.u0 + a.u1) - (b.u0 + b.u1)) < 4 * height;
    return left || centred;
}

/// How two lines of one sentence are joined.
Join wrapped(const TextLine& a, const TextLine& b) {
    const char32_t last = lastCharacter(a.text), next = firstCharacter(b.text);
    if (a.softHyphen || (isUnspaced(last) && isUnspaced(next))) {
        return Join::Touch;
    }
    const std::size_t wordBegin = a.text.find_last_of(" \t") + 1; // npos + 1 is 0
    const std::string_view word = std::string_view(a.text).substr(wordBegin);
    const bool alone = utf8::length(word) < 2 || word.ends_with("--");
    const bool glue =
        last == '-' || last == 0x2010 || last == 0x2011 || last == '/' || last == 0x2014;
    return glue && !alone && (isLetter(next) || isDigit(next)) ? Join::Touch : Join::Space;
}

bool sameHeight(const Line& a, const Line& b) {
    return std::abs(a.height - b.height) <= kOtherSize * std::min(a.height, b.height);
}

/// Where cells begin along the line, the first one not counted.
std::vector<float> cellStarts(const RawPage& page, const Line& line) {
    std::vector<float> result;
    for (std::size_t i = 0; i < line.words.size(); ++i) {
        if (line.cellBefore[i]) {
            result.push_back(page.words[line.words[i]].left);
        }
    }
    return result;
}

bool contains(const std::vector<float>& places, float place, float tolerance) {
    return std::any_of(places.begin(), places.end(),
                       [&](float other) { return std::abs(other - place) <= tolerance; });
}

/// "2.1     During the Term": a number set apart from its clause is no cell.
bool numberBeforeGap(const RawPage& page, const Line& line) {
    std::string first;
    for (std::size_t i = 0; i < line.words.size() && !line.cellBefore[i]; ++i) {
        first += page.words[line.words[i]].text + " ";
    }
    return std::count(line.cellBefore.begin(), line.cellBefore.end(), true) == 1 &&
           listMarker(first + "x") == first.size();
}

/// A long first cell leaves a narrow gap: what begins exactly where the cells of a neighbouring row
/// do is a cell all the same.
bool takeCellsFrom(const RawPage& page, Line& line, const std::vector<float>& starts) {
    bool any = false;
    for (std::size_t i = 1; i < line.words.size(); ++i) {
        const RawWord& word = page.words[line.words[i]];
        const float gap = word.left - page.words[line.words[i - 1]].right;
        if (!line.cellBefore[i] && gap > kNarrowCell * line.height &&
            contains(starts, word.left, 0.1F * line.height)) {
            line.cellBefore[i] = true;
            any = true;
        }
    }
    return any;
}

void markRows(const RawPage& page, std::vector<Line>& lines, std::vector<TextLine>& texts) {
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const Line& line = lines[i];
        const auto starts = cellStarts(page, line);
        const auto beside = [&](std::size_t k) {
            const auto others = k < lines.size() && lines[k].region == line.region
                                    ? cellStarts(page, lines[k])
                                    : std::vector<float>();
            return std::any_of(starts.begin(), starts.end(),
                               [&](float s) { return contains(others, s, 2 * line.height); });
        };
        bool shared = false;
        for (std::size_t away = 1; away <= kNeighbours && !shared; ++away) {
            shared = beside(i + away) || beside(i - away);
        }
        // One line with a gap before nearly every word is set wide, not in cells.
        const bool lone = starts.size() >= 2 && line.words.size() > 3 * starts.size() / 2 + 2;
        texts[i].isRow = !starts.empty() && (shared || lone) && !numberBeforeGap(page, line);
    }
    const auto spread = [&](std::size_t from, std::size_t to) {
        if (to < lines.size() && texts[from].isRow && !texts[to].isRow &&
            lines[from].region == lines[to].region && lines[to].direction == Direction::Right &&
            takeCellsFrom(page, lines[to], cellStarts(page, lines[from]))) {
            texts[to].isRow = !numberBeforeGap(page, lines[to]);
        }
    };
    for (std::size_t i = 0; i < lines.size(); ++i) {
        spread(i, i + 1);
    }
    for (std::size_t i = lines.size(); i-- > 1;) {
        spread(i, i - 1);
    }
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto starts = cellStarts(page, lines[i]);
        texts[i].lastCell = texts[i].isRow && !starts.empty() ? starts.back() : -1;
    }
}

/// Lines of the same size at the usual distance, neither of them in a table.
Join joinProse(const TextLine& first, const TextLine& a, const TextLine& b, bool full,
               float height) {
    const Line& upper = *a.line;
    const Line& lower = *b.line;
    const bool ended = endsSentence(a.text);
    const bool isMarked = listMarker(b.text) > 0;
    if (!full) {
        const bool heading = headingLevel(a.text).has_value() != headingLevel(b.text).has_value();
        const bool item = listMarker(a.text) > 0 && !startsLower(b.text);
        if (heading || isMarked || (ended && !startsLower(b.text)) ||
            !sameAlignment(upper, lower, height)) {
            return Join::Block;
        }
        return goesOn(a, b) ? wrapped(a, b) : item ? Join::Block : Join::Break;
    }
    const float indent = lower.u0 - upper.u0;
    const bool hanging = first.line == a.line && listMarker(a.text) > 0;
    const bool indented = indent > kIndent * height && !hanging;
    const bool outdented = indent < -kIndent * height && first.line != a.line;
    const bool begins = (isMarked && !hanging) || startsDefinition(b.text);
    return ended && (indented || outdented || begins) ? Join::Block : wrapped(a, b);
}

} // namespace

std::string_view gapBefore(const RawPage& page, const TextLine& line, std::size_t index) {
    if (index == 0) {
        return "";
    }
    if (line.line->cellBefore[index]) {
        return line.isRow ? "\t" : " ";
    }
    const std::uint32_t here = line.line->words[index], before = line.line->words[index - 1];
    const RawWord& a = page.words[before];
    const RawWord& b = page.words[here];
    float gap = 0;
    switch (b.direction) {
    case Direction::Right:
    case Direction::Left:
        gap = std::max(b.left - a.right, a.left - b.right); // on whichever side it stands
        break;
    case Direction::Down:
        gap = b.top - a.bottom;
        break;
    case Direction::Up:
        gap = a.top - b.bottom;
        break;
    }
    if (a.line == b.line && here == before + 1) {
        return a.spaceAfter || gap > kBlank * line.line->height ? " " : "";
    }
    return gap > kTouching * line.line->height ? " " : "";
}

std::vector<TextLine> textLines(const RawPage& page, std::vector<Line>& lines) {
    std::vector<TextLine> result(lines.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
        result[i].line = &lines[i];
    }
    markRows(page, lines, result);
    for (TextLine& text : result) {
        const Line& line = *text.line;
        for (std::size_t i = 0; i < line.words.size(); ++i) {
            text.text += gapBefore(page, text, i);
            text.text += page.words[line.words[i]].text;
        }
        const RawWord& first = page.words[line.words.front()];
        const bool vertical =
            first.direction == Direction::Down || first.direction == Direction::Up;
        text.firstWordWidth = vertical ? first.bottom - first.top : first.right - first.left;
        text.softHyphen = page.words[line.words.back()].softHyphen;
    }
    return result;
}

float usualPitch(const std::vector<TextLine>& lines) {
    std::vector<float> pitches;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        const Line& a = *lines[i - 1].line;
        const Line& b = *lines[i].line;
        if (a.region == b.region && sameHeight(a, b) && b.height > 0) {
            pitches.push_back((lines[i].middle() - lines[i - 1].middle()) / b.height);
        }
    }
    if (pitches.empty()) {
        return kPlainPitch;
    }
    // Lines within paragraphs stand closer than paragraphs: a low percentile finds them even on a
    // page of one-line paragraphs.
    const auto low = pitches.begin() + static_cast<std::ptrdiff_t>(pitches.size() * 3 / 10);
    std::nth_element(pitches.begin(), low, pitches.end());
    return std::max(*low, 0.9F);
}

Join joinOf(const TextLine& first, const TextLine& a, const TextLine& b, float pitch) {
    const Line& upper = *a.line;
    const Line& lower = *b.line;
    if (upper.direction != lower.direction) {
        return Join::Block;
    }
    if (upper.tableRow != 0 && upper.tableRow == lower.tableRow) {
        return upper.region == lower.region ? wrapped(a, b) : Join::Cell;
    }
    if (upper.tableRow != lower.tableRow) {
        return Join::Block;
    }
    if (upper.region != lower.region) {
        return Join::Column;
    }
    const float height = std::max(upper.height, lower.height);
    if (!sameHeight(upper, lower)) {
        return Join::Block;
    }
    if (b.middle() - a.middle() > kParagraphGap * pitch * height) {
        const bool cut =
            startsLower(b.text) && !endsSentence(a.text) && (isFull(a, b) || goesOn(a, b));
        return cut && !a.isRow && !b.isRow ? wrapped(a, b) : Join::Block;
    }
    if (first.isRow || b.isRow) {
        const bool wrappedCell = !b.isRow && first.lastCell > upper.columnLeft + 2 * height &&
                                 std::abs(lower.u0 - first.lastCell) < 0.5F * height;
        return wrappedCell ? wrapped(a, b) : first.isRow && b.isRow ? Join::Row : Join::Block;
    }
    if (isRule(a.text) || isRule(b.text)) {
        return Join::Break;
    }
    return joinProse(first, a, b, isFull(a, b), height);
}

} // namespace dossier::ingest::readers
