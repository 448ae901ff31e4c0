// SPDX-License-Identifier: Apache-2.0
// Launchers of gemm_kernels.cu and dequantise_kernels.cu: matrix products of many rows, for
// reading.
#pragma once

#include "engine/kernels/cuda/launch.h"
#include "engine/kernels/types.h"

namespace dossier::engine::cuda {

/// y [rows, out] = x [rows, in] . w [out, in]^T, all row-major; `batch` such products beside each
/// other at the given distances (elements).
struct GemmShape {
    std::uint32_t rows = 0, out = 0, in = 0;
    std::uint32_t xPitch = 0, yPitch = 0; ///< elements from row to row
    std::uint32_t batch = 1;
    std::uint64_t xStep = 0, wStep = 0, yStep = 0;
};

/// bf16 on the tensor cores, FP32 sums in a fixed order along `in` (a multiple of 64); y in bf16
/// or, when `f32`, FP32. A row's bits depend on that row only.
void gemmBf16(const Queue&, const GemmShape&, const Bf16* x, const Bf16* w, void* y, bool f32);

/// The weight in bf16, exactly.
void dequantise(const Queue&, const Fp8Weight&, Bf16* w);
void dequantise(const Queue&, const Fp4Weight&, Bf16* w);

} // namespace dossier::engine::cuda
