// SPDX-License-Identifier: Apache-2.0
// The pre-tokeniser of DeepSeek-V4 as hand-made code: cuts text into the pieces that BPE then
// merges within. Equal to applying, one after the other and each within the pieces of the one
// before, the three Split patterns of its tokenizer.json, matches and the gaps between them being
// pieces:
//   1. \p{N}{1,3}
//   2. [U+4E00-U+9FA5 U+3040-U+309F U+30A0-U+30FF]+
//   3. [ASCII punctuation][A-Za-z]+ | [^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+ | ?[\p{P}\p{S}]+[\r\n]*
//      | \s*[\r\n]+ | \s+(?!\S) | \s+
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/tokenizer/unicode_classes.h"

namespace dossier::engine {

class PieceScanner {
  public:
    /// Whether these Split patterns, in the spelling of a tokenizer.json, are the three above.
    static bool handles(std::span<const std::string> patterns);

    explicit PieceScanner(std::string_view text)
        : m_classes(UnicodeClasses::instance()),
          m_at(reinterpret_cast<const std::uint8_t*>(text.data())),
          m_end(m_at + text.size()) {}

    /// The next piece, never empty; an empty view at the end. The pieces joined are the text.
    std::string_view next() {
        if (m_at == m_end) {
            return {};
        }
        const std::uint8_t* const begin = m_at;
        m_at = pieceEnd(begin);
        return {reinterpret_cast<const char*>(begin), static_cast<std::size_t>(m_at - begin)};
    }
    const char* position() const { return reinterpret_cast<const char*>(m_at); }

  private:
    const std::uint8_t* pieceEnd(const std::uint8_t* p) const;
    const std::uint8_t* afterNumbers(const std::uint8_t* p) const;
    const std::uint8_t* afterSpaces(const std::uint8_t* p) const;
    const std::uint8_t* afterOthers(const std::uint8_t* p, std::uint32_t cjk) const;
    const std::uint8_t* afterPunctuation(const std::uint8_t* p, std::uint32_t cjk) const;
    /// Skips characters that have one of the `wanted` bits and are on the same side of pattern 2.
    const std::uint8_t* run(const std::uint8_t* p, std::uint32_t wanted, std::uint32_t cjk) const;
    /// Bits of the character at p as pattern 3 sees it: kSegmentEnd where patterns 1 and 2 cut.
    std::uint32_t peek(const std::uint8_t* p, std::uint32_t cjk) const;

    const UnicodeClasses& m_classes;
    const std::uint8_t* m_at;
    const std::uint8_t* m_end;
};

} // namespace dossier::engine
