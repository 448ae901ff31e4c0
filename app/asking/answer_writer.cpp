// SPDX-License-Identifier: GPL-3.0-or-later
// A mutex around an Answer and what was appended to it.
#include "app/asking/answer_writer.h"

#include <utility>

namespace dossier::app {

AnswerWriter::AnswerWriter(Answer answer) : m_answer(std::move(answer)) {}

void AnswerWriter::appendThinking(std::string_view text) {
    const std::lock_guard lock(m_mutex);
    m_answer.thinking += text;
    m_newThinking += text;
}

void AnswerWriter::appendText(std::string_view text) {
    const std::lock_guard lock(m_mutex);
    m_answer.text += text;
    m_newText += text;
}

void AnswerWriter::update(const std::function<void(Answer&)>& change) {
    const std::lock_guard lock(m_mutex);
    change(m_answer);
    m_changed = true;
}

std::optional<AnswerWriter::News> AnswerWriter::take() {
    const std::lock_guard lock(m_mutex);
    if (!m_changed && m_newThinking.empty() && m_newText.empty()) {
        return std::nullopt;
    }
    News news;
    news.thinking = std::exchange(m_newThinking, {});
    news.text = std::exchange(m_newText, {});
    if (std::exchange(m_changed, false)) {
        news.answer = m_answer;
    }
    return news;
}

Answer AnswerWriter::copy() const {
    const std::lock_guard lock(m_mutex);
    return m_answer;
}

} // namespace dossier::app
