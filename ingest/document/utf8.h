// SPDX-License-Identifier: GPL-3.0-or-later
// UTF-8 by hand: checking, stepping, appending. Small enough to need no library, and used on every
// byte of untrusted text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dossier::ingest::utf8 {

inline constexpr char32_t kReplacement = 0xFFFD;

inline bool isContinuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

/// True where a character begins, and at the end of the text.
inline bool isBoundary(std::string_view text, std::size_t offset) {
    return offset == text.size() || (offset < text.size() && !isContinuation(text[offset]));
}

struct Decoded {
    char32_t value = kReplacement;
    std::uint32_t length = 1; ///< bytes; 1 for an invalid byte
    bool valid = false;
};

/// The character at `offset` (which must be inside the text). Overlong forms, surrogates and values
/// above U+10FFFF are invalid.
Decoded decode(std::string_view text, std::size_t offset);

/// Offset of the first invalid byte, or text.size().
std::size_t firstInvalid(std::string_view text);

/// Surrogates and values above U+10FFFF become U+FFFD.
void append(std::string& text, char32_t character);

/// Number of characters of valid UTF-8.
std::size_t length(std::string_view text);

/// Byte offset of the character with index `index`, or text.size().
std::size_t offsetOf(std::string_view text, std::size_t index);

} // namespace dossier::ingest::utf8
