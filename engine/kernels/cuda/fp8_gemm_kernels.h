// SPDX-License-Identifier: Apache-2.0
// Launchers of fp8_gemm_kernels.cu: products of FP8 rows with FP8 weights, for reading on Hopper
// (compute capability 9.0), whose tensor cores multiply FP8 twice as fast as bf16.
#pragma once

#include "engine/kernels/cuda/launch.h"
#include "engine/kernels/types.h"

namespace dossier::engine::cuda {

constexpr std::uint32_t kMaxFp8Parts = 16;

/// Rows firstRow .. firstRow + rows - 1 of x and y, which are multiplied with a weight of their
/// own.
struct Fp8Part {
    const std::uint8_t* values = nullptr; ///< as in Fp8Weight
    const std::uint8_t* scales = nullptr;
    std::uint32_t firstRow = 0, rows = 0;
};

/// Up to 16 products beside each other, all weights of one shape.
struct Fp8Products {
    std::uint32_t out = 0, in = 0; ///< in: a multiple of 128
    std::uint32_t yPitch = 0;      ///< elements from row to row of y
    std::uint32_t count = 0;
    Fp8Part parts[kMaxFp8Parts] = {};
};

/// Whether there is a kernel for a GPU of that compute capability, in builds for 90a.
bool fp8ProductsFit(int major, int minor);

/// y [rows, out] = bf16(x . w^T). Tensor cores add up 128 inputs, with 13 bits behind the binary
/// point of the largest product; these sums, times the scales of row and weight, are added up in
/// FP32 in the order of the inputs. A row's bits depend on that row only.
void gemmFp8(const Queue&, const Fp8Products&, const QuantRows& x, Bf16* y);

/// The weight in FP8: values [out, in], scales [ceil(out/128), in/128] bytes. Exact where the
/// scales that fall into a block of 128 x 128 are within 14 powers of two of each other; what is
/// smaller is rounded to multiples of 2^-15 of the largest scale, which tensor cores would cut off.
void expandToFp8(const Queue&, const Fp4Weight&, std::uint8_t* values, std::uint8_t* scales);

} // namespace dossier::engine::cuda
