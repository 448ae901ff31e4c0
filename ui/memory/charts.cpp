// SPDX-License-Identifier: GPL-3.0-or-later
// Charts of the memory page.
#include "ui/memory/charts.h"

#include <QHelpEvent>
#include <QLocale>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "ui/theme/theme.h"

namespace dossier::ui {
namespace {

void paintFrame(QPainter& p, const QRect& rect) {
    p.setPen(QPen(tokens().line, 1));
    p.setBrush(Qt::NoBrush);
    p.drawRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5));
}

void paintGrid(QPainter& p, const QRect& rect, int steps) {
    for (int i = 1; i < steps; ++i) {
        p.fillRect(
            QRectF(0, std::round(rect.height() * i / static_cast<double>(steps)), rect.width(), 1),
            tokens().line);
    }
}

} // namespace

std::uint64_t niceTop(std::uint64_t bytes) {
    // 1, 1.5, 2, 3, 4, 6, 8, 12 ... times a power of two: four even steps stay readable.
    std::uint64_t top = 64ull << 20;
    while (top < bytes) {
        top = top + top / 2 >= bytes ? top + top / 2 : top * 2;
    }
    return top;
}

// ---------------------------------------------------------------- stacked

StackedChart::StackedChart(const QString& name, double height, QWidget* parent) : QWidget(parent) {
    setAccessibleName(name);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    onThemeChange(this, [this, height] { setFixedHeight(px(height)); });
}

void StackedChart::paintEvent(QPaintEvent*) {
    QPainter p(this);
    const Tokens& t = tokens();
    p.fillRect(rect(), t.base);
    paintGrid(p, rect(), 4);
    const double h = height(), w = width();
    const double top = static_cast<double>(std::max<std::uint64_t>(1, m_top));
    if (m_top > 0 && m_samples != nullptr && !m_samples->empty()) {
        p.setRenderHint(QPainter::Antialiasing);
        const std::int64_t end = m_samples->back().timeMs;
        // One point every two pixels is all that can be seen.
        std::vector<const OwnerSums*> points;
        double lastX = -10;
        std::vector<double> xs;
        for (const OwnerSums& sample : *m_samples) {
            const double x = w - static_cast<double>(end - sample.timeMs) / kChartWindowMs * w;
            if (x >= -2 && (x - lastX >= 2 || &sample == &m_samples->back())) {
                points.push_back(&sample);
                xs.push_back(x);
                lastX = x;
            }
        }
        std::vector<double> base(points.size(), h);
        for (const Owner stacked : m_order) {
            const int owner = static_cast<int>(stacked);
            std::vector<double> next(points.size());
            bool any = false;
            for (std::size_t i = 0; i < points.size(); ++i) {
                const double bytes = static_cast<double>(points[i]->bytes[owner]);
                next[i] = base[i] - bytes / top * h;
                any = any || bytes > 0;
            }
            if (!any) {
                continue;
            }
            QPainterPath area;
            area.moveTo(xs.front(), next.front());
            for (std::size_t i = 1; i < points.size(); ++i) {
                area.lineTo(xs[i], next[i]);
            }
            QPainterPath edge = area;
            for (std::size_t i = points.size(); i-- > 0;) {
                area.lineTo(xs[i], base[i]);
            }
            area.closeSubpath();
            if (static_cast<Owner>(owner) == Owner::Other) {
                fillHatch(p, area, t.cOth, t.base);
            } else {
                p.fillPath(area, t.*ownerColor(static_cast<Owner>(owner)));
            }
            p.setPen(QPen(t.base, 1));
            p.setBrush(Qt::NoBrush);
            p.drawPath(edge);
            base = next;
        }
        p.setRenderHint(QPainter::Antialiasing, false);
    }
    if (m_forecast > 0) {
        QPen pen(t.text, 1.25);
        pen.setDashPattern({5 / 1.25, 4 / 1.25});
        p.setPen(pen);
        const double y = std::round(h - static_cast<double>(m_forecast) / top * h) + 0.5;
        p.drawLine(QPointF(0, y), QPointF(w, y));
    }
    paintFrame(p, rect());
}

ChartScale::ChartScale(QWidget* parent) : QWidget(parent) {
    onThemeChange(this, [this] { setFixedWidth(px(46)); });
}

void ChartScale::setTop(double top, int steps) {
    if (top != m_top || steps != m_steps) {
        m_top = top;
        m_steps = steps;
        update();
    }
}

void ChartScale::paintEvent(QPaintEvent*) {
    QPainter p(this);
    const QFont font = fontOf(Type::Caption);
    for (int i = 0; i <= m_steps; ++i) {
        const double value = m_top * (m_steps - i) / m_steps;
        const bool integer = std::abs(value - std::round(value)) < 0.01;
        const QString text = QLocale().toString(value, 'f', integer || value > 100 ? 0 : 1);
        const double y = height() * i / static_cast<double>(m_steps);
        const double half = pxF(7);
        const double clamped = std::clamp(y, half - pxF(2), height() - half + pxF(2));
        drawNumber(p, QRectF(0, clamped - half, width() - pxF(6), 2 * half), text, font,
                   tokens().text3);
    }
}

// ---------------------------------------------------------------- legend

Legend::Legend(QWidget* parent) : QWidget(parent) {
    setFocusPolicy(Qt::NoFocus);
    onThemeChange(this, [this] {
        setFixedWidth(px(190));
        updateGeometry();
    });
}

void Legend::setEntries(std::vector<Entry> entries) {
    const bool resized = entries.size() != m_entries.size();
    m_entries = std::move(entries);
    QStringList spoken;
    for (const Entry& entry : m_entries) {
        spoken << QStringLiteral("%1 %2").arg(entry.name, entry.value);
    }
    setAccessibleName(spoken.join(QStringLiteral(", ")));
    if (resized) {
        updateGeometry();
    }
    update();
}

