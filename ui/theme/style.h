// SPDX-License-Identifier: GPL-3.0-or-later
// Fusion with our metrics, check boxes, focus ring and drop marker.
#pragma once

#include <QProxyStyle>

namespace dossier::ui {

class DossierStyle : public QProxyStyle {
    Q_OBJECT

  public:
    DossierStyle();

    int pixelMetric(PixelMetric, const QStyleOption*, const QWidget*) const override;
    int styleHint(StyleHint, const QStyleOption*, const QWidget*, QStyleHintReturn*) const override;
    void drawPrimitive(PrimitiveElement, const QStyleOption*, QPainter*,
                       const QWidget*) const override;
    void drawControl(ControlElement, const QStyleOption*, QPainter*, const QWidget*) const override;
};

/// The ring around the widget that has the keyboard focus; shown after Tab, Backtab and shortcuts,
/// hidden by the mouse. One for the whole application, installed by the main window.
void installFocusRing(QWidget* window);

} // namespace dossier::ui
