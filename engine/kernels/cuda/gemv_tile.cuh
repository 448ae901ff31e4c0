// SPDX-License-Identifier: Apache-2.0
// A warp streams 16 rows of a weight matrix through shared memory in stages of 128 bytes a row and
// multiplies them on the tensor cores with up to 8 activations a tile. The bytes of a row go to the
// lanes as they come out of ldmatrix; the activations follow the same order, so nothing is permuted
// in memory.
#pragma once

#include "engine/kernels/cuda/numeric.cuh"

namespace dossier::engine::cuda {

constexpr unsigned kTileRows = 16, kStageBytes = 128, kTileBytes = kTileRows * kStageBytes;

/// Where a lane puts and finds pieces of a stage in shared memory, which begins at a multiple of
/// 128 bytes. Segments of 16 bytes are swapped, so that ldmatrix meets all banks: c of row r lies
/// where c ^ (r & 7) would. So of the addresses that a lane needs all but one or two bits are the
/// same.
struct StagePlaces {
    unsigned copied, read;

    __device__ StagePlaces() {
        const unsigned lane = threadIdx.x % 32, r = lane / 8, row = lane % 16;
        copied = held(r * kStageBytes + (lane % 8 ^ r) * 16);
        read = held(row * kStageBytes + (lane / 16 ^ (row & 7)) * 16);
    }
    /// Starts copying segment lane % 8 of rows 4i + lane / 8.
    __device__ __forceinline__ void copy(SharedAddress stage,
                                         const std::uint8_t* const (&segments)[4]) const {
        const SharedAddress even = stage + copied, odd = even ^ 64;
        copyAsync(even, segments[0]);
        copyAsync(odd + 4 * kStageBytes, segments[1]);
        copyAsync(even + 8 * kStageBytes, segments[2]);
        copyAsync(odd + 12 * kStageBytes, segments[3]);
    }
    /// The whole stage: of segments 2i and 2i + 1, w[i][0] and w[i][1] = word t of the first one of
    /// rows g and g + 8, w[i][2] and w[i][3] of the second; g = lane / 4, t = lane % 4. All at
    /// once, so that what is computed from the first ones does not wait for the last ones.
    __device__ __forceinline__ void load(std::uint32_t (&w)[4][4], SharedAddress stage) const {
        const SharedAddress first = stage + read;
#pragma unroll
        for (unsigned i = 0; i < 4; ++i) {
            ldmatrix4(w[i], first ^ 32 * i);
        }
    }
};

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
    /// Starts copying the next 128 bytes of the rows.
    __device__ void copyNext(SharedAddress stage, const StagePlaces& places) {
        places.copy(stage, rows);
#pragma unroll
        for (unsigned i = 0; i < 4; ++i) {
            rows[i] += kStageBytes;
        }
    }
};

/// Four e4m3 codes as two pairs of f16.
__device__ __forceinline__ void halvesFromWord(std::uint32_t word, std::uint32_t& low,
                                               std::uint32_t& high) {
    low = halvesFromE4m3(word & 0xffffu);
    high = halvesFromE4m3(word >> 16);
}

} // namespace dossier::engine::cuda
