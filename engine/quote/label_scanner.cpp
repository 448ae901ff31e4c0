// SPDX-License-Identifier: Apache-2.0
#include "engine/quote/label_scanner.h"

#include <algorithm>

#include "engine/quote/quotable_index.h"

namespace dossier::engine {

LabelScanner::LabelScanner(const std::vector<std::string>& labels, std::string labelOpen,
                           std::string labelClose, std::string quoteOpen)
    : m_labelOpen(std::move(labelOpen)),
      m_labelClose(std::move(labelClose)),
      m_quoteOpen(std::move(quoteOpen)) {
    for (std::size_t i = 0; i < labels.size(); ++i) {
        m_labels.emplace(labels[i], static_cast<std::uint32_t>(i)); // of equal ones the first stays
        m_longestLabel = std::max(m_longestLabel, labels[i].size());
    }
}

void LabelScanner::idle(State& state, char byte) const {
    state.phase = State::Phase::Idle;
    state.pending += byte;
    while (!m_labelOpen.starts_with(state.pending)) {
        state.pending.erase(0, 1);
    }
    if (state.pending == m_labelOpen) {
        state = {State::Phase::Label, 0, {}, false};
    }
}

void LabelScanner::label(State& state, char byte) const {
    state.pending += byte;
    if (state.pending.ends_with(m_labelClose)) {
        state.pending.resize(state.pending.size() - m_labelClose.size());
        const auto known = m_labels.find(state.pending);
        state = known == m_labels.end() ? State{}
                                        : State{State::Phase::Opening, known->second, {}, false};
    } else if (state.pending.ends_with(m_labelOpen)) {
        state.pending.clear(); // the innermost counts
    } else if (state.pending.size() > m_longestLabel + m_labelClose.size()) {
        state = {};
    }
}

std::optional<std::uint32_t> LabelScanner::step(State& state, char byte) const {
    state.afterClosing = false;
    switch (state.phase) {
    case State::Phase::Idle:
        idle(state, byte);
        return std::nullopt;
    case State::Phase::Label:
        label(state, byte);
        return std::nullopt;
    case State::Phase::Opening:
        break;
    }
    if (state.pending.empty() && QuotableIndex::isSpace(byte)) {
        return std::nullopt;
    }
    state.pending += byte;
    if (state.pending == m_quoteOpen) {
        const std::uint32_t text = state.text;
        state = {};
        return text;
    }
    if (!m_quoteOpen.starts_with(state.pending)) {
        const std::string again = state.pending;
        state = {};
        for (const char c : again) {
            step(state, c); // no opening: that takes a label, which is longer than this
        }
    }
    return std::nullopt;
}

} // namespace dossier::engine
