// SPDX-License-Identifier: Apache-2.0
// The disk tier: brings experts from their source into a few buffers in pinned RAM, with threads of
// its own, and keeps the most recent ones there.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "engine/experts/expert_source.h"
#include "engine/kernels/cuda/cuda_memory.h"

namespace dossier::engine::cuda {

/// Thread-safe.
class DiskReader {
  public:
    struct Counts {
        std::uint64_t reads = 0, kept = 0; ///< fetched from disk; found in a buffer
        std::uint64_t bytes = 0;           ///< read
        double seconds = 0;                ///< during which at least one read was under way
    };

    /// Errors: OutOfMemory.
    DiskReader(std::shared_ptr<const ExpertSource>, const ExpertLayout&, MemoryLedger&,
               std::uint32_t buffers, unsigned threads);
    ~DiskReader();
    DiskReader(const DiskReader&) = delete;
    DiskReader& operator=(const DiskReader&) = delete;

    /// Asks for an expert; the buffer is held for the caller until release(). Absent: all buffers
    /// are held.
    std::optional<std::uint32_t> request(std::uint32_t layer, std::uint32_t expert);
    bool ready(std::uint32_t buffer) const;
    /// Waits; the block in pinned RAM. Throws what reading threw: Corrupt, Io.
    const std::byte* wait(std::uint32_t buffer);
    void release(std::uint32_t buffer);

    std::uint32_t buffers() const { return static_cast<std::uint32_t>(m_buffers.size()); }
    Counts counts() const;

  private:
    struct Buffer {
        enum class State { Empty, Waiting, Reading, Ready, Failed } state = State::Empty;
        std::uint32_t layer = 0, expert = 0, holds = 0;
        std::uint64_t used = 0; ///< when last asked for
        std::exception_ptr failure;
    };
    void work();

    const std::shared_ptr<const ExpertSource> m_source;
    const std::uint64_t m_blockBytes;
    PinnedBuffer m_memory;
    mutable std::mutex m_mutex;
    mutable std::condition_variable m_asked, m_done;
    std::vector<Buffer> m_buffers;
    std::uint64_t m_clock = 0;
    bool m_stop = false;
    unsigned m_busy = 0; ///< reads under way
    double m_busySince = 0;
    Counts m_counts;
    std::vector<std::thread> m_threads;
};

} // namespace dossier::engine::cuda
