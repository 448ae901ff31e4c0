// SPDX-License-Identifier: Apache-2.0
#include "engine/transformer/sequence.h"

#include <algorithm>
#include <string>

#include "engine/base/error.h"
#include "engine/kernels/cpu/plain.h"

namespace dossier::engine {
namespace {

constexpr std::uint64_t kBranchTokens = 1024; ///< first capacity of a branch

std::uint64_t aligned(std::uint64_t bytes) {
    return (bytes + 255) / 256 * 256;
}

/// Floats of one ring (a or s) of a pool.
std::uint64_t ringFloats(std::uint64_t ratio, std::uint64_t width) {
    const std::uint64_t overlap = ratio == 4 ? 2 : 1;
    return overlap * ratio * overlap * width;
}

std::uint64_t rowBytes(const ModelConfig& config) {
    return kvRowLayout(config).bytes;
}

} // namespace

std::uint64_t fixedStateBytes(const ModelConfig& config) {
    std::uint64_t total = 0;
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        const std::uint64_t ratio = config.compressRatios[layer];
        total += aligned(config.slidingWindow * rowBytes(config));
        total += ratio ? 2 * aligned(4 * ringFloats(ratio, config.headDim)) : 0;
        total += ratio == 4 ? 2 * aligned(4 * ringFloats(4, config.indexHeadDim)) : 0;
    }
    return total;
}

/// Row memory. `capacity` tokens are laid out; lanes: one region a layer and kind that grows in
/// place; branches: one block.
struct Sequence::Rows {
    struct Region {
        std::byte* entries = nullptr;
        std::byte* keys = nullptr;
    };
    std::vector<std::unique_ptr<DeviceMemory>> memory;
    std::vector<Region> regions;
    std::uint64_t capacity = 0;
    bool lane = false;
};

Sequence::Sequence(Operations& ops, const ModelConfig& config, std::uint64_t maxTokens)
    : m_ops(ops),
      m_config(config),
      m_maxTokens(maxTokens),
      m_layers(config.layers),
      m_rows(std::make_shared<Rows>()) {
    layOutFixed();
    m_ops.zero(m_fixed->data(), m_fixed->bytes());
    m_rows->lane = true;
    m_rows->regions.resize(config.layers);
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        const std::uint64_t ratio = config.compressRatios[layer];
        if (ratio == 0) {
            continue;
        }
        const std::uint64_t most = maxTokens / ratio + 1;
        m_rows->memory.push_back(m_ops.reserve(most * rowBytes(config), "lane rows"));
        m_rows->regions[layer].entries = m_rows->memory.back()->data();
        if (ratio == 4) {
            m_rows->memory.push_back(
                m_ops.reserve(most * indexKeyBytes(config.indexHeadDim), "lane rows"));
            m_rows->regions[layer].keys = m_rows->memory.back()->data();
        }
        m_layers[layer].entries.own = m_rows->regions[layer].entries;
        m_layers[layer].keys.own = m_rows->regions[layer].keys;
    }
}

Sequence::Sequence(const Sequence& parent, std::uint64_t position, std::uint64_t sharedTokens)
    : m_ops(parent.m_ops),
      m_config(parent.m_config),
      m_maxTokens(parent.m_maxTokens),
      m_position(position),
      m_sharedTokens(sharedTokens),
      m_layers(parent.m_layers),
      m_rows(std::make_shared<Rows>()),
      m_sharedRows(parent.m_rows->lane ? parent.m_rows : parent.m_sharedRows) {
    layOutFixed();
    for (std::uint32_t layer = 0; layer < m_config.layers; ++layer) {
        const std::uint64_t ratio = m_config.compressRatios[layer];
        LayerState& state = m_layers[layer];
        if (ratio && parent.m_rows->lane) {
            const std::uint64_t rows = position / ratio;
            state.entries = {parent.m_layers[layer].entries.own, rows, nullptr};
            state.keys = {parent.m_layers[layer].keys.own, rows, nullptr};
        } else {
            state.entries.own = state.keys.own = nullptr;
        }
    }
    prepare(1);
}

Sequence::~Sequence() = default;

void Sequence::layOutFixed() {
    m_fixed = m_ops.allocate(fixedStateBytes(m_config), "frontiers");
    std::byte* at = m_fixed->data();
    const auto take = [&](std::uint64_t bytes) {
        std::byte* p = at;
        at += aligned(bytes);
        return p;
    };
    for (std::uint32_t layer = 0; layer < m_config.layers; ++layer) {
        LayerState& state = m_layers[layer];
        const std::uint64_t ratio = m_config.compressRatios[layer];
        state.window = take(m_config.slidingWindow * rowBytes(m_config));
        if (ratio) {
            const std::uint64_t bytes = 4 * ringFloats(ratio, m_config.headDim);
            state.mainA = reinterpret_cast<float*>(take(bytes));
            state.mainS = reinterpret_cast<float*>(take(bytes));
        }
        if (ratio == 4) {
            const std::uint64_t bytes = 4 * ringFloats(4, m_config.indexHeadDim);
            state.indexA = reinterpret_cast<float*>(take(bytes));
            state.indexS = reinterpret_cast<float*>(take(bytes));
        }
    }
}

