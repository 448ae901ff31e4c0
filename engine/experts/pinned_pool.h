// SPDX-License-Identifier: Apache-2.0
// Many equal blocks of RAM that the GPU can read, in pieces of about 2 GiB: huge pages, touched by
// all cores, then registered with the driver.
#pragma once

#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/base/memory_ledger.h"
#include "engine/base/thread_pool.h"

namespace dossier::engine::cuda {

class PinnedPool {
  public:
    PinnedPool(MemoryLedger&, const char* owner, std::uint64_t blockBytes);
    ~PinnedPool();
    PinnedPool(const PinnedPool&) = delete;
    PinnedPool& operator=(const PinnedPool&) = delete;

    /// Makes the pool hold exactly `count` blocks and fills every one with `fill(index, block)`, on
    /// all threads of `workers`; `done(blocks)` now and then on the caller's thread. Pieces that
    /// are there already stay. After an error the pool is empty.
    /// Errors: OutOfMemory (the ledger, the system or the driver refuses), Cancelled, and what
    /// `fill` throws.
    void fill(std::uint64_t count, ThreadPool& workers,
              const std::function<void(std::uint64_t, std::byte*)>& fill,
              const std::function<void(std::uint64_t)>& done, const std::stop_token& stop);

    /// The blocks of the first piece as one range.
    std::span<const std::byte> firstPiece() const {
        return {m_pieces.front().data, m_pieces.front().blocks * m_blockBytes};
    }
    std::byte* block(std::uint64_t index) const {
        return m_pieces[index / m_perPiece].data + index % m_perPiece * m_blockBytes;
    }

  private:
    struct Piece {
        std::byte* data = nullptr;
        std::uint64_t blocks = 0;
        void* mapping = nullptr;
        std::uint64_t mapped = 0;
        bool registered = false;
        LedgerEntry entry;
    };
    Piece make(std::uint64_t blocks);
    static void drop(Piece&) noexcept;
    void clear() noexcept;
    void fillPieces(std::uint64_t count, ThreadPool& workers,
                    const std::function<void(std::uint64_t, std::byte*)>& fill,
                    const std::function<void(std::uint64_t)>& done, const std::stop_token& stop);

    MemoryLedger& m_ledger;
    const char* m_owner;
    const std::uint64_t m_blockBytes, m_perPiece;
    std::vector<Piece> m_pieces;
};

} // namespace dossier::engine::cuda
