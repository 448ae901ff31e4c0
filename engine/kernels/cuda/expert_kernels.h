// SPDX-License-Identifier: Apache-2.0
// Launchers of route_kernels.cu, expert_answer_kernels.cu and expert_read_kernels.cu: router and
// mixture of experts.
#pragma once

#include "engine/experts/expert_layout.h"
#include "engine/kernels/cuda/launch.h"
#include "engine/kernels/types.h"

namespace dossier::engine::cuda {

/// Up to 1024 experts, 64 a token.
bool routeFits(std::uint32_t experts, std::uint32_t top);
struct RouteTask {
    const float* logits = nullptr; ///< [rows, experts]
    RouterParameters router;
    std::uint32_t top = 0;
    float scale = 0;
    const std::int32_t* tokens = nullptr; ///< [rows], for hash layers
    std::int32_t* ids = nullptr;          ///< result [rows, top]
    float* weights = nullptr;             ///< result [rows, top]
};
void route(const Queue&, std::uint32_t rows, const RouteTask&);

// ------------------------------------------------------------------------------- answering

constexpr std::uint32_t kMaxAnswerTasks =
    256; ///< distinct experts of one batch, with the shared one

/// What the experts of one layer have to do for a batch of up to 16 rows; in device memory.
struct AnswerPlan {
    /// Of `miss`: in VRAM; being fetched, runs in the second part; computed by the host, added up
    /// in the second part.
    static constexpr std::uint32_t kResident = 0, kFetched = 1, kComputed = 2;
    std::uint32_t count = 0; ///< distinct routed experts, ascending
    std::uint32_t expert[kMaxAnswerTasks];
    std::uint32_t rowMask[kMaxAnswerTasks];    ///< rows that chose it
    const std::uint8_t* base[kMaxAnswerTasks]; ///< its block in VRAM; computed: bf16 outputs
                                               ///< [rows of the mask][hidden] in pinned RAM
    std::uint32_t miss[kMaxAnswerTasks];
    float weight[kMaxAnswerTasks][kAnswerRows];      ///< by row
    std::uint8_t rank[kMaxAnswerTasks][kAnswerRows]; ///< place among the row's experts, ascending
};

/// Where the blocks of a layer's experts are: VRAM addresses, null = not there.
struct ExpertTable {
    const std::uint8_t* const* resident = nullptr; ///< [experts]
};

struct AnswerBuffers {
    AnswerPlan* plan = nullptr;
    Bf16* products = nullptr;          ///< [tasks + 1][rows][inner]
    std::uint8_t* codes = nullptr;     ///< their FP8 form
    float* scales = nullptr;           ///< [tasks + 1][rows][inner/128]
    Bf16* outputs = nullptr;           ///< [rows][top + 1][hidden], the shared expert last
    std::uint32_t* counters = nullptr; ///< zeros; left as zeros
    std::uint32_t tasks = 0;           ///< most distinct experts of a batch
    static std::uint64_t counterCount(std::uint32_t tasks, std::uint32_t hidden,
                                      std::uint32_t inner) {
        return std::uint64_t{tasks + 1} * (inner / 128) + hidden / 64;
    }
};

struct AnswerShape {
    ExpertLayout layout;
    std::uint32_t rows = 0, top = 0, experts = 0;
    float limit = 0;
};

/// Routes up to 16 rows and fills the plan from their choice; without logits from what `ids` and
/// `weights` hold.
void planAnswer(const Queue&, std::uint32_t rows, const RouteTask&, ExpertTable,
                const AnswerBuffers&);

enum class AnswerPart {
    All,   ///< shared expert and all routed ones
    First, ///< shared expert and the resident ones
    Second ///< those that were fetched or computed by the host
};
/// a = FP8(weight * silu(w1 x) * (w3 x)) of every task.
void answerUp(const Queue&, const AnswerShape&, AnswerPart, const QuantRows& x,
              const ExpertParameters& shared, const AnswerBuffers&);
/// w2 a; the block that brings the last part of an output adds up: y [rows, hidden].
void answerDown(const Queue&, const AnswerShape&, AnswerPart, const ExpertParameters& shared,
                const AnswerBuffers&, Bf16* y);

// --------------------------------------------------------------------------------- reading

/// counts [experts], and lists [experts][rows]: rows that chose each expert, ascending, each with
/// the place of its weight (row * top + choice).
void sortByExpert(const Queue&, std::uint32_t rows, std::uint32_t top, std::uint32_t experts,
                  const std::int32_t* ids, std::uint32_t* counts, std::uint32_t* lists);

constexpr std::uint32_t kMaxExpertPieces = 8;

/// Rows of up to eight experts that go through together, one expert after the other.
struct ExpertPieces {
    struct Piece {
        const std::uint32_t* list = nullptr; ///< of sortByExpert
        std::uint32_t firstRow = 0, rows = 0;
    };
    std::uint32_t count = 0, rows = 0;
    Piece piece[kMaxExpertPieces];

    /// Null: rows that nobody chose, in their order (the shared expert).
    void add(const std::uint32_t* list, std::uint32_t more) {
        piece[count++] = {list, rows, more};
        rows += more;
    }
};

/// x [rows, columns] = quantised rows list[i] / top: as they are, or in bf16.
void gatherRows(const Queue&, const ExpertPieces&, std::uint32_t top, const QuantRows&,
                std::uint32_t columns, const QuantRows& x);
void gatherRows(const Queue&, const ExpertPieces&, std::uint32_t top, const QuantRows&,
                std::uint32_t columns, Bf16* x);

/// gateUp [rows, 2*inner] (w1, then w3) -> FP8(weight * silu(g) * u) [rows, inner], or the values
/// of that in bf16. weights null: 1 (the shared expert).
void gate(const Queue&, const ExpertPieces&, const float* weights, float limit, const Bf16* gateUp,
          std::uint32_t inner, const QuantRows& products);
void gate(const Queue&, const ExpertPieces&, const float* weights, float limit, const Bf16* gateUp,
          std::uint32_t inner, Bf16* products);

/// sums [.., columns] FP32 += out [count, columns] at rows list[i] / top, all of them different.
void addRows(const Queue&, std::uint32_t count, const std::uint32_t* list, std::uint32_t top,
             const Bf16* out, std::uint32_t columns, float* sums);

/// y = bf16(sums + shared).
void finishSums(const Queue&, std::uint64_t count, const float* sums, const Bf16* shared, Bf16* y);

} // namespace dossier::engine::cuda
