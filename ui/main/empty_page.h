// SPDX-License-Identifier: GPL-3.0-or-later
// What the window shows without a dossier: adding, recent dossiers, the sample.
#pragma once

#include <QPointer>
#include <vector>

#include "ui/widgets/basics.h"

class QGridLayout;

namespace dossier::ui {

struct RecentDossier {
    QString name, facts, when, path;
    bool code = false;
};

class EmptyPage : public QWidget {
    Q_OBJECT

  public:
    explicit EmptyPage(QWidget* parent = nullptr);
    void setRecent(const std::vector<RecentDossier>& recent);
    /// Questions prepared for the sample; `facts` like "18,206 tokens". Empty hides the part.
    void setSample(const QStringList& questions, const QString& text, const QString& facts);
    void setDropActive(bool active);

  signals:
    void addFilesRequested();
    void addFolderRequested();
    void openRequested(const QString& path);
    void sampleRequested(const QString& question);

  protected:
    void paintEvent(QPaintEvent*) override;
    void resizeEvent(QResizeEvent*) override;

  private:
    class DropZone;
    void arrange();

    QWidget* m_content;
    QGridLayout* m_grid;
    DropZone* m_drop;
    QWidget* m_left;
    QWidget* m_recent;
    QWidget* m_sample;
};

} // namespace dossier::ui
