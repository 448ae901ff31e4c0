// SPDX-License-Identifier: Apache-2.0
// Matrix products in FP8 with wgmma, Hopper's instruction for four warps. Blocks of 128 x 128: two
// such groups, 64 rows each. Stages of 128 inputs, which have one scale a row and one a block of
// weights; sums of a stage are taken out while the tensor cores work on the next one.
#include "engine/kernels/cuda/fp8_gemm_kernels.h"

#include "engine/kernels/cuda/numeric.cuh"

namespace dossier::engine::cuda {
namespace {

constexpr unsigned kTile = 128, kStep = 128, kThreads = 256;
constexpr unsigned kStages = 6;
constexpr unsigned kTileBytes = kTile * kStep;
constexpr unsigned kAlignment = 1024; ///< of tiles: the pattern in which segments are swapped

#if DOSSIER_HAVE_WGMMA
/// 128 rows of 128 values into shared memory, segments of 16 bytes swapped by row.
__device__ __forceinline__ void copyTile(SharedAddress tile, const std::uint8_t* matrix,
                                         unsigned pitch, unsigned first, unsigned rows,
                                         unsigned column) {
#pragma unroll
    for (unsigned i = 0; i < kTile * 8 / kThreads; ++i) {
        const unsigned at = i * kThreads + threadIdx.x, r = at / 8, c = at % 8;
        const bool valid = first + r < rows;
        copyAsync(tile + r * kStep + ((c ^ (r & 7)) * 16),
                  matrix + std::size_t{valid ? first + r : 0} * pitch + column + 16 * c, valid);
    }
}

/// Sums of a stage that have left the tensor cores, times their scales.
__device__ __forceinline__ void addUp(float (&sums)[64], const float (&part)[64],
                                      const float (&scales)[2]) {
#pragma unroll
    for (unsigned i = 0; i < 64; ++i) {
        sums[i] = fmaf(part[i], scales[i / 2 % 2], sums[i]);
    }
}
#endif

__global__ void __launch_bounds__(kThreads, 1)
    fp8Kernel(const __grid_constant__ Fp8Products products, const std::uint8_t* x,
              const float* xScales, Bf16* y) {
#if DOSSIER_HAVE_WGMMA
    // The part that this block's rows are in.
    unsigned p = 0, tile = blockIdx.y;
    for (; p + 1 < products.count; ++p) {
        const unsigned tiles = (products.parts[p].rows + kTile - 1) / kTile;
        if (tile < tiles) {
            break;
        }
        tile -= tiles;
    }
    const Fp8Part& part = products.parts[p];
    const unsigned in = products.in, out = products.out, steps = in / kStep;
    const unsigned firstRow = tile * kTile, firstOut = blockIdx.x * kTile;
    const unsigned group = threadIdx.x / 128, lane = threadIdx.x % 32;
    const unsigned row = firstRow + threadIdx.x / 32 * 16 + lane / 4; // and the one 8 below
    x += std::size_t{part.firstRow} * in;
    xScales += std::size_t{part.firstRow} * steps;
    const std::uint8_t* weightScales = part.scales + std::size_t{blockIdx.x} * steps;
    const SharedAddress shared =
        (sharedAddress(dynamicShared<std::uint8_t>()) + kAlignment - 1) / kAlignment * kAlignment;
    const auto stage = [&](unsigned s) { return shared + s % kStages * (2 * kTileBytes); };
    letNextStart();
    waitForPrevious();
    const auto copyStep = [&](unsigned s) {
        if (s < steps) {
            copyTile(stage(s), x, in, firstRow, part.rows, s * kStep);
            copyTile(stage(s) + kTileBytes, part.values, in, firstOut, out, s * kStep);
        }
        copyCommit();
    };
    for (unsigned s = 0; s < kStages - 2; ++s) {
        copyStep(s);
    }
    float sums[64] = {}, parts[2][64];
    float scales[2][2];
    const float* rowScales[2] = {xScales + std::size_t{min(row, part.rows - 1)} * steps,
                                 xScales + std::size_t{min(row + 8, part.rows - 1)} * steps};
    // One stage; `now` and `before` take turns.
    const auto step = [&](unsigned s, float(&now)[64], float(&nowScales)[2], float(&before)[64],
                          float(&beforeScales)[2]) {
        copyWait<kStages - 3>();
        showToTensorCores();
        __syncthreads();
        wgmmaFence();
#pragma unroll
        for (unsigned k = 0; k < kStep; k += 32) {
            wgmmaE4m3(now, stage(s) + group * (64 * kStep) + k, stage(s) + kTileBytes + k, k > 0);
        }
        wgmmaCommit();
        // Into the stage before the last one: all have waited for what read it.
        copyStep(s + kStages - 2);
        const float w = fromE8m0(weightScales[s]);
        nowScales[0] = rowScales[0][s] * w;
        nowScales[1] = rowScales[1][s] * w;
        wgmmaWait<1>(before);
        if (s > 0) {
            addUp(sums, before, beforeScales);
        }
    };
    // Each way ends with a wait for what it adds up and nothing else: where registers of both
    // stages are looked at together, ptxas serialises all products (its note C7514).
    unsigned s = 0;
    for (; s + 1 < steps; s += 2) {
        step(s, parts[0], scales[0], parts[1], scales[1]);
        step(s + 1, parts[1], scales[1], parts[0], scales[0]);
    }
    if (s < steps) {
        step(s, parts[0], scales[0], parts[1], scales[1]);
        wgmmaWait<0>(parts[0]);
        addUp(sums, parts[0], scales[0]);
    } else {
        wgmmaWait<0>(parts[1]);
        addUp(sums, parts[1], scales[1]);
    }
#pragma unroll
    for (unsigned half = 0; half < 2; ++half) {
        if (row + 8 * half >= part.rows) {
            continue;
        }
        Bf16* to = y + std::size_t{part.firstRow + row + 8 * half} * products.yPitch;
#pragma unroll
        for (unsigned j = 0; j < 16; ++j) {
            const unsigned column = firstOut + 8 * j + 2 * (lane % 4);
            const std::uint32_t pair = packBf16(sums[4 * j + 2 * half], sums[4 * j + 2 * half + 1]);
            if (column + 1 < out && products.yPitch % 2 == 0) {
                *reinterpret_cast<std::uint32_t*>(to + column) = pair;
            } else {
                for (unsigned i = 0; i < 2 && column + i < out; ++i) {
                    to[column + i] = static_cast<Bf16>(pair >> (16 * i));
                }
            }
        }
    }
#else
    __trap(); // compiled for another GPU: nothing may look like a result
#endif
}

/// e4m3 codes of the e2m1 magnitudes 0..7 times 2^d, d <= 6, a byte each.
__device__ __forceinline__ uint2 magnitudes(int d) {
    if (d >= -5) { // all of them normal: the exponent is what differs
        const auto more = static_cast<std::uint32_t>(d * 8);
        return make_uint2(0x3C383000u + more * 0x01010100u, 0x4C484440u + more * 0x01010101u);
    }
    uint2 bytes = make_uint2(0, 0);
    const float scale = ldexpf(1.0f, d);
    for (unsigned i = 1; i < 8; ++i) {
        const auto code = static_cast<std::uint32_t>(floatToE4m3(fromE2m1(i) * scale));
        (i < 4 ? bytes.x : bytes.y) |= code << (i % 4 * 8);
    }
    return bytes;
}

/// Four codes, a nibble each, to bytes by the table of their magnitudes.
__device__ __forceinline__ std::uint32_t fourBytes(std::uint32_t nibbles, uint2 table) {
    const std::uint32_t signs = (nibbles & 0x8u) << 4 | (nibbles & 0x80u) << 8 |
                                (nibbles & 0x800u) << 12 | (nibbles & 0x8000u) << 16;
    return __byte_perm(table.x, table.y, nibbles & 0x7777u) | signs;
}

/// A block of 128 x 128 values: eight lanes a row, 16 values each.
__global__ void __launch_bounds__(kThreads)
    expandKernel(Fp4Weight w, std::uint8_t* values, std::uint8_t* scales) {
    __shared__ unsigned largest[kThreads / 32];
    letNextStart();
    waitForPrevious();
    const unsigned firstRow = blockIdx.y * kTile, firstColumn = blockIdx.x * kStep;
    const unsigned inBlock = threadIdx.x % 8, firstOfThread = firstRow + threadIdx.x / 8;
    constexpr unsigned kPasses = kTile / (kThreads / 8);
    unsigned bytes[kPasses];
    unsigned most = 0;
#pragma unroll
    for (unsigned i = 0; i < kPasses; ++i) {
        const unsigned row = firstOfThread + i * (kThreads / 8);
        bytes[i] = row < w.out
                       ? w.scales[std::size_t{row} * (w.in / 32) + firstColumn / 32 + inBlock / 2]
                       : 0;
        most = max(most, bytes[i]);
    }
    most = static_cast<unsigned>(warpMax(static_cast<float>(most)));
    if (threadIdx.x % 32 == 0) {
        largest[threadIdx.x / 32] = most;
    }
    __syncthreads();
#pragma unroll
    for (const unsigned m : largest) {
        most = max(most, m);
    }
    const unsigned scale = max(most, 6u) - 6; // 6 * 2^6 is below e4m3's largest
    if (threadIdx.x == 0) {
        scales[std::size_t{blockIdx.y} * (w.in / kStep) + blockIdx.x] =
            static_cast<std::uint8_t>(scale);
    }
#pragma unroll
    for (unsigned i = 0; i < kPasses; ++i) {
        const unsigned row = firstOfThread + i * (kThreads / 8);
        if (row >= w.out) {
            continue;
        }
        const std::size_t at = std::size_t{row} * w.in + firstColumn + 16 * inBlock;
        const uint2 codes = *reinterpret_cast<const uint2*>(w.values + at / 2);
        const uint2 table = magnitudes(static_cast<int>(bytes[i]) - static_cast<int>(scale));
        *reinterpret_cast<uint4*>(values + at) =
            make_uint4(fourBytes(codes.x & 0xFFFFu, table), fourBytes(codes.x >> 16, table),
                       fourBytes(codes.y & 0xFFFFu, table), fourBytes(codes.y >> 16, table));
    }
}

} // namespace

bool fp8ProductsFit(int major, int minor) {
    return major == 9 && minor == 0;
}

void gemmFp8(const Queue& queue, const Fp8Products& products, const QuantRows& x, Bf16* y) {
    unsigned tiles = 0;
    for (std::uint32_t p = 0; p < products.count; ++p) {
        tiles += (products.parts[p].rows + kTile - 1) / kTile;
    }
    launch(queue, "start a matrix product", fp8Kernel,
           dim3((products.out + kTile - 1) / kTile, tiles), kThreads,
           kStages * 2 * kTileBytes + kAlignment, products, x.values, x.scales, y);
}

void expandToFp8(const Queue& queue, const Fp4Weight& w, std::uint8_t* values,
                 std::uint8_t* scales) {
    launch(queue, "expand a weight", expandKernel, dim3(w.in / kStep, (w.out + kTile - 1) / kTile),
           kThreads, 0, w, values, scales);
}

} // namespace dossier::engine::cuda
