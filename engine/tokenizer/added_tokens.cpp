// SPDX-License-Identifier: Apache-2.0
#include "engine/tokenizer/added_tokens.h"

#include <algorithm>

namespace dossier::engine {
namespace {

std::uint8_t byteAt(std::string_view text, std::size_t i) {
    return static_cast<std::uint8_t>(text[i]);
}

} // namespace

AddedTokenFinder::AddedTokenFinder(std::vector<AddedToken> tokens) : m_tokens(std::move(tokens)) {
    std::sort(m_tokens.begin(), m_tokens.end(),
              [](const AddedToken& a, const AddedToken& b) { return a.content < b.content; });
    for (const AddedToken& token : m_tokens) {
        m_begins[byteAt(token.content, 0)] = true;
    }
}

/// Narrows the sorted tokens to those that share one more byte with the text at each step.
const AddedToken* AddedTokenFinder::longestAt(std::string_view text) const {
    const AddedToken* longest = nullptr;
    auto first = m_tokens.begin();
    auto last = m_tokens.end();
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::uint8_t byte = byteAt(text, i);
        first = std::partition_point(first, last, [&](const AddedToken& token) {
            return token.content.size() <= i || byteAt(token.content, i) < byte;
        });
        last = std::partition_point(
            first, last, [&](const AddedToken& token) { return byteAt(token.content, i) == byte; });
        if (first == last) {
            break;
        }
        if (first->content.size() == i + 1) {
            longest = &*first;
        }
    }
    return longest;
}

std::optional<AddedTokenMatch> AddedTokenFinder::find(std::string_view text,
                                                      std::size_t from) const {
    for (std::size_t i = from; i < text.size(); ++i) {
        if (!m_begins[byteAt(text, i)]) {
            continue;
        }
        if (const AddedToken* token = longestAt(text.substr(i)); token != nullptr) {
            return AddedTokenMatch{i, token->content.size(), token->id};
        }
    }
    return std::nullopt;
}

std::optional<Token> AddedTokenFinder::id(std::string_view content) const {
    const auto found =
        std::partition_point(m_tokens.begin(), m_tokens.end(),
                             [&](const AddedToken& token) { return token.content < content; });
    if (found == m_tokens.end() || found->content != content) {
        return std::nullopt;
    }
    return found->id;
}

} // namespace dossier::engine
