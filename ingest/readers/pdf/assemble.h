// SPDX-License-Identifier: GPL-3.0-or-later
// From pages of placed words to a document: canonical text, words, blocks.
#pragma once

#include <memory>
#include <string>

#include "ingest/readers/pdf/raw_page.h"
#include "ingest/readers/source.h"

namespace dossier::ingest::readers {

/// Takes the pages one after the other, so that only two pages' words are held beside the document.
/// What needs the whole document (divided words, running headers, headings by size of type) is
/// settled in finish().
class PdfAssembler {
  public:
    explicit PdfAssembler(Document& document);
    ~PdfAssembler();

    void addPage(RawPage page, std::string label);
    void finish();

  private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace dossier::ingest::readers