std::unique_ptr<Sequence> Sequence::forkAt(std::uint64_t position) const {
    if (!m_rows->lane || position > m_position) {
        throw Error(ErrorCode::Internal, "Only a lane can be forked at an earlier position");
    }
    return std::unique_ptr<Sequence>(new Sequence(*this, position, position));
}

std::unique_ptr<Sequence> Sequence::fork() const {
    const bool lane = m_rows->lane;
    std::unique_ptr<Sequence> child(
        new Sequence(*this, m_position, lane ? m_position : m_sharedTokens));
    m_ops.copy(child->m_fixed->data(), m_fixed->data(), m_fixed->bytes());
    for (std::uint32_t layer = 0; !lane && layer < m_config.layers; ++layer) {
        const std::uint64_t ratio = m_config.compressRatios[layer];
        if (ratio == 0) {
            continue;
        }
        const LayerState& from = m_layers[layer];
        LayerState& to = child->m_layers[layer];
        const std::uint64_t rows = m_position / ratio - from.entries.sharedRows;
        m_ops.copy(to.entries.own, from.entries.own, rows * rowBytes(m_config));
        if (ratio == 4) {
            m_ops.copy(to.keys.own, from.keys.own, rows * indexKeyBytes(m_config.indexHeadDim));
        }
    }
    return child;
}

void Sequence::rewind(std::uint64_t position) {
    if (!m_rows->lane || position > m_position) {
        throw Error(ErrorCode::Internal, "Only a lane can go back, and only back");
    }
    m_position = position;
}

std::uint64_t Sequence::bytes() const {
    std::uint64_t total = m_fixed->bytes();
    for (const auto& memory : m_rows->memory) {
        total += memory->bytes();
    }
    return total;
}

void Sequence::prepare(std::uint64_t count) {
    const std::uint64_t end = m_position + count;
    if (end > m_maxTokens) {
        throw Error(ErrorCode::TooLarge,
                    "The context holds " + std::to_string(m_maxTokens) + " tokens and " +
                        std::to_string(end) + " were needed",
                    "Leave out a source, or load the model with a larger context");
    }
    if (m_rows->lane) {
        std::size_t next = 0;
        for (std::uint32_t layer = 0; layer < m_config.layers; ++layer) {
            const std::uint64_t ratio = m_config.compressRatios[layer];
            if (ratio) {
                m_rows->memory[next++]->grow(end / ratio * rowBytes(m_config));
            }
            if (ratio == 4) {
                m_rows->memory[next++]->grow(end / ratio * indexKeyBytes(m_config.indexHeadDim));
            }
        }
        return;
    }
    const std::uint64_t needed = end - m_sharedTokens;
    if (needed <= m_rows->capacity) {
        return;
    }
    auto grown = std::make_shared<Rows>();
    grown->capacity = std::max({kBranchTokens, needed, 2 * m_rows->capacity});
    grown->regions.resize(m_config.layers);
    std::uint64_t total = 0;
    const auto place = [&](auto use) {
        total = 0;
        for (std::uint32_t layer = 0; layer < m_config.layers; ++layer) {
            const std::uint64_t ratio = m_config.compressRatios[layer];
            if (ratio) { // one row more: a fork may lie inside a block of `ratio` tokens
                const std::uint64_t rows = grown->capacity / ratio + 1;
                use(layer, total, total + aligned(rows * rowBytes(m_config)));
                total += aligned(rows * rowBytes(m_config));
                total += ratio == 4 ? aligned(rows * indexKeyBytes(m_config.indexHeadDim)) : 0;
            }
        }
    };
    place([](std::uint32_t, std::uint64_t, std::uint64_t) {});
    grown->memory.push_back(m_ops.allocate(total, "lane rows"));
    std::byte* base = grown->memory.back()->data();
    place([&](std::uint32_t layer, std::uint64_t entries, std::uint64_t keys) {
        LayerState& state = m_layers[layer];
        const std::uint64_t ratio = m_config.compressRatios[layer];
        const std::uint64_t rows = m_position / ratio - state.entries.sharedRows;
        if (state.entries.own) {
            m_ops.copy(base + entries, state.entries.own, rows * rowBytes(m_config));
        }
        state.entries.own = base + entries;
        if (ratio == 4) {
            if (state.keys.own) {
                m_ops.copy(base + keys, state.keys.own,
                           rows * indexKeyBytes(m_config.indexHeadDim));
            }
            state.keys.own = base + keys;
        }
    });
    m_rows = std::move(grown);
}

} // namespace dossier::engine
