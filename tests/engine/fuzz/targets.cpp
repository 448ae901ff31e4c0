// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/fuzz/targets.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/base/json_text.h"
#include "engine/model/config.h"
#include "engine/model/safetensors.h"
#include "engine/model/strict_json.h"
#include "engine/model/tensor_plan.h"

namespace dossier::fuzz {
namespace {

void require(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "broken promise: %s\n", what);
        std::abort();
    }
}

/// Runs a parser; the only exception allowed is an Error of an expected kind with a remedy, whose
/// text survives being sent as JSON.
template<typename Parse>
void expectCleanOutcome(Parse parse) {
    try {
        parse();
    } catch (const Error& error) {
        require(error.code() == ErrorCode::Corrupt || error.code() == ErrorCode::Unsupported ||
                    error.code() == ErrorCode::TooLarge,
                "the kind of error");
        require(!error.failed().empty() && !error.remedy().empty(), "an error without words");
        const nlohmann::json text = error.what();
        require(!jsonText(text).empty(), "an error text that is not UTF-8");
    }
}

} // namespace

void safetensorsHeader(std::string_view bytes) {
    if (bytes.size() < 8) {
        return;
    }
    std::uint64_t dataBytes = 0;
    std::memcpy(&dataBytes, bytes.data(), 8);
    expectCleanOutcome([&] {
        const auto entries =
            engine::parseSafetensorsHeader(bytes.substr(8), dataBytes, "a.safetensors");
        std::uint64_t at = 0;
        for (const engine::SafetensorsEntry& entry : entries) {
            require(entry.begin == at && entry.end >= at && entry.end <= dataBytes, "the tiling");
            require(entry.shape.elements().has_value(), "a shape that overflows");
            require(*entry.shape.elements() * engine::dtypeSize(entry.dtype) ==
                        entry.end - entry.begin,
                    "the size of a tensor");
            at = entry.end;
        }
        require(at == dataBytes, "all data described");
    });
}

void modelConfig(std::string_view bytes) {
    using namespace engine;
    expectCleanOutcome([&] {
        const ModelConfig config = parseModelConfig(bytes, "config.json");
        require(config.compressRatios.size() == config.layers, "one ratio a layer");
        require(config.headDim > config.ropeDim && config.oGroupInput() > 0, "head sizes");
        require(config.expertsPerToken <= config.routedExperts, "experts a token");
        for (const std::uint32_t layer : {0U, config.layers - 1}) {
            for (const TensorSpec& spec : layerTensors(config, ExpertFormat::Fp4, layer, 1)) {
                require(spec.shape.elements().value_or(0) > 0, "a tensor without elements");
                require(spec.bytes() < 1ULL << 50, "a tensor of absurd size");
            }
        }
        require(!canonicalText(config).empty(), "canonical text");
    });
}

void strictJson(std::string_view bytes) {
    expectCleanOutcome([&] {
        engine::checkStrictJson(bytes, "a.json", 1U << 20);
        require(nlohmann::json::accept(bytes.begin(), bytes.end()), "accepted text is JSON");
    });
}

} // namespace dossier::fuzz
