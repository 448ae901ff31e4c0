// SPDX-License-Identifier: GPL-3.0-or-later
// The status bar: context meter, running job, memory, speed, offline.
#pragma once

#include "app/model_types.h"
#include "ui/widgets/basics.h"

namespace dossier::ui {

class MeterBar;
class MiniBar;

class StatusBar : public Panel {
    Q_OBJECT

  public:
    explicit StatusBar(QWidget* parent = nullptr);

    void setContext(const app::ContextUse& use);
    void setMemory(const app::MemorySample& sample);
    void setSpeed(const QString& text); ///< "12.1 tok/s", "idle"
    /// Text of the job that runs; empty hides it.
    void setJob(const QString& text, const QString& iconName = QStringLiteral("frontier"));
    void setModel(const app::EngineStatus& status);
    void setCompact(bool compact);
    QString jobText() const;
    QString speedText() const; ///< what was set, or what the model's state is called
    QRect jobRect() const;     ///< global, to hang the list of jobs on

  signals:
    void jobsRequested();
    void memoryRequested();
    void modelRequested();
    void offlineRequested();

  private:
    class Item;

    Label* m_used;
    Label* m_total;
    Label* m_reserve;
    MeterBar* m_meter;
    Line* m_jobLine;
    Button* m_job;
    QWidget* m_gpu;
    MiniBar* m_gpuBar;
    Label* m_gpuUsed;
    Label* m_gpuTotal;
    QWidget* m_ram;
    MiniBar* m_ramBar;
    Label* m_ramUsed;
    Label* m_ramTotal;
    Label* m_speed;
    bool m_compact = false;
};

/// "21.4" of GiB with one digit, whole numbers from 100 on.
QString gib(std::uint64_t bytes);

} // namespace dossier::ui
