// SPDX-License-Identifier: GPL-3.0-or-later
// Headings, list items and ends of sentences in plain lines of contracts and reports, by numbering
// and letters: shared by the readers whose formats do not mark them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace dossier::ingest::readers {

/// The level (1..6) of a line that reads like a heading: "ARTICLE IV", "Section 4.2 Payment",
/// "4.2 Payment Terms", "TERM AND TERMINATION". nullopt for sentences, however they are numbered.
std::optional<std::uint8_t> headingLevel(std::string_view line);

/// Length in bytes of a list marker and the blanks behind it ("(a) ", "1. ", "iv) ", "• "), 0 if
/// the line begins with none.
std::size_t listMarker(std::string_view line);

/// True if the text ends like a sentence or clause; closing quotes and brackets are skipped.
bool endsSentence(std::string_view text);
bool startsLower(std::string_view text);

} // namespace dossier::ingest::readers
