// SPDX-License-Identifier: GPL-3.0-or-later
// HTML files. What a browser would show is the text: scripts, styles and hidden parts are out,
// numbers and bullets of lists are in.
#pragma once

#include "ingest/readers/source.h"

namespace dossier::ingest::readers {

/// Throws Unsupported for binary files and for absurd nesting.
Document readHtml(const SourceFile&, const Job&);

} // namespace dossier::ingest::readers
