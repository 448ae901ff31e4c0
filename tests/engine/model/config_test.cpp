// SPDX-License-Identifier: Apache-2.0
#include "engine/base/json_text.h"
#include "engine/model/config.h"
#include "engine/model/release.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "tests/engine/support/configs.h"
#include "tests/engine/support/golden.h"

namespace dossier::engine {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json flash() {
    return parseJson(test::publishedConfigText("flash"));
}

Error errorOf(const std::string& text) {
    try {
        parseModelConfig(text, "config.json");
    } catch (const Error& error) {
        EXPECT_FALSE(error.remedy().empty()) << error.what();
        EXPECT_THAT(error.failed(), HasSubstr("config.json"));
        return error;
    }
    ADD_FAILURE() << "no error for " << text.substr(0, 200);
    return {ErrorCode::Internal, ""};
}

Error errorWith(const std::string& key, const json& value) {
    json config = flash();
    config[key] = value;
    return errorOf(jsonText(config));
}

Error errorWithout(const std::string& key) {
    json config = flash();
    config.erase(key);
    return errorOf(jsonText(config));
}

} // namespace

TEST(ModelConfig, ReadsEveryFieldOfFlash) {
    const ModelConfig c = test::flashConfig();
    EXPECT_EQ(c.vocabSize, 129280U);
    EXPECT_EQ(c.hiddenSize, 4096U);
    EXPECT_EQ(c.layers, 43U);
    EXPECT_EQ(c.hashLayers, 3U);
    EXPECT_EQ(c.nextnLayers, 1U);
    EXPECT_EQ(c.heads, 64U);
    EXPECT_EQ(c.headDim, 512U);
    EXPECT_EQ(c.ropeDim, 64U);
    EXPECT_EQ(c.nopeDim(), 448U);
    EXPECT_EQ(c.qLoraRank, 1024U);
    EXPECT_EQ(c.oLoraRank, 1024U);
    EXPECT_EQ(c.oGroups, 8U);
    EXPECT_EQ(c.qWidth(), 32768U);
    EXPECT_EQ(c.oGroupInput(), 4096U);
    EXPECT_EQ(c.oRank(), 8192U);
    EXPECT_EQ(c.slidingWindow, 128U);
    EXPECT_EQ(c.indexHeads, 64U);
    EXPECT_EQ(c.indexHeadDim, 128U);
    EXPECT_EQ(c.indexTopk, 512U);
    EXPECT_EQ(c.moeIntermediate, 2048U);
    EXPECT_EQ(c.routedExperts, 256U);
    EXPECT_EQ(c.expertsPerToken, 6U);
    EXPECT_EQ(c.routedScale, 1.5);
    EXPECT_EQ(c.swigluLimit, 10);
    EXPECT_EQ(c.hcMult, 4U);
    EXPECT_EQ(c.streamWidth(), 16384U);
    EXPECT_EQ(c.mixRows(), 24U);
    EXPECT_EQ(c.hcSinkhornIters, 20U);
    EXPECT_EQ(c.hcEps, 1e-6);
    EXPECT_EQ(c.rmsNormEps, 1e-6);
    EXPECT_EQ(c.ropeTheta, 10000);
    EXPECT_EQ(c.compressRopeTheta, 160000);
    EXPECT_EQ(c.ropeScaling.factor, 16);
    EXPECT_EQ(c.ropeScaling.betaFast, 32);
    EXPECT_EQ(c.ropeScaling.betaSlow, 1);
    EXPECT_EQ(c.ropeScaling.originalMaxPositions, 65536U);
    EXPECT_EQ(c.maxPositions, 1'048'576U);
    EXPECT_EQ(c.bosToken, 0);
    EXPECT_EQ(c.eosToken, 1);
    EXPECT_EQ(c.expertFormat, ExpertFormat::Fp4);
    EXPECT_EQ(c.compressRatios.size(), 43U);
    EXPECT_EQ(c.draftRatios, std::vector<std::uint32_t>{0});
    EXPECT_EQ(c.layersOf(LayerKind::Window), 2U);
    EXPECT_EQ(c.layersOf(LayerKind::Sparse), 21U);
    EXPECT_EQ(c.layersOf(LayerKind::Dense), 20U);
    EXPECT_EQ(c.kind(2), LayerKind::Sparse);
    EXPECT_EQ(c.kind(3), LayerKind::Dense);
    EXPECT_TRUE(c.hashRouted(2));
    EXPECT_FALSE(c.hashRouted(3));
}

