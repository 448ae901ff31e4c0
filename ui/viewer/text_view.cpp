// SPDX-License-Identifier: GPL-3.0-or-later
// Layout, scrolling and selection of text. Painting is in text_paint.cpp.
#include "ui/viewer/text_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QScrollBar>
#include <algorithm>
#include <cmath>

#include "ui/async.h"
#include "ui/theme/theme.h"

namespace dossier::ui {

TextView::TextView(QWidget* parent) : DocumentView(parent), m_layouts(3000) {
    setObjectName(QStringLiteral("textView"));
    setAccessibleName(tr("Text"));
    onThemeChange(this, [this] { restyle(); });
}

TextView::~TextView() = default;

void TextView::setDocument(app::DocumentPtr document) {
    adoptDocument(std::move(document));
    m_index.reset();
    m_states.reset();
    m_layouts.clear();
    m_currentLine = 1;
    m_wrap = m_document->format != ingest::Format::Code;
    m_language = m_wrap ? nullptr : languageOf(m_document->language);
    restyle();
    const quint64 generation = ++m_generation;
    runAsync(
        this,
        [doc = m_document](std::stop_token) {
            return std::make_shared<const LineIndex>(indexLines(doc->text));
        },
        [this, generation](std::shared_ptr<const LineIndex> index) {
            if (generation != m_generation) {
                return;
            }
            m_index = std::move(index);
            relayout();
            if (m_pending) {
                const Jump jump = *m_pending;
                m_pending.reset();
                if (jump.top) {
                    setTopOffset(jump.range.begin);
                } else {
                    showRange(jump.range, jump.flash);
                }
            }
            emit ready();
            emit positionChanged();
            if (m_language == nullptr) {
                return;
            }
            runAsync(
                this,
                [doc = m_document, lines = m_index, language = m_language](std::stop_token stop) {
                    return std::make_shared<const std::vector<SyntaxState>>(
                        lineStates(*language, doc->text, lines->starts, stop));
                },
                [this, generation](std::shared_ptr<const std::vector<SyntaxState>> states) {
                    if (generation == m_generation) {
                        m_states = std::move(states);
                        m_layouts.clear();
                        viewport()->update();
                    }
                });
        });
}

void TextView::restyle() {
    m_font = fontOf(m_wrap ? Type::Body : Type::Code);
    m_font.setPointSizeF(m_font.pointSizeF() * m_zoom);
    m_italic = m_font;
    m_italic.setItalic(true);
    m_charWidth = QFontMetricsF(m_font).horizontalAdvance(QLatin1Char('0'));
    m_rowHeight = static_cast<int>(std::lround(pxF(m_wrap ? 20 : 18) * m_zoom));
    relayout();
}

double TextView::gutter() const {
    // Chip column 46, numbers right-aligned with 12 px behind them, 8 px before the text.
    const int digits = std::max<int>(3, static_cast<int>(std::to_string(lineCount()).size()));
    const double numbers = QFontMetricsF(fontOf(Type::Code)).horizontalAdvance(QLatin1Char('0')) *
                           digits * std::min(1.0, m_zoom);
    return pxF(46) + std::max(pxF(38), numbers + pxF(14)) + pxF(8);
}

double TextView::textWidth() const {
    const double room = viewport()->width() - gutter() - pxF(16);
    return m_wrap ? std::max(pxF(160), std::min(room, pxF(760) * m_zoom)) : room;
}

void TextView::relayout() {
    m_layouts.clear();
    if (!m_index) {
        return;
    }
    const std::uint64_t top = topOffset();
    if (m_wrap) {
        const double average = QFontMetricsF(m_font).averageCharWidth();
        m_rowMap.estimate(*m_index, m_document->text.size(),
                          std::max(8.0, textWidth() / average * 0.95));
    } else {
        m_rowMap.reset(m_index->size());
    }
    updateScrollBars();
    setTopOffset(top);
    updateTicks();
    viewport()->update();
}

void TextView::updateScrollBars() {
    const int page = std::max(1, (viewport()->height() - px(6)) / m_rowHeight);
    verticalScrollBar()->setRange(0, static_cast<int>(std::min<std::uint64_t>(
                                         m_rowMap.total() > static_cast<std::uint64_t>(page)
                                             ? m_rowMap.total() - static_cast<std::uint64_t>(page)
                                             : 0,
                                         std::numeric_limits<int>::max())));
    verticalScrollBar()->setPageStep(page);
    verticalScrollBar()->setSingleStep(3);
    const double content =
        m_wrap || !m_index
            ? 0
            : static_cast<double>(m_index->longest) * m_charWidth + gutter() + pxF(40);
    horizontalScrollBar()->setRange(0,
                                    std::max(0, static_cast<int>(content) - viewport()->width()));
    horizontalScrollBar()->setPageStep(viewport()->width());
    horizontalScrollBar()->setSingleStep(px(40));
}

void TextView::setZoom(double zoom) {
    zoom = std::clamp(zoom, 0.5, 3.0);
    if (std::abs(zoom - m_zoom) > 1e-9) {
        m_zoom = zoom;
        restyle();
        emit zoomChanged();
    }
}

void TextView::resizeEvent(QResizeEvent* event) {
    DocumentView::resizeEvent(event);
    if (m_wrap) {
        relayout();
    } else {
        updateScrollBars();
    }
}

// ---------------------------------------------------------------- lines

std::string_view TextView::lineText(std::size_t line) const {
    const std::uint64_t begin = m_index->starts[line];
    std::uint64_t end = m_index->end(line, m_document->text.size());
    if (end > begin && m_document->text[end - 1] == '\n') {
        --end;
    }
    return std::string_view(m_document->text).substr(begin, end - begin);
}

TextView::LineLayout* TextView::lineLayout(std::size_t line) {
    if (LineLayout* cached = m_layouts.object(line)) {
        return cached;
    }
    const std::string_view text = lineText(line);
    auto* created = new LineLayout;
    QTextLayout& layout = created->layout;
    layout.setFont(m_font);
    layout.setText(QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size())));
    QTextOption option;
    option.setWrapMode(m_wrap ? QTextOption::WrapAtWordBoundaryOrAnywhere : QTextOption::NoWrap);
    option.setTabStopDistance(m_charWidth * 4);
    layout.setTextOption(option);
    layout.setCacheEnabled(true);
    bool current = false;
    std::uint32_t number = 0;
    app::Verdict verdict{};
    const bool cited = !m_wrap && citedWhole(line, &current, &number, &verdict);
    layout.setFormats(syntaxFormats(line, text, cited));
    layout.beginLayout();
    double y = 0;
    std::uint32_t rows = 0;
    for (;;) {
        QTextLine textLine = layout.createLine();
        if (!textLine.isValid()) {
            break;
        }
        textLine.setLineWidth(m_wrap ? textWidth() : 1e7);
        // Text sits in the middle of its row whatever the font says about leading.
        textLine.setPosition(QPointF(0, y + (m_rowHeight - textLine.height()) / 2));
        y += m_rowHeight;
        ++rows;
        if (!m_wrap) {
            break;
        }
    }
    layout.endLayout();
    created->rows = std::max(1u, rows);
    m_layouts.insert(line, created);
    return created;
}

