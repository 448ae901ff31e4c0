// SPDX-License-Identifier: GPL-3.0-or-later
// Layout, scrolling and selection of pages. Painting is in page_paint.cpp.
#include "ui/viewer/page_view.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "ui/theme/paint.h"
#include "ui/theme/theme.h"

namespace dossier::ui {
namespace {

constexpr double kMinZoom = 0.2, kMaxZoom = 5;
constexpr double kTopGap = 20, kSideGap = 30;

} // namespace

PageView::PageView(PageRenderer* renderer, QWidget* parent)
    : DocumentView(parent), m_renderer(renderer) {
    setObjectName(QStringLiteral("pageView"));
    setAccessibleName(tr("Page"));
    connect(renderer, &PageRenderer::tileReady, this, [this](quint32 file, quint32 page) {
        const auto [first, last] = visiblePages();
        if (file == m_file && page >= first && page <= last) {
            viewport()->update();
        }
    });
    connect(renderer, &PageRenderer::failed, this, [this](quint32 file) {
        if (file == m_file) {
            viewport()->update();
        }
    });
    onThemeChange(this, [this] {
        layoutPages();
        viewport()->update();
    });
}

void PageView::setFile(const std::filesystem::path& pdf, const std::string& password) {
    m_file = m_renderer->fileId(pdf, password);
}

void PageView::setDocument(app::DocumentPtr document) {
    adoptDocument(std::move(document));
    m_maxWidthPt = 1;
    for (const ingest::Page& page : m_document->pages) {
        m_maxWidthPt = std::max(m_maxWidthPt, page.widthPt);
    }
    if (m_fitWidth) {
        fitWidth();
    }
    layoutPages();
    overlaysChanged();
    emit positionChanged();
}

bool PageView::night() const {
    return m_nightAllowed && tokens().dark;
}

void PageView::setNightAllowed(bool allowed) {
    m_nightAllowed = allowed;
    viewport()->update();
}

double PageView::gap() const {
    return pxF(14);
}

// ---------------------------------------------------------------- layout

void PageView::layoutPages() {
    m_tops.clear();
    double y = pxF(kTopGap);
    if (m_document) {
        m_tops.reserve(m_document->pages.size() + 1);
        for (const ingest::Page& page : m_document->pages) {
            m_tops.push_back(y);
            y += std::round(page.heightPt * m_zoom) + gap();
        }
    }
    m_tops.push_back(y);
    updateScrollBars();
}

void PageView::updateScrollBars() {
    const int height = viewport()->height(), width = viewport()->width();
    verticalScrollBar()->setRange(0, std::max(0, static_cast<int>(m_tops.back()) - height));
    verticalScrollBar()->setPageStep(height);
    verticalScrollBar()->setSingleStep(px(54));
    const int content = static_cast<int>(m_maxWidthPt * m_zoom) + px(24);
    horizontalScrollBar()->setRange(0, std::max(0, content - width));
    horizontalScrollBar()->setPageStep(width);
    updateTicks();
}

QRectF PageView::pageRect(std::uint32_t page) const {
    if (!m_document || page >= m_document->pages.size()) {
        return {};
    }
    const ingest::Page& p = m_document->pages[page];
    const double w = std::round(p.widthPt * m_zoom), h = std::round(p.heightPt * m_zoom);
    // Centred on the whole desk, which lies under the scroll bar too.
    const double desk = viewport()->width() + verticalScrollBar()->width();
    const double content = m_maxWidthPt * m_zoom + pxF(24);
    const double x = content > viewport()->width() ? pxF(12) + (m_maxWidthPt * m_zoom - w) / 2 -
                                                         horizontalScrollBar()->value()
                                                   : std::floor((desk - w) / 2) - 1;
    return {x, m_tops[page] - verticalScrollBar()->value(), w, h};
}

std::uint32_t PageView::pageAtY(double documentY) const {
    const auto it = std::upper_bound(m_tops.begin(), m_tops.end() - 1, documentY);
    return it == m_tops.begin() ? 0 : static_cast<std::uint32_t>(it - m_tops.begin() - 1);
}

std::pair<std::uint32_t, std::uint32_t> PageView::visiblePages() const {
    const double top = verticalScrollBar()->value();
    return {pageAtY(top), pageAtY(top + viewport()->height())};
}

std::uint32_t PageView::currentPage() const {
    return pageAtY(verticalScrollBar()->value() + viewport()->height() / 3.0);
}

std::uint32_t PageView::pageCount() const {
    return m_document ? static_cast<std::uint32_t>(m_document->pages.size()) : 0;
}

void PageView::setZoom(double zoom) {
    m_fitWidth = false;
    zoom = std::clamp(zoom, kMinZoom, kMaxZoom);
    if (std::abs(zoom - m_zoom) < 1e-9) {
        return;
    }
    // What stands in the middle stays there.
    const double middle = verticalScrollBar()->value() + viewport()->height() / 2.0;
    const std::uint32_t page = pageAtY(middle);
    const double inPage = m_tops.size() > 1 ? (middle - m_tops[page]) / m_zoom : 0;
    const bool atTop = verticalScrollBar()->value() == 0;
    m_zoom = zoom;
    layoutPages();
    if (atTop) {
        verticalScrollBar()->setValue(0); // the beginning stays the beginning
    } else if (m_tops.size() > 1) {
        verticalScrollBar()->setValue(
            static_cast<int>(m_tops[page] + inPage * m_zoom - viewport()->height() / 2.0));
    }
    viewport()->update();
    emit zoomChanged();
}

void PageView::fitWidth() {
    const double room = viewport()->width() + verticalScrollBar()->width() - 2 * pxF(kSideGap);
    setZoom(std::min(room / m_maxWidthPt, 2.0));
    m_fitWidth = true;
}

void PageView::resizeEvent(QResizeEvent* event) {
    DocumentView::resizeEvent(event);
    if (m_fitWidth) {
        fitWidth();
    }
    updateScrollBars();
}

// ---------------------------------------------------------------- places

QRectF PageView::toViewport(std::uint32_t page, const ingest::Box& box) const {
    const QRectF rect = pageRect(page);
    return {rect.x() + box.left * rect.width(), rect.y() + box.top * rect.height(),
            (box.right - box.left) * rect.width(), (box.bottom - box.top) * rect.height()};
}

double PageView::positionOf(std::uint64_t offset) const {
    const auto page = ingest::pageOf(*m_document, offset);
    if (!page || m_tops.back() <= 0) {
        return 0;
    }
    const ingest::Page& p = m_document->pages[*page];
    const double inPage = p.range.size() == 0 ? 0
                                              : static_cast<double>(offset - p.range.begin) /
                                                    static_cast<double>(p.range.size());
    return (m_tops[*page] + inPage * p.heightPt * m_zoom) / m_tops.back();
}

void PageView::showRange(ingest::TextRange range, bool flash) {
    if (!m_document || pageCount() == 0) {
        return;
    }
    if (flash) {
        startFlash(range);
    }
    const ingest::TextRange shown =
        range.empty() ? ingest::TextRange{range.begin, wordEnd(range.begin)} : range;
    const auto boxes = ingest::boxesOf(*m_document, shown);
    if (boxes.empty()) {
        showPage(ingest::pageOf(*m_document, range.begin).value_or(0));
        return;
    }
    const QRectF first = toViewport(boxes.front().page, boxes.front().box);
    const double height = viewport()->height();
    const double margin = std::min(pxF(60), height / 6);
    if (first.top() < margin || first.bottom() > height - margin) {
        verticalScrollBar()->setValue(
            static_cast<int>(verticalScrollBar()->value() + first.top() - height / 3));
    }
    if (first.left() < 0 || first.right() > viewport()->width()) {
        horizontalScrollBar()->setValue(
            static_cast<int>(horizontalScrollBar()->value() + first.left() - pxF(60)));
    }
    viewport()->update();
    emit positionChanged();
}

void PageView::showPage(std::uint32_t page) {
    if (pageCount() > 0) {
        page = std::min(page, pageCount() - 1);
        verticalScrollBar()->setValue(static_cast<int>(m_tops[page] - pxF(kTopGap)));
        emit positionChanged();
    }
}

std::uint64_t PageView::topOffset() const {
    if (pageCount() == 0) {
        return 0;
    }
    const double top = verticalScrollBar()->value() + pxF(kTopGap); // as setTopOffset puts it
    const std::uint32_t page = pageAtY(top);
    const ingest::Page& p = m_document->pages[page];
    const double y = (top - m_tops[page]) / std::max(1.0, p.heightPt * m_zoom);
    // Words are in reading order; the first that starts below the edge will do.
    for (std::uint32_t i = p.firstWord; i < p.firstWord + p.wordCount; ++i) {
        if (m_document->words[i].box.top >= y - 0.5 / (p.heightPt * m_zoom)) {
            return m_document->words[i].range.begin;
        }
    }
    return page + 1 < pageCount() ? m_document->pages[page + 1].range.begin : p.range.begin;
}

void PageView::setTopOffset(std::uint64_t offset) {
    if (pageCount() == 0) {
        return;
    }
    const std::uint32_t page = ingest::pageOf(*m_document, offset).value_or(0);
    const auto boxes = ingest::boxesOf(*m_document, {offset, wordEnd(offset)});
    const double y = boxes.empty() ? 0 : boxes.front().box.top;
    verticalScrollBar()->setValue(static_cast<int>(
        m_tops[page] + y * m_document->pages[page].heightPt * m_zoom - pxF(kTopGap)));
}

std::optional<std::uint64_t> PageView::textAt(const QPointF& point) const {
    if (pageCount() == 0) {
        return {};
    }
    const std::uint32_t page = pageAtY(verticalScrollBar()->value() + point.y());
    const QRectF rect = pageRect(page);
    const auto x = static_cast<float>((point.x() - rect.x()) / rect.width());
    const auto y = static_cast<float>((point.y() - rect.y()) / rect.height());
    return ingest::offsetAt(*m_document, page, std::clamp(x, 0.f, 1.f), std::clamp(y, 0.f, 1.f));
}

QRectF PageView::textRect(std::uint64_t offset) const {
    if (!m_document || offset >= m_document->text.size()) {
        return {};
    }
    const auto boxes = ingest::boxesOf(*m_document, {offset, offset + 1});
    return boxes.empty() ? QRectF() : toViewport(boxes.front().page, boxes.front().box);
}

void PageView::overlaysChanged() {
    m_citationBoxes.clear();
    if (m_document) {
        for (const CitedPassage& passage : m_citations) {
            m_citationBoxes.push_back(ingest::boxesOf(*m_document, passage.range));
        }
    }
    viewport()->update();
}

// ---------------------------------------------------------------- mouse and keys

const PageView::Chipped* PageView::chippedAt(const QPointF& point) const {
    for (const Chipped& chip : m_chips) {
        if (chip.rect.adjusted(-3, -2, 3, 2).contains(point)) {
            return &chip;
        }
    }
    return nullptr;
}

std::optional<std::uint32_t> PageView::chipAt(const QPointF& point) const {
    const Chipped* chip = chippedAt(point);
    return chip != nullptr ? std::optional(m_citations[chip->citation].number) : std::nullopt;
}

bool PageView::isTextAt(const QPointF& point) const {
    return pageCount() > 0 && pageRect(currentPage()).contains(point);
}

int PageView::dragStep() const {
    return px(24);
}

void PageView::mouseDoubleClickEvent(QMouseEvent* event) {
    if (const auto offset = textAt(event->position())) {
        select(ingest::TextRange{wordStart(*offset), wordEnd(*offset)});
        m_anchor = wordStart(*offset);
    }
}

void PageView::keyPressEvent(QKeyEvent* event) {
    QScrollBar* bar = verticalScrollBar();
    if (event->modifiers() == Qt::NoModifier || event->modifiers() == Qt::KeypadModifier) {
        switch (event->key()) {
        case Qt::Key_Down:
        case Qt::Key_Up:
            bar->setValue(bar->value() + (event->key() == Qt::Key_Down ? px(54) : -px(54)));
            return;
        case Qt::Key_Space:
        case Qt::Key_PageDown:
            bar->setValue(bar->value() + viewport()->height() - px(54));
            return;
        case Qt::Key_PageUp:
            bar->setValue(bar->value() - viewport()->height() + px(54));
            return;
        case Qt::Key_Home:
            bar->setValue(0);
            return;
        case Qt::Key_End:
            bar->setValue(bar->maximum());
            return;
        case Qt::Key_Right:
        case Qt::Key_Left:
            if (horizontalScrollBar()->maximum() == 0) {
                const std::uint32_t page = currentPage();
                showPage(event->key() == Qt::Key_Right ? page + 1 : page - (page > 0 ? 1 : 0));
                return;
            }
            break;
        default:
            break;
        }
    }
    DocumentView::keyPressEvent(event);
}

bool PageView::viewportEvent(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        if (const Chipped* chip = chippedAt(help->pos())) {
            const CitedPassage& passage = m_citations[chip->citation];
            const VerdictLook look = lookOf(passage.verdict);
            QToolTip::showText(
                help->globalPos(),
                tr("Citation %1: %2. %3").arg(passage.number).arg(look.word, look.meaning),
                viewport());
        } else {
            QToolTip::hideText();
        }
        return true;
    }
    return DocumentView::viewportEvent(event);
}

} // namespace dossier::ui
