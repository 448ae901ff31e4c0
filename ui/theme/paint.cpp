// SPDX-License-Identifier: GPL-3.0-or-later
// Painters of text, controls, chips and meters.
#include "ui/theme/paint.h"

#include <QCoreApplication>
#include <QFontMetricsF>
#include <QPainterPath>
#include <cmath>

#include "ui/theme/icons.h"
#include "ui/theme/theme.h"

namespace dossier::ui {
namespace {

QString words(const char* text) {
    return QCoreApplication::translate("Verdict", text);
}

} // namespace

// ---------------------------------------------------------------- text

void drawText(QPainter& p, const QRectF& rect, const QString& text, const QFont& textFont,
              const QColor& color, Qt::Alignment alignment) {
    p.setFont(textFont);
    p.setPen(color);
    p.drawText(rect, static_cast<int>(alignment) | Qt::TextSingleLine, text);
}

double drawElided(QPainter& p, const QRectF& rect, const QString& text, const QFont& textFont,
                  const QColor& color, Qt::TextElideMode mode) {
    const QFontMetricsF metrics(textFont);
    const QString shown = metrics.elidedText(text, mode, rect.width());
    drawText(p, rect, shown, textFont, color);
    return std::min(rect.width(), metrics.horizontalAdvance(shown));
}

void drawNumber(QPainter& p, const QRectF& rect, const QString& text, const QFont& textFont,
                const QColor& color, Qt::Alignment alignment) {
    const QFontMetricsF metrics(textFont);
    const double digit = metrics.horizontalAdvance(QLatin1Char('0'));
    double x = alignment.testFlag(Qt::AlignLeft) ? rect.left()
               : alignment.testFlag(Qt::AlignHCenter)
                   ? rect.center().x() - tabularWidth(metrics, text) / 2
                   : rect.right() - tabularWidth(metrics, text);
    p.setFont(textFont);
    p.setPen(color);
    for (const QChar c : text) {
        const double natural = metrics.horizontalAdvance(c);
        const double cell = c.isDigit() ? digit : natural;
        p.drawText(QRectF(x + (cell - natural) / 2, rect.top(), natural + 2, rect.height()),
                   Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine, QString(c));
        x += cell;
    }
}

// ---------------------------------------------------------------- controls

void paintCheck(QPainter& p, const QRectF& square, Check state, bool enabled, bool hover) {
    const PainterScope scope(p);
    if (!enabled) {
        p.setOpacity(0.5);
    }
    const Tokens& t = tokens();
    const double side = std::min({square.width(), square.height(), pxF(15)});
    const QRectF box(square.center().x() - side / 2 + 0.6, square.center().y() - side / 2 + 0.6,
                     side - 1.25, side - 1.25);
    const bool set = state != Check::Off;
    p.setPen(QPen(set || hover ? t.accent : t.ctl, 1.25));
    p.setBrush(set ? t.accent : t.base);
    p.drawRoundedRect(box, pxF(3.5), pxF(3.5));
    if (state == Check::On) {
        const double glyph = side * 11 / 15;
        paintIcon(p, QStringLiteral("check"),
                  QRectF(box.center().x() - glyph / 2, box.center().y() - glyph / 2, glyph, glyph),
                  t.onaccent, 2.6);
    } else if (state == Check::Mixed) {
        p.setPen(Qt::NoPen);
        p.setBrush(t.onaccent);
        const double w = side * 7 / 15, h = pxF(1.75);
        p.drawRoundedRect(QRectF(box.center().x() - w / 2, box.center().y() - h / 2, w, h), 1, 1);
    }
}

void paintRadio(QPainter& p, const QRectF& square, bool on, bool enabled) {
    const PainterScope scope(p);
    if (!enabled) {
        p.setOpacity(0.5);
    }
    const Tokens& t = tokens();
    const double side = std::min({square.width(), square.height(), pxF(15)});
    const QPointF center = square.center();
    p.setPen(QPen(on ? t.accent : t.ctl, 1.25));
    p.setBrush(on ? t.accent : t.base);
    p.drawEllipse(center, side / 2 - 0.6, side / 2 - 0.6);
    if (on) {
        p.setPen(Qt::NoPen);
        p.setBrush(t.onaccent);
        p.drawEllipse(center, side / 6, side / 6);
    }
}

void paintDropMarker(QPainter& p, const QRectF& rect) {
    const PainterScope scope(p);
    const double y = rect.top();
    p.setPen(QPen(tokens().accent, 2));
    p.setBrush(tokens().side);
    p.drawLine(QPointF(rect.left() + pxF(14), y), QPointF(rect.right() - pxF(10), y));
    p.drawEllipse(QPointF(rect.left() + pxF(10), y), pxF(3), pxF(3));
}

void paintRowFocus(QPainter& p, const QRectF& rect) {
    const PainterScope scope(p);
    p.setPen(QPen(tokens().focus, 2));
    p.setBrush(Qt::NoBrush);
    p.drawRoundedRect(rect.adjusted(2, 2, -2, -2), 4, 4);
}

double badgeWidth(const QString& text) {
    return std::ceil(QFontMetricsF(fontOf(Type::Caption)).horizontalAdvance(text)) + pxF(10);
}

void paintBadge(QPainter& p, const QRectF& rect, const QString& text, BadgeKind kind) {
    const PainterScope scope(p);
    const Tokens& t = tokens();
    QColor ground = t.neutralS, ink = t.neutral;
    switch (kind) {
    case BadgeKind::Neutral:
        break;
    case BadgeKind::Warning:
        ground = t.warnS, ink = t.warn;
        break;
    case BadgeKind::Error:
        ground = t.errS, ink = t.err;
        break;
    case BadgeKind::Ok:
        ground = t.okS, ink = t.ok;
        break;
    case BadgeKind::Accent:
        ground = t.soft, ink = t.accentT;
        break;
    case BadgeKind::Cited:
        ground = t.hl, ink = t.text;
        break;
    }
    p.setPen(Qt::NoPen);
    p.setBrush(ground);
    p.drawRoundedRect(rect, pxF(3), pxF(3));
    drawText(p, rect, text, fontOf(Type::Caption), ink, Qt::AlignCenter);
}

void paintDot(QPainter& p, const QPointF& center, Dot dot) {
    if (dot == Dot::None) {
        return;
    }
    const PainterScope scope(p);
    const Tokens& t = tokens();
    const double r = pxF(3);
    p.setBrush(Qt::NoBrush);
    switch (dot) {
    case Dot::Read:
        p.setPen(Qt::NoPen);
        p.setBrush(t.ok);
        p.drawEllipse(center, r, r);
        break;
    case Dot::Reading: {
        p.setPen(QPen(t.accentT, 1.25));
        p.drawEllipse(center, r, r);
        p.setPen(Qt::NoPen);
        p.setBrush(t.accentT);
        p.drawPie(QRectF(center.x() - r, center.y() - r, 2 * r, 2 * r), 90 * 16, 180 * 16);
        break;
    }
    case Dot::Counted:
        p.setPen(QPen(t.text3, 1.25));
        p.drawEllipse(center, r - 0.6, r - 0.6);
        break;
    case Dot::Queued: {
        QPen pen(t.text3, 1.25);
        pen.setDashPattern({1, 1.2});
        p.setPen(pen);
        p.drawEllipse(center, r - 0.6, r - 0.6);
        break;
    }
    case Dot::None:
        break;
    }
}

double keyWidth(const QString& text) {
    return std::ceil(QFontMetricsF(fontOf(Type::Caption)).horizontalAdvance(text)) + pxF(10);
}

void paintKey(QPainter& p, const QRectF& rect, const QString& text, const QColor& color) {
    const PainterScope scope(p);
    p.setPen(QPen(tokens().line2, 1));
    p.setBrush(Qt::NoBrush);
    p.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), pxF(3), pxF(3));
    drawText(p, rect, text, fontOf(Type::Caption), color, Qt::AlignCenter);
}

