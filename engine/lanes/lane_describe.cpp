// SPDX-License-Identifier: Apache-2.0
// Frontiers as bytes, and what a lane file says of itself.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/base/crc32c.h"
#include "engine/base/error.h"
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
    info.note = index->stopped.empty() ? "" : index->stopped + ". ";
    if (contents) {
        std::uint64_t done = 0, bad = 0, firstBad = UINT64_MAX;
        for (const LaneRecord& record : index->records) {
            for (const lane::Section& section : record.sections) {
                if (stop.stop_requested()) {
                    throw Error(ErrorCode::Cancelled, "Stopped");
                }
                if (!readSection(file, record, section)) {
                    bad += section.bytes;
                    firstBad = std::min(firstBad, record.header.begin);
                }
            }
            done = record.offset + record.header.bytes;
            if (progress) {
                progress({"Checking the lane", done, index->end, 0});
            }
        }
        if (bad) {
            info.damagedBytes += bad;
            info.note += "What was read after " + std::to_string(firstBad) +
                         " tokens is damaged and has to be read again. ";
        }
    }
    if (!info.note.empty()) {
        info.note.pop_back();
        info.note += info.note.back() == '.' ? "" : ".";
    }
    return info;
}

} // namespace dossier::engine
