// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/document/document.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "ingest/document/utf8.h"

namespace dossier::ingest {
namespace {

constexpr float kEdgeScale = 65535.0F;
/// Words further apart than this many line heights are cells of a table, not one run of text.
constexpr float kRunGap = 4.0F;

bool isVertical(Direction direction) {
    return direction == Direction::Down || direction == Direction::Up;
}

/// Position in 0..1 along the word's direction -> page coordinate on that axis.
float along(const Word& word, float fraction) {
    const Box& b = word.box;
    switch (word.direction) {
    case Direction::Right:
        return b.left + fraction * (b.right - b.left);
    case Direction::Left:
        return b.right - fraction * (b.right - b.left);
    case Direction::Down:
        return b.top + fraction * (b.bottom - b.top);
    case Direction::Up:
        return b.bottom - fraction * (b.bottom - b.top);
    }
    return b.left;
}

std::span<const std::uint16_t> edgesOf(const Document& document, const Word& word) {
    return std::span(document.glyphEdges).subspan(word.firstEdge, word.edgeCount);
}

/// The part of the word's box that its characters [begin, end) of the text take.
Box partOf(const Document& document, const Word& word, TextRange range) {
    const std::uint64_t begin = std::max(range.begin, word.range.begin);
    const std::uint64_t end = std::min(range.end, word.range.end);
    if (word.edgeCount == 0 || (begin == word.range.begin && end == word.range.end)) {
        return word.box;
    }
    const std::string_view text = document.text;
    const auto edges = edgesOf(document, word);
    const std::size_t first = utf8::length(text.substr(word.range.begin, begin - word.range.begin));
    const std::size_t last = first + utf8::length(text.substr(begin, end - begin));
    const auto at = [&](std::size_t glyph) {
        return along(word,
                     glyph < edges.size() ? static_cast<float>(edges[glyph]) / kEdgeScale : 1.0F);
    };
    const auto [low, high] = std::minmax({at(first), at(last)});
    Box box = word.box;
    (isVertical(word.direction) ? box.top : box.left) = low;
    (isVertical(word.direction) ? box.bottom : box.right) = high;
    return box;
}

/// A box seen along its direction: `start` to `end` in reading order, `low` to `high` across it.
struct Strip {
    float start, end, low, high;
};

Strip stripOf(const Box& box, Direction direction) {
    switch (direction) {
    case Direction::Right:
        return {box.left, box.right, box.top, box.bottom};
    case Direction::Left:
        return {-box.right, -box.left, box.top, box.bottom};
    case Direction::Down:
        return {box.top, box.bottom, box.left, box.right};
    case Direction::Up:
        return {-box.bottom, -box.top, box.left, box.right};
    }
    return {};
}

bool continuesRun(const Box& run, const Box& next, Direction direction) {
    const Strip a = stripOf(run, direction);
    const Strip b = stripOf(next, direction);
    const float thickness = std::min(a.high - a.low, b.high - b.low);
    const float overlap = std::min(a.high, b.high) - std::max(a.low, b.low);
    const float gap = b.start - a.end;
    return overlap > 0.5F * thickness && b.start >= a.start &&
           gap < kRunGap * std::max(a.high - a.low, b.high - b.low);
}

void extend(Box& box, const Box& with) {
    box.left = std::min(box.left, with.left);
    box.top = std::min(box.top, with.top);
    box.right = std::max(box.right, with.right);
    box.bottom = std::max(box.bottom, with.bottom);
}

std::span<const Word> wordsOf(const Document& document, std::uint32_t page) {
    if (page >= document.pages.size()) {
        return {};
    }
    const Page& p = document.pages[page];
    return std::span(document.words).subspan(p.firstWord, p.wordCount);
}

/// Distance of a point from a word, across and along the word's line.
struct Distance {
    float across, along;
};

Distance distanceTo(const Word& word, float x, float y) {
    const auto outside = [](float low, float high, float value) {
        return value < low ? low - value : value > high ? value - high : 0.0F;
    };
    const float dx = outside(word.box.left, word.box.right, x);
    const float dy = outside(word.box.top, word.box.bottom, y);
    return isVertical(word.direction) ? Distance{dx, dy} : Distance{dy, dx};
}

/// The character boundary of the word that is nearest to the point.
std::uint64_t boundaryAt(const Document& document, const Word& word, float x, float y) {
    const float position = isVertical(word.direction) ? y : x;
    const auto edges = edgesOf(document, word);
    std::size_t best = 0;
    float bestDistance = std::numeric_limits<float>::max();
    const std::size_t count = edges.empty() ? 1 : edges.size();
    for (std::size_t i = 0; i <= count; ++i) {
        const float fraction = i == count      ? 1.0F
                               : edges.empty() ? 0.0F
                                               : static_cast<float>(edges[i]) / kEdgeScale;
        const float distance = std::abs(along(word, fraction) - position);
        if (distance < bestDistance) {
            bestDistance = distance;
            best = i;
        }
    }
    if (best == count) {
        return word.range.end;
    }
    const std::string_view text = document.text;
    return word.range.begin +
           utf8::offsetOf(text.substr(word.range.begin, word.range.size()), best);
}

} // namespace

std::string_view formatName(Format format) {
    constexpr std::array<std::string_view, 6> names{"pdf",      "docx", "html",
                                                    "markdown", "text", "code"};
    return names.at(static_cast<std::size_t>(format));
}

void indexLines(Document& document) {
    document.lineStarts.assign(1, 0);
    const std::string& text = document.text;
    for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) {
        // A final '\n' ends the last line, it does not begin another one.
        if (at + 1 < text.size()) {
            document.lineStarts.push_back(at + 1);
        }
    }
}

