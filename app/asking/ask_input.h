// SPDX-License-Identifier: GPL-3.0-or-later
// A question as the asking thread gets it: everything it needs, by value.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/asking/answer_writer.h"
#include "app/asking/corpus.h"
#include "app/asking/profile.h"
#include "app/engine_core.h"
#include "app/lanes/lane_plan.h"
#include "app/model_types.h"

namespace dossier::app {

struct AskedSource {
    SourceId id{};
    std::string name; ///< path in the tree; what the model is told and what labels name
};

struct AskInput {
    std::string question;
    std::string level;                ///< empty = the profile's default
    std::vector<AskedSource> sources; ///< in reading order; texts are ready
    struct Turn {
        std::string question, answer; ///< the answer with its labels, as the model wrote it
    };
    std::vector<Turn> history; ///< of the same thread, oldest first
    bool evidenceOnly = false;
    std::optional<bool> whole; ///< overrides the profile
    std::uint64_t seed = 0;
    std::filesystem::path lanes; ///< folder for what the model has read; empty = in memory only
    LaneChange laneChange = LaneChange::Any; ///< what may become of the lanes there
    std::string note; ///< what the person should know of the sources; stands with the answer
};

/// What one answer works with; all of it outlives the call.
struct AskContext {
    const AskInput& input;
    const Profile& profile;
    const ProfileLevel& level;
    const EngineHost::Core::Loaded& loaded;
    Corpus& corpus;
    AnswerWriter& writer;

    bool stopped() const { return writer.stop().stop_requested(); }
};

/// Closes a lane or branch when it goes out of scope, whatever happened.
class OpenLane {
  public:
    explicit OpenLane(engine::Engine& engine) : m_engine(engine), id(engine.openLane().id) {}
    ~OpenLane();
    OpenLane(const OpenLane&) = delete;
    OpenLane& operator=(const OpenLane&) = delete;

  private:
    engine::Engine& m_engine;

  public:
    engine::LaneId id;
};

class OpenBranch {
  public:
    OpenBranch(engine::Engine& engine, engine::BranchId branch) : m_engine(engine), id(branch) {}
    ~OpenBranch();
    OpenBranch(const OpenBranch&) = delete;
    OpenBranch& operator=(const OpenBranch&) = delete;

  private:
    engine::Engine& m_engine;

  public:
    engine::BranchId id;
};

using Tokens = std::vector<engine::Token>;
inline void append(Tokens& to, const Tokens& tokens) {
    to.insert(to.end(), tokens.begin(), tokens.end());
}

/// The passages of all sources, in their order.
std::vector<PassageIndexPtr> passagesOf(const AskContext&);
/// Of the sources that the question names, or of all when it names none.
std::vector<PassageIndexPtr> searchedPassages(const AskContext&);

/// Results of the search that are shown where the answer is not sure.
constexpr std::size_t kSearchResults = 4;

/// The best passages of the search as results to show, best first.
std::vector<SearchHit> searchHits(const AskContext&, const std::vector<PassageIndexPtr>&,
                                  const Retrieval&, std::size_t limit);

/// A quotation whose source is known, checked: what the window shows.
Citation checkedCitation(const AskContext&, std::uint32_t number, std::string_view quote,
                         std::optional<SourceId> named, std::optional<ingest::TextRange> near,
                         const QuoteVerifier&);

/// Verifier over all sources of the question.
QuoteVerifier verifierOf(const AskContext&);

} // namespace dossier::app
