// SPDX-License-Identifier: Apache-2.0
// Frontiers as bytes, and what a lane file says of itself.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/base/crc32c.h"
#include "engine/base/error.h"
#include "engine/base/grouped.h"
#include "engine/lanes/lane_file.h"

namespace dossier::engine {
namespace {

constexpr std::size_t kFrontierHeader = 24, kSampleBytes = 8, kMaxSamples = 4096;

template<class T>
T take(const std::byte* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

} // namespace

std::vector<std::byte> encodeFrontier(std::uint64_t position, const Probe& probe,
                                      std::span<const std::byte> state) {
    const std::size_t head =
        lane::aligned(kFrontierHeader + probe.samples.size() * kSampleBytes, lane::kAlign);
    std::vector<std::byte> bytes(head + state.size());
    const auto samples = static_cast<std::uint32_t>(probe.samples.size());
    std::memcpy(bytes.data(), &position, 8);
    std::memcpy(bytes.data() + 8, &probe.token, 4);
    std::memcpy(bytes.data() + 12, &probe.checksum, 4);
    std::memcpy(bytes.data() + 16, &samples, 4);
    std::byte* at = bytes.data() + kFrontierHeader;
    for (const Probe::Sample& sample : probe.samples) {
        std::memcpy(at, &sample.id, 4);
        std::memcpy(at + 4, &sample.logit, 4);
        at += kSampleBytes;
    }
    std::copy(state.begin(), state.end(), bytes.begin() + static_cast<std::ptrdiff_t>(head));
    return bytes;
}

std::optional<StoredFrontier> decodeFrontier(std::span<const std::byte> section) {
    if (section.size() < kFrontierHeader) {
        return std::nullopt;
    }
    StoredFrontier frontier;
    frontier.position = take<std::uint64_t>(section.data());
    frontier.probe.token = take<Token>(section.data() + 8);
    frontier.probe.checksum = take<std::uint32_t>(section.data() + 12);
    const auto samples = take<std::uint32_t>(section.data() + 16);
    if (samples > kMaxSamples) {
        return std::nullopt;
    }
    const std::size_t head = lane::aligned(kFrontierHeader + samples * kSampleBytes, lane::kAlign);
    if (head > section.size()) {
        return std::nullopt;
    }
    for (std::uint32_t i = 0; i < samples; ++i) {
        const std::byte* at = section.data() + kFrontierHeader + i * kSampleBytes;
        frontier.probe.samples.push_back({take<std::uint32_t>(at), take<float>(at + 4)});
    }
    frontier.state.assign(section.begin() + static_cast<std::ptrdiff_t>(head), section.end());
    return frontier;
}

namespace {

/// A damaged part that is in use.
struct Damage {
    std::string part;
    std::uint64_t begin = 0, end = 0; ///< tokens that it is about
};

std::string partName(const lane::Section& section) {
    switch (section.kind) {
    case lane::SectionKind::Entries:
        return "rows of layer " + std::to_string(section.index);
    case lane::SectionKind::Keys:
        return "index keys of layer " + std::to_string(section.index);
    case lane::SectionKind::Frontier:
        return "the state for continuing";
    default: // the walk read them
        return "the directory";
    }
}

/// "rows of layer 3 (tokens 2,048 to 4,096) and 2 more parts"
std::string damageText(const std::vector<Damage>& damage) {
    const Damage& first = damage.front();
    std::string text = first.part;
    if (first.end > first.begin) {
        text += " (tokens " + grouped(first.begin) + " to " + grouped(first.end) + ")";
    } else {
        text += " after " + grouped(first.end) + " tokens";
    }
    if (damage.size() > 1) {
        text += " and " + std::to_string(damage.size() - 1) +
                (damage.size() == 2 ? " more part" : " more parts");
    }
    return text;
}

/// Compares every checksum and says what is damaged, and how much can be used: as opening does, up
/// to the first damaged rows, and from there back to a frontier that is whole.
void checkContents(const LaneHandle& file, const LaneIndex& index, LaneFileInfo& info,
                   const ProgressFn& progress, const std::stop_token& stop) {
    std::uint64_t good = index.rowsEnd(), unused = 0;
    std::vector<std::uint64_t> badFrontiers;
    std::vector<Damage> damage;
    for (std::size_t number = 0; number < index.records.size(); ++number) {
        const LaneRecord& record = index.records[number];
        const lane::RecordHeader& header = record.header;
        for (std::size_t i = 0; i < record.sections.size(); ++i) {
            if (stop.stop_requested()) {
                throw Error(ErrorCode::Cancelled, "Stopped");
            }
            const lane::Section& section = record.sections[i];
            if (readSection(file, record, section)) {
                continue;
            }
            const bool isFrontier = section.kind == lane::SectionKind::Frontier;
            const std::uint64_t position = section.index * kFrontierStep;
            const bool used = isFrontier
                                  ? std::any_of(index.frontiers.begin(), index.frontiers.end(),
                                                [&](const LaneFrontier& f) {
                                                    return f.record == number && f.section == i;
                                                })
                                  : record.liveEnd > header.begin;
            if (!used) {
                unused += section.bytes;
                continue;
            }
            info.damagedBytes += section.bytes;
            if (isFrontier) {
                badFrontiers.push_back(position);
                damage.push_back({partName(section), position, position});
            } else {
                good = std::min(good, header.begin);
                damage.push_back({partName(section), header.begin, record.liveEnd});
            }
        }
        if (progress) {
            progress({"Checking the lane", record.offset + header.bytes, index.end, 0});
        }
    }
    const auto isGood = [&](const LaneFrontier& f) {
        return f.position <= good && std::find(badFrontiers.begin(), badFrontiers.end(),
                                               f.position) == badFrontiers.end();
    };
    const auto last = std::find_if(index.frontiers.rbegin(), index.frontiers.rend(), isGood);
    const bool whole = good == index.rowsEnd() && last == index.frontiers.rbegin();
    if (!damage.empty()) {
        const std::uint64_t stay = last == index.frontiers.rend() ? 0 : last->position;
        info.note += "Damaged: " + damageText(damage) + ". " +
                     (whole ? "All tokens stay; going back to that place takes longer. "
                            : "The first " + grouped(stay) + " tokens stay, " +
                                  grouped(info.tokens - stay) + " are read again. ");
    }
    if (unused > 0) {
        info.note += "Of replaced records " + std::to_string(unused) +
                     " bytes are damaged, which nobody needs. ";
    }
}

} // namespace

LaneFileInfo describeLane(const std::filesystem::path& path, bool contents,
                          const ProgressFn& progress, std::stop_token stop) {
    const LaneHandle file(path, LaneHandle::Mode::Read);
    LaneFileInfo info;
    info.file = path;
    const auto index = scanLane(file);
    if (!index) {
        info.fileBytes = file.size();
        info.note = "Nothing was read into this lane yet";
        return info;
    }
    info.model = index->key.model;
    info.modelName = index->key.name;
    info.tokenizer = index->key.tokenizer;
    info.prefix = index->key.prefix;
    info.numerics = index->records.empty() ? index->key.numerics : index->records.back().numerics;
    info.tokens = index->tokens.size();
    info.fileBytes = index->fileBytes;
    info.damagedBytes = index->fileBytes - index->end;
    info.unusedBytes = index->fileBytes - std::min(index->fileBytes, index->usedBytes());
    info.contents.marks = index->marks;
    const std::uint64_t marked = index->marks.empty() ? 0 : index->marks.back().end;
    info.tail.assign(index->tokens.begin() + static_cast<std::ptrdiff_t>(marked),
                     index->tokens.end());
    for (const LaneFrontier& frontier : index->frontiers) {
        info.contents.frontiers.push_back(frontier.position);
    }
    if (!index->stopped.empty()) {
        info.note = index->stopped + "; the " + grouped(info.tokens) +
                    " tokens before it stay, what followed is read again. ";
    }
    if (contents) {
        checkContents(file, *index, info, progress, stop);
    }
    if (!info.note.empty()) {
        info.note.pop_back();
    }
    return info;
}

} // namespace dossier::engine
