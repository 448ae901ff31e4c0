// SPDX-License-Identifier: GPL-3.0-or-later
// Reading order of a page, from the places of its words alone: columns, rows of tables, lines.
#pragma once

#include <cstdint>
#include <vector>

#include "ingest/readers/pdf/raw_page.h"

namespace dossier::ingest::readers {

/// A line of text in reading order. Coordinates are seen along the text: u grows in reading
/// direction, v from line to line, so that text written upwards looks like any other.
struct Line {
    std::vector<std::uint32_t> words; ///< into RawPage::words
    std::vector<bool> cellBefore;     ///< a gap as wide as between cells is before this word
    float u0 = 0, u1 = 0, v0 = 0, v1 = 0;
    float height = 0;                      ///< of its characters, by most of its text
    float columnLeft = 0, columnRight = 0; ///< the measure of the column it stands in
    std::uint32_t region = 0;              ///< lines of one column or cell have the same number
    std::uint32_t tableRow = 0; ///< cells of one row of a table have the same number; 0: no table
    Direction direction = Direction::Right;
};

/// All words of the page, each in exactly one line.
std::vector<Line> layOut(const RawPage&);

} // namespace dossier::ingest::readers
