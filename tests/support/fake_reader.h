// SPDX-License-Identifier: GPL-3.0-or-later
// A reader for tests: text files become documents in this process. Files whose text begins with
// "FAIL " fail with the rest of the line; "SLOW" ones take a second unless they are cancelled.
#pragma once

#include "ingest/ingest.h"

namespace dossier::test {

/// A document from plain text: paragraphs are what empty lines divide; a form feed begins a page.
ingest::Document documentFromText(std::string_view text, const std::string& title);

class FakeReader final : public ingest::Reader {
  public:
    std::vector<ingest::ConfinementLayer> confinement() override { return {}; }
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
};

} // namespace dossier::test
