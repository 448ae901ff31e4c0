// SPDX-License-Identifier: Apache-2.0
// Which published model a checkpoint is: decides the chat encoding and the reasoning levels.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/model/config.h"

namespace dossier::engine {

enum class Release {
    April,    ///< V4-Flash, V4-Pro of April 2026 and their Base models: none, high, max
    V0731,    ///< V4-Flash-0731 and everything later of the V4 shape: none, low, high, max
    Embedded, ///< another vocabulary than the published models': our own small model, test models
};
std::string releaseName(Release release);                ///< "april", "0731", "embedded"
std::vector<std::string> releaseLevels(Release release); ///< by increasing depth

/// How it decides, first match wins:
///  1. a vocabulary other than 129,280 tokens: Embedded;
///  2. DIR/encoding/encoding_dsv4.py with the SHA-256 of a published version;
///  3. a bundled DSpark draft (dspark_block_size, or `hasDsparkTensors`: mtp.0.main_proj is there)
///     whose three stages have their own compress_ratios entries: 0731;
///  4. April. (The June checkpoint "V4-Flash-DSpark" has April's trunk and encoding.)
/// num_nextn_predict_layers is never looked at: it is 1 in releases with three stages.
Release detectRelease(const ModelConfig& config, const std::filesystem::path& directory,
                      bool hasDsparkTensors);

/// "DeepSeek-V4-Flash", "DeepSeek-V4-Flash-0731 (160 experts)", "DeepSeek-V4-Pro-Base",
/// "Dossier embedded 2" (from its MODEL_CARD.md), else the folder's name.
std::string modelName(const ModelConfig& config, Release release,
                      const std::filesystem::path& directory);

} // namespace dossier::engine
