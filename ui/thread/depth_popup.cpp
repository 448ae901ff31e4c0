// SPDX-License-Identifier: GPL-3.0-or-later
// Depth popup.
#include "ui/thread/depth_popup.h"

#include <QBoxLayout>
#include <QButtonGroup>
#include <QKeyEvent>
#include <QPainter>
#include <algorithm>

#include "ui/theme/icons.h"
#include "ui/theme/paint.h"

namespace dossier::ui {

DepthItem::DepthItem(const app::LevelInfo& level, bool current, QWidget* parent)
    : QAbstractButton(parent), m_action(new Button({}, {}, Button::Normal, this)) {
    setCheckable(true);
    setChecked(current);
    setAutoExclusive(true);
    setFocusPolicy(Qt::StrongFocus);
    setEnabled(level.state != app::LevelState::Unavailable);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setText(QString::fromStdString(level.title));
    setProperty("ownFocus", true);
    m_action->setHeight(22, Type::Small, 8, 5);
    connect(m_action, &Button::clicked, this, [this] {
        if (m_level.state == app::LevelState::NeedsReading) {
            emit prepareRequested();
        } else {
            emit pauseRequested(!m_paused);
        }
    });
    setLevel(level, {});
    onThemeChange(this, [this] { setFixedHeight(sizeHint().height()); });
}

void DepthItem::setLevel(const app::LevelInfo& level, const app::ReadingStatus& reading) {
    m_level = level;
    m_paused = reading.state == app::ReadingStatus::State::Paused;
    const bool preparing = level.state == app::LevelState::Preparing;
    m_left = preparing && !m_paused && reading.secondsLeft() > 0
                 ? tr("%1 left").arg(QString::fromStdString(app::aboutTime(reading.secondsLeft())))
                 : QString();
    setAccessibleName(QStringList{text(), QString::fromStdString(level.cost),
                                  QString::fromStdString(level.description),
                                  QString::fromStdString(level.stateText)}
                          .join(QStringLiteral(", ")));
    m_action->setText(!preparing ? tr("Prepare in background")
                      : m_paused ? tr("Go on")
                                 : tr("Pause"));
    m_action->setIconName(preparing && !m_paused ? QStringLiteral("pause") : QString(), 11);
    m_action->setAccessibleName(m_action->text() + QStringLiteral(": ") + text());
    m_action->setVisible(preparing || level.state == app::LevelState::NeedsReading);
    m_action->setEnabled(preparing || !reading.active());
    m_action->setToolTip(m_action->isEnabled() ? QString() : tr("One depth is prepared at a time"));
    resizeEvent(nullptr);
    update();
}

void DepthItem::resizeEvent(QResizeEvent*) {
    const QSize size = m_action->sizeHint();
    m_action->setGeometry(width() - px(11) - size.width(), px(49), size.width(), size.height());
}

QSize DepthItem::sizeHint() const {
    return {px(418), px(9 + 20 + 17 + 5 + 18 + 9)};
}

void DepthItem::keyPressEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) {
        click();
        return;
    }
    QAbstractButton::keyPressEvent(event);
}

