// SPDX-License-Identifier: Apache-2.0
#include "engine/forecast/forecast_json.h"

#include <nlohmann/json.hpp>

#include "engine/base/json_text.h"
#include "engine/forecast/costs.h"
#include "engine/forecast/deepseek_v32.h"

namespace dossier::engine {
namespace {

using nlohmann::ordered_json;

ordered_json placementOf(const ModelConfig& config, const Forecast& forecast) {
    const std::uint64_t each = expertBytes(config);
    const auto tier = [&](std::uint64_t experts) {
        return ordered_json{{"experts", experts}, {"bytes", experts * each}};
    };
    ordered_json rows = ordered_json::array();
    for (const MemoryRow& row : forecast.rows) {
        rows.push_back({{"owner", row.owner}, {"where", row.where}, {"bytes", row.bytes}});
    }
    return {{"vram", tier(forecast.expertsInVram)},
            {"ram", tier(forecast.expertsInRam)},
            {"disk", tier(forecast.expertsOnDisk)},
            {"rows", rows},
            {"fits", forecast.fits},
            {"verdict", forecast.verdict}};
}

/// Numbers of operations are whole; print them so when they fit.
std::uint64_t whole(double value) {
    return static_cast<std::uint64_t>(value + 0.5);
}

} // namespace

std::string placementJson(const ModelConfig& config, const Forecast& forecast) {
    return jsonText(placementOf(config, forecast), 2);
}

std::string forecastJson(const ModelConfig& config, std::uint64_t context,
                         std::optional<std::uint64_t> vram, std::optional<std::uint64_t> ram) {
    const DecodeFlops flops = decodeFlops(config, context);
    const std::uint64_t weights = weightBytesPerToken(config).total();
    const std::uint64_t rows = kvBytesReadPerToken(config, context);
    const NamedConfig named{"", config};
    const Comparison compared = compareWithV32({&named, 1}, context)[1];
    ordered_json json{
        {"context", context},
        {"parameters", parameterCount(config)},
        {"active_parameters", activeParameterCount(config)},
        {"kv_bytes", kvBytes(config, context)},
        {"kv_bytes_per_token", kvBytesPerToken(config, KvFormat::Packed)},
        {"flops_per_token", whole(flops.total())},
        {"bytes_per_token", weights + rows},
        {"bytes_per_token_weights", weights},
        {"bytes_per_token_kv", rows},
        {"flops",
         {{"linear", whole(flops.linear)},
          {"attention", whole(flops.attention)},
          {"indexer", whole(flops.indexer)},
          {"fp8_equivalent", whole(flops.fp8Equivalent)}}},
        {"compared_with_deepseek_v32",
         {{"flops", compared.flopsRatio},
          {"flops_fp8_equivalent", compared.flopsFp8EquivalentRatio},
          {"kv_bytes", compared.kvRatio}}},
    };
    if (vram || ram) {
        PlacementInputs inputs;
        inputs.contextTokens = context;
        inputs.vram = vram;
        inputs.ram = ram.value_or(UINT64_MAX / 2);
        json["placement"] = placementOf(config, planPlacement(config, inputs));
    }
    return jsonText(json, 2);
}

} // namespace dossier::engine
