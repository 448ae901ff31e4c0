// SPDX-License-Identifier: GPL-3.0-or-later
// Small widgets that all panels are made of: areas with hairlines, labels by role, buttons.
#pragma once

#include <QLabel>
#include <QPushButton>
#include <QToolButton>
#include <QWidget>
#include <cstdint>
#include <functional>

#include "ui/theme/theme.h"

class QBoxLayout;
class QHBoxLayout;
class QVBoxLayout;

namespace dossier::ui {

/// "12,345", as the person's language groups digits.
QString number(std::uint64_t value);

/// An area with a ground colour and hairlines at some of its edges. Its layout keeps 1 px free at
/// those edges, since a child's ground would cover them.
class Panel : public QWidget {
    Q_OBJECT

  public:
    explicit Panel(ColorRole ground, Qt::Edges hairlines = {}, QWidget* parent = nullptr);

    void setGround(ColorRole ground);
    void setHairlines(Qt::Edges edges, ColorRole color = &Tokens::line);
    /// Fixed height in unscaled pixels, following the text size.
    void setBarHeight(double height);
    void setColumnWidth(double width);

    /// Layouts with margins that follow the text size (left, top, right, bottom).
    QHBoxLayout* row(double left = 0, double top = 0, double right = 0, double bottom = 0,
                     double spacing = 0);
    QVBoxLayout* column(double left = 0, double top = 0, double right = 0, double bottom = 0,
                        double spacing = 0);

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    ColorRole m_ground;
    ColorRole m_lineColor = &Tokens::line;
    Qt::Edges m_hairlines;
};

/// Margins and spacing of any layout, following the text size.
void scaleLayout(QBoxLayout* layout, double left, double top, double right, double bottom,
                 double spacing);
QHBoxLayout* rowLayout(QWidget* parent, double left = 0, double top = 0, double right = 0,
                       double bottom = 0, double spacing = 0);
QVBoxLayout* columnLayout(QWidget* parent, double left = 0, double top = 0, double right = 0,
                          double bottom = 0, double spacing = 0);
QHBoxLayout* rowIn(QBoxLayout* parent, double spacing = 0);
QVBoxLayout* columnIn(QBoxLayout* parent, double spacing = 0);
/// A gap that follows the text size.
void addGap(QBoxLayout* layout, double length);

/// Text in one role and colour. One line elides (the whole text in the tooltip), several wrap.
class Label : public QLabel {
    Q_OBJECT

  public:
    explicit Label(const QString& text = {}, Type = Type::Body, ColorRole = &Tokens::text,
                   QWidget* parent = nullptr);

    void setRole(Type, ColorRole);
    void setColor(ColorRole);
    /// Gives way when there is no room, down to `minimum` unscaled pixels.
    void setElide(Qt::TextElideMode, double minimum = 24);
    /// Digits of equal width, for numbers that tick.
    void setTabular(bool on = true);
    /// Fixed line box in unscaled pixels.
    void setLineHeight(double height);

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    bool plain() const;

    Type m_type;
    ColorRole m_color;
    Qt::TextElideMode m_elide = Qt::ElideNone;
    double m_minimum = 24;
    double m_lineHeight = 0;
    bool m_tabular = false;
};

/// Text over several lines with a line height of our own, which QLabel does not have.
class WrapLabel : public QWidget {
    Q_OBJECT

  public:
    WrapLabel(const QString& text, Type, ColorRole, double lineHeight, QWidget* parent = nullptr);

    void setText(const QString& text);
    const QString& text() const { return m_text; }
    void setRole(Type, ColorRole);
    /// Shows so many lines and elides the last of them; 0 shows all.
    void setMostLines(int lines);
    int lineCount(int width) const; ///< of the whole text

    bool hasHeightForWidth() const override { return true; }
    int heightForWidth(int width) const override;
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    int layoutLines(int width, QPainter* painter) const;

    QString m_text;
    Type m_type;
    ColorRole m_color;
    double m_lineHeight;
    int m_most = 0;
};

/// Push button in our look: icon, text, a quiet second text, a key hint, a chevron. Keeps all of
/// QPushButton's behaviour.
class Button : public QPushButton {
    Q_OBJECT

  public:
    enum Kind { Normal, Primary, Flat };
    explicit Button(const QString& text = {}, const QString& iconName = {}, Kind = Normal,
                    QWidget* parent = nullptr);

    void setKind(Kind);
    void setIconName(const QString& name, double size = 16, ColorRole color = nullptr);
    void setTrailingIcon(const QString& name, double size = 14);
    void setSecondText(const QString& text, bool before = false); ///< quiet: "Depth", "about 40 s"
    void setStrongText(bool on); ///< weight 500, as in the depth button
    void setKeyHint(const QString& keys);
    void setPlainKeyHint(bool plain); ///< without frame, at the right edge
    void setChevron(bool on);
    void setHeight(double height, Type = Type::Body, double padding = 11, double gap = 7);
    void setInk(ColorRole color) { m_ink = color; } ///< of the text, instead of the kind's own
    void setTextAlignment(Qt::Alignment alignment); ///< left: trailing parts go to the right edge

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    struct Part;
    std::vector<Part> parts() const;
    double contentWidth() const;

    Kind m_kind;
    QString m_iconName, m_trailingIcon, m_second, m_keys;
    ColorRole m_iconColor = nullptr, m_ink = nullptr;
    double m_iconSize = 16, m_trailingSize = 14, m_padding = 11, m_gap = 7, m_height = 28;
    Type m_type = Type::Body;
    Qt::Alignment m_alignment = Qt::AlignHCenter;
    bool m_secondBefore = false, m_chevron = false, m_strong = false, m_plainKeys = false;
};

/// Tool button with an icon only; `tip` is also its accessible name.
class IconButton : public QToolButton {
    Q_OBJECT

  public:
    IconButton(const QString& iconName, const QString& tip, double iconSize = 18,
               double height = 28, QWidget* parent = nullptr);

    void setIconName(const QString& name);
    void setTip(const QString& tip);
    void setMinimumSide(double width);

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    QString m_name;
    double m_iconSize, m_height, m_minimum;
};

/// 1 px line.
class Line : public QWidget {
    Q_OBJECT

  public:
    explicit Line(Qt::Orientation, ColorRole = &Tokens::line, double length = 0,
                  QWidget* parent = nullptr);

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    ColorRole m_color;
};

/// A key in a frame ("Ctrl+K"), for fields and footers.
class KeyHint : public QWidget {
    Q_OBJECT

  public:
    explicit KeyHint(const QString& keys, QWidget* parent = nullptr);
    QSize sizeHint() const override;

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    QString m_keys;
};

/// An icon without function.
class IconLabel : public QWidget {
    Q_OBJECT

  public:
    IconLabel(const QString& name, double size, ColorRole color = &Tokens::text2,
              QWidget* parent = nullptr);
    void setIcon(const QString& name, ColorRole color);
    QSize sizeHint() const override { return {px(m_size), px(m_size)}; }

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    QString m_name;
    double m_size;
    ColorRole m_color;
};

class BadgeLabel : public QWidget {
    Q_OBJECT

  public:
    enum Kind { Neutral, Warning, Error, Ok, Accent };
    explicit BadgeLabel(const QString& text = {}, Kind = Neutral, QWidget* parent = nullptr);
    void setBadge(const QString& text, Kind kind);
    void setGlyph(const QString& iconName) {
        m_glyph = iconName;
        updateGeometry();
    }
    QSize sizeHint() const override;

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    QString m_text, m_glyph;
    Kind m_kind;
};

} // namespace dossier::ui