TEST(ModelConfig, AnyDimensionsOfTheV4ShapeLoad) {
    EXPECT_EQ(test::proConfig().layersOf(LayerKind::Dense), 31U);
    EXPECT_EQ(test::publishedConfig("flash-base").expertFormat, ExpertFormat::Fp8);
    EXPECT_EQ(test::publishedConfig("flash-0731").draftRatios.size(), 3U);
    EXPECT_EQ(test::tinyConfig("tiny-pro").indexHeads, 3U);
    for (const int experts : {144, 160}) { // pruned
        json config = flash();
        config["n_routed_experts"] = experts;
        EXPECT_EQ(parseModelConfig(jsonText(config), "").routedExperts,
                  static_cast<std::uint32_t>(experts));
    }
    json first = flash(); // the first upload had no expert_dtype
    first.erase("expert_dtype");
    EXPECT_EQ(parseModelConfig(jsonText(first), "").expertFormat, std::nullopt);
    json eps = flash();
    eps["rms_norm_eps"] = 1e-20;
    EXPECT_EQ(parseModelConfig(jsonText(eps), "").rmsNormEps, 1e-20);
    json unknown = flash(); // keys we do not know are the publisher's business
    unknown["some_future_hint"] = {{"a", 1}};
    EXPECT_NO_THROW(parseModelConfig(jsonText(unknown), ""));
}

TEST(ModelConfig, OtherArchitecturesAreRefusedByName) {
    const auto refused = [](const json& config, const char* name) {
        const Error error = errorOf(jsonText(config));
        EXPECT_EQ(error.code(), ErrorCode::Unsupported);
        EXPECT_THAT(error.failed(), HasSubstr(name));
        EXPECT_THAT(error.remedy(), HasSubstr("V4-Flash"));
    };
    refused({{"model_type", "deepseek_v41"}, {"text_config", json::object()}}, "V4.1");
    refused({{"model_type", "deepseek_v3"}}, "DeepSeek-V3,");
    refused({{"model_type", "deepseek_v32"}}, "DeepSeek-V3.2");
    refused({{"model_type", "llama"}}, "\"llama\"");
    json vision = flash();
    vision["vision_n_layers"] = 32;
    refused(vision, "vision");
    vision["vision_n_layers"] = 0;
    EXPECT_NO_THROW(parseModelConfig(jsonText(vision), ""));
    json other = flash();
    other["architectures"] = {"SomethingElse"};
    refused(other, "DeepseekV4ForCausalLM");
    EXPECT_EQ(errorWithout("model_type").code(), ErrorCode::Corrupt);
}

TEST(ModelConfig, VariantsThatWouldComputeSomethingElseAreRefused) {
    for (const auto& [key, value] : std::vector<std::pair<std::string, json>>{
             {"num_key_value_heads", 8},
             {"n_shared_experts", 2},
             {"hidden_act", "gelu"},
             {"scoring_func", "sigmoid"},
             {"topk_method", "greedy"},
             {"norm_topk_prob", false},
             {"attention_bias", true},
             {"tie_word_embeddings", true},
             {"expert_dtype", "int4"},
             {"quantization_config", nullptr},
             {"quantization_config", {{"quant_method", "awq"}}},
             {"quantization_config", {{"quant_method", "fp8"}, {"weight_block_size", {32, 32}}}},
             {"rope_scaling", {{"type", "linear"}, {"factor", 2}}},
             {"hidden_size", 4160},
             {"q_lora_rank", 1000},
             {"moe_intermediate_size", 2000},
             {"o_groups", 7},
             {"head_dim", 500},
             {"index_head_dim", 96},
             {"index_head_dim", 32},
             {"num_experts_per_tok", 257},
             {"num_hash_layers", 44},
             {"eos_token_id", 129280},
         }) {
        const Error error = errorWith(key, value);
        EXPECT_EQ(error.code(), ErrorCode::Unsupported) << key << " " << value;
    }
    json ratios = flash();
    ratios["compress_ratios"][5] = 2;
    EXPECT_THAT(errorOf(jsonText(ratios)).failed(), HasSubstr("ratio 2"));
    ratios = flash();
    ratios["compress_ratios"][43] = 7; // belongs to the draft module, which is not used
    EXPECT_NO_THROW(parseModelConfig(jsonText(ratios), ""));
}

