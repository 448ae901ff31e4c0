// SPDX-License-Identifier: GPL-3.0-or-later
// Overlay scroll bar.
#include "ui/widgets/overlay_scroll.h"

#include <QAbstractScrollArea>
#include <QEvent>

#include "ui/theme/theme.h"

namespace dossier::ui {

OverlayScrollBar::OverlayScrollBar(QAbstractScrollArea* area)
    : QScrollBar(Qt::Vertical, area), m_area(area), m_source(area->verticalScrollBar()) {
    setProperty("overlay", true);
    setFocusPolicy(Qt::NoFocus);
    area->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    area->installEventFilter(this);
    connect(m_source, &QScrollBar::rangeChanged, this, [this] { follow(); });
    connect(m_source, &QScrollBar::valueChanged, this, &QScrollBar::setValue);
    connect(this, &QScrollBar::valueChanged, m_source, &QScrollBar::setValue);
    onThemeChange(this, [this] { place(); });
    follow();
}

bool OverlayScrollBar::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_area && (event->type() == QEvent::Resize || event->type() == QEvent::Show)) {
        place();
    }
    return QScrollBar::eventFilter(watched, event);
}

void OverlayScrollBar::place() {
    const int width = px(10);
    setGeometry(m_area->width() - width, 0, width, m_area->height());
    raise();
    follow();
}

void OverlayScrollBar::follow() {
    setRange(m_source->minimum(), m_source->maximum());
    setPageStep(m_source->pageStep());
    setSingleStep(m_source->singleStep());
    setValue(m_source->value());
    setVisible(m_source->maximum() > m_source->minimum());
}

} // namespace dossier::ui
