// SPDX-License-Identifier: Apache-2.0
// What becomes of queries, index queries and key/value rows behind their linear layers; by a warp
// or by a block of threads.
#pragma once

#include "engine/kernels/cuda/packing.cuh"
#include "engine/kernels/cuda/quantise.cuh"
#include "engine/kernels/cuda/row_kernels.h"

namespace dossier::engine::cuda {

/// Norm in bf16 arithmetic and rotation of a head by a warp; two neighbouring values a lane and
/// round.
__device__ __forceinline__ void finishQueryHead(const QueryTask& task, unsigned head) {
    const unsigned lane = threadIdx.x % 32, dims = task.dims;
    auto* pairs = reinterpret_cast<std::uint32_t*>(task.q + std::size_t{head} * dims);
    WideFloat sum; // one factor for the whole head: its roundings go the model's way
    for (unsigned i = lane; i < dims / 2; i += 32) {
        const std::uint32_t square = multiplyBf16(pairs[i], pairs[i]);
        sum.add(lowBf16(square));
        sum.add(highBf16(square));
    }
#pragma unroll
    for (int step = 16; step > 0; step /= 2) {
        sum.add(fromLane(sum, step));
    }
    const float mean = rounded(sum.rounded() / static_cast<float>(dims));
    const float shifted = rounded(mean + task.eps);
    const float factor = rounded(1.0f / sqrtf(shifted));
    const std::uint32_t both = packBf16(factor, factor);
    const auto* turns = reinterpret_cast<const float2*>(
        task.table + std::size_t{head / task.heads} * task.ropeDims);
    const unsigned first = (dims - task.ropeDims) / 2;
    for (unsigned i = lane; i < dims / 2; i += 32) {
        std::uint32_t pair = multiplyBf16(pairs[i], both);
        if (i >= first) {
            const float2 turn = turns[i - first];
            pair = rotatePair(pair, turn.x, turn.y);
        }
        pairs[i] = pair;
    }
}

/// Rotation, Hadamard transform and FP4 rounding of an index head by a warp; dims/32 neighbouring
/// values a lane.
__device__ __forceinline__ void finishIndexHead(const QueryTask& task, unsigned head) {
    constexpr unsigned kMaxIndexValues = 8; // index_head_dim / 32
    const unsigned lane = threadIdx.x % 32, dims = task.dims, n = dims / 32;
    const unsigned ropeDims = task.ropeDims;
    Bf16* mine = task.q + std::size_t{head} * dims + std::size_t{lane} * n;
    const auto* turns =
        reinterpret_cast<const float2*>(task.table + std::size_t{head / task.heads} * ropeDims);
    float v[kMaxIndexValues];
#pragma unroll
    for (unsigned i = 0; i < kMaxIndexValues; ++i) {
        v[i] = i < n ? fromBf16(mine[i]) : 0.0f;
    }
    for (unsigned i = 0; i < n; ++i) {
        // The partner of a rotated pair is the neighbour: in this lane, or in the next one.
        const unsigned at = lane * n + i;
        const float partner = n == 1 ? __shfl_xor_sync(kAllLanes, v[0], 1) : 0.0f;
        if (n == 1) {
            if (at >= dims - ropeDims) {
                const float2 turn = turns[(at - (dims - ropeDims)) / 2];
                const std::uint32_t pair =
                    (at & 1) == 0 ? packBf16(v[0], partner) : packBf16(partner, v[0]);
                const std::uint32_t turned = rotatePair(pair, turn.x, turn.y);
                v[0] = (at & 1) == 0 ? lowBf16(turned) : highBf16(turned);
            }
        } else if ((i & 1) == 0 && at >= dims - ropeDims) {
            const float2 turn = turns[(at - (dims - ropeDims)) / 2];
            const std::uint32_t turned = rotatePair(packBf16(v[i], v[i + 1]), turn.x, turn.y);
            v[i] = lowBf16(turned);
            v[i + 1] = highBf16(turned);
        }
    }
    hadamard(v, dims);
    const std::uint32_t byte = e2m1Scale(v, dims);
    const float scale = fromE8m0(byte), inverse = inverseE8m0(byte);
#pragma unroll
    for (unsigned i = 0; i < kMaxIndexValues; ++i) {
        if (i < n) {
            mine[i] = toBf16(fromE2m1(toE2m1(v[i] * inverse)) * scale);
        }
    }
}

/// Norm, rotation and packing of row `row` of kv by a block; `values` shared [dims], `sums` shared
/// [32].
__device__ __forceinline__ void finishRow(unsigned row, const Bf16* kv, const Bf16* norm, float eps,
                                          const KvRowLayout& layout, const float* table,
                                          Bf16* values, double* sums, std::byte* packed) {
    const unsigned dims = layout.nope + layout.rope;
    const auto* x = reinterpret_cast<const std::uint32_t*>(kv + std::size_t{row} * dims);
    double square = 0;
    for (unsigned i = threadIdx.x; i < dims / 2; i += blockDim.x) {
        square += squaresOf(x[i]);
    }
    square = blockSum(square, sums);
    const double root = 1.0 / sqrt(square / double(dims) + double{eps});
    const auto* turns = reinterpret_cast<const float2*>(table + std::size_t{row} * layout.rope);
    for (unsigned i = threadIdx.x; i < dims / 2; i += blockDim.x) {
        const std::uint32_t w = reinterpret_cast<const std::uint32_t*>(norm)[i];
        std::uint32_t pair = normPair(w, x[i], root);
        if (2 * i >= layout.nope) {
            const float2 turn = turns[i - layout.nope / 2];
            pair = rotatePair(pair, turn.x, turn.y);
        }
        reinterpret_cast<std::uint32_t*>(values)[i] = pair;
    }
    __syncthreads();
    packRow(values, layout, packed + std::size_t{row} * layout.bytes);
}

} // namespace dossier::engine::cuda
