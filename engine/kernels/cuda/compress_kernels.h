// SPDX-License-Identifier: Apache-2.0
// Launchers of compress_kernels.cu.
#pragma once

#include "engine/kernels/cuda/batch_view.h"
#include "engine/kernels/cuda/launch.h"
#include "engine/kernels/operations.h"
#include "engine/model/kv_layout.h"

namespace dossier::engine::cuda {

struct CompressInput {
    const float *a = nullptr, *s = nullptr; ///< [rows, overlap*width], s without position rows
    const float* frequencies = nullptr;     ///< [rope dims / 2]
    KvRowLayout layout;
    float eps = 0;
};

/// What the kernels take.
struct CompressParameters {
    const DeviceSegment* segments;
    const LayerState* states;
    const float *a, *s, *ape, *frequencies;
    const Bf16* norm;
    unsigned ratio, width, overlap;
    bool index;
    float eps;
    KvRowLayout layout;
};
CompressParameters compressParameters(const BatchView&, std::uint32_t layer, const Compressor&,
                                      Pool, const CompressInput&);

/// Reading: completed entries of the batch into the segments' rows or keys, the last tokens into
/// the rings. Answering: finish_kernels.h.
void compress(const Queue&, const BatchView&, std::uint32_t layer, const Compressor&, Pool,
              const CompressInput&);

} // namespace dossier::engine::cuda
