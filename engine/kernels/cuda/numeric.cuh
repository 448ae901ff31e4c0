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

/// Pairs of bf16 values into what the upper four bits of their mantissas say (kept) and the rest.
__device__ __forceinline__ void splitBf16(std::uint32_t (&values)[4], std::uint32_t (&low)[4]) {
#pragma unroll
    for (unsigned i = 0; i < 4; ++i) {
        const std::uint32_t upper = values[i] & 0xFFF0FFF0u;
        low[i] =
            packBf16(lowBf16(values[i]) - lowBf16(upper), highBf16(values[i]) - highBf16(upper));
        values[i] = upper;
    }
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

/// A number in two parts: an FP32 number and what rounding took from it. About 45 bits of a sum
/// survive, in a few FP32 instructions, where FP64 is slow on most cards.
struct WideFloat {
    float value = 0, rest = 0;

    __device__ __forceinline__ void add(float more) {
        const float now = value + more, added = now - value;
        rest += (value - (now - added)) + (more - added);
        value = now;
    }
    __device__ __forceinline__ void add(WideFloat more) {
        add(more.value);
        rest += more.rest;
    }
    __device__ __forceinline__ WideFloat operator*(float factor) const {
        const float product = value * factor;
        return {product, fmaf(value, factor, -product) + rest * factor};
    }
    __device__ __forceinline__ WideFloat operator*(WideFloat factor) const {
        WideFloat product = *this * factor.value;
        product.rest += value * factor.rest;
        return product;
    }
    __device__ __forceinline__ WideFloat inverse() const {
        const float first = 1.0f / value;
        return {first, first * (fmaf(-first, value, 1.0f) - first * rest)};
    }
    /// Rounded (nearly) once.
    __device__ __forceinline__ float rounded() const { return value + rest; }
};

// Sums that are wide or not.
__device__ __forceinline__ void addTo(float& sum, float more) {
    sum += more;
}
template<class More>
__device__ __forceinline__ void addTo(WideFloat& sum, More more) {
    sum.add(more);
}
/// Of the lane that is `step` away (exclusive or).
__device__ __forceinline__ float fromLane(float v, int step) {
    return __shfl_xor_sync(kAllLanes, v, step);
}
__device__ __forceinline__ WideFloat fromLane(WideFloat v, int step) {
    return {fromLane(v.value, step), fromLane(v.rest, step)};
}
__device__ __forceinline__ float narrow(float v) {
    return v;
}
__device__ __forceinline__ float narrow(WideFloat v) {
    return v.rounded();
}

/// e^x to about 28 bits; its value is nearly always the FP32 number nearest to e^x, which expf does
/// not promise. 0 below -87, e^80 above 80.
__device__ __forceinline__ WideFloat wideExp(float x) {
    const float within = fminf(fmaxf(x, -87.0f), 80.0f), n = rintf(within * 1.44269504f);
    // ln 2 in two parts; the difference to the first one is exact.
    const float near = fmaf(n, -0x1.62e4p-1f, within), r = fmaf(n, -0x1.7f7d1cp-20f, near);
    const float rest = fmaf(n, -0x1.7f7d1cp-20f, near - r); // what rounding took from r
    float q = 1.0f / 40320;                                 // Taylor, |r| <= ln 2 / 2
    q = fmaf(q, r, 1.0f / 5040);
    q = fmaf(q, r, 1.0f / 720);
    q = fmaf(q, r, 1.0f / 120);
    q = fmaf(q, r, 1.0f / 24);
    q = fmaf(q, r, 1.0f / 6);
    q = fmaf(q, r, 0.5f);
    const float curve = q * (r * r), more = r + curve, whole = 1.0f + more;
    const float below = (more - (whole - 1.0f)) + ((r - more) + curve + rest);
    const float y = whole + below;
    const float scale =
        x < -87.0f ? 0.0f : __uint_as_float(static_cast<std::uint32_t>(n + 127.0f) << 23);
    return {x == x ? y * scale : x, (below - (y - whole)) * scale}; // not a number stays so
}

/// weight * silu(g) * u of bf16 values, rounded (nearly) once.
__device__ __forceinline__ float gatedProduct(float g, float u, float weight) {
    WideFloat divisor = wideExp(-g);
    divisor.add(1.0f);
    return (divisor.inverse() * (g * u) * weight).rounded();
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
