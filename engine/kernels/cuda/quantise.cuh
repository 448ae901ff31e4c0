// SPDX-License-Identifier: Apache-2.0
// RMS norm and FP8 quantisation of a row by a block of threads: for kernels that write the result
// and for those that quantise what they multiply. The sum of squares runs block by block of 128
// values, whatever the number of threads.
#pragma once

#include "engine/kernels/cuda/numeric.cuh"

namespace dossier::engine::cuda {

constexpr unsigned kMaxNormBlocks = 128; ///< of 128 values

__device__ __forceinline__ double squaresOf(std::uint32_t pair) {
    const float low = lowBf16(pair), high = highBf16(pair); // squares are exact in FP32
    return double{low * low} + double{high * high};
}

/// rsqrt(mean of squares + eps) of a row of whole blocks of 128; `sums` shared [columns / 128].
/// All threads of the block, whole warps.
__device__ __forceinline__ double rootOfRow(const Bf16* row, unsigned columns, float eps,
                                            double* sums) {
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
#pragma unroll 4
    for (unsigned b = warp; b < columns / 128; b += warps) {
        const uint2 pairs = *reinterpret_cast<const uint2*>(row + 128 * b + 4 * lane);
        const double sum = warpSum(squaresOf(pairs.x) + squaresOf(pairs.y));
        if (lane == 0) {
            sums[b] = sum;
        }
    }
    __syncthreads();
    double total = 0;
    for (unsigned b = 0; b < columns / 128; ++b) {
        total += sums[b];
    }
    return 1.0 / sqrt(total / double(columns) + double{eps});
}

struct Quantised {
    std::uint32_t codes; ///< of this lane's four values
    float scale;         ///< of the warp's 128
};

/// Four of 128 values that a warp holds, normed first where `normed`.
__device__ __forceinline__ Quantised quantiseFour(uint2 pairs, uint2 w, bool normed, double root) {
    if (normed) {
        pairs.x = normPair(w.x, pairs.x, root);
        pairs.y = normPair(w.y, pairs.y, root);
    }
    const float amax = warpMax(fmaxf(fmaxf(fabsf(lowBf16(pairs.x)), fabsf(highBf16(pairs.x))),
                                     fmaxf(fabsf(lowBf16(pairs.y)), fabsf(highBf16(pairs.y)))));
    const std::uint32_t byte = e4m3ScaleByte(amax);
    const float inverse = inverseE8m0(byte);
    return {floatToE4m3(lowBf16(pairs.x) * inverse) |
                static_cast<std::uint32_t>(floatToE4m3(highBf16(pairs.x) * inverse)) << 8 |
                static_cast<std::uint32_t>(floatToE4m3(lowBf16(pairs.y) * inverse)) << 16 |
                static_cast<std::uint32_t>(floatToE4m3(highBf16(pairs.y) * inverse)) << 24,
            fromE8m0(byte)};
}

} // namespace dossier::engine::cuda
