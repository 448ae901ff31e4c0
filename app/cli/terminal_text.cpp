// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/terminal_text.h"

#include <array>
#include <cstdio>

#include "ingest/document/utf8.h"

namespace dossier::app::cli {
namespace {

/// C0, DEL and C1: what terminals obey.
bool isControl(char32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

std::string escaped(char32_t c) {
    if (c == '\n') {
        return "\\n";
    }
    if (c == '\t') {
        return "\\t";
    }
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "\\x%02x", static_cast<unsigned>(c));
    return text.data();
}

} // namespace

std::string printable(std::string_view text, Lines lines) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto c = ingest::utf8::decode(text, at);
        const bool kept = lines == Lines::Many && (text[at] == '\n' || text[at] == '\t');
        if (!c.valid) {
            out += escaped(static_cast<unsigned char>(text[at]));
        } else if (isControl(c.value) && !kept) {
            out += escaped(c.value);
        } else {
            out += text.substr(at, c.length);
        }
        at += c.length;
    }
    return out;
}

} // namespace dossier::app::cli
