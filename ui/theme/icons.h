// SPDX-License-Identifier: GPL-3.0-or-later
// Our icons: SVG files whose currentColor is replaced by a token. Window thread only.
#pragma once

#include <QIcon>
#include <QPixmap>
#include <QRectF>
#include <QString>

#include "ui/theme/tokens.h"

class QPainter;

namespace dossier::ui {

/// An icon that follows the theme: text2, disabled text3, checked or pressed text.
QIcon icon(const QString& name);
/// The same with one colour in every state but disabled.
QIcon icon(const QString& name, ColorRole normal);

/// One icon in one colour at `size` logical pixels (already scaled by px), cached.
QPixmap iconPixmap(const QString& name, const QColor& color, double size, double ratio = 1,
                   double strokeWidth = 1.5);

/// Paints an icon into a square at the device's resolution. `strokeWidth` in units of the 20 px
/// grid: small chevrons and check marks are drawn heavier.
void paintIcon(QPainter& painter, const QString& name, const QRectF& square, const QColor& color,
               double strokeWidth = 1.5);

/// The application's icon in all sizes (its own cut for 16 and 22 px).
QIcon applicationIcon();
QPixmap applicationPixmap(double size, double ratio);

} // namespace dossier::ui
