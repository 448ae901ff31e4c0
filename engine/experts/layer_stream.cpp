// SPDX-License-Identifier: Apache-2.0
#include "engine/experts/layer_stream.h"

#include <algorithm>
#include <chrono>

#include "engine/base/error.h"
#include "engine/kernels/cuda/cuda_error.h"

namespace dossier::engine::cuda {
namespace {

cudaEvent_t newEvent() {
    cudaEvent_t event = nullptr;
    check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "create an event");
    return event;
}

} // namespace

LayerStream::LayerStream(std::byte* ring, std::uint32_t slots, std::uint64_t blockBytes,
                         std::uint32_t layers, std::uint32_t experts, std::vector<bool> isResident,
                         SourceAddress source, DiskReader* reader, cudaStream_t copies)
    : m_ring(ring),
      m_blockBytes(blockBytes),
      m_layers(layers),
      m_experts(experts),
      m_resident(std::move(isResident)),
      m_source(std::move(source)),
      m_reader(reader),
      m_copies(copies),
      m_slots(slots) {
    for (Slot& slot : m_slots) {
        slot.filled = newEvent();
        slot.freed = newEvent();
    }
}

LayerStream::~LayerStream() {
    try {
        stop();
    } catch (...) {
        // The GPU is lost; nothing is left to wait for.
    }
    for (const Slot& slot : m_slots) {
        cudaEventDestroy(slot.filled);
        cudaEventDestroy(slot.freed);
    }
}

LayerStream::Slot* LayerStream::find(const Key& key) {
    for (Slot& slot : m_slots) {
        if (slot.state != Slot::State::Free && slot.key == key) {
            return &slot;
        }
    }
    return nullptr;
}

LayerStream::Slot* LayerStream::freeSlot() {
    for (Slot& slot : m_slots) {
        if (slot.state == Slot::State::Free) {
            return &slot;
        }
    }
    return nullptr;
}

void LayerStream::start(std::uint32_t layer, bool everything, cudaStream_t work) {
    stop();
    m_everything = everything;
    m_nextLayer = layer;
    // Slots were last used by work before this run.
    for (Slot& slot : m_slots) {
        check(cudaEventRecord(slot.freed, work), "record an event");
    }
    pump();
}

void LayerStream::stop() {
    m_pending.clear();
    m_everything = false;
    m_nextLayer = m_layers;
    for (Slot& slot : m_slots) {
        if (slot.state == Slot::State::Reading) {
            m_reader->release(slot.buffer);
        }
        slot.state = Slot::State::Free;
    }
    if (!m_leaving.empty()) {
        check(cudaStreamSynchronize(m_copies), "finish copies to the GPU");
        giveBackBuffers();
    }
}

void LayerStream::giveBackBuffers() {
    std::erase_if(m_leaving, [&](const Leaving& leaving) {
        if (cudaEventQuery(leaving.copied) != cudaSuccess) {
            return false;
        }
        m_reader->release(leaving.buffer);
        return true;
    });
}

void LayerStream::refill() {
    while (m_everything && m_pending.empty() && m_nextLayer < m_layers) {
        for (std::uint32_t e = 0; e < m_experts; ++e) {
            if (!resident({m_nextLayer, e})) {
                m_pending.push_back({m_nextLayer, e});
            }
        }
        ++m_nextLayer;
    }
}

void LayerStream::copy(Slot& slot, const std::byte* from) {
    check(cudaStreamWaitEvent(m_copies, slot.freed, 0), "wait for an event");
    std::byte* to = m_ring + static_cast<std::uint64_t>(&slot - m_slots.data()) * m_blockBytes;
    check(cudaMemcpyAsync(to, from, m_blockBytes, cudaMemcpyHostToDevice, m_copies),
          "copy an expert to the GPU");
    check(cudaEventRecord(slot.filled, m_copies), "record an event");
    slot.state = Slot::State::Filled;
}

/// False: a disk buffer is lacking.
bool LayerStream::begin(Slot& slot, const Key& key) {
    slot.key = key;
    if (const std::byte* from = m_source(key.layer, key.expert)) {
        ++m_counts.fromRam;
        copy(slot, from);
        return true;
    }
    giveBackBuffers();
    const auto buffer = m_reader->request(key.layer, key.expert);
    if (!buffer) {
        return false;
    }
    ++m_counts.fromDisk;
    slot.buffer = *buffer;
    slot.state = Slot::State::Reading;
    return true;
}