QSize Legend::sizeHint() const {
    return {px(190), px(19) * static_cast<int>(m_entries.size())};
}

void Legend::paintEvent(QPaintEvent*) {
    QPainter p(this);
    double y = 0;
    for (const Entry& entry : m_entries) {
        const QRectF row(0, y, width(), pxF(19));
        double x = 0;
        if (entry.swatch.color.isValid() || entry.swatch.fill != MeterPart::Solid) {
            paintSwatch(p, QRectF(0, row.center().y() - pxF(5), pxF(10), pxF(10)), entry.swatch);
            x = pxF(17);
        }
        const double value = tabularWidth(QFontMetricsF(fontOf(Type::Small)), entry.value);
        drawElided(p, QRectF(x, y, row.width() - x - value - pxF(6), row.height()), entry.name,
                   fontOf(Type::Small), tokens().text2, Qt::ElideRight);
        drawNumber(p, row, entry.value, fontOf(Type::Small), tokens().text);
        y += pxF(19);
    }
}

// ---------------------------------------------------------------- line

LineChart::LineChart(const QString& name, double height, QWidget* parent) : QWidget(parent) {
    setAccessibleName(name);
    onThemeChange(this, [this, height] { setFixedHeight(px(height)); });
}

void LineChart::paintEvent(QPaintEvent*) {
    QPainter p(this);
    const Tokens& t = tokens();
    p.fillRect(rect(), t.base);
    double most = 0;
    if (m_points != nullptr) {
        for (const Point& point : *m_points) {
            most = std::max(most, point.value);
        }
    }
    paintGrid(p, rect(), most > 0 ? 2 : 1);
    if (most <= 0) {
        drawText(p, rect(), tr("No answer was written in the last 10 minutes"),
                 fontOf(Type::Caption), t.text3, Qt::AlignCenter);
        return;
    }
    double top = 4;
    while (top < most * 1.1) {
        top = top * 1.5 >= most * 1.1 ? top * 1.5 : top * 2;
    }
    if (m_points != nullptr && !m_points->empty()) {
        p.setRenderHint(QPainter::Antialiasing);
        p.setPen(QPen(t.cDense, 1.75, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
        const std::int64_t end = m_points->back().timeMs;
        QPainterPath path;
        bool drawing = false;
        double lastX = -10;
        for (const Point& point : *m_points) {
            const double x =
                width() - static_cast<double>(end - point.timeMs) / kChartWindowMs * width();
            if (x < -2 || (x - lastX < 2 && &point != &m_points->back())) {
                continue;
            }
            lastX = x;
            if (point.value <= 0) {
                drawing = false; // nothing was written then
                continue;
            }
            const QPointF at(x, height() - point.value / top * height());
            drawing ? path.lineTo(at) : path.moveTo(at);
            drawing = true;
        }
        p.drawPath(path);
        p.setRenderHint(QPainter::Antialiasing, false);
    }
    const auto label = [&](double value, double y) {
        drawNumber(p, QRectF(0, y, width() - pxF(4), pxF(14)),
                   QLocale().toString(value, 'f', value == std::floor(value) ? 0 : 1),
                   fontOf(Type::Caption), t.text3);
    };
    label(top, pxF(2));
    label(top / 2, height() / 2.0 + pxF(1));
    paintFrame(p, rect());
}

// ---------------------------------------------------------------- heat strip

HeatStrip::HeatStrip(QWidget* parent) : QWidget(parent) {
    onThemeChange(this, [this] { setFixedHeight(px(62)); });
}

void HeatStrip::setRates(std::vector<float> rates) {
    m_rates = std::move(rates);
    double sum = 0;
    for (const float rate : m_rates) {
        sum += rate;
    }
    setAccessibleName(m_rates.empty()
                          ? tr("No expert cache")
                          : tr("Hit rate by layer, average %1 %")
                                .arg(std::lround(100 * sum / static_cast<double>(m_rates.size()))));
    update();
}

void HeatStrip::paintEvent(QPaintEvent*) {
    QPainter p(this);
    p.setRenderHint(QPainter::Antialiasing);
    p.setPen(Qt::NoPen);
    const auto count = static_cast<double>(m_rates.size());
    const double cell = width() / std::max(1.0, count), high = pxF(44);
    for (std::size_t i = 0; i < m_rates.size(); ++i) {
        const double x = static_cast<double>(i) * cell, rate = m_rates[i];
        p.setBrush(tokens().cFree);
        p.drawRoundedRect(QRectF(x + 0.75, 0, cell - 1.5, high), 1.5, 1.5);
        p.setBrush(withAlpha(tokens().cExp, 0.3 + 0.7 * rate));
        p.drawRoundedRect(QRectF(x + 0.75, high * (1 - rate), cell - 1.5, high * rate), 1.5, 1.5);
        if (i % 6 == 0 || i + 1 == m_rates.size()) {
            drawText(p, QRectF(x - pxF(10), high + pxF(2), cell + pxF(20), pxF(14)),
                     QString::number(i), fontOf(Type::Caption), tokens().text3, Qt::AlignCenter);
            p.setPen(Qt::NoPen);
        }
    }
}

bool HeatStrip::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip && !m_rates.empty()) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const auto layer = static_cast<std::size_t>(std::clamp(
            static_cast<int>(help->x() * static_cast<int>(m_rates.size()) / std::max(1, width())),
            0, static_cast<int>(m_rates.size()) - 1));
        QToolTip::showText(
            help->globalPos(),
            tr("Layer %1: %2 % hits").arg(layer).arg(std::lround(100 * m_rates[layer])), this);
        return true;
    }
    return QWidget::event(event);
}

} // namespace dossier::ui