void TextView::forVisible(const std::function<void(std::size_t, double)>& visit) {
    if (!m_index || m_index->size() == 0) {
        return;
    }
    auto [line, within] = m_rowMap.lineAt(static_cast<std::uint64_t>(verticalScrollBar()->value()));
    double y = pxF(6) - static_cast<double>(within) * m_rowHeight;
    bool corrected = false;
    while (line < m_index->size() && y < viewport()->height()) {
        LineLayout* layout = lineLayout(line);
        if (m_rowMap.rows(line) != layout->rows) {
            m_rowMap.setRows(line, layout->rows);
            corrected = true;
        }
        visit(line, y);
        y += layout->rows * m_rowHeight;
        ++line;
    }
    if (corrected) {
        const QSignalBlocker blocker(verticalScrollBar());
        updateScrollBars();
    }
}

QRect TextView::lineRect(std::uint64_t line) const {
    QRect result;
    const_cast<TextView*>(this)->forVisible([&](std::size_t i, double y) {
        if (m_index->number(i) == line && result.isNull()) {
            result = QRect(0, static_cast<int>(y), viewport()->width(), m_rowHeight);
        }
    });
    return result;
}

// ---------------------------------------------------------------- places

double TextView::positionOf(std::uint64_t offset) const {
    if (!m_index || m_rowMap.total() == 0) {
        return 0;
    }
    return static_cast<double>(m_rowMap.before(m_index->indexOf(offset))) /
           static_cast<double>(m_rowMap.total());
}

