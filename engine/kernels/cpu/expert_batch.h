// SPDX-License-Identifier: Apache-2.0
// Experts on the CPU: w1 and w3 of all of them as one parallel loop, the activation, then w2 of all
// of them. Weights are read as they lie, once for all rows of an expert.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/base/aligned_buffer.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/thread_pool.h"
#include "engine/kernels/cpu/kernels.h"
#include "engine/kernels/cpu/linear_batch.h"

namespace dossier::engine {

/// An expert and the rows that chose it.
struct ExpertTask {
    ExpertParameters expert;
    const std::uint32_t* rows = nullptr; ///< [n], of the activations
    const float* weights = nullptr;      ///< [n]
    std::uint32_t n = 0;
    Bf16* y = nullptr; ///< [n, hidden]: bf16(w2 FP8(weight * silu(w1 x) * (w3 x)))
};

/// One thread at a time calls.
class ExpertBatch {
  public:
    struct Shape {
        std::uint32_t hidden = 0, inner = 0;
        float limit = 0; ///< of gate and up before the activation
    };
    /// All but the shape outlives this object. `ledger`: working memory, under "scratch".
    ExpertBatch(const Shape&, const CpuKernels&, ThreadPool&, MemoryLedger&);

    /// `activations`: rows prepared for weights of a form (CpuKernels::prepareQuantised).
    void run(std::span<const ExpertTask> tasks,
             const std::function<Operand(WeightForm)>& activations);

  private:
    void project(const ExpertTask&, int which, const Operand& x, Bf16* y);

    const Shape m_shape;
    const CpuKernels& m_kernels;
    ThreadPool& m_pool;
    MemoryLedger& m_ledger;
    LinearBatch m_linear;
    AlignedBuffer m_memory;
    std::vector<std::uint32_t> m_taskOfSlot; ///< a slot: a row of a task, in order
    std::vector<std::uint32_t> m_firstSlot;  ///< of every task
};

} // namespace dossier::engine
