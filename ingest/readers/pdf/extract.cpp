// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/pdf/extract.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include <poppler-qt6.h>

#include "ingest/document/utf8.h"
#include "ingest/readers/pdf/bidi.h"

namespace dossier::ingest::readers {
namespace {

constexpr float kEdgeScale = 65535.0F;
constexpr char32_t kSoftHyphen = 0x00AD;

/// A character with the place where it begins, as a share of its word's length.
struct Glyph {
    char32_t character;
    float start;
};

bool isSpace(char32_t c) {
    return c == ' ' || c == 0xA0 || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v' ||
           c == 0x85 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
}

bool isInvisible(char32_t c) {
    return (c >= 0x200B && c <= 0x200F) || c == 0x2060 || c == 0xFEFF ||
           (c >= 0x202A && c <= 0x202E);
}

bool isControl(char32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

/// Characters that Unicode defines as equal to another one. Fonts made from glyph names say U+037E,
/// the Greek question mark, for every semicolon.
char32_t canonical(char32_t c) {
    switch (c) {
    case 0x037E:
        return U';';
    case 0x0387:
        return U'\u00B7';
    case 0x2126:
        return U'\u03A9';
    case 0x212A:
        return U'K';
    case 0x212B:
        return U'\u00C5';
    default:
        return c;
    }
}

/// What a ligature or a shape of an Arabic letter stands for, from left to right; empty for all
/// other characters. Poppler takes most ligatures apart itself, with one place for each letter.
std::u32string lettersOf(char32_t c) {
    const bool latin = c >= 0xFB00 && c <= 0xFB06;
    const bool rightToLeft = (c >= 0xFB1D && c <= 0xFDFF) || (c >= 0xFE80 && c <= 0xFEFC);
    if (!latin && !rightToLeft) {
        return {};
    }
    auto letters =
        QString::fromUcs4(&c, 1).normalized(QString::NormalizationForm_KC).toStdU32String();
    if (rightToLeft) {
        std::reverse(letters.begin(), letters.end());
    }
    return letters;
}

/// Direction from the way its characters go; a word of one character says nothing.
Direction directionOf(const Poppler::TextBox& box, int count) {
    if (count < 2) {
        return Direction::Right;
    }
    const QPointF d = box.charBoundingBox(count - 1).center() - box.charBoundingBox(0).center();
    if (std::abs(d.x()) >= std::abs(d.y())) {
        return d.x() >= 0 ? Direction::Right : Direction::Left;
    }
    return d.y() >= 0 ? Direction::Down : Direction::Up;
}

float startOf(const QRectF& character, const QRectF& word, Direction direction) {
    const auto share = [](double part, double whole) {
        return whole > 0 ? static_cast<float>(std::clamp(part / whole, 0.0, 1.0)) : 0.0F;
    };
    switch (direction) {
    case Direction::Right:
        return share(character.left() - word.left(), word.width());
    case Direction::Left:
        return share(word.right() - character.right(), word.width());
    case Direction::Down:
        return share(character.top() - word.top(), word.height());
    case Direction::Up:
        return share(word.bottom() - character.bottom(), word.height());
    }
    return 0;
}

std::vector<Glyph> glyphsOf(const Poppler::TextBox& box, const QRectF& frame, Direction direction) {
    std::vector<Glyph> glyphs;
    const auto text = box.text().toStdU32String();
    const int count = static_cast<int>(text.size());
    for (int i = 0; i < count; ++i) {
        const float start = startOf(box.charBoundingBox(i), frame, direction);
        char32_t c = text[static_cast<std::size_t>(i)];
        if (isInvisible(c)) {
            continue;
        }
        const std::u32string parts = lettersOf(c);
        if (parts.empty()) {
            glyphs.push_back(
                {isControl(c) && !isSpace(c) ? utf8::kReplacement : canonical(c), start});
            continue;
        }
        const float end =
            i + 1 < count ? startOf(box.charBoundingBox(i + 1), frame, direction) : 1.0F;
        for (std::size_t k = 0; k < parts.size(); ++k) {
            const float share = static_cast<float>(k) / static_cast<float>(parts.size());
            glyphs.push_back({parts[k], start + share * (end - start)});
        }
    }
    // Poppler can report characters out of order by a hair; edges must ascend to be cut at.
    for (std::size_t i = 1; i < glyphs.size(); ++i) {
        glyphs[i].start = std::max(glyphs[i].start, glyphs[i - 1].start);
    }
    return glyphs;
}

/// The part [first, last) of a word's glyphs as a word of its own.
RawWord wordOf(const std::vector<Glyph>& glyphs, std::size_t first, std::size_t last,
               const QRectF& frame, Direction direction) {
    RawWord word;
    word.direction = word.characters = direction;
    if (glyphs[last - 1].character == kSoftHyphen) {
        word.softHyphen = true;
    }
    const float from = glyphs[first].start;
    const float to = last < glyphs.size() ? glyphs[last].start : 1.0F;
    for (std::size_t i = first; i < last; ++i) {
        if (glyphs[i].character == kSoftHyphen) {
            continue;
        }
        utf8::append(word.text, glyphs[i].character);
        const float share = to > from ? (glyphs[i].start - from) / (to - from) : 0;
        word.edges.push_back(static_cast<std::uint16_t>(std::lround(share * kEdgeScale)));
    }
    const auto left = static_cast<float>(frame.left()), right = static_cast<float>(frame.right());
    const auto top = static_cast<float>(frame.top()), bottom = static_cast<float>(frame.bottom());
    word.left = left, word.right = right, word.top = top, word.bottom = bottom;
    switch (direction) {
    case Direction::Right:
        word.left = left + from * (right - left), word.right = left + to * (right - left);
        break;
    case Direction::Left:
        word.right = right - from * (right - left), word.left = right - to * (right - left);
        break;
    case Direction::Down:
        word.top = top + from * (bottom - top), word.bottom = top + to * (bottom - top);
        break;
    case Direction::Up:
        word.bottom = bottom - from * (bottom - top), word.top = bottom - to * (bottom - top);
        break;
    }
    return word;
}

void addWords(RawPage& page, const Poppler::TextBox& box, std::uint32_t line, bool endsLine) {
    const QRectF frame = box.boundingBox().normalized();
    const bool finite = std::isfinite(frame.left()) && std::isfinite(frame.right()) &&
                        std::isfinite(frame.top()) && std::isfinite(frame.bottom());
    const int count = static_cast<int>(box.text().toStdU32String().size());
    if (!finite || count == 0) {
        return;
    }
    const Direction direction = directionOf(box, count);
    const auto glyphs = glyphsOf(box, frame, direction);
    // Blanks inside what Poppler calls a word (no-break spaces) end words of ours.
    for (std::size_t i = 0; i < glyphs.size();) {
        if (isSpace(glyphs[i].character)) {
            ++i;
            continue;
        }
        std::size_t end = i;
        while (end < glyphs.size() && !isSpace(glyphs[end].character)) {
            ++end;
        }
        RawWord word = wordOf(glyphs, i, end, frame, direction);
        word.line = line;
        word.spaceAfter = end < glyphs.size() || (box.hasSpaceAfter() && !endsLine);
        if (!word.text.empty()) {
            page.words.push_back(std::move(word));
        }
        i = end;
    }
}

/// A word of one character goes where its neighbours on the line go.
void settleDirections(RawPage& page) {
    for (std::size_t i = 0; i < page.words.size(); ++i) {
        RawWord& word = page.words[i];
        if (word.edges.size() > 1) {
            continue;
        }
        for (const std::size_t neighbour : {i + 1, i - 1}) {
            if (neighbour < page.words.size() && page.words[neighbour].line == word.line &&
                page.words[neighbour].edges.size() > 1) {
                word.direction = page.words[neighbour].direction;
                break;
            }
        }
        word.characters = word.direction;
    }
}

} // namespace

RawPage extractPage(const Poppler::Page& page, std::uint32_t index, const std::string& fileName,
                    const Job& job) {
    RawPage result;
    const QSizeF size = page.pageSizeF();
    result.width = static_cast<float>(size.width());
    result.height = static_cast<float>(size.height());
    const auto stopped = [](const QVariant& closure) {
        return static_cast<const Job*>(closure.value<const void*>())->stopped();
    };
    const auto boxes = page.textList(Poppler::Page::Rotate0, stopped,
                                     QVariant::fromValue(static_cast<const void*>(&job)));
    if (job.stopped()) {
        throw Error(ErrorCode::Cancelled, "Reading was stopped");
    }
    if (boxes.size() > job.limits().wordsPerPage) {
        throw Error(ErrorCode::TooLarge,
                    "Page " + std::to_string(index + 1) + " of " + fileName + " has more than " +
                        std::to_string(job.limits().wordsPerPage) + " words",
                    "Split the file, or print it to a new PDF");
    }
    result.words.reserve(boxes.size());
    std::uint32_t line = 0;
    const Poppler::TextBox* expected = nullptr;
    for (const auto& box : boxes) {
        if (box.get() != expected) {
            ++line;
        }
        expected = box->nextWord();
        addWords(result, *box, line, expected == nullptr);
    }
    settleDirections(result);
    findDirections(result);
    return result;
}

} // namespace dossier::ingest::readers
