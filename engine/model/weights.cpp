// SPDX-License-Identifier: Apache-2.0
#include "engine/model/weights.h"

namespace dossier::engine {
namespace {

using Get = std::function<TensorView(const std::string&)>;

class WeightsAssembler {
  public:
    WeightsAssembler(const ModelConfig& config, ExpertFormat experts, const Get& get)
        : m_config(config), m_experts(experts), m_get(get) {}

    LayerWeights layer(std::uint32_t index) {
        const std::string p = "layers." + std::to_string(index) + ".";
        LayerWeights layer;
        layer.kind = m_config.kind(index);
        layer.hcAttn = mixer(p + "hc_attn_");
        layer.hcFfn = mixer(p + "hc_ffn_");
        layer.attnNorm = m_get(p + "attn_norm.weight");
        layer.ffnNorm = m_get(p + "ffn_norm.weight");
        layer.attn = attention(p + "attn.", index);
        layer.ffn = moe(p + "ffn.", index);
        return layer;
    }

    MixerWeights mixer(const std::string& p) {
        return {m_get(p + "fn"), m_get(p + "base"), m_get(p + "scale")};
    }

  private:
    ScaledMatrix matrix(const std::string& p, bool fp4 = false) {
        ScaledMatrix m{m_get(p + ".weight"), m_get(p + ".scale"), 0, 0, fp4};
        m.out = static_cast<std::uint32_t>(m.weight.rows());
        m.in = static_cast<std::uint32_t>(m.weight.cols()) * (fp4 ? 2U : 1U);
        return m;
    }

    CompressorWeights compressor(const std::string& p, std::uint32_t ratio, std::uint32_t width) {
        return {m_get(p + "ape"),
                m_get(p + "wkv.weight"),
                m_get(p + "wgate.weight"),
                m_get(p + "norm.weight"),
                ratio,
                width};
    }

    AttentionWeights attention(const std::string& p, std::uint32_t index) {
        AttentionWeights a;
        a.wqA = matrix(p + "wq_a");
        a.qNorm = m_get(p + "q_norm.weight");
        a.wqB = matrix(p + "wq_b");
        a.wkv = matrix(p + "wkv");
        a.kvNorm = m_get(p + "kv_norm.weight");
        a.sink = m_get(p + "attn_sink");
        a.woA = matrix(p + "wo_a");
        a.woB = matrix(p + "wo_b");
        const LayerKind kind = m_config.kind(index);
        if (kind != LayerKind::Window) {
            a.compressor =
                compressor(p + "compressor.", m_config.compressRatios[index], m_config.headDim);
        }
        if (kind == LayerKind::Sparse) {
            a.indexer =
                IndexerWeights{matrix(p + "indexer.wq_b"), m_get(p + "indexer.weights_proj.weight"),
                               compressor(p + "indexer.compressor.", 4, m_config.indexHeadDim)};
        }
        return a;
    }

    ExpertWeights expert(const std::string& p, bool fp4) {
        return {matrix(p + "w1", fp4), matrix(p + "w2", fp4), matrix(p + "w3", fp4)};
    }

    MoeWeights moe(const std::string& p, std::uint32_t index) {
        MoeWeights m;
        m.gate = m_get(p + "gate.weight");
        if (m_config.hashRouted(index)) {
            m.tid2eid = m_get(p + "gate.tid2eid");
        } else {
            m.bias = m_get(p + "gate.bias");
        }
        m.experts.reserve(m_config.routedExperts);
        for (std::uint32_t e = 0; e < m_config.routedExperts; ++e) {
            m.experts.push_back(
                expert(p + "experts." + std::to_string(e) + ".", m_experts == ExpertFormat::Fp4));
        }
        m.shared = expert(p + "shared_experts.", false);
        return m;
    }

    const ModelConfig& m_config;
    ExpertFormat m_experts;
    const Get& m_get;
};

} // namespace

ModelWeights assembleWeights(const ModelConfig& config, ExpertFormat experts, const Get& get) {
    WeightsAssembler assembler(config, experts, get);
    ModelWeights weights;
    weights.embed = get("embed.weight");
    weights.layers.reserve(config.layers);
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        weights.layers.push_back(assembler.layer(layer));
    }
    weights.hcHead = assembler.mixer("hc_head_");
    weights.norm = get("norm.weight");
    weights.head = get("head.weight");
    return weights;
}

} // namespace dossier::engine
