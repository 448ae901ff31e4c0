// SPDX-License-Identifier: Apache-2.0
// Tokens on their way through the model to the end of a timeline, with the frontiers that are taken
// in passing. Can be held inside and gone on with after other work of the owner thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/scheduler/runtime.h"

namespace dossier::engine {

class Feed {
  public:
    /// `captures`: ascending positions in the part that is fed, or where it begins. The timeline
    /// outlives this. Errors: InvalidArgument (token ids), TooLarge, OutOfMemory.
    Feed(LoadedModel&, Timeline&, std::span<const Token>, std::span<const std::uint64_t> captures);
    /// Not finished: the timeline is as before.
    ~Feed();
    Feed(const Feed&) = delete;
    Feed& operator=(const Feed&) = delete;

    /// Goes on to the end, extends the timeline, keeps the last token's logits and gives the
    /// frontiers at the captures. Absent: `pause` held it; the timeline's end must not be used
    /// until it has gone on (Timeline::held). When it throws, drop it.
    std::optional<std::vector<Frontier>> run(const std::function<void(std::uint64_t)>& onRows,
                                             const std::stop_token&, const Forward::PauseFn&);

  private:
    LoadedModel& m_model;
    Timeline& m_timeline;
    std::vector<Token> m_tokens;
    std::vector<Frontier> m_frontiers;
    std::unique_ptr<DeviceMemory> m_taken; ///< states of m_places, on the device
    std::vector<Forward::Capture> m_places;
    Forward::ReadingPtr m_reading; ///< null: no tokens
};

} // namespace dossier::engine
