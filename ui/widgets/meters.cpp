// SPDX-License-Identifier: GPL-3.0-or-later
// Painted bars.
#include "ui/widgets/meters.h"

#include <QPainter>
#include <QPainterPath>

#include "ui/theme/theme.h"

namespace dossier::ui {

MeterBar::MeterBar(double width, double height, double radius, QWidget* parent)
    : QWidget(parent), m_width(width), m_height(height), m_radius(radius) {
    onThemeChange(this, [this] {
        setFixedHeight(px(m_height));
        if (m_width > 0) {
            setFixedWidth(px(m_width));
        }
        update();
    });
}

void MeterBar::setBarWidth(double width) {
    m_width = width;
    setFixedWidth(px(width));
}

void MeterBar::setParts(std::vector<MeterPart> parts, const QString& spoken) {
    m_parts = std::move(parts);
    setAccessibleName(spoken);
    setToolTip(spoken);
    update();
}

void MeterBar::paintEvent(QPaintEvent*) {
    QPainter p(this);
    paintMeter(p, rect(), m_parts, m_radius);
}

MiniBar::MiniBar(double width, QWidget* parent) : QWidget(parent), m_width(width) {
    onThemeChange(this, [this] {
        setFixedSize(px(m_width), px(6));
        update();
    });
}

void MiniBar::setBarWidth(double width) {
    m_width = width;
    setFixedSize(px(width), px(6));
}

void MiniBar::setShare(double share, const QColor& color) {
    m_share = std::clamp(share, 0.0, 1.0);
    m_color = color;
    update();
}

void MiniBar::paintEvent(QPaintEvent*) {
    QPainter p(this);
    const PainterScope scope(p);
    QPainterPath path;
    path.addRoundedRect(rect(), pxF(2), pxF(2));
    p.setClipPath(path);
    p.fillRect(rect(), tokens().pressed);
    p.fillRect(QRectF(0, 0, width() * m_share, height()), m_color);
}

} // namespace dossier::ui
