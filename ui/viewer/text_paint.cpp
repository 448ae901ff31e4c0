// SPDX-License-Identifier: GPL-3.0-or-later
// Painting of text lines: numbers, chips, cited lines, marks, matches, selection.
#include <QPainter>
#include <QScrollBar>
#include <algorithm>
#include <cmath>

#include "ui/theme/icons.h"
#include "ui/theme/paint.h"
#include "ui/theme/theme.h"
#include "ui/viewer/text_view.h"

namespace dossier::ui {
namespace {

enum PartStyle { kFill, kUnderline, kStrike, kOutline };

ColorRole roleOf(SyntaxKind kind) {
    switch (kind) {
    case SyntaxKind::Keyword:
        return &Tokens::kw;
    case SyntaxKind::Type:
        return &Tokens::ty;
    case SyntaxKind::Constant:
        return &Tokens::nu;
    case SyntaxKind::String:
        return &Tokens::st;
    case SyntaxKind::Comment:
        return &Tokens::cm;
    case SyntaxKind::Preprocessor:
        return &Tokens::pp;
    case SyntaxKind::Plain:
        break;
    }
    return &Tokens::text;
}

} // namespace

QList<QTextLayout::FormatRange> TextView::syntaxFormats(std::size_t line, std::string_view text,
                                                        bool cited) const {
    QList<QTextLayout::FormatRange> formats;
    if (m_language == nullptr) {
        return formats;
    }
    std::vector<SyntaxSpan> spans;
    colorLine(*m_language, text, m_states && line < m_states->size() ? (*m_states)[line] : 0,
              &spans);
    for (const SyntaxSpan& span : spans) {
        QTextLayout::FormatRange range;
        range.start = utf16Index(text, span.begin);
        range.length = utf16Index(text, span.end) - range.start;
        const bool comment = span.kind == SyntaxKind::Comment;
        // The colour of comments is too faint for the ground of cited lines.
        range.format.setForeground(tokens().*
                                   (comment && cited ? &Tokens::text2 : roleOf(span.kind)));
        if (comment) {
            range.format.setFont(m_italic);
        }
        formats.push_back(range);
    }
    return formats;
}

bool TextView::citedWhole(std::size_t line, bool* current, std::uint32_t* number,
                          app::Verdict* verdict) const {
    const std::uint64_t begin = m_index->starts[line];
    const std::uint64_t end = m_index->end(line, m_document->text.size());
    bool cited = false;
    for (const CitedPassage& passage : m_citations) {
        if (passage.verdict == app::Verdict::NotFound || passage.range.begin >= end ||
            passage.range.end <= begin) {
            continue;
        }
        cited = true;
        const bool starts = passage.range.begin >= begin;
        if (passage.number == m_currentCitation) {
            *current = true;
        }
        if (starts && (*number == 0 || passage.number == m_currentCitation)) {
            *number = passage.number;
            *verdict = passage.verdict;
        }
    }
    return cited;
}

void TextView::paintEvent(QPaintEvent*) {
    QPainter p(viewport());
    p.fillRect(viewport()->rect(), tokens().base);
    m_chips.clear();
    if (!m_index) {
        drawText(p, viewport()->rect(), tr("Opening…"), fontOf(Type::Body), tokens().text3,
                 Qt::AlignCenter);
    } else {
        forVisible([&](std::size_t line, double y) { paintLine(p, line, y); });
    }
    if (hasFocus()) {
        paintRowFocus(p, viewport()->rect());
    }
}

void TextView::paintLine(QPainter& p, std::size_t line, double y) {
    const Tokens& t = tokens();
    LineLayout* layout = lineLayout(line);
    const double left = gutter();
    const double height = layout->rows * m_rowHeight;
    bool current = false;
    std::uint32_t number = 0;
    app::Verdict verdict{};
    const bool cited = citedWhole(line, &current, &number, &verdict);
    if (cited && !m_wrap) {
        p.fillRect(QRectF(left - pxF(8), y, viewport()->width() - left + pxF(8) - pxF(4), height),
                   current ? t.hlC : t.hl);
    }
    p.save();
    p.setClipRect(QRectF(left - pxF(2), y, viewport()->width() - left + pxF(2), height));
    m_onHighlight.clear();
    if (cited && current && !m_wrap) {
        plainText(0, static_cast<int>(layout->layout.text().size()));
    }
    paintRanges(p, line, y, layout);
    p.setPen(t.text);
    layout->layout.draw(&p, QPointF(left - horizontalScrollBar()->value(), y), m_onHighlight);
    p.restore();
    if (m_index->first(line)) {
        QFont numberFont = fontOf(Type::Code);
        numberFont.setPointSizeF(numberFont.pointSizeF() * std::min(1.0, m_zoom));
        drawText(p, QRectF(0, y, left - pxF(20), m_rowHeight),
                 QString::number(m_index->number(line)), numberFont, cited ? t.text : t.gut,
                 Qt::AlignRight | Qt::AlignVCenter);
    }
    if (number != 0) {
        const Chip chip{number, verdict, number == m_currentCitation, false, false};
        const QPointF at(pxF(9), std::round(y + (m_rowHeight - pxF(17)) / 2));
        m_chips.emplace_back(QRectF(at, chipSize(chip)), number);
        paintChip(p, at, chip);
    }
    for (const app::Mark& mark : m_marks) {
        if (!mark.note.empty() && mark.range.begin >= m_index->starts[line] &&
            mark.range.begin < m_index->end(line, m_document->text.size()) && number == 0) {
            paintIcon(p, QStringLiteral("note"),
                      QRectF(pxF(16), y + (m_rowHeight - pxF(14)) / 2, pxF(14), pxF(14)), t.hlB);
        }
    }
}

void TextView::plainText(int from, int to) {
    QTextLayout::FormatRange range;
    range.start = from;
    range.length = to - from;
    range.format.setForeground(tokens().text);
    m_onHighlight.push_back(range);
}

void TextView::paintRanges(QPainter& p, std::size_t line, double y, LineLayout* layout) {
    const Tokens& t = tokens();
    for (const app::Mark& mark : m_marks) {
        const QColor ink(mark.rgb[0], mark.rgb[1], mark.rgb[2]);
        switch (mark.kind) {
        case ingest::MarkKind::Underline:
            paintPart(p, layout, line, y, mark.range, t.accent, kUnderline);
            break;
        case ingest::MarkKind::StrikeOut:
            paintPart(p, layout, line, y, mark.range, t.err, kStrike);
            break;
        default:
            paintPart(p, layout, line, y, mark.range, markGround(ink, t.base), kFill);
        }
    }
    if (m_wrap) {
        for (int pass = 0; pass < 2; ++pass) {
            for (const CitedPassage& passage : m_citations) {
                const bool current = passage.number == m_currentCitation;
                if (current == (pass == 1) && passage.verdict != app::Verdict::NotFound) {
                    paintPart(p, layout, line, y, passage.range, current ? t.hlC : t.hl, kFill);
                }
            }
        }
    }
    const std::uint64_t begin = m_index->starts[line];
    const std::uint64_t end = m_index->end(line, m_document->text.size());
    auto match = std::lower_bound(
        m_matches.begin(), m_matches.end(), begin,
        [](const ingest::TextRange& range, std::uint64_t at) { return range.end <= at; });
    for (; match != m_matches.end() && match->begin < end; ++match) {
        const bool current = match - m_matches.begin() == m_currentMatch;
        paintPart(p, layout, line, y, *match, current ? t.hlC : t.hl, kFill);
    }
    if (m_flash) {
        paintPart(p, layout, line, y, *m_flash, mixed(t.hlC, t.base, flashStrength()), kFill);
        paintPart(p, layout, line, y, *m_flash, withAlpha(t.hlB, flashStrength()), kOutline);
    }
    if (m_selection) {
        paintPart(p, layout, line, y, *m_selection, t.sel, kFill);
    }
}

void TextView::paintPart(QPainter& p, LineLayout* layout, std::size_t line, double y,
                         ingest::TextRange range, const QColor& color, int style) {
    const std::uint64_t begin = m_index->starts[line];
    const std::string_view text = lineText(line);
    const std::uint64_t end = begin + text.size();
    if (range.begin > end || range.end <= begin || (range.begin >= end && !text.empty())) {
        return;
    }
    const int from = utf16Index(text, range.begin > begin ? range.begin - begin : 0);
    const int to = utf16Index(text, std::min(range.end, end) - begin);
    const bool beyond = range.end > end; // the line break belongs to it
    if (style == kFill && m_language != nullptr && to > from) {
        plainText(from, to);
    }
    for (int i = 0; i < layout->layout.lineCount(); ++i) {
        const QTextLine row = layout->layout.lineAt(i);
        const int rowEnd = row.textStart() + row.textLength();
        if (to < row.textStart() || from > rowEnd) {
            continue;
        }
        const double x1 = row.cursorToX(std::max(from, row.textStart()));
        double x2 = row.cursorToX(std::min(to, rowEnd));
        if (beyond && i + 1 == layout->layout.lineCount() && style == kFill) {
            x2 += m_charWidth / 2;
        }
        if (x2 <= x1) {
            continue;
        }
        const QRectF box(gutter() - horizontalScrollBar()->value() + x1, y + i * m_rowHeight,
                         x2 - x1, m_rowHeight);
        switch (style) {
        case kUnderline:
            p.fillRect(QRectF(box.x(), box.bottom() - 2, box.width(), 1.5), color);
            break;
        case kStrike:
            p.fillRect(QRectF(box.x(), box.center().y(), box.width(), 1.5), color);
            break;
        case kOutline: {
            const PainterScope scope(p);
            p.setPen(QPen(color, 2));
            p.setBrush(Qt::NoBrush);
            p.drawRoundedRect(box.adjusted(0, 1, 0, -1), 3, 3);
            break;
        }
        default:
            p.fillRect(box, color);
        }
    }
}

} // namespace dossier::ui
