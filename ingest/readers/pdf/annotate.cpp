// SPDX-License-Identifier: GPL-3.0-or-later
// Annotated copies: marks become real annotations that any PDF reader shows.
#include <algorithm>
#include <map>

#include <QBuffer>
#include <QColor>
#include <QDateTime>
#include <QUuid>
#include <poppler-annotation.h>
#include <poppler-qt6.h>

#include "ingest/readers/pdf/pdf.h"

namespace dossier::ingest::readers {
namespace {

using Poppler::Annotation;
using Poppler::HighlightAnnotation;

QString utf16(const std::string& text) {
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

QRectF rectOf(const Box& box) {
    return QRectF(QPointF(box.left, box.top), QPointF(box.right, box.bottom));
}

QRectF boundsOf(const std::vector<Box>& boxes) {
    QRectF bounds;
    for (const Box& box : boxes) {
        bounds = bounds.united(rectOf(box));
    }
    return bounds;
}

std::unique_ptr<Annotation> textMarkup(MarkKind kind, const std::vector<Box>& boxes) {
    auto annotation = std::make_unique<HighlightAnnotation>();
    annotation->setHighlightType(kind == MarkKind::Underline   ? HighlightAnnotation::Underline
                                 : kind == MarkKind::StrikeOut ? HighlightAnnotation::StrikeOut
                                                               : HighlightAnnotation::Highlight);
    QList<HighlightAnnotation::Quad> quads;
    for (const Box& box : boxes) {
        HighlightAnnotation::Quad quad;
        quad.points[0] = {box.left, box.bottom};
        quad.points[1] = {box.right, box.bottom};
        quad.points[2] = {box.right, box.top};
        quad.points[3] = {box.left, box.top};
        quad.capStart = quad.capEnd = false;
        quad.feather = 0;
        quads.append(quad);
    }
    annotation->setHighlightQuads(quads);
    annotation->setBoundary(boundsOf(boxes));
    return annotation;
}

/// A note's symbol: 20 points square at the top left of the place, inside the page.
std::unique_ptr<Annotation> textNote(const std::vector<Box>& boxes, QSizeF page) {
    auto annotation = std::make_unique<Poppler::TextAnnotation>(Poppler::TextAnnotation::Linked);
    annotation->setTextIcon(QStringLiteral("Note"));
    const QSizeF size(20 / std::max(page.width(), 20.0), 20 / std::max(page.height(), 20.0));
    const QRectF at = boundsOf(boxes);
    annotation->setBoundary(QRectF(QPointF(std::clamp(at.left(), 0.0, 1 - size.width()),
                                           std::clamp(at.top(), 0.0, 1 - size.height())),
                                   size));
    return annotation;
}

void addMark(Poppler::Page& page, const PdfMark& mark, const std::vector<Box>& boxes) {
    auto annotation = mark.kind == MarkKind::Note ? textNote(boxes, page.pageSizeF())
                                                  : textMarkup(mark.kind, boxes);
    annotation->setAuthor(utf16(mark.author));
    annotation->setContents(utf16(mark.note));
    annotation->setUniqueName(QUuid::createUuid().toString(QUuid::WithoutBraces));
    const QDateTime now = QDateTime::currentDateTimeUtc();
    annotation->setCreationDate(now);
    annotation->setModificationDate(now);
    annotation->setFlags(Annotation::ToggleHidingOnMouse); // prints: Poppler sets /F 4 without it
    Annotation::Style style;
    style.setColor(QColor(mark.rgb[0], mark.rgb[1], mark.rgb[2]));
    annotation->setStyle(style);
    page.addAnnotation(annotation.get());
}

} // namespace

std::string PdfFile::annotated(const std::vector<PdfMark>& marks) {
    if (!m_document->okToAddNotes()) {
        throw Error(
            ErrorCode::Permission,
            "The owner of " + m_file.name + " forbids adding annotations to it",
            "Export the report instead, or ask the owner for a copy without this restriction");
    }
    for (const PdfMark& mark : marks) {
        std::map<std::uint32_t, std::vector<Box>> byPage;
        for (const PageBox& box : mark.boxes) {
            if (box.page >= pageCount()) {
                throw Error(ErrorCode::InvalidArgument,
                            "A mark is on page " + std::to_string(box.page + 1) + ", but " +
                                m_file.name + " has " + std::to_string(pageCount()) + " pages",
                            "Add the source to the dossier again");
            }
            byPage[box.page].push_back(box.box);
        }
        for (const auto& [index, boxes] : byPage) {
            const auto page = m_document->page(static_cast<int>(index));
            if (!page) {
                throw Error(ErrorCode::Corrupt,
                            "Page " + std::to_string(index + 1) + " of " + m_file.name +
                                " is damaged",
                            "Open the file in a PDF viewer and save it again");
            }
            addMark(*page, mark, boxes);
        }
    }
    QBuffer buffer;
    buffer.open(QIODevice::WriteOnly);
    const auto converter = m_document->pdfConverter();
    converter->setOutputDevice(&buffer);
    converter->setPDFOptions(Poppler::PDFConverter::WithChanges);
    if (!converter->convert()) {
        throw Error(ErrorCode::Io, "The annotated copy of " + m_file.name + " could not be written",
                    "Open the file in a PDF viewer, save it again and add that copy");
    }
    return buffer.data().toStdString();
}

} // namespace dossier::ingest::readers
