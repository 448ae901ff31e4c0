// SPDX-License-Identifier: GPL-3.0-or-later
// Draws laid-out pages as a PDF: structure, links, destinations, outline, metadata.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "app/report/pdf_flow.h"

namespace dossier::app::report {

struct PdfMetadata {
    std::string title, author, subject, keywords, creator;
    std::string created; ///< ISO 8601
};

/// What every page carries at its foot; `page` from 0.
using FootFn = std::function<std::vector<ShapedPtr>(std::size_t page, std::size_t pages)>;

/// Called before each page; throws to stop.
using PageFn = std::function<void(std::size_t page)>;

/// Attributes of a link tag, escaped as Cairo wants them.
std::string linkTo(const std::string& anchor);
std::string linkToUri(const std::string& uri);

/// The bytes of the PDF.
std::string drawPdf(const Flow& flow, const PdfMetadata& metadata, const FootFn& foot,
                    const PageFn& beforePage);

} // namespace dossier::app::report
