// SPDX-License-Identifier: Apache-2.0
#include "engine/model/config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/base/json_text.h"
#include "engine/base/mapped_file.h"
#include "engine/model/strict_json.h"

namespace dossier::engine {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxConfigBytes = 1U << 20;
/// Ten times the largest published model; bounds what a damaged file can make us allocate.
constexpr std::uint64_t kMaxExperts = 250'000;
constexpr const char* kSupported =
    "Choose a DeepSeek-V4 checkpoint in the official layout: V4-Flash (April or 0731), V4-Pro, a "
    "Base model of these, a pruned one, or the model that comes with this program";

/// Typed access to the keys of config.json, with errors that name file and key.
class Reader {
  public:
    Reader(const json& root, std::string_view origin) : m_root(root), m_origin(origin) {}

    const json* find(const char* key) const {
        const auto it = m_root.find(key);
        return it == m_root.end() || it->is_null() ? nullptr : &*it;
    }

    [[noreturn]] void wrong(const char* key, const std::string& why) const {
        throw Error(ErrorCode::Corrupt, m_origin + ": \"" + key + "\" " + why,
                    "Restore config.json as it was published");
    }
    [[noreturn]] void unsupported(const std::string& why) const {
        throw Error(ErrorCode::Unsupported, m_origin + " describes " + why, kSupported);
    }

    std::uint64_t integer(const char* key, std::uint64_t least, std::uint64_t most) const {
        const json* value = find(key);
        if (value == nullptr) {
            wrong(key, "is missing");
        }
        return integerOf(*value, key, least, most);
    }
    std::uint32_t small(const char* key, std::uint64_t least, std::uint64_t most) const {
        return static_cast<std::uint32_t>(integer(key, least, most));
    }

    std::uint64_t integerOf(const json& value, const char* key, std::uint64_t least,
                            std::uint64_t most) const {
        if (!value.is_number_integer()) {
            wrong(key, "is not a whole number");
        }
        const bool negative = value.is_number_integer() && !value.is_number_unsigned() &&
                              value.get<std::int64_t>() < 0;
        const std::uint64_t number = negative ? 0 : value.get<std::uint64_t>();
        if (negative || number < least || number > most) {
            wrong(key, "is " + jsonText(value) + ", outside " + std::to_string(least) + " to " +
                           std::to_string(most));
        }
        return number;
    }

    double real(const char* key, double least, double most) const {
        const json* value = find(key);
        if (value == nullptr) {
            wrong(key, "is missing");
        }
        if (!value->is_number()) {
            wrong(key, "is not a number");
        }
        const double number = value->get<double>();
        if (!(number >= least && number <= most)) { // also refuses NaN
            wrong(key, "is " + value->dump() + ", outside the range that the engine handles");
        }
        return number;
    }

    std::string text(const char* key) const {
        const json* value = find(key);
        if (value == nullptr) {
            return {};
        }
        if (!value->is_string()) {
            wrong(key, "is not a text");
        }
        return value->get<std::string>();
    }

    /// A key that may be missing but has only one value that the engine can run.
    void only(const char* key, const json& expected) const {
        const json* value = find(key);
        if (value != nullptr && *value != expected) {
            unsupported("a variant with \"" + std::string(key) + "\": " + value->dump() +
                        ", while V4 has " + jsonText(expected));
        }
    }