TEST(ModelConfig, WrongTypesAndRangesNameTheKey) {
    for (const char* key : {"vocab_size",
                            "hidden_size",
                            "num_hidden_layers",
                            "num_hash_layers",
                            "head_dim",
                            "num_attention_heads",
                            "qk_rope_head_dim",
                            "q_lora_rank",
                            "o_lora_rank",
                            "o_groups",
                            "sliding_window",
                            "index_n_heads",
                            "index_head_dim",
                            "index_topk",
                            "moe_intermediate_size",
                            "n_routed_experts",
                            "num_experts_per_tok",
                            "hc_mult",
                            "hc_sinkhorn_iters",
                            "max_position_embeddings",
                            "bos_token_id",
                            "eos_token_id"}) {
        for (const json& value :
             {json(-1), json(1.5), json("7"), json(true), json(json::array({1})), json(1e300),
              json(18446744073709551615ULL)}) {
            const Error error = errorWith(key, value);
            EXPECT_EQ(error.code(), ErrorCode::Corrupt) << key << " " << value;
            EXPECT_THAT(error.failed(), HasSubstr(key));
        }
        EXPECT_EQ(errorWithout(key).code(), ErrorCode::Corrupt) << key;
    }
    for (const char* key : {"routed_scaling_factor", "swiglu_limit", "hc_eps", "rms_norm_eps",
                            "rope_theta", "compress_rope_theta"}) {
        for (const json& value : {json(-1), json("x"), json(json::object()), json(1e300)}) {
            EXPECT_EQ(errorWith(key, value).code(), ErrorCode::Corrupt) << key << " " << value;
        }
        EXPECT_EQ(errorWithout(key).code(), ErrorCode::Corrupt) << key;
    }
    EXPECT_EQ(errorWith("compress_ratios", json::array({0, 4})).code(), ErrorCode::Corrupt);
    EXPECT_EQ(errorWith("compress_ratios", "0,4").code(), ErrorCode::Corrupt);
    EXPECT_EQ(errorWithout("rope_scaling").code(), ErrorCode::Corrupt);
    EXPECT_EQ(errorWith("rope_scaling", {{"factor", 16}}).code(), ErrorCode::Corrupt);
}

