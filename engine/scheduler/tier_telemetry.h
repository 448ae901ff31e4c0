// SPDX-License-Identifier: Apache-2.0
// What the memory panel shows of a model whose experts do not all lie in GPU memory.
#pragma once

#include <optional>
#include <vector>

#include "engine/experts/expert_telemetry.h"
#include "engine/model/config.h"

namespace dossier::engine {

/// Per token answered between two counts.
struct TierUse {
    std::uint64_t vramBytes = 0, ramBytes = 0, diskBytes = 0; ///< of weights, by where they lay
    std::uint64_t cpuBytes = 0; ///< of those in RAM, computed there by the processor
    /// Of a step of all answers: from the routers' choices until everything was there, and while
    /// the processor computed experts, at the same time.
    double fetchSeconds = 0, cpuSeconds = 0;
    std::vector<float> hitRate; ///< by layer; empty: all experts lie in GPU memory
};

/// Absent: no token was answered meanwhile. `before` may be from another placement (counts start
/// anew then) or absent.
std::optional<TierUse> tierUse(const ModelConfig&, const std::optional<ExpertTelemetry>& before,
                               const ExpertTelemetry& now);

} // namespace dossier::engine
