// SPDX-License-Identifier: Apache-2.0
// The configurations of the published models, written from their public config.json values, and of
// the tiny test models.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/model/config.h"

namespace dossier::test {

/// Tokens of the longest context that the published models have.
inline constexpr std::uint64_t kMillion = 1'048'576;

/// "flash" (April), "flash-0731", "flash-base", "pro", "pro-base": the whole JSON text.
std::string publishedConfigText(std::string_view name);

engine::ModelConfig publishedConfig(std::string_view name);
inline engine::ModelConfig flashConfig() {
    return publishedConfig("flash");
}
inline engine::ModelConfig proConfig() {
    return publishedConfig("pro");
}
/// "tiny", "tiny-fp8", "tiny-pro".
engine::ModelConfig tinyConfig(std::string_view name);

} // namespace dossier::test
