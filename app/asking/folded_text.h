// SPDX-License-Identifier: GPL-3.0-or-later
// Text reduced to what a quotation must share with its source, with the way back to the original
// bytes. Folding is the same for sources and quotations, so that comparing is searching.
//
// What folding makes equal: case; runs of white space, and white space beside punctuation; all
// kinds of quotation marks; ligatures, full-width and other compatibility forms; composed and
// decomposed accents; a hyphen between letters, at a line end or not (soft hyphens too); all kinds
// of dashes with or without spaces; "…" and "..."; invisible characters. Numbers keep their
// hyphens: "10-14" never equals "1014".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/document/document.h"

namespace dossier::app {

/// Immutable; safe to use from any thread.
class FoldedText {
  public:
    /// `skip`: ascending ranges that are read as white space (page headers between two halves of a
    /// sentence).
    explicit FoldedText(std::string_view original, std::span<const ingest::TextRange> skip = {});

    const std::string& text() const { return m_text; }
    /// Range of the original that folded bytes [begin, end) came from; begin < end.
    ingest::TextRange original(std::size_t begin, std::size_t end) const;
    /// True when no word of the folded text reaches over this position.
    bool isWordEdge(std::size_t position) const;
    std::size_t bytesHeld() const;

  private:
    friend class Folder;
    std::string m_text;
    /// Where the character of each folded byte begins in the original, and the end of the text.
    std::vector<std::uint32_t> m_origin;
    std::vector<std::uint8_t> m_length; ///< bytes of that character in the original
};

/// A quotation without what only marks that it was cut: outer white space, "…", "[...]".
std::string_view withoutCutMarks(std::string_view quote);

/// Number of characters (code points) of valid UTF-8.
std::size_t characterCount(std::string_view text);

} // namespace dossier::app
