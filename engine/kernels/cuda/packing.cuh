// SPDX-License-Identifier: Apache-2.0
// Packing of key/value rows and index keys by a block of threads; layouts in
// engine/model/kv_layout.h.
#pragma once

#include "engine/kernels/cuda/numeric.cuh"
#include "engine/model/kv_layout.h"

namespace dossier::engine::cuda {

/// Rotates a pair (a, b) as the model does, rounded to bf16.
__device__ __forceinline__ std::uint32_t rotatePair(std::uint32_t pair, float c, float s) {
    // Products of a bf16 and an FP32 value are exact in float64: one rounding, as the model has it.
    const double a = lowBf16(pair), b = highBf16(pair);
    return packBf16(static_cast<float>(a * double{c} - b * double{s}),
                    static_cast<float>(a * double{s} + b * double{c}));
}

/// cos and sin of the FP32 angle, each rounded once.
__device__ __forceinline__ float2 cosSin(float position, float frequency) {
    const float angle = __fmul_rn(position, frequency);
    double s = 0, c = 0;
    sincos(static_cast<double>(angle), &s, &c);
    return make_float2(static_cast<float>(c), static_cast<float>(s));
}

/// Writes a row of bf16 values (shared memory, rotated already) in packed form, with all threads of
/// the block; whole warps, each taking blocks of 64 values.
__device__ __forceinline__ void packRow(const Bf16* values, const KvRowLayout& layout,
                                        std::byte* out) {
    auto* bytes = reinterpret_cast<std::uint8_t*>(out);
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    for (unsigned b = warp; b < layout.scales; b += warps) {
        const std::uint32_t pair =
            *reinterpret_cast<const std::uint32_t*>(values + 64 * b + 2 * lane);
        const float amax = warpMax(fmaxf(fabsf(lowBf16(pair)), fabsf(highBf16(pair))));
        const std::uint32_t scale = e4m3ScaleByte(amax);
        const float inverse = inverseE8m0(scale);
        const std::uint16_t codes =
            static_cast<std::uint16_t>(floatToE4m3(lowBf16(pair) * inverse)) |
            static_cast<std::uint16_t>(floatToE4m3(highBf16(pair) * inverse)) << 8;
        *reinterpret_cast<std::uint16_t*>(bytes + 64 * b + 2 * lane) = codes;
        if (lane == 0) {
            bytes[layout.scaleOffset + b] = static_cast<std::uint8_t>(scale);
        }
    }
    for (unsigned i = threadIdx.x; i < layout.rope / 2; i += blockDim.x) {
        *reinterpret_cast<std::uint32_t*>(bytes + layout.ropeOffset + 4 * i) =
            *reinterpret_cast<const std::uint32_t*>(values + layout.nope + 2 * i);
    }
    for (unsigned i = layout.scaleOffset + layout.scales + threadIdx.x; i < layout.bytes;
         i += blockDim.x) {
        bytes[i] = 0;
    }
}

/// A vector of up to 1024 values held by a warp: lane l holds values n*l .. n*l + n-1, n = dims/32.
/// Natural-order Hadamard transform / sqrt(dims), rounded to bf16.
template<unsigned kMost>
__device__ __forceinline__ void hadamard(float (&v)[kMost], unsigned dims) {
    const unsigned lane = threadIdx.x % 32, n = dims / 32;
    for (unsigned half = 1; half < n; half *= 2) {
#pragma unroll
        for (unsigned i = 0; i < kMost; ++i) {
            if (i < n && (i & half) == 0) {
                const float a = v[i], b = v[i | half];
                v[i] = a + b;
                v[i | half] = a - b;
            }
        }
    }
    for (unsigned step = 1; step < 32; step *= 2) {
#pragma unroll
        for (unsigned i = 0; i < kMost; ++i) {
            if (i < n) {
                const float other = __shfl_xor_sync(kAllLanes, v[i], static_cast<int>(step));
                v[i] = (lane & step) != 0 ? other - v[i] : v[i] + other;
            }
        }
    }
    // 1 / sqrt(2^m), correctly rounded: an odd power leaves sqrt(2).
    const int m = 31 - __clz(static_cast<int>(dims));
    const float scale = __uint_as_float(static_cast<std::uint32_t>(127 - (m + 1) / 2) << 23) *
                        (m % 2 != 0 ? 0x1.6a09e6p0f : 1.0f);
#pragma unroll
    for (unsigned i = 0; i < kMost; ++i) {
        v[i] = rounded(v[i] * scale);
    }
}

/// e2m1 code of v, ties to even.
__device__ __forceinline__ std::uint32_t toE2m1(float v) {
    return floatToE2m1(v);
}

/// e8m0 byte of the FP4 block of 32 values that this lane's values belong to; n values a lane.
template<unsigned kMost>
__device__ __forceinline__ std::uint32_t e2m1Scale(const float (&v)[kMost], unsigned dims) {
    const unsigned n = dims / 32;
    float amax = 0;
#pragma unroll
    for (unsigned i = 0; i < kMost; ++i) {
        if (i < n) {
            amax = fmaxf(amax, fabsf(v[i]));
        }
    }
    for (unsigned step = 1; step * n < 32; step *= 2) {
        amax = fmaxf(amax, __shfl_xor_sync(kAllLanes, amax, static_cast<int>(step)));
    }
    return e2m1ScaleByte(amax);
}

} // namespace dossier::engine::cuda
