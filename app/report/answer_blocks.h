// SPDX-License-Identifier: GPL-3.0-or-later
// An answer's Markdown as blocks of a report, with its quotations in place. Pure functions.
//
// Quotations are taken out of the text before it is parsed and put back afterwards, so that what
// Markdown would do to "*" or "_" inside them cannot change a single letter of a quotation.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/report/report_model.h"

namespace dossier::app::report {

struct ParsedAnswer {
    std::vector<Block> blocks; ///< citations are indices into Answer::citations plus 1
    /// Citations (the same numbers) that have no place in the text, in their order.
    std::vector<std::uint32_t> unplaced;
};

/// A paragraph that is nothing but one quotation becomes a Quotation block.
ParsedAnswer parseAnswer(std::string_view markdown, const std::vector<Citation>& citations);

/// Takes out every sentence, list item, table row or quotation that cites a number which `keep`
/// refuses. Returns how many; empty blocks are removed.
std::uint32_t leaveOut(std::vector<Block>& blocks, const std::function<bool(std::uint32_t)>& keep);

/// Calls `number` for every citation in reading order and stores what it returns.
void renumber(std::vector<Block>& blocks,
              const std::function<std::uint32_t(std::uint32_t)>& number);

/// Puts the full stop or comma behind a quotation before its number, as books do: ”,² not ”²,
void movePunctuation(std::vector<Block>& blocks);

/// The text of spans without styles.
std::string plainText(const Spans& spans);

} // namespace dossier::app::report
