// SPDX-License-Identifier: Apache-2.0
#include "engine/lanes/lane_copy.h"

#include <algorithm>
#include <cstring>

#include "engine/base/error.h"
#include "engine/base/memory_ledger.h"
#include "engine/lanes/lane_writer.h"

namespace dossier::engine {
namespace {

/// The part of a record that is in use. Absent when a section is damaged.
std::optional<LaneDraft> liveDraft(const LaneHandle& file, const LaneIndex& index,
                                   std::size_t number) {
    const LaneRecord& record = index.records[number];
    const std::uint64_t begin = record.header.begin;
    const std::uint64_t span = record.header.rowsEnd - begin, live = record.liveEnd - begin;
    LaneDraft draft;
    draft.provisional = record.header.provisional;
    draft.begin = begin;
    draft.rowsEnd = record.liveEnd;
    draft.numerics = record.numerics;
    auto kept = std::make_shared<std::vector<std::vector<std::byte>>>();
    kept->reserve(record.sections.size());
    for (const lane::Section& section : record.sections) {
        const bool rows =
            section.kind == lane::SectionKind::Entries || section.kind == lane::SectionKind::Keys;
        if (rows && live > 0) {
            auto bytes = readSection(file, record, section);
            if (!bytes) {
                return std::nullopt;
            }
            bytes->resize(bytes->size() / (span / kFrontierStep) * (live / kFrontierStep));
            kept->push_back(std::move(*bytes));
            draft.rows.push_back({section.kind, section.index, kept->back()});
        } else if (section.kind == lane::SectionKind::Frontier &&
                   section.index * kFrontierStep <= record.liveEnd) {
            auto bytes = readSection(file, record, section);
            if (!bytes) {
                return std::nullopt;
            }
            draft.frontiers.push_back({section.index * kFrontierStep, std::move(*bytes)});
        }
    }
    draft.keepAlive = kept;
    return draft;
}

void requireSpace(const std::filesystem::path& to, std::uint64_t bytes) {
    std::error_code failed;
    const auto folder = to.has_parent_path() ? to.parent_path() : std::filesystem::path(".");
    const auto space = std::filesystem::space(folder, failed);
    if (!failed && space.available < bytes) {
        throw Error(ErrorCode::DiskFull,
                    "The lane needs " + formatBytes(bytes) + " in " + folder.string() +
                        ", which has " + formatBytes(space.available) + " left",
                    "Free some space there, or choose another disk");
    }
}

} // namespace

LaneFileInfo copyLaneFile(const std::filesystem::path& from, const std::filesystem::path& to,
                          std::uint64_t tokens, const ProgressFn& progress, std::stop_token stop) {
    const LaneHandle file(from, LaneHandle::Mode::Read);
    const auto index = scanLane(file);
    if (!index) {
        throw Error(ErrorCode::Corrupt, from.string() + " holds nothing", "Read the sources again");
    }
    index->keep(tokens);
    const std::uint64_t total = index->usedBytes();
    requireSpace(to, total);
    const auto writer = LaneWriter::create(to, index->key);
    LaneIndex copied;
    copied.key = index->key;
    bool damaged = false;
    const auto add = [&](LaneDraft draft, std::uint64_t end) {
        draft.tokens.assign(index->tokens.begin() + static_cast<std::ptrdiff_t>(draft.begin),
                            index->tokens.begin() + static_cast<std::ptrdiff_t>(end));
        for (const LaneMark& mark : index->marks) {
            if (mark.end > draft.begin && mark.end <= end) {
                draft.marks.push_back(mark);
            }
        }
        LaneRecord written =
            writer->append(draft, copied.end, copied.records.size(), copied.chain());
        if (!copied.add(std::move(written), draft.tokens, draft.marks)) {
            throw Error(ErrorCode::Internal, "A copied lane does not fit together");
        }
        if (progress) {
            progress({"Copying the lane", copied.end, std::max(total, copied.end), 0});
        }
    };
    for (std::size_t i = 0; i < index->records.size() && !damaged; ++i) {
        if (stop.stop_requested()) {
            throw Error(ErrorCode::Cancelled, "Stopped");
        }
        const LaneRecord& record = index->records[i];
        if (record.liveEnd == record.header.begin) {
            continue;
        }
        if (auto draft = liveDraft(file, *index, i)) {
            add(std::move(*draft), record.liveEnd);
        } else {
            damaged = true;
        }
    }
    if (!damaged && index->tokens.size() > copied.tokens.size()) { // behind the last rows
        LaneDraft tail;
        tail.provisional = true;
        tail.begin = tail.rowsEnd = copied.rowsEnd();
        tail.numerics = index->records.back().numerics;
        add(std::move(tail), index->tokens.size());
    }
    return describeLane(to, false, {}, {});
}

} // namespace dossier::engine
