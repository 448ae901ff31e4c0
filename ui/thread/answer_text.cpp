// SPDX-License-Identifier: GPL-3.0-or-later
// Chips as text objects, and the widget around the document.
#include "ui/thread/answer_text.h"

#include <QAbstractTextDocumentLayout>
#include <QContextMenuEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QPainter>
#include <QTextBlock>
#include <QTextObjectInterface>
#include <cmath>

#include "ui/theme/paint.h"
#include "ui/theme/theme.h"

namespace dossier::ui {
namespace {

constexpr int kCaretObject = kChipObject + 1;

Chip chipOf(const QTextFormat& format, std::uint32_t current) {
    Chip chip;
    chip.number = format.property(kChipNumber).toUInt();
    chip.verdict = static_cast<app::Verdict>(format.property(kChipVerdict).toInt());
    chip.forced = format.property(kChipForced).toBool();
    chip.current = chip.number == current;
    return chip;
}

/// Draws chips and the writing caret. The object's box ends at the baseline; the chip hangs 4 px
/// below it, so that its digits stand about on the line.
class Objects : public QObject, public QTextObjectInterface {
    Q_OBJECT
    Q_INTERFACES(QTextObjectInterface)

  public:
    explicit Objects(AnswerText* owner) : QObject(owner), m_owner(owner) {}

    QSizeF intrinsicSize(QTextDocument*, int, const QTextFormat& format) override {
        if (format.objectType() == kCaretObject) {
            return {pxF(10), pxF(11)};
        }
        return {chipSize(chipOf(format, 0)).width() + pxF(3), pxF(11)};
    }

    void drawObject(QPainter* painter, const QRectF& rect, QTextDocument*, int,
                    const QTextFormat& format) override {
        if (format.objectType() == kCaretObject) {
            const PainterScope scope(*painter);
            painter->setPen(Qt::NoPen);
            painter->setBrush(tokens().accent);
            painter->drawRoundedRect(
                QRectF(rect.x() + pxF(3), rect.bottom() - pxF(13), pxF(7), pxF(15)), 1, 1);
            return;
        }
        const double y = std::round(rect.bottom() - pxF(13));
        paintChip(*painter, QPointF(std::round(rect.x() + pxF(2)), y),
                  chipOf(format, m_owner->current()));
    }

  private:
    AnswerText* m_owner;
};

} // namespace

AnswerText::AnswerText(QWidget* parent) : QTextEdit(parent) {
    setReadOnly(true);
    setFrameShape(QFrame::NoFrame);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    setTabChangesFocus(true);
    setMouseTracking(true);
    viewport()->setMouseTracking(true);
    viewport()->setAutoFillBackground(false);
    setAccessibleName(tr("Answer"));
    auto* objects = new Objects(this);
    document()->documentLayout()->registerHandler(kChipObject, objects);
    document()->documentLayout()->registerHandler(kCaretObject, objects);
    m_answer = std::make_unique<AnswerDocument>(document());
    connect(document()->documentLayout(), &QAbstractTextDocumentLayout::documentSizeChanged, this,
            [this] { fitHeight(); });
    m_hover.setSingleShot(true);
    m_hover.setInterval(300);
    connect(&m_hover, &QTimer::timeout, this, [this] {
        const QRectF rect = chipRect(m_hovered);
        emit chipHovered(m_hovered,
                         QRect(mapToGlobal(rect.topLeft().toPoint()), rect.size().toSize()));
    });
    onThemeChange(this, [this] {
        document()->setDefaultFont(fontOf(Type::Body));
        m_answer->restyle();
        fitHeight();
    });
}

AnswerText::~AnswerText() = default;

void AnswerText::setAnswer(const std::string& text, const std::vector<app::Citation>& citations) {
    m_answer->update(text, citations);
}

void AnswerText::setWriting(bool writing) {
    m_answer->setWriting(writing);
}

void AnswerText::setCurrent(std::uint32_t number) {
    if (m_current != number) {
        m_current = number;
        viewport()->update();
    }
}

void AnswerText::fitHeight() {
    // Room for the outline of a current chip in the last line.
    const int height = static_cast<int>(std::ceil(document()->size().height())) + px(3);
    if (height != this->height()) {
        setFixedHeight(std::max(1, height));
    }
}

QSize AnswerText::sizeHint() const {
    return {px(200), static_cast<int>(std::ceil(document()->size().height()))};
}

void AnswerText::resizeEvent(QResizeEvent* event) {
    QTextEdit::resizeEvent(event);
    fitHeight();
}

QRectF AnswerText::chipRect(std::uint32_t number) const {
    for (QTextBlock block = document()->begin(); block.isValid(); block = block.next()) {
        for (auto it = block.begin(); !it.atEnd(); ++it) {
            const QTextFragment fragment = it.fragment();
            if (fragment.charFormat().objectType() == kChipObject &&
                fragment.charFormat().property(kChipNumber).toUInt() == number) {
                const int at = fragment.position() - block.position();
                const QTextLine line = block.layout()->lineForTextPosition(at);
                const QRectF area = document()->documentLayout()->blockBoundingRect(block);
                const QSizeF size = chipSize(chipOf(fragment.charFormat(), 0));
                return {area.x() + line.cursorToX(at) + pxF(2), area.y() + line.y(), size.width(),
                        std::max(size.height(), line.height())};
            }
        }
    }
    return {};
}

std::uint32_t AnswerText::chipAt(const QPointF& point) const {
    const QTextFormat format = document()->documentLayout()->formatAt(point);
    return format.objectType() == kChipObject ? format.property(kChipNumber).toUInt() : 0;
}

void AnswerText::mousePressEvent(QMouseEvent* event) {
    const std::uint32_t chip = event->button() == Qt::LeftButton ? chipAt(event->position()) : 0;
    if (chip != 0) {
        m_hover.stop();
        emit chipHovered(0, {});
        emit chipClicked(chip);
        return;
    }
    QTextEdit::mousePressEvent(event);
}

void AnswerText::mouseMoveEvent(QMouseEvent* event) {
    QTextEdit::mouseMoveEvent(event);
    const std::uint32_t chip = event->buttons() == Qt::NoButton ? chipAt(event->position()) : 0;
    viewport()->setCursor(chip != 0 ? Qt::PointingHandCursor : Qt::IBeamCursor);
    if (chip != m_hovered) {
        if (m_hovered != 0) {
            emit chipHovered(0, {});
        }
        m_hovered = chip;
        chip != 0 ? m_hover.start() : m_hover.stop();
    }
}

void AnswerText::leaveEvent(QEvent* event) {
    QTextEdit::leaveEvent(event);
    m_hover.stop();
    m_hovered = 0;
    emit chipHovered(0, {});
}

void AnswerText::contextMenuEvent(QContextMenuEvent* event) {
    QMenu* menu = createStandardContextMenu();
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->popup(event->globalPos());
}

} // namespace dossier::ui

#include "answer_text.moc"
