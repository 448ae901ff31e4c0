// SPDX-License-Identifier: GPL-3.0-or-later
// Common parts of page view and text view.
#include "ui/viewer/document_view.h"

#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QDateTime>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "ui/async.h"
#include "ui/theme/theme.h"
#include "ui/widgets/controls.h"

namespace dossier::ui {
namespace {

constexpr int kFlashMs = 600;

bool isWordByte(unsigned char c) {
    return c > 0x20;
}

} // namespace

DocumentView::DocumentView(QWidget* parent)
    : QAbstractScrollArea(parent), m_ticks(new TickScrollBar(this)) {
    setFrameShape(QFrame::NoFrame);
    setVerticalScrollBar(m_ticks);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOn);
    setFocusPolicy(Qt::StrongFocus);
    viewport()->setMouseTracking(true);
    m_flashTimer.setInterval(33);
    connect(&m_flashTimer, &QTimer::timeout, this, [this] {
        if (flashStrength() <= 0) {
            m_flashTimer.stop();
            m_flash.reset();
        }
        viewport()->update();
    });
    connect(m_ticks, &QScrollBar::valueChanged, this, &DocumentView::positionChanged);
}

void DocumentView::adoptDocument(app::DocumentPtr document) {
    m_document = std::move(document);
    m_citations.clear();
    m_currentCitation = 0;
    m_marks.clear();
    m_selection.reset();
    m_matches.clear();
    m_currentMatch = -1;
    ++m_findGeneration;
}

void DocumentView::setCitations(std::vector<CitedPassage> citations, std::uint32_t current) {
    m_citations = std::move(citations);
    m_currentCitation = current;
    overlaysChanged();
    updateTicks();
}

void DocumentView::setMarks(std::vector<app::Mark> marks) {
    m_marks = std::move(marks);
    overlaysChanged();
}

void DocumentView::updateTicks() {
    std::vector<double> ticks;
    if (m_document) {
        for (const CitedPassage& passage : m_citations) {
            ticks.push_back(positionOf(passage.range.begin));
        }
        for (const ingest::TextRange& match : m_matches) {
            ticks.push_back(positionOf(match.begin));
        }
    }
    std::sort(ticks.begin(), ticks.end());
    m_ticks->setTicks(std::move(ticks));
}

// ---------------------------------------------------------------- flash

void DocumentView::startFlash(ingest::TextRange range) {
    if (Theme::instance().reduceMotion()) {
        return;
    }
    m_flash = range;
    m_flashStart = QDateTime::currentMSecsSinceEpoch();
    m_flashTimer.start();
    viewport()->update();
}

double DocumentView::flashStrength() const {
    if (!m_flash) {
        return 0;
    }
    const double age = static_cast<double>(QDateTime::currentMSecsSinceEpoch() - m_flashStart);
    return std::clamp(1 - age / kFlashMs, 0.0, 1.0);
}

// ---------------------------------------------------------------- mouse

void DocumentView::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton || !m_document) {
        return;
    }
    if (const auto number = chipAt(event->position())) {
        emit citationClicked(*number);
        return;
    }
    const auto offset = textAt(event->position());
    if (!offset) {
        select(std::nullopt);
        return;
    }
    placePressed(*offset);
    if (event->modifiers().testFlag(Qt::ShiftModifier) && m_selection) {
        moveSelectionEnd(m_anchor, *offset);
        return;
    }
    for (const app::Mark& mark : m_marks) {
        if (*offset >= mark.range.begin && *offset < mark.range.end) {
            emit markClicked(mark.id);
        }
    }
    select(std::nullopt);
    m_anchor = *offset;
    m_selecting = true;
    emit positionChanged();
}

void DocumentView::mouseMoveEvent(QMouseEvent* event) {
    if (m_selecting && event->buttons().testFlag(Qt::LeftButton)) {
        if (const auto offset = textAt(event->position())) {
            moveSelectionEnd(m_anchor, *offset);
        }
        const double y = event->position().y();
        if (y < 0 || y > viewport()->height()) {
            verticalScrollBar()->setValue(verticalScrollBar()->value() +
                                          (y < 0 ? -dragStep() : dragStep()));
        }
        return;
    }
    viewport()->setCursor(chipAt(event->position())     ? Qt::PointingHandCursor
                          : isTextAt(event->position()) ? Qt::IBeamCursor
                                                        : Qt::ArrowCursor);
}

void DocumentView::mouseReleaseEvent(QMouseEvent*) {
    m_selecting = false;
}

