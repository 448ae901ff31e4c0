// SPDX-License-Identifier: GPL-3.0-or-later
// Rows of the database as values, where more than one file needs them.
#pragma once

#include "app/model_types.h"
#include "app/store/sqlite.h"

namespace dossier::app {

/// Columns: answer, number, quote, answer_begin, answer_end, verdict, percent, forced, named,
/// document, source, range_begin, range_end, page, page_label, line, section.
Citation citationIn(const Query&);
void insertCitation(Database&, AnswerId, std::uint32_t number, const Citation&);

/// Columns: id, source, kind, range_begin, range_end, rgb, note, author, quote, created_ms,
/// changed_ms.
Mark markIn(const Query&);

} // namespace dossier::app
