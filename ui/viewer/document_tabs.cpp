// SPDX-License-Identifier: GPL-3.0-or-later
// Painting of document tabs.
#include "ui/viewer/document_tabs.h"

#include <QMouseEvent>
#include <QPainter>
#include <cmath>

#include "ui/theme/icons.h"
#include "ui/theme/paint.h"
#include "ui/theme/theme.h"
#include "ui/widgets/basics.h"

namespace dossier::ui {
namespace {

// 12 | icon 15 | 7 | text | 7 + 3 | close 11 | 8 | line 1
constexpr double kLeft = 12, kIcon = 15, kGap = 7, kClose = 11, kRight = 8, kMaximum = 256;

} // namespace

DocumentTabs::DocumentTabs(QWidget* parent) : QTabBar(parent) {
    setDrawBase(false);
    setExpanding(false);
    setMovable(true);
    setElideMode(Qt::ElideMiddle);
    setUsesScrollButtons(true);
    setFocusPolicy(Qt::TabFocus);
    setMouseTracking(true);
    setAccessibleName(tr("Open documents"));
    onThemeChange(this, [this] { restyle(); });
}

void DocumentTabs::restyle() {
    setFixedHeight(px(34));
    setFont(fontOf(Type::Body));
    setIconSize(QSize(px(kIcon), px(kIcon)));
    update();
}

int DocumentTabs::addDocument(const QString& iconName, const QString& title) {
    const int index = addTab(title);
    setTabData(index, iconName);
    setDocumentTitle(index, title);
    return index;
}

void DocumentTabs::setDocumentTitle(int index, const QString& title) {
    setTabText(index, title);
    setTabToolTip(index, title);
    if (auto* close = qobject_cast<IconButton*>(tabButton(index, QTabBar::RightSide))) {
        close->setTip(tr("Close %1").arg(title));
    }
}

void DocumentTabs::tabInserted(int index) {
    auto* close = new IconButton(QStringLiteral("close"), tr("Close"), kClose, 18, this);
    close->setFocusPolicy(Qt::NoFocus); // Ctrl+W and the context menu do it from the keyboard
    connect(close, &IconButton::clicked, this, [this, close] {
        for (int i = 0; i < count(); ++i) {
            if (tabButton(i, QTabBar::RightSide) == close) {
                emit closeRequested(i);
                return;
            }
        }
    });
    setTabButton(index, QTabBar::RightSide, close);
}

QSize DocumentTabs::tabSizeHint(int index) const {
    const double text = QFontMetricsF(fontOf(Type::Medium)).horizontalAdvance(tabText(index));
    const double width =
        pxF(kLeft + kIcon + kGap + kGap + 3 + kClose + kRight) + std::ceil(text) + 1;
    return {static_cast<int>(std::min(width, pxF(kMaximum))), px(34)};
}

QSize DocumentTabs::minimumTabSizeHint(int index) const {
    return {std::min(tabSizeHint(index).width(), px(120)), px(34)};
}

void DocumentTabs::mouseReleaseEvent(QMouseEvent* event) {
    if (event->button() == Qt::MiddleButton && tabAt(event->pos()) >= 0) {
        emit closeRequested(tabAt(event->pos()));
        return;
    }
    QTabBar::mouseReleaseEvent(event);
}

void DocumentTabs::paintEvent(QPaintEvent*) {
    QPainter p(this);
    const Tokens& t = tokens();
    p.fillRect(rect(), t.window);
    p.fillRect(0, height() - 1, width(), 1, t.line);
    const QPoint mouse = mapFromGlobal(QCursor::pos());
    for (int i = 0; i < count(); ++i) {
        const QRect tab = tabRect(i);
        const bool on = i == currentIndex();
        if (on) {
            p.fillRect(tab, t.base);
            p.fillRect(tab.x(), tab.y(), tab.width() - 1, 2, t.accent);
        } else if (underMouse() && tab.contains(mouse)) {
            p.fillRect(tab.adjusted(0, 0, 0, -1), t.hover);
        }
        p.fillRect(tab.right(), tab.y(), 1, tab.height(), t.line);
        const double x = tab.x() + pxF(kLeft);
        const QColor ink = on ? t.text : t.text2;
        paintIcon(p, tabData(i).toString(),
                  QRectF(x, tab.center().y() + 1 - pxF(kIcon / 2), pxF(kIcon), pxF(kIcon)), ink);
        const double textX = x + pxF(kIcon + kGap);
        const double room = tab.right() - pxF(kRight + kClose + 3 + kGap) - textX + 2;
        drawElided(p, QRectF(textX, tab.y(), room, tab.height()), tabText(i),
                   fontOf(on ? Type::Medium : Type::Body), ink);
        if (on && hasFocus()) {
            paintRowFocus(p, tab);
        }
    }
}

} // namespace dossier::ui