// ---------------------------------------------------------------- verdicts

VerdictLook lookOf(app::Verdict verdict, std::uint32_t percent) {
    const Tokens& t = tokens();
    switch (verdict) {
    case app::Verdict::Verified:
        return {QStringLiteral("verified"),
                words("Verified"),
                words("Verified"),
                {},
                words("The words stand in the source exactly so."),
                t.ok};
    case app::Verdict::VerifiedNormalised:
        return {QStringLiteral("normalised"),
                words("Verified after normalisation"),
                words("Normalised"),
                {},
                words("Equal once hyphens, ligatures, quotes and spaces are evened out."),
                t.norm};
    case app::Verdict::Partial: {
        const QString word = words("Partial %1 %").arg(percent);
        return {QStringLiteral("partial"),
                word,
                word,
                words("partial"),
                words("Only a part stands there: %1 % of the words, in this order.").arg(percent),
                t.part};
    }
    case app::Verdict::OtherDocument:
        return {QStringLiteral("elsewhere"),
                words("Found elsewhere"),
                words("Found elsewhere"),
                words("elsewhere"),
                words("Stands in another source than the answer says."),
                t.elsewhere};
    case app::Verdict::NotFound:
        break;
    }
    return {QStringLiteral("not-found"),
            words("Not found"),
            words("Not found"),
            words("not found"),
            words("Stands in none of the sources that were read."),
            t.neutral};
}

