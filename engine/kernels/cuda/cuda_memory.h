// SPDX-License-Identifier: Apache-2.0
// VRAM and pinned RAM, every byte entered in the memory ledger. Private to engine/kernels/cuda and
// engine/experts.
#pragma once

#include <memory>

#include "engine/base/memory_ledger.h"
#include "engine/kernels/operations.h"

namespace dossier::engine::cuda {

/// The ledger's owner names, as the memory panel shows them.
inline constexpr const char* kDenseWeights = "dense weights";
inline constexpr const char* kExpertCache = "expert cache";
inline constexpr const char* kExpertPool = "expert pool";
inline constexpr const char* kReadingBuffers = "reading buffers";
inline constexpr const char* kScratch = "scratch";
inline constexpr const char* kStaging = "staging";
inline constexpr const char* kContext = "GPU context";

/// A piece of VRAM. Move-only. Error(OutOfMemory) from the ledger's limit or the driver.
class VramBuffer {
  public:
    VramBuffer() = default;
    VramBuffer(MemoryLedger& ledger, const char* owner, std::uint64_t bytes);
    VramBuffer(VramBuffer&& other) noexcept;
    VramBuffer& operator=(VramBuffer&& other) noexcept;
    ~VramBuffer();

    std::byte* data() const { return m_data; }
    std::uint64_t bytes() const { return m_entry.bytes(); }
    template<class T>
    T* as() const {
        return reinterpret_cast<T*>(m_data);
    }

  private:
    LedgerEntry m_entry;
    std::byte* m_data = nullptr;
};

/// RAM that the GPU reads and writes directly; the same address on both sides.
class PinnedBuffer {
  public:
    PinnedBuffer() = default;
    PinnedBuffer(MemoryLedger& ledger, const char* owner, std::uint64_t bytes);
    PinnedBuffer(PinnedBuffer&& other) noexcept;
    PinnedBuffer& operator=(PinnedBuffer&& other) noexcept;
    ~PinnedBuffer();

    std::byte* data() const { return m_data; }
    std::uint64_t bytes() const { return m_entry.bytes(); }
    template<class T>
    T* as() const {
        return reinterpret_cast<T*>(m_data);
    }

  private:
    LedgerEntry m_entry;
    std::byte* m_data = nullptr;
};

/// Operations::allocateStaging: pinned, of a fixed size.
std::unique_ptr<DeviceMemory> allocatePinned(MemoryLedger&, std::uint64_t bytes, const char* owner);

/// Operations::allocate and reserve. Reserved address space takes memory as it grows, in the
/// driver's granules.
std::unique_ptr<DeviceMemory> allocateVram(MemoryLedger&, std::uint64_t bytes, const char* owner);
std::unique_ptr<DeviceMemory> reserveVram(MemoryLedger&, std::uint64_t maxBytes, const char* owner,
                                          int device);

} // namespace dossier::engine::cuda
