// SPDX-License-Identifier: Apache-2.0
// Raw memory for the engine's large arrays: aligned to a cache line, entered in the memory ledger.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "engine/base/memory_ledger.h"

namespace dossier {

/// Move-only. Aligned to 64 bytes, or to 2 MiB with HugePages::Yes.
class AlignedBuffer {
  public:
    enum class Fill {
        None, ///< contents unspecified
        Zero,
    };
    enum class HugePages { No, Yes }; ///< Yes: asks for them (madvise); the system may refuse

    AlignedBuffer() = default;
    /// Error(OutOfMemory) from the ledger's limit or when the system refuses. `ledger` is where
    /// the bytes are entered under (owner, "ram").
    AlignedBuffer(MemoryLedger& ledger, std::string_view owner, std::uint64_t bytes,
                  Fill fill = Fill::None, HugePages hugePages = HugePages::No);
    AlignedBuffer(AlignedBuffer&& other) noexcept;
    AlignedBuffer& operator=(AlignedBuffer&& other) noexcept;
    ~AlignedBuffer();

    std::byte* data() noexcept { return m_data; }
    const std::byte* data() const noexcept { return m_data; }
    std::uint64_t size() const noexcept { return m_size; }

    /// The buffer as an array of T (as many as fit).
    template<typename T>
    std::span<T> as() noexcept {
        static_assert(std::is_trivially_copyable_v<T>);
        return {reinterpret_cast<T*>(m_data), m_size / sizeof(T)};
    }
    template<typename T>
    std::span<const T> as() const noexcept {
        static_assert(std::is_trivially_copyable_v<T>);
        return {reinterpret_cast<const T*>(m_data), m_size / sizeof(T)};
    }

  private:
    void release() noexcept;

    LedgerEntry m_entry;
    std::byte* m_data = nullptr;
    std::uint64_t m_size = 0;
    std::uint64_t m_mapped = 0; ///< bytes obtained by mmap; 0 = from the heap
};

} // namespace dossier
