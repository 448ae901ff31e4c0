// SPDX-License-Identifier: GPL-3.0-or-later
// Painting of Button and IconButton.
#include <QFontMetricsF>
#include <QPainter>
#include <QStyleOptionButton>
#include <cmath>

#include "ui/theme/icons.h"
#include "ui/theme/paint.h"
#include "ui/widgets/basics.h"

namespace dossier::ui {

/// One piece of a button's content from left to right.
struct Button::Part {
    enum What { Icon, Text, Quiet, Key, Chevron, Trailing } what;
    double width;
};

Button::Button(const QString& text, const QString& iconName, Kind kind, QWidget* parent)
    : QPushButton(text, parent), m_kind(kind), m_iconName(iconName) {
    setHeight(28);
    setCursor(Qt::ArrowCursor);
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    setFocusPolicy(Qt::StrongFocus);
    setAutoDefault(false);
    onThemeChange(this, [this] { setHeight(m_height, m_type, m_padding, m_gap); });
}

void Button::setKind(Kind kind) {
    m_kind = kind;
    update();
}

void Button::setIconName(const QString& name, double size, ColorRole color) {
    m_iconName = name;
    m_iconSize = size;
    m_iconColor = color;
    updateGeometry();
    update();
}

void Button::setTrailingIcon(const QString& name, double size) {
    m_trailingIcon = name;
    m_trailingSize = size;
    updateGeometry();
}

void Button::setSecondText(const QString& text, bool before) {
    m_second = text;
    m_secondBefore = before;
    setAccessibleName(before ? text + QLatin1Char(' ') + this->text()
                             : this->text() + QLatin1Char(' ') + text);
    updateGeometry();
    update();
}

void Button::setStrongText(bool on) {
    m_strong = on;
    updateGeometry();
}

void Button::setKeyHint(const QString& keys) {
    m_keys = keys;
    updateGeometry();
    update();
}

void Button::setPlainKeyHint(bool plain) {
    m_plainKeys = plain;
}

void Button::setChevron(bool on) {
    m_chevron = on;
    updateGeometry();
}

void Button::setHeight(double height, Type type, double padding, double gap) {
    m_height = height;
    m_type = type;
    m_padding = padding;
    m_gap = gap;
    setFont(fontOf(type));
    setFixedHeight(px(height));
    updateGeometry();
}

void Button::setTextAlignment(Qt::Alignment alignment) {
    m_alignment = alignment;
}

std::vector<Button::Part> Button::parts() const {
    std::vector<Part> result;
    QFont textFont = font();
    if (m_strong || m_kind == Primary) {
        textFont.setWeight(QFont::Medium);
    }
    const QFontMetricsF metrics(textFont), quiet(font());
    const QString shown = text().remove(QLatin1Char('&'));
    if (!m_iconName.isEmpty()) {
        result.push_back({Part::Icon, pxF(m_iconSize)});
    }
    if (!m_second.isEmpty() && m_secondBefore) {
        result.push_back({Part::Quiet, quiet.horizontalAdvance(m_second)});
    }
    if (!shown.isEmpty()) {
        result.push_back({Part::Text, metrics.horizontalAdvance(shown)});
    }
    if (!m_second.isEmpty() && !m_secondBefore) {
        result.push_back({Part::Quiet, tabularWidth(quiet, m_second)});
    }
    if (!m_keys.isEmpty()) {
        result.push_back({Part::Key, keyWidth(m_keys)});
    }
    if (m_chevron) {
        result.push_back({Part::Chevron, pxF(m_type == Type::Body ? 12 : 10)});
    }
    if (!m_trailingIcon.isEmpty()) {
        result.push_back({Part::Trailing, pxF(m_trailingSize)});
    }
    return result;
}

double Button::contentWidth() const {
    double width = 0;
    const auto list = parts();
    for (const Part& part : list) {
        width += part.width;
    }
    return width + (list.empty() ? 0 : pxF(m_gap) * static_cast<double>(list.size() - 1));
}

QSize Button::sizeHint() const {
    return {static_cast<int>(std::ceil(contentWidth() + 2 * pxF(m_padding) + 2)), px(m_height)};
}

void Button::paintEvent(QPaintEvent*) {
    QPainter p(this);
    p.setRenderHint(QPainter::Antialiasing);
    const Tokens& t = tokens();
    const bool hover = underMouse() && isEnabled();
    const bool down = isDown() || isChecked();
    QColor ground = t.button, edge = t.line2, ink = t.text, quietInk = t.text2, iconInk = t.text;
    if (m_kind == Primary) {
        ground = down ? t.accentT : hover ? t.accentH : t.accent;
        edge = ground;
        ink = down ? t.base : t.onaccent;
        quietInk = withAlpha(ink, 0.85);
        iconInk = ink;
    } else {
        ground = down ? t.pressed : hover ? t.hover : m_kind == Flat ? QColor() : t.button;
        edge = m_kind == Flat ? QColor() : t.line2;
        ink = m_kind == Flat && !hover && !down ? t.text2 : t.text;
        iconInk = ink;
    }
    if (!isEnabled()) {
        p.setOpacity(m_kind == Primary ? 0.45 : 0.6);
        ink = m_kind == Primary ? ink : t.text3;
        quietInk = m_kind == Primary ? quietInk : t.text3;
        iconInk = ink;
    } else {
        ink = m_ink != nullptr ? t.*m_ink : ink;
        iconInk = m_iconColor != nullptr ? t.*m_iconColor : m_ink != nullptr ? ink : iconInk;
    }
    p.setPen(edge.isValid() ? QPen(edge, 1) : QPen(Qt::NoPen));
    p.setBrush(ground.isValid() ? QBrush(ground) : QBrush(Qt::NoBrush));
    p.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), pxF(5), pxF(5));

    const bool left = m_alignment.testFlag(Qt::AlignLeft);
    const double content = contentWidth();
    double x = left ? pxF(m_padding) + 1 : (width() - content) / 2;
    const double slack = left ? std::max(0.0, width() - 2 * (pxF(m_padding) + 1) - content) : 0;
    const double h = height();
    for (const Part& part : parts()) {
        // Left-aligned buttons push what follows the text to the right edge.
        if (left && (part.what == Part::Key || part.what == Part::Trailing)) {
            x = std::max(x, x + slack);
        }
        const QRectF cell(x, 0, part.width, h);
        switch (part.what) {
        case Part::Icon:
            paintIcon(p, m_iconName, QRectF(x, (h - part.width) / 2, part.width, part.width),
                      iconInk);
            break;
        case Part::Chevron:
            paintIcon(p, QStringLiteral("chevron-down"),
                      QRectF(x, (h - part.width) / 2, part.width, part.width),
                      m_strong || m_ink != nullptr ? ink : quietInk, 1.9);
            break;
        case Part::Trailing:
            paintIcon(p, m_trailingIcon, QRectF(x, (h - part.width) / 2, part.width, part.width),
                      m_kind == Primary ? ink : t.text3);
            break;
        case Part::Text: {
            QFont textFont = font();
            textFont.setWeight(m_strong || m_kind == Primary ? QFont::Medium : QFont::Normal);
            drawText(p, cell.adjusted(0, 0, 3, 0), text().remove(QLatin1Char('&')), textFont, ink);
            break;
        }
        case Part::Quiet:
            if (m_secondBefore) {
                drawText(p, cell.adjusted(0, 0, 3, 0), m_second, font(), quietInk);
            } else {
                drawNumber(p, cell, m_second, font(), quietInk, Qt::AlignLeft);
            }
            break;
        case Part::Key:
            if (m_plainKeys) {
                drawText(p, cell, m_keys, fontOf(Type::Caption), withAlpha(ink, 0.75),
                         Qt::AlignRight | Qt::AlignVCenter);
            } else {
                paintKey(p, QRectF(x, (h - pxF(17)) / 2, part.width, pxF(17)), m_keys, t.text3);
            }
            break;
        }
        x += part.width + pxF(m_gap);
    }
}

