// SPDX-License-Identifier: Apache-2.0
// Blocks of one launch do different things that do not depend on each other.
#include "engine/kernels/cuda/finish_kernels.h"

#include <algorithm>

#include "engine/kernels/cuda/compress_tile.cuh"
#include "engine/kernels/cuda/row_tile.cuh"

namespace dossier::engine::cuda {
namespace {

constexpr unsigned kThreads = 256, kHeadsPerBlock = kThreads / 32;

/// Blocks of each part, in the order of the launch: what takes longest comes first.
struct Parts {
    unsigned main, index, rows, queries, indexQueries;
};

/// Few blocks, which have registers to spare: without saying so the compiler keeps to 64 a thread.
__global__ void __launch_bounds__(kThreads, 2)
    finishKernel(const __grid_constant__ FinishTasks tasks, Parts parts, unsigned rows) {
    __shared__ double sums[32];
    auto* values = dynamicShared<Bf16>();
    letNextStart();
    waitForPrevious();
    unsigned block = blockIdx.x;
    if (block < parts.main) {
        compressOne(tasks.main, block, values, sums);
        return;
    }
    block -= parts.main;
    if (block < parts.index) {
        compressOne(tasks.index, block, values, sums);
        return;
    }
    block -= parts.index;
    if (block < parts.rows) {
        finishRow(block, tasks.kv, tasks.kvNorm, tasks.kvEps, tasks.layout, tasks.table, values,
                  sums, tasks.packed);
        return;
    }
    block -= parts.rows;
    const unsigned warp = threadIdx.x / 32;
    if (block < parts.queries) {
        const unsigned head = block * kHeadsPerBlock + warp;
        if (head < rows * tasks.queries.heads) {
            finishQueryHead(tasks.queries, head);
        }
        return;
    }
    block -= parts.queries;
    const unsigned head = block * kHeadsPerBlock + warp;
    if (head < rows * tasks.indexQueries.heads) {
        finishIndexHead(tasks.indexQueries, head);
    }
}

unsigned blocksFor(const QueryTask& task, unsigned rows) {
    return task.q ? (rows * task.heads + kHeadsPerBlock - 1) / kHeadsPerBlock : 0;
}

} // namespace

void finishAnswer(const Queue& queue, const BatchView& batch, const FinishTasks& tasks) {
    const Parts parts{tasks.main.ratio ? batch.segmentCount : 0,
                      tasks.index.ratio ? batch.segmentCount : 0, tasks.kv ? batch.rows : 0,
                      blocksFor(tasks.queries, batch.rows),
                      blocksFor(tasks.indexQueries, batch.rows)};
    const unsigned dims = tasks.kv ? tasks.layout.nope + tasks.layout.rope : 0;
    const unsigned values = std::max({dims, tasks.main.width, tasks.index.width});
    launch(queue, "finish queries and rows", finishKernel,
           parts.main + parts.index + parts.rows + parts.queries + parts.indexQueries, kThreads,
           values * sizeof(Bf16), tasks, parts, batch.rows);
}

} // namespace dossier::engine::cuda
