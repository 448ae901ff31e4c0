// SPDX-License-Identifier: Apache-2.0
// Linear layers of up to 16 rows. A block of four warps covers 16 outputs times four slices of the
// inputs, or more outputs with fewer slices, by the length of a row alone: the order of every sum
// is fixed by the matrix.
#include "engine/kernels/cuda/gemv_kernels.h"

#include <algorithm>
#include <array>
#include <type_traits>

#include "engine/kernels/cuda/gemv_tile.cuh"
#include "engine/kernels/cuda/quantise.cuh"

namespace dossier::engine::cuda {
namespace {

constexpr unsigned kWarps = 4;

struct GemvJob {
    GemvTask task;
    unsigned firstBlock, blocksPerGroup, slices;
};
struct GemvJobs {
    GemvJob jobs[kMaxGemvTasks];
    unsigned count;
};

/// One stage of one warp: sums += weights . x. `x` points at the first token's values of the stage;
/// tokens behind the last one repeat it, and their sums are not stored.
template<unsigned kTiles>
struct StageMath {
    StagePlaces places;
    float acc[kTiles][4] = {};

    /// FP8 weights; x is f16 (kHalves) or FP8 codes, times a scale for 128 values.
    template<bool kHalves>
    __device__ void fp8(SharedAddress stage, const std::uint8_t* x, unsigned xPitch, unsigned rows,
                        float weightScale, const float* xScales, unsigned scalePitch) {
        using Four = std::conditional_t<kHalves, uint2, std::uint32_t>;
        const unsigned lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
        float d[kTiles][4] = {};
        std::uint32_t w[4][4];
        places.load(w, stage);
        Four values[kTiles][8];
#pragma unroll
        for (unsigned tile = 0; tile < kTiles; ++tile) {
            const std::uint8_t* row = x + min(8 * tile + g, rows - 1) * xPitch + t * sizeof(Four);
#pragma unroll
            for (unsigned segment = 0; segment < 8; ++segment) {
                values[tile][segment] =
                    *reinterpret_cast<const Four*>(row + segment * 4 * sizeof(Four));
            }
        }
#pragma unroll
        for (unsigned segment = 0; segment < 8; ++segment) {
            const std::uint32_t* words = w[segment / 2] + 2 * (segment % 2);
            std::uint32_t a[4];
            halvesFromWord(words[0], a[0], a[2]);
            halvesFromWord(words[1], a[1], a[3]);
#pragma unroll
            for (unsigned tile = 0; tile < kTiles; ++tile) {
                if constexpr (kHalves) {
                    mmaF16(d[tile], a, values[tile][segment].x, values[tile][segment].y);
                } else {
                    std::uint32_t b0, b1;
                    halvesFromWord(values[tile][segment], b0, b1);
                    mmaF16(d[tile], a, b0, b1);
                }
            }
        }
#pragma unroll
        for (unsigned tile = 0; tile < kTiles; ++tile) {
#pragma unroll
            for (unsigned c = 0; c < 2; ++c) {
                const unsigned token = min(8 * tile + 2 * t + c, rows - 1);
                const float scale = weightScale * xScales[token * scalePitch];
                acc[tile][c] += d[tile][c] * scale;
                acc[tile][2 + c] += d[tile][2 + c] * scale;
            }
        }
    }

