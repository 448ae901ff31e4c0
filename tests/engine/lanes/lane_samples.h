// SPDX-License-Identifier: Apache-2.0
// Small lane files without a model: rows are made-up bytes.
#pragma once

#include <fstream>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

#include "engine/lanes/lane_writer.h"

namespace dossier::engine::test_lanes {

inline LaneKey sampleKey() {
    return {"0123abcd",    "Sample",       "none", "1 head=64 ratios=0,4,128",
            "cpu-plain-1", "Think hard.\n"};
}

inline std::vector<std::byte> noise(std::size_t bytes, std::uint32_t seed) {
    std::vector<std::byte> out(bytes);
    for (std::byte& byte : out) {
        seed = seed * 1664525u + 1013904223u;
        byte = static_cast<std::byte>(seed >> 24);
    }
    return out;
}

/// A record of `blocks` blocks of 128 tokens from `begin`, with a frontier at its end, 2 row
/// sections and a mark 5 tokens before its end; `tail` more tokens make it provisional.
inline LaneDraft sampleDraft(std::uint64_t begin, std::uint64_t blocks, std::uint64_t tail = 0) {
    LaneDraft draft;
    const std::uint64_t end = begin + blocks * kFrontierStep;
    draft.begin = begin;
    draft.rowsEnd = end;
    draft.provisional = tail > 0;
    draft.numerics = "cpu-plain-1";
    for (std::uint64_t p = begin; p < end + tail; ++p) {
        draft.tokens.push_back(static_cast<Token>(p * 7 % 1000));
    }
    if (blocks) {
        draft.marks.push_back({end - 5, "document " + std::to_string(end)});
        auto rows = std::make_shared<std::vector<std::vector<std::byte>>>();
        rows->push_back(noise(blocks * 96, static_cast<std::uint32_t>(begin + 1)));
        rows->push_back(noise(blocks * 13, static_cast<std::uint32_t>(begin + 2)));
        draft.rows.push_back({lane::SectionKind::Entries, 1, (*rows)[0]});
        draft.rows.push_back({lane::SectionKind::Keys, 1, (*rows)[1]});
        draft.keepAlive = rows;
        const Probe probe{3, 77, {{1, 0.5f}, {2, -1.25f}}};
        draft.frontiers.push_back(
            {end, encodeFrontier(end, probe, noise(300, static_cast<std::uint32_t>(end)))});
    }
    return draft;
}

/// Appends and enters the record, as LaneStore does.
inline void write(LaneWriter& writer, LaneIndex& index, const LaneDraft& draft) {
    LaneRecord record = writer.append(draft, index.end, index.records.size(), index.chain());
    if (!index.add(std::move(record), draft.tokens, draft.marks)) {
        throw std::logic_error("a sample record does not follow");
    }
}

/// Records [0, 256), [256, 384), and a provisional one [384, 512) with 9 tokens more.
inline LaneIndex writeSample(const std::filesystem::path& path) {
    const auto writer = LaneWriter::create(path, sampleKey());
    LaneIndex index;
    write(*writer, index, sampleDraft(0, 2));
    write(*writer, index, sampleDraft(256, 1));
    write(*writer, index, sampleDraft(384, 1, 9));
    return index;
}

inline std::string fileBytes(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void putBytes(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

} // namespace dossier::engine::test_lanes
