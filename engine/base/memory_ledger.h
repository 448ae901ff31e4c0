// SPDX-License-Identifier: Apache-2.0
// Who holds how much memory, and where: every large allocation of the engine is entered here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dossier {

enum class MemoryPlace {
    Vram,   ///< memory of the GPU
    Ram,    ///< heap
    Pinned, ///< RAM registered with the GPU driver; counts against the limit on RAM too
    Mapped, ///< file pages that the system may drop (page cache)
    Disk,   ///< files written by the engine
};
/// "vram", "ram", "pinned", "mapped", "disk": the spelling in JSON and on screen.
std::string_view memoryPlaceName(MemoryPlace place);

class LedgerEntry;

/// Thread-safe. Entries may outlive the ledger object.
class MemoryLedger {
  public:
    struct Row {
        std::string owner; ///< "dense weights", "expert cache", "lane rows", "scratch", ...
        MemoryPlace place = MemoryPlace::Ram;
        std::uint64_t bytes = 0;
        std::uint64_t peak = 0; ///< highest value of `bytes` so far
    };

    MemoryLedger();

    /// Most bytes that Vram, or Ram and Pinned together, may take; absent = no limit. Setting it
    /// below what is taken already frees nothing: the next entry fails. Other places: ignored.
    void setLimit(MemoryPlace place, std::optional<std::uint64_t> bytes);

    /// Enters `bytes` before they are allocated. Error(OutOfMemory) when that would exceed the
    /// limit; the text says the owner, what is missing and what to do.
    LedgerEntry take(std::string_view owner, MemoryPlace place, std::uint64_t bytes);

    /// Rows that hold bytes now, ordered by place, then by owner.
    std::vector<Row> snapshot() const;
    std::uint64_t total(MemoryPlace place) const;
    /// What the limit still allows; absent without one.
    std::optional<std::uint64_t> available(MemoryPlace place) const;

  private:
    friend class LedgerEntry;
    struct State;
    std::shared_ptr<State> m_state;
};

/// Gives the bytes back when destroyed. Move-only.
class LedgerEntry {
  public:
    LedgerEntry() = default;
    LedgerEntry(LedgerEntry&& other) noexcept;
    LedgerEntry& operator=(LedgerEntry&& other) noexcept;
    ~LedgerEntry();

    std::uint64_t bytes() const noexcept { return m_bytes; }
    /// Grows or shrinks the entry; growing may throw like MemoryLedger::take and then changes
    /// nothing.
    void resize(std::uint64_t bytes);
    /// Gives the bytes back now.
    void release() noexcept;

  private:
    friend class MemoryLedger;
    std::shared_ptr<MemoryLedger::State> m_state;
    std::size_t m_row = 0;
    std::uint64_t m_bytes = 0;
};

/// "3.43 GiB", "584 bytes": for error texts and logs.
std::string formatBytes(std::uint64_t bytes);

} // namespace dossier
