// SPDX-License-Identifier: GPL-3.0-or-later
// Segment switch, search field, scroll bar with ticks.
#include "ui/widgets/controls.h"

#include <QAccessible>
#include <QFontMetricsF>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QLineEdit>
#include <QPainter>
#include <QStyleOptionSlider>
#include <QToolTip>
#include <cmath>

#include "ui/theme/icons.h"
#include "ui/theme/paint.h"

namespace dossier::ui {

// ---------------------------------------------------------------- segments

SegmentSwitch::SegmentSwitch(std::vector<Segment> segments, double height, Type type,
                             double padding, QWidget* parent)
    : QWidget(parent),
      m_segments(std::move(segments)),
      m_height(height),
      m_padding(padding),
      m_type(type) {
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    setAttribute(Qt::WA_Hover);
    onThemeChange(this, [this] {
        updateGeometry();
        update();
    });
}

void SegmentSwitch::setCurrent(int index) {
    if (index == m_current || index < 0 || index >= count()) {
        return;
    }
    m_current = index;
    updateGeometry();
    update();
    QAccessibleEvent changed(this, QAccessible::Selection);
    changed.setChild(index);
    QAccessible::updateAccessibility(&changed);
}

void SegmentSwitch::setCompact(bool compact) {
    if (m_compact != compact) {
        m_compact = compact;
        updateGeometry();
        update();
    }
}

double SegmentSwitch::segmentWidth(int index) const {
    const Segment& s = segment(index);
    const bool withText = !m_compact || index == m_current || s.icon.isEmpty();
    QFont f = fontOf(m_type);
    if (index == m_current) {
        f.setWeight(QFont::Medium);
    }
    double width = 2 * pxF(m_padding);
    width += s.icon.isEmpty() ? 0 : pxF(16);
    width += withText ? QFontMetricsF(f).horizontalAdvance(s.text) : 0;
    width += withText && !s.icon.isEmpty() ? pxF(6) : 0;
    return std::round(width);
}

QRect SegmentSwitch::segmentRect(int index) const {
    double x = 2;
    for (int i = 0; i < index; ++i) {
        x += segmentWidth(i) + 1;
    }
    return {static_cast<int>(x), 2, static_cast<int>(segmentWidth(index)), height() - 4};
}

int SegmentSwitch::segmentAt(const QPoint& at) const {
    for (int i = 0; i < count(); ++i) {
        if (segmentRect(i).adjusted(0, -2, 1, 2).contains(at)) {
            return i;
        }
    }
    return -1;
}

QSize SegmentSwitch::sizeHint() const {
    double width = 4;
    for (int i = 0; i < count(); ++i) {
        width += segmentWidth(i) + (i > 0 ? 1 : 0);
    }
    return {static_cast<int>(width), px(m_height)};
}

void SegmentSwitch::paintEvent(QPaintEvent*) {
    QPainter p(this);
    p.setRenderHint(QPainter::Antialiasing);
    const Tokens& t = tokens();
    p.setPen(Qt::NoPen);
    p.setBrush(t.track);
    p.drawRoundedRect(rect(), pxF(6), pxF(6));
    const QPoint mouse = mapFromGlobal(QCursor::pos());
    for (int i = 0; i < count(); ++i) {
        const Segment& s = segment(i);
        const bool on = i == m_current;
        const QRectF cell = segmentRect(i);
        if (on) {
            p.setPen(t.dark ? QPen(Qt::NoPen) : QPen(t.line2, 1));
            p.setBrush(t.segment);
            p.drawRoundedRect(t.dark ? cell : cell.adjusted(-0.5, -0.5, 0.5, 0.5), pxF(4), pxF(4));
        }
        const bool hover = underMouse() && segmentRect(i).contains(mouse) && s.enabled;
        const QColor ink = !s.enabled ? t.text3 : on || hover ? t.text : t.text2;
        p.setOpacity(s.enabled ? 1 : 0.6);
        double x = cell.x() + pxF(m_padding);
        if (!s.icon.isEmpty()) {
            paintIcon(p, s.icon, QRectF(x, cell.center().y() - pxF(8), pxF(16), pxF(16)), ink);
            x += pxF(22);
        }
        if (!m_compact || on || s.icon.isEmpty()) {
            QFont f = fontOf(m_type);
            f.setWeight(on ? QFont::Medium : QFont::Normal);
            drawText(p, QRectF(x, 0, cell.right() - x, height()), s.text, f, ink);
        }
        p.setOpacity(1);
    }
}

void SegmentSwitch::choose(int index) {
    if (index < 0 || index >= count() || !segment(index).enabled || index == m_current) {
        return;
    }
    setCurrent(index);
    emit chosen(index);
}

void SegmentSwitch::mousePressEvent(QMouseEvent* event) {
    choose(segmentAt(event->pos()));
}

void SegmentSwitch::keyPressEvent(QKeyEvent* event) {
    const int step = event->key() == Qt::Key_Left ? -1 : event->key() == Qt::Key_Right ? 1 : 0;
    if (step == 0) {
        QWidget::keyPressEvent(event);
        return;
    }
    int index = m_current + step;
    while (index >= 0 && index < count() && !segment(index).enabled) {
        index += step;
    }
    choose(index);
}

bool SegmentSwitch::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const int index = segmentAt(help->pos());
        if (index >= 0) {
            const Segment& s = segment(index);
            QToolTip::showText(help->globalPos(), s.tip.isEmpty() ? s.text : s.tip, this);
            return true;
        }
    } else if (event->type() == QEvent::HoverMove || event->type() == QEvent::HoverLeave) {
        update();
    }
    return QWidget::event(event);
}

