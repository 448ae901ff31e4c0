// SPDX-License-Identifier: Apache-2.0
// Classes of code points as the pre-tokeniser sees them, and reading them from UTF-8.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace dossier::engine {

/// Bits of a character's class. A character without bits (unassigned, control, format, private use,
/// or a byte that is not part of valid UTF-8) is "other".
enum CharBits : std::uint8_t {
    kLetter = 1,            ///< \p{L}
    kMark = 2,              ///< \p{M}
    kNumber = 4,            ///< \p{N}
    kPunctuationSymbol = 8, ///< \p{P} or \p{S}
    kSpace = 16,            ///< \s
    kLineEnd = 32,          ///< \r or \n (kSpace is set as well)
    kCjk = 64,              ///< U+4E00..9FA5, U+3040..30FF: a run of its own
    kAsciiLetter = 128,     ///< A-Z a-z (kLetter is set as well)
};

struct CharAt {
    std::uint32_t bits;
    std::uint32_t length; ///< bytes, at least 1
};

/// Two-stage table over all code points (about 45 KB), made once from the generated ranges.
class UnicodeClasses {
  public:
    static const UnicodeClasses& instance();

    std::uint8_t ascii(std::uint8_t byte) const { return m_blocks[byte]; }
    std::uint8_t of(std::uint32_t codePoint) const {
        return m_blocks[std::size_t{m_index[codePoint >> kShift]} << kShift |
                        (codePoint & kBlockMask)];
    }
    /// The character at `p` < `end`. An ill-formed byte is a character of its own without bits.
    CharAt at(const std::uint8_t* p, const std::uint8_t* end) const {
        if (*p < 0x80) {
            return {m_blocks[*p], 1};
        }
        return multiByte(p, end);
    }

  private:
    static constexpr std::uint32_t kShift = 7, kBlockMask = (1U << kShift) - 1;

    UnicodeClasses();
    CharAt multiByte(const std::uint8_t* p, const std::uint8_t* end) const {
        const auto tail = [](std::uint8_t byte) { return (byte & 0xC0) == 0x80; };
        const std::uint32_t lead = *p;
        const auto left = end - p;
        if (lead < 0xE0) {
            if (lead >= 0xC2 && left > 1 && tail(p[1])) {
                return {of((lead & 0x1F) << 6 | (p[1] & 0x3FU)), 2};
            }
        } else if (lead < 0xF0) {
            if (left > 2 && tail(p[1]) && tail(p[2])) {
                const std::uint32_t c = (lead & 0xF) << 12 | (p[1] & 0x3FU) << 6 | (p[2] & 0x3FU);
                if (c >= 0x800 && (c < 0xD800 || c > 0xDFFF)) {
                    return {of(c), 3};
                }
            }
        } else if (lead < 0xF5 && left > 3 && tail(p[1]) && tail(p[2]) && tail(p[3])) {
            const std::uint32_t c =
                (lead & 7) << 18 | (p[1] & 0x3FU) << 12 | (p[2] & 0x3FU) << 6 | (p[3] & 0x3FU);
            if (c >= 0x10000 && c <= 0x10FFFF) {
                return {of(c), 4};
            }
        }
        return {0, 1};
    }

    std::array<std::uint16_t, (0x110000U >> kShift)> m_index{};
    std::unique_ptr<std::uint8_t[]> m_blocks; ///< the first block is U+0000..U+007F
};

} // namespace dossier::engine