std::vector<PageBox> boxesOf(const Document& document, TextRange range) {
    std::vector<PageBox> boxes;
    if (range.empty()) {
        return boxes;
    }
    auto word =
        std::upper_bound(document.words.begin(), document.words.end(), range.begin,
                         [](std::uint64_t offset, const Word& w) { return offset < w.range.end; });
    Direction direction = Direction::Right;
    for (; word != document.words.end() && word->range.begin < range.end; ++word) {
        const Box box = partOf(document, *word, range);
        if (!boxes.empty() && boxes.back().page == word->page && direction == word->direction &&
            continuesRun(boxes.back().box, box, direction)) {
            extend(boxes.back().box, box);
        } else {
            boxes.push_back({word->page, box});
        }
        direction = word->direction;
    }
    return boxes;
}

std::optional<TextRange> rangeIn(const Document& document, std::uint32_t page, Box box) {
    std::optional<TextRange> range;
    for (const Word& word : wordsOf(document, page)) {
        const float x = (word.box.left + word.box.right) / 2;
        const float y = (word.box.top + word.box.bottom) / 2;
        if (x < box.left || x > box.right || y < box.top || y > box.bottom) {
            continue;
        }
        if (!range) {
            range = word.range;
        }
        range->end = word.range.end;
    }
    return range;
}

std::optional<std::uint64_t> offsetAt(const Document& document, std::uint32_t page, float x,
                                      float y) {
    const auto words = wordsOf(document, page);
    const Word* nearest = nullptr;
    Distance best{std::numeric_limits<float>::max(), std::numeric_limits<float>::max()};
    for (const Word& word : words) {
        const Distance d = distanceTo(word, x, y);
        if (d.across < best.across || (d.across == best.across && d.along < best.along)) {
            best = d;
            nearest = &word;
        }
    }
    if (nearest == nullptr) {
        return std::nullopt;
    }
    if (best.across > 0) {
        // The nearest line is found; now the nearest word of that line, which may stand a hair
        // lower.
        const Strip line = stripOf(nearest->box, nearest->direction);
        const float middle = (line.low + line.high) / 2;
        for (const Word& word : words) {
            const Strip s = stripOf(word.box, word.direction);
            const Distance d = distanceTo(word, x, y);
            if (word.direction == nearest->direction && s.low <= middle && s.high >= middle &&
                d.along < best.along) {
                best.along = d.along;
                nearest = &word;
            }
        }
    }
    return boundaryAt(document, *nearest, x, y);
}

std::optional<std::uint32_t> pageOf(const Document& document, std::uint64_t offset) {
    if (document.pages.empty()) {
        return std::nullopt;
    }
    const auto after = std::upper_bound(
        document.pages.begin(), document.pages.end(), offset,
        [](std::uint64_t value, const Page& page) { return value < page.range.begin; });
    const auto index = after - document.pages.begin();
    if (index == 0) {
        return 0;
    }
    // Pages without text are empty ranges at the place where the next page begins: the offset
    // belongs to the last page that begins at or before it, which is the one with the text.
    return static_cast<std::uint32_t>(index - 1);
}

std::uint64_t lineOf(const Document& document, std::uint64_t offset) {
    if (!document.lineStarts.empty()) {
        const auto after =
            std::upper_bound(document.lineStarts.begin(), document.lineStarts.end(), offset);
        return std::max<std::uint64_t>(
            1, static_cast<std::uint64_t>(after - document.lineStarts.begin()));
    }
    const std::size_t end = std::min<std::size_t>(offset, document.text.size());
    return 1 + static_cast<std::uint64_t>(
                   std::count(document.text.begin(),
                              document.text.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
}

TextRange lineRange(const Document& document, std::uint64_t line) {
    const std::string& text = document.text;
    const TextRange none{text.size(), text.size()};
    if (line == 0) {
        return none;
    }
    std::size_t begin = 0;
    if (!document.lineStarts.empty()) {
        if (line > document.lineStarts.size()) {
            return none;
        }
        begin = document.lineStarts[line - 1];
    } else {
        for (std::uint64_t i = 1; i < line; ++i) {
            begin = text.find('\n', begin);
            if (begin == std::string::npos || ++begin == text.size()) {
                return none;
            }
        }
    }
    return {begin, std::min(text.find('\n', begin), text.size())};
}

} // namespace dossier::ingest
