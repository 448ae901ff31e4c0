// SPDX-License-Identifier: Apache-2.0
// Norms, quantisers, rotations, packing of single rows.
#include "engine/kernels/cuda/row_kernels.h"
#include "engine/kernels/cuda/row_tile.cuh"

namespace dossier::engine::cuda {
namespace {

__global__ void ropeTableKernel(const std::uint32_t* positions, const float* windowFrequencies,
                                const float* compressedFrequencies, unsigned pairs, unsigned rows,
                                float* windowTable, float* compressedTable) {
    waitForPrevious();
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= rows * pairs) {
        return;
    }
    const auto position = static_cast<float>(positions[i / pairs]);
    const bool compressed = blockIdx.y == 1;
    const float2 v =
        cosSin(position, (compressed ? compressedFrequencies : windowFrequencies)[i % pairs]);
    reinterpret_cast<float2*>(compressed ? compressedTable : windowTable)[i] = v;
}

/// A warp takes 128 values a round, four a lane. Block (row, part of the columns); only without a
/// norm may there be several parts.
__global__ void normQuantiseKernel(const Bf16* x, unsigned columns, const Bf16* norm, float eps,
                                   QuantRows q) {
    __shared__ double sums[kMaxNormBlocks];
    letNextStart();
    waitForPrevious();
    const Bf16* row = x + std::size_t{blockIdx.x} * columns;
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    const double root = norm ? rootOfRow(row, columns, eps, sums) : 1;
    for (unsigned b = blockIdx.y * warps + warp; b < columns / 128; b += gridDim.y * warps) {
        const unsigned at = 128 * b + 4 * lane;
        const Quantised four =
            quantiseFour(*reinterpret_cast<const uint2*>(row + at),
                         norm ? *reinterpret_cast<const uint2*>(norm + at) : make_uint2(0, 0),
                         norm != nullptr, root);
        *reinterpret_cast<std::uint32_t*>(q.values + std::size_t{blockIdx.x} * columns + at) =
            four.codes;
        if (lane == 0) {
            q.scales[std::size_t{blockIdx.x} * (columns / 128) + b] = four.scale;
        }
    }
}

/// Sixteen values a thread.
__global__ void dequantiseRowsKernel(QuantRows q, std::size_t count, Bf16* x) {
    waitForPrevious();
    const std::size_t i = (std::size_t{blockIdx.x} * blockDim.x + threadIdx.x) * 16;
    if (i >= count) {
        return;
    }
    const float scale = q.scales[i / 128];
    const uint4 codes = *reinterpret_cast<const uint4*>(q.values + i);
    const std::uint32_t words[4] = {codes.x, codes.y, codes.z, codes.w};
    uint4 out[2];
    auto* pairs = reinterpret_cast<std::uint32_t*>(out);
#pragma unroll
    for (unsigned w = 0; w < 4; ++w) {
#pragma unroll
        for (unsigned h = 0; h < 2; ++h) {
            pairs[2 * w + h] =
                packBf16(e4m3ToFloat(static_cast<std::uint8_t>(words[w] >> (16 * h))) * scale,
                         e4m3ToFloat(static_cast<std::uint8_t>(words[w] >> (16 * h + 8))) * scale);
        }
    }
    reinterpret_cast<uint4*>(x + i)[0] = out[0];
    reinterpret_cast<uint4*>(x + i)[1] = out[1];
}

/// A warp a head.
__global__ void finishQueriesKernel(QueryTask task, unsigned count, bool index) {
    letNextStart();
    waitForPrevious();
    const unsigned head = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    if (head >= count) {
        return; // a whole warp
    }
    if (index) {
        finishIndexHead(task, head);
    } else {
        finishQueryHead(task, head);
    }
}

__global__ void finishRowsKernel(const Bf16* kv, const Bf16* norm, float eps, KvRowLayout layout,
                                 const float* table, std::byte* packed) {
    __shared__ double sums[32];
    letNextStart();
    waitForPrevious();
    finishRow(blockIdx.x, kv, norm, eps, layout, table, dynamicShared<Bf16>(), sums, packed);
}

__global__ void scaleRowsKernel(Bf16* weights, std::size_t count, float scale) {
    waitForPrevious();
    const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (i < count) {
        weights[i] = toBf16(fromBf16(weights[i]) * scale);
    }
}

__global__ void keepWindowKernel(const std::byte* packed, const DeviceSegment* segments,
                                 const LayerState* states, unsigned rowBytes, unsigned window) {
    waitForPrevious();
    const DeviceSegment segment = segments[blockIdx.y];
    const unsigned kept = min(segment.count, window);
    if (blockIdx.x >= kept) {
        return;
    }
    const unsigned i = segment.count - kept + blockIdx.x;
    const auto* from =
        reinterpret_cast<const std::uint64_t*>(packed + std::size_t{segment.row + i} * rowBytes);
    auto* to = reinterpret_cast<std::uint64_t*>(
        states[blockIdx.y].window + std::size_t{(segment.position + i) % window} * rowBytes);
    for (unsigned w = threadIdx.x; w < rowBytes / 8; w += blockDim.x) {
        to[w] = from[w];
    }
}

unsigned warpsFor(unsigned columns) {
    const unsigned warps = (columns + 127) / 128;
    return warps < 8 ? (warps < 1 ? 1 : warps) : 8;
}

} // namespace

