// SPDX-License-Identifier: GPL-3.0-or-later
// Painting of pages: desk, shadow, tiles, highlights, marks, chips.
#include <QPainter>
#include <QPainterPath>
#include <QScrollBar>
#include <algorithm>
#include <cmath>

#include "ui/theme/icons.h"
#include "ui/theme/paint.h"
#include "ui/theme/theme.h"
#include "ui/viewer/page_view.h"

namespace dossier::ui {
namespace {

QColor colorOf(const app::Mark& mark) {
    return QColor(mark.rgb[0], mark.rgb[1], mark.rgb[2]);
}

/// The ground of a piece of a night page exchanged for a highlight: per channel the line through
/// (paper -> highlight) and (half way to the ink -> text). Small type reaches about half of its ink
/// where its strokes are thinner than a pixel; there it has to be read on a lighter ground, too.
QImage onHighlight(const QImage& piece, const QColor& highlight) {
    const Tokens& t = tokens();
    QImage result = piece.convertToFormat(QImage::Format_RGB32);
    const auto map = [](int value, int paper, int ink, int ground, int text) {
        const int span = ink - paper;
        const int from = std::min(ground, text), to = std::max(ground, text);
        return span == 0
                   ? ground
                   : std::clamp(ground + 2 * (value - paper) * (text - ground) / span, from, to);
    };
    for (int y = 0; y < result.height(); ++y) {
        auto* line = reinterpret_cast<QRgb*>(result.scanLine(y));
        for (int x = 0; x < result.width(); ++x) {
            line[x] = qRgb(
                map(qRed(line[x]), t.paper.red(), t.ink.red(), highlight.red(), t.text.red()),
                map(qGreen(line[x]), t.paper.green(), t.ink.green(), highlight.green(),
                    t.text.green()),
                map(qBlue(line[x]), t.paper.blue(), t.ink.blue(), highlight.blue(), t.text.blue()));
        }
    }
    return result;
}

} // namespace

void PageView::paintEvent(QPaintEvent* event) {
    QPainter p(viewport());
    p.fillRect(event->rect(), tokens().desk);
    m_chips.clear();
    if (pageCount() == 0) {
        return;
    }
    std::vector<TileKey> wanted;
    const auto [first, last] = visiblePages();
    for (std::uint32_t page = first; page <= last && page < pageCount(); ++page) {
        const QRectF rect = pageRect(page);
        if (rect.bottom() >= 0 && rect.top() <= viewport()->height()) {
            paintPage(p, page, rect, wanted);
            paintOverlays(p, page, rect);
            paintChips(p, page, rect);
        }
    }
    m_renderer->keepOnly(m_file, wanted);
    if (hasFocus()) {
        paintRowFocus(p, viewport()->rect());
    }
}

void PageView::paintShadow(QPainter& p, const QRectF& rect) const {
    const PainterScope scope(p);
    p.setPen(Qt::NoPen);
    const int rings = tokens().dark ? 8 : 7;
    for (int k = rings; k > 0; --k) {
        p.setBrush(tokens().dark ? QColor(0, 0, 0, 16) : QColor(40, 36, 28, 4));
        p.drawRoundedRect(rect.adjusted(-k, -k + 2, k, k + 2), k, k);
    }
    p.fillRect(rect.adjusted(-1, -1, 1, 1), tokens().pageEdge);
}

void PageView::paintPage(QPainter& p, std::uint32_t page, const QRectF& rect,
                         std::vector<TileKey>& wanted) {
    paintShadow(p, rect);
    p.fillRect(rect, night() ? tokens().paper : QColor(Qt::white));
    const QString problem = m_renderer->problem(m_file);
    if (!problem.isEmpty()) {
        p.setFont(fontOf(Type::Body));
        p.setPen(night() ? tokens().text2 : lightTokens().text2);
        p.drawText(rect.adjusted(pxF(40), pxF(40), -pxF(40), -pxF(40)),
                   Qt::AlignTop | Qt::AlignHCenter | Qt::TextWordWrap,
                   tr("This page cannot be drawn: %1").arg(problem));
        return;
    }
    const double ratio = devicePixelRatioF();
    const auto width = static_cast<quint32>(std::lround(rect.width() * ratio));
    const auto height = static_cast<quint32>(std::lround(rect.height() * ratio));
    const double tile = PageRenderer::kTile / ratio;
    const QRectF visible = rect.intersected(QRectF(viewport()->rect()));
    const int firstRow = static_cast<int>((visible.top() - rect.top()) / tile);
    const int lastRow = static_cast<int>((visible.bottom() - rect.top() - 0.01) / tile);
    const int firstColumn = static_cast<int>((visible.left() - rect.left()) / tile);
    const int lastColumn = static_cast<int>((visible.right() - rect.left() - 0.01) / tile);
    for (int row = firstRow; row <= lastRow; ++row) {
        for (int column = firstColumn; column <= lastColumn; ++column) {
            const TileKey key{
                m_file, page, width, static_cast<quint16>(column), static_cast<quint16>(row),
                night()};
            wanted.push_back(key);
            const QPointF at(rect.x() + column * tile, rect.y() + row * tile);
            if (const QImage* image = m_renderer->tile(key, height)) {
                p.drawImage(QRectF(at, QSizeF(image->size()) / ratio), *image);
                continue;
            }
            QRectF part;
            if (const QImage* image = m_renderer->standIn(key, &part)) {
                const PainterScope scope(p);
                p.setRenderHint(QPainter::SmoothPixmapTransform);
                p.setClipRect(rect, Qt::IntersectClip);
                p.drawImage(QRectF(at, QSizeF(tile, tile)), *image, part);
            }
        }
    }
}

void PageView::paintBox(QPainter& p, const QRectF& box, std::uint32_t page, const QRectF& rect,
                        const QColor& color) {
    // The exact colours of the night page: a composition mode would tint the ink as well.
    const double ratio = devicePixelRatioF();
    const auto width = static_cast<quint32>(std::lround(rect.width() * ratio));
    const auto height = static_cast<quint32>(std::lround(rect.height() * ratio));
    const QRect pixels(static_cast<int>(std::floor((box.x() - rect.x()) * ratio)),
                       static_cast<int>(std::floor((box.y() - rect.y()) * ratio)),
                       static_cast<int>(std::ceil(box.width() * ratio)),
                       static_cast<int>(std::ceil(box.height() * ratio)));
    const int size = PageRenderer::kTile;
    for (int row = std::max(0, pixels.top() / size); row <= pixels.bottom() / size; ++row) {
        for (int column = std::max(0, pixels.left() / size); column <= pixels.right() / size;
             ++column) {
            const QImage* tile =
                m_renderer->tile({m_file, page, width, static_cast<quint16>(column),
                                  static_cast<quint16>(row), true},
                                 height);
            const QPoint origin(column * size, row * size);
            const QRect part = pixels.intersected(QRect(origin, QSize(size, size)));
            const QRectF target(rect.x() + part.x() / ratio, rect.y() + part.y() / ratio,
                                part.width() / ratio, part.height() / ratio);
            if (tile != nullptr && !part.isEmpty()) {
                p.drawImage(target, onHighlight(tile->copy(part.translated(-origin)), color));
            } else {
                p.fillRect(target, withAlpha(color, 0.6));
            }
        }
    }
}

void PageView::paintBoxes(QPainter& p, const std::vector<QRectF>& boxes, std::uint32_t page,
                          const QRectF& rect, const QColor& color) {
    if (night()) {
        for (const QRectF& box : boxes) {
            paintBox(p, box, page, rect, color);
        }
        return;
    }
    // Boxes of neighbouring lines overlap by a pixel: painted one by one, it would be darker there.
    QPainterPath path;
    path.setFillRule(Qt::WindingFill);
    for (const QRectF& box : boxes) {
        path.addRect(box);
    }
    p.setCompositionMode(QPainter::CompositionMode_Multiply);
    p.fillPath(path, color);
    p.setCompositionMode(QPainter::CompositionMode_SourceOver);
}

void PageView::paintRange(QPainter& p, std::uint32_t page, const QRectF& rect,
                          ingest::TextRange range, const QColor& color) {
    const ingest::TextRange onPage = m_document->pages[page].range;
    const ingest::TextRange part{std::max(range.begin, onPage.begin),
                                 std::min(range.end, onPage.end)};
    if (part.empty()) {
        return;
    }
    std::vector<QRectF> boxes;
    for (const ingest::PageBox& box : ingest::boxesOf(*m_document, part)) {
        if (box.page == page) {
            boxes.push_back(toViewport(page, box.box).adjusted(0, -1, 0, 1));
        }
    }
    paintBoxes(p, boxes, page, rect, color);
}

void PageView::paintMark(QPainter& p, std::uint32_t page, const app::Mark& mark,
                         const QRectF& rect) {
    if (mark.kind == ingest::MarkKind::Highlight || mark.kind == ingest::MarkKind::Note) {
        const QColor color = colorOf(mark);
        paintRange(p, page, rect, mark.range,
                   markGround(color, night() ? tokens().paper : QColor(Qt::white)));
    }
    const ingest::TextRange onPage = m_document->pages[page].range;
    if (mark.range.end <= onPage.begin || mark.range.begin >= onPage.end) {
        return;
    }
    double right = 0, top = -1;
    for (const ingest::PageBox& box : ingest::boxesOf(*m_document, mark.range)) {
        if (box.page != page) {
            continue;
        }
        const QRectF line = toViewport(page, box.box);
        if (mark.kind == ingest::MarkKind::Underline || mark.kind == ingest::MarkKind::StrikeOut) {
            const double y = mark.kind == ingest::MarkKind::Underline ? line.bottom() - 0.5
                                                                      : line.center().y() + 1;
            p.fillRect(QRectF(line.left(), y, line.width(), 1.5),
                       mark.kind == ingest::MarkKind::Underline ? tokens().accent : tokens().err);
        }
        right = std::max(right, line.right());
        top = top < 0 ? line.top() : top;
    }
    if (!mark.note.empty() && top >= 0) {
        const double x =
            std::min(rect.right() - pxF(22), std::max(right + pxF(8), rect.right() - pxF(52)));
        paintIcon(p, QStringLiteral("note"), QRectF(x, top, pxF(15), pxF(15)),
                  night() ? tokens().hlB : lightTokens().hlB);
    }
}

void PageView::paintOverlays(QPainter& p, std::uint32_t page, const QRectF& rect) {
    const Tokens& t = tokens();
    // "As printed" pages are white in both themes and take the light highlight there.
    const Tokens& on = night() ? t : lightTokens();
    for (const app::Mark& mark : m_marks) {
        paintMark(p, page, mark, rect);
    }
    for (int pass = 0; pass < 2; ++pass) {
        for (std::size_t i = 0; i < m_citations.size(); ++i) {
            const bool current = m_citations[i].number == m_currentCitation;
            if (current != (pass == 1) || m_citations[i].verdict == app::Verdict::NotFound) {
                continue; // the current one lies on top
            }
            std::vector<QRectF> boxes;
            for (const ingest::PageBox& box : m_citationBoxes[i]) {
                if (box.page == page) {
                    boxes.push_back(toViewport(page, box.box).adjusted(0, -1.5, 0, 1.5));
                }
            }
            paintBoxes(p, boxes, page, rect, current ? on.hlC : on.hl);
        }
    }
    const ingest::TextRange onPage = m_document->pages[page].range;
    auto match = std::lower_bound(
        m_matches.begin(), m_matches.end(), onPage.begin,
        [](const ingest::TextRange& range, std::uint64_t at) { return range.end <= at; });
    for (; match != m_matches.end() && match->begin < onPage.end; ++match) {
        const bool current = match - m_matches.begin() == m_currentMatch;
        paintRange(p, page, rect, *match, current ? on.hlC : on.hl);
    }
    if (m_flash) {
        const double strength = flashStrength();
        paintRange(p, page, rect, *m_flash,
                   mixed(on.hlC, night() ? t.paper : QColor(Qt::white), strength));
        const PainterScope scope(p);
        p.setPen(QPen(withAlpha(t.hlB, strength), 2));
        p.setBrush(Qt::NoBrush);
        for (const ingest::PageBox& box : ingest::boxesOf(*m_document, *m_flash)) {
            if (box.page == page) {
                p.drawRoundedRect(toViewport(page, box.box).adjusted(-2, -2, 2, 2), 3, 3);
            }
        }
    }
    if (m_selection) {
        paintRange(p, page, rect, *m_selection, on.sel);
    }
}

std::vector<QRectF> PageView::chipRects() const {
    std::vector<QRectF> rects;
    for (const Chipped& chip : m_chips) {
        rects.push_back(chip.rect);
    }
    return rects;
}

double PageView::chipLeft(const QRectF& page, double textLeft, double textRight,
                          double width) const {
    const double gap = pxF(4);
    const double text = page.x() + textLeft * page.width();
    const double margin = textLeft * page.width();
    // In the margin; where that is too narrow it reaches over the edge of the page, never into the
    // text. Where the desk ends there, too, it goes to the margin at the right.
    const double x =
        page.x() + std::min(margin - width - gap,
                            std::max(3.0, std::min(margin - width - pxF(19), margin * 0.4)));
    if (x >= 1) {
        return x;
    }
    const double right = page.x() + textRight * page.width() + gap;
    return right + width < viewport()->width() ? right : std::max(1.0, text - width - gap);
}

void PageView::paintChips(QPainter& p, std::uint32_t page, const QRectF& rect) {
    double free = -1e9; // lowest y at which the next chip may begin
    std::vector<std::pair<double, std::size_t>> places;
    double textLeft = 1, textRight = 0;
    for (std::size_t i = 0; i < m_citations.size(); ++i) {
        if (!m_citationBoxes[i].empty() && m_citationBoxes[i].front().page == page) {
            const QRectF line = toViewport(page, m_citationBoxes[i].front().box);
            places.emplace_back(line.center().y() - pxF(8.5), i);
        }
    }
    if (places.empty()) {
        return;
    }
    const ingest::Page& info = m_document->pages[page];
    for (std::uint32_t w = info.firstWord; w < info.firstWord + info.wordCount; ++w) {
        textLeft = std::min(textLeft, static_cast<double>(m_document->words[w].box.left));
        textRight = std::max(textRight, static_cast<double>(m_document->words[w].box.right));
    }
    std::stable_sort(places.begin(), places.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [y, i] : places) {
        const CitedPassage& passage = m_citations[i];
        const Chip chip{passage.number, passage.verdict, passage.number == m_currentCitation, false,
                        passage.forced};
        const QSizeF size = chipSize(chip);
        const double x = chipLeft(rect, textLeft, textRight, size.width());
        const double top = std::max(y, free);
        m_chips.push_back({i, QRectF(QPointF(x, top), size)});
        paintChip(p, QPointF(std::round(x), std::round(top)), chip);
        free = top + pxF(22);
    }
}

} // namespace dossier::ui
