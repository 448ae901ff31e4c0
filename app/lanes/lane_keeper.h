// SPDX-License-Identifier: GPL-3.0-or-later
// What the model has read, kept for the next question: in the dossier's folder of lanes, so that it
// stays read, or in memory for questions about other choices of documents. For one thread, but for
// hold().
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "app/engine_core.h"
#include "app/lanes/branch_keeper.h"
#include "app/lanes/lane_pieces.h"
#include "app/lanes/lane_plan.h"

namespace dossier::app {

struct LaneRequest {
    std::string effort;
    std::span<const LanePiece> pieces; ///< the prelude, then documents in the dossier's order
    std::filesystem::path folder;      ///< of the dossier's lanes; empty: in memory only
    /// Where the dossier's lane on the disk does not hold the pieces and may not be changed for
    /// them, they are read into a lane in memory.
    LaneChange change = LaneChange::Any;
    /// While another process reads: use the documents that it has finished.
    bool partial = false;
};

struct LaneReading {
    engine::LaneId id{};
    std::uint64_t position = 0;     ///< where the pieces below end; the lane may be longer
    std::vector<std::size_t> order; ///< pieces as they stand in the lane
    std::size_t missing = 0;        ///< documents that are not read yet; with `partial` only
    std::string note;               ///< of restoring; sentences, may be empty
};

class LaneKeeper {
  public:
    /// A lane that holds the pieces. Progress covers what is really read. Cancelled: what was read
    /// is kept; throws Error(Cancelled). Other errors as Engine::openLane and append.
    LaneReading read(const EngineHost::Core::Loaded&, const LaneRequest&, const engine::ProgressFn&,
                     const std::stop_token&);
    /// What reading would do, from the open lane or its file.
    LanePlan plan(const EngineHost::Core::Loaded&, const LaneRequest&);
    /// Holds reading, a read() that runs or comes, until it is let go. Returns when nothing is
    /// computed any more; what is computed of the part under way stays in the engine's memory. Any
    /// thread.
    void hold(bool held);
    /// Closes lanes and branches, so that another process may write the files.
    void closeAll();
    BranchKeeper& branches() { return m_branches; }

  private:
    struct Kept {
        std::uint64_t generation = 0;
        std::shared_ptr<engine::Engine>
            engine;                 ///< shared: closing after a restart must be harmless
        std::filesystem::path file; ///< empty = memory
        std::string effort;         ///< levels with different efforts share nothing
        engine::LaneId id{};
        bool writable = true;
        std::uint64_t tokens = 0;
        std::vector<engine::LaneMark> marks;
        std::vector<engine::Token> tail; ///< tokens behind the last mark, where they are known
        std::string note;
    };
    using Loaded = EngineHost::Core::Loaded;

    Kept* find(const std::filesystem::path& file, const std::string& effort);
    void drop(Kept&);
    LanePlan planFor(const Loaded&, const LaneRequest&, const std::filesystem::path& file);
    Kept& open(const Loaded&, const LaneRequest&, const std::filesystem::path& file,
               const LanePlan&, const engine::ProgressFn&, const std::stop_token&);
    void append(const Loaded&, Kept&, const LaneRequest&, const LanePlan&,
                const engine::ProgressFn&, const std::stop_token&);
    static void nowHolds(Kept&, const LaneRequest&, const LanePlan&, std::uint64_t tokens);

    /// While it lives, hold() reaches the lane that is appended to.
    class Appending {
      public:
        Appending(LaneKeeper&, const Kept&);
        ~Appending();
        Appending(const Appending&) = delete;
        Appending& operator=(const Appending&) = delete;

      private:
        LaneKeeper& m_keeper;
    };

    std::vector<std::unique_ptr<Kept>> m_lanes;
    BranchKeeper m_branches;
    std::mutex m_holdMutex; ///< guards what follows
    bool m_held = false;
    std::shared_ptr<engine::Engine> m_appendingWith; ///< null: nothing is being appended
    engine::LaneId m_appendingTo{};
};

/// The file of a lane in a folder of lanes: named after model, tokenizer and effort, so that equal
/// lanes of two dossiers have equal names.
std::filesystem::path laneFile(const std::filesystem::path& folder, const std::string& model,
                               const std::string& tokenizer, const std::string& effort);

/// Throws Error(NotFound) when the file is a link to where nothing is: a lane on another disk.
void requireReachable(const std::filesystem::path& file);

} // namespace dossier::app