void DocumentView::wheelEvent(QWheelEvent* event) {
    if (event->modifiers().testFlag(Qt::ControlModifier)) {
        setZoom(zoom() * std::pow(1.1, event->angleDelta().y() / 120.0));
        event->accept();
        return;
    }
    QAbstractScrollArea::wheelEvent(event);
}

// ---------------------------------------------------------------- selection

void DocumentView::select(std::optional<ingest::TextRange> range) {
    if (range && range->empty()) {
        range.reset();
    }
    if (m_selection != range) {
        m_selection = range;
        viewport()->update();
        emit selectionChanged();
    }
}

QString DocumentView::selectedText() const {
    if (!m_document || !m_selection || m_selection->end > m_document->text.size()) {
        return {};
    }
    return QString::fromUtf8(m_document->text.data() + m_selection->begin,
                             static_cast<qsizetype>(m_selection->size()));
}

std::uint64_t DocumentView::wordStart(std::uint64_t offset) const {
    const std::string& text = m_document->text;
    while (offset > 0 && isWordByte(static_cast<unsigned char>(text[offset - 1]))) {
        --offset;
    }
    return offset;
}

std::uint64_t DocumentView::wordEnd(std::uint64_t offset) const {
    const std::string& text = m_document->text;
    while (offset < text.size() && isWordByte(static_cast<unsigned char>(text[offset]))) {
        ++offset;
    }
    return offset;
}

void DocumentView::moveSelectionEnd(std::uint64_t anchor, std::uint64_t end) {
    select(ingest::TextRange{std::min(anchor, end), std::max(anchor, end)});
}

void DocumentView::extendSelection(int words) {
    if (!m_document || m_document->text.empty()) {
        return;
    }
    const std::string& text = m_document->text;
    const auto skipBlank = [&](std::uint64_t at) {
        while (at < text.size() && !isWordByte(static_cast<unsigned char>(text[at]))) {
            ++at;
        }
        return at;
    };
    if (!m_selection) {
        const std::uint64_t begin = skipBlank(topOffset());
        select(ingest::TextRange{begin, wordEnd(begin)});
    } else if (words > 0) {
        select(ingest::TextRange{m_selection->begin, wordEnd(skipBlank(m_selection->end))});
    } else {
        std::uint64_t end = wordStart(m_selection->end);
        while (end > m_selection->begin && !isWordByte(static_cast<unsigned char>(text[end - 1]))) {
            --end;
        }
        if (end > m_selection->begin) {
            select(ingest::TextRange{m_selection->begin, end});
        }
    }
    if (m_selection) {
        showRange({m_selection->end, m_selection->end}, false);
    }
}

// ---------------------------------------------------------------- find

void DocumentView::find(const QString& words) {
    const quint64 generation = ++m_findGeneration;
    if (words.trimmed().isEmpty() || !m_document) {
        m_matches.clear();
        m_currentMatch = -1;
        overlaysChanged();
        updateTicks();
        emit found();
        return;
    }
    const std::uint64_t from = topOffset();
    runAsync(
        this,
        [document = m_document, words](std::stop_token) {
            return findInText(document->text, words);
        },
        [this, generation, from](std::vector<ingest::TextRange> matches) {
            if (generation != m_findGeneration) {
                return;
            }
            m_matches = std::move(matches);
            const auto first =
                std::find_if(m_matches.begin(), m_matches.end(),
                             [from](const ingest::TextRange& m) { return m.begin >= from; });
            m_currentMatch = m_matches.empty() ? -1
                             : first == m_matches.end()
                                 ? 0
                                 : static_cast<int>(first - m_matches.begin());
            overlaysChanged();
            updateTicks();
            if (m_currentMatch >= 0) {
                showRange(m_matches[static_cast<std::size_t>(m_currentMatch)], false);
            }
            emit found();
        });
}

void DocumentView::findNext(int step) {
    if (m_matches.empty()) {
        return;
    }
    const int count = matchCount();
    m_currentMatch = ((m_currentMatch + step) % count + count) % count;
    const auto& match = m_matches[static_cast<std::size_t>(m_currentMatch)];
    select(match);
    overlaysChanged();
    showRange(match, false);
    emit found();
}

