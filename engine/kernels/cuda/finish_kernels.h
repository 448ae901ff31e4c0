// SPDX-License-Identifier: Apache-2.0
// Answering: everything between the linear layers of attention and attention itself, in one launch.
#pragma once

#include "engine/kernels/cuda/compress_kernels.h"
#include "engine/kernels/cuda/row_kernels.h"

namespace dossier::engine::cuda {

/// Parts that are absent (null pointers, ratio 0) are left out.
struct FinishTasks {
    QueryTask queries, indexQueries;
    const Bf16 *kv = nullptr, *kvNorm = nullptr; ///< [rows, dims]
    float kvEps = 0;
    KvRowLayout layout;
    const float* table = nullptr;
    std::byte* packed = nullptr;
    CompressParameters main{}, index{};
};

/// One row a segment.
void finishAnswer(const Queue&, const BatchView&, const FinishTasks&);

} // namespace dossier::engine::cuda