namespace {

struct ChipMetrics {
    double number, word, width, height;
};

ChipMetrics measure(const Chip& chip) {
    const QString word = chip.withWord ? lookOf(chip.verdict).chipWord : QString();
    const double number =
        tabularWidth(QFontMetricsF(fontOf(Type::Chip)), QString::number(chip.number));
    const double wordWidth =
        word.isEmpty() ? 0 : QFontMetricsF(fontOf(Type::ChipWord)).horizontalAdvance(word);
    // border 1, padding 5 | number | gap 3 | glyph 11 | gap 3 | word | padding 4, border 1
    const double width =
        pxF(6) + number + pxF(3) + pxF(11) + (word.isEmpty() ? 0 : pxF(3) + wordWidth) + pxF(5);
    return {number, wordWidth, std::ceil(width), pxF(17)};
}

} // namespace

QSizeF chipSize(const Chip& chip) {
    const ChipMetrics m = measure(chip);
    return {m.width, m.height};
}

void paintChip(QPainter& p, const QPointF& topLeft, const Chip& chip) {
    const PainterScope scope(p);
    const Tokens& t = tokens();
    const ChipMetrics m = measure(chip);
    const VerdictLook look = lookOf(chip.verdict);
    const QRectF rect(topLeft, QSizeF(m.width, m.height));
    QColor ink = t.neutral;
    p.setPen(Qt::NoPen);
    switch (chip.verdict) {
    case app::Verdict::Verified:
        p.setBrush(t.okS);
        ink = t.ok;
        break;
    case app::Verdict::VerifiedNormalised:
        p.setBrush(t.normS);
        ink = t.norm;
        break;
    case app::Verdict::NotFound: {
        QPen pen(t.ctl, 1);
        pen.setDashPattern({3, 2});
        p.setPen(pen);
        p.setBrush(Qt::NoBrush);
        break;
    }
    default:
        p.setBrush(t.neutralS);
    }
    const bool outlined = chip.verdict == app::Verdict::NotFound;
    p.drawRoundedRect(outlined ? rect.adjusted(0.5, 0.5, -0.5, -0.5) : rect, pxF(4), pxF(4));
    double x = rect.x() + pxF(6);
    const QRectF numberRect(x, rect.y(), m.number, m.height);
    drawNumber(p, numberRect, QString::number(chip.number), fontOf(Type::Chip), ink);
    if (chip.forced) {
        QPen dots(ink, 1.25, Qt::DotLine);
        p.setPen(dots);
        p.drawLine(QPointF(x, rect.bottom() - 2.5), QPointF(x + m.number, rect.bottom() - 2.5));
    }
    x += m.number + pxF(3);
    paintIcon(p, look.glyph, QRectF(x, rect.y() + (m.height - pxF(11)) / 2, pxF(11), pxF(11)), ink);
    x += pxF(14);
    if (m.word > 0) {
        drawText(p, QRectF(x, rect.y(), m.word + 2, m.height), look.chipWord,
                 fontOf(Type::ChipWord), ink);
    }
    if (chip.current) {
        p.setPen(QPen(t.hlB, 1.3));
        p.setBrush(Qt::NoBrush);
        p.drawRoundedRect(rect.adjusted(-1.75, -1.75, 1.75, 1.75), pxF(5.5), pxF(5.5));
    }
}

