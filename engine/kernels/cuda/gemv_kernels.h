// SPDX-License-Identifier: Apache-2.0
// Launcher of gemv_kernels.cu: linear layers of up to 16 rows, for answering. Weights are read
// once, in place; their bytes decide the time.
#pragma once

#include <span>

#include "engine/kernels/cuda/launch.h"
#include "engine/kernels/types.h"

namespace dossier::engine::cuda {

enum class GemvKind : std::uint32_t {
    Fp8,     ///< FP8 weights, FP8 rows -> bf16
    Fp8Bf16, ///< FP8 weights, bf16 rows -> bf16; `groups` of outputs read their own inputs. Rows
             ///< become f16 with a power of two for 128 values: what that rounds is under 2^-40 of
             ///< the largest of them
    Bf16F32, ///< bf16 weights and rows -> FP32
    Bf16,    ///< bf16 weights and rows -> bf16, times `factor`, -> bf16
};

struct GemvTask {
    GemvKind kind = GemvKind::Fp8;
    const void* weights = nullptr;        ///< [out, in]
    const std::uint8_t* scales = nullptr; ///< FP8: [ceil(out/128), in/128] e8m0
    const void* x = nullptr;              ///< [n, groups * in] FP8 or bf16
    const float* xScales = nullptr;       ///< FP8 rows: [n, in/128]
    void* y = nullptr;                    ///< [n, out]
    std::uint32_t out = 0, in = 0, groups = 1;
    float factor = 1;
    const Bf16* raw = nullptr;  ///< Fp8: quantised on the way in, in place of x, xScales
    const Bf16* norm = nullptr; ///< and normed before that, unless null; [in]
    float eps = 0;              ///< of the norm
};

constexpr std::size_t kMaxGemvTasks = 8;

/// All tasks in one launch; they must not depend on each other. rows <= 16; out/groups a multiple
/// of 16 when groups > 1; in a multiple of 128.
void gemv(const Queue&, std::uint32_t rows, std::span<const GemvTask> tasks);

} // namespace dossier::engine::cuda
