// SPDX-License-Identifier: GPL-3.0-or-later
// Reading in this process: what dossier-reader does inside, and what tests use. The application
// never links this: it opens no untrusted file itself.
#pragma once

#include "ingest/readers/source.h"

namespace dossier::ingest::readers {

/// The format by the content's first bytes, then by the name.
Format formatOf(const SourceFile&);

/// Reads a loaded file with the reader of its format. The result keeps every promise of document.h.
Document readSource(SourceFile, const Job&);

} // namespace dossier::ingest::readers
