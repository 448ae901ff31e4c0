// SPDX-License-Identifier: Apache-2.0
// Weights from FP8 and FP4 to bf16, exactly: all scales are powers of two.
#include "engine/kernels/cuda/gemm_kernels.h"
#include "engine/kernels/cuda/numeric.cuh"

namespace dossier::engine::cuda {
namespace {

/// Sixteen values a thread.
__global__ void dequantiseFp8Kernel(Fp8Weight w, Bf16* to) {
    letNextStart();
    waitForPrevious();
    const unsigned perRow = w.in / 16;
    const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (i >= std::size_t{w.out} * perRow) {
        return;
    }
    const unsigned row = static_cast<unsigned>(i / perRow), column = i % perRow * 16;
    const float scale =
        fromE8m0(w.scales[std::size_t{row / 128} * ((w.in + 127) / 128) + column / 128]);
    const uint4 codes = loadOnce(w.values + i * 16);
    const std::uint32_t words[4] = {codes.x, codes.y, codes.z, codes.w};
    uint4 out[2];
    auto* pairs = reinterpret_cast<std::uint32_t*>(out);
#pragma unroll
    for (unsigned k = 0; k < 4; ++k) {
#pragma unroll
        for (unsigned h = 0; h < 2; ++h) {
            pairs[2 * k + h] =
                packBf16(e4m3ToFloat(static_cast<std::uint8_t>(words[k] >> (16 * h))) * scale,
                         e4m3ToFloat(static_cast<std::uint8_t>(words[k] >> (16 * h + 8))) * scale);
        }
    }
    reinterpret_cast<uint4*>(to + i * 16)[0] = out[0];
    reinterpret_cast<uint4*>(to + i * 16)[1] = out[1];
}

/// A group of 32 values, with one scale, a thread.
__global__ void dequantiseFp4Kernel(Fp4Weight w, Bf16* to) {
    letNextStart();
    waitForPrevious();
    const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (i >= std::size_t{w.out} * (w.in / 32)) {
        return;
    }
    const float scale = fromE8m0(w.scales[i]);
    const uint4 codes = loadOnce(w.values + i * 16);
    const std::uint32_t words[4] = {codes.x, codes.y, codes.z, codes.w};
#pragma unroll
    for (unsigned k = 0; k < 4; ++k) {
        uint4 out;
        auto* pairs = reinterpret_cast<std::uint32_t*>(&out);
#pragma unroll
        for (unsigned h = 0; h < 4; ++h) {
            pairs[h] = packBf16(fromE2m1(words[k] >> (8 * h) & 15u) * scale,
                                fromE2m1(words[k] >> (8 * h + 4) & 15u) * scale);
        }
        reinterpret_cast<uint4*>(to + i * 32)[k] = out;
    }
}

} // namespace

void dequantise(const Queue& queue, const Fp8Weight& weight, Bf16* w) {
    const std::size_t count = std::size_t{weight.out} * (weight.in / 16);
    launch(queue, "expand a weight", dequantiseFp8Kernel,
           static_cast<unsigned>((count + 255) / 256), 256, 0, weight, w);
}

void dequantise(const Queue& queue, const Fp4Weight& weight, Bf16* w) {
    const std::size_t count = std::size_t{weight.out} * (weight.in / 32);
    launch(queue, "expand a weight", dequantiseFp4Kernel,
           static_cast<unsigned>((count + 255) / 256), 256, 0, weight, w);
}

} // namespace dossier::engine::cuda
