// SPDX-License-Identifier: GPL-3.0-or-later
// Small painted parts of the model page.
#include "ui/setup/fact.h"

#include <QBoxLayout>
#include <QPainter>

#include "ui/memory/owners.h"
#include "ui/theme/icons.h"
#include "ui/theme/paint.h"

namespace dossier::ui {

Fact::Fact(const QString& iconName, const QString& title, QWidget* parent)
    : QWidget(parent), m_name(title) {
    auto* row = rowLayout(this, 0, 8, 0, 8, 11);
    row->addWidget(new IconLabel(iconName, 18, &Tokens::text2, this), 0, Qt::AlignTop);
    auto* column = columnIn(row);
    row->setStretchFactor(column, 1);
    auto* top = rowIn(column, 8);
    auto* name = new Label(title, Type::Medium, &Tokens::text, this);
    name->setLineHeight(19);
    top->addWidget(name);
    top->addStretch(1);
    m_value = new Label(QStringLiteral("…"), Type::Body, &Tokens::text, this);
    top->addWidget(m_value);
    m_detail = new Label({}, Type::Small, &Tokens::text2, this);
    m_detail->setElide(Qt::ElideRight, 60);
    m_detail->setLineHeight(17);
    column->addWidget(m_detail);
}

void Fact::set(const QString& value, const QString& detail) {
    m_value->setText(value);
    m_detail->setText(detail);
    setAccessibleName(QStringLiteral("%1: %2, %3").arg(m_name, value, detail));
}

FileRow::FileRow(const QString& names, const QString& size, const QString& state, bool good,
                 QWidget* parent)
    : QWidget(parent), m_names(names), m_size(size), m_state(state), m_good(good) {
    setAccessibleName(QStringLiteral("%1, %2, %3").arg(names, size, state));
    setToolTip(names);
    onThemeChange(this, [this] { setFixedHeight(px(25)); });
}

void FileRow::paintEvent(QPaintEvent*) {
    QPainter p(this);
    const Tokens& t = tokens();
    p.fillRect(0, 0, width(), 1, t.line);
    const double names = std::min(pxF(420), width() * 0.5);
    drawElided(p, QRectF(0, 1, names, height() - 1), m_names, fontOf(Type::Snippet), t.text);
    drawNumber(p, QRectF(names + pxF(10), 1, pxF(80), height() - 1), m_size, fontOf(Type::Small),
               t.text2);
    const double x = names + pxF(114);
    const QColor ink = m_good ? t.ok : t.text2;
    paintIcon(p, m_good ? QStringLiteral("verified") : QStringLiteral("clock"),
              QRectF(x, (height() - pxF(14)) / 2, pxF(14), pxF(14)), ink);
    drawText(p, QRectF(x + pxF(19), 1, width() - x, height() - 1), m_state, fontOf(Type::Small),
             ink);
}

OwnerLegend::OwnerLegend(QWidget* parent) : QWidget(parent) {
    onThemeChange(this, [this] { setFixedHeight(px(19)); });
}

void OwnerLegend::paintEvent(QPaintEvent*) {
    QPainter p(this);
    double x = pxF(27);
    const auto entry = [&](const MeterPart& part, const QString& name) {
        paintSwatch(p, QRectF(x, (height() - pxF(10)) / 2, pxF(10), pxF(10)), part);
        x += pxF(16);
        drawText(p, QRectF(x, 0, width() - x, height()), name, fontOf(Type::Small), tokens().text2);
        x += QFontMetricsF(fontOf(Type::Small)).horizontalAdvance(name) + pxF(20);
    };
    for (const Owner owner : {Owner::Dense, Owner::LaneRows, Owner::Scratch, Owner::Experts}) {
        entry({1, tokens().*ownerColor(owner), MeterPart::Solid}, ownerTitle(owner, true));
    }
    entry({1, tokens().cOth, MeterPart::HatchOther}, tr("Left to other programs"));
    entry({1, tokens().cFree, MeterPart::Solid}, tr("Free"));
}

InfoBox::InfoBox(QWidget* parent) : QWidget(parent) {
    auto* row = rowLayout(this, 14, 11, 14, 11, 10);
    row->addWidget(new IconLabel(QStringLiteral("info"), 17, &Tokens::accentT, this), 0,
                   Qt::AlignTop);
    m_label = new Label({}, Type::Body, &Tokens::text, this);
    m_label->setWordWrap(true);
    row->addWidget(m_label, 1);
}

void InfoBox::paintEvent(QPaintEvent*) {
    QPainter p(this);
    p.setRenderHint(QPainter::Antialiasing);
    p.setPen(Qt::NoPen);
    p.setBrush(tokens().soft2);
    p.drawRoundedRect(rect(), pxF(6), pxF(6));
}

} // namespace dossier::ui
