// SPDX-License-Identifier: GPL-3.0-or-later
// Classes of ASCII characters, whatever the locale; bytes of other characters belong to none.
#pragma once

#include <cstddef>
#include <string_view>

namespace dossier::app {

constexpr bool isAsciiDigit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool isAsciiLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr bool isAsciiBlank(char c) {
    return c == ' ' || c == '\t';
}

constexpr bool isAsciiNumber(std::string_view text) {
    for (const char c : text) {
        if (!isAsciiDigit(c)) {
            return false;
        }
    }
    return !text.empty();
}

/// The first place from `at` on that is no blank.
constexpr std::size_t skipBlanks(std::string_view text, std::size_t at) {
    while (at < text.size() && isAsciiBlank(text[at])) {
        ++at;
    }
    return at;
}

} // namespace dossier::app