  private:
    const json& m_root;
    std::string m_origin;
};

bool architectureIs(const Reader& in, std::string_view name) {
    const json* list = in.find("architectures");
    return list != nullptr && list->is_array() &&
           std::any_of(list->begin(), list->end(), [&](const json& item) {
               return item.is_string() && item.get_ref<const std::string&>() == name;
           });
}

void checkArchitecture(const Reader& in) {
    const std::string type = in.text("model_type");
    if (type.empty()) {
        in.wrong("model_type", "is missing, so this is not a model in the Hugging Face layout");
    }
    if (type == "deepseek_v41") {
        in.unsupported("DeepSeek-V4.1, whose architecture differs from V4 and is not supported");
    }
    if (type == "deepseek_v3" || type == "deepseek_v32") {
        in.unsupported(std::string("DeepSeek-") + (type == "deepseek_v3" ? "V3" : "V3.2") +
                       ", an older architecture that is not supported");
    }
    if (type != "deepseek_v4") {
        in.unsupported("a model of type \"" + type + "\", which is not supported");
    }
    if (in.find("architectures") != nullptr && !architectureIs(in, "DeepseekV4ForCausalLM")) {
        in.unsupported("another architecture than DeepseekV4ForCausalLM");
    }
    if (in.find("vision_n_layers") != nullptr && in.integer("vision_n_layers", 0, 1'000'000) > 0) {
        in.unsupported("a vision variant of DeepSeek-V4, which is not supported");
    }
    in.only("num_key_value_heads", 1);
    in.only("n_shared_experts", 1);
    in.only("hidden_act", "silu");
    in.only("scoring_func", "sqrtsoftplus");
    in.only("topk_method", "noaux_tc");
    in.only("norm_topk_prob", true);
    in.only("attention_bias", false);
    in.only("tie_word_embeddings", false);
}

void checkQuantisation(const Reader& in) {
    const json* section = in.find("quantization_config");
    if (section == nullptr) {
        in.unsupported("an unquantised model; the engine runs the published FP8/FP4 weights");
    }
    if (!section->is_object()) {
        in.wrong("quantization_config", "is not an object");
    }
    const Reader quant(*section, "quantization_config in config.json");
    quant.only("quant_method", "fp8");
    quant.only("fmt", "e4m3");
    quant.only("scale_fmt", "ue8m0");
    quant.only("activation_scheme", "dynamic");
    quant.only("weight_block_size", json::array({128, 128}));
}

RopeScaling readRopeScaling(const Reader& in) {
    const json* section = in.find("rope_scaling");
    if (section == nullptr) {
        in.wrong("rope_scaling", "is missing");
    }
    if (!section->is_object()) {
        in.wrong("rope_scaling", "is not an object");
    }
    const Reader rope(*section, "rope_scaling in config.json");
    rope.only("type", "yarn");
    rope.only("rope_type", "yarn");
    if (rope.find("type") == nullptr && rope.find("rope_type") == nullptr) {
        rope.wrong("type", "is missing");
    }
    RopeScaling scaling;
    scaling.factor = rope.real("factor", 1, 1e6);
    scaling.betaFast = rope.real("beta_fast", 1e-3, 1e6);
    scaling.betaSlow = rope.real("beta_slow", 1e-3, 1e6);
    scaling.originalMaxPositions = rope.small("original_max_position_embeddings", 1, 1U << 30);
    return scaling;
}

void readRatios(const Reader& in, ModelConfig& config) {
    const json* list = in.find("compress_ratios");
    if (list == nullptr || !list->is_array()) {
        in.wrong("compress_ratios", "is missing or not a list");
    }
    if (list->size() < config.layers || list->size() > config.layers + 64UL) {
        in.wrong("compress_ratios", "has " + std::to_string(list->size()) +
                                        " entries for a model of " + std::to_string(config.layers) +
                                        " layers");
    }
    for (const json& item : *list) {
        const auto ratio =
            static_cast<std::uint32_t>(in.integerOf(item, "compress_ratios", 0, 1U << 20));
        auto& target = config.compressRatios.size() < config.layers ? config.compressRatios
                                                                    : config.draftRatios;
        if (ratio != 0 && ratio != 4 && ratio != 128 && &target == &config.compressRatios) {
            in.unsupported("a variant with the compression ratio " + std::to_string(ratio) +
                           ", while V4 has 0, 4 and 128");
        }
        target.push_back(ratio);
    }
}

/// The dimensions that the formats and kernels rely on.
void checkShape(const Reader& in, const ModelConfig& c) {
    const auto demand = [&](bool holds, const std::string& what) {
        if (!holds) {
            in.unsupported("dimensions outside the V4 shape: " + what);
        }
    };
    demand(c.hiddenSize % 128 == 0, "hidden_size is not a multiple of 128");
    demand(c.qLoraRank % 128 == 0, "q_lora_rank is not a multiple of 128");
    demand(c.oRank() % 128 == 0, "o_groups * o_lora_rank is not a multiple of 128");
    demand(c.moeIntermediate % 128 == 0, "moe_intermediate_size is not a multiple of 128");
    demand(c.heads % c.oGroups == 0, "num_attention_heads is not a multiple of o_groups");
    demand(c.ropeDim % 2 == 0 && c.ropeDim < c.headDim,
           "qk_rope_head_dim is odd or not below head_dim");
    demand(c.nopeDim() % 64 == 0, "head_dim - qk_rope_head_dim is not a multiple of 64");
    demand(c.expertsPerToken <= c.routedExperts, "num_experts_per_tok exceeds n_routed_experts");
    demand(std::uint64_t{c.layers} * c.routedExperts <= kMaxExperts,
           "num_hidden_layers * n_routed_experts exceeds " + std::to_string(kMaxExperts));
    demand(c.hashLayers <= c.layers, "num_hash_layers exceeds num_hidden_layers");
    demand(c.indexHeadDim >= 32 && (c.indexHeadDim & (c.indexHeadDim - 1)) == 0 &&
               c.indexHeadDim >= c.ropeDim,
           "index_head_dim is not a power of two of at least 32 and qk_rope_head_dim");
    demand(static_cast<std::uint64_t>(c.eosToken) < c.vocabSize &&
               static_cast<std::uint64_t>(c.bosToken) < c.vocabSize,
           "bos_token_id or eos_token_id lies outside the vocabulary");
}

std::int32_t readTokenId(const Reader& in, const char* key) {
    return static_cast<std::int32_t>(in.integer(key, 0, (1U << 24) - 1));
}

void readDimensions(const Reader& in, ModelConfig& c) {
    c.vocabSize = in.small("vocab_size", 2, 1U << 24);
    c.hiddenSize = in.small("hidden_size", 128, 1U << 16);
    c.layers = in.small("num_hidden_layers", 1, 1024);
    c.hashLayers = in.small("num_hash_layers", 0, 1024);
    c.nextnLayers = in.find("num_nextn_predict_layers") != nullptr
                        ? in.small("num_nextn_predict_layers", 0, 64)
                        : 0;
    c.heads = in.small("num_attention_heads", 1, 1024);
    c.headDim = in.small("head_dim", 2, 4096);
    c.ropeDim = in.small("qk_rope_head_dim", 2, 4096);
    c.qLoraRank = in.small("q_lora_rank", 128, 1U << 16);
    c.oLoraRank = in.small("o_lora_rank", 1, 1U << 16);
    c.oGroups = in.small("o_groups", 1, 1024);
    c.slidingWindow = in.small("sliding_window", 1, 1U << 20);
    c.indexHeads = in.small("index_n_heads", 1, 1024);
    c.indexHeadDim = in.small("index_head_dim", 2, 4096);
    c.indexTopk = in.small("index_topk", 1, 1U << 20);
    c.moeIntermediate = in.small("moe_intermediate_size", 128, 1U << 16);
    c.routedExperts = in.small("n_routed_experts", 1, 1U << 14);
    c.expertsPerToken = in.small("num_experts_per_tok", 1, 1024);
    c.hcMult = in.small("hc_mult", 1, 16);
    c.hcSinkhornIters = in.small("hc_sinkhorn_iters", 1, 1000);
    c.maxPositions = in.integer("max_position_embeddings", 1, 1ULL << 30);
    c.bosToken = readTokenId(in, "bos_token_id");
    c.eosToken = readTokenId(in, "eos_token_id");
}

} // namespace

