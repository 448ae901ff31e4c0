// SPDX-License-Identifier: GPL-3.0-or-later
// The Unicode bidirectional algorithm says how text is displayed; this goes the other way, with the
// few of its rules that matter for print: letters, numbers, and what stands between them.
#include "ingest/readers/pdf/bidi.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "ingest/document/utf8.h"

namespace dossier::ingest::readers {
namespace {

constexpr std::uint16_t kWholeWord = 65535;
constexpr float kWordGap = 1.5F; ///< heights; the widest blank within a line, narrower than gutters

enum class Writing : std::uint8_t { LeftToRight, RightToLeft, Number, Neutral };

struct Character {
    char32_t value = 0;
    Writing kind = Writing::Neutral;
    std::uint16_t begin = 0, end = 0; ///< shares of its word, from the left
};

bool isRightToLeftLetter(char32_t c) {
    return (c >= 0x0590 && c <= 0x08FF && !(c >= 0x0660 && c <= 0x066C) &&
            !(c >= 0x06F0 && c <= 0x06F9)) ||
           (c >= 0xFB1D && c <= 0xFDFF) || (c >= 0xFE70 && c <= 0xFEFC);
}

bool isNumeral(char32_t c) {
    return (c >= '0' && c <= '9') || (c >= 0x0660 && c <= 0x066C) || (c >= 0x06F0 && c <= 0x06F9);
}

Writing writingOf(char32_t c) {
    constexpr std::u32string_view kNeutral = U"!\"#&'()*+,-./:;<=>?@[\\]^_`{|}~\u00A7\u00AB\u00B7"
                                             U"\u00BB\u2022";
    const bool punctuation = (c >= 0x2010 && c <= 0x205E) || (c >= 0x3001 && c <= 0x301F);
    return isRightToLeftLetter(c) ? Writing::RightToLeft
           : isNumeral(c) || c == '%' || c == '$' || (c >= 0x20A0 && c <= 0x20CF) ? Writing::Number
           : punctuation || kNeutral.find(c) != std::u32string_view::npos         ? Writing::Neutral
                                                                          : Writing::LeftToRight;
}

char32_t mirrored(char32_t c) {
    constexpr std::u32string_view kPairs = U"()[]{}<>\u00AB\u00BB\u2039\u203A";
    const std::size_t at = kPairs.find(c);
    return at == std::u32string_view::npos ? c : kPairs[at ^ 1];
}

std::vector<Character> charactersOf(const RawWord& word) {
    std::vector<Character> characters;
    for (std::size_t at = 0, i = 0; at < word.text.size(); ++i) {
        const auto c = utf8::decode(word.text, at);
        at += c.length;
        const std::uint16_t end = i + 1 < word.edges.size() ? word.edges[i + 1] : kWholeWord;
        characters.push_back({c.value, writingOf(c.value), word.edges[i], end});
    }
    // "1,000.50" and "12/2020" are one number.
    for (std::size_t i = 1; i + 1 < characters.size(); ++i) {
        const bool inNumber =
            characters[i - 1].kind == Writing::Number && characters[i + 1].kind == Writing::Number;
        if (inNumber &&
            std::u32string_view(U".,/:-").find(characters[i].value) != std::u32string_view::npos) {
            characters[i].kind = Writing::Number;
        }
    }
    return characters;
}

/// A part of a word whose characters are of one kind, and how it is read.
struct Piece {
    RawWord word;
    std::vector<Character> characters;
    Writing kind = Writing::Neutral;
    bool rightToLeft = false; ///< in a run of right-to-left letters; numbers in it, too
};

/// [first, last) of a word's characters.
Piece pieceOf(const RawWord& whole, const std::vector<Character>& characters, std::size_t first,
              std::size_t last) {
    Piece piece;
    piece.kind = characters[first].kind;
    piece.characters.assign(characters.begin() + static_cast<std::ptrdiff_t>(first),
                            characters.begin() + static_cast<std::ptrdiff_t>(last));
    piece.word = whole;
    const float width = whole.right - whole.left;
    const auto place = [&](std::uint16_t share) {
        return whole.left + width * static_cast<float>(share) / static_cast<float>(kWholeWord);
    };
    const std::uint16_t from = characters[first].begin, to = characters[last - 1].end;
    piece.word.left = place(from);
    piece.word.right = place(to);
    for (Character& c : piece.characters) {
        const auto share = [&](std::uint16_t edge) {
            // In 64 bits: the product of two shares is larger than an int.
            return to > from ? static_cast<std::uint16_t>(std::int64_t{edge - from} * kWholeWord /
                                                          (to - from))
                             : std::uint16_t{0};
        };
        c = {c.value, c.kind, share(c.begin), share(c.end)};
    }
    piece.word.spaceAfter = whole.spaceAfter && last == characters.size();
    piece.word.softHyphen = whole.softHyphen && last == characters.size();
    return piece;
}

/// Cuts words where the kind changes; what is neutral stands alone, since it may go with either.
std::vector<Piece> piecesOf(const std::vector<RawWord>& line) {
    std::vector<Piece> pieces;
    for (const RawWord& word : line) {
        const auto characters = charactersOf(word);
        for (std::size_t i = 0; i < characters.size();) {
            std::size_t end = i + 1;
            while (end < characters.size() && characters[end].kind == characters[i].kind &&
                   characters[i].kind != Writing::Neutral) {
                ++end;
            }
            pieces.push_back(pieceOf(word, characters, i, end));
            i = end;
        }
    }
    return pieces;
}

/// What stands between two pieces of the run's own kind belongs to the run; to Latin letters so
/// does a number behind them ("Model 7").
void fillRuns(std::vector<Piece>& pieces, bool rightToLeft) {
    const Writing letters = rightToLeft ? Writing::RightToLeft : Writing::LeftToRight;
    const Writing others = rightToLeft ? Writing::LeftToRight : Writing::RightToLeft;
    std::size_t last = pieces.size();
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        if (pieces[i].kind == others) {
            last = pieces.size();
        } else if (const bool behind =
                       !rightToLeft && last < i && pieces[i].kind == Writing::Number;
                   behind || pieces[i].kind == letters) {
            for (std::size_t k = std::min(last, i); k <= i; ++k) {
                pieces[k].rightToLeft = rightToLeft;
            }
            last = i;
        }
    }
}

/// The word of a piece as it is read.
RawWord readWord(Piece piece, bool lineIsRightToLeft) {
    RawWord word = std::move(piece.word);
    const bool reversed = piece.rightToLeft && piece.kind != Writing::Number;
    word.direction = lineIsRightToLeft ? Direction::Left : Direction::Right;
    word.characters = reversed ? Direction::Left : Direction::Right;
    word.againstLine = piece.rightToLeft != lineIsRightToLeft;
    if (reversed) {
        std::reverse(piece.characters.begin(), piece.characters.end());
    }
    word.text.clear();
    word.edges.clear();
    for (const Character& c : piece.characters) {
        utf8::append(word.text, reversed ? mirrored(c.value) : c.value);
        word.edges.push_back(reversed ? static_cast<std::uint16_t>(kWholeWord - c.end) : c.begin);
    }
    return word;
}

/// `line`: from left to right.
std::vector<RawWord> lineAsRead(const std::vector<RawWord>& line) {
    std::vector<Piece> pieces = piecesOf(line);
    std::size_t leftToRight = 0, rightToLeft = 0;
    for (const Piece& piece : pieces) {
        leftToRight += piece.kind == Writing::LeftToRight ? piece.characters.size() : 0;
        rightToLeft += piece.kind == Writing::RightToLeft ? piece.characters.size() : 0;
    }
    const bool fromRight = rightToLeft > leftToRight;
    for (Piece& piece : pieces) {
        piece.rightToLeft = fromRight;
    }
    fillRuns(pieces, !fromRight);
    std::vector<RawWord> words;
    for (Piece& piece : pieces) {
        words.push_back(readWord(std::move(piece), fromRight));
    }
    if (fromRight) {
        std::reverse(words.begin(), words.end());
        for (std::size_t i = 0; i < words.size(); ++i) {
            words[i].spaceAfter = i + 1 < words.size() && words[i + 1].spaceAfter;
        }
    }
    return words;
}

bool hasRightToLeft(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto c = utf8::decode(text, at);
        if (isRightToLeftLetter(c.value)) {
            return true;
        }
        at += c.length;
    }
    return false;
}

