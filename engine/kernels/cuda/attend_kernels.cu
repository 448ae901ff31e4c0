// SPDX-License-Identifier: Apache-2.0
// Attention: whole queries for reading, split ones for answering.
#include "engine/kernels/cuda/attend_kernels.h"

#include <algorithm>

#include "engine/kernels/cuda/attend_tile.cuh"
#include "engine/kernels/cuda/packing.cuh"

namespace dossier::engine::cuda {
namespace {

constexpr unsigned kSplitEntries = 64; ///< rows of a block when answering
constexpr unsigned kMostSplits = 128;  ///< parts of a query; longer ones take more blocks each
/// Shared memory that a block may have on every card; 8.9 and 12.0 have the least.
constexpr std::size_t kLeastShared = std::size_t{99} << 10;
static_assert(sizeof(AttendTile<512, 1, kSplitEntries>::Shared) <= kLeastShared);
static_assert(sizeof(AttendTile<512, 2, 32>::Shared) <= kLeastShared);

/// bf16 of the pair, with the inverse rotation where it rotates.
__device__ std::uint32_t finishPair(const AttendShape& shape, const float* table, unsigned row,
                                    unsigned dim, float first, float second) {
    std::uint32_t pair = packBf16(first, second);
    if (dim >= shape.layout.nope) {
        const float2 turn = reinterpret_cast<const float2*>(
            table + std::size_t{row} * shape.layout.rope)[(dim - shape.layout.nope) / 2];
        pair = rotatePair(pair, turn.x, -turn.y);
    }
    return pair;
}

/// Block (row, heads).
template<unsigned kDims, unsigned kTiles, unsigned kEntries>
__global__ void __launch_bounds__(kAttendThreads)
    attendKernel(const __grid_constant__ AttendArguments p) {
    using Tile = AttendTile<kDims, kTiles, kEntries>;
    auto& shared = *dynamicShared<typename Tile::Shared>();
    letNextStart();
    waitForPrevious();
    const unsigned row = blockIdx.x, firstHead = blockIdx.y * Tile::kHeads;
    const unsigned heads = min(p.shape.heads - firstHead, Tile::kHeads);
    const QueryView view(p, row);
    const std::size_t at = (std::size_t{row} * p.shape.heads + firstHead) * kDims;
    Tile tile(shared);
    tile.loadQueries(p.in.q + at, heads);
    tile.run(p, view, 0, (view.total + kEntries - 1) / kEntries);
    __shared__ WideFloat factors[Tile::kHeads];
    if (threadIdx.x < heads) {
        WideFloat sum = wideExp(p.in.sink[firstHead + threadIdx.x] - shared.top[threadIdx.x]);
        sum.add(shared.sum[threadIdx.x]);
        factors[threadIdx.x] = sum.inverse();
    }
    __syncthreads();
    tile.forOutputs([&](unsigned head, unsigned dim, float first, float second) {
        if (head < heads) {
            const WideFloat factor = factors[head];
            *reinterpret_cast<std::uint32_t*>(p.in.o + at + std::size_t{head} * kDims + dim) =
                finishPair(p.shape, p.in.table, row, dim, (factor * first).rounded(),
                           (factor * second).rounded());
        }
    });
}

__device__ __host__ __forceinline__ unsigned blocksOf(unsigned total) {
    return (total + kSplitEntries - 1) / kSplitEntries;
}
/// Blocks of a part: decided by what the query sees alone.
__device__ __host__ __forceinline__ unsigned blocksPerPart(unsigned blocks) {
    return (blocks + kMostSplits - 1) / kMostSplits;
}

/// What a part knows of a head's softmax.
struct PartState {
    float top;     ///< largest score
    WideFloat sum; ///< of the weights
    float unused;
};
static_assert(sizeof(PartState) == 16);

/// Block (part, heads, row). Partials: [row][part][heads][dims] sums, then [row][part][heads]
/// PartState.
template<unsigned kDims>
__global__ void __launch_bounds__(kAttendThreads, 2)
    attendSplitKernel(const __grid_constant__ AttendArguments p) {
    using Tile = AttendTile<kDims, 1, kSplitEntries>;
    auto& shared = *dynamicShared<typename Tile::Shared>();
    letNextStart();
    waitForPrevious();
    const unsigned part = blockIdx.x, firstHead = blockIdx.y * Tile::kHeads, row = blockIdx.z;
    const unsigned heads = min(p.shape.heads - firstHead, Tile::kHeads);
    const QueryView view(p, row);
    const unsigned blocks = blocksOf(view.total), per = blocksPerPart(blocks);
    if (part * per >= blocks) {
        return;
    }
    Tile tile(shared);
    tile.loadQueries(p.in.q + (std::size_t{row} * p.shape.heads + firstHead) * kDims, heads);
    tile.run(p, view, part * per, min((part + 1) * per, blocks));
    const std::size_t at = (std::size_t{row} * p.splits + part) * p.shape.heads + firstHead;
    float* sums = p.partials + at * kDims;
    tile.forOutputs([&](unsigned head, unsigned dim, float first, float second) {
        if (head < heads) {
            *reinterpret_cast<float2*>(sums + std::size_t{head} * kDims + dim) =
                make_float2(first, second);
        }
    });
    auto* states = reinterpret_cast<PartState*>(p.partials + std::size_t{gridDim.z} * p.splits *
                                                                 p.shape.heads * kDims);
    for (unsigned head = threadIdx.x; head < heads; head += kAttendThreads) {
        states[at + head] = {shared.top[head], shared.sum[head], 0};
    }
}

/// Block (head, row): a pair of dims a thread. The blocks behind the last head keep the batch's
/// row in its segment's window, which nobody reads any more.
__global__ void combineKernel(const __grid_constant__ AttendArguments p) {
    __shared__ float weights[kMostSplits];
    __shared__ WideFloat sums[kMostSplits], factor; // 1 / the sum of all weights
    letNextStart();
    waitForPrevious();
    const unsigned head = blockIdx.x, row = blockIdx.y, dims = p.shape.dims;
    const QueryView view(p, row);
    if (head == p.shape.heads) {
        const unsigned bytes = p.shape.layout.bytes;
        const auto* from =
            reinterpret_cast<const std::uint64_t*>(p.in.packed + std::size_t{row} * bytes);
        auto* to = reinterpret_cast<std::uint64_t*>(
            view.state->window + std::size_t{view.position % p.shape.window} * bytes);
        for (unsigned i = threadIdx.x; i < bytes / 8; i += blockDim.x) {
            to[i] = from[i];
        }
        return;
    }
    const unsigned blocks = blocksOf(view.total), per = blocksPerPart(blocks);
    const unsigned parts = (blocks + per - 1) / per;
    const std::size_t first = std::size_t{row} * p.splits * p.shape.heads + head;
    const auto* states = reinterpret_cast<const PartState*>(
        p.partials + std::size_t{gridDim.y} * p.splits * p.shape.heads * dims);
    for (unsigned i = threadIdx.x; i < parts; i += blockDim.x) {
        const PartState state = states[first + std::size_t{i} * p.shape.heads];
        weights[i] = state.top;
        sums[i] = state.sum;
    }
    __syncthreads();
    float top = __uint_as_float(0xff800000u);
    for (unsigned i = 0; i < parts; ++i) {
        top = fmaxf(top, weights[i]);
    }
    __syncthreads();
    for (unsigned i = threadIdx.x; i < parts; i += blockDim.x) {
        weights[i] = wideExp(weights[i] - top).value;
    }
    __syncthreads();
    if (threadIdx.x < 32) {
        WideFloat denominator;
        for (unsigned i = threadIdx.x; i < parts; i += 32) {
            denominator.add(sums[i] * weights[i]);
        }
#pragma unroll
        for (int step = 16; step > 0; step /= 2) {
            denominator.add(fromLane(denominator, step));
        }
        denominator.add(wideExp(p.in.sink[head] - top));
        if (threadIdx.x == 0) {
            factor = denominator.inverse();
        }
    }
    float low = 0, high = 0;
    const unsigned dim = 2 * threadIdx.x;
#pragma unroll 8
    for (unsigned i = 0; i < parts; ++i) {
        const std::size_t at = first + std::size_t{i} * p.shape.heads;
        const float2 v = *reinterpret_cast<const float2*>(p.partials + at * dims + dim);
        low += v.x * weights[i];
        high += v.y * weights[i];
    }
    __syncthreads();
    *reinterpret_cast<std::uint32_t*>(p.in.o + (std::size_t{row} * p.shape.heads + head) * dims +
                                      dim) =
        finishPair(p.shape, p.in.table, row, dim, (factor * low).rounded(),
                   (factor * high).rounded());
}

AttendArguments arguments(const BatchView& batch, std::uint32_t layer, const AttendShape& shape,
                          const AttendInput& in) {
    AttendArguments p{};
    p.batch = batch;
    p.states = batch.layer(layer);
    p.shape = shape;
    p.in = in;
    return p;
}

unsigned mostSplits(const AttendShape& shape, std::uint64_t contextLimit) {
    std::uint64_t entries = shape.ratio != 0 ? contextLimit / shape.ratio : 0;
    if (shape.ratio == 4) {
        entries = std::min<std::uint64_t>(entries, shape.topk);
    }
    const unsigned blocks = blocksOf(shape.window + static_cast<unsigned>(entries));
    const unsigned per = blocksPerPart(blocks);
    // With fewer blocks a part may hold fewer of them: never more parts than either bound.
    return per == 1 ? blocks : kMostSplits;
}

} // namespace

bool attendFits(std::uint32_t dims, std::uint32_t rotated) {
    return (dims == 128 || dims == 256 || dims == 512) && rotated % 4 == 0 &&
           rotated <= kMostRotated;
}

void attend(const Queue& queue, const BatchView& batch, std::uint32_t layer,
            const AttendShape& shape, const AttendInput& in) {
    const AttendArguments p = arguments(batch, layer, shape, in);
    const auto run = [&]<unsigned kDims, unsigned kTiles, unsigned kEntries>(
                         std::integral_constant<unsigned, kDims>,
                         std::integral_constant<unsigned, kTiles>,
                         std::integral_constant<unsigned, kEntries>) {
        using Tile = AttendTile<kDims, kTiles, kEntries>;
        launch(queue, "attend", attendKernel<kDims, kTiles, kEntries>,
               dim3(batch.rows, (shape.heads + Tile::kHeads - 1) / Tile::kHeads), kAttendThreads,
               sizeof(typename Tile::Shared), p);
    };
    using D128 = std::integral_constant<unsigned, 128>;
    using D256 = std::integral_constant<unsigned, 256>;
    using D512 = std::integral_constant<unsigned, 512>;
    using One = std::integral_constant<unsigned, 1>;
    using Four = std::integral_constant<unsigned, 4>;
    using E32 = std::integral_constant<unsigned, 32>;
    using E64 = std::integral_constant<unsigned, 64>;
    switch (shape.dims) {
    case 128:
        return run(D128{}, One{}, E64{});
    case 256:
        return run(D256{}, One{}, E64{});
    default:
        if (queue.sharedLimit >= sizeof(AttendTile<512, 4, 64>::Shared)) {
            return run(D512{}, Four{}, E64{});
        }
        return run(D512{}, std::integral_constant<unsigned, 2>{}, E32{});
    }
}

std::uint64_t attendPartials(const AttendShape& shape, std::uint32_t rows,
                             std::uint64_t contextLimit) {
    return std::uint64_t{rows} * mostSplits(shape, contextLimit) * shape.heads *
           (shape.dims + sizeof(PartState) / sizeof(float));
}

void attendSplit(const Queue& queue, const BatchView& batch, std::uint32_t layer,
                 const AttendShape& shape, const AttendInput& in, std::uint64_t contextLimit,
                 float* partials) {
    AttendArguments p = arguments(batch, layer, shape, in);
    p.partials = partials;
    p.splits = mostSplits(shape, contextLimit);
    const auto run = [&]<unsigned kDims>(std::integral_constant<unsigned, kDims>) {
        using Tile = AttendTile<kDims, 1, kSplitEntries>;
        launch(queue, "attend", attendSplitKernel<kDims>,
               dim3(p.splits, (shape.heads + Tile::kHeads - 1) / Tile::kHeads, batch.rows),
               kAttendThreads, sizeof(typename Tile::Shared), p);
    };
    switch (shape.dims) {
    case 128:
        run(std::integral_constant<unsigned, 128>{});
        break;
    case 256:
        run(std::integral_constant<unsigned, 256>{});
        break;
    default:
        run(std::integral_constant<unsigned, 512>{});
    }
    launch(queue, "combine attention", combineKernel, dim3(shape.heads + 1, batch.rows),
           shape.dims / 2, 0, p);
}

} // namespace dossier::engine::cuda
