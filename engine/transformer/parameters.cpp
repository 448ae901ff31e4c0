// SPDX-License-Identifier: Apache-2.0
#include "engine/transformer/parameters.h"

namespace dossier::engine {
namespace {

/// Host views as they are; used for routed experts, which the operations place themselves.
struct HostPlacement {
    const void* operator()(const TensorView& view) const { return view.data; }
};

/// Through Operations::weight.
struct DevicePlacement {
    Operations& ops;
    const void* operator()(const TensorView& view) const {
        return ops.weight(view.data, view.bytes);
    }
};

template<class T, class Place>
const T* placed(const Place& place, const TensorView& view) {
    return static_cast<const T*>(place(view));
}

template<class Place>
Fp8Weight fp8(const Place& place, const ScaledMatrix& m) {
    return {placed<std::uint8_t>(place, m.weight), placed<std::uint8_t>(place, m.scale), m.out,
            m.in};
}

template<class Place>
Fp4Weight fp4(const Place& place, const ScaledMatrix& m) {
    return {placed<std::uint8_t>(place, m.weight), placed<std::uint8_t>(place, m.scale), m.out,
            m.in};
}

template<class Place>
ExpertParameters expert(const Place& place, const ExpertWeights& e) {
    ExpertParameters p;
    if (e.w1.fp4) {
        p.w1 = fp4(place, e.w1);
        p.w2 = fp4(place, e.w2);
        p.w3 = fp4(place, e.w3);
    } else {
        p.w1Fp8 = fp8(place, e.w1);
        p.w2Fp8 = fp8(place, e.w2);
        p.w3Fp8 = fp8(place, e.w3);
    }
    return p;
}

Bf16Weight bf16(const DevicePlacement& place, const TensorView& view) {
    return {placed<Bf16>(place, view), static_cast<std::uint32_t>(view.rows()),
            static_cast<std::uint32_t>(view.cols())};
}

HyperSite site(const DevicePlacement& place, const MixerWeights& m, const TensorView& norm) {
    return {{placed<float>(place, m.fn), static_cast<std::uint32_t>(m.fn.rows()),
             static_cast<std::uint32_t>(m.fn.cols())},
            placed<float>(place, m.base),
            placed<float>(place, m.scale),
            placed<Bf16>(place, norm)};
}

Compressor compressor(const DevicePlacement& place, const CompressorWeights& c) {
    return {c.ratio,
            c.width,
            bf16(place, c.wkv),
            bf16(place, c.wgate),
            placed<float>(place, c.ape),
            placed<Bf16>(place, c.norm)};
}

AttentionParameters attention(const DevicePlacement& place, const AttentionWeights& a) {
    AttentionParameters p;
    p.wqA = fp8(place, a.wqA);
    p.wqB = fp8(place, a.wqB);
    p.wkv = fp8(place, a.wkv);
    p.woA = fp8(place, a.woA);
    p.woB = fp8(place, a.woB);
    p.qNorm = placed<Bf16>(place, a.qNorm);
    p.kvNorm = placed<Bf16>(place, a.kvNorm);
    p.sink = placed<float>(place, a.sink);
    if (a.compressor) {
        p.main = compressor(place, *a.compressor);
    }
    if (a.indexer) {
        p.index = compressor(place, a.indexer->compressor);
        p.indexWqB = fp8(place, a.indexer->wqB);
        p.indexProj = bf16(place, a.indexer->weightsProj);
    }
    return p;
}

} // namespace

Parameters placeParameters(Operations& ops, const ModelConfig& config,
                           const ModelWeights& weights) {
    const DevicePlacement place{ops};
    Parameters parameters;
    parameters.layers.resize(config.layers);
    for (std::uint32_t i = 0; i < config.layers; ++i) {
        const LayerWeights& layer = weights.layers[i];
        LayerParameters& p = parameters.layers[i];
        p.attentionSite = site(place, layer.hcAttn, layer.attnNorm);
        p.ffnSite = site(place, layer.hcFfn, layer.ffnNorm);
        p.attention = attention(place, layer.attn);
        p.router.gate = bf16(place, layer.ffn.gate);
        if (layer.ffn.bias) {
            p.router.bias = placed<float>(place, *layer.ffn.bias);
        }
        if (layer.ffn.tid2eid) {
            p.router.tokenExperts = placed<std::int64_t>(place, *layer.ffn.tid2eid);
        }
        p.shared = expert(place, layer.ffn.shared);
        std::vector<ExpertParameters> routed;
        routed.reserve(layer.ffn.experts.size());
        for (const ExpertWeights& e : layer.ffn.experts) {
            routed.push_back(expert(HostPlacement{}, e));
        }
        ops.setExperts(i, routed);
    }
    parameters.head.site = site(place, weights.hcHead, weights.norm);
    parameters.head.head = bf16(place, weights.head);
    parameters.head.embedding = bf16(place, weights.embed);
    return parameters;
}

} // namespace dossier::engine
