// SPDX-License-Identifier: Apache-2.0
// The shape of DeepSeek-V3.2, the model that DeepSeek-V4 is compared with, and the comparison.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/model/config.h"

namespace dossier::engine {

/// 61 layers, the first 3 without experts; latent attention (MLA) over one shared row of 512 + 64
/// values, of which an indexer selects 2,048 tokens; 256 routed experts, 8 a token.
struct DeepSeekV32 {
    std::uint64_t layers = 61, denseLayers = 3, hidden = 7168, vocabulary = 129280, heads = 128;
    std::uint64_t qLora = 1536, kvLora = 512, rope = 64, nopeHead = 128, valueHead = 128;
    std::uint64_t denseIntermediate = 18432, moeIntermediate = 2048;
    std::uint64_t routedExperts = 256, expertsPerToken = 8, sharedExperts = 1;
    std::uint64_t indexHeads = 64, indexHeadDim = 128, indexTopk = 2048;

    /// Weights that one token is multiplied with (37.5e9, with the indexer and the head).
    double activeParameters() const;
    /// Operations of one decoded token that sees n tokens, in the absorbed form of MLA: scores
    /// over 576 values and sums over 512 for each head and selected row.
    double flopsPerToken(std::uint64_t n) const;
    /// The same in FP8 operations (attention, absorbed projections, router and head in BF16).
    double flopsPerTokenFp8Equivalent(std::uint64_t n) const;
    /// 656 bytes a row (512 e4m3, four FP32 scales, 64 bf16) and 132 an index key (128 e4m3, one
    /// FP32 scale), per layer: 48,068.
    std::uint64_t kvBytesPerToken() const;
};

struct Comparison {
    std::string name;
    double flops = 0, flopsFp8Equivalent = 0; ///< of one token
    double kvBytes = 0;
    double flopsRatio = 0, flopsFp8EquivalentRatio = 0, kvRatio = 0; ///< to DeepSeek-V3.2
};
struct NamedConfig {
    std::string name;
    ModelConfig config;
};

/// DeepSeek-V3.2 first, then the given models, at a context of n tokens.
std::vector<Comparison> compareWithV32(std::span<const NamedConfig> models, std::uint64_t n);

/// The comparison as a Markdown table, with the published ratios (at 1M tokens: Pro 27 % of the
/// FLOPs and 10 % of the KV bytes, Flash 10 % and 7 %) explained beneath.
std::string comparisonMarkdown(std::span<const NamedConfig> models, std::uint64_t n);

} // namespace dossier::engine
