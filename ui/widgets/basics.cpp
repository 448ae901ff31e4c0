// SPDX-License-Identifier: GPL-3.0-or-later
// Panels, labels and small painted widgets.
#include "ui/widgets/basics.h"

#include <QBoxLayout>
#include <QFontMetricsF>
#include <QLocale>
#include <QPainter>
#include <QPointer>
#include <QTextLayout>
#include <cmath>

#include "ui/theme/icons.h"
#include "ui/theme/paint.h"

namespace dossier::ui {

QString number(std::uint64_t value) {
    return QLocale().toString(static_cast<qulonglong>(value));
}

// ---------------------------------------------------------------- panel and layouts

Panel::Panel(ColorRole ground, Qt::Edges hairlines, QWidget* parent)
    : QWidget(parent), m_ground(ground), m_hairlines(hairlines) {
    setAttribute(Qt::WA_OpaquePaintEvent);
    connect(&Theme::instance(), &Theme::changed, this, qOverload<>(&QWidget::update));
}

void Panel::setGround(ColorRole ground) {
    m_ground = ground;
    update();
}

void Panel::setHairlines(Qt::Edges edges, ColorRole color) {
    m_hairlines = edges;
    m_lineColor = color;
    update();
}

void Panel::setBarHeight(double height) {
    onThemeChange(this, [this, height] { setFixedHeight(px(height)); });
}

void Panel::setColumnWidth(double width) {
    onThemeChange(this, [this, width] { setFixedWidth(px(width)); });
}

QHBoxLayout* Panel::row(double left, double top, double right, double bottom, double spacing) {
    return rowLayout(this, left, top, right, bottom, spacing);
}

QVBoxLayout* Panel::column(double left, double top, double right, double bottom, double spacing) {
    return columnLayout(this, left, top, right, bottom, spacing);
}

void Panel::paintEvent(QPaintEvent*) {
    QPainter p(this);
    p.fillRect(rect(), tokens().*m_ground);
    const QColor line = tokens().*m_lineColor;
    if (m_hairlines.testFlag(Qt::TopEdge)) {
        p.fillRect(0, 0, width(), 1, line);
    }
    if (m_hairlines.testFlag(Qt::BottomEdge)) {
        p.fillRect(0, height() - 1, width(), 1, line);
    }
    if (m_hairlines.testFlag(Qt::LeftEdge)) {
        p.fillRect(0, 0, 1, height(), line);
    }
    if (m_hairlines.testFlag(Qt::RightEdge)) {
        p.fillRect(width() - 1, 0, 1, height(), line);
    }
}

void scaleLayout(QBoxLayout* layout, double left, double top, double right, double bottom,
                 double spacing) {
    onThemeChange(layout, [=] {
        layout->setContentsMargins(px(left), px(top), px(right), px(bottom));
        layout->setSpacing(px(spacing));
    });
}

QHBoxLayout* rowLayout(QWidget* parent, double left, double top, double right, double bottom,
                       double spacing) {
    auto* layout = new QHBoxLayout(parent);
    scaleLayout(layout, left, top, right, bottom, spacing);
    return layout;
}

QVBoxLayout* columnLayout(QWidget* parent, double left, double top, double right, double bottom,
                          double spacing) {
    auto* layout = new QVBoxLayout(parent);
    scaleLayout(layout, left, top, right, bottom, spacing);
    return layout;
}

QHBoxLayout* rowIn(QBoxLayout* parent, double spacing) {
    auto* layout = new QHBoxLayout;
    parent->addLayout(layout);
    scaleLayout(layout, 0, 0, 0, 0, spacing);
    return layout;
}

QVBoxLayout* columnIn(QBoxLayout* parent, double spacing) {
    auto* layout = new QVBoxLayout;
    parent->addLayout(layout);
    scaleLayout(layout, 0, 0, 0, 0, spacing);
    return layout;
}

namespace {

/// A gap whose length follows the theme for as long as it exists: many a layout is emptied and
/// filled anew.
class Gap : public QSpacerItem {
  public:
    Gap(QBoxLayout* layout, double length) : QSpacerItem(0, 0) {
        const bool vertical = layout->direction() == QBoxLayout::TopToBottom;
        onThemeChange(&m_alive, [=, this] {
            changeSize(vertical ? 0 : px(length), vertical ? px(length) : 0, QSizePolicy::Fixed,
                       QSizePolicy::Fixed);
            layout->invalidate();
        });
    }

