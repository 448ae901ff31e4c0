// SPDX-License-Identifier: Apache-2.0
// Every tensor that a DeepSeek-V4 trunk has, with its exact shape and type, computed from the
// configuration alone. Loading, synthetic checkpoints and forecasts all go by this list.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/model/config.h"
#include "engine/model/tensor.h"

namespace dossier::engine {

/// What a tensor is read for; forecasts and placement add sizes up by part.
enum class TensorPart {
    Embedding,
    Attention,  ///< projections, their norms and sinks
    Compressor, ///< main compressors (ratio 4 and 128)
    Indexer,    ///< with its own compressor
    Mixer,      ///< hyper-connections of the layers and of the head, and the layer norms
    Router,     ///< gate.weight, gate.bias, gate.tid2eid
    RoutedExpert,
    SharedExpert,
    Head, ///< head.weight and the last norm
};

struct TensorSpec {
    std::string name;
    DType dtype = DType::U8;
    Shape shape;
    TensorPart part = TensorPart::Embedding;
    std::int32_t layer = -1;  ///< -1 outside the layers
    std::int32_t expert = -1; ///< routed experts: its number in the layer

    std::uint64_t bytes() const { return *shape.elements() * dtypeSize(dtype); }
    /// Weights it stands for: packed FP4 counts two a byte; scales count nothing.
    std::uint64_t parameters() const;
};

/// In the order of the official shards: embedding, layers, head. `experts` decides the types of
/// the routed experts (config.expertFormat is not looked at).
std::vector<TensorSpec> trunkTensors(const ModelConfig& config, ExpertFormat experts);

/// What of that list lies outside the layers.
std::vector<TensorSpec> outerTensors(const ModelConfig& config);

/// One layer of that list, with its first `listedExperts` routed experts (they are all alike).
std::vector<TensorSpec> layerTensors(const ModelConfig& config, ExpertFormat experts,
                                     std::uint32_t layer, std::uint32_t listedExperts = UINT32_MAX);

} // namespace dossier::engine
