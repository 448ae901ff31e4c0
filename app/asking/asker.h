// SPDX-License-Identifier: GPL-3.0-or-later
// The answering service: takes a question, writes its answer. One question at a time, on the asking
// thread; survives the death of the engine's process.
#pragma once

#include <filesystem>
#include <memory>

#include "app/asking/ask_input.h"
#include "app/asking/free_answerer.h"
#include "app/work_queue.h"

namespace dossier::app {

class Asker {
  public:
    /// `profiles`: folder of prompt profiles, empty = the program's own.
    Asker(std::shared_ptr<EngineHost::Core> core, Corpus& corpus, std::filesystem::path profiles);

    /// Closes the lanes, so that another process can read. Of the asking thread, like answer().
    void closeLanes() { m_lanes.closeAll(); }
    /// Blocks until the answer is final. Never throws: what goes wrong stands in the answer.
    void answer(const AskInput& input, AnswerWriter& writer);

  private:
    void answerOrThrow(const AskInput& input, AnswerWriter& writer,
                       std::shared_ptr<engine::Engine>& asked);

    std::shared_ptr<EngineHost::Core> m_core; ///< shared with the host
    Corpus& m_corpus;
    std::filesystem::path m_profiles;
    LaneKeeper m_lanes;
    WorkQueue m_checks{WorkQueue::AtEnd::Finish};
};

/// "Dossier embedded 2 · 0123abcd"
std::string modelText(const engine::ModelInfo&);

} // namespace dossier::app