/// Waits for a read from disk and queues the copy. When it throws, the slot stays as it was.
void LayerStream::takeBuffer(Slot& slot) {
    const auto begin = std::chrono::steady_clock::now();
    const std::byte* from = m_reader->wait(slot.buffer);
    m_counts.waited +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    copy(slot, from);
    m_leaving.push_back({slot.buffer, slot.filled});
}

void LayerStream::pump() {
    for (Slot& slot : m_slots) { // what has arrived from disk meanwhile
        if (slot.state == Slot::State::Reading && m_reader->ready(slot.buffer)) {
            takeBuffer(slot);
        }
    }
    for (refill(); !m_pending.empty(); refill()) {
        Slot* slot = freeSlot();
        if (!slot || !begin(*slot, m_pending.front())) {
            return;
        }
        m_pending.pop_front();
    }
}

void LayerStream::need(std::uint32_t layer, std::span<const std::uint32_t> counts) {
    std::erase_if(m_pending, [&](const Key& key) {
        return key.layer < layer || (key.layer == layer && counts[key.expert] == 0);
    });
    std::vector<Key> lacking;
    for (std::uint32_t e = 0; e < m_experts; ++e) {
        const Key key{layer, e};
        if (resident(key)) {
            continue;
        }
        Slot* slot = find(key);
        if (counts[e] == 0) {
            if (slot && slot->state == Slot::State::Filled) {
                slot->state = Slot::State::Free; // freed: as it was before the copy
            }
            continue;
        }
        if (!slot && std::find(m_pending.begin(), m_pending.end(), key) == m_pending.end()) {
            lacking.push_back(key);
        }
    }
    m_pending.insert(m_pending.begin(), lacking.begin(), lacking.end());
    pump();
}

const std::byte* LayerStream::acquire(std::uint32_t layer, std::uint32_t expert,
                                      cudaStream_t work) {
    const Key key{layer, expert};
    pump();
    Slot* slot = find(key);
    if (!slot) {
        // Slots hold experts of later layers, or all disk buffers are under way.
        const auto found = std::find(m_pending.begin(), m_pending.end(), key);
        if (found == m_pending.end()) {
            throw Error(ErrorCode::Internal, "An expert was used that nobody had asked for");
        }
        slot = freeSlot();
        if (!slot) {
            const auto last = std::find_if(m_slots.rbegin(), m_slots.rend(), [&](const Slot& s) {
                return s.state == Slot::State::Filled && s.key.layer > layer;
            });
            if (last == m_slots.rend()) {
                throw Error(ErrorCode::Internal, "More experts are held than the ring has slots");
            }
            m_pending.push_back(last->key);
            last->state = Slot::State::Free;
            slot = &*last;
        }
        m_pending.erase(std::find(m_pending.begin(), m_pending.end(), key));
        while (!begin(*slot, key)) { // all disk buffers are taken: empty one
            const auto reading = std::find_if(m_slots.begin(), m_slots.end(), [](const Slot& s) {
                return s.state == Slot::State::Reading;
            });
            if (reading != m_slots.end()) {
                takeBuffer(*reading);
            }
            check(cudaStreamSynchronize(m_copies), "finish copies to the GPU");
        }
    }
    if (slot->state == Slot::State::Reading) {
        takeBuffer(*slot);
    }
    check(cudaStreamWaitEvent(work, slot->filled, 0), "wait for an event");
    return m_ring + static_cast<std::uint64_t>(slot - m_slots.data()) * m_blockBytes;
}

void LayerStream::release(std::uint32_t layer, std::uint32_t expert, cudaStream_t work) {
    Slot* slot = find({layer, expert});
    if (!slot) {
        throw Error(ErrorCode::Internal, "An expert was given back that was not held");
    }
    check(cudaEventRecord(slot->freed, work), "record an event");
    slot->state = Slot::State::Free;
    pump();
}

} // namespace dossier::engine::cuda
