// SPDX-License-Identifier: Apache-2.0
// Mixture of experts for up to 16 rows: every distinct expert is read once, in place. Blocks finish
// together: whoever brings the last part of 128 products quantises them, whoever brings the last
// expert's part of an output adds the experts up in ascending order.
#include <algorithm>
#include <type_traits>

#include "engine/kernels/cuda/expert_kernels.h"
#include "engine/kernels/cuda/expert_tile.cuh"

namespace dossier::engine::cuda {
namespace {

constexpr unsigned kWarps = 4;

struct UpArguments {
    AnswerShape shape;
    AnswerBuffers buffers;
    QuantRows x;
    ExpertParameters shared;
    AnswerPart part;
    unsigned sharedBlocks; ///< blocks of the shared expert, launched first
    unsigned blocksPerTask;
};

/// Which expert a block works for; task == plan.count + 1: none.
struct Work {
    bool active = false, shared = false;
    bool computed = false; ///< by the host
    unsigned slot = 0;     ///< of the buffers: task number, the shared expert behind the last
    unsigned block = 0;    ///< of the expert's blocks
    unsigned mask = 0;
    const std::uint8_t* base = nullptr;
};

__device__ Work workOf(const AnswerPlan& plan, AnswerPart part, unsigned rows, unsigned tasks,
                       unsigned sharedBlocks, unsigned blocksPerTask) {
    Work work;
    unsigned at = blockIdx.x;
    if (at < sharedBlocks) {
        work.active = work.shared = true;
        work.slot = tasks;
        work.block = at;
        work.mask = (1u << rows) - 1;
        return work;
    }
    at -= sharedBlocks;
    const unsigned task = at / blocksPerTask;
    if (task >= plan.count ||
        (part != AnswerPart::All &&
         (plan.miss[task] != AnswerPlan::kResident) != (part == AnswerPart::Second))) {
        return work;
    }
    work.active = true;
    work.computed = plan.miss[task] == AnswerPlan::kComputed;
    work.slot = task;
    work.block = at % blocksPerTask;
    work.mask = plan.rowMask[task];
    work.base = plan.base[task];
    return work;
}

/// True in all threads of the block that adds the last of `expected` contributions.
__device__ bool lastOf(std::uint32_t* counter, unsigned expected) {
    __shared__ unsigned last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        const bool is = atomicAdd(counter, 1u) + 1 == expected;
        last = is ? 1 : 0;
        if (is) {
            *counter = 0; // for the next layer
        }
    }
    __syncthreads();
    if (last != 0) {
        __threadfence();
    }
    return last != 0;
}

constexpr unsigned kUpTiles = kWarps / 2; ///< tiles of inner values that a block covers

/// w1 of kUpTiles * 16 inner values, a tile a warp, and w3 of the same.
template<unsigned kTiles, bool kCodes>
__global__ void __launch_bounds__(32 * kWarps) upKernel(const __grid_constant__ UpArguments p) {
    auto* ring = dynamicShared<std::uint8_t>();
    const unsigned warp = threadIdx.x / 32, rows = p.shape.rows;
    const ExpertLayout& layout = p.shape.layout;
    const bool gate = warp < kUpTiles;
    const unsigned warpTile = warp % kUpTiles * kTileRows;
    const auto matrixOf = [&](const ExpertParameters& e) {
        return gate ? MatrixView(e.w1, e.w1Fp8) : MatrixView(e.w3, e.w3Fp8);
    };
    ExpertTile<kTiles, kCodes> tile(ring, warp);
    const bool isShared = blockIdx.x < p.sharedBlocks;
    if (isShared) { // known before the plan is there
        tile.start(matrixOf(p.shared), blockIdx.x * kUpTiles * kTileRows + warpTile, 0, 1);
    }
    waitForPrevious(); // which other expert is known only now
    letNextStart();    // so whoever is started by this may read the plan at once
    const AnswerPlan& plan = *p.buffers.plan;
    const Work work = workOf(plan, p.part, rows, p.buffers.tasks, p.sharedBlocks, p.blocksPerTask);
    if (!work.active || work.computed) {
        return;
    }
    const unsigned firstInner = work.block * kUpTiles * kTileRows;
    const bool fp4 = !isShared && layout.fp4;
    if (!isShared) {
        tile.start(matrixOf(layout.at(work.base)), firstInner + warpTile, 0, 1);
    }
    const ActivationRows<kCodes> x(ring + kWarps * ExpertTile<kTiles, kCodes>::kRingBytes, rows,
                                   layout.hidden);
    x.load(p.x.values, p.x.scales, (1u << rows) - 1, rows, layout.hidden, fp4);
    __syncthreads();
    tile.run(x);
    auto* sums = reinterpret_cast<float*>(ring); // [warp][16][tokens]
    __syncthreads();
    tile.store(sums + warp * kTileRows * 8 * kTiles);
    __syncthreads();
    const unsigned inner = layout.inner;
    for (unsigned i = threadIdx.x; i < kUpTiles * kTileRows * rows; i += blockDim.x) {
        const unsigned r = i % (kUpTiles * kTileRows), row = i / (kUpTiles * kTileRows);
        if ((work.mask >> row & 1u) == 0) {
            continue;
        }
        const auto sum = [&](unsigned which) {
            return rounded(sums[(which * kUpTiles * kTileRows + r) * 8 * kTiles + row]);
        };
        const float gateSum = fminf(sum(0), p.shape.limit);
        const float up = fminf(fmaxf(sum(1), -p.shape.limit), p.shape.limit);
        const float weight = work.shared ? 1.0f : plan.weight[work.slot][row];
        p.buffers.products[(std::size_t{work.slot} * rows + row) * inner + firstInner + r] =
            toBf16(gatedProduct(gateSum, up, weight));
    }
    const unsigned block = firstInner / 128;
    if (!lastOf(p.buffers.counters + std::size_t{work.slot} * (inner / 128) + block,
                128 / (kUpTiles * kTileRows))) {
        return;
    }
    // A warp quantises 128 products of a row, four a lane.
    const unsigned lane = threadIdx.x % 32;
    for (unsigned row = warp; row < rows; row += kWarps) {
        if ((work.mask >> row & 1u) == 0) {
            continue;
        }
        const std::size_t at =
            (std::size_t{work.slot} * rows + row) * inner + block * 128 + 4 * lane;
        const uint2 pairs = __ldcg(reinterpret_cast<const uint2*>(p.buffers.products + at));
        const float v[4] = {lowBf16(pairs.x), highBf16(pairs.x), lowBf16(pairs.y),
                            highBf16(pairs.y)};
        const float amax =
            warpMax(fmaxf(fmaxf(fabsf(v[0]), fabsf(v[1])), fmaxf(fabsf(v[2]), fabsf(v[3]))));
        const std::uint32_t byte = e4m3ScaleByte(amax);
        const float inverse = inverseE8m0(byte);
        std::uint32_t codes = 0;
        for (unsigned i = 0; i < 4; ++i) {
            codes |= static_cast<std::uint32_t>(floatToE4m3(v[i] * inverse)) << (8 * i);
        }
        *reinterpret_cast<std::uint32_t*>(p.buffers.codes + at) = codes;
        if (lane == 0) {
            p.buffers.scales[(std::size_t{work.slot} * rows + row) * (inner / 128) + block] =
                fromE8m0(byte);
        }
    }
}

struct DownArguments {
    AnswerShape shape;
    AnswerBuffers buffers;
    ExpertParameters shared;
    AnswerPart part;
    unsigned sharedBlocks, blocksPerTask;
    unsigned sharedSlices, taskSlices; ///< of the inputs, for a warp each
    Bf16* y;
};

/// Outputs [firstOut, firstOut + count) of an expert that the host has computed, rows of the mask.
__device__ void takeComputed(const DownArguments& p, const AnswerPlan& plan, const Work& work,
                             unsigned firstOut, unsigned count) {
    const unsigned hidden = p.shape.layout.hidden, pairs = min(count, hidden - firstOut) / 2;
    const unsigned computed = static_cast<unsigned>(__popc(work.mask));
    for (unsigned i = threadIdx.x; i < pairs * computed; i += blockDim.x) {
        unsigned mask = work.mask;
        for (unsigned skip = i / pairs; skip > 0; --skip) {
            mask &= mask - 1;
        }
        const unsigned row = static_cast<unsigned>(__ffs(static_cast<int>(mask))) - 1;
        const unsigned out = firstOut + i % pairs * 2;
        const auto* from =
            reinterpret_cast<const Bf16*>(work.base) + std::size_t{i / pairs} * hidden + out;
        auto* to = p.buffers.outputs +
                   (std::size_t{row} * (p.shape.top + 1) + plan.rank[work.slot][row]) * hidden +
                   out;
        // Not from a cache: the host writes there again and again.
        *reinterpret_cast<std::uint32_t*>(to) =
            *reinterpret_cast<const volatile std::uint32_t*>(from);
    }
}

/// Outputs from `firstOut` on of an expert in VRAM: w2 a, kWarps / slices tiles.
template<unsigned kTiles, bool kCodes>
__device__ void multiplyDown(const DownArguments& p, const AnswerPlan& plan, const Work& work,
                             unsigned firstOut, unsigned slices) {
    auto* ring = dynamicShared<std::uint8_t>();
    const unsigned warp = threadIdx.x / 32, rows = p.shape.rows, top = p.shape.top;
    const ExpertLayout& layout = p.shape.layout;
    const ExpertParameters expert = work.shared ? p.shared : layout.at(work.base);
    const MatrixView matrix(expert.w2, expert.w2Fp8);
    const unsigned tiles = kWarps / slices;
    ExpertTile<kTiles, kCodes> tile(ring, warp);
    tile.start(matrix, firstOut + warp / slices * kTileRows, warp % slices, slices);
    waitForPrevious();
    const ActivationRows<kCodes> x(ring + kWarps * ExpertTile<kTiles, kCodes>::kRingBytes, rows,
                                   layout.inner);
    x.load(p.buffers.codes + std::size_t{work.slot} * rows * layout.inner,
           p.buffers.scales + std::size_t{work.slot} * rows * (layout.inner / 128), work.mask, rows,
           layout.inner, !work.shared && layout.fp4);
    __syncthreads();
    tile.run(x);
    auto* sums = reinterpret_cast<float*>(ring);
    __syncthreads();
    tile.store(sums + warp * kTileRows * 8 * kTiles);
    __syncthreads();
    const unsigned hidden = layout.hidden;
    for (unsigned i = threadIdx.x; i < tiles * kTileRows * rows; i += blockDim.x) {
        const unsigned r = i % kTileRows, of = i / kTileRows % tiles, row = i / kTileRows / tiles;
        const unsigned out = firstOut + of * kTileRows + r;
        if ((work.mask >> row & 1u) == 0 || out >= hidden) {
            continue;
        }
        float sum = 0;
        for (unsigned s = 0; s < slices; ++s) {
            sum += sums[((of * slices + s) * kTileRows + r) * 8 * kTiles + row];
        }
        const unsigned rank = work.shared ? top : plan.rank[work.slot][row];
        p.buffers.outputs[(std::size_t{row} * (top + 1) + rank) * hidden + out] = toBf16(sum);
    }
}

template<unsigned kTiles, bool kCodes>
__global__ void __launch_bounds__(32 * kWarps) downKernel(const __grid_constant__ DownArguments p) {
    const unsigned rows = p.shape.rows, top = p.shape.top, hidden = p.shape.layout.hidden;
    letNextStart();
    // upKernel lets this one start when the plan is there: weights are on their way while it ends.
    const AnswerPlan& plan = *p.buffers.plan;
    const Work work = workOf(plan, p.part, rows, p.buffers.tasks, p.sharedBlocks, p.blocksPerTask);
    if (!work.active) {
        waitForPrevious(); // nobody behind this kernel may start before the products are there
        return;
    }
    const unsigned slices = work.shared ? p.sharedSlices : p.taskSlices;
    const unsigned outputs = kWarps / slices * kTileRows, firstOut = work.block * outputs;
    if (work.computed) {
        waitForPrevious();
        takeComputed(p, plan, work, firstOut, outputs);
    } else {
        multiplyDown<kTiles, kCodes>(p, plan, work, firstOut, slices);
    }
    // 64 outputs are complete when every expert has brought its part of them.
    const unsigned group = firstOut / 64;
    const unsigned expected = plan.count * (64 / kTileRows / (kWarps / p.taskSlices)) +
                              64 / kTileRows / (kWarps / p.sharedSlices);
    if (!lastOf(p.buffers.counters +
                    std::size_t{p.buffers.tasks + 1} * (p.shape.layout.inner / 128) + group,
                expected)) {
        return;
    }
    for (unsigned i = threadIdx.x; i < 64 * rows; i += blockDim.x) {
        const unsigned out = group * 64 + i % 64, row = i / 64;
        float sum = 0;
        for (unsigned rank = 0; rank <= top; ++rank) {
            sum += fromBf16(
                __ldcg(p.buffers.outputs + (std::size_t{row} * (top + 1) + rank) * hidden + out));
        }
        p.y[std::size_t{row} * hidden + out] = toBf16(sum);
    }
}

unsigned slicesFor(std::uint64_t rowBytes) {
    return rowBytes >= 4096 ? 4 : rowBytes >= 2048 ? 2 : 1;
}

/// More rows than this stay FP8 codes in shared memory.
constexpr std::uint32_t kRowsAsF16 = 2;

/// Calls `run` with the kernels' template arguments for this number of rows.
template<class Run>
void withTiles(std::uint32_t rows, Run run) {
    using One = std::integral_constant<unsigned, 1>;
    if (rows <= kRowsAsF16) {
        run(One{}, std::false_type{});
    } else if (rows <= 8) {
        run(One{}, std::true_type{});
    } else {
        run(std::integral_constant<unsigned, 2>{}, std::true_type{});
    }
}

template<unsigned kTiles, bool kCodes>
std::size_t sharedBytes(std::uint32_t rows, std::uint32_t columns) {
    return kWarps * ExpertTile<kTiles, kCodes>::kRingBytes +
           ActivationRows<kCodes>::bytes(rows, columns);
}

} // namespace

