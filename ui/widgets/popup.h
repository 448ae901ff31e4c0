// SPDX-License-Identifier: GPL-3.0-or-later
// Frames that float above the window: depth, locator, history, citation preview.
#pragma once

#include <QFrame>

class QScreen;

namespace dossier::ui {

/// A rounded frame on the menu ground. With Qt::Popup it closes on a click elsewhere and on Esc.
class PopupFrame : public QFrame {
    Q_OBJECT

  public:
    explicit PopupFrame(QWidget* parent, Qt::WindowType type = Qt::Popup);
    /// Shows the frame below `anchor` (or above, when there is no room), inside the screen.
    void showAt(const QPoint& globalTopLeft, const QRect& avoid = {});
    /// Shows the frame above a part of a bar at the foot of the window; it grows upwards.
    void showAbove(const QRect& globalAnchor);

  protected:
    void paintEvent(QPaintEvent*) override;
    void resizeEvent(QResizeEvent*) override;

  private:
    void place(QPoint at, const QScreen* screen);

    QRect m_below; ///< what it stands above; null: it does not
};

} // namespace dossier::ui
