// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/support/configs.h"

#include <nlohmann/json.hpp>

#include "engine/base/json_text.h"
#include "tests/engine/support/golden.h"

namespace dossier::test {
namespace {

using nlohmann::json;

json ratios(int first, int pairs, int zeros) {
    json list{first, first};
    for (int i = 0; i < pairs; ++i) {
        list.push_back(4);
        list.push_back(128);
    }
    list.push_back(4);
    for (int i = 0; i < zeros; ++i) {
        list.push_back(0);
    }
    return list;
}

json flash() {
    json config = parseJson(R"({
        "architectures": ["DeepseekV4ForCausalLM"], "model_type": "deepseek_v4",
        "vocab_size": 129280, "hidden_size": 4096, "num_hidden_layers": 43, "num_hash_layers": 3,
        "num_nextn_predict_layers": 1, "num_attention_heads": 64, "num_key_value_heads": 1,
        "head_dim": 512, "qk_rope_head_dim": 64, "q_lora_rank": 1024, "o_lora_rank": 1024,
        "o_groups": 8, "sliding_window": 128, "index_n_heads": 64, "index_head_dim": 128,
        "index_topk": 512, "moe_intermediate_size": 2048, "n_routed_experts": 256,
        "n_shared_experts": 1, "num_experts_per_tok": 6, "scoring_func": "sqrtsoftplus",
        "topk_method": "noaux_tc", "norm_topk_prob": true, "routed_scaling_factor": 1.5,
        "swiglu_limit": 10.0, "hidden_act": "silu", "hc_mult": 4, "hc_sinkhorn_iters": 20,
        "hc_eps": 1e-6, "rms_norm_eps": 1e-6, "rope_theta": 10000, "compress_rope_theta": 160000,
        "rope_scaling": {"type": "yarn", "factor": 16, "beta_fast": 32, "beta_slow": 1,
                         "original_max_position_embeddings": 65536},
        "max_position_embeddings": 1048576, "attention_bias": false, "attention_dropout": 0.0,
        "initializer_range": 0.02, "tie_word_embeddings": false, "bos_token_id": 0,
        "eos_token_id": 1, "torch_dtype": "bfloat16", "transformers_version": "4.57.1",
        "use_cache": true, "expert_dtype": "fp4",
        "quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "scale_fmt": "ue8m0",
                                "activation_scheme": "dynamic", "weight_block_size": [128, 128]}
    })");
    config["compress_ratios"] = ratios(0, 20, 1);
    return config;
}

json pro() {
    json config = flash();
    config.update(parseJson(R"({
        "hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128,
        "q_lora_rank": 1536, "o_groups": 16, "moe_intermediate_size": 3072,
        "n_routed_experts": 384, "routed_scaling_factor": 2.5, "index_topk": 1024
    })"));
    config["compress_ratios"] = ratios(128, 29, 1);
    return config;
}

} // namespace

std::string publishedConfigText(std::string_view name) {
    json config = name.substr(0, 3) == "pro" ? pro() : flash();
    if (name == "flash-0731") {
        config["compress_ratios"] = ratios(0, 20, 3);
        config["dspark_block_size"] = 5;
        config["dspark_noise_token_id"] = 128799;
        config["dspark_target_layer_ids"] = {40, 41, 42};
        config["dspark_markov_rank"] = 256;
    }
    if (name == "flash-base" || name == "pro-base") {
        config["expert_dtype"] = "fp8";
    }
    return jsonText(config);
}

engine::ModelConfig publishedConfig(std::string_view name) {
    return engine::parseModelConfig(publishedConfigText(name), name);
}

engine::ModelConfig tinyConfig(std::string_view name) {
    return engine::parseModelConfig(readText(*goldenPath(std::string(name) + "/config.json")),
                                    name);
}

} // namespace dossier::test
