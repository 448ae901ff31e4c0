// SPDX-License-Identifier: Apache-2.0
#include "engine/model/counters.h"

#include "engine/model/kv_layout.h"

namespace dossier::engine {

std::uint64_t parameterCount(const std::vector<TensorSpec>& trunk) {
    std::uint64_t sum = 0;
    for (const TensorSpec& spec : trunk) {
        sum += spec.parameters();
    }
    return sum;
}

std::uint64_t activeParameterCount(const ModelConfig& config,
                                   const std::vector<TensorSpec>& trunk) {
    std::uint64_t routed = 0, rest = 0;
    for (const TensorSpec& spec : trunk) {
        if (spec.part == TensorPart::RoutedExpert) {
            routed += spec.parameters();
        } else if (spec.part != TensorPart::Embedding) {
            rest += spec.parameters();
        }
    }
    return rest + routed / config.routedExperts * config.expertsPerToken;
}

double kvBytesPerToken(const ModelConfig& config) {
    const double row = kvRowLayout(config).bytes;
    const double key = indexKeyBytes(config.indexHeadDim);
    return config.layersOf(LayerKind::Sparse) * (row + key) / 4.0 +
           config.layersOf(LayerKind::Dense) * row / 128.0;
}

} // namespace dossier::engine
