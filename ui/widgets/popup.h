// SPDX-License-Identifier: GPL-3.0-or-later
// Frames that float above the window: depth, locator, history, citation preview.
#pragma once

#include <QFrame>

namespace dossier::ui {

/// A rounded frame on the menu ground. With Qt::Popup it closes on a click elsewhere and on Esc.
class PopupFrame : public QFrame {
    Q_OBJECT

  public:
    explicit PopupFrame(QWidget* parent, Qt::WindowType type = Qt::Popup);
    /// Shows the frame below `anchor` (or above, when there is no room), inside the screen.
    void showAt(const QPoint& globalTopLeft, const QRect& avoid = {});

  protected:
    void paintEvent(QPaintEvent*) override;
    void resizeEvent(QResizeEvent*) override;
};

} // namespace dossier::ui
