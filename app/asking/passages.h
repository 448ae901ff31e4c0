// SPDX-License-Identifier: GPL-3.0-or-later
// Cuts a document into passages of some 50 to 100 words for the search and for models that are
// asked over passages, and passages into the sentences that may be quoted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ingest/document/document.h"

namespace dossier::app {

/// A sentence or heading. `text` has single blanks for white space and leaves out what interrupts
/// it on the page; `range` covers all of it in the document.
struct Sentence {
    ingest::TextRange range;
    std::string text;
};

struct Passage {
    ingest::TextRange range;
    std::string text; ///< of its sentences, joined by blanks; what the model reads
    std::vector<Sentence> sentences;
    std::string heading;    ///< of the clause it belongs to, when that stands in an earlier passage
    std::uint64_t line = 0; ///< code only: its first line, from 1
};

struct PassageLimits {
    std::uint32_t minWords = 50;    ///< a passage ends at a paragraph when it has that many
    std::uint32_t maxWords = 100;   ///< a passage never has more, longer sentences are cut
    std::uint32_t clauseWords = 30; ///< before a numbered clause it ends with that many already
};

/// Prose: sentences are never divided between passages unless they are longer than a passage.
/// Running headers and page numbers are left out; footnotes are passages of their own.
/// Code: runs of whole lines, preferably between blank lines.
std::vector<Passage> cutPassages(const ingest::Document&, const PassageLimits& = {});

/// Sentences of a paragraph: cut behind . ! ? ; or : before a capital, digit, quotation mark or
/// bracket, but not after abbreviations and initials.
std::vector<ingest::TextRange> sentenceRanges(std::string_view paragraph);

} // namespace dossier::app
