// SPDX-License-Identifier: Apache-2.0
#include "engine/lanes/lane_format.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include "engine/base/crc32c.h"
#include "engine/base/error.h"

namespace dossier::engine {

std::string laneLayout(const ModelConfig& config) {
    std::string text = "1 head=" + std::to_string(config.headDim) +
                       " rope=" + std::to_string(config.ropeDim) +
                       " key=" + std::to_string(config.indexHeadDim) +
                       " window=" + std::to_string(config.slidingWindow) + " ratios=";
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        text += layer ? "," : "";
        text += std::to_string(config.compressRatios[layer]);
    }
    return text;
}

namespace lane {
namespace {

static_assert(std::endian::native == std::endian::little,
              "lane files are written as the computer stores numbers");

constexpr std::array<unsigned char, 8> kMagic{0x89, 'D', 'L', 'A', 'N', 'E', '\n', 0x1A};
constexpr std::uint32_t kOrder = 0x01020304, kOtherOrder = 0x04030201, kVersion = 1;
constexpr std::uint64_t kTextOffset = 24;
constexpr std::uint64_t kRecordMagic = 0x31434552454E414C;  // "LANEREC1"
constexpr std::uint64_t kTrailerMagic = 0x31444E45454E414C; // "LANEEND1"

template<class T>
void put(std::byte* at, T value) {
    std::memcpy(at, &value, sizeof value);
}
template<class T>
T take(const std::byte* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

/// A checksum of bytes 0-59 in bytes 60-63.
void seal(std::byte* block) {
    put(block + 60, crc32c({block, 60}));
}
bool sealed(const std::byte* block) {
    return take<std::uint32_t>(block + 60) == crc32c({block, 60});
}

/// "word value" of the next line, which must have that word.
bool takeLine(std::string_view& text, std::string_view word, std::string& value) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos || !text.starts_with(word) || end < word.size() + 1 ||
        text[word.size()] != ' ') {
        return false;
    }
    value = text.substr(word.size() + 1, end - word.size() - 1);
    text.remove_prefix(end + 1);
    return true;
}

std::optional<std::uint64_t> number(std::string_view digits) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) {
        return std::nullopt;
    }
    return value;
}

std::optional<LaneKey> parseKey(std::string_view text) {
    LaneKey key;
    std::string prefixBytes;
    if (!takeLine(text, "model", key.model) || !takeLine(text, "name", key.name) ||
        !takeLine(text, "tokenizer", key.tokenizer) || !takeLine(text, "layout", key.layout) ||
        !takeLine(text, "numerics", key.numerics) || !takeLine(text, "prefix", prefixBytes) ||
        number(prefixBytes) != text.size()) {
        return std::nullopt;
    }
    key.prefix = text;
    return key;
}

} // namespace

std::vector<std::byte> encodeHeader(const LaneKey& key) {
    std::string text;
    const std::pair<const char*, const std::string*> lines[] = {{"model", &key.model},
                                                                {"name", &key.name},
                                                                {"tokenizer", &key.tokenizer},
                                                                {"layout", &key.layout},
                                                                {"numerics", &key.numerics}};
    for (const auto& [word, value] : lines) {
        std::string line = *value;
        std::replace(line.begin(), line.end(), '\n', ' ');
        text += std::string(word) + " " + line + "\n";
    }
    text += "prefix " + std::to_string(key.prefix.size()) + "\n" + key.prefix;
    if (text.size() > kHeaderBytes - kTextOffset) {
        throw Error(ErrorCode::InvalidArgument,
                    "The reasoning prefix of " + std::to_string(key.prefix.size()) +
                        " bytes does not fit into a lane file",
                    "Use a shorter effort text in the profile");
    }
    std::vector<std::byte> header(kHeaderBytes);
    std::memcpy(header.data(), kMagic.data(), kMagic.size());
    put(header.data() + 8, kOrder);
    put(header.data() + 12, kVersion);
    put(header.data() + 16, static_cast<std::uint32_t>(text.size()));
    std::memcpy(header.data() + kTextOffset, text.data(), text.size());
    const std::uint32_t checksum = crc32c({header.data(), 20});
    put(header.data() + 20, crc32c({header.data() + kTextOffset, text.size()}, checksum));
    return header;
}

std::optional<LaneKey> decodeHeader(std::span<const std::byte> copy, const std::string& file) {
    if (copy.size() < kHeaderBytes || std::memcmp(copy.data(), kMagic.data(), kMagic.size()) != 0) {
        return std::nullopt;
    }
    const auto order = take<std::uint32_t>(copy.data() + 8);
    const auto version = take<std::uint32_t>(copy.data() + 12);
    const auto length = take<std::uint32_t>(copy.data() + 16);
    if (order == kOtherOrder) {
        throw Error(ErrorCode::Unsupported,
                    file + " was written on a computer that stores numbers the other way round",
                    "Read the sources again on this computer");
    }
    if (order != kOrder || length > kHeaderBytes - kTextOffset ||
        take<std::uint32_t>(copy.data() + 20) !=
            crc32c(copy.subspan(kTextOffset, length), crc32c(copy.first(20)))) {
        return std::nullopt;
    }
    if (version != kVersion) {
        throw Error(ErrorCode::Unsupported,
                    file + " was written by another version of Dossier (lane format " +
                        std::to_string(version) + ", this version knows " +
                        std::to_string(kVersion) + ")",
                    "Install that version, or read the sources again");
    }
    return parseKey({reinterpret_cast<const char*>(copy.data()) + kTextOffset, length});
}

