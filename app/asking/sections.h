// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers of clauses: "5.2" of a line that begins "5.2 Landlord's repairs", for naming places and
// for cutting passages.
#pragma once

#include <string>
#include <string_view>

#include "ingest/document/document.h"

namespace dossier::app {

/// What a line of text begins with.
struct ClauseNumber {
    std::string number;     ///< "5", "5.2", "5.2.1", "(a)", "(iv)", "IX"; empty when there is none
    std::size_t length = 0; ///< bytes of the line up to the words behind it
    bool major = false;     ///< names a place on its own ("5.2", "Article IX"), unlike "(a)"
};

/// Looks at the beginning of a line (leading blanks are skipped).
ClauseNumber clauseNumberOf(std::string_view line);

/// The number of the clause that a position stands in: of the last line that begins with one and
/// begins at or before it. Empty when there is none within 20,000 bytes, and for code.
std::string sectionAt(const ingest::Document&, std::uint64_t offset);

} // namespace dossier::app
