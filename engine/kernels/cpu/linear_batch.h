// SPDX-License-Identifier: Apache-2.0
// Linear layers that do not depend on each other's results, done as one parallel loop: when
// answering, a layer's matrices are small and starting a loop for each would cost more than some of
// them.
#pragma once

#include <vector>

#include "engine/base/thread_pool.h"
#include "engine/kernels/cpu/kernels.h"

namespace dossier::engine {

/// One linear layer over `n` prepared rows, outputs [outBegin, outEnd).
struct LinearTask {
    enum class Kind { Fp8, Fp8Bf16, Fp4, Bfloat16, Float }; ///< the kernel of the table to call
    Kind kind{};
    Fp8Weight fp8; ///< the one that the kind needs
    Fp4Weight fp4;
    Bf16Weight bf16;
    Operand x;
    std::uint32_t n = 0, outBegin = 0, outEnd = 0;
    Bf16* y = nullptr; ///< y[row * yStride + output]; Kind::Float: floats
    float* floats = nullptr;
    std::size_t yStride = 0;
    float scale = 0; ///< not 0, Kind::Bfloat16 only: y = bf16(y * scale) behind the layer
};

class LinearBatch {
  public:
    void add(const LinearTask& task) { m_tasks.push_back(task); }
    void clear() { m_tasks.clear(); }
    /// Does all tasks added since the last run.
    void run(const CpuKernels&, ThreadPool&);

  private:
    struct Tile {
        std::uint32_t task, row, out, outEnd;
    };
    void cut(std::uint32_t rowTile);

    std::vector<LinearTask> m_tasks;
    std::vector<Tile> m_tiles;
};

} // namespace dossier::engine
