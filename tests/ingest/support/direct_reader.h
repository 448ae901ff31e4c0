// SPDX-License-Identifier: GPL-3.0-or-later
// An ingest::Reader that reads in this process: for tests of the window, which are not about
// confinement. Counts what it is asked.
#pragma once

#include <atomic>

#include "ingest/ingest.h"

namespace dossier::test {

class DirectReader final : public ingest::Reader {
  public:
    std::vector<ingest::ConfinementLayer> confinement() override;
    ingest::Document read(const std::filesystem::path& file, const ingest::ReadOptions&,
                          ingest::ReadProgressFn, std::stop_token) override;
    ingest::PageImage renderPage(const std::filesystem::path& pdf, const ingest::ReadOptions&,
                                 std::uint32_t page, std::uint32_t pageWidth, ingest::Box clip,
                                 std::stop_token) override;
    std::vector<ingest::OutlineEntry> outline(const std::filesystem::path& pdf,
                                              const ingest::ReadOptions&) override;
    std::vector<ingest::WalkEntry> walk(const std::filesystem::path& folder,
                                        const ingest::WalkOptions&, ingest::ReadProgressFn,
                                        std::stop_token) override;
    void writeAnnotatedCopy(const std::filesystem::path& pdf, const ingest::ReadOptions&,
                            const std::vector<ingest::PdfMark>&,
                            const std::filesystem::path& output) override;

    std::atomic<int> rendered = 0; ///< pages or parts drawn
};

} // namespace dossier::test