std::string_view expertFormatName(ExpertFormat format) {
    return format == ExpertFormat::Fp4 ? "fp4" : "fp8";
}

LayerKind ModelConfig::kind(std::uint32_t layer) const {
    switch (compressRatios.at(layer)) {
    case 0:
        return LayerKind::Window;
    case 4:
        return LayerKind::Sparse;
    default:
        return LayerKind::Dense;
    }
}

std::uint32_t ModelConfig::layersOf(LayerKind wanted) const {
    std::uint32_t count = 0;
    for (std::uint32_t layer = 0; layer < layers; ++layer) {
        count += kind(layer) == wanted ? 1U : 0U;
    }
    return count;
}

ModelConfig parseModelConfig(std::string_view text, std::string_view origin) {
    checkStrictJson(text, origin, kMaxConfigBytes);
    const json root = parseJson(text);
    const Reader in(root, origin);
    if (!root.is_object()) {
        throw Error(ErrorCode::Corrupt, std::string(origin) + " is not a JSON object",
                    "Restore config.json as it was published");
    }
    checkArchitecture(in);
    checkQuantisation(in);
    ModelConfig config;
    readDimensions(in, config);
    config.routedScale = in.real("routed_scaling_factor", 1e-6, 1e6);
    config.swigluLimit = in.real("swiglu_limit", 1e-3, 1e6);
    config.hcEps = in.real("hc_eps", 0, 1);
    config.rmsNormEps = in.real("rms_norm_eps", 0, 1);
    config.ropeTheta = in.real("rope_theta", 1.001, 1e12);
    config.compressRopeTheta = in.real("compress_rope_theta", 1.001, 1e12);
    config.ropeScaling = readRopeScaling(in);
    readRatios(in, config);
    if (const std::string format = in.text("expert_dtype"); format == "fp4") {
        config.expertFormat = ExpertFormat::Fp4;
    } else if (format == "fp8") {
        config.expertFormat = ExpertFormat::Fp8;
    } else if (!format.empty()) {
        in.unsupported("experts of type \"" + format + "\", while V4 has fp4 and fp8");
    }
    if (in.find("dspark_block_size") != nullptr) {
        config.dsparkBlockSize = in.small("dspark_block_size", 1, 1024);
    }
    checkShape(in, config);
    return config;
}

