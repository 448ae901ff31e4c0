// SPDX-License-Identifier: Apache-2.0
// Internal to engine/model: description and content check of an opened checkpoint.
#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/model/checkpoint_files.h"
#include "engine/model/config.h"
#include "engine/model/release.h"
#include "engine/model/tensor_plan.h"

namespace dossier::engine {

ModelInfo describeModel(const ModelConfig& config, Release release,
                        const std::vector<TensorSpec>& plan, const CheckpointFiles& files,
                        const std::vector<std::string>& notes);

/// See Checkpoint::verifyContents.
void verifyTensors(const ModelConfig& config, std::span<const TensorView> views,
                   const CheckpointFiles& files, const ProgressFn& progress,
                   const std::stop_token& stop);

/// Throws Error(Corrupt) naming the tensor when `view` holds a value that no weight may have.
/// `begin`, `end`: bytes of the tensor to look at, multiples of its element size.
void verifyTensorRange(const ModelConfig& config, const TensorView& view, std::uint64_t begin,
                       std::uint64_t end, const std::string& file);

} // namespace dossier::engine
