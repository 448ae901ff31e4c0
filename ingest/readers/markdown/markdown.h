// SPDX-License-Identifier: GPL-3.0-or-later
// Markdown files (GitHub's dialect). The canonical text is the source text, so that its lines are
// those of the file; the structure only says which lines are which block.
#pragma once

#include "ingest/readers/source.h"

namespace dossier::ingest::readers {

/// Throws Unsupported for binary files.
Document readMarkdown(const SourceFile&, const Job&);

} // namespace dossier::ingest::readers
