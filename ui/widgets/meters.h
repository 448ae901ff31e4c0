// SPDX-License-Identifier: GPL-3.0-or-later
// Context meter and the small bars of the status bar.
#pragma once

#include <QWidget>
#include <vector>

#include "ui/theme/paint.h"

namespace dossier::ui {

/// A painted bar with a spoken value.
class MeterBar : public QWidget {
    Q_OBJECT

  public:
    MeterBar(double width, double height, double radius = 3, QWidget* parent = nullptr);
    /// `spoken`: what a screen reader says instead of the picture.
    void setParts(std::vector<MeterPart> parts, const QString& spoken);
    const std::vector<MeterPart>& parts() const { return m_parts; }
    void setBarWidth(double width);

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    std::vector<MeterPart> m_parts;
    double m_width, m_height, m_radius;
};

/// 46 x 6 px with one part, on the pressed ground.
class MiniBar : public QWidget {
    Q_OBJECT

  public:
    explicit MiniBar(double width = 46, QWidget* parent = nullptr);
    void setShare(double share, const QColor& color);
    void setBarWidth(double width);

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    double m_share = 0, m_width;
    QColor m_color;
};

} // namespace dossier::ui
