// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/lanes/branch_keeper.h"

#include <algorithm>

#include "engine/base/error.h"

namespace dossier::app {

void BranchKeeper::use(std::shared_ptr<engine::Engine> engine, std::uint64_t generation) {
    if (engine != m_engine || generation != m_generation) {
        m_kept.clear(); // they went with their model
        m_engine = std::move(engine);
        m_generation = generation;
    }
}

void BranchKeeper::close(engine::BranchId id) {
    try {
        m_engine->closeBranch(id);
    } catch (const Error&) {
        // A dead engine has no branches.
    }
}

void BranchKeeper::forget(engine::LaneId lane) {
    for (auto it = m_kept.begin(); it != m_kept.end();) {
        if (it->lane == lane) {
            close(it->id);
            it = m_kept.erase(it);
        } else {
            ++it;
        }
    }
}

std::list<BranchKeeper::Kept>::const_iterator
BranchKeeper::longest(engine::LaneId lane, std::uint64_t position,
                      const std::vector<engine::Token>& prompt) const {
    auto best = m_kept.end();
    for (auto it = m_kept.begin(); it != m_kept.end(); ++it) {
        if (it->lane == lane && it->position == position && it->tokens.size() < prompt.size() &&
            std::equal(it->tokens.begin(), it->tokens.end(), prompt.begin()) &&
            (best == m_kept.end() || it->tokens.size() > best->tokens.size())) {
            best = it;
        }
    }
    return best;
}

std::uint64_t BranchKeeper::toRead(engine::LaneId lane, std::uint64_t position,
                                   const std::vector<engine::Token>& prompt) const {
    const auto known = longest(lane, position, prompt);
    return prompt.size() - (known == m_kept.end() ? 0 : known->tokens.size());
}

engine::BranchId BranchKeeper::branch(engine::LaneId lane, std::uint64_t position,
                                      const std::vector<engine::Token>& prompt,
                                      const engine::ProgressFn& progress,
                                      const std::stop_token& stop) {
    const auto extend = [&](engine::BranchId id, std::size_t from, std::size_t to) {
        const auto part = std::span(prompt).subspan(from, to - from);
        if (!part.empty() && m_engine->extend(id, part, progress, stop).position < position + to) {
            throw Error(ErrorCode::Cancelled, "Reading was stopped");
        }
    };
    const std::size_t front = prompt.size() - 1; // in front of the answer
    const auto known = longest(lane, position, prompt);
    if (known == m_kept.end() || known->tokens.size() < front) {
        const std::size_t have = known == m_kept.end() ? 0 : known->tokens.size();
        const engine::BranchId made = known == m_kept.end()
                                          ? m_engine->branch(lane, position, progress, stop).id
                                          : m_engine->fork(known->id).id;
        try {
            extend(made, have, front);
        } catch (...) {
            close(made);
            throw;
        }
        m_kept.push_front({lane, position,
                           std::vector<engine::Token>(
                               prompt.begin(), prompt.begin() + static_cast<std::ptrdiff_t>(front)),
                           made});
    } else {
        m_kept.splice(m_kept.begin(), m_kept, known);
    }
    while (m_kept.size() > kMost) {
        close(m_kept.back().id);
        m_kept.pop_back();
    }
    const engine::BranchId answer = m_engine->fork(m_kept.front().id).id;
    try {
        extend(answer, front, prompt.size());
    } catch (...) {
        close(answer);
        throw;
    }
    return answer;
}

} // namespace dossier::app
