// SPDX-License-Identifier: GPL-3.0-or-later
// How two lines of print belong together: the same sentence, the same block, or neither.
#pragma once

#include <string>
#include <vector>

#include "ingest/readers/pdf/layout.h"

namespace dossier::ingest::readers {

/// A line with what its characters say about its neighbours.
struct TextLine {
    const Line* line = nullptr;
    std::string text;         ///< words with their blanks
    float firstWordWidth = 0; ///< along the line
    bool isRow = false;       ///< a row of a table: its cells are separated by tabs
    float lastCell = -1;      ///< of a row: where its last cell begins along the line
    bool softHyphen = false;  ///< ends in a soft hyphen (not in `text`)
    float middle() const { return (line->v0 + line->v1) / 2; }
};

enum class Join {
    Touch,  ///< nothing between: a divided word, or a script without blanks
    Space,  ///< the same sentence
    Break,  ///< the same block, but the line break means something
    Cell,   ///< next cell of a table row
    Row,    ///< another row of the same table
    Block,  ///< another block
    Column, ///< another block by place, but the sentence may go on
};

/// All lines of a page in reading order, as text. Cells of tables that only their neighbours show
/// are marked in `lines`, which must outlive the result.
std::vector<TextLine> textLines(const RawPage&, std::vector<Line>& lines);

/// The blank before word `index` of the line: "", " " or "\t".
std::string_view gapBefore(const RawPage&, const TextLine&, std::size_t index);

/// Distance between lines of a paragraph, in heights of the text.
float usualPitch(const std::vector<TextLine>&);

/// `first` is the line that the block of `a` began with.
Join joinOf(const TextLine& first, const TextLine& a, const TextLine& b, float pitch);

} // namespace dossier::ingest::readers
