// SPDX-License-Identifier: Apache-2.0
// An open file for reading and appending at given offsets. Errors name the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

namespace dossier::engine {

class LaneHandle {
  public:
    enum class Mode {
        Read,
        Write,     ///< must exist; holds the lock of the one writer
        CreateNew, ///< must not exist; the same lock
    };
    /// Errors: NotFound, Permission, Io; Busy when another process writes this file.
    LaneHandle(std::filesystem::path file, Mode);
    ~LaneHandle();
    LaneHandle(const LaneHandle&) = delete;
    LaneHandle& operator=(const LaneHandle&) = delete;

    const std::filesystem::path& file() const { return m_file; }
    std::uint64_t size() const;

    /// Fills `out` from `offset`; false when the file ends before. Error(Io). Any thread.
    bool readAt(std::uint64_t offset, std::span<std::byte> out) const;
    /// The same past the page cache where the file system can: offset, size and address of `out`
    /// are multiples of 4,096. What the cache already has comes from there.
    bool readAround(std::uint64_t offset, std::span<std::byte> out) const;

    /// Replace write(2), fdatasync(2) and ftruncate(2), empty: those again. For tests of full disks
    /// and of power loss; not while a file is being written.
    using WriteFn = std::function<long(int descriptor, const void* data, std::size_t bytes)>;
    using FlushFn = std::function<int(int descriptor)>;
    using CutFn = std::function<int(int descriptor, std::uint64_t size)>;
    static void setWriteFunction(WriteFn);
    static void setFlushFunction(FlushFn);
    static void setCutFunction(CutFn);

    /// Writes all of it at the end. Errors: DiskFull, Io. Part of it may have been written then.
    void append(std::span<const std::byte>);
    void cutTo(std::uint64_t size);
    void flush(); ///< returns when what was appended is on the disk

  private:
    std::filesystem::path m_file;
    int m_descriptor = -1;
    int m_direct = -1; ///< the same file past the cache; -1 = not possible here
};

/// Makes the entry of a new or renamed file in its folder durable.
void flushFolderOf(const std::filesystem::path& file);

} // namespace dossier::engine
