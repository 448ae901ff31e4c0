// SPDX-License-Identifier: Apache-2.0
// Number formats and sums inside kernels. The conversions are those of engine/model/formats.h.
#pragma once

#include <cstdint>

#include "engine/kernels/cuda/intrinsics.cuh"
#include "engine/model/formats.h"

namespace dossier::engine::cuda {

constexpr unsigned kAllLanes = 0xffffffffu;

__device__ __forceinline__ float lowBf16(std::uint32_t pair) {
    return __uint_as_float(pair << 16);
}
__device__ __forceinline__ float highBf16(std::uint32_t pair) {
    return __uint_as_float(pair & 0xffff0000u);
}
__device__ __forceinline__ float rounded(float v) {
    return lowBf16(packBf16(v, 0.0f));
}
__device__ __forceinline__ Bf16 toBf16(float v) {
    return static_cast<Bf16>(packBf16(v, 0.0f) & 0xffffu);
}
__device__ __forceinline__ float fromBf16(Bf16 v) {
    return __uint_as_float(static_cast<std::uint32_t>(v) << 16);
}

/// 2^(b-127), also for the subnormal b = 0.
__device__ __forceinline__ float fromE8m0(std::uint32_t b) {
    return __uint_as_float(b == 0 ? 0x00400000u : b << 23);
}

/// Scale of the FP8 quantiser (power of two) and its e8m0 byte, from the largest magnitude.
__device__ __forceinline__ std::uint32_t e4m3ScaleByte(float amax) {
    const std::uint32_t bits = __float_as_uint(fmaxf(amax, 1e-4f) * (1.0f / 448.0f));
    return (bits >> 23) + ((bits & 0x7FFFFFu) != 0 ? 1u : 0u);
}
__device__ __forceinline__ std::uint32_t e2m1ScaleByte(float amax) {
    const std::uint32_t bits = __float_as_uint(fmaxf(amax, 6 * 0x1p-126f) * (1.0f / 6.0f));
    return (bits >> 23) + ((bits & 0x7FFFFFu) != 0 ? 1u : 0u);
}
/// 1 / 2^(b-127) for 1 <= b <= 253.
__device__ __forceinline__ float inverseE8m0(std::uint32_t b) {
    return __uint_as_float((254u - b) << 23);
}

/// The value of an e2m1 code 0..15.
__device__ __forceinline__ float fromE2m1(std::uint32_t code) {
    // As f16 bits: exponent and mantissa land where they mean the value times 2^-14.
    const std::uint32_t magnitude = code & 7u;
    const float v = magnitude < 2
                        ? 0.5f * static_cast<float>(magnitude)
                        : __uint_as_float((126u + (magnitude >> 1)) << 23 | (magnitude & 1u) << 22);
    return (code & 8u) != 0 ? -v : v;
}

/// bf16(w * (x * root)) of a pair: the end of a norm, rounded once.
__device__ __forceinline__ std::uint32_t normPair(std::uint32_t w, std::uint32_t x, double root) {
    return packBf16(static_cast<float>(double{lowBf16(w)} * (double{lowBf16(x)} * root)),
                    static_cast<float>(double{highBf16(w)} * (double{highBf16(x)} * root)));
}

// -- sums in a fixed order

template<class T>
__device__ __forceinline__ T warpSum(T v) {
#pragma unroll
    for (int step = 16; step > 0; step /= 2) {
        v += __shfl_xor_sync(kAllLanes, v, step);
    }
    return v;
}
__device__ __forceinline__ float warpMax(float v) {
#pragma unroll
    for (int step = 16; step > 0; step /= 2) {
        v = fmaxf(v, __shfl_xor_sync(kAllLanes, v, step));
    }
    return v;
}

/// Sum over the block, given to all threads. `shared` has room for 32 values; may be used again
/// after the call.
template<class T>
__device__ __forceinline__ T blockSum(T v, T* shared) {
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    v = warpSum(v);
    __syncthreads();
    if (lane == 0) {
        shared[warp] = v;
    }
    __syncthreads();
    T total = 0;
    for (unsigned i = 0; i < warps; ++i) {
        total += shared[i];
    }
    return total;
}

} // namespace dossier::engine::cuda
