// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler/feed.h"

#include "engine/base/error.h"

namespace dossier::engine {

Feed::Feed(LoadedModel& model, Timeline& timeline, std::span<const Token> tokens,
           std::span<const std::uint64_t> captures)
    : m_model(model), m_timeline(timeline), m_tokens(tokens.begin(), tokens.end()) {
    if (m_tokens.empty()) {
        return;
    }
    checkTokens(m_model.config(), m_tokens);
    Operations& ops = *m_model.ops;
    if (!captures.empty() && captures.front() == timeline.size()) {
        m_frontiers.push_back(captureFrontier(ops, m_model.config(), *timeline.sequence));
        captures = captures.subspan(1);
    }
    // Taken on the device in passing, brought to the host when the run is done.
    if (!captures.empty()) {
        const std::uint64_t bytes = frontierBytes(m_model.config());
        m_taken = ops.allocate(bytes * captures.size(), "frontiers");
        for (const std::uint64_t position : captures) {
            m_places.push_back({position, m_taken->data() + m_places.size() * bytes});
        }
    }
    const Forward::Piece piece{timeline.sequence.get(), m_tokens, m_places};
    const auto last = static_cast<std::uint32_t>(m_tokens.size() - 1);
    m_reading = m_model.forward->begin({&piece, 1}, {&last, 1});
}

Feed::~Feed() {
    m_reading.reset();
    m_timeline.held = false;
}

std::optional<std::vector<Frontier>> Feed::run(const std::function<void(std::uint64_t)>& onRows,
                                               const std::stop_token& stop,
                                               const Forward::PauseFn& pause) {
    if (!m_reading) {
        return std::move(m_frontiers);
    }
    auto logits = m_model.forward->resume(*m_reading, onRows, stop, pause);
    m_timeline.held = !logits;
    if (!logits) {
        return std::nullopt;
    }
    m_reading.reset();
    m_timeline.logits = std::move(*logits);
    m_model.checkpoint.checkIntact();
    m_timeline.tokens.insert(m_timeline.tokens.end(), m_tokens.begin(), m_tokens.end());
    const std::uint64_t bytes = frontierBytes(m_model.config());
    for (const Forward::Capture& place : m_places) {
        Frontier& frontier = m_frontiers.emplace_back();
        frontier.position = place.position;
        frontier.state.resize(bytes);
        m_model.ops->download(frontier.state.data(), place.frontier, bytes);
    }
    m_model.ops->synchronise();
    return std::move(m_frontiers);
}

} // namespace dossier::engine
