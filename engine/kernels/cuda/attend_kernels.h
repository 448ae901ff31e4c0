// SPDX-License-Identifier: Apache-2.0
// Launchers of attend_kernels.cu: attention of single queries over packed rows.
#pragma once

#include "engine/kernels/cuda/batch_view.h"
#include "engine/kernels/cuda/launch.h"
#include "engine/model/kv_layout.h"

namespace dossier::engine::cuda {

struct AttendShape {
    std::uint32_t heads = 0, dims = 0, window = 0;
    std::uint32_t ratio = 0; ///< 0: the window only
    std::uint32_t topk = 0;  ///< columns of ids
    KvRowLayout layout;
    float scale = 0;
};

/// head_dim 128, 256 or 512, of which at most 64 rotate.
bool attendFits(std::uint32_t dims, std::uint32_t rotated);

struct AttendInput {
    const Bf16* q = nullptr;           ///< [rows, heads, dims]
    const std::byte* packed = nullptr; ///< this batch's rows
    const float* sink = nullptr;       ///< [heads]
    const std::int32_t* ids = nullptr; ///< [rows, topk] or null: all visible entries
    const float* table = nullptr;      ///< rotation, [rows, rope dims]
    Bf16* o = nullptr;                 ///< [rows, heads, dims]
};

/// Reading: every query by blocks of its own, in one go.
void attend(const Queue&, const BatchView&, std::uint32_t layer, const AttendShape&,
            const AttendInput&);

/// Answering: the entries of a query are split over blocks, the parts added up in order. Then every
/// row, the only one of its segment, is kept in the window.
/// `contextLimit`: no position of the batch reaches it.
std::uint64_t attendPartials(const AttendShape&, std::uint32_t rows, std::uint64_t contextLimit);
void attendSplit(const Queue&, const BatchView&, std::uint32_t layer, const AttendShape&,
                 const AttendInput&, std::uint64_t contextLimit, float* partials);

} // namespace dossier::engine::cuda