/// A line of Poppler's: words [first, last).
struct Strand {
    std::size_t first = 0, last = 0;
    float left = 0, right = 0, top = 0, bottom = 0;
    float middle() const { return (top + bottom) / 2; }
    float height() const { return bottom - top; }
};

/// Lines whose letters stand upright; turned ones are not known well enough.
std::vector<Strand> strandsOf(const RawPage& page) {
    std::vector<Strand> strands;
    for (std::size_t i = 0; i < page.words.size(); ++i) {
        const RawWord& word = page.words[i];
        if (word.direction != Direction::Right) {
            continue;
        }
        if (strands.empty() || strands.back().last != i || page.words[i - 1].line != word.line) {
            strands.push_back({i, i + 1, word.left, word.right, word.top, word.bottom});
            continue;
        }
        Strand& strand = strands.back();
        strand = {strand.first,
                  i + 1,
                  std::min(strand.left, word.left),
                  std::max(strand.right, word.right),
                  std::min(strand.top, word.top),
                  std::max(strand.bottom, word.bottom)};
    }
    return strands;
}

/// Poppler ends a line at a wide blank; for the direction all of it counts. Spans that go on in
/// each other, from left to right.
std::vector<std::vector<Strand>> wholeLines(std::vector<Strand> strands) {
    std::sort(strands.begin(), strands.end(), [](const Strand& a, const Strand& b) {
        return a.middle() != b.middle() ? a.middle() < b.middle() : a.left < b.left;
    });
    std::vector<std::vector<Strand>> lines;
    for (std::size_t first = 0; first < strands.size();) {
        std::size_t last = first + 1;
        while (last < strands.size() && strands[last].middle() < strands[first].bottom &&
               strands[last].top < strands[first].middle()) {
            ++last;
        }
        std::sort(strands.begin() + static_cast<std::ptrdiff_t>(first),
                  strands.begin() + static_cast<std::ptrdiff_t>(last),
                  [](const Strand& a, const Strand& b) { return a.left < b.left; });
        for (std::size_t i = first; i < last; ++i) {
            const float gap = i > first ? strands[i].left - strands[i - 1].right : 0;
            const float height = strands[i].height();
            if (i == first || gap > kWordGap * height || gap < -height) {
                lines.emplace_back();
            }
            lines.back().push_back(strands[i]);
        }
        first = last;
    }
    return lines;
}

} // namespace

