// SPDX-License-Identifier: GPL-3.0-or-later
// Builds canonical text block by block, for the formats that have no pages and no lines of their
// own.
#pragma once

#include <string>
#include <string_view>

#include "ingest/document/document.h"

namespace dossier::ingest::readers {

class BlockWriter {
  public:
    explicit BlockWriter(Document& document) : m_document(document) {}

    /// Appends a block, with an empty line before it (rows of a table: a line break). White space
    /// at both ends is cut off; nothing is written for what is left empty.
    void add(std::string_view text, BlockKind kind, std::uint8_t level = 0);

    std::size_t size() const { return m_document.text.size(); }

  private:
    Document& m_document;
};

/// Collapses runs of white space of any kind to one blank, keeps '\n' if asked to, drops what
/// cannot be seen (soft hyphens, zero-width characters) and replaces control characters.
class TextCleaner {
  public:
    enum class Breaks { Keep, Collapse };
    /// Appends `raw` (UTF-8, repaired where it is not) to `text`; blanks at a seam are not doubled.
    static void append(std::string& text, std::string_view raw, Breaks breaks = Breaks::Collapse);
};

} // namespace dossier::ingest::readers
