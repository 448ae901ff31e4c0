// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/question_button.h"

#include <QPainter>

#include "ui/theme/icons.h"
#include "ui/theme/paint.h"
#include "ui/widgets/basics.h"

namespace dossier::ui {

QuestionButton::QuestionButton(const QString& text, QWidget* parent) : QAbstractButton(parent) {
    setText(text);
    setAccessibleName(text);
    setToolTip(text);
    setFocusPolicy(Qt::StrongFocus);
    onThemeChange(this, [this] { setFixedHeight(px(32)); });
}

void QuestionButton::paintEvent(QPaintEvent*) {
    QPainter p(this);
    p.setRenderHint(QPainter::Antialiasing);
    const Tokens& t = tokens();
    p.setPen(QPen(t.line2, 1));
    p.setBrush(underMouse() ? t.hover : t.base);
    p.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), pxF(5), pxF(5));
    paintIcon(p, QStringLiteral("ask"), QRectF(pxF(12), pxF(8), pxF(16), pxF(16)), t.accentT);
    drawElided(p, QRectF(pxF(37), 0, width() - pxF(37 + 30), height()), text(), fontOf(Type::Body),
               t.text, Qt::ElideRight);
    paintIcon(p, QStringLiteral("chevron-right"),
              QRectF(width() - pxF(24), pxF(10), pxF(12), pxF(12)), t.text3);
}

} // namespace dossier::ui
