// SPDX-License-Identifier: Apache-2.0
// Where everything will lie, planned before anything is allocated: dense weights, key/value rows,
// buffers, and every routed expert in exactly one of three tiers (GPU memory, RAM, disk).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/engine.h"
#include "engine/model/config.h"

namespace dossier::engine {

/// What a plan reckons with. The sizes below the budgets have defaults for a full-size model; the
/// loader passes what its device really needs.
struct PlacementInputs {
    std::uint64_t contextTokens = 0;
    std::uint64_t branches = 1; ///< sequences that have windows and compressor states of their own

    std::optional<std::uint64_t> vram; ///< bytes that may be used; absent = no GPU
    std::uint64_t ram = 0;             ///< bytes that may be used

    // GPU memory besides weights and rows.
    std::uint64_t gpuContext = 1'500'000'000; ///< driver context, kernels, cuBLAS workspace
    std::uint64_t gpuScratch = 4'000'000'000; ///< activations of a super-chunk, index score tiles

    // RAM besides experts.
    std::uint64_t ramBase = 600'000'000;    ///< program, tokenizer, answers
    std::uint64_t ramScratch = 400'000'000; ///< activations of the CPU engine; staging with a GPU
};

/// One row of memory for each owner, experts per tier, and a verdict in words. Tiers are exclusive
/// and shared out as the loader does it (engine/experts/expert_plan.h); "reading buffers" are the
/// slots that experts outside GPU memory pass through:
/// GPU memory first, then RAM, then disk. Without a GPU the model's files are mapped: experts "in
/// RAM" are those whose pages fit into what the budget leaves, and nothing is copied.
/// `fits` is false when something other than experts has no room; the verdict then says how much
/// is missing and which context length would do.
Forecast planPlacement(const ModelConfig& config, const PlacementInputs& inputs);

/// Longest context (a multiple of 1,024 tokens, at most the model's maximum) that planPlacement
/// would accept, 0 when none.
std::uint64_t longestContext(const ModelConfig& config, PlacementInputs inputs);

} // namespace dossier::engine
