// SPDX-License-Identifier: Apache-2.0
// Lane files whose checksums are right and whose frontiers are not: what only the probe can find.
#pragma once

#include <algorithm>
#include <filesystem>
#include <vector>

#include "engine/lanes/lane_writer.h"

namespace dossier::engine::test_lanes {

/// Writes the file anew, record for record, with other bytes in the states of the frontiers at
/// `positions`; the probes' logits that are stored with them stay.
inline void forgeFrontiers(const std::filesystem::path& file,
                           const std::vector<std::uint64_t>& positions) {
    const auto forged = file.string() + ".forged";
    std::size_t done = 0;
    {
        const LaneHandle handle(file, LaneHandle::Mode::Read);
        const auto index = scanLane(handle);
        const auto writer = LaneWriter::create(forged, index->key);
        LaneIndex copy;
        for (const LaneRecord& record : index->records) {
            LaneDraft draft;
            draft.provisional = record.header.provisional;
            draft.begin = record.header.begin;
            draft.rowsEnd = record.header.rowsEnd;
            draft.numerics = record.numerics;
            draft.tokens.assign(index->tokens.begin() + static_cast<std::ptrdiff_t>(draft.begin),
                                index->tokens.begin() +
                                    static_cast<std::ptrdiff_t>(record.header.tokensEnd));
            std::copy_if(index->marks.begin(), index->marks.end(), std::back_inserter(draft.marks),
                         [&](const LaneMark& mark) {
                             return mark.end > draft.begin && mark.end <= record.header.tokensEnd;
                         });
            std::vector<std::vector<std::byte>> kept;
            kept.reserve(record.sections.size());
            for (const lane::Section& section : record.sections) {
                auto bytes = readSection(handle, record, section).value();
                if (section.kind == lane::SectionKind::Entries ||
                    section.kind == lane::SectionKind::Keys) {
                    kept.push_back(std::move(bytes));
                    draft.rows.push_back({section.kind, section.index, kept.back()});
                } else if (section.kind == lane::SectionKind::Frontier) {
                    const std::uint64_t position = section.index * kFrontierStep;
                    if (std::find(positions.begin(), positions.end(), position) !=
                        positions.end()) {
                        StoredFrontier stored = decodeFrontier(bytes).value();
                        for (std::size_t at = 0; at < stored.state.size(); at += 7) {
                            stored.state[at] ^= std::byte{0x41};
                        }
                        bytes = encodeFrontier(position, stored.probe, stored.state);
                        ++done;
                    }
                    draft.frontiers.push_back({position, std::move(bytes)});
                }
            }
            if (!copy.add(writer->append(draft, copy.end, copy.records.size(), copy.chain()),
                          draft.tokens, draft.marks)) {
                throw std::logic_error("a forged record does not follow");
            }
        }
    }
    if (done != positions.size()) {
        throw std::logic_error("there is no such frontier");
    }
    std::filesystem::rename(forged, file);
}

} // namespace dossier::engine::test_lanes
