// SPDX-License-Identifier: GPL-3.0-or-later
// An answer while it is being written: the asking thread appends, the window thread takes what is
// new whenever it has time to show it. So streams are coalesced by the reader's pace.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "app/model_types.h"

namespace dossier::app {

/// Thread-safe.
class AnswerWriter {
  public:
    explicit AnswerWriter(Answer answer);

    // ---- the asking side
    std::stop_token stop() const { return m_stop.get_token(); }
    void appendThinking(std::string_view text);
    void appendText(std::string_view text);
    /// Any other change. `text` and `thinking` may be replaced as a whole.
    void update(const std::function<void(Answer&)>& change);

    // ---- the window side
    struct News {
        std::string thinking, text;   ///< appended since the last call
        std::optional<Answer> answer; ///< when more than that changed: all of it
    };
    std::optional<News> take();
    Answer copy() const;
    void requestStop() { m_stop.request_stop(); }

  private:
    mutable std::mutex m_mutex;
    Answer m_answer;
    std::string m_newThinking, m_newText;
    bool m_changed = true;
    std::stop_source m_stop;
};

} // namespace dossier::app
