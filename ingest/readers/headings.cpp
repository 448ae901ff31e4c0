// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/headings.h"

#include <algorithm>
#include <array>
#include <string>

#include "ingest/document/utf8.h"

namespace dossier::ingest::readers {
namespace {

constexpr std::size_t kLongestHeading = 100; ///< bytes; longer lines are text
constexpr std::size_t kLongestTitle = 80;

bool isDigit(char c) {
    return c >= '0' && c <= '9';
}
bool isUpper(char c) {
    return c >= 'A' && c <= 'Z';
}
bool isLower(char c) {
    return c >= 'a' && c <= 'z';
}
bool isBlank(char c) {
    return c == ' ' || c == '\t';
}

std::string_view trimmed(std::string_view s) {
    while (!s.empty() && isBlank(s.front())) {
        s.remove_prefix(1);
    }
    while (!s.empty() && isBlank(s.back())) {
        s.remove_suffix(1);
    }
    return s;
}

std::string_view firstWord(std::string_view s) {
    return s.substr(0, std::min(s.find_first_of(" \t.:"), s.size()));
}

/// Length of "4.2.1" or "4.2.1." or "IV." or "A." at the start, with its depth; 0 if there is none.
struct Number {
    std::size_t length = 0;
    std::uint8_t depth = 0;
};

Number leadingNumber(std::string_view s) {
    Number number;
    std::size_t at = 0;
    while (at < s.size() && isDigit(s[at])) {
        std::size_t end = at;
        while (end < s.size() && isDigit(s[end])) {
            ++end;
        }
        if (end - at > 3) {
            return {}; // a year or an amount
        }
        ++number.depth;
        number.length = end;
        if (end >= s.size() || s[end] != '.') {
            break;
        }
        number.length = at = end + 1;
    }
    if (number.depth == 1 && s[number.length - 1] != '.') {
        return {}; // "12 months" is no numbering
    }
    if (number.depth > 0) {
        return number;
    }
    std::size_t roman = 0;
    while (roman < s.size() && std::string_view("IVXLC").find(s[roman]) != std::string_view::npos) {
        ++roman;
    }
    const std::size_t letters = roman > 0 ? roman : (!s.empty() && isUpper(s[0]) ? 1 : 0);
    if (letters > 0 && letters < s.size() && s[letters] == '.') {
        return {letters + 1, 1};
    }
    return {};
}

bool isCapitals(std::string_view s) {
    const auto upper = std::count_if(s.begin(), s.end(), isUpper);
    return upper >= 2 && std::none_of(s.begin(), s.end(), isLower);
}

/// "Payment Terms and Taxes": every word of four letters or more begins with a capital.
bool isTitleCase(std::string_view s) {
    bool any = false;
    std::size_t at = 0;
    while (at < s.size()) {
        const std::size_t end = std::min(s.find_first_of(" \t-/", at), s.size());
        const std::string_view word = s.substr(at, end - at);
        if (!word.empty() && isLower(word[0]) && word.size() >= 4) {
            return false;
        }
        any = any || (!word.empty() && isUpper(word[0]));
        at = end + 1;
    }
    return any;
}

bool endsLikeText(std::string_view s) {
    return s.ends_with(';') || s.ends_with(',') || s.ends_with('?') ||
           (s.ends_with('.') && std::count(s.begin(), s.end(), ' ') > 5);
}

std::optional<std::uint8_t> keywordLevel(std::string_view line) {
    struct Keyword {
        std::string_view upper, title;
        std::uint8_t level;
    };
    constexpr std::array<Keyword, 9> keywords{{{"ARTICLE", "Article", 1},
                                               {"CHAPTER", "Chapter", 1},
                                               {"PART", "Part", 1},
                                               {"EXHIBIT", "Exhibit", 1},
                                               {"SCHEDULE", "Schedule", 1},
                                               {"ANNEX", "Annex", 1},
                                               {"APPENDIX", "Appendix", 1},
                                               {"ATTACHMENT", "Attachment", 1},
                                               {"SECTION", "Section", 2}}};
    const std::string_view first = firstWord(line);
    for (const Keyword& keyword : keywords) {
        if (first != keyword.upper && first != keyword.title) {
            continue;
        }
        const std::string_view rest = trimmed(line.substr(first.size()));
        const std::string_view label = firstWord(rest);
        const bool numbered = !label.empty() && label.size() <= 6 &&
                              std::all_of(label.begin(), label.end(),
                                          [](char c) { return isDigit(c) || isUpper(c); });
        const std::string_view title = trimmed(rest.substr(label.size()));
        // "Article 5 of the Agreement applies" is a sentence: what follows must look like a title.
        if (numbered && (title.empty() || isTitleCase(title) || isCapitals(title)) &&
            !endsLikeText(line)) {
            return keyword.level;
        }
    }
    return std::nullopt;
}

char32_t lastCharacter(std::string_view text) {
    std::size_t at = text.size();
    while (at > 0 && utf8::isContinuation(text[--at])) {
    }
    return text.empty() ? 0 : utf8::decode(text, at).value;
}

char32_t firstCharacter(std::string_view text) {
    return text.empty() ? 0 : utf8::decode(text, 0).value;
}

} // namespace

std::optional<std::uint8_t> headingLevel(std::string_view text) {
    const std::string_view line = trimmed(text);
    if (line.empty() || line.size() > kLongestHeading ||
        line.find('\n') != std::string_view::npos) {
        return std::nullopt;
    }
    if (const auto level = keywordLevel(line)) {
        return level;
    }
    if (const Number number = leadingNumber(line); number.length > 0) {
        const std::string_view title = trimmed(line.substr(number.length));
        if (!title.empty() && title.size() <= kLongestTitle && !endsLikeText(title) &&
            (isCapitals(title) || isTitleCase(title))) {
            return std::min<std::uint8_t>(number.depth, 6);
        }
        return std::nullopt;
    }
    const auto letters = std::count_if(line.begin(), line.end(), isUpper);
    const bool mostlyLetters = static_cast<std::size_t>(letters) * 2 >= line.size();
    if (isCapitals(line) && mostlyLetters && letters >= 4 && line.size() <= kLongestTitle &&
        !endsLikeText(line)) {
        return 1;
    }
    return std::nullopt;
}

std::size_t listMarker(std::string_view line) {
    // "4.2 ", "10.1.3. ": numbered clauses.
    const Number number = leadingNumber(line);
    std::size_t at = number.depth >= 2 ? number.length : 0;
    for (const std::string_view bullet :
         {"•", "●", "○", "▪", "■", "–", "—", "·", "◦", "-", "*", "\uF0B7", "\uF0A7"}) {
        if (at == 0 && line.starts_with(bullet)) {
            at = bullet.size();
            break;
        }
    }
    if (at == 0) {
        const bool open = line.starts_with('(');
        const std::size_t begin = open ? 1 : 0;
        std::size_t end = begin;
        while (end < line.size() && end - begin < 4 &&
               (isDigit(line[end]) || isLower(line[end]) || isUpper(line[end]))) {
            ++end;
        }
        const std::string_view label = line.substr(begin, end - begin);
        const bool roman = label.find_first_not_of("ivxlcIVXLC") == std::string_view::npos;
        const bool digits = std::all_of(label.begin(), label.end(), isDigit);
        const bool closed = end < line.size() && (line[end] == ')' || (!open && line[end] == '.'));
        if (label.empty() || !closed || !(roman || digits || label.size() == 1)) {
            return 0;
        }
        at = end + 1;
    }
    std::size_t after = at;
    while (after < line.size() && isBlank(line[after])) {
        ++after;
    }
    return after > at && after < line.size() ? after : 0;
}

bool endsSentence(std::string_view text) {
    for (;;) {
        const char32_t last = lastCharacter(text);
        const bool closing = last == '"' || last == '\'' || last == ')' || last == ']' ||
                             last == 0x201D || last == 0x2019;
        if (!closing) {
            return last == '.' || last == ':' || last == ';' || last == '!' || last == '?' ||
                   last == 0x3002;
        }
        std::size_t at = text.size();
        while (utf8::isContinuation(text[--at])) {
        }
        text = text.substr(0, at);
    }
}

bool startsLower(std::string_view text) {
    const char32_t c = firstCharacter(text);
    return (c >= 'a' && c <= 'z') || (c >= 0xDF && c <= 0xFF && c != 0xF7) ||
           (c >= 0x3AC && c <= 0x3CE) || (c >= 0x430 && c <= 0x45F);
}

} // namespace dossier::ingest::readers
