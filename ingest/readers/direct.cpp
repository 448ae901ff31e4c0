// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/direct.h"

#include "ingest/readers/docx/docx.h"
#include "ingest/readers/html/html.h"
#include "ingest/readers/markdown/markdown.h"
#include "ingest/readers/pdf/pdf.h"
#include "ingest/readers/text/language.h"
#include "ingest/readers/text/text.h"

namespace dossier::ingest::readers {
namespace {

/// By content; a source file that merely mentions the signature is none.
bool isPdf(const SourceFile& file, const std::string& suffix) {
    return suffix == "pdf" || file.bytes.starts_with("%PDF-") ||
           file.bytes.starts_with("\xEF\xBB\xBF%PDF-");
}

bool isDocx(const SourceFile& file, const std::string& suffix) {
    if (suffix == "docx" || suffix == "docm" || suffix == "dotx" || suffix == "doc") {
        return suffix != "doc" || isOldOffice(file.bytes) || file.bytes.starts_with("PK\x03\x04");
    }
    return file.bytes.starts_with("PK\x03\x04") &&
           file.bytes.find("word/document.xml") != std::string::npos;
}

} // namespace

Format formatOf(const SourceFile& file) {
    const std::string suffix = suffixOf(file.name);
    if (isPdf(file, suffix)) {
        return Format::Pdf;
    }
    if (isDocx(file, suffix)) {
        return Format::Docx;
    }
    return textFormatOf(file.name, std::string_view(file.bytes).substr(0, 256));
}

Document readSource(SourceFile file, const Job& job) {
    if (file.bytes.starts_with("{\\rtf")) {
        throw Error(ErrorCode::Unsupported, file.name + " is in the Rich Text Format",
                    "Open it in a word processor and save it as DOCX or PDF");
    }
    switch (formatOf(file)) {
    case Format::Pdf:
        return PdfFile(std::move(file), job.options().password, job.limits()).read(job);
    case Format::Docx:
        return readDocx(file, job);
    case Format::Html:
        return readHtml(file, job);
    case Format::Markdown:
        return readMarkdown(file, job);
    case Format::Text:
    case Format::Code:
        break;
    }
    return readText(file, job);
}

} // namespace dossier::ingest::readers
