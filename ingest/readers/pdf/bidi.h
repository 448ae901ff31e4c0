// SPDX-License-Identifier: GPL-3.0-or-later
// Hebrew and Arabic: from the order in which they are printed to the order in which they are read.
// A PDF's characters come as they stand on the page, from left to right.
#pragma once

#include <cstdint>
#include <vector>

#include "ingest/readers/pdf/raw_page.h"

namespace dossier::ingest::readers {

/// Lines with right-to-left letters: gives each its direction, orders its words along it, and their
/// characters as read. Words are cut where the direction changes within them. Words that are read
/// against their line (a name in Latin letters) stay in place and are marked so. Lines without such
/// letters are left as they are.
void findDirections(RawPage&);

/// Puts the marked words of a line, given in the order of their places, into the order of reading.
/// `cellBefore` begins a new cell, which no word leaves.
void orderAsRead(const RawPage&, std::vector<std::uint32_t>& words,
                 const std::vector<bool>& cellBefore);

} // namespace dossier::ingest::readers
