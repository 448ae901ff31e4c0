// SPDX-License-Identifier: Apache-2.0
// bf16 matrix product with mma.sync: what reading uses where cuBLAS is not there, and for narrow
// matrices. Blocks of 128 x 128, stages of 64 inputs; sums leave the tensor cores, which cut off
// low bits, every 32 inputs (64 for FP32 results, at what reading's time allows) into sums of twice
// the precision.
#include "engine/kernels/cuda/gemm_kernels.h"

#include "engine/kernels/cuda/numeric.cuh"

namespace dossier::engine::cuda {
namespace {

constexpr unsigned kTile = 128, kStep = 64, kStages = 3, kThreads = 256;
constexpr unsigned kTileBytes = kTile * kStep * 2;

/// 128 rows of 64 values into shared memory, segments of 16 bytes swapped by row.
__device__ void copyTile(std::uint8_t* tile, const Bf16* matrix, std::size_t pitch, unsigned first,
                         unsigned rows, unsigned column) {
#pragma unroll
    for (unsigned i = 0; i < kTile * 8 / kThreads; ++i) {
        const unsigned at = i * kThreads + threadIdx.x, r = at / 8, c = at % 8;
        const bool valid = first + r < rows;
        copyAsync(tile + r * 128 + ((c ^ (r & 7)) * 16),
                  matrix + std::size_t{valid ? first + r : 0} * pitch + column + 8 * c, valid);
    }
}

/// Rows row..row+15, values 16*k.. of the tile; the four 8x8 matrices in the order of an A
/// fragment.
__device__ void fragment(std::uint32_t (&r)[4], const std::uint8_t* tile, unsigned row, unsigned k,
                         bool rowsFirst) {
    const unsigned lane = threadIdx.x % 32, m = lane / 8;
    const unsigned at = row + (rowsFirst ? m % 2 : m / 2) * 8 + lane % 8;
    const unsigned c = 2 * k + (rowsFirst ? m / 2 : m % 2);
    ldmatrix4(r, tile + at * 128 + ((c ^ (at & 7)) * 16));
}

template<bool kF32>
__global__ void __launch_bounds__(kThreads)
    gemmKernel(GemmShape shape, const Bf16* x, const Bf16* w, void* y) {
    auto* shared = dynamicShared<std::uint8_t>();
    const unsigned firstRow = blockIdx.y * kTile, firstOut = blockIdx.x * kTile;
    x += blockIdx.z * shape.xStep;
    w += blockIdx.z * shape.wStep;
    const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const unsigned warpRow = warp / 4 * 64, warpOut = warp % 4 * 32;
    const unsigned steps = shape.in / kStep;
    letNextStart();
    waitForPrevious();
    const auto stage = [&](unsigned s) { return shared + s % kStages * 2 * kTileBytes; };
    const auto copyStep = [&](unsigned s) {
        if (s < steps) {
            copyTile(stage(s), x, shape.xPitch, firstRow, shape.rows, s * kStep);
            copyTile(stage(s) + kTileBytes, w, shape.in, firstOut, shape.out, s * kStep);
        }
        copyCommit();
    };
    for (unsigned s = 0; s < kStages - 1; ++s) {
        copyStep(s);
    }
    constexpr unsigned kTogether = kF32 ? 4 : 2; // products of 16 inputs
    WideFloat sums[4][4][4] = {};
    float part[4][4][4] = {};
    for (unsigned s = 0; s < steps; ++s) {
        copyWait<kStages - 2>();
        __syncthreads();
        copyStep(s + kStages - 1);
#pragma unroll
        for (unsigned k = 0; k < kStep / 16; ++k) {
            std::uint32_t a[4][4], b[2][4];
#pragma unroll
            for (unsigned i = 0; i < 4; ++i) {
                fragment(a[i], stage(s), warpRow + 16 * i, k, true);
            }
#pragma unroll
            for (unsigned j = 0; j < 2; ++j) {
                fragment(b[j], stage(s) + kTileBytes, warpOut + 16 * j, k, false);
            }
#pragma unroll
            for (unsigned i = 0; i < 4; ++i) {
#pragma unroll
                for (unsigned j = 0; j < 4; ++j) {
                    mmaBf16(part[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
                }
            }
            if (k % kTogether != kTogether - 1) {
                continue;
            }
#pragma unroll
            for (unsigned i = 0; i < 4; ++i) {
#pragma unroll
                for (unsigned j = 0; j < 4; ++j) {
#pragma unroll
                    for (unsigned c = 0; c < 4; ++c) {
                        sums[i][j][c].add(part[i][j][c]);
                        part[i][j][c] = 0;
                    }
                }
            }
        }
    }
    const unsigned g = lane / 4, t = lane % 4;
#pragma unroll
    for (unsigned i = 0; i < 4; ++i) {
#pragma unroll
        for (unsigned j = 0; j < 4; ++j) {
            const unsigned out = firstOut + warpOut + 8 * j + 2 * t;
#pragma unroll
            for (unsigned half = 0; half < 2; ++half) {
                const unsigned row = firstRow + warpRow + 16 * i + 8 * half + g;
                if (row >= shape.rows || out >= shape.out) {
                    continue;
                }
                const float low = narrow(sums[i][j][2 * half]);
                const float high = narrow(sums[i][j][2 * half + 1]);
                const std::size_t at =
                    blockIdx.z * shape.yStep + std::size_t{row} * shape.yPitch + out;
                const bool both = out + 1 < shape.out && at % 2 == 0;
                if (kF32) {
                    auto* to = static_cast<float*>(y) + at;
                    to[0] = low;
                    if (out + 1 < shape.out) {
                        to[1] = high;
                    }
                } else if (both) {
                    *reinterpret_cast<std::uint32_t*>(static_cast<Bf16*>(y) + at) =
                        packBf16(low, high);
                } else {
                    auto* to = static_cast<Bf16*>(y) + at;
                    to[0] = toBf16(low);
                    if (out + 1 < shape.out) {
                        to[1] = toBf16(high);
                    }
                }
            }
        }
    }
}

} // namespace

void gemmBf16(const Queue& queue, const GemmShape& shape, const Bf16* x, const Bf16* w, void* y,
              bool f32) {
    const dim3 grid((shape.out + kTile - 1) / kTile, (shape.rows + kTile - 1) / kTile, shape.batch);
    const std::size_t shared = kStages * 2 * kTileBytes;
    if (f32) {
        launch(queue, "start a matrix product", gemmKernel<true>, grid, kThreads, shared, shape, x,
               w, y);
    } else {
        launch(queue, "start a matrix product", gemmKernel<false>, grid, kThreads, shared, shape, x,
               w, y);
    }
}

} // namespace dossier::engine::cuda
