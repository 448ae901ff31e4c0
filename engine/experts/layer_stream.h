// SPDX-License-Identifier: Apache-2.0
// Experts for reading: those that are not in VRAM pass through the slots of a ring, in the order in
// which the layers need them, behind the computation.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/experts/disk_reader.h"
#include "engine/kernels/cuda/cuda_error.h"

namespace dossier::engine::cuda {

/// Where an expert outside VRAM comes from: pinned RAM, or null for the disk.
using SourceAddress = std::function<const std::byte*(std::uint32_t layer, std::uint32_t expert)>;

/// Owner thread only.
class LayerStream {
  public:
    struct Counts {
        std::uint64_t fromRam = 0, fromDisk = 0; ///< experts copied
        double waited = 0;                       ///< seconds that the host waited for the disk
    };

    /// `ring` has `slots` blocks. `reader` null: nothing is on disk. `isResident[layers *
    /// experts]`: experts that need no slot.
    LayerStream(std::byte* ring, std::uint32_t slots, std::uint64_t blockBytes,
                std::uint32_t layers, std::uint32_t experts, std::vector<bool> isResident,
                SourceAddress source, DiskReader* reader, cudaStream_t copies);
    ~LayerStream();
    LayerStream(const LayerStream&) = delete;
    LayerStream& operator=(const LayerStream&) = delete;

    /// A run over the layers from `layer` on begins, `work` is the stream that will use the slots.
    /// `everything`: the layers will need all their experts, so that they are fetched ahead, layer
    /// after layer.
    void start(std::uint32_t layer, bool everything, cudaStream_t work);
    /// The experts of `layer` that will be acquired next, in ascending order: those with a count.
    /// `again`: the layer had a pass before in this run.
    void need(std::uint32_t layer, std::span<const std::uint32_t> counts);
    /// The block of a needed expert, valid for work queued on `work` behind this call. At most
    /// slots() may be held at once.
    const std::byte* acquire(std::uint32_t layer, std::uint32_t expert, cudaStream_t work);
    void release(std::uint32_t layer, std::uint32_t expert, cudaStream_t work);
    /// Gives up what is under way.
    void stop();

    std::uint32_t slots() const { return static_cast<std::uint32_t>(m_slots.size()); }
    const Counts& counts() const { return m_counts; }

  private:
    struct Key {
        std::uint32_t layer = 0, expert = 0;
        bool operator==(const Key&) const = default;
    };
    struct Slot {
        enum class State { Free, Reading, Filled } state = State::Free;
        Key key;
        std::uint32_t buffer = 0; ///< of the disk reader
        cudaEvent_t filled = nullptr, freed = nullptr;
    };
    bool resident(const Key& key) const {
        return m_resident[std::size_t{key.layer} * m_experts + key.expert];
    }
    Slot* find(const Key&);
    Slot* freeSlot();
    void free(Slot&);
    void pump();
    bool begin(Slot&, const Key&);
    void copy(Slot&, const std::byte* from);
    void takeBuffer(Slot&);
    void refill();
    void giveBackBuffers();

    std::byte* m_ring;
    const std::uint64_t m_blockBytes;
    const std::uint32_t m_layers, m_experts;
    const std::vector<bool> m_resident;
    const SourceAddress m_source;
    DiskReader* m_reader;
    cudaStream_t m_copies;
    std::vector<Slot> m_slots;
    std::deque<Key> m_pending;     ///< not begun
    std::uint32_t m_nextLayer = 0; ///< whose experts are not pending yet
    bool m_everything = false;
    struct Leaving {
        std::uint32_t buffer;
        cudaEvent_t copied;
    };
    std::vector<Leaving> m_leaving; ///< buffers that are being copied from
    Counts m_counts;
};

} // namespace dossier::engine::cuda