// ---------------------------------------------------------------- search field

SearchField::SearchField(const QString& placeholder, double height, Type type, double width,
                         QWidget* parent)
    : QFrame(parent),
      m_edit(new QLineEdit(this)),
      m_count(new Label({}, Type::Small, &Tokens::text3, this)) {
    auto* layout = rowLayout(this, 9, 0, 9, 0, 7);
    layout->addWidget(
        new IconLabel(QStringLiteral("search"), height < 28 ? 14 : 15, &Tokens::text3, this));
    layout->addWidget(m_edit, 1);
    layout->addWidget(m_count);
    m_count->setTabular();
    m_count->hide();
    m_edit->setProperty("bare", true);
    m_edit->setMinimumWidth(0);
    m_edit->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    m_edit->setPlaceholderText(placeholder);
    m_edit->setAccessibleName(placeholder);
    m_edit->installEventFilter(this);
    setFocusProxy(m_edit);
    setCursor(Qt::IBeamCursor);
    onThemeChange(this, [=, this] {
        setFixedHeight(px(height));
        if (width > 0) {
            setFixedWidth(px(width));
        }
        m_edit->setFont(fontOf(type));
    });
}

void SearchField::setCount(const QString& text) {
    m_count->setText(text);
    m_count->setVisible(!text.isEmpty());
    m_edit->setAccessibleDescription(text);
}

void SearchField::setKeyHint(const QString& keys) {
    if (m_keys == nullptr) {
        m_keys = new KeyHint(keys, this);
        layout()->addWidget(m_keys);
    }
}

void SearchField::setPlaceholder(const QString& text) {
    m_edit->setPlaceholderText(text);
}

void SearchField::setError(bool error) {
    m_error = error;
    update();
}

bool SearchField::eventFilter(QObject* watched, QEvent* event) {
    if (event->type() == QEvent::FocusIn || event->type() == QEvent::FocusOut) {
        update();
    } else if (event->type() == QEvent::MouseButtonPress) {
        emit clicked();
    }
    return QFrame::eventFilter(watched, event);
}

void SearchField::mousePressEvent(QMouseEvent*) {
    m_edit->setFocus(Qt::MouseFocusReason);
    emit clicked();
}

void SearchField::paintEvent(QPaintEvent*) {
    QPainter p(this);
    p.setRenderHint(QPainter::Antialiasing);
    const Tokens& t = tokens();
    const bool focus = m_edit->hasFocus();
    p.setBrush(t.base);
    p.setPen(focus ? QPen(t.focus, 2) : QPen(m_error ? t.err : t.line2, 1));
    const double inset = focus ? 1 : 0.5;
    p.drawRoundedRect(QRectF(rect()).adjusted(inset, inset, -inset, -inset), pxF(5), pxF(5));
}

// ---------------------------------------------------------------- scroll bar

TickScrollBar::TickScrollBar(QWidget* parent) : QScrollBar(Qt::Vertical, parent) {}

void TickScrollBar::setTicks(std::vector<double> ticks) {
    if (ticks != m_ticks) {
        m_ticks = std::move(ticks);
        update();
    }
}

void TickScrollBar::paintEvent(QPaintEvent* event) {
    QScrollBar::paintEvent(event);
    if (m_ticks.empty()) {
        return;
    }
    QPainter p(this);
    p.setRenderHint(QPainter::Antialiasing);
    p.setPen(Qt::NoPen);
    p.setBrush(tokens().hlB);
    const double length = height() - 6.0;
    // Thousands of hits would paint the same pixels again and again.
    double last = -10;
    for (const double tick : m_ticks) {
        const double y = 3 + tick * length;
        if (y - last >= 1) {
            p.drawRoundedRect(QRectF(1, std::round(y) - 1, width() - 3, 3), 1, 1);
            last = y;
        }
    }
}

// ---------------------------------------------------------------- progress

ThinProgress::ThinProgress(double width, double height, QWidget* parent) : QWidget(parent) {
    onThemeChange(this, [=, this] {
        setFixedHeight(px(height));
        if (width > 0) {
            setFixedWidth(px(width));
        }
        update();
    });
}

void ThinProgress::setValue(double share) {
    if (std::abs(share - m_value) > 1e-6) {
        m_value = share;
        update();
        QAccessibleValueChangeEvent changed(this, static_cast<int>(share * 100));
        QAccessible::updateAccessibility(&changed);
    }
}

void ThinProgress::paintEvent(QPaintEvent*) {
    QPainter p(this);
    const MeterPart part{std::clamp(m_value, 0.0, 1.0), tokens().accent,
                         m_value < 0 ? MeterPart::HatchReserve : MeterPart::Solid};
    const MeterPart unknown{1, tokens().accent, MeterPart::HatchReserve};
    paintMeter(p, rect(), std::span(m_value < 0 ? &unknown : &part, 1), 3);
}

} // namespace dossier::ui
