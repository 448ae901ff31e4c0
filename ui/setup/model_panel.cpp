// SPDX-License-Identifier: GPL-3.0-or-later
// The model page.
#include "ui/setup/model_panel.h"

#include <QBoxLayout>
#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QLineEdit>
#include <QLocale>
#include <QPainter>
#include <QSlider>
#include <cmath>

#include "ui/async.h"
#include "ui/main/status_bar.h"
#include "ui/memory/owners.h"
#include "ui/setup/fact.h"
#include "ui/theme/icons.h"
#include "ui/theme/paint.h"
#include "ui/widgets/controls.h"
#include "ui/widgets/meters.h"

namespace dossier::ui {
namespace {

QString fileSize(std::uint64_t bytes) {
    return QLocale().formattedDataSize(static_cast<qint64>(bytes), 1, QLocale::DataSizeSIFormat);
}

QString whole(std::uint64_t bytes) {
    const double g = static_cast<double>(bytes) / 1073741824.0;
    return g >= 1 ? QLocale().toString(g, 'f', g < 99.5 ? 1 : 0) + QStringLiteral(" GiB")
                  : QLocale().toString(std::lround(static_cast<double>(bytes) / 1048576.0)) +
                        QStringLiteral(" MiB");
}

/// Parts of a forecast bar in one place, in the owners' colours.
std::vector<MeterPart> parts(const engine::Forecast& forecast, bool ram, std::uint64_t total,
                             std::uint64_t leaveFree) {
    std::vector<MeterPart> result;
    if (total == 0) {
        return result;
    }
    std::uint64_t sums[kOwners] = {};
    for (const engine::MemoryRow& row : forecast.rows) {
        const bool here = ram ? row.where == "ram" || row.where == "pinned" || row.where == "mapped"
                              : row.where == "vram";
        if (here) {
            sums[static_cast<int>(ownerOf(row.owner))] += row.bytes;
        }
    }
    const auto share = [total](std::uint64_t bytes) {
        return static_cast<double>(bytes) / static_cast<double>(total);
    };
    for (int i = 0; i < kOwners; ++i) {
        if (sums[i] > 0) {
            result.push_back(
                {share(sums[i]), tokens().*ownerColor(static_cast<Owner>(i)), MeterPart::Solid});
        }
    }
    result.push_back({share(leaveFree), tokens().cOth, MeterPart::HatchOther});
    return result;
}

/// Two digits of a person's patience: "about 40 s", "about 54 min", "about 3 h".
QString duration(double seconds) {
    if (seconds < 90) {
        return ModelPanel::tr("about %1 s").arg(std::max(1L, std::lround(seconds)));
    } else if (seconds < 5400) {
        return ModelPanel::tr("about %1 min").arg(std::lround(seconds / 60));
    }
    return ModelPanel::tr("about %1 h").arg(QLocale().toString(seconds / 3600, 'f', 1));
}

/// Title of a section with a quiet remark.
QHBoxLayout* sectionHead(QVBoxLayout* column, const QString& title, Label** remark,
                         QWidget* parent) {
    auto* row = rowIn(column, 10);
    auto* label = new Label(title, Type::Heading, &Tokens::text, parent);
    label->setLineHeight(22);
    row->addWidget(label);
    *remark = new Label({}, Type::Body, &Tokens::text2, parent);
    (*remark)->setElide(Qt::ElideRight, 40);
    row->addWidget(*remark, 1);
    addGap(column, 7);
    return row;
}

} // namespace

ModelPanel::ModelPanel(QWidget* parent) : QWidget(parent) {
    auto* layout = columnLayout(this, 44, 8, 44, 20, 0);
    m_sections[0] = buildComputer();
    m_sections[1] = buildModel();
    m_sections[2] = buildPlacement();
    for (std::size_t i = 0; i < m_sections.size(); ++i) {
        if (i > 0) {
            layout->addWidget(new Line(Qt::Horizontal, &Tokens::line, 0, this));
        }
        layout->addWidget(m_sections[i]);
    }
    layout->addStretch(1);
    m_debounce.setSingleShot(true);
    m_debounce.setInterval(150);
    connect(&m_debounce, &QTimer::timeout, this, &ModelPanel::inspect);
    onThemeChange(this, [this] { refreshForecast(); });
}

QWidget* ModelPanel::buildComputer() {
    auto* part = new QWidget(this);
    auto* column = columnLayout(part, 0, 17, 0, 17, 0);
    sectionHead(column, tr("This computer"), &m_checked, part);
    auto* row = rowIn(column, 24);
    auto* left = columnIn(row);
    auto* divider = new Line(Qt::Vertical, &Tokens::line, 0, part);
    row->addWidget(divider);
    auto* right = columnIn(row);
    row->setStretchFactor(left, 1);
    row->setStretchFactor(right, 1);
    const auto fact = [&](QVBoxLayout* into, const char* iconName, const QString& title) {
        auto* made = new Fact(QString::fromLatin1(iconName), title, part);
        into->addWidget(made);
        return made;
    };
    m_processor = fact(left, "model", tr("Processor"));
    m_ram = fact(left, "ram", tr("RAM"));
    m_disk = fact(left, "disk", tr("Disk for dossiers"));
    m_speed = fact(right, "speed", tr("Answers"));
    m_reading = fact(right, "read", tr("Reading a million tokens"));
    m_fits = fact(right, "verified", tr("Fits in memory"));
    return part;
}

QWidget* ModelPanel::buildModel() {
    auto* part = new QWidget(this);
    auto* column = columnLayout(part, 0, 17, 0, 17, 0);
    Label* remark = nullptr;
    sectionHead(column, tr("Model"), &remark, part);
    auto* row = rowIn(column, 8);
    m_path = new QLineEdit(part);
    m_path->setAccessibleName(tr("Model folder"));
    m_path->addAction(icon(QStringLiteral("folder")), QLineEdit::LeadingPosition);
    connect(m_path, &QLineEdit::editingFinished, this, [this] {
        if (m_path->isModified()) {
            setFolder(m_path->text().toStdString());
        }
    });
    auto* choose = new Button(tr("Choose…"), {}, Button::Normal, part);
    auto* builtIn = new Button(tr("Built-in model"), QStringLiteral("model"), Button::Normal, part);
    connect(choose, &Button::clicked, this, [this] {
        auto* dialog = new QFileDialog(this, tr("Choose a model folder"), m_path->text());
        dialog->setAttribute(Qt::WA_DeleteOnClose);
        dialog->setFileMode(QFileDialog::Directory);
        dialog->setOption(QFileDialog::ShowDirsOnly);
        connect(dialog, &QFileDialog::fileSelected, this,
                [this](const QString& chosen) { setFolder(chosen.toStdString()); });
        dialog->open();
    });
    connect(builtIn, &Button::clicked, this, [this] { setFolder(m_builtIn); });
    row->addWidget(m_path, 1);
    row->addWidget(choose);
    row->addWidget(builtIn);
    addGap(column, 10);
    auto* facts = rowIn(column, 8);
    m_name = new Label({}, Type::Medium, &Tokens::text, part);
    m_name->setElide(Qt::ElideMiddle, 60);
    m_format = new BadgeLabel({}, BadgeLabel::Neutral, part);
    m_size = new BadgeLabel({}, BadgeLabel::Neutral, part);
    m_state = new BadgeLabel({}, BadgeLabel::Ok, part);
    for (QWidget* w : std::initializer_list<QWidget*>{m_name, m_format, m_size, m_state}) {
        facts->addWidget(w);
    }
    facts->addStretch(1);
    m_checkText = new Label({}, Type::Small, &Tokens::text2, part);
    m_checkText->setTabular();
    m_checkButton = new Button(tr("Check every file"), {}, Button::Normal, part);
    m_checkButton->setHeight(24, Type::Small, 8, 5);
    m_checkButton->setToolTip(tr("Reads the whole model and checks every scale"));
    connect(m_checkButton, &Button::clicked, this, [this] {
        if (m_engine && m_model) {
            if (m_check != app::JobId{}) {
                m_engine->cancelJob(m_check);
                return;
            }
            m_check = m_engine->verifyModel(folder());
            refreshCheck();
        }
    });
    facts->addWidget(m_checkText);
    facts->addWidget(m_checkButton);
    addGap(column, 10);
    m_fileHolder = new QWidget(part);
    m_fileRows = columnLayout(m_fileHolder);
    column->addWidget(m_fileHolder);
    m_problem = new Label({}, Type::Body, &Tokens::err, part);
    m_problem->setWordWrap(true);
    m_problem->hide();
    column->addWidget(m_problem);
    return part;
}

QWidget* ModelPanel::buildPlacement() {
    auto* part = new QWidget(this);
    auto* column = columnLayout(part, 0, 17, 0, 17, 0);
    Label* remark = nullptr;
    sectionHead(column, tr("Placement"), &remark, part);
    remark->setText(tr("the forecast follows the sliders; nothing is loaded yet"));
    auto* sliders = rowIn(column, 40);
    const auto slider = [&](const QString& title, QSlider** made, QDoubleSpinBox** text,
                            double most, double value) {
        auto* box = new QWidget(part);
        auto* boxColumn = columnLayout(box, 0, 4, 0, 14, 3);
        auto* top = rowIn(boxColumn);
        top->addWidget(new Label(title, Type::Medium, &Tokens::text, box));
        top->addStretch(1);
        *text = new QDoubleSpinBox(box);
        (*text)->setRange(0, most);
        (*text)->setDecimals(1);
        (*text)->setSingleStep(0.5);
        (*text)->setSuffix(tr(" GiB"));
        (*text)->setAlignment(Qt::AlignRight);
        (*text)->setButtonSymbols(QAbstractSpinBox::NoButtons);
        (*text)->setAccessibleName(title);
        onThemeChange(*text, [text = *text] { text->setFixedSize(px(78), px(28)); });
        top->addWidget(*text);
        *made = new QSlider(Qt::Horizontal, box);
        (*made)->setRange(0, static_cast<int>(most * 10));
        (*made)->setValue(static_cast<int>(value * 10));
        (*made)->setAccessibleName(title);
        (*made)->setFocusPolicy(Qt::StrongFocus);
        onThemeChange(*made, [made = *made] { made->setFixedHeight(px(22)); });
        boxColumn->addWidget(*made);
        auto* ends = rowIn(boxColumn);
        ends->addWidget(new Label(QStringLiteral("0"), Type::Caption, &Tokens::text3, box));
        ends->addStretch(1);
        auto* end = new Label(tr("%1 GiB").arg(most), Type::Caption, &Tokens::text3, box);
        ends->addWidget(end);
        connect(*made, &QSlider::rangeChanged, box, [end, text = *text](int, int tenths) {
            text->setMaximum(tenths / 10.0);
            end->setText(tr("%1 GiB").arg(tenths / 10));
        });
        (*text)->setValue(value);
        connect(*made, &QSlider::valueChanged, this, [this, box = *text](int tenths) {
            box->setValue(tenths / 10.0);
            m_debounce.start();
        });
        connect(*text, &QDoubleSpinBox::valueChanged, *made, [slider = *made](double gib) {
            slider->setValue(static_cast<int>(std::lround(gib * 10)));
        });
        sliders->addWidget(box, 1);
        return box;
    };
    m_gpuSlider =
        slider(tr("Leave free on the graphics card"), &m_vramFree, &m_vramFreeText, 10, 1.5);
    slider(tr("Leave free in RAM"), &m_ramFree, &m_ramFreeText, 64, 2.0);
    const auto bar = [&](const char* iconName, const QString& title, MeterBar** made,
                         Label** text) {
        auto* box = new QWidget(part);
        auto* row = rowLayout(box, 0, 0, 0, 9, 10);
        row->addWidget(new IconLabel(QString::fromLatin1(iconName), 17, &Tokens::text2, box));
        auto* name = new Label(title, Type::Medium, &Tokens::text, box);
        onThemeChange(name, [name] { name->setFixedWidth(px(92)); });
        row->addWidget(name);
        *made = new MeterBar(0, 20, 3, box);
        row->addWidget(*made, 1);
        *text = new Label({}, Type::Small, &Tokens::text, box);
        (*text)->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
        onThemeChange(*text, [text = *text] { text->setFixedWidth(px(214)); });
        row->addWidget(*text);
        column->addWidget(box);
        return box;
    };
    m_gpuRow = bar("gpu", tr("GPU memory"), &m_gpuBar, &m_gpuText);
    bar("ram", tr("RAM"), &m_ramBar, &m_ramText);
    bar("disk", tr("Disk"), &m_diskBar, &m_diskText);
    addGap(column, 2);
    column->addWidget(new OwnerLegend(part));
    addGap(column, 16);
    auto* info = new InfoBox(part);
    m_verdict = info->label();
    column->addWidget(info);
    return part;
}

void ModelPanel::paintEvent(QPaintEvent*) {
    QPainter(this).fillRect(rect(), tokens().base);
}

// ---------------------------------------------------------------- data

void ModelPanel::setEngine(app::EngineHost* engine, const std::filesystem::path& builtIn,
                           const std::filesystem::path& dossiers) {
    m_engine = engine;
    m_builtIn = builtIn;
    m_dossiers = dossiers;
    if (engine != nullptr) {
        connect(engine, &app::EngineHost::jobChanged, this, [this](app::JobId id) {
            if (id == m_check) {
                refreshCheck();
            }
        });
        connect(engine, &app::EngineHost::statusChanged, this, &ModelPanel::refreshComputer);
    }
    const auto loaded = engine != nullptr ? engine->status().model : std::nullopt;
    setFolder(loaded ? loaded->path : builtIn);
}

std::filesystem::path ModelPanel::folder() const {
    return m_path->text().toStdString();
}

void ModelPanel::setFolder(const std::filesystem::path& folder) {
    m_path->setText(QString::fromStdString(folder.string()));
    m_path->setModified(false);
    m_check = {};
    inspect();
}

engine::LoadOptions ModelPanel::options() const {
    engine::LoadOptions options;
    options.model = folder();
    options.vramLeaveFree = static_cast<std::uint64_t>(m_vramFree->value()) * 107'374'182;
    options.ramLeaveFree = static_cast<std::uint64_t>(m_ramFree->value()) * 107'374'182;
    return options;
}

void ModelPanel::inspect() {
    if (!m_engine || folder().empty()) {
        return;
    }
    const quint64 generation = ++m_generation;
    m_engine->inspect(options(), this,
                      [this, generation](std::optional<engine::ModelInfo> model,
                                         std::optional<engine::Forecast> forecast,
                                         std::optional<app::Failure> failure) {
                          if (generation == m_generation) {
                              m_model = std::move(model);
                              m_forecast = std::move(forecast);
                              m_failure = std::move(failure);
                              refreshModel();
                              refreshForecast();
                              emit changed();
                          }
                      });
    runAsync(
        this, [folder = folder()](std::stop_token) { return modelFiles(folder); },
        [this, generation](std::vector<ModelFile> files) {
            if (generation == m_generation) {
                m_files = std::move(files);
                refreshFiles();
            }
        });
}

void ModelPanel::checkComputerNow() {
    m_checked->setText(tr("checking…"));
    runAsync(
        this,
        [dossiers = m_dossiers, model = folder()](std::stop_token stop) {
            return checkComputer(dossiers, model, 2ull << 30, stop);
        },
        [this](ComputerFacts facts) {
            m_computer = std::move(facts);
            if (m_computer->ramTotal > 0) {
                m_ramFree->setMaximum(static_cast<int>(m_computer->ramTotal >> 30) * 10);
            }
            refreshComputer();
            refreshForecast();
            emit changed();
        });
}

void ModelPanel::refreshComputer() {
    if (!m_computer) {
        return;
    }
    const ComputerFacts& f = *m_computer;
    m_checked->setText(
        tr("checked in %1 s").arg(QLocale().toString(f.seconds, 'f', f.seconds < 9.95)));
    QString instructions = f.bf16     ? tr("AVX-512 with BF16")
                           : f.avx512 ? tr("AVX-512")
                           : f.avx2   ? tr("AVX2")
                                      : tr("plain instructions");
    m_processor->set(
        tr("%1 threads").arg(f.threads),
        QStringList{QString::fromStdString(f.processor), instructions}.join(QStringLiteral(" · ")));
    m_ram->set(whole(f.ramTotal), tr("%1 free").arg(whole(f.ramAvailable)));
    m_disk->set(f.readBytesPerSecond > 0
                    ? tr("%1/s").arg(fileSize(static_cast<std::uint64_t>(f.readBytesPerSecond)))
                    : tr("not measured"),
                f.readBytesPerSecond > 0 ? tr("measured cold, %1 read · %2 free")
                                               .arg(fileSize(f.readBytes), fileSize(f.diskFree))
                                         : tr("%1 free").arg(fileSize(f.diskFree)));
    engine::Telemetry telemetry;
    if (m_engine && !m_engine->memory().empty()) {
        telemetry = m_engine->memory().back().telemetry;
    }
    const QString gpu = f.gpus.empty() ? tr("no NVIDIA graphics card: the processor computes")
                                       : QString::fromStdString(f.gpus.front());
    m_speed->set(telemetry.answerTokensPerSecond > 0
                     ? tr("about %1 tokens/s").arg(std::lround(telemetry.answerTokensPerSecond))
                     : tr("known after the first answer"),
                 gpu);
    m_reading->set(telemetry.readTokensPerSecond > 0 ? duration(1e6 / telemetry.readTokensPerSecond)
                                                     : tr("known after the first reading"),
                   tr("once per dossier, and only what is new"));
}

void ModelPanel::refreshModel() {
    const bool known = m_model.has_value();
    m_name->setText(known ? QString::fromStdString(m_model->name) : QString());
    m_format->setBadge(
        known ? tr("%1 experts").arg(QString::fromStdString(m_model->expertFormat).toUpper())
              : QString(),
        BadgeLabel::Neutral);
    m_size->setBadge(
        known ? tr("%1 files · %2").arg(m_model->shards).arg(fileSize(m_model->tensorBytes))
              : QString(),
        BadgeLabel::Neutral);
    m_state->setBadge(known ? tr("nothing missing") : QString(), BadgeLabel::Ok);
    m_state->setGlyph(QStringLiteral("verified"));
    for (BadgeLabel* badge : {m_format, m_size, m_state}) {
        badge->setVisible(known);
    }
    m_checkButton->setVisible(known);
    m_problem->setVisible(m_failure.has_value());
    if (m_failure) {
        m_problem->setText(QString::fromStdString(m_failure->failed + ". " + m_failure->remedy));
    }
    refreshCheck();
}

void ModelPanel::refreshFiles() {
    while (QLayoutItem* item = m_fileRows->takeAt(0)) {
        delete item->widget();
        delete item;
    }
    std::uint64_t small = 0, shards = 0;
    QStringList smallNames;
    std::vector<ModelFile> tensors;
    for (const ModelFile& file : m_files) {
        if (file.name.ends_with(".safetensors")) {
            tensors.push_back(file);
            shards += file.bytes;
        } else if (file.name == "config.json" || file.name.starts_with("tokenizer") ||
                   file.name.ends_with("index.json")) {
            small += file.bytes;
            smallNames << QString::fromStdString(file.name);
        }
    }
    const auto add = [&](const QString& names, std::uint64_t bytes) {
        m_fileRows->addWidget(new FileRow(names, fileSize(bytes),
                                          m_model ? tr("right size and shape") : tr("found"),
                                          m_model.has_value(), m_fileHolder));
    };
    if (!smallNames.isEmpty()) {
        add(smallNames.join(QStringLiteral(", ")), small);
    }
    if (tensors.size() == 1) {
        add(QString::fromStdString(tensors.front().name), shards);
    } else if (!tensors.empty()) {
        add(QStringLiteral("%1 … %2").arg(QString::fromStdString(tensors.front().name),
                                          QString::fromStdString(tensors.back().name)),
            shards);
    }
}

void ModelPanel::refreshCheck() {
    const app::Job* job = nullptr;
    if (m_engine && m_check != app::JobId{}) {
        for (const app::Job& candidate : m_engine->jobs()) {
            job = candidate.id == m_check ? &candidate : job;
        }
    }
    if (job == nullptr) {
        m_checkText->clear();
        m_checkButton->setText(tr("Check every file"));
    } else if (job->state == app::JobState::Running) {
        const double share = job->progress.total == 0
                                 ? 0
                                 : static_cast<double>(job->progress.done) /
                                       static_cast<double>(job->progress.total);
        m_checkText->setText(tr("checking %1 %").arg(static_cast<int>(share * 100)));
        m_checkButton->setText(tr("Stop"));
    } else {
        m_checkText->setText(
            job->state == app::JobState::Done ? tr("every file checked")
            : job->state == app::JobState::Cancelled
                ? tr("check stopped")
                : QString::fromStdString(job->failure ? job->failure->failed : ""));
        m_checkButton->setText(tr("Check again"));
        if (job->state == app::JobState::Failed) {
            m_state->setBadge(tr("damaged"), BadgeLabel::Error);
            m_state->setGlyph(QStringLiteral("error"));
        }
        m_check = {};
    }
    m_checkButton->updateGeometry();
}

void ModelPanel::refreshForecast() {
    if (m_verdict == nullptr) {
        return;
    }
    const std::uint64_t ramTotal = m_computer ? m_computer->ramTotal : 0;
    const bool gpu = m_forecast && forecastBytes(*m_forecast, false) > 0;
    m_gpuSlider->setVisible(gpu);
    m_gpuRow->setVisible(gpu);
    if (!m_forecast) {
        m_verdict->setText(m_failure ? tr("No forecast: the folder cannot be used as it is.")
                                     : tr("Choose a model folder."));
        m_ramBar->setParts({}, {});
        m_diskBar->setParts({}, {});
        m_ramText->clear();
        m_diskText->clear();
        m_fits->set(QStringLiteral("…"), {});
        return;
    }
    const engine::LoadOptions chosen = options();
    const std::uint64_t ram = forecastBytes(*m_forecast, true);
    m_ramText->setText(ramTotal > 0 ? tr("%1 of %2 · %3 free")
                                          .arg(whole(ram), whole(ramTotal),
                                               whole(ramTotal > ram ? ramTotal - ram : 0))
                                    : whole(ram));
    m_ramBar->setParts(parts(*m_forecast, true, ramTotal, chosen.ramLeaveFree), m_ramText->text());
    if (gpu) {
        std::uint64_t vramTotal = 0;
        if (m_engine && !m_engine->memory().empty()) {
            vramTotal = m_engine->memory().back().engine.vramTotal;
        }
        const std::uint64_t vram = forecastBytes(*m_forecast, false);
        m_gpuText->setText(vramTotal > 0 ? tr("%1 of %2").arg(whole(vram), whole(vramTotal))
                                         : whole(vram));
        m_gpuBar->setParts(parts(*m_forecast, false, vramTotal, chosen.vramLeaveFree),
                           m_gpuText->text());
    }
    std::uint64_t disk = 0;
    for (const engine::MemoryRow& row : m_forecast->rows) {
        disk += row.where == "disk" ? row.bytes : 0;
    }
    const std::uint64_t free = m_computer ? m_computer->diskFree : 0;
    m_diskText->setText(tr("%1 on demand · %2 free").arg(fileSize(disk), fileSize(free)));
    m_diskBar->setParts(
        {{free == 0 ? 0 : static_cast<double>(disk) / static_cast<double>(free + disk),
          tokens().cExp, MeterPart::Solid}},
        m_diskText->text());
    m_verdict->setText(QString::fromStdString(m_forecast->verdict));
    m_fits->set(m_forecast->fits ? tr("yes") : tr("no"),
                tr("%1 tokens of context")
                    .arg(QLocale().toString(static_cast<qulonglong>(m_forecast->contextTokens))));
}

} // namespace dossier::ui