void findDirections(RawPage& page) {
    if (std::none_of(page.words.begin(), page.words.end(),
                     [](const RawWord& word) { return hasRightToLeft(word.text); })) {
        return;
    }
    std::vector<bool> moved(page.words.size());
    std::vector<RawWord> words;
    for (const std::vector<Strand>& strands : wholeLines(strandsOf(page))) {
        std::vector<RawWord> line;
        for (const Strand& strand : strands) {
            line.insert(line.end(), page.words.begin() + static_cast<std::ptrdiff_t>(strand.first),
                        page.words.begin() + static_cast<std::ptrdiff_t>(strand.last));
        }
        if (std::none_of(line.begin(), line.end(),
                         [](const RawWord& word) { return hasRightToLeft(word.text); })) {
            continue;
        }
        for (const Strand& strand : strands) {
            std::fill(moved.begin() + static_cast<std::ptrdiff_t>(strand.first),
                      moved.begin() + static_cast<std::ptrdiff_t>(strand.last), true);
        }
        for (RawWord& word : line) {
            word.line = page.words[strands.front().first].line;
        }
        line = lineAsRead(line);
        std::move(line.begin(), line.end(), std::back_inserter(words));
    }
    for (std::size_t i = 0; i < page.words.size(); ++i) {
        if (!moved[i]) {
            words.push_back(std::move(page.words[i]));
        }
    }
    page.words = std::move(words);
}

void orderAsRead(const RawPage& page, std::vector<std::uint32_t>& words,
                 const std::vector<bool>& cellBefore) {
    for (std::size_t i = 0; i < words.size();) {
        std::size_t end = i + 1;
        if (page.words[words[i]].againstLine) {
            while (end < words.size() && page.words[words[end]].againstLine && !cellBefore[end]) {
                ++end;
            }
            std::reverse(words.begin() + static_cast<std::ptrdiff_t>(i),
                         words.begin() + static_cast<std::ptrdiff_t>(end));
        }
        i = end;
    }
}

} // namespace dossier::ingest::readers
