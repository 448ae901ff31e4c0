// SPDX-License-Identifier: GPL-3.0-or-later
// Memory mode: RAM, GPU memory and experts by owner as live charts or as a table, speed, the model,
// and the ledger beside what the kernel and the driver say.
#pragma once

#include <QPointer>
#include <deque>
#include <optional>

#include "app/engine_host.h"
#include "ui/memory/charts.h"
#include "ui/widgets/basics.h"

class QTableWidget;
class QStackedWidget;

namespace dossier::ui {

class MeterBar;

class MemoryPage : public QWidget {
    Q_OBJECT

  public:
    explicit MemoryPage(QWidget* parent = nullptr);
    void setEngine(app::EngineHost* engine);
    void setForecast(const std::optional<engine::Forecast>& forecast);
    void setDossierBytes(std::uint64_t bytes, std::uint64_t freeOnDisk);
    void setTableShown(bool shown);
    const QTableWidget* table() const { return m_table; }
    void addSample(const app::MemorySample& sample);

  signals:
    void modelRequested();
    void unloadRequested();

  protected:
    void showEvent(QShowEvent*) override;

  private:
    struct Block {
        QWidget* widget;
        Label *big, *small;
        StackedChart* chart;
        ChartScale* scale;
        Legend* legend;
        std::deque<OwnerSums> samples;
    };

    Block* addBlock(QVBoxLayout* layout, const QString& iconName, const QString& title,
                    double height);
    void buildExperts(QVBoxLayout* layout);
    QWidget* buildSide();
    void refresh();
    void refreshBlock(Block& block, bool ram);
    void refreshTable();
    void refreshSide();
    void copyText();

    QPointer<app::EngineHost> m_engine;
    std::optional<engine::Forecast> m_forecast;
    std::unique_ptr<Block> m_gpu, m_ram;
    QStackedWidget* m_stack = nullptr;
    QTableWidget* m_table = nullptr;
    Button* m_tableButton = nullptr;
    QWidget* m_axis = nullptr;
    QWidget* m_experts = nullptr;
    HeatStrip* m_heat = nullptr;
    Label *m_heatBig = nullptr, *m_tiersText = nullptr, *m_stepText = nullptr;
    MeterBar* m_tiers = nullptr;
    Label *m_speedBig = nullptr, *m_speedSmall = nullptr;
    LineChart* m_speedChart = nullptr;
    std::deque<LineChart::Point> m_speed;
    Legend *m_modelRows = nullptr, *m_ledgerRows = nullptr, *m_diskRows = nullptr;
    Label* m_difference = nullptr;
    Button* m_unload = nullptr;
    Label* m_activity = nullptr;
    app::MemorySample m_last;
    std::uint64_t m_dossierBytes = 0, m_diskFree = 0;
};

} // namespace dossier::ui