TEST(ModelConfig, DamagedJsonIsAnError) {
    for (const std::string& text :
         {std::string(), std::string("null"), std::string("[]"), std::string("{"),
          std::string("{\"model_type\": \"deepseek_v4\xff\"}"), std::string("{\"a\": 1, \"a\": 2}"),
          std::string(100'000, '['), test::publishedConfigText("flash").substr(0, 500)}) {
        EXPECT_EQ(errorOf(text).code(), ErrorCode::Corrupt) << text.substr(0, 60);
    }
    EXPECT_THAT(errorOf("{\"a\": {\"b\": 1, \"b\": 2}}").failed(), HasSubstr("twice"));
    EXPECT_EQ(errorOf(std::string(2U << 20, ' ')).code(), ErrorCode::TooLarge);
}

TEST(ModelConfig, ReadsTheFileOfADirectory) {
    const auto folder = test::temporaryFolder("config");
    try {
        readModelConfig(folder);
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::NotFound);
        EXPECT_THAT(error.remedy(), HasSubstr("config.json"));
    }
    std::ofstream(folder / "config.json") << test::publishedConfigText("pro");
    EXPECT_EQ(readModelConfig(folder).layers, 61U);
    std::filesystem::rename(folder / "config.json", folder / "pro.json");
    EXPECT_EQ(readModelConfigFile(folder / "pro.json").layers, 61U);
    EXPECT_THROW(readModelConfigFile(folder / "gone.json"), Error);
}

TEST(ModelConfig, CanonicalTextFollowsWhatChangesResults) {
    const std::string base = canonicalText(test::flashConfig());
    json config = flash();
    config["transformers_version"] = "5.0";
    config["num_nextn_predict_layers"] = 3;
    EXPECT_EQ(canonicalText(parseModelConfig(jsonText(config), "")), base);
    for (const char* key : {"rms_norm_eps", "rope_theta", "index_topk", "sliding_window"}) {
        config = flash();
        config[key] = config[key].get<double>() < 1 ? json(2e-6) : json(256);
        EXPECT_NE(canonicalText(parseModelConfig(jsonText(config), "")), base) << key;
    }
}

TEST(Release, IsDecidedByVocabularyDraftAndEncoding) {
    const auto folder = test::temporaryFolder("release");
    EXPECT_EQ(detectRelease(test::flashConfig(), folder, false), Release::April);
    EXPECT_EQ(detectRelease(test::proConfig(), folder, false), Release::April);
    EXPECT_EQ(detectRelease(test::publishedConfig("flash-0731"), folder, false), Release::V0731);
    EXPECT_EQ(detectRelease(test::tinyConfig("tiny"), folder, true), Release::Embedded);
    // The June checkpoint: April's trunk with a DSpark draft and April's list of ratios.
    json june = parseJson(test::publishedConfigText("flash-0731"));
    june["compress_ratios"] = flash()["compress_ratios"];
    EXPECT_EQ(detectRelease(parseModelConfig(jsonText(june), ""), folder, true), Release::April);
    // A DSpark draft is known by its tensors too, when the configuration is silent.
    json silent = parseJson(test::publishedConfigText("flash-0731"));
    silent.erase("dspark_block_size");
    EXPECT_EQ(detectRelease(parseModelConfig(jsonText(silent), ""), folder, true), Release::V0731);
    EXPECT_EQ(detectRelease(parseModelConfig(jsonText(silent), ""), folder, false), Release::April);
    // An unknown encoding file decides nothing.
    std::filesystem::create_directories(folder / "encoding");
    std::ofstream(folder / "encoding" / "encoding_dsv4.py") << "print('changed')\n";
    EXPECT_EQ(detectRelease(test::flashConfig(), folder, false), Release::April);
}

TEST(Release, LevelsAndNames) {
    using List = std::vector<std::string>;
    EXPECT_EQ(releaseLevels(Release::April), (List{"none", "high", "max"}));
    EXPECT_EQ(releaseLevels(Release::V0731), (List{"none", "low", "high", "max"}));
    const std::filesystem::path folder = "/models/my model/";
    EXPECT_EQ(modelName(test::flashConfig(), Release::April, folder), "DeepSeek-V4-Flash");
    EXPECT_EQ(modelName(test::publishedConfig("flash-0731"), Release::V0731, folder),
              "DeepSeek-V4-Flash-0731");
    EXPECT_EQ(modelName(test::publishedConfig("pro-base"), Release::April, folder),
              "DeepSeek-V4-Pro-Base");
    json pruned = flash();
    pruned["n_routed_experts"] = 160;
    EXPECT_EQ(modelName(parseModelConfig(jsonText(pruned), ""), Release::April, folder),
              "DeepSeek-V4-Flash (160 experts)");
    EXPECT_EQ(modelName(test::tinyConfig("tiny"), Release::Embedded, folder), "my model");
}

} // namespace dossier::engine
