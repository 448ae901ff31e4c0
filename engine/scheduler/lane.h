// SPDX-License-Identifier: Apache-2.0
// A lane as the owner thread keeps it: its sequence, tokens, document marks and frontiers, and the
// file that they go to. How a lane is written down: docs/formats/lane.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/lanes/frontier.h"
#include "engine/lanes/frontier_policy.h"
#include "engine/lanes/lane_store.h"
#include "engine/transformer/forward.h"

namespace dossier::engine {

struct LoadedModel;
struct Lane;

/// A sequence with its tokens and the logits behind its last one.
struct Timeline {
    std::unique_ptr<Sequence> sequence;
    std::shared_ptr<std::vector<Token>> prefix; ///< the lane's tokens; null for lanes themselves
    std::uint64_t prefixTokens = 0;             ///< how many of them belong to this timeline
    std::vector<Token> tokens;                  ///< its own, behind the prefix
    /// [vocabulary]; empty before the first token, and at the end of a restored lane until needed.
    std::vector<float> logits;
    std::weak_ptr<Lane> origin; ///< of branches: the lane that they were made from
    double readSeconds = 0;     ///< spent on the most recent extend
    std::uint64_t readTokens = 0;
    /// A reading is held inside a super-chunk: the sequence's layers stand at different positions,
    /// so that nothing may be forked from its end. What is before it can be used.
    bool held = false;

    std::uint64_t size() const { return prefixTokens + tokens.size(); }
    /// The token at a position.
    Token at(std::uint64_t position) const {
        return position < prefixTokens ? (*prefix)[position] : tokens[position - prefixTokens];
    }
};

struct Lane {
    Lane(LoadedModel&, std::unique_ptr<LaneStore>);

    /// A frontier at a position of the list below; absent when its file is damaged there.
    std::optional<Frontier> frontier(std::uint64_t position) const;
    /// The last one before `position`; none: everything has to be replayed from the start.
    std::optional<Frontier> nearestBefore(std::uint64_t position) const;
    std::vector<std::uint64_t> positions() const;
    /// Positions captured since the next record's begin.
    std::vector<std::uint64_t> captured() const;
    std::uint64_t frontierBytes() const; ///< held in memory

    /// Where a reading from `from` to `to` captures frontiers; with `last` for the provisional
    /// record at its end too.
    std::vector<std::uint64_t> captures(std::uint64_t from, std::uint64_t to, bool last) const;
    /// Enters tokens that were fed, and the frontiers captured on the way.
    void record(std::span<const Token>, std::vector<Frontier>);

    bool due() const { return policy.due(recordBegin, log->size()); }
    /// Ends a record: with a file it is handed to its writer.
    void save(LoadedModel&);
    /// Writes what no record holds yet, provisionally. False when there is nothing.
    bool saveTail(LoadedModel&);
    /// True when nothing is being written; see LaneStore::settled.
    bool settled(std::chrono::milliseconds most);
    std::uint64_t savedTokens() const { return store ? store->index().tokens.size() : 0; }

    Timeline timeline; ///< its tokens are in `log`, its own list stays empty
    std::shared_ptr<std::vector<Token>> log = std::make_shared<std::vector<Token>>();
    std::vector<LaneMark> marks;
    struct Kept {
        std::uint64_t position = 0;
        std::vector<std::byte> state; ///< empty: in the file
    };
    std::vector<Kept> frontiers; ///< ascending
    FrontierPolicy policy;
    std::uint64_t recordBegin = 0;    ///< of the next record
    std::unique_ptr<LaneStore> store; ///< null: in memory only
    std::optional<LaneRestore> restored;

  private:
    /// The frontiers at these positions; damaged ones are taken out of the list.
    std::vector<Frontier> load(std::vector<std::uint64_t>& positions) const;
    LaneDraft draft(LoadedModel&, std::uint64_t rowsEnd, std::uint64_t tokensEnd,
                    std::span<const Frontier> kept);
};

/// What must equal in a lane file.
LaneKey laneKey(const LoadedModel&, const std::string& prefix);

} // namespace dossier::engine
