// SPDX-License-Identifier: Apache-2.0
// Turns the weights of a checkpoint (host views) into what kernels read (device addresses).
#pragma once

#include <vector>

#include "engine/kernels/operations.h"
#include "engine/model/weights.h"

namespace dossier::engine {

struct Parameters {
    std::vector<LayerParameters> layers;
    HeadParameters head;
};

/// Places every dense weight with Operations::weight and announces the routed experts with
/// Operations::setExperts. The views must stay valid as long as `ops`.
Parameters placeParameters(Operations& ops, const ModelConfig&, const ModelWeights&);

} // namespace dossier::engine
