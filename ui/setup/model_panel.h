// SPDX-License-Identifier: GPL-3.0-or-later
// This computer, the model folder with its check, and where its memory would go: the model page,
// shown in first run and later. Nothing is loaded before the person says so.
#pragma once

#include <QPointer>
#include <QTimer>
#include <filesystem>
#include <optional>

#include "app/engine_host.h"
#include "ui/setup/computer_facts.h"
#include "ui/widgets/basics.h"

class QDoubleSpinBox;
class QLineEdit;
class QSlider;

namespace dossier::ui {

class Fact;
class MeterBar;
class ThinProgress;

class ModelPanel : public QWidget {
    Q_OBJECT

  public:
    explicit ModelPanel(QWidget* parent = nullptr);

    void setEngine(app::EngineHost* engine, const std::filesystem::path& builtIn,
                   const std::filesystem::path& dossiers);
    void setFolder(const std::filesystem::path& folder);
    std::filesystem::path folder() const;
    engine::LoadOptions options() const;
    bool loadable() const { return m_model.has_value() && (!m_forecast || m_forecast->fits); }
    const std::optional<engine::Forecast>& forecast() const { return m_forecast; }
    const std::optional<engine::ModelInfo>& model() const { return m_model; }
    const std::optional<ComputerFacts>& computer() const { return m_computer; }
    void checkComputerNow();

    QWidget* section(int index) const { return m_sections[static_cast<std::size_t>(index)]; }

  signals:
    void changed(); ///< loadable(), model(), computer() ...

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    QWidget* buildComputer();
    QWidget* buildModel();
    QWidget* buildPlacement();
    void inspect();
    void refreshComputer();
    void refreshModel();
    void refreshFiles();
    void refreshForecast();
    void refreshCheck();

    QPointer<app::EngineHost> m_engine;
    std::filesystem::path m_builtIn, m_dossiers;
    std::optional<engine::ModelInfo> m_model;
    std::optional<engine::Forecast> m_forecast;
    std::optional<app::Failure> m_failure;
    std::optional<ComputerFacts> m_computer;
    std::vector<ModelFile> m_files;
    app::JobId m_check{};
    QTimer m_debounce;
    quint64 m_generation = 0;

    std::array<QWidget*, 3> m_sections{};
    Label* m_checked = nullptr;
    Fact *m_processor = nullptr, *m_ram = nullptr, *m_disk = nullptr, *m_speed = nullptr,
         *m_reading = nullptr, *m_fits = nullptr;
    QLineEdit* m_path = nullptr;
    Label* m_name = nullptr;
    BadgeLabel *m_format = nullptr, *m_size = nullptr, *m_state = nullptr;
    Label* m_checkText = nullptr;
    Button* m_checkButton = nullptr;
    QVBoxLayout* m_fileRows = nullptr;
    QWidget* m_fileHolder = nullptr;
    Label* m_problem = nullptr;
    QWidget* m_gpuSlider = nullptr;
    QSlider *m_vramFree = nullptr, *m_ramFree = nullptr;
    QDoubleSpinBox *m_vramFreeText = nullptr, *m_ramFreeText = nullptr;
    QWidget* m_gpuRow = nullptr;
    MeterBar *m_gpuBar = nullptr, *m_ramBar = nullptr, *m_diskBar = nullptr;
    Label *m_gpuText = nullptr, *m_ramText = nullptr, *m_diskText = nullptr;
    Label* m_verdict = nullptr;
};

} // namespace dossier::ui
