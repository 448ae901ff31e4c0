// SPDX-License-Identifier: Apache-2.0
// A frontier: the small state from which a sequence can continue at one position, besides its
// rows. At positions that are multiples of 128 no block of 128 is open, so the window and the last
// four tokens' projections of every ratio-4 pool are all there is (4 MB for V4-Flash).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/lanes/lane_format.h"
#include "engine/transformer/sequence.h"

namespace dossier::engine {

struct Frontier {
    std::uint64_t position = 0;   ///< tokens before it; a multiple of kFrontierStep
    std::vector<std::byte> state; ///< host memory, little-endian
};

/// Bytes of Frontier::state for a model: per layer the window ring, then for ratio 4 the last four
/// rows of main a, main s, index a, index s.
std::uint64_t frontierBytes(const ModelConfig&);

/// The frontier at the sequence's present position, which must be a multiple of kFrontierStep.
Frontier captureFrontier(Operations&, const ModelConfig&, Sequence&);

/// One layer's part of the frontier at `position`, where the layer's state stands: copied to its
/// place in `frontier`, device memory for frontierBytes(). For frontiers in the middle of a run.
void copyFrontierLayer(Operations&, const ModelConfig&, std::uint32_t layer, const LayerState&,
                       std::uint64_t position, std::byte* frontier);

/// Puts a frontier's state into a sequence that stands at its position.
void applyFrontier(Operations&, const ModelConfig&, const Frontier&, Sequence&);

} // namespace dossier::engine
