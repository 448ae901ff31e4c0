// SPDX-License-Identifier: Apache-2.0
// The bytes of a lane file: docs/formats/lane.md is the description, this is its code. Pure
// functions between structs and bytes; reading and writing files is lane_file.h and lane_writer.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/model/config.h"

namespace dossier::engine {

/// Positions that frontiers and records may stand at are multiples of this.
constexpr std::uint64_t kFrontierStep = 128;

/// What must be equal for a lane to be of use, and what is good to know.
struct LaneKey {
    std::string model;     ///< ModelInfo::fingerprint
    std::string name;      ///< ModelInfo::name, for messages
    std::string tokenizer; ///< SHA-256 of tokenizer.json, or "none"
    std::string layout;    ///< laneLayout()
    std::string numerics;  ///< class that made the file; may differ
    std::string prefix;    ///< reasoning prefix

    bool operator==(const LaneKey&) const = default;
};

/// All that decides sizes of rows and frontiers, as text.
std::string laneLayout(const ModelConfig&);

namespace lane {

constexpr std::uint64_t kHeaderBytes = 8192; ///< of one copy
constexpr std::uint64_t kFirstRecord = 2 * kHeaderBytes;
constexpr std::uint64_t kBlock = 4096; ///< records begin at multiples of this
constexpr std::uint64_t kAlign = 64;   ///< and sections at multiples of this in their record
constexpr std::uint32_t kRecordHeaderBytes = 64, kTrailerBytes = 64, kEntryBytes = 32;
constexpr std::size_t kMaxMarkId = 128;

constexpr std::uint64_t aligned(std::uint64_t bytes, std::uint64_t to) {
    return (bytes + to - 1) / to * to;
}

/// One copy of the header, kHeaderBytes long. Error(InvalidArgument) when the key does not fit.
std::vector<std::byte> encodeHeader(const LaneKey&);
/// Nothing when this copy is damaged. Error(Unsupported): another byte order, a newer version.
std::optional<LaneKey> decodeHeader(std::span<const std::byte> copy, const std::string& file);

struct RecordHeader {
    bool provisional = false;
    std::uint32_t sections = 0;
    std::uint64_t begin = 0, rowsEnd = 0, tokensEnd = 0; ///< positions
    std::uint64_t bytes = 0;
    std::uint64_t number = 0;
    std::uint32_t chain = 0; ///< of the record before
};
void encode(const RecordHeader&, std::byte* out);
/// Nothing when it is damaged or contradicts itself.
std::optional<RecordHeader> decodeRecordHeader(const std::byte* in);

enum class SectionKind : std::uint32_t {
    Numerics = 1,
    Tokens = 2,
    Marks = 3,
    Entries = 4,
    Keys = 5,
    Frontier = 6,
};
struct Section {
    SectionKind kind = SectionKind::Numerics;
    std::uint32_t index = 0;  ///< layer, or position / kFrontierStep of a frontier
    std::uint64_t offset = 0; ///< from the start of the record
    std::uint64_t bytes = 0;
    std::uint32_t checksum = 0;
};
std::vector<std::byte> encodeTable(std::span<const Section>);
/// Nothing when a section has an unknown kind, overlaps another or leaves [kRecordHeaderBytes,
/// end).
std::optional<std::vector<Section>> decodeTable(std::span<const std::byte>, std::uint64_t end);

struct Trailer {
    std::uint64_t number = 0, bytes = 0, tokensEnd = 0, tableOffset = 0;
    std::uint32_t tableChecksum = 0, chain = 0;
};
void encode(const Trailer&, std::byte* out);
std::optional<Trailer> decodeTrailer(const std::byte* in);

/// The chain behind a record.
std::uint32_t chainOf(std::uint32_t before, std::span<const std::byte> header,
                      std::span<const std::byte> table);

std::string encodeMarks(std::span<const LaneMark>);
/// Nothing when it is not what encodeMarks writes.
std::optional<std::vector<LaneMark>> decodeMarks(std::string_view);

} // namespace lane
} // namespace dossier::engine
