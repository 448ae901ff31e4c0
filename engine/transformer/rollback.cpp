// SPDX-License-Identifier: Apache-2.0
#include "engine/transformer/rollback.h"

#include <algorithm>

#include "engine/model/kv_layout.h"
#include "engine/transformer/sequence.h"

namespace dossier::engine {

std::vector<Rollback::Place> Rollback::slots(Sequence& sequence, std::uint64_t tokens) const {
    std::vector<Place> places;
    // Slots of positions position .. position+tokens in a ring of `length` slots.
    const auto ring = [&](void* base, std::uint64_t length, std::uint64_t slotBytes) {
        auto* bytes = static_cast<std::byte*>(base);
        const std::uint64_t count = std::min(tokens, length);
        const std::uint64_t first = count == length ? 0 : sequence.position() % length;
        const std::uint64_t straight = std::min(count, length - first);
        places.push_back({bytes + first * slotBytes, straight * slotBytes});
        if (count > straight) {
            places.push_back({bytes, (count - straight) * slotBytes});
        }
    };
    const std::uint64_t rowBytes = kvRowLayout(m_config).bytes;
    for (std::uint32_t layer = 0; layer < m_config.layers; ++layer) {
        const LayerState& state = sequence.layers()[layer];
        const std::uint64_t ratio = m_config.compressRatios[layer];
        const std::uint64_t overlap = ratio == 4 ? 2 : 1;
        ring(state.window, m_config.slidingWindow, rowBytes);
        if (ratio) {
            const std::uint64_t bytes = overlap * m_config.headDim * sizeof(float);
            ring(state.mainA, overlap * ratio, bytes);
            ring(state.mainS, overlap * ratio, bytes);
        }
        if (ratio == 4) {
            const std::uint64_t bytes = overlap * m_config.indexHeadDim * sizeof(float);
            ring(state.indexA, overlap * ratio, bytes);
            ring(state.indexS, overlap * ratio, bytes);
        }
    }
    return places;
}

void Rollback::save(Sequence& sequence, std::uint64_t tokens) {
    Saved saved;
    if (m_ops.synchronous()) {
        saved.places = slots(sequence, tokens);
    } else {
        saved.places = {{sequence.fixedState(), sequence.fixedBytes()}};
    }
    std::uint64_t total = 0;
    for (const Place& place : saved.places) {
        total += place.bytes;
    }
    saved.bytes = m_ops.allocate(total, "frontiers");
    std::byte* to = saved.bytes->data();
    for (const Place& place : saved.places) {
        m_ops.copy(to, place.at, place.bytes);
        to += place.bytes;
    }
    m_saved.push_back(std::move(saved));
}

void Rollback::undo() {
    for (const Saved& saved : m_saved) {
        const std::byte* from = saved.bytes->data();
        for (const Place& place : saved.places) {
            m_ops.copy(place.at, from, place.bytes);
            from += place.bytes;
        }
    }
    m_ops.synchronise();
}

} // namespace dossier::engine