std::vector<ingest::TextRange> findInText(const std::string& text, const QString& words,
                                          std::size_t limit) {
    std::vector<ingest::TextRange> result;
    const QString needle = words.simplified().toCaseFolded();
    if (needle.isEmpty()) {
        return result;
    }
    const QStringList parts = needle.split(QLatin1Char(' '));
    // Line by line would miss what a line break divides, so the text is folded as a whole; the
    // folded text keeps one unit per unit wherever case folding does not change lengths.
    const QString hay = QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
    std::size_t byte = 0;
    qsizetype unit = 0;
    const auto advanceTo = [&](qsizetype to) {
        for (; unit < to; ++unit) {
            const char16_t c = hay[unit].unicode();
            if (c < 0x80) {
                byte += 1;
            } else if (c < 0x800) {
                byte += 2;
            } else if (QChar::isHighSurrogate(c)) {
                byte += 4;
            } else if (!QChar::isLowSurrogate(c)) {
                byte += 3;
            }
        }
        return byte;
    };
    qsizetype at = 0;
    while (result.size() < limit) {
        at = hay.indexOf(parts.front(), at, Qt::CaseInsensitive);
        if (at < 0) {
            break;
        }
        qsizetype end = at + parts.front().size();
        bool matches = true;
        for (qsizetype i = 1; i < parts.size() && matches; ++i) {
            qsizetype next = end;
            while (next < hay.size() && hay[next].isSpace()) {
                ++next;
            }
            matches = next > end && QStringView(hay)
                                            .mid(next, parts[i].size())
                                            .compare(parts[i], Qt::CaseInsensitive) == 0;
            end = next + parts[i].size();
        }
        if (matches) {
            const std::size_t begin = advanceTo(at);
            result.push_back({begin, advanceTo(end)});
            at = end;
        } else {
            ++at;
        }
    }
    return result;
}

// ---------------------------------------------------------------- keys and menu

void DocumentView::keyPressEvent(QKeyEvent* event) {
    if (event->matches(QKeySequence::Copy)) {
        if (m_selection) {
            QApplication::clipboard()->setText(selectedText());
        }
        return;
    }
    const bool shift = event->modifiers() == Qt::ShiftModifier;
    if (shift && (event->key() == Qt::Key_Right || event->key() == Qt::Key_Left)) {
        extendSelection(event->key() == Qt::Key_Right ? 1 : -1);
        return;
    }
    if (event->modifiers() == Qt::NoModifier) {
        switch (event->key()) {
        case Qt::Key_H:
        case Qt::Key_U:
        case Qt::Key_S:
        case Qt::Key_N:
            emit keyCommand(QChar(event->key()).toLower());
            return;
        case Qt::Key_Escape:
            if (m_selection) {
                select(std::nullopt);
                return;
            }
            break;
        default:
            break;
        }
    }
    QAbstractScrollArea::keyPressEvent(event);
}

void DocumentView::contextMenuEvent(QContextMenuEvent* event) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    auto* copy = menu->addAction(tr("Copy"), this,
                                 [this] { QApplication::clipboard()->setText(selectedText()); });
    copy->setShortcut(QKeySequence::Copy);
    copy->setEnabled(m_selection.has_value());
    menu->addSeparator();
    const std::pair<QString, QChar> commands[] = {{tr("Highlight"), QLatin1Char('h')},
                                                  {tr("Underline"), QLatin1Char('u')},
                                                  {tr("Strike out"), QLatin1Char('s')},
                                                  {tr("Note…"), QLatin1Char('n')},
                                                  {tr("Ask about this"), QLatin1Char('a')}};
    for (const auto& [text, key] : commands) {
        auto* action = menu->addAction(text, this, [this, key = key] { emit keyCommand(key); });
        action->setEnabled(m_selection.has_value());
    }
    menu->popup(event->globalPos());
}

// ---------------------------------------------------------------- offsets

int utf16Index(std::string_view utf8, std::size_t byte) {
    int units = 0;
    const std::size_t end = std::min(byte, utf8.size());
    for (std::size_t i = 0; i < end; ++i) {
        const auto c = static_cast<unsigned char>(utf8[i]);
        units += (c & 0xC0) != 0x80 ? (c >= 0xF0 ? 2 : 1) : 0;
    }
    return units;
}

std::size_t utf8Index(std::string_view utf8, int utf16) {
    int units = 0;
    std::size_t i = 0;
    while (i < utf8.size() && units < utf16) {
        const auto c = static_cast<unsigned char>(utf8[i]);
        units += c >= 0xF0 ? 2 : 1;
        i += c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    }
    return std::min(i, utf8.size());
}

} // namespace dossier::ui
