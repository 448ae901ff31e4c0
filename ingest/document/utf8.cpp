// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/document/utf8.h"

#include <algorithm>
#include <cstring>

namespace dossier::ingest::utf8 {

Decoded decode(std::string_view text, std::size_t offset) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[offset + i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) {
        return {lead, 1, true};
    }
    std::uint32_t length = 0;
    char32_t value = 0;
    if (lead >= 0xC2 && lead <= 0xDF) {
        length = 2;
        value = lead & 0x1F;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        length = 3;
        value = lead & 0x0F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        length = 4;
        value = lead & 0x07;
    } else {
        return {};
    }
    if (text.size() - offset < length) {
        return {};
    }
    for (std::uint32_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) {
            return {};
        }
        value = (value << 6) | (byte(i) & 0x3F);
    }
    const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
    if (overlong || (value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF) {
        return {};
    }
    return {value, length, true};
}

std::size_t firstInvalid(std::string_view text) {
    std::size_t offset = 0;
    while (offset < text.size()) {
        // Eight ASCII bytes at a time: most text of contracts and code is ASCII.
        if (text.size() - offset >= 8) {
            std::uint64_t chunk = 0;
            std::memcpy(&chunk, text.data() + offset, 8);
            if ((chunk & 0x8080808080808080ull) == 0) {
                offset += 8;
                continue;
            }
        }
        const Decoded character = decode(text, offset);
        if (!character.valid) {
            return offset;
        }
        offset += character.length;
    }
    return offset;
}

void append(std::string& text, char32_t character) {
    if (character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF)) {
        character = kReplacement;
    }
    if (character < 0x80) {
        text += static_cast<char>(character);
    } else if (character < 0x800) {
        text += static_cast<char>(0xC0 | (character >> 6));
        text += static_cast<char>(0x80 | (character & 0x3F));
    } else if (character < 0x10000) {
        text += static_cast<char>(0xE0 | (character >> 12));
        text += static_cast<char>(0x80 | ((character >> 6) & 0x3F));
        text += static_cast<char>(0x80 | (character & 0x3F));
    } else {
        text += static_cast<char>(0xF0 | (character >> 18));
        text += static_cast<char>(0x80 | ((character >> 12) & 0x3F));
        text += static_cast<char>(0x80 | ((character >> 6) & 0x3F));
        text += static_cast<char>(0x80 | (character & 0x3F));
    }
}

std::size_t length(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return !isContinuation(c); }));
}

std::size_t offsetOf(std::string_view text, std::size_t index) {
    std::size_t offset = 0;
    while (offset < text.size()) {
        if (!isContinuation(text[offset]) && index-- == 0) {
            return offset;
        }
        ++offset;
    }
    return offset;
}

} // namespace dossier::ingest::utf8
