// SPDX-License-Identifier: Apache-2.0
// A file mapped read-only into memory, safe against the file being cut short underneath us.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace dossier {

/// Move-only. The bytes stay valid until the object is destroyed.
///
/// Truncation: reading a page that the file no longer has would normally kill the process (SIGBUS).
/// While a MappedFile exists such a read gives zeros instead and marks the file as damaged; whoever
/// read calls `checkIntact()` afterwards (once per step is enough) and gets an Error instead of a
/// wrong result. SIGBUS from anywhere else is passed on to the handler that was there before.
/// Up to 4096 files can be guarded at once (a checkpoint has at most a few hundred shards).
class MappedFile {
  public:
    enum class Pattern {
        Normal,     ///< the system's default read-ahead
        Sequential, ///< front to back, once
        Random,     ///< no read-ahead (single experts)
        WillNeed,   ///< start reading now
    };

    /// Errors: NotFound, Permission, Io; TooLarge when the address space does not hold it;
    /// InvalidArgument when it is not a regular file. An empty file maps to an empty span.
    static MappedFile open(const std::filesystem::path& path);

    MappedFile() = default;
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    ~MappedFile();

    std::span<const std::byte> bytes() const noexcept { return {m_data, m_size}; }
    std::uint64_t size() const noexcept { return m_size; }
    const std::filesystem::path& path() const noexcept { return m_path; }

    /// A hint for [offset, offset + length); out-of-range parts are ignored, failures too.
    void advise(Pattern pattern, std::uint64_t offset = 0,
                std::uint64_t length = UINT64_MAX) const noexcept;

    /// Bytes of this mapping that are in RAM now (page cache), for the memory panel.
    std::uint64_t residentBytes() const;

    /// Throws Error(Corrupt) when the file is shorter than when it was opened, or when a read hit
    /// such a missing page. Costs one fstat.
    void checkIntact() const;

  private:
    void release() noexcept;

    std::filesystem::path m_path;
    const std::byte* m_data = nullptr;
    std::uint64_t m_size = 0;
    int m_fd = -1;
    int m_guard = -1; ///< index into the table that the SIGBUS handler reads
};

} // namespace dossier
