// SPDX-License-Identifier: GPL-3.0-or-later
// A slim scroll bar that lies over the content instead of taking room beside it, so that columns
// keep their measures whether or not there is something to scroll.
#pragma once

#include <QScrollBar>

class QAbstractScrollArea;

namespace dossier::ui {

class OverlayScrollBar : public QScrollBar {
    Q_OBJECT

  public:
    explicit OverlayScrollBar(QAbstractScrollArea* area);

  protected:
    bool eventFilter(QObject*, QEvent*) override;

  private:
    void place();
    void follow();

    QAbstractScrollArea* m_area;
    QScrollBar* m_source;
};

} // namespace dossier::ui
