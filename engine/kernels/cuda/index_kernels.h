// SPDX-License-Identifier: Apache-2.0
// Launchers of index_kernels.cu: scores of index keys and selection of the best entries.
#pragma once

#include "engine/kernels/cuda/batch_view.h"
#include "engine/kernels/cuda/launch.h"

namespace dossier::engine::cuda {

/// index_head_dim 64, 128 or 256.
bool indexFits(std::uint32_t dims);

struct IndexShape {
    std::uint32_t heads = 0, dims = 0, topk = 0;
};

/// Scores (bf16) of the first `keys` keys for rows [firstRow, firstRow + rows) of the batch;
/// scores [rows, pitch], pitch >= keys rounded up to 128. Keys that a row does not see get any
/// value.
void indexScores(const Queue&, const BatchView&, std::uint32_t layer, const IndexShape&,
                 std::uint32_t firstRow, std::uint32_t rows, std::uint32_t keys, const Bf16* qi,
                 const Bf16* weights, Bf16* scores, std::uint32_t pitch);

/// ids [rows of the batch, topk] of those rows: the best visible entries in ascending order, then
/// -1.
void selectEntries(const Queue&, const BatchView&, const IndexShape&, std::uint32_t firstRow,
                   std::uint32_t rows, const Bf16* scores, std::uint32_t pitch, std::int32_t* ids);

constexpr std::uint32_t kSelectChunk = 4096; ///< scores that one block of selectSplit looks at

/// Of selectSplit; in device memory, `bins` zeros before the first use.
struct SelectBuffers {
    std::uint32_t* bins = nullptr; ///< left as zeros
    std::uint32_t* counts = nullptr;
    std::uint32_t chunks = 0; ///< most chunks of a row that there is room for
    static std::uint64_t binCount(std::uint32_t rows);
    static std::uint64_t countCount(std::uint32_t rows, std::uint32_t chunks);
};

/// The same as selectEntries for all rows of a batch, each by many blocks: for few rows that see
/// many keys. `keys`: no row sees more.
void selectSplit(const Queue&, const BatchView&, const IndexShape&, std::uint32_t keys,
                 const Bf16* scores, std::uint32_t pitch, const SelectBuffers&, std::int32_t* ids);

} // namespace dossier::engine::cuda
