// SPDX-License-Identifier: Apache-2.0
// All weights of the trunk as the forward pass uses them. Views only: whoever made the struct
// (Checkpoint, SyntheticModel) keeps the bytes alive.
//
// In the shapes: d = hiddenSize, H = heads, D = headDim, k = hcMult, w = width of a compressor
// (headDim, or indexHeadDim in the indexer).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/model/config.h"
#include "engine/model/tensor.h"

namespace dossier::engine {

/// weight [out, in] F8_E4M3 with scale [ceil(out/128), ceil(in/128)] F8_E8M0, or an FP4 expert:
/// weight [out, in/2] I8 (low nibble = even input) with scale [out, in/32] F8_E8M0.
struct ScaledMatrix {
    TensorView weight, scale;
    std::uint32_t out = 0, in = 0;
    bool fp4 = false;
};

/// One hyper-connection site. fn [rows, k*d], base [rows], scale [3] or [1] (head); all F32.
struct MixerWeights {
    TensorView fn, base, scale;
};

/// ape [ratio, c*w] F32; wkv, wgate [c*w, d] BF16; norm [w] BF16; c = 2 for ratio 4, else 1.
struct CompressorWeights {
    TensorView ape, wkv, wgate, norm;
    std::uint32_t ratio = 0, width = 0;
};

/// wqB [indexHeads*indexHeadDim, qLoraRank]; weightsProj [indexHeads, d] BF16.
struct IndexerWeights {
    ScaledMatrix wqB;
    TensorView weightsProj;
    CompressorWeights compressor;
};

struct AttentionWeights {
    ScaledMatrix wqA;                            ///< [qLoraRank, d]
    TensorView qNorm;                            ///< [qLoraRank] BF16
    ScaledMatrix wqB;                            ///< [H*D, qLoraRank]
    ScaledMatrix wkv;                            ///< [D, d]
    TensorView kvNorm;                           ///< [D] BF16
    TensorView sink;                             ///< [H] F32
    ScaledMatrix woA;                            ///< [oGroups*oLoraRank, H*D/oGroups], used as BF16
    ScaledMatrix woB;                            ///< [d, oGroups*oLoraRank]
    std::optional<CompressorWeights> compressor; ///< ratio > 0
    std::optional<IndexerWeights> indexer;       ///< ratio 4
};

struct ExpertWeights {
    ScaledMatrix w1, w2, w3; ///< w1, w3 [moeIntermediate, d]; w2 [d, moeIntermediate]
};

struct MoeWeights {
    TensorView gate;                   ///< [routedExperts, d] BF16
    std::optional<TensorView> tid2eid; ///< hash layers: [vocabSize, expertsPerToken] I64
    std::optional<TensorView> bias;    ///< other layers: [routedExperts] F32
    std::vector<ExpertWeights> experts;
    ExpertWeights shared; ///< always FP8
};

struct LayerWeights {
    LayerKind kind = LayerKind::Window;
    MixerWeights hcAttn, hcFfn;   ///< rows = (2+k)*k
    TensorView attnNorm, ffnNorm; ///< [d] BF16
    AttentionWeights attn;
    MoeWeights ffn;
};

struct ModelWeights {
    TensorView embed; ///< [vocabSize, d] BF16
    std::vector<LayerWeights> layers;
    MixerWeights hcHead; ///< rows = k
    TensorView norm;     ///< [d] BF16
    TensorView head;     ///< [vocabSize, d] BF16
};

/// Builds the struct by asking `get` for every tensor by its name in the checkpoint
/// ("layers.3.attn.wq_a.weight"); `get` throws when it does not have one.
ModelWeights assembleWeights(const ModelConfig& config, ExpertFormat experts,
                             const std::function<TensorView(const std::string&)>& get);

} // namespace dossier::engine
