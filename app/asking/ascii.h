// SPDX-License-Identifier: GPL-3.0-or-later
// Classes of ASCII characters, whatever the locale; bytes of other characters belong to none.
#pragma once

namespace dossier::app {

constexpr bool isAsciiDigit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool isAsciiLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

} // namespace dossier::app