    /// Inputs are 64 elements a stage.
    __device__ void bf16(SharedAddress stage, const std::uint8_t* x, unsigned xPitch,
                         unsigned rows) {
        const unsigned lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
        float d[kTiles][4] = {};
        std::uint32_t w[4][4], values[kTiles][8];
        places.load(w, stage);
#pragma unroll
        for (unsigned tile = 0; tile < kTiles; ++tile) {
            const std::uint8_t* row = x + min(8 * tile + g, rows - 1) * xPitch + 4 * t;
#pragma unroll
            for (unsigned segment = 0; segment < 8; ++segment) {
                values[tile][segment] = *reinterpret_cast<const std::uint32_t*>(row + segment * 16);
            }
        }
#pragma unroll
        for (unsigned i = 0; i < 4; ++i) {
#pragma unroll
            for (unsigned tile = 0; tile < kTiles; ++tile) {
                mmaBf16(d[tile], w[i], values[tile][2 * i], values[tile][2 * i + 1]);
            }
        }
#pragma unroll
        for (unsigned tile = 0; tile < kTiles; ++tile) {
#pragma unroll
            for (unsigned i = 0; i < 4; ++i) {
                acc[tile][i] += d[tile][i];
            }
        }
    }
};

/// Bytes of x of one token in shared memory: padded, so that 8 tokens meet all banks.
__device__ __host__ __forceinline__ unsigned xPitchOf(unsigned bytes) {
    return bytes + 16;
}

/// Four codes of a row into shared memory, as they are or as f16.
template<bool kHalves>
__device__ __forceinline__ void putCodes(std::uint8_t* row, unsigned column, std::uint32_t codes) {
    if constexpr (kHalves) {
        uint2 halves;
        halvesFromWord(codes, halves.x, halves.y);
        *reinterpret_cast<uint2*>(row + 2 * column) = halves;
    } else {
        *reinterpret_cast<std::uint32_t*>(row + column) = codes;
    }
}
/// Sixteen.
template<bool kHalves>
__device__ __forceinline__ void putCodes(std::uint8_t* row, unsigned column, uint4 codes) {
    if constexpr (kHalves) {
        uint4 first, second;
        halvesFromWord(codes.x, first.x, first.y);
        halvesFromWord(codes.y, first.z, first.w);
        halvesFromWord(codes.z, second.x, second.y);
        halvesFromWord(codes.w, second.z, second.w);
        auto* to = reinterpret_cast<uint4*>(row + 2 * column);
        to[0] = first;
        to[1] = second;
    } else {
        *reinterpret_cast<uint4*>(row + column) = codes;
    }
}

/// Rows in bf16 into shared memory as FP8.
template<bool kHalves>
__device__ void quantiseRows(const GemvTask& task, unsigned rows, std::uint8_t* x, unsigned xPitch,
                             float* xScales) {
    constexpr unsigned kAhead = 8;
    __shared__ double sums[kMaxNormBlocks];
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, blocks = task.in / 128;
    for (unsigned token = 0; token < rows; ++token) {
        const Bf16* row = task.raw + std::size_t{token} * task.in;
        double root = 1;
        if (task.norm) {
            __syncthreads(); // the sums of the row before have been read
            root = rootOfRow(row, task.in, task.eps, sums);
        }
        // Loads of several blocks are on their way at once.
        for (unsigned first = warp; first < blocks; first += kAhead * kWarps) {
            uint2 pairs[kAhead], weights[kAhead];
#pragma unroll
            for (unsigned i = 0; i < kAhead; ++i) {
                const unsigned at = 128 * min(first + i * kWarps, blocks - 1) + 4 * lane;
                pairs[i] = *reinterpret_cast<const uint2*>(row + at);
                weights[i] =
                    task.norm ? *reinterpret_cast<const uint2*>(task.norm + at) : make_uint2(0, 0);
            }
#pragma unroll
            for (unsigned i = 0; i < kAhead; ++i) {
                const unsigned b = first + i * kWarps;
                if (b >= blocks) {
                    break;
                }
                const Quantised four =
                    quantiseFour(pairs[i], weights[i], task.norm != nullptr, root);
                putCodes<kHalves>(x + std::size_t{token} * xPitch, 128 * b + 4 * lane, four.codes);
                if (lane == 0) {
                    xScales[token * blocks + b] = four.scale;
                }
            }
        }
    }
}

/// Rows in bf16 into shared memory as f16: blocks of 128 times a power of two that brings the
/// largest to f16's top, so that e4m3 weights, which one instruction turns into f16, can be
/// multiplied with them. Exact for values above 2^-32 of the block's largest; smaller ones are off
/// by under 2^-40 of it, which no FP32 sum of the block shows.
__device__ void putScaled(const GemvTask& task, unsigned group, unsigned rows, std::uint8_t* x,
                          unsigned xPitch, float* xScales) {
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, blocks = task.in / 128;
    for (unsigned token = 0; token < rows; ++token) {
        const Bf16* row =
            static_cast<const Bf16*>(task.x) + (std::size_t{token} * task.groups + group) * task.in;
#pragma unroll 4
        for (unsigned b = warp; b < blocks; b += kWarps) {
            const uint2 pairs = *reinterpret_cast<const uint2*>(row + 128 * b + 4 * lane);
            const float v[4] = {lowBf16(pairs.x), highBf16(pairs.x), lowBf16(pairs.y),
                                highBf16(pairs.y)};
            const float most =
                warpMax(fmaxf(fmaxf(fabsf(v[0]), fabsf(v[1])), fmaxf(fabsf(v[2]), fabsf(v[3]))));
            const std::uint32_t exponent = max(__float_as_uint(most) >> 23, 16u);
            const float factor = __uint_as_float((127 + 15 + 127 - exponent) << 23);
            *reinterpret_cast<uint2*>(x + std::size_t{token} * xPitch + 2 * (128 * b + 4 * lane)) =
                make_uint2(packF16(v[0] * factor, v[1] * factor),
                           packF16(v[2] * factor, v[3] * factor));
            if (lane == 0) {
                xScales[token * blocks + b] = __uint_as_float((exponent - 15) << 23);
            }
        }
    }
}

/// kStages: of 128 bytes a row and warp, in shared memory; all but one are on their way.
/// kHalves: activations of FP8 rows lie as f16 in shared memory, which saves instructions and takes
/// twice the room.
template<unsigned kTiles, unsigned kStages, bool kHalves>
__global__ void __launch_bounds__(32 * kWarps, 5)
    gemvKernel(const __grid_constant__ GemvJobs jobs, unsigned rows, unsigned xBytesMost) {
    auto* shared = dynamicShared<std::uint8_t>();
    const SharedAddress ring =
        held(sharedAddress(shared) + (threadIdx.x / 32) * kStages * kTileBytes);
    std::uint8_t* x = shared + kWarps * kStages * kTileBytes;
    auto* xScales = reinterpret_cast<float*>(x + std::size_t{rows} * xPitchOf(xBytesMost));
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;

    unsigned job = 0;
    while (job + 1 < jobs.count && blockIdx.x >= jobs.jobs[job + 1].firstBlock) {
        ++job;
    }
    const GemvTask& task = jobs.jobs[job].task;
    const unsigned slices = jobs.jobs[job].slices;
    const unsigned block = blockIdx.x - jobs.jobs[job].firstBlock;
    const unsigned group = block / jobs.jobs[job].blocksPerGroup;
    const unsigned perGroup = task.out / task.groups;
    const unsigned firstOut = group * perGroup;
    const unsigned tile =
        (block % jobs.jobs[job].blocksPerGroup) * (kWarps / slices) + warp / slices;
    const unsigned row = firstOut + tile * kTileRows, lastRow = firstOut + perGroup - 1;
    const bool fp8Weights = task.kind == GemvKind::Fp8 || task.kind == GemvKind::Fp8Bf16;
    const std::size_t rowBytes = std::size_t{task.in} * (fp8Weights ? 1 : 2);
    const unsigned stages = static_cast<unsigned>(rowBytes / kStageBytes);
    const unsigned slice = warp % slices;
    const unsigned begin = slice * stages / slices, end = (slice + 1) * stages / slices;
    const auto* weights = static_cast<const std::uint8_t*>(task.weights);

    StageMath<kTiles> math;
    TileRows tileRows(weights + begin * kStageBytes, rowBytes, row, lastRow);

    // Weights do not depend on the kernel before: the first stages are on their way while it ends.
    letNextStart();
#pragma unroll
    for (unsigned s = 0; s < kStages - 1; ++s) {
        if (begin + s < end) {
            tileRows.copyNext(ring + s * kTileBytes, math.places);
        }
        copyCommit();
    }
    const unsigned blocks = task.in / 128;
    const std::uint8_t* scaleRow =
        task.scales ? task.scales + std::size_t{min(row, lastRow) / 128} * blocks : nullptr;
    // A lane has the scale of a stage, of up to 32 that come next.
    const auto scaleAt = [&](unsigned s) { return fromE8m0(scaleRow[min(s + lane, end - 1)]); };
    float scales = scaleRow && begin < end ? scaleAt(begin) : 0;
    waitForPrevious();
    const unsigned xBytes = task.in * (task.kind == GemvKind::Fp8 && !kHalves ? 1 : 2);
    const unsigned xPitch = xPitchOf(xBytes);
    if (task.raw) {
        quantiseRows<kHalves>(task, rows, x, xPitch, xScales);
    } else if (task.kind == GemvKind::Fp8Bf16) {
        putScaled(task, group, rows, x, xPitch, xScales);
    } else {
        for (unsigned token = 0; token < rows; ++token) {
            std::uint8_t* to = x + std::size_t{token} * xPitch;
            if (task.kind == GemvKind::Fp8) {
                const auto* from =
                    static_cast<const std::uint8_t*>(task.x) + std::size_t{token} * task.in;
                for (unsigned i = threadIdx.x * 16; i < task.in; i += blockDim.x * 16) {
                    putCodes<kHalves>(to, i, *reinterpret_cast<const uint4*>(from + i));
                }
                for (unsigned i = threadIdx.x; i < blocks; i += blockDim.x) {
                    xScales[token * blocks + i] = task.xScales[token * blocks + i];
                }
            } else {
                const auto* from =
                    static_cast<const std::uint8_t*>(task.x) + std::size_t{token} * xBytes;
                for (unsigned i = threadIdx.x * 16; i < xBytes; i += blockDim.x * 16) {
                    *reinterpret_cast<uint4*>(to + i) = *reinterpret_cast<const uint4*>(from + i);
                }
            }
        }
    }
    __syncthreads();

    const auto forStages = [&](auto multiply) {
        SharedAddress stage = ring, freed = ring + (kStages - 1) * kTileBytes;
        for (unsigned s = begin; s < end; ++s) {
            copyWait<kStages - 2>();
            __syncwarp();
            if (s + kStages - 1 < end) {
                tileRows.copyNext(freed, math.places);
            }
            copyCommit();
            multiply(stage, s);
            freed = stage;
            stage += kTileBytes;
            stage = stage == ring + kStages * kTileBytes ? ring : stage;
        }
    };
    const auto weightScale = [&](unsigned s) {
        const unsigned at = (s - begin) % 32;
        if (at == 0 && s != begin) {
            scales = scaleAt(s);
        }
        return __shfl_sync(kAllLanes, scales, static_cast<int>(at));
    };
    if (task.kind == GemvKind::Fp8Bf16 || (kHalves && task.kind == GemvKind::Fp8)) {
        forStages([&](SharedAddress stage, unsigned s) {
            math.template fp8<true>(stage, x + 2 * s * kStageBytes, xPitch, rows, weightScale(s),
                                    xScales + s, blocks);
        });
    } else if (task.kind == GemvKind::Fp8) {
        forStages([&](SharedAddress stage, unsigned s) {
            math.template fp8<false>(stage, x + s * kStageBytes, xPitch, rows, weightScale(s),
                                     xScales + s, blocks);
        });
    } else {
        forStages([&](SharedAddress stage, unsigned s) {
            math.bf16(stage, x + s * kStageBytes, xPitch, rows);
        });
    }

    // The slices' sums, in order. The ring of this warp is free: all its copies have been used.
    __syncthreads();
    auto* sums = reinterpret_cast<float*>(shared); // [warp][row][token]
    constexpr unsigned kTokens = 8 * kTiles;
    const unsigned g = lane / 4, t = lane % 4;
#pragma unroll
    for (unsigned i = 0; i < kTiles; ++i) {
#pragma unroll
        for (unsigned c = 0; c < 4; ++c) {
            sums[(warp * kTileRows + g + (c / 2) * 8) * kTokens + 8 * i + 2 * t + c % 2] =
                math.acc[i][c];
        }
    }
    __syncthreads();
    const unsigned tiles = kWarps / slices;
    for (unsigned i = threadIdx.x; i < tiles * kTileRows * rows; i += blockDim.x) {
        const unsigned r = i % kTileRows, token = i / kTileRows % rows, of = i / kTileRows / rows;
        const unsigned out =
            firstOut + ((block % jobs.jobs[job].blocksPerGroup) * tiles + of) * kTileRows + r;
        if (out > lastRow) {
            continue;
        }
        float sum = 0;
        for (unsigned s = 0; s < slices; ++s) {
            sum += sums[((of * slices + s) * kTileRows + r) * kTokens + token];
        }
        const std::size_t at = std::size_t{token} * task.out + out;
        switch (task.kind) {
        case GemvKind::Bf16F32:
            static_cast<float*>(task.y)[at] = sum;
            break;
        case GemvKind::Bf16:
            static_cast<Bf16*>(task.y)[at] = toBf16(rounded(sum) * task.factor);
            break;
        default:
            static_cast<Bf16*>(task.y)[at] = toBf16(sum);
        }
    }
}

/// The task for rows [first, ..) of its batch.
GemvTask fromRow(GemvTask task, std::uint32_t first) {
    const std::size_t xBytes =
        std::size_t{task.groups} * task.in * (task.kind == GemvKind::Fp8 ? 1 : 2);
    task.x = task.x ? static_cast<const std::uint8_t*>(task.x) + first * xBytes : nullptr;
    task.raw = task.raw ? task.raw + std::size_t{first} * task.in : nullptr;
    if (task.xScales) {
        task.xScales += std::size_t{first} * (task.in / 128);
    }
    const std::size_t yBytes = task.kind == GemvKind::Bf16F32 ? sizeof(float) : sizeof(Bf16);
    task.y = static_cast<std::uint8_t*>(task.y) + std::size_t{first} * task.out * yBytes;
    return task;
}

} // namespace

void gemv(const Queue& queue, std::uint32_t rows, std::span<const GemvTask> tasks) {
    constexpr std::uint32_t kRowsAsHalves = 2;
    const bool halves = rows <= kRowsAsHalves;
    GemvJobs jobs{};
    unsigned blocks = 0, xBytesMost = 0, scalesMost = 0;
    for (const GemvTask& task : tasks) {
        GemvJob& job = jobs.jobs[jobs.count++];
        job.task = task;
        const bool fp8Weights = task.kind == GemvKind::Fp8 || task.kind == GemvKind::Fp8Bf16;
        const unsigned rowBytes = task.in * (fp8Weights ? 1 : 2);
        job.slices = rowBytes >= 4096 ? 4 : rowBytes >= 2048 ? 2 : 1;
        const unsigned outputs = kWarps / job.slices * kTileRows;
        job.blocksPerGroup = (task.out / task.groups + outputs - 1) / outputs;
        job.firstBlock = blocks;
        blocks += job.blocksPerGroup * task.groups;
        xBytesMost =
            std::max(xBytesMost, task.in * (task.kind == GemvKind::Fp8 && !halves ? 1 : 2));
        scalesMost = std::max(scalesMost, task.in / 128);
    }
    const std::size_t activations =
        std::size_t{rows} * (xPitchOf(xBytesMost) + scalesMost * sizeof(float));
    const auto sharedFor = [&](unsigned stages) {
        return stages * kWarps * kTileBytes + activations;
    };
    const std::size_t shared = sharedFor(4);
    if (shared > queue.sharedLimit && rows > 1) { // too many rows at once for this device
        const std::uint32_t half = rows / 2;
        std::array<GemvTask, kMaxGemvTasks> rest{};
        std::transform(tasks.begin(), tasks.end(), rest.begin(),
                       [&](const GemvTask& task) { return fromRow(task, half); });
        gemv(queue, half, tasks);
        gemv(queue, rows - half, {rest.data(), tasks.size()});
        return;
    }
    const auto run = [&](auto kernel, unsigned stages) {
        launchAhead(queue, "start a linear layer", kernel, blocks, 32 * kWarps, sharedFor(stages),
                    jobs, rows, xBytesMost);
    };
    if (rows > 8) {
        return run(gemvKernel<2, 4, false>, 4);
    }
    // The more stages, the more is read ahead, also while the kernel before ends; but all blocks
    // should fit at once.
    const auto fits = [&](unsigned stages) {
        const std::size_t bytes = sharedFor(stages) + (1U << 10) + sizeof(double) * kMaxNormBlocks;
        return bytes <= queue.sharedLimit &&
               blocks <= queue.multiprocessors * (queue.sharedPerMultiprocessor / bytes);
    };
    const auto withStages = [&]<bool kHalves>(std::bool_constant<kHalves>) {
        if (fits(8)) {
            run(gemvKernel<1, 8, kHalves>, 8);
        } else if (fits(6)) {
            run(gemvKernel<1, 6, kHalves>, 6);
        } else {
            run(gemvKernel<1, 4, kHalves>, 4);
        }
    };
    halves ? withStages(std::true_type{}) : withStages(std::false_type{});
}

} // namespace dossier::engine::cuda
