// SPDX-License-Identifier: GPL-3.0-or-later
// Words and figures that all writers of reports print alike. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "app/report/report_model.h"
#include "engine/base/grouped.h"

namespace dossier::app::report {

/// Text that can be shown: valid UTF-8 (bad bytes become U+FFFD), without control characters and
/// without those that reorder or hide their neighbours. '\n' stays, tabs become blanks.
std::string printable(std::string_view text);
/// printable(), on one line: white space collapsed.
std::string oneLine(std::string_view text);
/// oneLine() with at most `most` characters, cut in the middle with "…".
std::string elided(std::string_view text, std::size_t most);

std::string sizeText(std::uint64_t bytes); ///< "1.2 MB"
std::string dateText(std::int64_t ms);     ///< "23 November 2026", local time
std::string isoDate(std::int64_t ms);      ///< "2026-11-23T14:05:00Z"
std::string counted(std::uint64_t n, std::string_view one, std::string_view many);

/// "p. 14, cl. 5.2", "line 33"; empty when nothing is known. `words`: "page 14, clause 5.2".
std::string placeText(const ReportCitation&, bool printedLabels, bool words = false);
std::string placeText(const ReportNote&, bool printedLabels);
/// "Verified.", "Partial, 89 %.", "Not found in the documents." ..., with what forcing means.
std::string verdictText(const ReportCitation&);
/// Behind the number in the text: empty for what is verified, else "partial", "found elsewhere",
/// "not found": bad news always keeps its word.
std::string stateWord(const ReportCitation&);
bool looksVerified(Verdict); ///< verified, or verified after normalisation

std::string countsText(const Counts&);        ///< "23: 20 verified, 3 after normalisation"
std::string forcedText(const Counts&);        ///< empty when none was held to the source
std::string leftOutText(const Counts&);       ///< empty when nothing was left out
std::string sourcesText(const Report&);       ///< "16 documents, 812,344 tokens"
std::string sourceFacts(const ReportSource&); ///< "88 pages · 61,204 tokens · 1.2 MB"
/// Why a source has no annotated copy; empty when it has one or needs none.
std::string copyFailedText(const ReportSource&);
std::string kindText(ingest::MarkKind); ///< "Highlight"

/// A file name for any file system: no separators, control or reserved characters, at most
/// `most` bytes (cut between characters), never empty, never "." or "..".
std::string safeFileName(std::string_view name, std::size_t most = 120);

} // namespace dossier::app::report
