// SPDX-License-Identifier: Apache-2.0
// config.json of a DeepSeek-V4 checkpoint, parsed strictly and checked against what the engine can
// run: any dimensions of the V4 shape (Flash, Pro, Base, pruned expert counts, tiny, embedded).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dossier::engine {

enum class ExpertFormat {
    Fp4, ///< I8 tensors with two e2m1 values a byte, one e8m0 scale per 32 inputs
    Fp8, ///< F8_E4M3 with one e8m0 scale per 128x128 block (the Base checkpoints)
};
std::string_view expertFormatName(ExpertFormat format); ///< "fp4", "fp8"

/// How the compressed key/value rows of a layer come about.
enum class LayerKind {
    Window, ///< ratio 0: only the sliding window ("SWA")
    Sparse, ///< ratio 4: overlapping blocks, an indexer selects the top entries ("CSA")
    Dense,  ///< ratio 128: every entry is attended ("HCA")
};

struct RopeScaling { ///< YaRN, used in layers with compressed rows only
    double factor = 1, betaFast = 32, betaSlow = 1;
    std::uint32_t originalMaxPositions = 0;
};

/// The fields keep the meaning of their config.json key, given behind each. Widths are in values.
struct ModelConfig {
    std::uint32_t vocabSize = 0;     ///< vocab_size
    std::uint32_t hiddenSize = 0;    ///< hidden_size, "d"
    std::uint32_t layers = 0;        ///< num_hidden_layers
    std::uint32_t hashLayers = 0;    ///< num_hash_layers: the first ones route by token id
    std::uint32_t nextnLayers = 0;   ///< num_nextn_predict_layers (not used for decisions)
    std::uint32_t heads = 0;         ///< num_attention_heads, "H"; one key/value head
    std::uint32_t headDim = 0;       ///< head_dim, "D"
    std::uint32_t ropeDim = 0;       ///< qk_rope_head_dim: the LAST values of a head rotate
    std::uint32_t qLoraRank = 0;     ///< q_lora_rank
    std::uint32_t oLoraRank = 0;     ///< o_lora_rank, per group
    std::uint32_t oGroups = 0;       ///< o_groups
    std::uint32_t slidingWindow = 0; ///< sliding_window, tokens including the current one
    std::vector<std::uint32_t> compressRatios; ///< compress_ratios of the trunk: 0, 4 or 128
    std::vector<std::uint32_t> draftRatios;    ///< its further entries; belong to mtp stages
    std::uint32_t indexHeads = 0;              ///< index_n_heads
    std::uint32_t indexHeadDim = 0;            ///< index_head_dim
    std::uint32_t indexTopk = 0;               ///< index_topk, entries kept per token
    std::uint32_t moeIntermediate = 0;         ///< moe_intermediate_size
    std::uint32_t routedExperts = 0;           ///< n_routed_experts, per layer
    std::uint32_t expertsPerToken = 0;         ///< num_experts_per_tok; one shared expert besides
    double routedScale = 1;                    ///< routed_scaling_factor
    double swigluLimit = 0;                    ///< swiglu_limit
    std::uint32_t hcMult = 0;                  ///< hc_mult: residual streams
    std::uint32_t hcSinkhornIters = 0;         ///< hc_sinkhorn_iters
    double hcEps = 0;                          ///< hc_eps
    double rmsNormEps = 0;                     ///< rms_norm_eps
    double ropeTheta = 0;                      ///< rope_theta, layers with ratio 0
    double compressRopeTheta = 0;              ///< compress_rope_theta, layers with ratio > 0
    RopeScaling ropeScaling;                   ///< rope_scaling
    std::uint64_t maxPositions = 0;            ///< max_position_embeddings, tokens
    std::int32_t bosToken = 0, eosToken = 1;
    std::optional<ExpertFormat> expertFormat;     ///< expert_dtype; absent: see the expert tensors
    std::optional<std::uint32_t> dsparkBlockSize; ///< dspark_block_size: a DSpark draft is bundled

    // Derived.
    LayerKind kind(std::uint32_t layer) const;
    bool hashRouted(std::uint32_t layer) const { return layer < hashLayers; }
    std::uint32_t nopeDim() const { return headDim - ropeDim; }
    std::uint32_t qWidth() const { return heads * headDim; }         ///< rows of wq_b
    std::uint32_t oGroupInput() const { return qWidth() / oGroups; } ///< columns of wo_a
    std::uint32_t oRank() const { return oGroups * oLoraRank; }      ///< columns of wo_b
    std::uint32_t streamWidth() const { return hcMult * hiddenSize; }
    std::uint32_t mixRows() const { return (2 + hcMult) * hcMult; } ///< rows of hc_*_fn
    std::uint32_t layersOf(LayerKind wanted) const;
};

/// Parses and checks. `origin` names the file in error texts.
/// Errors: Corrupt (not JSON, a key twice, a wrong type), Unsupported (another architecture, named:
/// V3, V4.1, vision; or dimensions outside the V4 shape; the text says what is supported).
ModelConfig parseModelConfig(std::string_view json, std::string_view origin);

/// Reads a config.json by its own path. Errors: also as MappedFile::open.
ModelConfig readModelConfigFile(const std::filesystem::path& file);

/// Reads DIR/config.json. Errors: also NotFound, TooLarge (over 1 MiB), as MappedFile::open.
ModelConfig readModelConfig(const std::filesystem::path& directory);

/// One line for every field that changes results, in a fixed order: what fingerprints hash.
std::string canonicalText(const ModelConfig& config);

} // namespace dossier::engine
