// SPDX-License-Identifier: GPL-3.0-or-later
// Conversations that stay read: a branch of a lane in front of every answer. A follow-up question
// and a fork at an earlier turn continue from there, and the reasoning behind it is never part of
// them. For one thread.
#pragma once

#include <list>
#include <memory>
#include <stop_token>
#include <vector>

#include "engine/engine.h"

namespace dossier::app {

class BranchKeeper {
  public:
    static constexpr std::size_t kMost = 24; ///< branches kept, the least recently used goes first

    /// Forgets branches of another engine or loading.
    void use(std::shared_ptr<engine::Engine>, std::uint64_t generation);

    /// A branch of the lane at `position` that holds `prompt` behind it, for the caller to close.
    /// Everything but the prompt's last token (which opens the answer) is kept for the next time.
    /// Throws Error(Cancelled) when stopped; what the engine throws.
    engine::BranchId branch(engine::LaneId, std::uint64_t position,
                            const std::vector<engine::Token>& prompt, const engine::ProgressFn&,
                            const std::stop_token&);
    /// Tokens of such a prompt that are not read yet.
    std::uint64_t toRead(engine::LaneId, std::uint64_t position,
                         const std::vector<engine::Token>& prompt) const;
    void forget(engine::LaneId); ///< closes its branches

  private:
    struct Kept {
        engine::LaneId lane{};
        std::uint64_t position = 0;
        std::vector<engine::Token> tokens;
        engine::BranchId id{};
    };
    /// The longest one that the prompt begins with.
    std::list<Kept>::const_iterator longest(engine::LaneId, std::uint64_t position,
                                            const std::vector<engine::Token>& prompt) const;
    void close(engine::BranchId);

    std::shared_ptr<engine::Engine> m_engine; ///< shared with the host
    std::uint64_t m_generation = 0;
    std::list<Kept> m_kept; ///< most recently used first
};

} // namespace dossier::app
