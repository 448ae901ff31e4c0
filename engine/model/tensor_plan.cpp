// SPDX-License-Identifier: Apache-2.0
#include "engine/model/tensor_plan.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace dossier::engine {
namespace {

constexpr std::uint64_t ceilDiv(std::uint64_t a, std::uint64_t b) {
    return (a + b - 1) / b;
}

class Planner {
  public:
    Planner(const ModelConfig& config, ExpertFormat experts, std::uint32_t listedExperts)
        : m_config(config),
          m_experts(experts),
          m_listedExperts(std::min(listedExperts, config.routedExperts)) {}

    std::vector<TensorSpec> take() { return std::move(m_list); }

    void embedding() {
        m_part = TensorPart::Embedding;
        m_prefix.clear();
        add("embed.weight", DType::BF16, {m_config.vocabSize, m_config.hiddenSize});
    }

    void head() {
        const ModelConfig& c = m_config;
        m_prefix.clear();
        m_layer = -1;
        m_part = TensorPart::Head;
        add("head.weight", DType::BF16, {c.vocabSize, c.hiddenSize});
        add("norm.weight", DType::BF16, {c.hiddenSize});
        m_part = TensorPart::Mixer;
        mixer("hc_head_", c.hcMult, 1);
    }

    void layer(std::uint32_t index) {
        const ModelConfig& c = m_config;
        m_layer = static_cast<std::int32_t>(index);
        m_prefix = "layers." + std::to_string(index) + ".";
        m_part = TensorPart::Mixer;
        add("attn_norm.weight", DType::BF16, {c.hiddenSize});
        add("ffn_norm.weight", DType::BF16, {c.hiddenSize});
        mixer("hc_attn_", c.mixRows(), 3);
        mixer("hc_ffn_", c.mixRows(), 3);
        attention(index);
        moe(index);
    }

  private:
    void add(std::string_view name, DType dtype, Shape shape) {
        m_list.push_back({m_prefix + std::string(name), dtype, shape, m_part, m_layer, m_expert});
    }

    /// FP8 weight with one scale per 128x128 block.
    void fp8(const std::string& name, std::uint64_t out, std::uint64_t in) {
        add(name + ".weight", DType::F8E4M3, {out, in});
        add(name + ".scale", DType::F8E8M0, {ceilDiv(out, 128), ceilDiv(in, 128)});
    }

    /// FP4 weight, two values a byte, with one scale per 32 inputs of a row.
    void fp4(const std::string& name, std::uint64_t out, std::uint64_t in) {
        add(name + ".weight", DType::I8, {out, in / 2});
        add(name + ".scale", DType::F8E8M0, {out, in / 32});
    }

    void mixer(const std::string& which, std::uint64_t rows, std::uint64_t scales) {
        add(which + "fn", DType::F32, {rows, m_config.streamWidth()});
        add(which + "base", DType::F32, {rows});
        add(which + "scale", DType::F32, {scales});
    }

    void compressor(const std::string& prefix, std::uint64_t ratio, std::uint64_t width) {
        const std::uint64_t columns = (ratio == 4 ? 2 : 1) * width;
        add(prefix + "ape", DType::F32, {ratio, columns});
        add(prefix + "wkv.weight", DType::BF16, {columns, m_config.hiddenSize});
        add(prefix + "wgate.weight", DType::BF16, {columns, m_config.hiddenSize});
        add(prefix + "norm.weight", DType::BF16, {width});
    }

    void attention(std::uint32_t index) {
        const ModelConfig& c = m_config;
        m_part = TensorPart::Attention;
        fp8("attn.wq_a", c.qLoraRank, c.hiddenSize);
        add("attn.q_norm.weight", DType::BF16, {c.qLoraRank});
        fp8("attn.wq_b", c.qWidth(), c.qLoraRank);
        fp8("attn.wkv", c.headDim, c.hiddenSize);
        add("attn.kv_norm.weight", DType::BF16, {c.headDim});
        add("attn.attn_sink", DType::F32, {c.heads});
        fp8("attn.wo_a", c.oRank(), c.oGroupInput());
        fp8("attn.wo_b", c.hiddenSize, c.oRank());
        const LayerKind kind = c.kind(index);
        if (kind != LayerKind::Window) {
            m_part = TensorPart::Compressor;
            compressor("attn.compressor.", c.compressRatios[index], c.headDim);
        }
        if (kind == LayerKind::Sparse) {
            m_part = TensorPart::Indexer;
            fp8("attn.indexer.wq_b", std::uint64_t{c.indexHeads} * c.indexHeadDim, c.qLoraRank);
            add("attn.indexer.weights_proj.weight", DType::BF16, {c.indexHeads, c.hiddenSize});
            compressor("attn.indexer.compressor.", 4, c.indexHeadDim);
        }
    }

    void expert(const std::string& prefix, ExpertFormat format) {
        const std::uint64_t d = m_config.hiddenSize;
        const std::uint64_t inter = m_config.moeIntermediate;
        const auto put = [&](const std::string& name, std::uint64_t out, std::uint64_t in) {
            format == ExpertFormat::Fp4 ? fp4(name, out, in) : fp8(name, out, in);
        };
        put(prefix + "w1", inter, d);
        put(prefix + "w2", d, inter);
        put(prefix + "w3", inter, d);
    }

    void moe(std::uint32_t index) {
        const ModelConfig& c = m_config;
        m_part = TensorPart::Router;
        add("ffn.gate.weight", DType::BF16, {c.routedExperts, c.hiddenSize});
        if (c.hashRouted(index)) {
            add("ffn.gate.tid2eid", DType::I64, {c.vocabSize, c.expertsPerToken});
        } else {
            add("ffn.gate.bias", DType::F32, {c.routedExperts});
        }
        m_part = TensorPart::RoutedExpert;
        for (std::uint32_t e = 0; e < m_listedExperts; ++e) {
            m_expert = static_cast<std::int32_t>(e);
            expert("ffn.experts." + std::to_string(e) + ".", m_experts);
        }
        m_expert = -1;
        m_part = TensorPart::SharedExpert;
        expert("ffn.shared_experts.", ExpertFormat::Fp8);
    }

    const ModelConfig& m_config;
    ExpertFormat m_experts;
    std::uint32_t m_listedExperts;
    std::vector<TensorSpec> m_list;
    std::string m_prefix;
    TensorPart m_part = TensorPart::Embedding;
    std::int32_t m_layer = -1, m_expert = -1;
};

} // namespace

std::uint64_t TensorSpec::parameters() const {
    switch (dtype) {
    case DType::F8E8M0:
    case DType::I64:
        return 0;
    case DType::I8:
        return 2 * *shape.elements();
    default:
        return *shape.elements();
    }
}

std::vector<TensorSpec> trunkTensors(const ModelConfig& config, ExpertFormat experts) {
    Planner planner(config, experts, UINT32_MAX);
    planner.embedding();
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        planner.layer(layer);
    }
    planner.head();
    return planner.take();
}

std::vector<TensorSpec> outerTensors(const ModelConfig& config) {
    Planner planner(config, ExpertFormat::Fp4, 0);
    planner.embedding();
    planner.head();
    return planner.take();
}

std::vector<TensorSpec> layerTensors(const ModelConfig& config, ExpertFormat experts,
                                     std::uint32_t layer, std::uint32_t listedExperts) {
    Planner planner(config, experts, listedExperts);
    planner.layer(layer);
    return planner.take();
}

} // namespace dossier::engine
