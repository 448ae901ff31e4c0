// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/pdf/running.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "ingest/readers/headings.h"

namespace dossier::ingest::readers {
namespace {

constexpr float kSamePlace = 0.015F;        ///< share of the page's height
constexpr std::size_t kPageDigits = 5;      ///< longer numbers count no pages
constexpr std::size_t kCountingNumbers = 4; ///< of one line that are tried

bool isNumeralByte(char c) {
    return c >= '0' && c <= '9';
}

bool isLatinByte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// A letter of any script, by its bytes.
bool isWordByte(char c) {
    return isLatinByte(c) || static_cast<unsigned char>(c) >= 0x80;
}

/// A number of a line, [begin, end).
struct LineNumber {
    std::size_t begin, end;
};

std::vector<LineNumber> numbersOf(std::string_view text) {
    std::vector<LineNumber> numbers;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        while (end < text.size() && isNumeralByte(text[end])) {
            ++end;
        }
        if (end > at) {
            numbers.push_back({at, end});
        }
        at = std::max(end, at + 1);
    }
    return numbers;
}

std::string_view wordBefore(std::string_view text, std::size_t end) {
    while (end > 0 && text[end - 1] == ' ') {
        --end;
    }
    std::size_t begin = end;
    while (begin > 0 && isWordByte(text[begin - 1])) {
        --begin;
    }
    return text.substr(begin, end - begin);
}

/// Lower case, and one blank for white space: headers of other pages are not set to the letter.
std::string plainText(std::string_view text) {
    std::string result;
    for (const char c : text) {
        if (c != ' ' && c != '\n' && c != '\t') {
            result += isLatinByte(c) ? static_cast<char>(c | 0x20) : c;
        } else if (!result.empty() && result.back() != ' ') {
            result += ' ';
        }
    }
    return result;
}

/// "page 3 of 12" says itself what its numbers are: they become '#'.
std::string withoutPageNumbers(const std::string& text) {
    constexpr std::array<std::string_view, 7> kPage{"page", "pagina", "p\xC3\xA1gina", "seite",
                                                    "sida", "side",   "strona"};
    std::string result;
    std::size_t copied = 0;
    bool paged = false;
    for (const LineNumber& number : numbersOf(text)) {
        const std::string_view word = wordBefore(text, number.begin);
        const bool total = paged && word.size() <= 3; // "of", "von", "de", "/"
        paged = total || std::find(kPage.begin(), kPage.end(), word) != kPage.end();
        if (paged) {
            result.append(text, copied, number.begin - copied) += '#';
            copied = number.end;
        }
    }
    return result.append(text, copied);
}

/// "$351", "4.2", "A3": not a number by itself.
bool standsAlone(std::string_view text, const LineNumber& number) {
    const char before = number.begin > 0 ? text[number.begin - 1] : ' ';
    const char after = number.end < text.size() ? text[number.end] : ' ';
    const bool fraction = (after == '.' || after == ',') && number.end + 1 < text.size() &&
                          isNumeralByte(text[number.end + 1]);
    return !isLatinByte(before) && before != '.' && before != ',' && before != '$' &&
           before != '#' && !isLatinByte(after) && after != '%' && !fraction;
}

/// "schedule 3", "annex 3 to the lease": the number belongs to the one word before it.
bool isLabel(std::string_view text, const LineNumber& number) {
    const std::string_view word = wordBefore(text, number.begin);
    return !word.empty() && text.substr(0, word.size()) == word && number.begin == word.size() + 1;
}

/// What lines have in common that differ in one number, which counts up with the pages: the text
/// without the number, and how far the number is ahead of the page.
std::vector<std::string> countingKeys(const std::string& text, const EdgeLine& line) {
    std::vector<std::string> keys;
    if (endsSentence(text)) {
        return keys;
    }
    const bool atTop = line.middle < 0.5F;
    for (const LineNumber& number : numbersOf(text)) {
        const bool mayCount = number.end - number.begin <= kPageDigits &&
                              standsAlone(text, number) && !(atTop && isLabel(text, number));
        if (!mayCount || keys.size() == kCountingNumbers) {
            continue;
        }
        std::int64_t value = 0;
        std::from_chars(text.data() + number.begin, text.data() + number.end, value);
        const std::string ahead = std::to_string(value - static_cast<std::int64_t>(line.page));
        keys.push_back(text.substr(0, number.begin) + "#" + ahead + "#" + text.substr(number.end) +
                       (atTop ? "\nt" : "\nb"));
    }
    return keys;
}

std::string sameKey(const std::string& text, const EdgeLine& line) {
    return withoutPageNumbers(text) + (line.middle < 0.5F ? "\nt" : "\nb");
}

bool samePlace(float a, float b) {
    return std::abs(a - b) < kSamePlace;
}

} // namespace

bool isPageNumber(std::string_view text) {
    std::string word;
    bool any = false;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        const char c = i < text.size() ? text[i] : ' ';
        const bool alnum = isNumeralByte(c) || isLatinByte(c);
        if (alnum) {
            word += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
            continue;
        }
        if (static_cast<unsigned char>(c) >= 0x80 && word.empty()) {
            continue; // dashes around the number
        }
        const bool digits = !word.empty() && word.size() <= kPageDigits &&
                            word.find_first_not_of("0123456789") == std::string::npos;
        const bool roman = !word.empty() && word.find_first_not_of("ivxl") == std::string::npos;
        const bool filler = word == "page" || word == "of" || word.size() == 1;
        if (!word.empty() && !digits && !roman && !filler) {
            return false;
        }
        any = any || digits || roman;
        word.clear();
    }
    return any && text.size() <= 24;
}

void EdgeLines::add(const EdgeLine& line) {
    const std::string text = plainText(line.text);
    m_places[sameKey(text, line)].push_back({line.page, line.middle});
    for (std::string& key : countingKeys(text, line)) {
        m_places[std::move(key)].push_back({line.page, line.middle});
    }
}

bool EdgeLines::recurs(const EdgeLine& line) const {
    const std::string text = plainText(line.text);
    std::vector<std::string> keys = countingKeys(text, line);
    keys.push_back(sameKey(text, line));
    return std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
        const auto found = m_places.find(key);
        return found != m_places.end() &&
               std::any_of(found->second.begin(), found->second.end(), [&](const Place& other) {
                   return other.page != line.page && samePlace(other.middle, line.middle);
               });
    });
}

std::size_t EdgeLines::pagesWith(const EdgeLine& line, bool counting, std::size_t enough) const {
    const std::string text = plainText(line.text);
    const auto count = [&](const std::string& key, bool anywhere) {
        std::size_t pages = 0;
        std::int64_t last = -1;
        const auto found = m_places.find(key);
        if (found == m_places.end()) {
            return pages;
        }
        for (const Place& place : found->second) {
            if (place.page != last && (anywhere || samePlace(place.middle, line.middle))) {
                last = place.page;
                if (++pages == enough) {
                    break;
                }
            }
        }
        return pages;
    };
    std::size_t most = count(sameKey(text, line), true);
    if (counting) {
        for (const std::string& key : countingKeys(text, line)) {
            most = std::max(most, count(key, false));
        }
    }
    return most;
}

} // namespace dossier::ingest::readers
