// SPDX-License-Identifier: Apache-2.0
#include "engine/quote/quotable_index.h"

#include <algorithm>

#include "engine/base/error.h"

namespace dossier::engine {
namespace {

std::uint8_t byteOf(char c) {
    return static_cast<std::uint8_t>(c);
}

/// ASCII letters, digits and low lines, and the letters of two-byte UTF-8 (Latin, Greek, Cyrillic,
/// Hebrew, Arabic). Scripts that need three bytes write mostly without spaces: no borders in them.
bool isWordCharacter(std::string_view text, std::size_t at) {
    const std::uint8_t lead = byteOf(text[at]);
    if (lead < 0x80) {
        return (lead >= '0' && lead <= '9') || (lead >= 'A' && lead <= 'Z') ||
               (lead >= 'a' && lead <= 'z') || lead == '_';
    }
    if (lead < 0xC3 || lead > 0xDF) {
        // 0xC2: U+0080..00BF, signs; ª, µ and º apart, which may stand at a border as well.
        return false;
    }
    const std::uint8_t tail = at + 1 < text.size() ? byteOf(text[at + 1]) : 0;
    return !(lead == 0xC3 && (tail == 0x97 || tail == 0xB7)); // × and ÷
}

constexpr std::size_t kKeyBytes = 4;

/// The bytes in the upper half, the first one highest, so that equal beginnings stand together.
std::uint64_t keyOf(std::string_view bytes) {
    std::uint64_t key = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        key |= std::uint64_t{byteOf(bytes[i])} << (56 - 8 * i);
    }
    return key;
}

} // namespace

QuotableIndex::QuotableIndex(std::string text) : m_text(std::move(text)) {
    if (m_text.size() >= UINT32_MAX) {
        throw Error(ErrorCode::TooLarge, "A quotable text has 4 GiB or more",
                    "Split it into several passages");
    }
    while (!m_text.empty() && isSpace(m_text.back())) {
        m_text.pop_back(); // so that the end of the text is a place to end at
    }
    for (std::size_t at = 0; at < m_text.size(); ++at) {
        if (!isSpace(m_text[at]) && isCharacterBorder(at) && !cutsWord(at)) {
            m_begins.push_back(keyOf(std::string_view(m_text).substr(at, kKeyBytes)) | at);
        }
    }
    std::sort(m_begins.begin(), m_begins.end());
}

std::span<const std::uint64_t> QuotableIndex::begins(std::string_view prefix) const {
    prefix = prefix.substr(0, kKeyBytes);
    const std::uint64_t first = keyOf(prefix);
    const std::uint64_t last = first | ~std::uint64_t{0} >> (8 * prefix.size());
    const auto from = std::lower_bound(m_begins.begin(), m_begins.end(), first);
    return {from, std::upper_bound(from, m_begins.end(), last)};
}

bool QuotableIndex::isCharacterBorder(std::size_t at) const {
    return at >= m_text.size() || (byteOf(m_text[at]) & 0xC0) != 0x80;
}

bool QuotableIndex::cutsWord(std::size_t at) const {
    if (at == 0 || at >= m_text.size()) {
        return false;
    }
    std::size_t before = at - 1;
    while (before > 0 && !isCharacterBorder(before)) {
        --before;
    }
    return isWordCharacter(m_text, before) && isWordCharacter(m_text, at);
}

bool QuotableIndex::canEnd(std::size_t at) const {
    return isCharacterBorder(at) && !cutsWord(at);
}

std::optional<std::size_t> QuotableIndex::afterLineBreak(std::size_t at) const {
    if (at >= m_text.size() || !isSpace(m_text[at]) || (at > 0 && isSpace(m_text[at - 1]))) {
        return std::nullopt;
    }
    bool hasBreak = false;
    while (at < m_text.size() && isSpace(m_text[at])) {
        hasBreak = hasBreak || (m_text[at] != ' ' && m_text[at] != '\t');
        ++at;
    }
    return hasBreak && at < m_text.size() ? std::optional(at) : std::nullopt;
}

} // namespace dossier::engine
