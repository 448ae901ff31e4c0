// SPDX-License-Identifier: Apache-2.0
// Launchers of stream_kernels.cu. Shapes as in engine/kernels/operations.h.
#pragma once

#include "engine/kernels/cuda/batch_view.h"
#include "engine/kernels/cuda/launch.h"

namespace dossier::engine::cuda {

/// Whether the kernels below can run models of these dimensions.
bool mixFits(std::uint32_t streams, std::uint32_t d);

void embed(const Queue&, const BatchView&, const Bf16Weight& embedding, Bf16* streams);

/// Values of `partial` for one row.
std::uint64_t mixPartials(std::uint32_t d);

/// Which rows of the streams are meant, in which order; count 0: all, as they are.
struct RowList {
    std::uint32_t count = 0;
    std::uint32_t rows[kAnswerRows] = {};
};

/// Answering: optionally hyperOut (y null: not), then the parts of fn . streams.
void mixSlices(const Queue&, std::uint32_t rows, const RowList&, Bf16* streams, const Bf16* y,
               const float* post, const float* comb, std::uint32_t d, const F32Weight& fn,
               double* partial);

struct MixNumbers {
    std::uint32_t iterations = 0;
    float hcEps = 0, normEps = 0;
};

struct MixInput {
    const Bf16* streams = nullptr;
    RowList rows;
    const double* partial = nullptr; ///< of mixSlices, or null
    const float* products =
        nullptr; ///< else: fn . streams in three columns each [rows][3][fn rows]
};

/// h normed, its FP8 form (q.values null: not), post and comb (not for the head's site).
void finishMix(const Queue&, std::uint32_t rows, const MixInput&, const HyperSite&,
               const MixNumbers&, Bf16* h, QuantRows q, float* post, float* comb);

/// hyperOut.
void updateStreams(const Queue&, std::uint32_t rows, Bf16* streams, const Bf16* y,
                   const float* post, const float* comb, std::uint32_t d);

/// in = out[0] + out[1] + out[2], each [count] bf16.
void splitF32(const Queue&, const float* in, std::uint64_t count, Bf16* out);

} // namespace dossier::engine::cuda