void answerUp(const Queue& queue, const AnswerShape& shape, AnswerPart part, const QuantRows& x,
              const ExpertParameters& shared, const AnswerBuffers& buffers) {
    UpArguments p{shape, buffers, x, shared, part, 0, 0};
    p.blocksPerTask = shape.layout.inner / (kUpTiles * kTileRows);
    p.sharedBlocks = part == AnswerPart::Second ? 0 : p.blocksPerTask;
    withTiles(shape.rows,
              [&]<unsigned kTiles, bool kCodes>(std::integral_constant<unsigned, kTiles>,
                                                std::bool_constant<kCodes>) {
                  launch(queue, "run experts: up", upKernel<kTiles, kCodes>,
                         p.sharedBlocks + buffers.tasks * p.blocksPerTask, 32 * kWarps,
                         sharedBytes<kTiles, kCodes>(shape.rows, shape.layout.hidden), p);
              });
}

void answerDown(const Queue& queue, const AnswerShape& shape, AnswerPart part,
                const ExpertParameters& shared, const AnswerBuffers& buffers, Bf16* y) {
    DownArguments p{shape, buffers, shared, part, 0, 0, 0, 0, y};
    p.sharedSlices = slicesFor(shape.layout.inner);
    p.taskSlices = shape.layout.fp4 ? slicesFor(shape.layout.inner / 2) : p.sharedSlices;
    const auto blocks = [&](unsigned slices) {
        const unsigned outputs = kWarps / slices * kTileRows;
        return (shape.layout.hidden + outputs - 1) / outputs;
    };
    p.blocksPerTask = blocks(p.taskSlices);
    p.sharedBlocks = part == AnswerPart::Second ? 0 : blocks(p.sharedSlices);
    withTiles(shape.rows,
              [&]<unsigned kTiles, bool kCodes>(std::integral_constant<unsigned, kTiles>,
                                                std::bool_constant<kCodes>) {
                  launchAhead(queue, "run experts: down", downKernel<kTiles, kCodes>,
                              p.sharedBlocks + buffers.tasks * p.blocksPerTask, 32 * kWarps,
                              sharedBytes<kTiles, kCodes>(shape.rows, shape.layout.inner), p);
              });
}

} // namespace dossier::engine::cuda