void ropeTables(const Queue& queue, std::uint32_t rows, const std::uint32_t* positions,
                const float* windowFrequencies, const float* compressedFrequencies,
                std::uint32_t dims, float* windowTable, float* compressedTable) {
    launch(queue, "compute rotation tables", ropeTableKernel,
           dim3((rows * (dims / 2) + 127) / 128, 2), 128, 0, positions, windowFrequencies,
           compressedFrequencies, dims / 2, rows, windowTable, compressedTable);
}

void normQuantise(const Queue& queue, std::uint32_t rows, const Bf16* x, std::uint32_t columns,
                  const Bf16* norm, float eps, QuantRows q) {
    const unsigned warps = warpsFor(columns);
    const unsigned parts = norm ? 1 : (columns / 128 + warps - 1) / warps;
    launch(queue, "quantise rows", normQuantiseKernel, dim3(rows, rows <= kAnswerRows ? parts : 1),
           32 * warps, 0, x, columns, norm, eps, q);
}

void dequantiseRows(const Queue& queue, std::uint32_t rows, QuantRows q, std::uint32_t columns,
                    Bf16* x) {
    const std::size_t count = std::size_t{rows} * columns;
    launch(queue, "expand rows", dequantiseRowsKernel,
           static_cast<unsigned>((count / 16 + 255) / 256), 256, 0, q, count, x);
}

void finishQueries(const Queue& queue, std::uint32_t rows, const QueryTask& task) {
    const unsigned count = rows * task.heads;
    launch(queue, "finish queries", finishQueriesKernel, (count + 3) / 4, 128, 0, task, count,
           false);
}

void finishIndexQueries(const Queue& queue, std::uint32_t rows, const QueryTask& task) {
    const unsigned count = rows * task.heads;
    launch(queue, "finish index queries", finishQueriesKernel, (count + 3) / 4, 128, 0, task, count,
           true);
}

void finishRows(const Queue& queue, std::uint32_t rows, const Bf16* kv, const Bf16* norm, float eps,
                const KvRowLayout& layout, const float* table, std::byte* packed) {
    const unsigned dims = layout.nope + layout.rope;
    launch(queue, "finish rows", finishRowsKernel, rows, 32 * warpsFor(dims), dims * sizeof(Bf16),
           kv, norm, eps, layout, table, packed);
}

void scaleRows(const Queue& queue, std::uint64_t count, Bf16* weights, float scale) {
    launch(queue, "scale index weights", scaleRowsKernel,
           static_cast<unsigned>((count + 255) / 256), 256, 0, weights, count, scale);
}

void keepWindow(const Queue& queue, const BatchView& batch, std::uint32_t layer,
                const std::byte* packed, std::uint32_t rowBytes, std::uint32_t window) {
    launch(queue, "keep the window", keepWindowKernel,
           dim3(batch.rows < window ? batch.rows : window, batch.segmentCount), 64, 0, packed,
           batch.segments, batch.layer(layer), rowBytes, window);
}

} // namespace dossier::engine::cuda
