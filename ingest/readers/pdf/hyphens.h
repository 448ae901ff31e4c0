// SPDX-License-Identifier: GPL-3.0-or-later
// Words divided at line ends.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "ingest/document/document.h"

namespace dossier::ingest::readers {

/// A hyphen at the end of a line whose word goes on in the next: the text reads "termi-nation"
/// there.
struct LineEndHyphen {
    std::uint64_t offset = 0; ///< of the hyphen in the text
    std::size_t word = 0;     ///< Document::words index of the word that ends in it
    std::uint32_t bytes = 1;
};

/// Bytes of the hyphen at the end of `line` if it may only divide a word: a letter before it, a
/// small letter after it. nullopt otherwise.
std::optional<std::size_t> lineEndHyphen(std::string_view line, std::string_view next);

/// Takes out of text and words the hyphens that only divide: those whose word stands elsewhere in
/// the document without hyphen and nowhere with it. Where neither is found, the document's other
/// line ends decide if they agree; else the hyphen stays as printed.
void joinDividedWords(Document&, const std::vector<LineEndHyphen>&);

} // namespace dossier::ingest::readers