ModelConfig readModelConfigFile(const std::filesystem::path& path) {
    const MappedFile file = MappedFile::open(path);
    const auto bytes = file.bytes();
    return parseModelConfig({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                            path.string());
}

ModelConfig readModelConfig(const std::filesystem::path& directory) {
    const std::filesystem::path path = directory / "config.json";
    std::error_code ignored;
    if (std::filesystem::is_directory(directory, ignored) &&
        !std::filesystem::exists(path, ignored)) {
        throw Error(ErrorCode::NotFound, directory.string() + " has no config.json",
                    "Choose the folder that holds config.json and the *.safetensors files");
    }
    return readModelConfigFile(path);
}

std::string canonicalText(const ModelConfig& c) {
    std::string text;
    const auto add = [&](std::string_view key, double value) {
        std::array<char, 64> number{};
        std::snprintf(number.data(), number.size(), "=%.17g\n", value);
        text.append(key).append(number.data());
    };
    add("vocab", c.vocabSize);
    add("hidden", c.hiddenSize);
    add("layers", c.layers);
    add("hash", c.hashLayers);
    add("heads", c.heads);
    add("headDim", c.headDim);
    add("rope", c.ropeDim);
    add("qLora", c.qLoraRank);
    add("oLora", c.oLoraRank);
    add("oGroups", c.oGroups);
    add("window", c.slidingWindow);
    for (const std::uint32_t ratio : c.compressRatios) {
        add("ratio", ratio);
    }
    add("indexHeads", c.indexHeads);
    add("indexDim", c.indexHeadDim);
    add("topk", c.indexTopk);
    add("inter", c.moeIntermediate);
    add("experts", c.routedExperts);
    add("perToken", c.expertsPerToken);
    add("routedScale", c.routedScale);
    add("swiglu", c.swigluLimit);
    add("hcMult", c.hcMult);
    add("hcIters", c.hcSinkhornIters);
    add("hcEps", c.hcEps);
    add("rmsEps", c.rmsNormEps);
    add("theta", c.ropeTheta);
    add("compressTheta", c.compressRopeTheta);
    add("yarnFactor", c.ropeScaling.factor);
    add("yarnFast", c.ropeScaling.betaFast);
    add("yarnSlow", c.ropeScaling.betaSlow);
    add("yarnOriginal", c.ropeScaling.originalMaxPositions);
    text +=
        "experts=" + std::string(c.expertFormat ? expertFormatName(*c.expertFormat) : "?") + "\n";
    return text;
}

} // namespace dossier::engine
