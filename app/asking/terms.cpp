// SPDX-License-Identifier: GPL-3.0-or-later
// A light stemmer for English; other languages match by whole words.
#include "app/asking/terms.h"

#include <array>

namespace dossier::app {
namespace {

bool isAsciiWord(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Typographic punctuation (U+2000 to U+206F), guillemets and the non-breaking space divide words;
/// everything else beyond ASCII is taken for letters.
bool isDividerAt(std::string_view text, std::size_t at, std::size_t& length) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    if (byte(at) == 0xE2 && (byte(at + 1) == 0x80 || byte(at + 1) == 0x81)) {
        length = 3;
        return true;
    }
    if (byte(at) == 0xC2 && byte(at + 1) < 0xC0 && byte(at + 1) != 0xB5) {
        length = 2;
        return true;
    }
    return false;
}

} // namespace

std::vector<std::string> wordsOf(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool ascii = true;
    const auto flush = [&] {
        if (!word.empty()) {
            words.push_back(std::move(word));
            word.clear();
        }
    };
    for (std::size_t at = 0; at < text.size();) {
        const auto c = static_cast<unsigned char>(text[at]);
        std::size_t length = 1;
        if (isAsciiWord(c)) {
            if (!ascii) {
                flush();
            }
            ascii = true;
            word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
        } else if (c < 0x80 || isDividerAt(text, at, length)) {
            flush();
        } else {
            if (ascii) {
                flush();
            }
            ascii = false;
            word += static_cast<char>(c);
        }
        at += length;
    }
    flush();
    return words;
}

std::string stemOf(std::string_view word) {
    static constexpr std::array<std::string_view, 7> kEndings = {"ingly", "edly", "ing", "ed",
                                                                 "es",    "ly",   "s"};
    constexpr std::size_t kLongerThan = 4, kLeft = 3;
    if (word.size() > kLongerThan) {
        for (const std::string_view ending : kEndings) {
            if (word.ends_with(ending) && word.size() - ending.size() >= kLeft) {
                return std::string(word.substr(0, word.size() - ending.size()));
            }
        }
    }
    return std::string(word);
}

std::vector<std::string> stemsOf(std::string_view text, const StopWords& stop) {
    std::vector<std::string> stems;
    for (const std::string& word : wordsOf(text)) {
        if (!stop.contains(word)) {
            stems.push_back(stemOf(word));
        }
    }
    return stems;
}

} // namespace dossier::app
