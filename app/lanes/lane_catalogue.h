// SPDX-License-Identifier: GPL-3.0-or-later
// The lanes of a dossier as files: listing, checking, deleting, moving to another disk, getting rid
// of replaced records. Nothing here deletes anything that the person did not ask for.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/lanes/reading_board.h"
#include "app/model_types.h"

namespace dossier::app {

/// Whether a lane still says what it said when it was read.
struct LaneSelfCheck {
    std::string skipped;          ///< why it was not tried; empty when it was
    engine::LaneRestore restored; ///< how it came back
    bool good() const {
        return restored.lost == 0 && restored.check != "failed" && restored.differing.empty();
    }
};

struct LaneEntry {
    std::string name;                 ///< file name without ".lane"; what commands take
    std::filesystem::path file;       ///< in the dossier
    std::filesystem::path elsewhere;  ///< where it really is, when it was moved to another disk
    std::int64_t usedMs = 0;          ///< last read or extended
    std::vector<std::string> levels;  ///< titles of the levels that use it; filled in by a session
    std::optional<LaneCheck> checked; ///< the last one; filled in by a session
    engine::LaneFileInfo info;        ///< without `tail`
    std::optional<Failure> failure;   ///< why info is empty
    std::optional<LaneSelfCheck> selfCheck; ///< by LaneCatalogue::selfCheck

    /// Nothing is damaged, and what was tried gave the same.
    bool good() const;
    /// What a check says of it: "good", or what is wrong.
    std::string state() const;
    /// What is known to be wrong with it now: by its file, or by the last check if nothing was
    /// written since (whoever writes a lane restores it first and reads again what was lost).
    std::string trouble() const; ///< empty: nothing
};

/// A branch that begins behind a document of a lane.
struct DocumentFork {
    std::uint64_t documents = 0, all = 0; ///< that it sees, of those that take part in questions
    std::uint64_t replay = 0;             ///< tokens between the nearest frontier and its beginning
    std::uint64_t read = 0;   ///< tokens in front of its beginning that nobody has read yet
    double seconds = 0;       ///< for both; 0: not known
    bool passages = false;    ///< the model is asked over passages: nothing is read beforehand
    std::string text() const; ///< "sees 3 of 12 documents, re-reads up to 612 tokens, about 3 s"
};

/// What reading for a level would take.
struct LaneOutlook {
    /// A document as it stands or will stand in the lane.
    struct Document {
        SourceId source{};
        std::uint64_t end = 0;      ///< tokens of the lane up to its end
        std::uint64_t frontier = 0; ///< the nearest one before that; 0: the beginning
    };
    std::string level;
    std::uint64_t keep = 0, read = 0, total = 0; ///< tokens
    std::uint64_t bytes = 0;                     ///< on the disk, for what is read
    double seconds = 0;                          ///< 0: not known
    double tokensPerSecond = 0;                  ///< at which this computer reads; 0: not known
    std::vector<Document> documents;             ///< in the lane's order
    std::string text() const; ///< "keeps 41,200 tokens, re-reads 3,100 (about 6 min)"
};

/// What taking sources out, or putting changed files in their place, does to what is read.
struct LanePrice {
    std::uint64_t keep = 0;   ///< tokens that stay read
    std::uint64_t again = 0;  ///< tokens that were read and would have to be read once more
    double seconds = 0;       ///< for `again`, as this computer reads; 0: not known
    std::size_t lanes = 0;    ///< over how many lanes these are sums
    std::string text() const; ///< "keeps 41,200 tokens, re-reads 3,100 (about 6 min)"
};

/// One thread at a time.
class LaneCatalogue {
  public:
    /// `folder`: of the dossier. The engine needs no model but for selfCheck().
    LaneCatalogue(const std::filesystem::path& folder, engine::Engine& engine)
        : m_folder(folder / "lanes"), m_engine(engine) {}

    /// By last use, latest first. Verify::Contents compares every checksum.
    std::vector<LaneEntry> list(engine::Verify, const engine::ProgressFn& = {},
                                std::stop_token = {}) const;
    /// Restores a lane with the model that the engine has loaded: its rows, and the logits of the
    /// probe at every frontier (a question looks at the one at its end). One of another model is
    /// skipped. Errors: Cancelled, ProcessDied, what the device throws.
    void selfCheck(LaneEntry&, const engine::ProgressFn& = {}, std::stop_token = {}) const;
    /// Error(NotFound) names the lanes that there are.
    LaneEntry find(const std::string& name) const;

    /// Errors: Busy while it is being written; Io, Permission.
    void remove(const std::string& name);
    /// Copies the lane into another folder, compares, and leaves a link to it here. Error(DiskFull)
    /// before anything is written; until the link is there the lane stays where it was.
    void move(const std::string& name, const std::filesystem::path& to, const engine::ProgressFn&,
              std::stop_token);
    /// Writes the lane anew without what was replaced. Returns bytes freed.
    std::uint64_t compact(const std::string& name, const engine::ProgressFn&, std::stop_token);
    /// Deletes lanes, the longest unused first, until all together take at most `bytes`. Returns
    /// the deleted ones.
    std::vector<LaneEntry> keepWithin(std::uint64_t bytes);

  private:
    LaneEntry describe(const std::filesystem::path& file, engine::Verify, const engine::ProgressFn&,
                       std::stop_token) const;
    void requireUnused(const LaneEntry&) const;

    std::filesystem::path m_folder;
    engine::Engine& m_engine;
};

/// Remembers that a lane was used now.
void touchLane(const std::filesystem::path& file);

} // namespace dossier::app
