// SPDX-License-Identifier: GPL-3.0-or-later
// Word documents (Office Open XML). What is printed is the text: numbers of headings and lists are
// computed, tracked insertions are in, deletions are out, hidden text and field codes are out.
#pragma once

#include "ingest/readers/source.h"

namespace dossier::ingest::readers {

/// Rows of tables are blocks with tabs between the cells; footnotes stand at the end as "[^1]:
/// ...", with
/// "[^1]" at their place; headers and footers, each once, are Running blocks behind everything.
/// Throws Corrupt, TooLarge (zip bombs), Encrypted, Unsupported (old .doc files, absurd nesting).
Document readDocx(const SourceFile&, const Job&);

/// True for OLE files: old Word documents and encrypted new ones.
bool isOldOffice(std::string_view bytes);

} // namespace dossier::ingest::readers
