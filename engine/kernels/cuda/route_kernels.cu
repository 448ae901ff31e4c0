// SPDX-License-Identifier: Apache-2.0
// Router: sqrt(softplus), the best experts by biased score, weights from the unbiased ones. When
// answering, also the plan of who computes what.
#include <algorithm>
#include <type_traits>

#include "engine/kernels/cuda/expert_kernels.h"
#include "engine/kernels/cuda/numeric.cuh"

namespace dossier::engine::cuda {
namespace {

/// For the choice.
__device__ float scoreOf(float x) {
    return sqrtf(x > 20.0f ? x : log1pf(expf(x)));
}
/// Of the chosen ones: an error in a weight moves all values of its expert.
__device__ float exactScoreOf(float x) {
    return static_cast<float>(sqrt(x > 20.0f ? double{x} : log1p(exp(double{x}))));
}

struct RouteArguments {
    unsigned rows, experts, top;
    float scale;
    const float* logits;              ///< [rows, experts]
    const float* bias;                ///< [experts] or null
    const std::int64_t* tokenExperts; ///< hash layers: [vocabulary, top]
    const std::int32_t* tokens;       ///< [rows]
    std::int32_t* ids;                ///< [rows, top]
    float* weights;                   ///< [rows, top]
};

/// The bias of experts l, l + 32, ... for lane l: it does not depend on the kernel before.
template<unsigned kPer>
__device__ void loadBias(const RouteArguments& p, float (&biased)[kPer]) {
#pragma unroll
    for (unsigned i = 0; i < kPer; ++i) {
        const unsigned e = threadIdx.x % 32 + 32 * i;
        biased[i] = p.bias && e < p.experts ? p.bias[e] : 0;
    }
}

/// One row by a warp, up to 32 * kPer experts. logits: [experts] in shared memory.
template<unsigned kPer>
__device__ void routeRow(const RouteArguments& p, unsigned row, float (&biased)[kPer],
                         float* logits) {
    const unsigned lane = threadIdx.x % 32, experts = p.experts, top = p.top;
    const float lowest = __uint_as_float(0xff800000u);
#pragma unroll
    for (unsigned i = 0; i < kPer; ++i) {
        const unsigned e = lane + 32 * i;
        if (e < experts) {
            logits[e] = p.logits[std::size_t{row} * experts + e];
            biased[i] += scoreOf(logits[e]);
        }
    }
    __syncwarp();
    unsigned taken = 0;    // of this lane's experts, a bit each
    unsigned kept[2] = {}; // lane i keeps choices i and i + 32
    for (unsigned i = 0; i < top; ++i) {
        unsigned chosen = 0;
        if (p.tokenExperts) {
            chosen = static_cast<unsigned>(
                p.tokenExperts[static_cast<std::size_t>(p.tokens[row]) * top + i]);
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
    }
    float scores[2] = {};
    for (unsigned i = lane; i < top; i += 32) {
        scores[i / 32] = exactScoreOf(logits[kept[i / 32]]);
    }
    const double sum = warpSum(double{scores[0]} + double{scores[1]});
    for (unsigned i = lane; i < top; i += 32) {
        p.ids[std::size_t{row} * top + i] = static_cast<std::int32_t>(kept[i / 32]);
        p.weights[std::size_t{row} * top + i] =
            static_cast<float>(double{scores[i / 32]} / sum * double{p.scale});
    }
}

/// Reading: a warp a row.
template<unsigned kPer>
__global__ void routeKernel(RouteArguments p) {
    auto* all = dynamicShared<float>(); // logits, a row a warp
    letNextStart();
    const unsigned warp = threadIdx.x / 32, row = blockIdx.x * (blockDim.x / 32) + warp;
    float biased[kPer];
    loadBias(p, biased);
    waitForPrevious();
    if (row < p.rows) { // a whole warp
        routeRow(p, row, biased, all + std::size_t{warp} * p.experts);
    }
}

/// Answering, one block: a warp a row chooses, then all of them lay down who does what.
template<unsigned kPer>
__global__ void planKernel(RouteArguments p, ExpertTable table, AnswerPlan* plan) {
    auto* masks = dynamicShared<unsigned>(); // [experts]
    auto* all = reinterpret_cast<float*>(masks + p.experts);
    __shared__ unsigned before[32];
    letNextStart();
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    float biased[kPer];
    loadBias(p, biased);
    for (unsigned e = threadIdx.x; e < p.experts; e += blockDim.x) {
        masks[e] = 0;
    }
    waitForPrevious();
    if (p.logits && warp < p.rows) {
        routeRow(p, warp, biased, all + std::size_t{warp} * p.experts);
    }
    __syncthreads();
    for (unsigned i = threadIdx.x; i < p.rows * p.top; i += blockDim.x) {
        atomicOr(&masks[p.ids[i]], 1u << (i / p.top));
    }
    __syncthreads();
    unsigned first = 0; // tasks before this round of experts
    for (unsigned round = 0; round < p.experts; round += blockDim.x) {
        const unsigned e = round + threadIdx.x;
        const unsigned mask = e < p.experts ? masks[e] : 0;
        const unsigned used = __ballot_sync(kAllLanes, mask != 0);
        if (lane == 0) {
            before[warp] = static_cast<unsigned>(__popc(used));
        }
        __syncthreads();
        unsigned task = first + static_cast<unsigned>(__popc(used & ((1u << lane) - 1)));
        unsigned total = 0;
        for (unsigned w = 0; w < warps; ++w) {
            task += w < warp ? before[w] : 0;
            total += before[w];
        }
        if (mask != 0) {
            plan->expert[task] = e;
            plan->rowMask[task] = mask;
            plan->base[task] = table.resident[e];
            plan->miss[task] =
                table.resident[e] == nullptr ? AnswerPlan::kFetched : AnswerPlan::kResident;
            for (unsigned row = 0; row < p.rows; ++row) {
                if ((mask >> row & 1u) == 0) {
                    continue;
                }
                unsigned rank = 0;
                for (unsigned k = 0; k < p.top; ++k) {
                    const unsigned id = static_cast<unsigned>(p.ids[row * p.top + k]);
                    rank += id < e ? 1 : 0;
                    if (id == e) {
                        plan->weight[task][row] = p.weights[row * p.top + k];
                    }
                }
                plan->rank[task][row] = static_cast<std::uint8_t>(rank);
            }
        }
        first += total;
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        plan->count = first;
    }
}

/// Calls `run` with the number of experts that a lane takes.
template<class Run>
void withExpertsPerLane(unsigned experts, Run run) {
    if (experts <= 256) {
        run(std::integral_constant<unsigned, 8>{});
    } else if (experts <= 512) {
        run(std::integral_constant<unsigned, 16>{});
    } else {
        run(std::integral_constant<unsigned, 32>{});
    }
}

RouteArguments arguments(std::uint32_t rows, const RouteTask& task) {
    return {rows,
            task.router.gate.out,
            task.top,
            task.scale,
            task.logits,
            task.router.bias,
            task.router.tokenExperts,
            task.tokens,
            task.ids,
            task.weights};
}

} // namespace

bool routeFits(std::uint32_t experts, std::uint32_t top) {
    return experts <= 1024 && top <= 64;
}

void route(const Queue& queue, std::uint32_t rows, const RouteTask& task) {
    constexpr unsigned kWarps = 4;
    const std::uint32_t experts = task.router.gate.out;
    withExpertsPerLane(experts, [&]<unsigned kPer>(std::integral_constant<unsigned, kPer>) {
        launch(queue, "route", routeKernel<kPer>, (rows + kWarps - 1) / kWarps, 32 * kWarps,
               std::size_t{kWarps} * experts * sizeof(float), arguments(rows, task));
    });
}

void planAnswer(const Queue& queue, std::uint32_t rows, const RouteTask& task, ExpertTable table,
                const AnswerBuffers& buffers) {
    const std::uint32_t experts = task.router.gate.out;
    withExpertsPerLane(experts, [&]<unsigned kPer>(std::integral_constant<unsigned, kPer>) {
        launch(queue, "route and plan", planKernel<kPer>, 1, 32 * std::max(rows, 8U),
               (std::size_t{rows} + 1) * experts * sizeof(float), arguments(rows, task), table,
               buffers.plan);
    });
}

} // namespace dossier::engine::cuda
