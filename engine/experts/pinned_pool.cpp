// SPDX-License-Identifier: Apache-2.0
#include "engine/experts/pinned_pool.h"

#include <algorithm>
#include <cerrno>
#include <future>

#include <sys/mman.h>

#include "engine/base/error.h"
#include "engine/kernels/cuda/cuda_error.h"

namespace dossier::engine::cuda {
namespace {

constexpr std::uint64_t kPinBytes = std::uint64_t{2} << 30, kHugePage = std::uint64_t{2} << 20;

/// Registering takes the driver a quarter of a second for 2 GiB: it runs beside the filling of the
/// next piece.
cudaError_t registerWithDriver(std::byte* data, std::uint64_t bytes) {
    const cudaError_t status =
        cudaHostRegister(data, bytes, cudaHostRegisterPortable | cudaHostRegisterMapped);
    if (status != cudaSuccess) {
        cudaGetLastError();
    }
    return status;
}

} // namespace

PinnedPool::PinnedPool(MemoryLedger& ledger, const char* owner, std::uint64_t blockBytes)
    : m_ledger(ledger),
      m_owner(owner),
      m_blockBytes(blockBytes),
      m_perPiece(std::max<std::uint64_t>(kPinBytes / blockBytes, 1)) {}

PinnedPool::~PinnedPool() {
    clear();
}

void PinnedPool::clear() noexcept {
    for (Piece& piece : m_pieces) {
        drop(piece);
    }
    m_pieces.clear();
}

PinnedPool::Piece PinnedPool::make(std::uint64_t blocks) {
    Piece piece;
    piece.blocks = blocks;
    const std::uint64_t bytes = blocks * m_blockBytes;
    piece.entry = m_ledger.take(m_owner, MemoryPlace::Pinned, bytes);
    piece.mapped = bytes + kHugePage;
    void* mapping = mmap(nullptr, piece.mapped, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) {
        throw systemError("reserve " + formatBytes(bytes) + " of memory for " + m_owner, ENOMEM);
    }
    piece.mapping = mapping;
    const auto address = reinterpret_cast<std::uintptr_t>(mapping);
    piece.data = static_cast<std::byte*>(mapping) +
                 ((address + kHugePage - 1) / kHugePage * kHugePage - address);
    madvise(piece.data, bytes, MADV_HUGEPAGE); // a wish
    return piece;
}

void PinnedPool::drop(Piece& piece) noexcept {
    if (piece.registered) {
        cudaHostUnregister(piece.data);
        cudaGetLastError();
    }
    if (piece.mapping) {
        munmap(piece.mapping, piece.mapped);
    }
    piece = Piece();
}

void PinnedPool::fill(std::uint64_t count, ThreadPool& workers,
                      const std::function<void(std::uint64_t, std::byte*)>& fill,
                      const std::function<void(std::uint64_t)>& done, const std::stop_token& stop) {
    try {
        fillPieces(count, workers, fill, done, stop);
    } catch (...) {
        clear();
        throw;
    }
}

void PinnedPool::fillPieces(std::uint64_t count, ThreadPool& workers,
                            const std::function<void(std::uint64_t, std::byte*)>& fill,
                            const std::function<void(std::uint64_t)>& done,
                            const std::stop_token& stop) {
    const std::uint64_t pieces = (count + m_perPiece - 1) / m_perPiece;
    while (m_pieces.size() > pieces) {
        drop(m_pieces.back());
        m_pieces.pop_back();
    }
    std::future<cudaError_t> registering; // of the piece before
    const auto finish = [&] {
        if (!registering.valid()) {
            return;
        }
        const cudaError_t status = registering.get();
        Piece& piece = m_pieces.back();
        piece.registered = status == cudaSuccess;
        if (status != cudaSuccess) {
            throw Error(ErrorCode::OutOfMemory,
                        "The system refused to keep " + formatBytes(piece.blocks * m_blockBytes) +
                            " of memory in place for the GPU (" + m_owner +
                            "): " + cudaGetErrorString(status),
                        "Give the model a smaller memory budget; more of it then stays on disk");
        }
    };
    for (std::uint64_t p = 0; p < pieces; ++p) {
        const std::uint64_t first = p * m_perPiece, blocks = std::min(m_perPiece, count - first);
        Piece fresh;
        const bool known = p < m_pieces.size() && m_pieces[p].blocks == blocks;
        if (!known) {
            if (p < m_pieces.size()) { // the last one, of another size
                drop(m_pieces[p]);
                m_pieces.pop_back();
            }
            fresh = make(blocks);
        }
        std::byte* data = known ? m_pieces[p].data : fresh.data;
        try {
            workers.parallelFor(blocks, 1, [&](std::size_t from, std::size_t to, unsigned) {
                for (std::size_t i = from; i < to && !stop.stop_requested(); ++i) {
                    fill(first + i, data + i * m_blockBytes);
                }
            });
            if (stop.stop_requested()) {
                throw Error(ErrorCode::Cancelled, "Stopped");
            }
            if (!known) {
                finish();
            }
        } catch (...) {
            drop(fresh);
            if (registering.valid()) { // the driver must not hold pages that are given back
                m_pieces.back().registered = registering.get() == cudaSuccess;
            }
            throw;
        }
        if (!known) {
            m_pieces.push_back(std::move(fresh));
            registering =
                std::async(std::launch::async, registerWithDriver, data, blocks * m_blockBytes);
        }
        done(first + blocks);
    }
    finish();
}

} // namespace dossier::engine::cuda