void TextView::showRange(ingest::TextRange range, bool flash) {
    if (!m_index) {
        m_pending = Jump{range, flash, false};
        return;
    }
    const std::size_t line = m_index->indexOf(range.begin);
    m_currentLine = m_index->number(line);
    std::uint64_t row = m_rowMap.before(line);
    if (m_wrap) {
        LineLayout* layout = lineLayout(line);
        m_rowMap.setRows(line, layout->rows);
        const int at = utf16Index(lineText(line), range.begin - m_index->starts[line]);
        const QTextLine inLine = layout->layout.lineForTextPosition(at);
        row += inLine.isValid() ? static_cast<std::uint64_t>(inLine.lineNumber()) : 0;
        updateScrollBars();
    }
    const auto top = static_cast<std::uint64_t>(verticalScrollBar()->value());
    const auto page = static_cast<std::uint64_t>(verticalScrollBar()->pageStep());
    if (row < top + 2 || row + 3 > top + page) {
        verticalScrollBar()->setValue(
            static_cast<int>(row > page / 3 ? row - page / 3 : std::uint64_t{0}));
    }
    if (!m_wrap) {
        const double x = static_cast<double>(range.begin - m_index->starts[line]) * m_charWidth;
        const double room = viewport()->width() - gutter() - pxF(60);
        const int left = horizontalScrollBar()->value();
        if (x < left || x > left + room) {
            horizontalScrollBar()->setValue(static_cast<int>(x > room ? x - room / 2 : 0));
        }
    }
    if (flash) {
        startFlash(range);
    }
    viewport()->update();
    emit positionChanged();
}

void TextView::showLine(std::uint64_t line) {
    if (m_document) {
        const auto range = ingest::lineRange(*m_document, line);
        showRange(range, true);
    }
}

std::uint64_t TextView::topOffset() const {
    if (!m_index || m_index->size() == 0) {
        return m_pending ? m_pending->range.begin : 0;
    }
    const auto [line, within] =
        m_rowMap.lineAt(static_cast<std::uint64_t>(verticalScrollBar()->value()));
    return m_index->starts[std::min(line, m_index->size() - 1)];
}

void TextView::setTopOffset(std::uint64_t offset) {
    if (!m_index) {
        m_pending = Jump{{offset, offset}, false, true};
        return;
    }
    verticalScrollBar()->setValue(static_cast<int>(m_rowMap.before(m_index->indexOf(offset))));
}

std::uint64_t TextView::offsetAtPoint(const QPointF& point) {
    std::uint64_t result = 0;
    forVisible([&](std::size_t line, double y) {
        LineLayout* layout = lineLayout(line);
        if (point.y() >= y || result == 0) {
            const int row = std::clamp(static_cast<int>((point.y() - y) / m_rowHeight), 0,
                                       std::max(0, layout->layout.lineCount() - 1));
            const QTextLine inLine = layout->layout.lineAt(row);
            const double x = point.x() - gutter() + horizontalScrollBar()->value();
            const int at = inLine.isValid() ? inLine.xToCursor(x) : 0;
            result = m_index->starts[line] + utf8Index(lineText(line), at);
        }
    });
    return result;
}

