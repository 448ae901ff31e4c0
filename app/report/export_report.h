// SPDX-License-Identifier: GPL-3.0-or-later
// Exports a report as a folder: report.pdf, report.md, report.html and sources/NAME (annotated).pdf
// with the report's citations and the person's marks as real annotations. The folder appears whole
// or not at all.
//
// Threads: any (made for Session::runExport); blocks until done. Errors: dossier::Error; a source
// whose annotated copy cannot be written, or whose stored original is missing or no longer the file
// that was added, does not fail the export: it is a problem in the result, and the report says why
// there is no copy.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/report/build_report.h"
#include "app/report/output_file.h"
#include "app/session.h"

namespace dossier::app::report {

struct ExportRequest {
    std::filesystem::path folder; ///< made; its parent must exist
    /// Keep: `folder` must not exist (or be empty). Replace: files of the same names are replaced,
    /// others in it stay.
    Existing existing = Existing::Keep;
    bool pdf = true, markdown = true, html = true;
    bool annotatedSources = true; ///< copies of the PDF sources that have a citation or a mark
    std::string password;         ///< tried on encrypted sources
    ReportOptions options;
};

struct ExportResult {
    std::filesystem::path pdf, markdown, html; ///< empty when not asked for
    std::uint32_t pages = 0;                   ///< of the PDF
    std::vector<std::filesystem::path> copies;
    struct Problem {
        std::string source;
        Failure failure;
    };
    std::vector<Problem> problems;
};

ExportResult exportReport(const ExportContext&, const ExportRequest&);

/// The annotations of one source, in reading order: citations that share a range are one mark.
std::vector<ingest::PdfMark> marksFor(const Report&, std::size_t source,
                                      const ingest::Document& document);

/// Names for the copies, by index into Report::sources ("sources/NAME (annotated).pdf"); empty for
/// sources that get none. Unique also where case does not count.
std::vector<std::string> copyNames(const Report&);

} // namespace dossier::app::report