double verdictWordWidth(const VerdictLook& look, bool shortForm) {
    return pxF(18) + QFontMetricsF(fontOf(Type::SmallMedium))
                         .horizontalAdvance(shortForm ? look.shortWord : look.word);
}

void paintVerdictWord(QPainter& p, const QRectF& rect, const VerdictLook& look, bool shortForm) {
    const double glyph = pxF(14);
    paintIcon(p, look.glyph, QRectF(rect.x(), rect.center().y() - glyph / 2, glyph, glyph),
              look.color);
    drawText(p, rect.adjusted(pxF(18), 0, 2, 0), shortForm ? look.shortWord : look.word,
             fontOf(Type::SmallMedium), look.color);
}

// ---------------------------------------------------------------- meters

void fillHatch(QPainter& p, const QPainterPath& path, const QColor& lines, const QColor& ground) {
    const PainterScope scope(p);
    p.setClipPath(path, Qt::IntersectClip);
    const QRectF visible(0, 0, p.device()->width(), p.device()->height());
    const QRectF r = path.boundingRect().intersected(p.transform().inverted().mapRect(visible));
    if (r.isEmpty()) {
        return;
    }
    p.fillRect(r, ground);
    // 2 px across the line, 5 px from line to line: measured along x both grow by sqrt(2).
    p.setPen(QPen(lines, 2));
    const double step = 5 * M_SQRT2;
    const double from = std::floor((r.left() - r.height()) / step) * step;
    for (double x = from; x < r.right() + r.height(); x += step) {
        p.drawLine(QPointF(x, r.bottom()), QPointF(x + r.height(), r.top()));
    }
}

void fillHatch(QPainter& p, const QRectF& rect, const QColor& lines, const QColor& ground) {
    QPainterPath path;
    path.addRect(rect);
    fillHatch(p, path, lines, ground);
}

namespace {

void fillPart(QPainter& p, const QRectF& rect, const MeterPart& part) {
    const Tokens& t = tokens();
    switch (part.fill) {
    case MeterPart::Solid:
        if (part.color.isValid()) {
            p.fillRect(rect, part.color);
        }
        break;
    case MeterPart::HatchReserve:
        fillHatch(p, rect, t.accent, t.soft);
        break;
    case MeterPart::HatchOther:
        fillHatch(p, rect, t.cOth, t.cFree);
        break;
    case MeterPart::HatchOwn:
        fillHatch(p, rect, part.color, t.cFree);
        break;
    }
}

} // namespace

void paintMeter(QPainter& p, const QRectF& rect, std::span<const MeterPart> parts, double radius) {
    const PainterScope scope(p);
    const Tokens& t = tokens();
    QPainterPath path;
    path.addRoundedRect(rect, pxF(radius), pxF(radius));
    p.setClipPath(path, Qt::IntersectClip);
    p.fillRect(rect, t.cFree);
    p.setPen(QPen(t.line2, 2)); // the outer half is clipped away
    p.setBrush(Qt::NoBrush);
    p.drawPath(path);
    double x = rect.left();
    for (const MeterPart& part : parts) {
        const double width = rect.width() * part.share;
        if (part.color.isValid() || part.fill != MeterPart::Solid) {
            fillPart(p, QRectF(x, rect.top(), width, rect.height()), part);
            if (part.fill == MeterPart::Solid && width > 1.5 && x + width < rect.right() - 1) {
                p.fillRect(QRectF(x + width - 1, rect.top(), 1, rect.height()), t.base);
            }
        }
        x += width;
    }
}

void paintSwatch(QPainter& p, const QRectF& rect, const MeterPart& part) {
    const PainterScope scope(p);
    QPainterPath path;
    path.addRoundedRect(rect, pxF(2), pxF(2));
    p.setClipPath(path, Qt::IntersectClip);
    p.fillRect(rect, tokens().cFree);
    fillPart(p, rect, part);
    p.setPen(QPen(withAlpha(tokens().text, 0.15), 2));
    p.setBrush(Qt::NoBrush);
    p.drawPath(path);
}

} // namespace dossier::ui
