// SPDX-License-Identifier: Apache-2.0
#include "engine/host/bench/bench_model.h"

#include <map>

#include <cuda_runtime.h>

#include "engine/base/aligned_buffer.h"
#include "engine/kernels/cuda/cuda_error.h"
#include "engine/model/kv_layout.h"

namespace dossier::engine::bench {

ModelConfig v4FlashConfig() {
    // config.json of deepseek-ai/DeepSeek-V4-Flash, the fields that a configuration has.
    static constexpr const char* kJson = R"({
"architectures":["DeepseekV4ForCausalLM"],"model_type":"deepseek_v4","attention_bias":false,
"attention_dropout":0.0,"bos_token_id":0,"eos_token_id":1,"vocab_size":129280,"hidden_size":4096,
"num_hidden_layers":43,"num_hash_layers":3,"num_nextn_predict_layers":1,"num_attention_heads":64,
"num_key_value_heads":1,"head_dim":512,"qk_rope_head_dim":64,"q_lora_rank":1024,"o_lora_rank":1024,
"o_groups":8,"sliding_window":128,"index_n_heads":64,"index_head_dim":128,"index_topk":512,
"compress_ratios":[0,0,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,
128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,0],
"moe_intermediate_size":2048,"n_routed_experts":256,"n_shared_experts":1,"num_experts_per_tok":6,
"scoring_func":"sqrtsoftplus","topk_method":"noaux_tc","norm_topk_prob":true,
"routed_scaling_factor":1.5,"swiglu_limit":10.0,"hidden_act":"silu","hc_mult":4,
"hc_sinkhorn_iters":20,"hc_eps":1e-6,"rms_norm_eps":1e-6,"rope_theta":10000,
"compress_rope_theta":160000,"rope_scaling":{"type":"yarn","factor":16,"beta_fast":32,"beta_slow":1,
"original_max_position_embeddings":65536},"max_position_embeddings":1048576,
"initializer_range":0.02,"tie_word_embeddings":false,"torch_dtype":"bfloat16",
"transformers_version":"4.57.1","use_cache":true,"quantization_config":{"quant_method":"fp8",
"fmt":"e4m3","scale_fmt":"ue8m0","activation_scheme":"dynamic","weight_block_size":[128,128]},
"expert_dtype":"fp4"})";
    return parseModelConfig(kJson, "the built-in configuration");
}

SyntheticExperts::SyntheticExperts(std::shared_ptr<const SyntheticModel> model)
    : m_model(std::move(model)), m_layout(expertLayout(m_model->config())) {
    const ModelConfig& c = m_model->config();
    m_tensors.resize(std::size_t{c.layers} * c.routedExperts * 6);
    const std::vector<TensorSpec>& tensors = m_model->tensors();
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const TensorSpec& spec = tensors[i];
        if (spec.part != TensorPart::RoutedExpert) {
            continue;
        }
        const std::string end = spec.name.substr(spec.name.find(".w") + 2); // "1.weight"
        const std::size_t matrix = end[0] == '1' ? 0 : end[0] == '3' ? 1 : 2;
        const std::size_t scale = end.substr(2) == "scale" ? 1 : 0;
        m_tensors[(static_cast<std::size_t>(spec.layer) * c.routedExperts +
                   static_cast<std::size_t>(spec.expert)) *
                      6 +
                  2 * matrix + scale] = i;
    }
}

void SyntheticExperts::read(std::uint32_t layer, std::uint32_t expert, std::byte* block) const {
    const std::size_t first = (std::size_t{layer} * m_model->config().routedExperts + expert) * 6;
    for (std::size_t m = 0; m < 3; ++m) {
        m_model->fill(m_tensors[first + 2 * m], 0,
                      {block + m_layout.values[m], m_layout.valueBytes});
        m_model->fill(m_tensors[first + 2 * m + 1], 0,
                      {block + m_layout.scales[m], m_layout.scaleBytes[m]});
    }
}

BenchModel::BenchModel(const ModelConfig& wanted, const CudaOptions& options,
                       std::uint32_t batchRows)
    : config(wanted) {
    ops = makeCudaOperations(config, probeCuda(), options, ledger);
    control = cudaControl(*ops);
    const auto model = std::make_shared<SyntheticModel>(config, 1);
    // Everything but the experts, filled by all cores, then copied.
    ThreadPool pool;
    std::map<std::string, AlignedBuffer> buffers;
    std::vector<SyntheticModel::Target> targets;
    for (std::size_t i = 0; i < model->tensors().size(); ++i) {
        const TensorSpec& spec = model->tensors()[i];
        if (spec.part != TensorPart::RoutedExpert) {
            AlignedBuffer buffer(ledger, "dense weights", spec.bytes());
            targets.push_back({i, buffer.data()});
            buffers.emplace(spec.name, std::move(buffer));
        }
    }
    model->fillAll(pool, targets);
    std::map<std::string, const TensorSpec*> specs;
    for (const TensorSpec& spec : model->tensors()) {
        specs.emplace(spec.name, &spec);
    }
    const ModelWeights weights =
        assembleWeights(config, *config.expertFormat, [&](const std::string& name) {
            const TensorSpec& spec = *specs.at(name);
            const auto buffer = buffers.find(name);
            TensorView view;
            view.name = spec.name;
            view.dtype = spec.dtype;
            view.shape = spec.shape;
            view.data = buffer == buffers.end() ? nullptr : buffer->second.data();
            view.bytes = spec.bytes();
            return view;
        });
    Parameters parameters = placeParameters(*ops, config, weights);
    experts = std::make_shared<SwitchedExperts>(std::make_shared<SyntheticExperts>(model));
    control->setExpertSource(experts);
    forward = std::make_unique<Forward>(*ops, config, std::move(parameters), batchRows);
    denseVram = ledger.total(MemoryPlace::Vram);
}

void BenchModel::loadExperts(const ExpertBudget& budget) {
    ops->loadExperts(budget);
}

std::unique_ptr<Sequence> BenchModel::seededLane(std::uint64_t position, std::uint64_t more) {
    auto lane = std::make_unique<Sequence>(*ops, config, position + more);
    lane->prepare(position);
    lane->advance(position);
    const KvRowLayout layout = kvRowLayout(config);
    const std::uint64_t ring = config.slidingWindow;
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        const LayerState& state = lane->layers()[layer];
        const std::uint64_t ratio = config.compressRatios[layer];
        fillRows(state.window, ring, layout.nope, layout.rope, layout.bytes, layer);
        if (ratio == 0) {
            continue;
        }
        fillRows(state.entries.own, position / ratio, layout.nope, layout.rope, layout.bytes,
                 1000 + layer);
        const std::uint64_t overlap = ratio == 4 ? 2 : 1;
        const std::uint64_t values = overlap * ratio * overlap * config.headDim;
        fillFloats(state.mainA, values, 2000 + layer);
        fillFloats(state.mainS, values, 3000 + layer);
        if (ratio == 4) {
            fillKeys(state.keys.own, position / ratio, config.indexHeadDim, 4000 + layer);
            const std::uint64_t indexValues = overlap * ratio * overlap * config.indexHeadDim;
            fillFloats(state.indexA, indexValues, 5000 + layer);
            fillFloats(state.indexS, indexValues, 6000 + layer);
        }
    }
    cuda::check(cudaDeviceSynchronize(), "fill a lane");
    return lane;
}

} // namespace dossier::engine::bench