void DepthItem::paintEvent(QPaintEvent*) {
    QPainter p(this);
    p.setRenderHint(QPainter::Antialiasing);
    const Tokens& t = tokens();
    if (underMouse()) {
        p.setPen(Qt::NoPen);
        p.setBrush(t.hover);
        p.drawRoundedRect(rect(), pxF(5), pxF(5));
    }
    paintRadio(p, QRectF(pxF(10), pxF(11), pxF(15), pxF(15)), isChecked(), isEnabled());
    const QColor ink = isEnabled() ? t.text : t.text3;
    const double left = pxF(36), right = width() - pxF(11);
    const QString cost = QString::fromStdString(m_level.cost);
    const double costWidth = tabularWidth(QFontMetricsF(fontOf(Type::Body)), cost);
    drawNumber(p, QRectF(right - costWidth, pxF(9), costWidth, pxF(20)), cost, fontOf(Type::Body),
               ink);
    drawElided(p, QRectF(left, pxF(9), right - left - costWidth - pxF(8), pxF(20)), text(),
               fontOf(Type::Medium), ink, Qt::ElideRight);
    drawElided(p, QRectF(left, pxF(29), right - left, pxF(17)),
               QString::fromStdString(m_level.description), fontOf(Type::Small), t.text2,
               Qt::ElideRight);
    const QString state = QString::fromStdString(m_level.stateText);
    const QRectF line(left, pxF(51), right - left, pxF(18));
    const auto glyph = [&](const QString& name, const QColor& color) {
        paintIcon(p, name, QRectF(line.x(), line.center().y() - pxF(7), pxF(14), pxF(14)), color);
        drawText(p, line.adjusted(pxF(19), 0, 0, 0), state, fontOf(Type::SmallMedium), color);
    };
    switch (m_level.state) {
    case app::LevelState::Ready:
        glyph(QStringLiteral("verified"), t.ok);
        break;
    case app::LevelState::Preparing: {
        glyph(QStringLiteral("frontier"), t.accentT);
        const double x =
            line.x() + pxF(27) + QFontMetricsF(fontOf(Type::SmallMedium)).horizontalAdvance(state);
        const MeterPart part{m_level.prepared, t.accent, MeterPart::Solid};
        const double room = m_action->x() - pxF(6) - x;
        const double time = QFontMetricsF(fontOf(Type::Small)).horizontalAdvance(m_left) + 1;
        // The bar gives way before the time left is cut.
        const double bar = std::clamp(room - pxF(8) - time, pxF(40), pxF(84));
        paintMeter(p, QRectF(x, line.center().y() - pxF(3), bar, pxF(6)), std::span(&part, 1));
        const double after = bar + pxF(8);
        drawElided(p, QRectF(x + after, line.y(), std::max(0.0, room - after), line.height()),
                   m_left, fontOf(Type::Small), t.text2, Qt::ElideRight);
        break;
    }
    case app::LevelState::NeedsReading:
        glyph(QStringLiteral("clock"), t.warn);
        break;
    case app::LevelState::Unavailable:
        glyph(QStringLiteral("not-found"), t.text3);
        break;
    }
    if (hasFocus()) {
        paintRowFocus(p, rect());
    }
}

DepthPopup::DepthPopup(const std::vector<app::LevelInfo>& levels, const std::string& current,
                       const app::ReadingStatus& reading, QWidget* parent)
    : PopupFrame(parent) {
    setAccessibleName(tr("Depth of this question"));
    auto* layout = columnLayout(this, 5, 5, 5, 5);
    auto* head = rowIn(layout);
    scaleLayout(head, 36, 5, 11, 6, 0);
    head->addWidget(new Label(tr("Depth of this question"), Type::Small, &Tokens::text2, this));
    head->addStretch(1);
    head->addWidget(new Label(tr("Next answer"), Type::Small, &Tokens::text2, this));
    for (const app::LevelInfo& level : levels) {
        auto* item = new DepthItem(level, level.name == current, this);
        connect(item, &QAbstractButton::clicked, this, [this, name = level.name] {
            emit chosen(QString::fromStdString(name));
            close();
        });
        connect(item, &DepthItem::prepareRequested, this,
                [this, name = level.name] { emit prepareRequested(QString::fromStdString(name)); });
        connect(item, &DepthItem::pauseRequested, this, &DepthPopup::pauseRequested);
        layout->addWidget(item);
        m_items.push_back(item);
        if (level.name == current) {
            item->setFocus(Qt::PopupFocusReason);
        }
    }
    addGap(layout, 5);
    auto* line = rowIn(layout);
    scaleLayout(line, 6, 0, 6, 0, 0);
    line->addWidget(new Line(Qt::Horizontal, &Tokens::line, 0, this));
    auto* foot = rowIn(layout, 8);
    scaleLayout(foot, 11, 8, 11, 5, 8);
    const bool prepares = std::any_of(levels.begin(), levels.end(), [](const app::LevelInfo& l) {
        return l.state == app::LevelState::Preparing || l.state == app::LevelState::NeedsReading;
    });
    auto* hint =
        new Label(prepares ? tr("Preparing keeps what it has done and never changes your choice.")
                           : tr("All levels share what is already read."),
                  Type::Small, &Tokens::text2, this);
    hint->setWordWrap(true);
    foot->addWidget(hint, 1);
    foot->addWidget(new KeyHint(QStringLiteral("Ctrl+T"), this));
    onThemeChange(this, [this] { setFixedWidth(px(428)); });
    setLevels(levels, reading);
}

void DepthPopup::setLevels(const std::vector<app::LevelInfo>& levels,
                           const app::ReadingStatus& reading) {
    for (DepthItem* item : m_items) {
        for (const app::LevelInfo& level : levels) {
            if (level.name == item->level().name) {
                item->setLevel(level, reading);
            }
        }
    }
}

} // namespace dossier::ui