// ---------------------------------------------------------------- icon button

IconButton::IconButton(const QString& iconName, const QString& tip, double iconSize, double height,
                       QWidget* parent)
    : QToolButton(parent),
      m_name(iconName),
      m_iconSize(iconSize),
      m_height(height),
      m_minimum(height) {
    setTip(tip);
    setFocusPolicy(Qt::StrongFocus);
    onThemeChange(this, [this] { setFixedSize(px(m_minimum), px(m_height)); });
}

void IconButton::setIconName(const QString& name) {
    m_name = name;
    update();
}

void IconButton::setTip(const QString& tip) {
    setToolTip(tip);
    // The key in brackets is for the eye; assistive technology gets it from the action.
    setAccessibleName(tip.section(QStringLiteral(" ("), 0, 0));
}

void IconButton::setMinimumSide(double width) {
    m_minimum = width;
    setFixedSize(px(m_minimum), px(m_height));
}

void IconButton::paintEvent(QPaintEvent*) {
    QPainter p(this);
    p.setRenderHint(QPainter::Antialiasing);
    const Tokens& t = tokens();
    const bool strong = isDown() || isChecked();
    if (isEnabled() && (strong || underMouse())) {
        p.setPen(Qt::NoPen);
        p.setBrush(strong ? t.pressed : t.hover);
        p.drawRoundedRect(rect(), pxF(5), pxF(5));
    }
    if (!isEnabled()) {
        p.setOpacity(0.42);
    }
    const double side = pxF(m_iconSize);
    paintIcon(p, m_name, QRectF((width() - side) / 2, (height() - side) / 2, side, side),
              strong || (underMouse() && isEnabled()) ? t.text : t.text2);
}

} // namespace dossier::ui
