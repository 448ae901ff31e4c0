// SPDX-License-Identifier: GPL-3.0-or-later
// Painted charts: stacked areas by owner and a line, over the last ten minutes.
#pragma once

#include <QWidget>
#include <deque>
#include <vector>

#include "ui/memory/owners.h"
#include "ui/theme/paint.h"

namespace dossier::ui {

constexpr std::int64_t kChartWindowMs = 10 * 60 * 1000;

/// Stacked areas of OwnerSums. Scale and grid by the device's size; dashed line = forecast.
class StackedChart : public QWidget {
    Q_OBJECT

  public:
    StackedChart(const QString& name, double height, QWidget* parent = nullptr);
    void setSamples(const std::deque<OwnerSums>* samples) { m_samples = samples; }
    void setForecast(std::uint64_t bytes) { m_forecast = bytes; }
    /// Zoomed: the scale ends a little above what is used, for small models in large memories.
    void setTop(std::uint64_t bytes) { m_top = bytes; }
    std::uint64_t top() const { return m_top; }
    void setOrder(const std::vector<Owner>& bottomUp) { m_order = bottomUp; }

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    const std::deque<OwnerSums>* m_samples = nullptr;
    std::uint64_t m_forecast = 0, m_top = 0;
    std::vector<Owner> m_order;
};

/// Labels at the left of a chart, from 0 to `top`.
class ChartScale : public QWidget {
    Q_OBJECT

  public:
    explicit ChartScale(QWidget* parent = nullptr);
    void setTop(double top, int steps);

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    double m_top = 0;
    int m_steps = 4;
};

/// Legend in stack order with values right-aligned; a table for assistive technology.
class Legend : public QWidget {
    Q_OBJECT

  public:
    struct Entry {
        MeterPart swatch;
        QString name, value;
    };
    explicit Legend(QWidget* parent = nullptr);
    void setEntries(std::vector<Entry> entries);
    QSize sizeHint() const override;

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    std::vector<Entry> m_entries;
};

/// A speed over time.
class LineChart : public QWidget {
    Q_OBJECT

  public:
    struct Point {
        std::int64_t timeMs;
        double value;
    };
    LineChart(const QString& name, double height, QWidget* parent = nullptr);
    void setPoints(const std::deque<Point>* points) { m_points = points; }

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    const std::deque<Point>* m_points = nullptr;
};

/// Hit rates of experts by layer: height and strength.
class HeatStrip : public QWidget {
    Q_OBJECT

  public:
    explicit HeatStrip(QWidget* parent = nullptr);
    void setRates(std::vector<float> rates);

  protected:
    void paintEvent(QPaintEvent*) override;
    bool event(QEvent*) override;

  private:
    std::vector<float> m_rates;
};

/// A round number of GiB (or MiB) at or above `bytes`, for the top of a scale.
std::uint64_t niceTop(std::uint64_t bytes);

} // namespace dossier::ui
