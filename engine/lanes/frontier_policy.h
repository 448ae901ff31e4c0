// SPDX-License-Identifier: Apache-2.0
// Where the frontiers and records of a lane stand (docs/formats/lane.md). Depends on positions and
// document ends alone, so that an interrupted reading that goes on makes the same file.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/engine.h"
#include "engine/lanes/lane_format.h"

namespace dossier::engine {

/// Tokens between frontiers, at least.
constexpr std::uint64_t kFrontierSpacing = 2048;

class FrontierPolicy {
  public:
    /// `superChunk`: tokens read in one go, a multiple of 128. The others: sizes on disk; document
    /// ends may add a quarter to the bytes of the rows.
    FrontierPolicy(std::uint64_t superChunk, std::uint64_t frontierBytes, double rowBytesPerToken);

    /// Where a reading that stands at `position` makes its next stop: super-chunks end at multiples
    /// of their size.
    std::uint64_t chunkEnd(std::uint64_t position) const;

    /// Of `captured` (ascending positions behind `begin`) those that a record from `begin` keeps.
    std::vector<std::uint64_t> select(std::uint64_t begin,
                                      std::span<const std::uint64_t> captured) const;

    /// Positions in (from, to] at which a reading from `from` to `to` captures a frontier, given
    /// the ends of documents and what was captured since `begin`, where the next record begins.
    std::vector<std::uint64_t> captures(std::uint64_t begin,
                                        std::span<const std::uint64_t> captured, std::uint64_t from,
                                        std::uint64_t to, std::span<const LaneMark> marks) const;

    /// Whether a record from `begin` ends now that `position` was read.
    bool due(std::uint64_t begin, std::uint64_t position) const;

    /// Where the frontier of a provisional record stands that ends with `tokens`.
    static std::uint64_t provisional(std::uint64_t tokens) {
        return tokens == 0 ? 0 : (tokens - 1) / kFrontierStep * kFrontierStep;
    }

    std::uint64_t documentSpacing() const { return m_documentSpacing; }

  private:
    bool wanted(std::uint64_t position, std::uint64_t last) const;

    std::uint64_t m_superChunk, m_documentSpacing;
};

} // namespace dossier::engine
