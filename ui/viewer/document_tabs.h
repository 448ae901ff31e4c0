// SPDX-License-Identifier: GPL-3.0-or-later
// The row of document tabs over the centre.
#pragma once

#include <QTabBar>

namespace dossier::ui {

/// QTabBar in our look: icon, name elided in the middle, close button, accent line on top.
class DocumentTabs : public QTabBar {
    Q_OBJECT

  public:
    explicit DocumentTabs(QWidget* parent = nullptr);

    int addDocument(const QString& iconName, const QString& title);
    void setDocumentTitle(int index, const QString& title);

    QSize tabSizeHint(int index) const override;
    QSize minimumTabSizeHint(int index) const override;

  signals:
    void closeRequested(int index);

  protected:
    void paintEvent(QPaintEvent*) override;
    void mouseReleaseEvent(QMouseEvent*) override;
    void tabInserted(int index) override;

  private:
    void restyle();
};

} // namespace dossier::ui
