// SPDX-License-Identifier: Apache-2.0
// Router: sqrt(softplus), the best experts by biased score, weights from the unbiased ones.
#include "engine/kernels/cuda/expert_kernels.h"
#include "engine/kernels/cuda/numeric.cuh"

namespace dossier::engine::cuda {
namespace {

__device__ float scoreOf(float x) {
    return sqrtf(x > 20.0f ? x : log1pf(expf(x)));
}

/// A warp a row, up to 32 * kPer experts; lane l holds the biased scores of experts l, l + 32, ...
template<unsigned kPer>
__global__ void routeKernel(unsigned rows, const float* logits, unsigned experts, unsigned top,
                            float scale, const float* bias, const std::int64_t* tokenExperts,
                            const std::int32_t* tokens, std::int32_t* ids, float* weights) {
    auto* all = dynamicShared<float>(); // scores, a row a warp
    letNextStart();
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const unsigned row = blockIdx.x * (blockDim.x / 32) + warp;
    const float lowest = __uint_as_float(0xff800000u);
    float biased[kPer];
#pragma unroll
    for (unsigned i = 0; i < kPer; ++i) { // does not depend on the kernel before
        const unsigned e = lane + 32 * i;
        biased[i] = bias && e < experts ? bias[e] : 0;
    }
    waitForPrevious();
    if (row >= rows) {
        return; // a whole warp
    }
    float* scores = all + std::size_t{warp} * experts;
#pragma unroll
    for (unsigned i = 0; i < kPer; ++i) {
        const unsigned e = lane + 32 * i;
        if (e < experts) {
            const float score = scoreOf(logits[std::size_t{row} * experts + e]);
            scores[e] = score;
            biased[i] += score;
        }
    }
    __syncwarp();
    std::int32_t* mine = ids + std::size_t{row} * top;
    float sum = 0;
    unsigned taken = 0;    // of this lane's experts, a bit each
    unsigned kept[2] = {}; // lane i keeps choices i and i + 32
    for (unsigned i = 0; i < top; ++i) {
        unsigned chosen = 0;
        if (tokenExperts) {
            chosen = static_cast<unsigned>(
                tokenExperts[static_cast<std::size_t>(tokens[row]) * top + i]);
        } else {
            // The best one that was not taken before; equal ones: the lowest id.
            float best = lowest;
            unsigned at = experts;
#pragma unroll
            for (unsigned k = 0; k < kPer; ++k) {
                const unsigned e = lane + 32 * k;
                if (e < experts && (taken >> k & 1u) == 0 && (biased[k] > best || at == experts)) {
                    best = biased[k];
                    at = e;
                }
            }
#pragma unroll
            for (int step = 16; step > 0; step /= 2) {
                const float other = __shfl_xor_sync(kAllLanes, best, step);
                const unsigned otherAt = __shfl_xor_sync(kAllLanes, at, step);
                if (otherAt < experts &&
                    (at >= experts || other > best || (other == best && otherAt < at))) {
                    best = other;
                    at = otherAt;
                }
            }
            chosen = at;
            if (chosen % 32 == lane) {
                taken |= 1u << (chosen / 32);
            }
        }
        if (i % 32 == lane) {
            kept[i / 32] = chosen;
        }
        sum += scores[chosen];
    }
    for (unsigned i = lane; i < top; i += 32) {
        const unsigned chosen = kept[i / 32];
        mine[i] = static_cast<std::int32_t>(chosen);
        weights[std::size_t{row} * top + i] = scores[chosen] / sum * scale;
    }
}

} // namespace

bool routeFits(std::uint32_t experts, std::uint32_t top) {
    return experts <= 1024 && top <= 64;
}

void route(const Queue& queue, std::uint32_t rows, const float* logits,
           const RouterParameters& router, std::uint32_t top, float scale,
           const std::int32_t* tokens, std::int32_t* ids, float* weights) {
    const std::uint32_t experts = router.gate.out;
    constexpr unsigned kWarps = 4;
    const auto run = [&](auto kernel) {
        launch(queue, "route", kernel, (rows + kWarps - 1) / kWarps, 32 * kWarps,
               std::size_t{kWarps} * experts * sizeof(float), rows, logits, experts, top, scale,
               router.bias, router.tokenExperts, tokens, ids, weights);
    };
    if (experts <= 256) {
        run(routeKernel<8>);
    } else if (experts <= 512) {
        run(routeKernel<16>);
    } else {
        run(routeKernel<32>);
    }
}

} // namespace dossier::engine::cuda
