// SPDX-License-Identifier: Apache-2.0
#include "engine/lanes/frontier.h"

#include "engine/base/error.h"
#include "engine/model/kv_layout.h"

namespace dossier::engine {
namespace {

/// Bytes of one layer's part.
std::uint64_t layerBytes(const ModelConfig& config, std::uint32_t layer) {
    const std::uint64_t window = std::uint64_t{config.slidingWindow} * kvRowLayout(config).bytes;
    const std::uint64_t rows = 4 * 2 * std::uint64_t{config.headDim + config.indexHeadDim};
    return window + (config.compressRatios[layer] == 4 ? 2 * rows * sizeof(float) : 0);
}

/// Calls visit(device address, bytes) for every piece of state of one layer.
template<class Visit>
void forPieces(const ModelConfig& config, std::uint32_t layer, const LayerState& state,
               std::uint64_t position, Visit visit) {
    visit(state.window, std::uint64_t{config.slidingWindow} * kvRowLayout(config).bytes);
    if (config.compressRatios[layer] != 4) {
        return;
    }
    // The previous block: tokens position-4 .. position-1, in slots p mod 8 of the ring.
    const std::uint64_t slot = (position + 4) % 8;
    const auto pool = [&](float* ring, std::uint64_t width) {
        visit(reinterpret_cast<std::byte*>(ring + slot * 2 * width), 4 * 2 * width * 4);
    };
    pool(state.mainA, config.headDim);
    pool(state.mainS, config.headDim);
    pool(state.indexA, config.indexHeadDim);
    pool(state.indexS, config.indexHeadDim);
}

/// The same for all layers.
template<class Visit>
void forPieces(const ModelConfig& config, const LayerState* layers, std::uint64_t position,
               Visit visit) {
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        forPieces(config, layer, layers[layer], position, visit);
    }
}

} // namespace

std::uint64_t frontierBytes(const ModelConfig& config) {
    std::uint64_t total = 0;
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        total += layerBytes(config, layer);
    }
    return total;
}

Frontier captureFrontier(Operations& ops, const ModelConfig& config, Sequence& sequence) {
    if (sequence.position() % kFrontierStep != 0) {
        throw Error(ErrorCode::Internal, "A frontier was asked for inside a block of 128 tokens");
    }
    Frontier frontier{sequence.position(), std::vector<std::byte>(frontierBytes(config))};
    std::byte* at = frontier.state.data();
    forPieces(config, sequence.layers(), frontier.position,
              [&](const std::byte* device, std::uint64_t bytes) {
                  ops.download(at, device, bytes);
                  at += bytes;
              });
    ops.synchronise();
    return frontier;
}

void copyFrontierLayer(Operations& ops, const ModelConfig& config, std::uint32_t layer,
                       const LayerState& state, std::uint64_t position, std::byte* frontier) {
    for (std::uint32_t before = 0; before < layer; ++before) {
        frontier += layerBytes(config, before);
    }
    forPieces(config, layer, state, position, [&](const std::byte* device, std::uint64_t bytes) {
        ops.copy(frontier, device, bytes);
        frontier += bytes;
    });
}

void applyFrontier(Operations& ops, const ModelConfig& config, const Frontier& frontier,
                   Sequence& sequence) {
    if (frontier.position != sequence.position() ||
        frontier.state.size() != frontierBytes(config)) {
        throw Error(ErrorCode::Internal, "A frontier does not belong to this sequence");
    }
    const std::byte* at = frontier.state.data();
    forPieces(config, sequence.layers(), frontier.position,
              [&](std::byte* device, std::uint64_t bytes) {
                  ops.upload(device, at, bytes);
                  at += bytes;
              });
    ops.synchronise();
}

} // namespace dossier::engine
