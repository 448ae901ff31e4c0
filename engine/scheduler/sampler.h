// SPDX-License-Identifier: Apache-2.0
// Choosing the next token from logits. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "engine/engine.h"

namespace dossier::engine {

/// ln sum exp of the logits, max-subtracted, in float64.
double logSumExp(std::span<const float> logits);

/// The largest logit; equal ones: the lowest id.
Token greedyToken(std::span<const float> logits);

/// Greedy at temperature 0; else top-k, then top-p, then min-p on the tempered distribution, and a
/// draw that depends on (seed, step) alone, so that batching never changes an answer.
Token sampleToken(std::span<const float> logits, const GenerateOptions&, std::uint64_t step);

/// The same among the tokens that `accepted` lets pass, tried from the most probable down; absent
/// when none passes.
std::optional<Token> sampleAccepted(std::span<const float> logits, const GenerateOptions&,
                                    std::uint64_t step, const std::function<bool(Token)>& accepted);

} // namespace dossier::engine
