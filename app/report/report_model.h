// SPDX-License-Identifier: GPL-3.0-or-later
// What a report holds, ready to be written: plain values, independent of the store and of the form
// of the output. build_report.h makes one from a dossier; report_writers.h writes it.
//
// Text is UTF-8 as it came (a document title may hold anything); every writer escapes for its own
// format. Pages are counted from 0, lines from 1.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/model_types.h"

namespace dossier::app::report {

/// A run of text in one style; `citations` are printed as small numbers behind it.
struct Span {
    std::string text;
    bool bold = false, italic = false, code = false;
    std::vector<std::uint32_t> citations;
    bool operator==(const Span&) const = default;
};
using Spans = std::vector<Span>;

enum class BlockKind : std::uint8_t { Paragraph, Heading, ListItem, Quotation, Code, Table };

struct Block {
    BlockKind kind = BlockKind::Paragraph;
    std::uint8_t level = 0; ///< headings 1..6; list items: nesting from 0
    std::string marker;     ///< list items: "1.", "•"
    Spans spans;
    std::vector<std::vector<Spans>> rows; ///< tables: rows of cells, the first row is the head
    std::uint32_t citation = 0;           ///< Quotation: its number; 0 = a quotation without one
    bool operator==(const Block&) const = default;
};

/// A quotation that the report shows.
struct ReportCitation {
    std::uint32_t number = 0; ///< from 1 through the report, in the order of appearance
    std::string quote;
    Verdict verdict = Verdict::NotFound;
    std::uint32_t percent = 0; ///< of the longest run, when partial
    bool forced = false;       ///< quotation decoding changed what the model would have written
    bool nearest = false;      ///< offered beside "not found"; not evidence for an answer
    std::string document;      ///< name or title of the document where it stands; or was looked for
    std::optional<std::size_t> source; ///< index into Report::sources; absent for NotFound
    std::optional<std::uint32_t> page;
    std::string pageLabel;
    std::uint64_t line = 0;
    std::string section;      ///< number of the clause, "5.2"
    ingest::TextRange range;  ///< in the source's text
    std::string named;        ///< OtherDocument: the document that the answer named
    std::size_t question = 0; ///< index into Report::sections
};

/// A question with its answer.
struct Section {
    std::uint32_t number = 0; ///< from 1
    std::string title;        ///< the question
    std::vector<Block> blocks;
    std::vector<Block> thinking;      ///< only when asked for
    std::vector<std::string> remarks; ///< "Not found ...", "Stopped before its end.", ...
    std::uint32_t leftOut = 0;        ///< statements whose quotation could not be verified
    bool notFound = false;
    std::string how; ///< "Think High · 18 s"; may be empty
};

/// A highlight or note of the person.
struct ReportNote {
    std::uint32_t number = 0; ///< from 1 through the report
    std::size_t source = 0;   ///< index into Report::sources
    std::string quote, note, author;
    ingest::MarkKind kind = ingest::MarkKind::Highlight;
    std::array<std::uint8_t, 3> rgb{255, 224, 127};
    std::optional<std::uint32_t> page;
    std::string pageLabel;
    std::uint64_t line = 0;
    std::string section;
    ingest::TextRange range;
};

struct ReportSource {
    SourceId id{};
    std::string name; ///< path within the dossier
    std::string sha256;
    std::uint64_t bytes = 0, pages = 0, lines = 0;
    std::optional<std::uint64_t> tokens;
    bool pdf = false;
    std::string annotatedCopy; ///< relative to the report's folder, '/' separated; or empty
    std::string copyFailed;    ///< why there is no annotated copy although it has marks; or empty
    std::vector<std::uint32_t> citations; ///< numbers that stand in it, ascending
};

struct Counts {
    std::uint64_t verified = 0, normalised = 0, partial = 0, elsewhere = 0, notFound = 0;
    std::uint64_t forced = 0;            ///< of all of these
    std::uint64_t statementsLeftOut = 0; ///< and their quotations are counted above all the same
    std::uint64_t total() const { return verified + normalised + partial + elsewhere + notFound; }
};

/// How the report came to be: the appendix.
struct Production {
    std::string model;        ///< several joined by ", "
    std::string levels;       ///< "none, high"
    std::string engine;       ///< build and device
    std::string program;      ///< "Dossier 0.1.0"
    std::uint64_t tokens = 0; ///< of all sources whose count is known
    bool tokensExact = true;  ///< false: some source is not counted; print "at least"
};

struct Report {
    std::string kicker = "Report"; ///< above the title
    std::string title;
    std::string subject; ///< for the foot of each page; the dossier's name
    std::string author, recipient, confidentiality; ///< each may be empty
    std::string date;                               ///< "23 November 2026"
    std::int64_t dateMs = 0;
    std::vector<Section> sections;
    std::vector<ReportCitation> citations; ///< number = index + 1
    std::vector<ReportNote> notes;         ///< by source, then by place; number = index + 1
    std::vector<ReportSource> sources;
    Counts counts;
    Production production;
    bool printedLabels = true; ///< pages as printed in the document, else counted from 1
};

} // namespace dossier::app::report
