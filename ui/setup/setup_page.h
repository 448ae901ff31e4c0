// SPDX-License-Identifier: GPL-3.0-or-later
// First run in five steps, and later the way to another model: a rail at the left, the step at the
// right, one primary button at the bottom.
#pragma once

#include <QPointer>

#include "ui/setup/model_panel.h"
#include "ui/window_services.h"

class QScrollArea;
class QStackedWidget;

namespace dossier::ui {

class SetupPage : public QWidget {
    Q_OBJECT

  public:
    enum Step { Welcome, Computer, Model, Placement, TryIt };

    explicit SetupPage(QWidget* parent = nullptr);
    void setServices(const WindowServices& services);
    void showStep(int step);
    int step() const { return m_step; }
    ModelPanel* modelPanel() const { return m_panel; }

  signals:
    void finished(); ///< back to the window
    void sampleRequested(const QString& question);
    void offlineRequested();
    void loaded(); ///< loading was asked for

  private:
    class StepItem;

    QWidget* buildRail();
    QWidget* buildWelcome();
    QWidget* buildTry();
    void refresh();
    void primary();

    WindowServices m_services;
    QPointer<app::EngineHost> m_engine;
    int m_step = Welcome;

    std::vector<StepItem*> m_items;
    QStackedWidget* m_stack;
    QScrollArea* m_scroll;
    ModelPanel* m_panel;
    QVBoxLayout* m_questions = nullptr;
    Label* m_tryText = nullptr;
    Button *m_back, *m_builtIn, *m_primary;
};

} // namespace dossier::ui
