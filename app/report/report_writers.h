// SPDX-License-Identifier: GPL-3.0-or-later
// Writes a report as PDF, Markdown or one HTML file. A file appears whole or not at all.
//
// Threads: any; a call blocks until the file is there. Errors: dossier::Error (Cancelled when
// stopped; InvalidArgument for an existing file that is to be kept; DiskFull, Permission, Io).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "app/report/output_file.h"
#include "app/report/report_model.h"

namespace dossier::app::report {

/// Parts of the report, then pages: one unit throughout, `total` may grow.
using ReportProgressFn = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// A4, with outline, page numbers, links from citations to the list and the sources and back, and
/// to the annotated copies. Returns the number of pages.
std::uint32_t writePdf(const Report&, const std::filesystem::path& file, Existing,
                       const ReportProgressFn& = {}, std::stop_token = {});

/// GitHub's Markdown with footnotes.
std::string toMarkdown(const Report&);
void writeMarkdown(const Report&, const std::filesystem::path& file, Existing);

/// One file, no scripts, nothing loaded from elsewhere, light and dark.
std::string toHtml(const Report&);
void writeHtml(const Report&, const std::filesystem::path& file, Existing);

} // namespace dossier::app::report
