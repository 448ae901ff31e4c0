// SPDX-License-Identifier: GPL-3.0-or-later
// Popup frame.
#include "ui/widgets/popup.h"

#include <QBitmap>
#include <QGuiApplication>
#include <QPainter>
#include <QScreen>

#include "ui/theme/theme.h"

namespace dossier::ui {
namespace {

const QScreen* screenAt(const QPoint& point) {
    const QScreen* screen = QGuiApplication::screenAt(point);
    return screen != nullptr ? screen : QGuiApplication::primaryScreen();
}

} // namespace

PopupFrame::PopupFrame(QWidget* parent, Qt::WindowType type)
    : QFrame(parent, type | Qt::FramelessWindowHint | Qt::NoDropShadowWindowHint) {
    setAttribute(Qt::WA_DeleteOnClose);
    setAttribute(Qt::WA_TranslucentBackground);
    if (type == Qt::ToolTip) {
        setAttribute(Qt::WA_ShowWithoutActivating);
        setAttribute(Qt::WA_TransparentForMouseEvents);
    }
}

void PopupFrame::showAt(const QPoint& globalTopLeft, const QRect& avoid) {
    adjustSize();
    QPoint at = globalTopLeft;
    const QScreen* screen = screenAt(globalTopLeft);
    if (at.y() + height() > screen->availableGeometry().bottom() && !avoid.isNull()) {
        at.setY(avoid.top() - height() - 4);
    }
    place(at, screen);
    show();
}

void PopupFrame::showAbove(const QRect& globalAnchor) {
    adjustSize();
    m_below = globalAnchor;
    place({m_below.x(), m_below.top() - height() - 4}, screenAt(m_below.topLeft()));
    show();
}

void PopupFrame::place(QPoint at, const QScreen* screen) {
    const QRect area = screen->availableGeometry();
    at.setX(
        std::clamp(at.x(), area.left() + 4, std::max(area.left() + 4, area.right() - width() - 4)));
    at.setY(
        std::clamp(at.y(), area.top() + 4, std::max(area.top() + 4, area.bottom() - height() - 4)));
    move(at);
}

void PopupFrame::resizeEvent(QResizeEvent* event) {
    QFrame::resizeEvent(event);
    // Without a compositor the corners outside the radius would be black.
    QBitmap mask(size());
    mask.fill(Qt::color0);
    QPainter p(&mask);
    p.setBrush(Qt::color1);
    p.setPen(Qt::color1);
    p.drawRoundedRect(QRectF(rect()).adjusted(0, 0, -1, -1), pxF(7), pxF(7));
    setMask(mask);
    if (!m_below.isNull() && isVisible()) {
        place({m_below.x(), m_below.top() - height() - 4}, screenAt(m_below.topLeft()));
    }
}

void PopupFrame::paintEvent(QPaintEvent*) {
    QPainter p(this);
    p.setRenderHint(QPainter::Antialiasing);
    p.fillRect(rect(), tokens().menu);
    p.setPen(QPen(tokens().line2, 1));
    p.setBrush(tokens().menu);
    p.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), pxF(7), pxF(7));
}

} // namespace dossier::ui
