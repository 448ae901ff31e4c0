// SPDX-License-Identifier: GPL-3.0-or-later
// Words by order of appearance; control tokens have the first six ids.
#include "tests/support/fake_encoder.h"

namespace dossier::test {
namespace {
constexpr engine::Token kFirstWord = 6;
constexpr const char* kControlNames[] = {"<begin>",     "<end>",   "<user>",
                                         "<assistant>", "<think>", "</think>"};
bool isSpace(char c) {
    return c == ' ' || c == '\n' || c == '\t';
}
} // namespace

std::vector<engine::Token> FakeEncoder::encode(std::string_view text) const {
    std::vector<engine::Token> ids;
    const std::lock_guard lock(m_mutex);
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        while (end < text.size() && isSpace(text[end])) {
            ++end;
        }
        while (end < text.size() && !isSpace(text[end])) {
            ++end;
        }
        const std::string_view word = text.substr(at, end - at);
        auto it = m_ids.find(word);
        if (it == m_ids.end()) {
            const auto id = static_cast<engine::Token>(kFirstWord + m_words.size());
            it = m_ids.emplace(word, id).first;
            m_words.emplace_back(word);
        }
        ids.push_back(it->second);
        at = end;
    }
    return ids;
}

std::string FakeEncoder::decode(std::span<const engine::Token> tokens) const {
    std::string text;
    const std::lock_guard lock(m_mutex);
    for (const engine::Token token : tokens) {
        text += token < kFirstWord ? kControlNames[token]
                                   : m_words.at(static_cast<std::size_t>(token - kFirstWord));
    }
    return text;
}

engine::Token FakeEncoder::control(app::Control control) const {
    return static_cast<engine::Token>(control);
}

} // namespace dossier::test