void encode(const RecordHeader& header, std::byte* out) {
    put(out, kRecordMagic);
    put(out + 8, std::uint32_t{header.provisional});
    put(out + 12, header.sections);
    put(out + 16, header.begin);
    put(out + 24, header.rowsEnd);
    put(out + 32, header.tokensEnd);
    put(out + 40, header.bytes);
    put(out + 48, header.number);
    put(out + 56, header.chain);
    seal(out);
}

std::optional<RecordHeader> decodeRecordHeader(const std::byte* in) {
    const auto flags = take<std::uint32_t>(in + 8);
    if (take<std::uint64_t>(in) != kRecordMagic || !sealed(in) || flags > 1) {
        return std::nullopt;
    }
    RecordHeader header;
    header.provisional = flags & 1;
    header.sections = take<std::uint32_t>(in + 12);
    header.begin = take<std::uint64_t>(in + 16);
    header.rowsEnd = take<std::uint64_t>(in + 24);
    header.tokensEnd = take<std::uint64_t>(in + 32);
    header.bytes = take<std::uint64_t>(in + 40);
    header.number = take<std::uint64_t>(in + 48);
    header.chain = take<std::uint32_t>(in + 56);
    const std::uint64_t least = kRecordHeaderBytes + kTrailerBytes;
    if (header.begin % kFrontierStep || header.rowsEnd % kFrontierStep ||
        header.begin > header.rowsEnd || header.rowsEnd > header.tokensEnd ||
        header.bytes % kBlock || header.bytes < least ||
        header.sections > (header.bytes - least) / kEntryBytes) {
        return std::nullopt;
    }
    return header;
}

std::vector<std::byte> encodeTable(std::span<const Section> sections) {
    std::vector<std::byte> table(sections.size() * kEntryBytes);
    std::byte* at = table.data();
    for (const Section& section : sections) {
        put(at, static_cast<std::uint32_t>(section.kind));
        put(at + 4, section.index);
        put(at + 8, section.offset);
        put(at + 16, section.bytes);
        put(at + 24, section.checksum);
        at += kEntryBytes;
    }
    return table;
}

std::optional<std::vector<Section>> decodeTable(std::span<const std::byte> table,
                                                std::uint64_t end) {
    std::vector<Section> sections;
    std::uint64_t free = kRecordHeaderBytes;
    for (std::size_t at = 0; at + kEntryBytes <= table.size(); at += kEntryBytes) {
        const std::byte* in = table.data() + at;
        const auto kind = take<std::uint32_t>(in);
        Section& section = sections.emplace_back();
        section.kind = static_cast<SectionKind>(kind);
        section.index = take<std::uint32_t>(in + 4);
        section.offset = take<std::uint64_t>(in + 8);
        section.bytes = take<std::uint64_t>(in + 16);
        section.checksum = take<std::uint32_t>(in + 24);
        if (kind < 1 || kind > 6 || section.offset % kAlign || section.offset < free ||
            section.offset > end || section.bytes > end - section.offset) {
            return std::nullopt;
        }
        free = section.offset + section.bytes;
    }
    return sections;
}

void encode(const Trailer& trailer, std::byte* out) {
    std::memset(out, 0, kTrailerBytes);
    put(out, kTrailerMagic);
    put(out + 8, trailer.number);
    put(out + 16, trailer.bytes);
    put(out + 24, trailer.tokensEnd);
    put(out + 32, trailer.tableOffset);
    put(out + 52, trailer.tableChecksum);
    put(out + 56, trailer.chain);
    seal(out);
}

std::optional<Trailer> decodeTrailer(const std::byte* in) {
    if (take<std::uint64_t>(in) != kTrailerMagic || !sealed(in)) {
        return std::nullopt;
    }
    Trailer trailer;
    trailer.number = take<std::uint64_t>(in + 8);
    trailer.bytes = take<std::uint64_t>(in + 16);
    trailer.tokensEnd = take<std::uint64_t>(in + 24);
    trailer.tableOffset = take<std::uint64_t>(in + 32);
    trailer.tableChecksum = take<std::uint32_t>(in + 52);
    trailer.chain = take<std::uint32_t>(in + 56);
    return trailer;
}

std::uint32_t chainOf(std::uint32_t before, std::span<const std::byte> header,
                      std::span<const std::byte> table) {
    std::array<std::byte, 4> bytes;
    put(bytes.data(), before);
    return crc32c(table, crc32c(header, crc32c(bytes)));
}

std::string encodeMarks(std::span<const LaneMark> marks) {
    std::string text;
    for (const LaneMark& mark : marks) {
        text += std::to_string(mark.end) + " " + mark.id + "\n";
    }
    return text;
}

std::optional<std::vector<LaneMark>> decodeMarks(std::string_view text) {
    std::vector<LaneMark> marks;
    while (!text.empty()) {
        const std::size_t end = text.find('\n'), blank = text.find(' ');
        if (end == std::string_view::npos || blank >= end || end - blank - 1 > kMaxMarkId) {
            return std::nullopt;
        }
        const auto position = number(text.substr(0, blank));
        if (!position || (!marks.empty() && *position < marks.back().end)) {
            return std::nullopt;
        }
        marks.push_back({*position, std::string(text.substr(blank + 1, end - blank - 1))});
        text.remove_prefix(end + 1);
    }
    return marks;
}

} // namespace lane
} // namespace dossier::engine
