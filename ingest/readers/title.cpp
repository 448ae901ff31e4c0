// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/title.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "ingest/document/utf8.h"
#include "ingest/readers/headings.h"

namespace dossier::ingest::readers {
namespace {

constexpr std::size_t kTitleBytes = 4000; ///< a title stands at the beginning
constexpr std::size_t kTitleText = 120;

// What the title of a document is not, and what it often is.
constexpr std::array<std::string_view, 7> kPlaces{"EXHIBIT",  "EX-",     "SCHEDULE", "ANNEX",
                                                  "APPENDIX", "ARTICLE", "SECTION"};
constexpr std::array<std::string_view, 8> kOpenings{"WITNESSETH",  "RECITALS", "WHEREAS",
                                                    "DEFINITIONS", "BETWEEN",  "CONFIDENTIAL",
                                                    "BACKGROUND",  "TABLE OF"};
constexpr std::array<std::string_view, 12> kKinds{
    "AGREEMENT", "CONTRACT", "ADDENDUM", "AMENDMENT", "LEASE",    "LICENSE",
    "LICENCE",   "POLICY",   "MANUAL",   "REPORT",    "TERMS OF", "MEMORANDUM"};

std::string upperCase(std::string_view text) {
    std::string upper(text);
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return upper;
}

template<std::size_t N>
bool startsWithAny(std::string_view text, const std::array<std::string_view, N>& words) {
    return std::any_of(words.begin(), words.end(),
                       [&](auto word) { return text.starts_with(word); });
}

template<std::size_t N>
bool containsAny(std::string_view text, const std::array<std::string_view, N>& words) {
    return std::any_of(words.begin(), words.end(),
                       [&](auto word) { return text.find(word) != std::string_view::npos; });
}

} // namespace

bool isUsefulTitle(const std::string& title) {
    std::string lower(title);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    for (const char* junk :
         {"untitled", "microsoft word", "powerpoint", "document1", "http:", "https:", "file:"}) {
        if (lower.starts_with(junk)) {
            return false;
        }
    }
    for (const char* suffix :
         {".doc", ".docx", ".pdf", ".htm", ".html", ".rtf", ".tex", ".dvi", ".indd", ".qxd"}) {
        if (lower.ends_with(suffix)) {
            return false;
        }
    }
    return lower.find_first_not_of(" \t\r\n.-_") != std::string::npos && lower.size() >= 3;
}

std::string titleFromBlocks(const Document& document) {
    std::string fallback;
    for (const Block& block : document.blocks) {
        if (block.range.begin > kTitleBytes) {
            break;
        }
        const bool heading = block.kind == BlockKind::Heading;
        if (block.range.size() > kTitleText || (!heading && block.kind != BlockKind::Paragraph)) {
            continue;
        }
        std::string title(document.text.substr(block.range.begin, block.range.size()));
        std::replace(title.begin(), title.end(), '\n', ' ');
        title.resize(title.find_last_not_of(" -_=*") + 1); // a rule below the title
        const std::string upper = upperCase(title);
        if (startsWithAny(upper, kPlaces) || startsWithAny(upper, kOpenings) ||
            endsSentence(title)) {
            continue;
        }
        if (containsAny(upper, kKinds)) {
            return title;
        }
        const bool numbered = listMarker(title) > 0 || (title[0] >= '0' && title[0] <= '9');
        if (heading && !numbered && fallback.empty() && utf8::length(title) >= 4) {
            fallback = title;
        }
    }
    return fallback;
}

std::string chooseTitle(const Document& document, const std::string& metadata,
                        const std::string& fileName) {
    if (isUsefulTitle(metadata)) {
        return metadata;
    }
    std::string heading = titleFromBlocks(document);
    return heading.empty() ? fileName : heading;
}

} // namespace dossier::ingest::readers
