// SPDX-License-Identifier: Apache-2.0
// The answer of `dossier-engine forecast --json`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/forecast/placement.h"
#include "engine/model/config.h"

namespace dossier::engine {

/// One JSON object, indented:
///   parameters, active_parameters         of the trunk
///   kv_bytes                              rows of one sequence of `context` tokens, windows
///   included kv_bytes_per_token                    average that one more token adds
///   flops_per_token                       decoding at that context
///   bytes_per_token                       weights and rows read for it; also as
///   bytes_per_token_weights, bytes_per_token_kv
///   flops {linear, attention, indexer, fp8_equivalent}
///   compared_with_deepseek_v32 {flops, flops_fp8_equivalent, kv_bytes}: ratios
///   placement {vram, ram, disk: {experts, bytes}, rows, fits, verdict}: when vram or ram is given
/// `ram` absent with `vram` given: RAM is taken as unlimited.
std::string forecastJson(const ModelConfig& config, std::uint64_t context,
                         std::optional<std::uint64_t> vram = {},
                         std::optional<std::uint64_t> ram = {});

/// The "placement" object alone, for other answers that carry a Forecast.
std::string placementJson(const ModelConfig& config, const Forecast& forecast);

} // namespace dossier::engine
