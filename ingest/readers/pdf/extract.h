// SPDX-License-Identifier: GPL-3.0-or-later
// Poppler's words of one page.
#pragma once

#include "ingest/readers/pdf/raw_page.h"
#include "ingest/readers/source.h"

namespace Poppler {
class Page;
}

namespace dossier::ingest::readers {

/// Throws Cancelled within a fraction of a second of a stop request, TooLarge for absurd pages.
RawPage extractPage(const Poppler::Page&, std::uint32_t index, const std::string& fileName,
                    const Job&);

} // namespace dossier::ingest::readers
