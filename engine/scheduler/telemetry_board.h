// SPDX-License-Identifier: Apache-2.0
// What Engine::telemetry() tells: written by the engine's owner thread, read by any.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>

#include "engine/engine.h"
#include "engine/experts/expert_telemetry.h"

namespace dossier::engine {

struct LoadedModel;

class TelemetryBoard {
  public:
    Telemetry now() const; ///< any thread
    // The owner thread:
    void setActivity(const char*);
    void setReadSpeed(double tokensPerSecond); ///< 0 = none yet: the last one stays
    /// All answers went on by a token. Looks at where the weights of recent tokens came from now
    /// and then, and when it was the `last` step for the time being.
    void answered(const LoadedModel&, double stepSeconds, double tokensPerSecond, bool last);
    void forgetModel(); ///< what is about its weights

  private:
    void watchTiers(const LoadedModel&);

    mutable std::mutex m_mutex; ///< guards what follows
    Telemetry m_telemetry;
    // The owner thread's.
    std::optional<ExpertTelemetry> m_tiers; ///< when last looked at
    unsigned m_steps = 0;                   ///< of all answers since then
    double m_stepSeconds = 0;
    std::chrono::steady_clock::time_point m_tiersSeen;
};

} // namespace dossier::engine
