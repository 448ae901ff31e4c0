// SPDX-License-Identifier: Apache-2.0
// Brings the rows of a lane file back into a sequence at the speed of the disk: threads read and
// check, the device takes what is ready.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/lanes/lane_file.h"
#include "engine/transformer/sequence.h"

namespace dossier::engine {

/// Sections are read together up to this many bytes, or one that is larger by itself.
constexpr std::uint64_t kRestorePiece = std::uint64_t{8} << 20;
/// Threads that read; they wait for the disk most of the time, so their number is not that of
/// cores.
constexpr unsigned kRestoreThreads = 8;

class LaneLoader {
  public:
    /// The sequence must have room prepared for index.rowsEnd() tokens. All arguments outlive this.
    LaneLoader(Operations&, const ModelConfig&, const LaneHandle&, const LaneIndex&, Sequence&);
    ~LaneLoader();

    /// Takes what is ready, waiting a little; true when all is done. Owner thread. Error(Io).
    bool step();
    std::uint64_t bytesDone() const;  ///< of rows, read and checked
    std::uint64_t bytesTotal() const; ///< of rows
    /// Where the good rows end: before the first damaged record. Complete when step() was true.
    std::uint64_t goodEnd() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> d;
};

/// The rows of a sequence between two positions as they go into a record: kind, layer, device
/// address and bytes of each section, in order.
struct RowSlice {
    lane::SectionKind kind = lane::SectionKind::Entries;
    std::uint32_t layer = 0;
    std::byte* device = nullptr;
    std::uint64_t bytes = 0;
};
std::vector<RowSlice> rowSlices(const ModelConfig&, Sequence& lane, std::uint64_t begin,
                                std::uint64_t end);

} // namespace dossier::engine
