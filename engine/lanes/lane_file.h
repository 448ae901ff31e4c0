// SPDX-License-Identifier: Apache-2.0
// What a lane file holds, found by walking its records: which rows, tokens, marks and frontiers are
// in use, and where the good part ends. Rows are not read here (restore.h does).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/lanes/lane_format.h"
#include "engine/lanes/lane_io.h"

namespace dossier::engine {

struct LaneRecord {
    std::uint64_t offset = 0; ///< in the file
    lane::RecordHeader header;
    std::vector<lane::Section> sections;
    std::uint32_t chain = 0;   ///< behind it
    std::string numerics;      ///< class that computed it
    std::uint64_t liveEnd = 0; ///< its rows from header.begin to here are in use; <= rowsEnd
};

struct LaneFrontier {
    std::uint64_t position = 0;
    std::size_t record = 0, section = 0; ///< indices into LaneIndex::records and their sections
};

struct LaneIndex {
    LaneKey key;
    std::vector<LaneRecord> records;        ///< all good ones, also those that are replaced
    std::uint64_t end = lane::kFirstRecord; ///< bytes up to the last good trailer
    std::uint64_t fileBytes = 0;
    std::vector<Token> tokens;
    std::vector<LaneMark> marks;
    std::vector<LaneFrontier> frontiers; ///< ascending
    std::string stopped; ///< why the walk ended before the end of the file; empty when it did not

    std::uint64_t rowsEnd() const { return frontiers.empty() ? 0 : frontiers.back().position; }
    /// Where the next record begins: the last frontier that is not provisional.
    std::uint64_t resumeAt() const;
    std::uint32_t chain() const { return records.empty() ? 0 : records.back().chain; }
    std::uint64_t usedBytes() const; ///< headers and sections in use

    /// Enters a record that was read or written. False when it does not follow: nothing changes.
    bool add(LaneRecord record, std::span<const Token> tokens, std::vector<LaneMark> marks);
    /// Uses only the first `tokens` tokens from now on. Changes no byte of the file.
    void keep(std::uint64_t tokens);
};

/// Reads the header and walks the records. Errors: Corrupt (both headers), Unsupported (byte order,
/// version), Io. A file that ends inside its headers, or behind them with one of them damaged,
/// gives no index: it was never finished and holds nothing yet.
std::unique_ptr<LaneIndex> scanLane(const LaneHandle&);

/// A section's bytes, compared with its checksum. Absent when it is damaged.
std::optional<std::vector<std::byte>> readSection(const LaneHandle&, const LaneRecord&,
                                                  const lane::Section&);

/// Refuses a lane of another model, tokenizer, layout or prefix: Error(InvalidArgument) in words.
void checkLaneKey(const LaneKey& file, const LaneKey& wanted, const std::filesystem::path&);

/// The logits behind one fixed token at a frontier, for comparing later.
struct Probe {
    Token token = 0;
    std::uint32_t checksum = 0; ///< of all logits as little-endian floats
    struct Sample {
        std::uint32_t id = 0;
        float logit = 0;
    };
    std::vector<Sample> samples;
};

/// A frontier as its section holds it: header, samples, state.
std::vector<std::byte> encodeFrontier(std::uint64_t position, const Probe&,
                                      std::span<const std::byte> state);
struct StoredFrontier {
    std::uint64_t position = 0;
    Probe probe;
    std::vector<std::byte> state;
};
std::optional<StoredFrontier> decodeFrontier(std::span<const std::byte> section);

/// For Engine::inspectLane: what the file says of itself; with `contents` all checksums.
LaneFileInfo describeLane(const std::filesystem::path&, bool contents, const ProgressFn&,
                          std::stop_token);

} // namespace dossier::engine
