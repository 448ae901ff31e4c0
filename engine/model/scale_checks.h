// SPDX-License-Identifier: Apache-2.0
// Scales are looked at when their weights are first used: a NaN scale (e8m0 byte 255) would spread
// through every answer without a trace, and reading all of them at the start would touch every
// page of a model that is far larger than memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "engine/model/weights.h"

namespace dossier::engine {

/// Thread-safe after construction. Copies the views of the scales, not their data.
class ScaleChecks {
  public:
    /// `shards`: file names for error texts, indexed by TensorView::shard; may be empty for weights
    /// that come from no file.
    ScaleChecks(const ModelWeights& weights, std::vector<std::filesystem::path> shards);

    /// The scales of all weights but the routed experts (some hundred kilobytes at full size).
    /// Errors: Corrupt, naming file and tensor.
    void dense() const;

    /// The scales of one routed expert, the first time only; later calls cost one atomic read.
    /// Errors: Corrupt, naming file and tensor, on every call for a damaged expert.
    void expert(std::uint32_t layer, std::uint32_t expert) {
        const std::size_t index = std::size_t{layer} * m_expertsPerLayer + expert;
        if (!m_seen[index].load(std::memory_order_relaxed)) {
            checkExpert(index);
        }
    }

  private:
    struct Scales {
        TensorView w1, w2, w3;
    };
    void check(const TensorView& scale) const;
    void checkExpert(std::size_t index);

    std::vector<std::filesystem::path> m_shards;
    std::vector<TensorView> m_dense;
    std::vector<Scales> m_experts;
    std::size_t m_expertsPerLayer = 0;
    std::unique_ptr<std::atomic<bool>[]> m_seen;
};

} // namespace dossier::engine
