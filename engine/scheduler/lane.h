// SPDX-License-Identifier: Apache-2.0
// A lane as the owner thread keeps it: its sequence, tokens, document marks and frontiers, and the
// file that they go to. How a lane is written down: docs/formats/lane.md.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/lanes/frontier.h"
#include "engine/lanes/frontier_policy.h"
#include "engine/lanes/lane_store.h"
#include "engine/lanes/self_check.h"
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

    /// A frontier of the file with what its probe gives now. Different: not the logits that were
    /// stored with it, in every bit for the class of its record, within tolerance for another one.
    struct Probed {
        Frontier frontier;
        ProbeMatch match = ProbeMatch::Different;
    };
    /// Absent: damaged on the disk. One token of time; Error(Cancelled).
    std::optional<Probed> probe(LoadedModel&, const LaneFrontier&, std::stop_token);

    /// The last right one of the list below before `position`; none: everything has to be replayed
    /// from the start. One that comes from the file runs its probe the first time, so that nothing
    /// goes on from a state that opening did not look at: a token against the replay of up to a
    /// frontier's distance. Those that are not right leave the list; `restored` tells the ones that
    /// differ. Error(Cancelled).
    std::optional<Frontier> nearestBefore(LoadedModel&, std::uint64_t position, std::stop_token);
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
        bool trusted = false;         ///< captured here, or its probe was run
    };
    std::vector<Kept> frontiers; ///< ascending
    FrontierPolicy policy;
    std::uint64_t recordBegin = 0;    ///< of the next record
    std::unique_ptr<LaneStore> store; ///< null: in memory only
    std::optional<LaneRestore> restored;

  private:
    /// A frontier of the list; not right, it leaves the list.
    std::optional<Frontier> frontier(LoadedModel&, std::uint64_t position, std::stop_token);
    /// The frontiers at these positions; those that are not right are taken out of them.
    std::vector<Frontier> load(LoadedModel&, std::vector<std::uint64_t>& positions);
    LaneDraft draft(LoadedModel&, std::uint64_t rowsEnd, std::uint64_t tokensEnd,
                    std::span<const Frontier> kept);
};

/// "The self-check after 2048, 4096, 8192 tokens and at 2 more places gave other results ...": what
/// a lane that goes on regardless says of frontiers before its end.
std::string differingText(std::span<const std::uint64_t> positions);

/// What must equal in a lane file.
LaneKey laneKey(const LoadedModel&, const std::string& prefix);

} // namespace dossier::engine
