// SPDX-License-Identifier: Apache-2.0
// Counts that follow from shapes alone and that describing a model needs. All others are in
// engine/forecast.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/model/config.h"
#include "engine/model/tensor_plan.h"

namespace dossier::engine {

/// Weights of the trunk (scales and tables of expert ids are not weights).
std::uint64_t parameterCount(const std::vector<TensorSpec>& trunk);
/// Weights that one token uses: expertsPerToken routed experts a layer, everything else but the
/// embedding.
std::uint64_t activeParameterCount(const ModelConfig& config, const std::vector<TensorSpec>& trunk);
/// Bytes of packed rows and index keys that a token adds on average, without the fixed windows.
double kvBytesPerToken(const ModelConfig& config);

} // namespace dossier::engine
