// SPDX-License-Identifier: Apache-2.0
// A warp streams 16 rows of a weight matrix through shared memory in stages of 128 bytes a row and
// multiplies them on the tensor cores with up to 8 activations a tile. The bytes of a row go to the
// lanes as they come out of ldmatrix; the activations follow the same order, so nothing is permuted
// in memory.
#pragma once

#include "engine/kernels/cuda/numeric.cuh"

namespace dossier::engine::cuda {

constexpr unsigned kTileRows = 16, kStageBytes = 128, kTileBytes = kTileRows * kStageBytes;

/// The rows of a tile that a lane copies pieces of: rows from `lastRow` on are repeated, their
/// results are not stored.
struct TileRows {
    const std::uint8_t* rows[4];

    __device__ TileRows(const std::uint8_t* matrix, std::size_t rowBytes, unsigned firstRow,
                        unsigned lastRow) {
        const unsigned lane = threadIdx.x % 32;
#pragma unroll
        for (unsigned i = 0; i < 4; ++i) {
            rows[i] = matrix + min(firstRow + 4 * i + lane / 8, lastRow) * rowBytes + lane % 8 * 16;
        }
    }
    /// Starts copying the next 128 bytes of the rows. Segments of 16 bytes are swapped, so that
    /// ldmatrix meets all banks.
    __device__ void copyNext(std::uint8_t* stage) {
        const unsigned lane = threadIdx.x % 32, c = lane % 8;
#pragma unroll
        for (unsigned i = 0; i < 4; ++i) {
            const unsigned r = 4 * i + lane / 8;
            copyAsync(stage + r * kStageBytes + ((c ^ (r & 7)) * 16), rows[i]);
            rows[i] += kStageBytes;
        }
    }
};

/// Segments `segment` and `segment + 1` (even) of the stage: r[0], r[1] = word t of the first one
/// of rows g and g + 8, r[2], r[3] of the second; g = lane / 4, t = lane % 4.
__device__ __forceinline__ void stageWords(std::uint32_t (&r)[4], const std::uint8_t* stage,
                                           unsigned segment) {
    const unsigned lane = threadIdx.x % 32;
    const unsigned row = (lane / 8 % 2) * 8 + lane % 8, c = segment + lane / 16;
    ldmatrix4(r, stage + row * kStageBytes + ((c ^ (row & 7)) * 16));
}

/// The whole stage: w[i] as stageWords gives segments 2i and 2i + 1. All at once, so that what is
/// computed from the first ones does not wait for the last ones.
__device__ __forceinline__ void loadStage(std::uint32_t (&w)[4][4], const std::uint8_t* stage) {
#pragma unroll
    for (unsigned i = 0; i < 4; ++i) {
        stageWords(w[i], stage, 2 * i);
    }
}

/// Four e4m3 codes as two pairs of f16.
__device__ __forceinline__ void halvesFromWord(std::uint32_t word, std::uint32_t& low,
                                               std::uint32_t& high) {
    low = halvesFromE4m3(word & 0xffffu);
    high = halvesFromE4m3(word >> 16);
}

} // namespace dossier::engine::cuda
