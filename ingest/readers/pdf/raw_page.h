// SPDX-License-Identifier: GPL-3.0-or-later
// The words of a PDF page as Poppler finds them, in points, before any reading order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ingest/document/document.h"

namespace dossier::ingest::readers {

struct RawWord {
    std::string text; ///< UTF-8 without white space and control characters; never empty
    float left = 0, top = 0, right = 0, bottom = 0;
    std::vector<std::uint16_t> edges;        ///< as Document::glyphEdges, one per character
    Direction direction = Direction::Right;  ///< of its line
    Direction characters = Direction::Right; ///< of its own characters
    bool againstLine = false; ///< its neighbours that are so, too, are read in the other direction
    bool spaceAfter = false;  ///< a blank follows on the same line
    bool softHyphen = false;  ///< ended in U+00AD (not in `text`): divided if a line ends here
    std::uint32_t line = 0;   ///< words of one line of Poppler's have the same number, in order
};

struct RawPage {
    float width = 0, height = 0; ///< points, as displayed
    std::vector<RawWord> words;
};

} // namespace dossier::ingest::readers
