// SPDX-License-Identifier: Apache-2.0
// The self-check of a restored lane: one fixed token on a throw-away fork at a frontier, its logits
// against those stored when the frontier was written.
#pragma once

#include <vector>

#include "engine/lanes/frontier.h"
#include "engine/lanes/lane_file.h"
#include "engine/transformer/forward.h"

namespace dossier::engine {

/// The logits behind the probe token at a frontier of a lane. Error(Cancelled) as Forward::run.
std::vector<float> probeLogits(Forward&, Operations&, Sequence& lane, const Frontier&,
                               std::stop_token = {});

/// What is stored of them: a checksum of all, the largest and some evenly spread ones.
Probe makeProbe(const ModelConfig&, std::span<const float> logits);

enum class ProbeMatch {
    Equal,     ///< in every bit
    Close,     ///< as two correct engines of different numerics classes
    Different, ///< another state
};
ProbeMatch compareProbe(const Probe& stored, std::span<const float> logits);

} // namespace dossier::engine