  private:
    QObject m_alive; ///< what is connected to it ends with the gap
};

} // namespace

void addGap(QBoxLayout* layout, double length) {
    layout->addSpacerItem(new Gap(layout, length));
}

// ---------------------------------------------------------------- label

Label::Label(const QString& text, Type type, ColorRole color, QWidget* parent)
    : QLabel(text, parent), m_type(type), m_color(color) {
    setTextFormat(Qt::PlainText);
    onThemeChange(this, [this] { setRole(m_type, m_color); });
}

void Label::setRole(Type type, ColorRole color) {
    m_type = type;
    m_color = color;
    setFont(fontOf(type));
    QPalette palette = this->palette();
    palette.setColor(QPalette::WindowText, tokens().*color);
    palette.setColor(QPalette::Disabled, QPalette::WindowText, tokens().text3);
    setPalette(palette);
    if (m_lineHeight > 0) {
        setFixedHeight(px(m_lineHeight));
    }
    updateGeometry();
    update();
}

void Label::setColor(ColorRole color) {
    setRole(m_type, color);
}

void Label::setElide(Qt::TextElideMode mode, double minimum) {
    m_elide = mode;
    m_minimum = minimum;
    setSizePolicy(QSizePolicy::Preferred, sizePolicy().verticalPolicy());
    updateGeometry();
}

void Label::setTabular(bool on) {
    m_tabular = on;
    updateGeometry();
}

void Label::setLineHeight(double height) {
    m_lineHeight = height;
    setFixedHeight(px(height));
}

bool Label::plain() const {
    return m_elide == Qt::ElideNone && !m_tabular;
}

QSize Label::sizeHint() const {
    if (plain()) {
        return QLabel::sizeHint();
    }
    const QFontMetricsF metrics(font());
    const double width =
        m_tabular ? tabularWidth(metrics, text()) : metrics.horizontalAdvance(text());
    return {static_cast<int>(std::ceil(width)) + 1, static_cast<int>(std::ceil(metrics.height()))};
}

QSize Label::minimumSizeHint() const {
    if (m_elide == Qt::ElideNone) {
        return plain() ? QLabel::minimumSizeHint() : sizeHint();
    }
    return {std::min(px(m_minimum), sizeHint().width()), sizeHint().height()};
}

void Label::paintEvent(QPaintEvent* event) {
    if (plain()) {
        QLabel::paintEvent(event);
        return;
    }
    QPainter p(this);
    const QColor color = tokens().*m_color;
    if (m_tabular) {
        drawNumber(p, rect(), text(), font(), isEnabled() ? color : tokens().text3,
                   alignment().testFlag(Qt::AlignRight) ? Qt::AlignRight : Qt::AlignLeft);
        return;
    }
    const QString shown = QFontMetricsF(font()).elidedText(text(), m_elide, width());
    drawText(p, rect(), shown, font(), isEnabled() ? color : tokens().text3,
             (alignment() & Qt::AlignHorizontal_Mask) | Qt::AlignVCenter);
    const QString tip = shown == text() ? QString() : text();
    if (toolTip() != tip) {
        setToolTip(tip);
    }
}

// ---------------------------------------------------------------- wrapped label

WrapLabel::WrapLabel(const QString& text, Type type, ColorRole color, double lineHeight,
                     QWidget* parent)
    : QWidget(parent), m_text(text), m_type(type), m_color(color), m_lineHeight(lineHeight) {
    QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
    setAccessibleName(text);
    onThemeChange(this, [this] {
        updateGeometry();
        update();
    });
}

void WrapLabel::setText(const QString& text) {
    if (m_text != text) {
        m_text = text;
        setAccessibleName(text);
        updateGeometry();
        update();
    }
}

void WrapLabel::setRole(Type type, ColorRole color) {
    m_type = type;
    m_color = color;
    updateGeometry();
    update();
}

void WrapLabel::setMostLines(int lines) {
    m_most = lines;
    updateGeometry();
    update();
}

int WrapLabel::lineCount(int width) const {
    return layoutLines(width, nullptr);
}

int WrapLabel::layoutLines(int width, QPainter* painter) const {
    QTextLayout layout(QString(m_text).replace(QLatin1Char('\n'), QChar::LineSeparator),
                       fontOf(m_type));
    QTextOption option;
    option.setWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
    layout.setTextOption(option);
    layout.beginLayout();
    const double height = px(m_lineHeight);
    int lines = 0;
    for (QTextLine line = layout.createLine(); line.isValid(); line = layout.createLine()) {
        line.setLineWidth(std::max(1, width));
        line.setPosition(QPointF(0, lines * height + (height - line.height()) / 2));
        ++lines;
    }
    layout.endLayout();
    if (painter != nullptr) {
        const bool cut = m_most > 0 && lines > m_most;
        const int whole = cut ? m_most - 1 : lines;
        painter->setPen(isEnabled() ? tokens().*m_color : tokens().text3);
        for (int i = 0; i < whole; ++i) {
            layout.lineAt(i).draw(painter, QPointF(0, 0));
        }
        if (cut) {
            drawElided(*painter, QRectF(0, whole * height, width, height),
                       m_text.mid(layout.lineAt(whole).textStart()).simplified(), fontOf(m_type),
                       painter->pen().color(), Qt::ElideRight);
        }
    }
    return m_text.isEmpty() ? 0 : lines;
}

int WrapLabel::heightForWidth(int width) const {
    const int lines = layoutLines(width, nullptr);
    return (m_most > 0 ? std::min(lines, m_most) : lines) * px(m_lineHeight);
}

QSize WrapLabel::sizeHint() const {
    const int natural =
        static_cast<int>(std::ceil(QFontMetricsF(fontOf(m_type)).horizontalAdvance(m_text))) + 1;
    const int width = std::min(natural, px(360));
    return {width, heightForWidth(width)};
}

QSize WrapLabel::minimumSizeHint() const {
    return {px(40), px(m_lineHeight)};
}

void WrapLabel::paintEvent(QPaintEvent*) {
    QPainter p(this);
    layoutLines(width(), &p);
}

// ---------------------------------------------------------------- line, key, icon, badge

Line::Line(Qt::Orientation orientation, ColorRole color, double length, QWidget* parent)
    : QWidget(parent), m_color(color) {
    onThemeChange(this, [this, orientation, length] {
        if (orientation == Qt::Horizontal) {
            setFixedHeight(1);
            if (length > 0) {
                setFixedWidth(px(length));
            }
        } else {
            setFixedWidth(1);
            if (length > 0) {
                setFixedHeight(px(length));
            }
        }
        update();
    });
}

void Line::paintEvent(QPaintEvent*) {
    QPainter(this).fillRect(rect(), tokens().*m_color);
}

KeyHint::KeyHint(const QString& keys, QWidget* parent) : QWidget(parent), m_keys(keys) {
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    setAttribute(Qt::WA_TransparentForMouseEvents);
    onThemeChange(this, [this] { updateGeometry(); });
}

QSize KeyHint::sizeHint() const {
    return {static_cast<int>(keyWidth(m_keys)), px(17)};
}

void KeyHint::paintEvent(QPaintEvent*) {
    QPainter p(this);
    paintKey(p, rect(), m_keys, tokens().text3);
}

IconLabel::IconLabel(const QString& name, double size, ColorRole color, QWidget* parent)
    : QWidget(parent), m_name(name), m_size(size), m_color(color) {
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    onThemeChange(this, [this] {
        updateGeometry();
        update();
    });
}

void IconLabel::setIcon(const QString& name, ColorRole color) {
    m_name = name;
    m_color = color;
    update();
}

void IconLabel::paintEvent(QPaintEvent*) {
    QPainter p(this);
    const double side = pxF(m_size);
    paintIcon(p, m_name, QRectF((width() - side) / 2, (height() - side) / 2, side, side),
              isEnabled() ? tokens().*m_color : tokens().text3, m_size <= 12 ? 2 : 1.5);
}

BadgeLabel::BadgeLabel(const QString& text, Kind kind, QWidget* parent)
    : QWidget(parent), m_text(text), m_kind(kind) {
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    setBadge(text, kind);
    onThemeChange(this, [this] { updateGeometry(); });
}

void BadgeLabel::setBadge(const QString& text, Kind kind) {
    m_text = text;
    m_kind = kind;
    setAccessibleName(text);
    setVisible(!text.isEmpty() && isVisibleTo(parentWidget()));
    updateGeometry();
    update();
}

QSize BadgeLabel::sizeHint() const {
    if (m_text.isEmpty()) {
        return {0, px(15)};
    }
    return {static_cast<int>(badgeWidth(m_text) + (m_glyph.isEmpty() ? 0 : pxF(17))), px(15)};
}

void BadgeLabel::paintEvent(QPaintEvent*) {
    if (m_text.isEmpty()) {
        return;
    }
    QPainter p(this);
    const auto kind = static_cast<BadgeKind>(m_kind);
    if (m_glyph.isEmpty()) {
        paintBadge(p, rect(), m_text, kind);
        return;
    }
    paintBadge(p, rect(), QString(), kind);
    const Tokens& t = tokens();
    const QColor ink = m_kind == Ok        ? t.ok
                       : m_kind == Warning ? t.warn
                       : m_kind == Error   ? t.err
                       : m_kind == Accent  ? t.accentT
                                           : t.neutral;
    paintIcon(p, m_glyph, QRectF(pxF(5), (height() - pxF(13)) / 2, pxF(13), pxF(13)), ink);
    drawText(p, QRectF(rect()).adjusted(pxF(22), 0, 0, 0), m_text, fontOf(Type::Caption), ink);
}

} // namespace dossier::ui
