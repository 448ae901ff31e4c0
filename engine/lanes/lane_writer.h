// SPDX-License-Identifier: Apache-2.0
// Appends records to a lane file: all of a record is on the disk before its trailer is, and nothing
// that was valid is ever touched.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/lanes/lane_file.h"

namespace dossier::engine {

/// What a record is made of. The spans must stay valid until it is written.
struct LaneDraft {
    bool provisional = false;
    std::uint64_t begin = 0, rowsEnd = 0; ///< positions
    std::string numerics;
    std::vector<Token> tokens; ///< from begin to the end of tokens
    std::vector<LaneMark> marks;
    struct Rows {
        lane::SectionKind kind = lane::SectionKind::Entries;
        std::uint32_t layer = 0;
        std::span<const std::byte> bytes;
    };
    std::vector<Rows> rows;
    struct Frontier {
        std::uint64_t position = 0;
        std::vector<std::byte> bytes; ///< encodeFrontier
    };
    std::vector<Frontier> frontiers;
    std::shared_ptr<const void> keepAlive; ///< whatever the spans point into
};

/// The file is open for writing and this is the only writer (lock).
class LaneWriter {
  public:
    /// Makes the file with its headers, durably. Error(InvalidArgument) when it exists.
    static std::unique_ptr<LaneWriter> create(const std::filesystem::path&, const LaneKey&);
    /// Takes an existing file over. Writes nothing yet: what is behind the last good record is cut
    /// off by the first append.
    static std::unique_ptr<LaneWriter> open(const std::filesystem::path&);

    const LaneHandle& file() const { return m_file; }

    /// Writes the headers of a file that has none yet (a crash while it was made).
    void writeHeaders(const LaneKey&);

    /// Writes a record behind the index's last one and returns when it is on the disk. The record
    /// is returned for LaneIndex::add. When it throws (DiskFull, Io) the file is as before.
    LaneRecord append(const LaneDraft&, std::uint64_t end, std::uint64_t number,
                      std::uint32_t chain);

  private:
    LaneWriter(const std::filesystem::path& path, LaneHandle::Mode mode) : m_file(path, mode) {}

    LaneHandle m_file;
};

} // namespace dossier::engine
