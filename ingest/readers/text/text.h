// SPDX-License-Identifier: GPL-3.0-or-later
// Plain text and source code. The canonical text is the file's text; its lines are the file's
// lines.
#pragma once

#include "ingest/readers/source.h"

namespace dossier::ingest::readers {

/// Blocks are runs of lines between empty lines; headings and list items are recognised in prose.
/// Throws Unsupported for binary files.
Document readText(const SourceFile&, const Job&);

/// The common beginning of all text formats: decoded text, encoding, checksum, line index; the
/// title is the file name. Throws Unsupported for binary files, TooLarge.
Document decodeFile(const SourceFile&, const Job&);

} // namespace dossier::ingest::readers
