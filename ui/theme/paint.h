// SPDX-License-Identifier: GPL-3.0-or-later
// Painters shared by delegates and widgets, so that a chip, a check box or a badge looks the same
// wherever it stands. Coordinates are logical pixels; lengths inside are scaled by px().
#pragma once

#include <QFont>
#include <QPainter>
#include <QRectF>
#include <QString>
#include <span>

#include "app/model_types.h"
#include "ui/theme/tokens.h"

namespace dossier::ui {

/// Antialiasing on, state restored at the end of the scope.
class PainterScope {
  public:
    explicit PainterScope(QPainter& painter) : m_painter(painter) {
        m_painter.save();
        m_painter.setRenderHint(QPainter::Antialiasing);
    }
    ~PainterScope() { m_painter.restore(); }
    PainterScope(const PainterScope&) = delete;
    PainterScope& operator=(const PainterScope&) = delete;

  private:
    QPainter& m_painter;
};

// ---------------------------------------------------------------- text

void drawText(QPainter&, const QRectF&, const QString&, const QFont&, const QColor&,
              Qt::Alignment = Qt::AlignLeft | Qt::AlignVCenter);
/// Elided to the rectangle; returns the width that was drawn.
double drawElided(QPainter&, const QRectF&, const QString&, const QFont&, const QColor&,
                  Qt::TextElideMode = Qt::ElideMiddle);
/// Right-aligned with digits of equal width, so that ticking numbers do not jump.
void drawNumber(QPainter&, const QRectF&, const QString&, const QFont&, const QColor&,
                Qt::Alignment = Qt::AlignRight);

// ---------------------------------------------------------------- controls

enum class Check { Off, On, Mixed };
void paintCheck(QPainter&, const QRectF& square, Check, bool enabled = true, bool hover = false);
void paintRadio(QPainter&, const QRectF& square, bool on, bool enabled = true);
/// The line where dragged rows would drop, with its ring at the left.
void paintDropMarker(QPainter&, const QRectF&);
/// Focus inside a row or cell: 2 px, radius 4.
void paintRowFocus(QPainter&, const QRectF&);

enum class BadgeKind { Neutral, Warning, Error, Ok, Accent, Cited };
double badgeWidth(const QString& text);
void paintBadge(QPainter&, const QRectF&, const QString& text, BadgeKind);

enum class Dot { None, Read, Reading, Counted, Queued };
void paintDot(QPainter&, const QPointF& center, Dot);

/// A frame for a keyboard shortcut ("Ctrl+K").
double keyWidth(const QString& text);
void paintKey(QPainter&, const QRectF&, const QString& text, const QColor& color);

// ---------------------------------------------------------------- verdicts

/// How a verdict looks and reads. Good states may shrink to the glyph; bad ones always speak.
struct VerdictLook {
    QString glyph;     ///< icon name
    QString word;      ///< "Verified after normalisation"
    QString shortWord; ///< in lists: "Normalised", "Partial 89 %"
    QString chipWord;  ///< inside the chip: "", "partial", ...
    QString meaning;   ///< for tooltips
    QColor color;      ///< of glyph and word in lists
};
VerdictLook lookOf(app::Verdict, std::uint32_t percent = 100);

/// Chip of a citation: number, glyph and, for bad states, a word.
struct Chip {
    std::uint32_t number = 0;
    app::Verdict verdict = app::Verdict::Verified;
    bool current = false;
    bool withWord = true; ///< false in lists, where the word stands beside
    bool forced = false;  ///< quotation decoding changed it: dotted underline below the number
};
QSizeF chipSize(const Chip&);
void paintChip(QPainter&, const QPointF& topLeft, const Chip&);

/// Glyph and word in the verdict's colour, as in citation rows; returns the width.
double verdictWordWidth(const VerdictLook&, bool shortForm);
void paintVerdictWord(QPainter&, const QRectF&, const VerdictLook&, bool shortForm);

// ---------------------------------------------------------------- meters

struct MeterPart {
    double share = 0; ///< 0..1 of the width
    QColor color;     ///< invalid = free
    enum Fill { Solid, HatchReserve, HatchOther, HatchOwn } fill = Solid;
};
/// Rounded bar with parts from the left; the rest is free.
void paintMeter(QPainter&, const QRectF&, std::span<const MeterPart>, double radius = 3);

/// 45 degree lines, 2 px of every 5, in the two colours.
void fillHatch(QPainter&, const QRectF&, const QColor& lines, const QColor& ground);
void fillHatch(QPainter&, const QPainterPath&, const QColor& lines, const QColor& ground);

/// 10 px legend square with a thin inner edge.
void paintSwatch(QPainter&, const QRectF&, const MeterPart&);

} // namespace dossier::ui
