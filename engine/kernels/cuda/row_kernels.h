// SPDX-License-Identifier: Apache-2.0
// Launchers of row_kernels.cu: norms, quantisers, rotations, packing. Shapes as in
// engine/kernels/operations.h; every row on its own.
#pragma once

#include "engine/kernels/cuda/batch_view.h"
#include "engine/kernels/cuda/launch.h"
#include "engine/model/kv_layout.h"

namespace dossier::engine::cuda {

/// cos and sin of positions times frequencies [dims/2], in the order cos, sin; [rows][dims].
void ropeTables(const Queue&, std::uint32_t rows, const std::uint32_t* positions,
                const float* windowFrequencies, const float* compressedFrequencies,
                std::uint32_t dims, float* windowTable, float* compressedTable);

/// FP8 with block 128 of RMSNorm(x, norm), or of x itself when norm is null.
void normQuantise(const Queue&, std::uint32_t rows, const Bf16* x, std::uint32_t columns,
                  const Bf16* norm, float eps, QuantRows);

/// Values of quantised rows in bf16, exactly.
void dequantiseRows(const Queue&, std::uint32_t rows, QuantRows, std::uint32_t columns, Bf16* x);

/// Queries or index queries of a batch (row_tile.cuh).
struct QueryTask {
    Bf16* q = nullptr; ///< [rows, heads, dims], in place
    unsigned heads = 0, dims = 0, ropeDims = 0;
    float eps = 0;
    const float* table = nullptr; ///< [rows, ropeDims]
};

/// Norm in bf16 arithmetic and rotation.
void finishQueries(const Queue&, std::uint32_t rows, const QueryTask&);

/// kv [rows, dims] to packed rows.
void finishRows(const Queue&, std::uint32_t rows, const Bf16* kv, const Bf16* norm, float eps,
                const KvRowLayout&, const float* table, std::byte* packed);

/// Rotation, Hadamard, FP4; qi [rows, heads, dims] in place.
void finishIndexQueries(const Queue&, std::uint32_t rows, const QueryTask&);

/// weights = bf16(weights * scale), in place.
void scaleRows(const Queue&, std::uint64_t count, Bf16* weights, float scale);

/// The batch's last rows into the window rings of a layer.
void keepWindow(const Queue&, const BatchView&, std::uint32_t layer, const std::byte* packed,
                std::uint32_t rowBytes, std::uint32_t window);

} // namespace dossier::engine::cuda
