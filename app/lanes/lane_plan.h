// SPDX-License-Identifier: GPL-3.0-or-later
// Which part of a lane stays when documents were added, changed or removed, and in which order the
// documents stand in it. Pure functions.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace dossier::app {

/// What a question may do to the lane of the dossier.
enum class LaneChange : std::uint8_t {
    Any,    ///< it is over the dossier's documents: what they do not need of the lane goes
    Extend, ///< over the first of them: what the lane holds stays, what is missing is added
    None,   ///< over others
};

struct WantedPiece {
    std::string id;
    std::uint64_t tokens = 0;
};

struct LanePlan {
    std::vector<std::size_t> order;  ///< all wanted pieces as they will stand in the lane
    std::vector<std::uint64_t> ends; ///< of the pieces of `order`, in tokens
    std::size_t keptPieces = 0;      ///< the first of `order` that are read completely
    std::uint64_t keep = 0;          ///< tokens of the lane that stay; may end inside a piece
    std::uint64_t drop = 0;          ///< and those behind them, which would go
    std::uint64_t total() const { return ends.empty() ? 0 : ends.back(); }
    std::uint64_t toRead() const { return total() - keep; }
    bool allowedBy(LaneChange change) const {
        return toRead() == 0 || change == LaneChange::Any ||
               (change == LaneChange::Extend && drop == 0);
    }
};

/// `wanted`: the prelude, then the documents in the dossier's order. What the lane begins with
/// stays where it is. Behind that: the document that is half read, then documents that the lane had
/// further behind (they are known not to change), then new ones.
/// `marks`, `tail`: of the lane, see LaneFileInfo. `startsWith`: whether a wanted piece begins with
/// these tokens.
LanePlan
planLane(std::span<const engine::LaneMark> marks, std::span<const engine::Token> tail,
         std::span<const WantedPiece> wanted,
         const std::function<bool(std::size_t, std::span<const engine::Token>)>& startsWith);

/// Tokens of the kept part that belong to wanted pieces for which `counts` is true.
std::uint64_t keptTokens(const LanePlan&, const std::function<bool(std::size_t piece)>& counts);

} // namespace dossier::app
