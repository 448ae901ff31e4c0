// SPDX-License-Identifier: GPL-3.0-or-later
// The list of jobs, opened from the status bar: progress, time left, cancel, what went wrong.
#pragma once

#include <functional>
#include <vector>

#include "app/model_types.h"
#include "ui/widgets/basics.h"
#include "ui/widgets/controls.h"
#include "ui/widgets/popup.h"

namespace dossier::ui {

/// "540,672 of 812,344 · 298 tok/s" and "14 min left".
QString jobDetail(const app::Job& job);
QString jobTimeLeft(const app::Job& job);
/// One line for the status bar.
QString jobLine(const app::Job& job);
QString jobIcon(app::JobKind kind);

/// One job as a card.
class JobCard : public QWidget {
    Q_OBJECT

  public:
    explicit JobCard(const app::Job& job, QWidget* parent = nullptr);
    void setJob(const app::Job& job);
    app::JobId id() const { return m_id; }

  signals:
    void cancelRequested(dossier::app::JobId id);
    void dismissRequested(dossier::app::JobId id);

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    app::JobId m_id{};
    IconLabel* m_icon;
    Label *m_title, *m_left, *m_detail;
    ThinProgress* m_progress;
    Button* m_button;
    Label* m_problems;
    bool m_running = false;
};

class JobsPopup : public PopupFrame {
    Q_OBJECT

  public:
    explicit JobsPopup(QWidget* parent = nullptr);
    void setJobs(const std::vector<app::Job>& jobs);

  signals:
    void cancelRequested(dossier::app::JobId id);
    void dismissRequested(dossier::app::JobId id);

  private:
    QVBoxLayout* m_list;
    Label* m_none;
    std::vector<JobCard*> m_cards;
};

} // namespace dossier::ui
