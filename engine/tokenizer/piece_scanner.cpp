// SPDX-License-Identifier: Apache-2.0
#include "engine/tokenizer/piece_scanner.h"

namespace dossier::engine {
namespace {

constexpr std::uint32_t kSegmentEnd = 1U << 16;
constexpr std::uint32_t kWord = kLetter | kMark;

/// tokenizer.json files write line ends inside the pattern either raw or as \r and \n.
std::string withEscapedLineEnds(std::string_view pattern) {
    std::string out;
    for (const char c : pattern) {
        if (c == '\r') {
            out += "\\r";
        } else if (c == '\n') {
            out += "\\n";
        } else {
            out += c;
        }
    }
    return out;
}

} // namespace

bool PieceScanner::handles(std::span<const std::string> patterns) {
    static const std::string expected[] = {
        R"(\p{N}{1,3})", "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+",
        R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|)"
        R"( ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
    if (patterns.size() != std::size(expected)) {
        return false;
    }
    for (std::size_t i = 0; i < patterns.size(); ++i) {
        if (withEscapedLineEnds(patterns[i]) != expected[i]) {
            return false;
        }
    }
    return true;
}

std::uint32_t PieceScanner::peek(const std::uint8_t* p, std::uint32_t cjk) const {
    if (p == m_end) {
        return kSegmentEnd;
    }
    const std::uint32_t bits = m_classes.at(p, m_end).bits;
    return (bits & kNumber) != 0 || (bits & kCjk) != cjk ? kSegmentEnd : bits;
}

const std::uint8_t* PieceScanner::run(const std::uint8_t* p, std::uint32_t wanted,
                                      std::uint32_t cjk) const {
    while (p != m_end) {
        const CharAt c = m_classes.at(p, m_end);
        if ((c.bits & wanted) == 0 || (c.bits & kCjk) != cjk) {
            break;
        }
        p += c.length;
    }
    return p;
}

const std::uint8_t* PieceScanner::afterNumbers(const std::uint8_t* p) const {
    for (int i = 0; i < 3 && p != m_end; ++i) {
        const CharAt c = m_classes.at(p, m_end);
        if ((c.bits & kNumber) == 0) {
            break;
        }
        p += c.length;
    }
    return p;
}

const std::uint8_t* PieceScanner::afterPunctuation(const std::uint8_t* p, std::uint32_t cjk) const {
    p = run(p, kPunctuationSymbol, cjk);
    return cjk != 0 ? p : run(p, kLineEnd, 0);
}

const std::uint8_t* PieceScanner::afterSpaces(const std::uint8_t* p) const {
    const std::uint8_t* const first = p;
    const std::uint8_t* afterLineEnd = nullptr;
    const std::uint8_t* last = p;
    while (p != m_end) {
        const CharAt c = m_classes.at(p, m_end);
        if ((c.bits & kSpace) == 0) {
            break;
        }
        last = p;
        p += c.length;
        if ((c.bits & kLineEnd) != 0) {
            afterLineEnd = p;
        }
    }
    if (afterLineEnd != nullptr) {
        return afterLineEnd; // \s*[\r\n]+
    }
    if (last == first || peek(p, 0) == kSegmentEnd) {
        return p; // one space alone, or \s+(?!\S) at the end
    }
    return last; // \s+(?!\S) leaves one space for the word that follows
}

const std::uint8_t* PieceScanner::afterOthers(const std::uint8_t* p, std::uint32_t cjk) const {
    // No alternative matches such a character unless a word follows, so it belongs to a gap.
    for (;;) {
        p += m_classes.at(p, m_end).length;
        if (peek(p, cjk) != cjk) {
            return p;
        }
        if ((peek(p + m_classes.at(p, m_end).length, cjk) & kWord) != 0) {
            return p;
        }
    }
}

const std::uint8_t* PieceScanner::pieceEnd(const std::uint8_t* p) const {
    const CharAt c = m_classes.at(p, m_end);
    const std::uint32_t cjk = c.bits & kCjk;
    const std::uint8_t* const second = p + c.length;
    if ((c.bits & kWord) != 0) {
        return run(second, kWord, cjk);
    }
    if ((c.bits & kNumber) != 0) {
        return afterNumbers(p);
    }
    const std::uint32_t next = peek(second, cjk);
    if ((c.bits & kPunctuationSymbol) != 0) {
        if (c.length == 1 && (next & kAsciiLetter) != 0) {
            return run(second, kAsciiLetter, 0);
        }
        return afterPunctuation(second, cjk);
    }
    if ((c.bits & kLineEnd) != 0) {
        return afterSpaces(p);
    }
    if ((next & kWord) != 0) {
        return run(second, kWord, cjk);
    }
    if (*p == ' ' && (next & kPunctuationSymbol) != 0) {
        return afterPunctuation(second, cjk);
    }
    return (c.bits & kSpace) != 0 ? afterSpaces(p) : afterOthers(p, cjk);
}

} // namespace dossier::engine
