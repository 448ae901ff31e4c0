// SPDX-License-Identifier: Apache-2.0
#include "engine/lanes/lane_file.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/base/crc32c.h"
#include "engine/base/error.h"
#include "engine/base/grouped.h"

namespace dossier::engine {

std::uint64_t LaneIndex::resumeAt() const {
    for (auto it = frontiers.rbegin(); it != frontiers.rend(); ++it) {
        if (!records[it->record].header.provisional) {
            return it->position;
        }
    }
    return 0;
}

std::uint64_t LaneIndex::usedBytes() const {
    std::uint64_t total = lane::kFirstRecord;
    for (const LaneRecord& record : records) {
        const std::uint64_t span = record.header.rowsEnd - record.header.begin;
        const std::uint64_t live = record.liveEnd - record.header.begin;
        const bool tail = &record == &records.back() && span == 0;
        total += tail ? record.header.bytes : span ? record.header.bytes * live / span : 0;
    }
    return total;
}

void LaneIndex::keep(std::uint64_t count) {
    if (count >= tokens.size()) {
        return;
    }
    tokens.resize(count);
    std::erase_if(marks, [&](const LaneMark& mark) { return mark.end > count; });
    std::erase_if(frontiers, [&](const LaneFrontier& f) { return f.position > count; });
    const std::uint64_t rows = rowsEnd();
    for (LaneRecord& record : records) {
        record.liveEnd = std::clamp(rows, record.header.begin, record.liveEnd);
    }
}

bool LaneIndex::add(LaneRecord record, std::span<const Token> newTokens,
                    std::vector<LaneMark> newMarks) {
    const lane::RecordHeader& header = record.header;
    const auto known = [&](std::uint64_t position) {
        return position == 0 ||
               std::any_of(frontiers.begin(), frontiers.end(),
                           [&](const LaneFrontier& f) { return f.position == position; });
    };
    if (header.number != records.size() || header.chain != chain() || !known(header.begin) ||
        header.begin > tokens.size() || newTokens.size() != header.tokensEnd - header.begin) {
        return false;
    }
    std::vector<LaneFrontier> newFrontiers;
    std::uint64_t before = header.begin;
    for (std::size_t i = 0; i < record.sections.size(); ++i) {
        if (record.sections[i].kind == lane::SectionKind::Frontier) {
            const std::uint64_t position = record.sections[i].index * kFrontierStep;
            if (position <= before || position > header.rowsEnd) {
                return false;
            }
            newFrontiers.push_back({position, records.size(), i});
            before = position;
        }
    }
    if (before != header.rowsEnd) { // rows end at a frontier
        return false;
    }
    if ((!newMarks.empty() &&
         (newMarks.front().end <= header.begin || newMarks.back().end > header.tokensEnd))) {
        return false;
    }
    keep(header.begin);
    tokens.insert(tokens.end(), newTokens.begin(), newTokens.end());
    marks.insert(marks.end(), std::make_move_iterator(newMarks.begin()),
                 std::make_move_iterator(newMarks.end()));
    frontiers.insert(frontiers.end(), newFrontiers.begin(), newFrontiers.end());
    end = record.offset + header.bytes;
    fileBytes = std::max(fileBytes, end);
    record.liveEnd = header.rowsEnd;
    records.push_back(std::move(record));
    return true;
}

namespace {

/// The record at `offset`, by its header, trailer and table. Absent when any of them is damaged.
std::optional<LaneRecord> readRecord(const LaneHandle& file, std::uint64_t offset,
                                     std::uint64_t fileBytes) {
    std::array<std::byte, lane::kRecordHeaderBytes> head;
    if (fileBytes - offset < head.size() || !file.readAt(offset, head)) {
        return std::nullopt;
    }
    const auto header = lane::decodeRecordHeader(head.data());
    if (!header || header->bytes > fileBytes - offset) {
        return std::nullopt;
    }
    // Table and trailer stand at the end; one read gets both.
    const std::uint64_t tableBytes = std::uint64_t{header->sections} * lane::kEntryBytes;
    const std::uint64_t tail =
        std::min(header->bytes,
                 lane::aligned(tableBytes + lane::kTrailerBytes, lane::kBlock) + lane::kBlock);
    std::vector<std::byte> bytes(tail);
    if (!file.readAt(offset + header->bytes - tail, bytes)) {
        return std::nullopt;
    }
    const auto trailer = lane::decodeTrailer(bytes.data() + tail - lane::kTrailerBytes);
    const std::uint64_t tailStart = header->bytes - tail;
    if (!trailer || trailer->number != header->number || trailer->bytes != header->bytes ||
        trailer->tokensEnd != header->tokensEnd || trailer->tableOffset < tailStart ||
        trailer->tableOffset > header->bytes - lane::kTrailerBytes ||
        tableBytes > header->bytes - lane::kTrailerBytes - trailer->tableOffset) {
        return std::nullopt;
    }
    const std::span<const std::byte> table =
        std::span<const std::byte>(bytes).subspan(trailer->tableOffset - tailStart, tableBytes);
    if (crc32c(table) != trailer->tableChecksum ||
        lane::chainOf(header->chain, head, table) != trailer->chain) {
        return std::nullopt;
    }
    auto sections = lane::decodeTable(table, trailer->tableOffset);
    if (!sections) {
        return std::nullopt;
    }
    LaneRecord record;
    record.offset = offset;
    record.header = *header;
    record.sections = std::move(*sections);
    record.chain = trailer->chain;
    return record;
}

/// Both copies of the header are what was written, zeros included.
bool isWhole(std::span<const std::byte> headers, const LaneKey& key) {
    const std::vector<std::byte> one = lane::encodeHeader(key);
    return std::equal(one.begin(), one.end(), headers.begin()) &&
           std::equal(one.begin(), one.end(), headers.begin() + lane::kHeaderBytes);
}

std::string positionText(std::uint64_t tokens) {
    return "after " + grouped(tokens) + " tokens";
}

} // namespace

std::optional<std::vector<std::byte>> readSection(const LaneHandle& file, const LaneRecord& record,
                                                  const lane::Section& section) {
    std::vector<std::byte> bytes(section.bytes);
    if (!file.readAt(record.offset + section.offset, bytes) || crc32c(bytes) != section.checksum) {
        return std::nullopt;
    }
    return bytes;
}

std::unique_ptr<LaneIndex> scanLane(const LaneHandle& file) {
    auto index = std::make_unique<LaneIndex>();
    index->fileBytes = file.size();
    if (index->fileBytes < lane::kFirstRecord) {
        return nullptr; // the headers are written and flushed before anything else
    }
    std::vector<std::byte> headers(lane::kFirstRecord);
    file.readAt(0, headers);
    const std::string name = file.file().string();
    auto key = lane::decodeHeader(std::span(headers).first(lane::kHeaderBytes), name);
    if (!key) {
        key = lane::decodeHeader(std::span(headers).subspan(lane::kHeaderBytes), name);
    }
    if (index->fileBytes == lane::kFirstRecord && !(key && isWhole(headers, *key))) {
        return nullptr; // a power loss while it was made
    }
    if (!key) {
        throw Error(ErrorCode::Corrupt, name + " is not a lane, or its header is damaged",
                    "Read the sources again; the file can be deleted");
    }
    index->key = std::move(*key);
    while (index->end < index->fileBytes) {
        auto record = readRecord(file, index->end, index->fileBytes);
        if (!record) {
            index->stopped =
                "A record " + positionText(index->tokens.size()) + " is damaged or unfinished";
            break;
        }
        std::vector<Token> tokens;
        std::vector<LaneMark> marks;
        bool good = true;
        for (const lane::Section& section : record->sections) {
            if (section.kind != lane::SectionKind::Numerics &&
                section.kind != lane::SectionKind::Tokens &&
                section.kind != lane::SectionKind::Marks) {
                continue;
            }
            const auto bytes = readSection(file, *record, section);
            if (!bytes) {
                good = false;
            } else if (section.kind == lane::SectionKind::Tokens) {
                tokens.resize(bytes->size() / sizeof(Token));
                std::memcpy(tokens.data(), bytes->data(), tokens.size() * sizeof(Token));
            } else {
                const std::string text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
                if (section.kind == lane::SectionKind::Numerics) {
                    record->numerics = text;
                } else if (auto decoded = lane::decodeMarks(text)) {
                    marks = std::move(*decoded);
                } else {
                    good = false;
                }
            }
        }
        if (!good || !index->add(std::move(*record), tokens, std::move(marks))) {
            index->stopped = "A record " + positionText(index->tokens.size()) + " is damaged";
            break;
        }
    }
    return index;
}

void checkLaneKey(const LaneKey& file, const LaneKey& wanted, const std::filesystem::path& path) {
    const auto refuse = [&](const std::string& why) {
        throw Error(ErrorCode::InvalidArgument, "The lane " + path.string() + " " + why,
                    "Read the sources with this model, or load the model that the lane is of; "
                    "nothing of the lane is lost");
    };
    if (file.model != wanted.model || file.layout != wanted.layout) {
        refuse("was read by another model (" + file.name + ", fingerprint " +
               file.model.substr(0, 8) + ") than the one that is loaded (" + wanted.name + ", " +
               wanted.model.substr(0, 8) + ")");
    }
    if (file.tokenizer != wanted.tokenizer) {
        refuse("was read with another tokenizer.json");
    }
    if (file.prefix != wanted.prefix) {
        refuse("was read for another reasoning level");
    }
}

} // namespace dossier::engine