QRectF TextView::textRect(std::uint64_t offset) const {
    QRectF result;
    if (!m_index) {
        return result;
    }
    const std::size_t wanted = m_index->indexOf(offset);
    auto* self = const_cast<TextView*>(this); // laying out lines fills the cache
    self->forVisible([&](std::size_t line, double y) {
        if (line != wanted) {
            return;
        }
        const int at = utf16Index(lineText(line), offset - m_index->starts[line]);
        const QTextLine row = self->lineLayout(line)->layout.lineForTextPosition(at);
        if (row.isValid()) {
            const double x = row.cursorToX(at) + gutter() - horizontalScrollBar()->value();
            result = QRectF(x, y + row.lineNumber() * m_rowHeight, m_charWidth, m_rowHeight);
        }
    });
    return result;
}

std::optional<std::uint64_t> TextView::textAt(const QPointF& point) const {
    return m_index ? std::optional(const_cast<TextView*>(this)->offsetAtPoint(point))
                   : std::nullopt;
}

void TextView::overlaysChanged() {
    m_layouts.clear(); // the current citation is drawn without syntax colours
    viewport()->update();
}

// ---------------------------------------------------------------- mouse and keys

std::optional<std::uint32_t> TextView::chipAt(const QPointF& point) const {
    for (const auto& [rect, number] : m_chips) {
        if (rect.adjusted(-3, -2, 3, 2).contains(point)) {
            return number;
        }
    }
    return std::nullopt;
}

bool TextView::isTextAt(const QPointF& point) const {
    return point.x() >= gutter();
}

void TextView::placePressed(std::uint64_t offset) {
    m_currentLine = m_index->number(m_index->indexOf(offset));
}

void TextView::mouseDoubleClickEvent(QMouseEvent* event) {
    if (!m_index || m_document->text.empty()) {
        return;
    }
    const std::uint64_t offset = offsetAtPoint(event->position());
    const auto word = [this](std::uint64_t at) {
        const auto c = static_cast<unsigned char>(m_document->text[at]);
        return std::isalnum(c) || c == '_' || c >= 0x80;
    };
    std::uint64_t begin = std::min<std::uint64_t>(offset, m_document->text.size() - 1);
    std::uint64_t end = begin;
    while (begin > 0 && word(begin - 1)) {
        --begin;
    }
    while (end < m_document->text.size() && word(end)) {
        ++end;
    }
    m_anchor = begin;
    select(ingest::TextRange{begin, end});
}

void TextView::keyPressEvent(QKeyEvent* event) {
    QScrollBar* bar = verticalScrollBar();
    if (event->modifiers() == Qt::NoModifier || event->modifiers() == Qt::ControlModifier) {
        const bool control = event->modifiers() == Qt::ControlModifier;
        switch (event->key()) {
        case Qt::Key_Down:
        case Qt::Key_Up:
            bar->setValue(bar->value() + (event->key() == Qt::Key_Down ? 1 : -1));
            return;
        case Qt::Key_PageDown:
        case Qt::Key_PageUp:
            bar->setValue(bar->value() + (event->key() == Qt::Key_PageDown ? bar->pageStep() - 2
                                                                           : 2 - bar->pageStep()));
            return;
        case Qt::Key_Home:
            control ? bar->setValue(0) : horizontalScrollBar()->setValue(0);
            return;
        case Qt::Key_End:
            if (control) {
                bar->setValue(bar->maximum());
                return;
            }
            break;
        case Qt::Key_Space:
            if (!control) {
                bar->setValue(bar->value() + bar->pageStep() - 2);
                return;
            }
            break;
        default:
            break;
        }
    }
    DocumentView::keyPressEvent(event);
}

} // namespace dossier::ui
