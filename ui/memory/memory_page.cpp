// SPDX-License-Identifier: GPL-3.0-or-later
// The memory page.
#include "ui/memory/memory_page.h"

#include <QApplication>
#include <QBoxLayout>
#include <QClipboard>
#include <QHeaderView>
#include <QLocale>
#include <QPainter>
#include <QScrollArea>
#include <QStackedWidget>
#include <QTableWidget>
#include <algorithm>
#include <cmath>

#include "ui/main/status_bar.h"
#include "ui/widgets/meters.h"

namespace dossier::ui {
namespace {

/// "10 min ago ... now" below the last chart.
class TimeAxis : public QWidget {
  public:
    explicit TimeAxis(QWidget* parent) : QWidget(parent) {
        onThemeChange(this, [this] { setFixedHeight(px(16)); });
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        QPainter p(this);
        const double left = pxF(46), right = width() - pxF(222);
        const QFont font = fontOf(Type::Caption);
        drawText(p, QRectF(left, 0, pxF(80), height()), MemoryPage::tr("10 min ago"), font,
                 tokens().text3);
        for (int i = 1; i < 5; ++i) {
            drawText(p, QRectF(left + (right - left) * i / 5 - pxF(20), 0, pxF(40), height()),
                     QString::number(10 - 2 * i), font, tokens().text3, Qt::AlignCenter);
        }
        drawText(p, QRectF(right - pxF(40), 0, pxF(40), height()), MemoryPage::tr("now"), font,
                 tokens().text3, Qt::AlignRight | Qt::AlignVCenter);
    }
};

/// The dashed line of the legend in the header.
class DashSample : public QWidget {
  public:
    explicit DashSample(QWidget* parent) : QWidget(parent) {
        onThemeChange(this, [this] { setFixedSize(px(22), px(4)); });
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        QPainter p(this);
        QPen pen(tokens().text, 1.25);
        pen.setDashPattern({4, 3.2});
        p.setPen(pen);
        p.drawLine(QPointF(0, height() / 2.0), QPointF(width(), height() / 2.0));
    }
};

QString amount(std::uint64_t bytes) {
    const double g = static_cast<double>(bytes) / 1073741824.0;
    if (g >= 0.95) {
        return QLocale().toString(g, 'f', g >= 99.95 ? 0 : 1) + QStringLiteral(" GiB");
    }
    return QLocale().toString(std::lround(static_cast<double>(bytes) / 1048576.0)) +
           QStringLiteral(" MiB");
}

/// Where the weights of a token lay.
QString tierText(const engine::Telemetry& t) {
    QString text = MemoryPage::tr("%1 from GPU memory · %2 from RAM · %3 from disk for each token")
                       .arg(amount(t.bytesPerTokenVram), amount(t.bytesPerTokenRam),
                            amount(t.bytesPerTokenDisk));
    if (t.bytesPerTokenCpu > 0) {
        text += MemoryPage::tr(" · the processor computes %1 of it in RAM")
                    .arg(amount(t.bytesPerTokenCpu));
    }
    return text;
}

/// Where the time of a step of all answers goes; empty when nothing is waited for.
QString stepText(const engine::Telemetry& t) {
    if (t.stepSeconds <= 0) {
        return {};
    }
    const auto ms = [](double seconds) {
        return QLocale().toString(1e3 * seconds, 'f', 1) + QStringLiteral(" ms");
    };
    QString text = MemoryPage::tr("%1 a step: %2 until its experts are there, %3 the rest")
                       .arg(ms(t.stepSeconds), ms(t.fetchSeconds),
                            ms(std::max(0.0, t.stepSeconds - t.fetchSeconds)));
    if (t.cpuSeconds > 0) {
        text += MemoryPage::tr(" · the processor is at work for %1").arg(ms(t.cpuSeconds));
    }
    return text;
}

/// Without the unit where it is GiB, as behind it in the heading.
QString shortAmount(std::uint64_t bytes) {
    return amount(bytes).remove(QStringLiteral(" GiB"));
}

QString perSecond(double value) {
    return QLocale().toString(value, 'f', value < 100 ? 1 : 0);
}

Label* head(QHBoxLayout* row, const QString& iconName, const QString& title, QWidget* parent) {
    row->addWidget(new IconLabel(iconName, 17, &Tokens::text2, parent));
    auto* label = new Label(title, Type::Panel, &Tokens::text, parent);
    row->addWidget(label);
    return label;
}

} // namespace

MemoryPage::MemoryPage(QWidget* parent) : QWidget(parent) {
    setObjectName(QStringLiteral("memory"));
    auto* columns = rowLayout(this);
    auto* left = new Panel(&Tokens::base, {}, this);
    columns->addWidget(left, 1);
    auto* layout = left->column();
    auto* top = new Panel(&Tokens::window, Qt::BottomEdge, left);
    top->setBarHeight(44);
    auto* topRow = top->row(14, 0, 14, 1, 8);
    topRow->addWidget(new Label(tr("Memory"), Type::Panel, &Tokens::text, top));
    auto* hint =
        new Label(tr("last 10 minutes · 4 times a second"), Type::Small, &Tokens::text2, top);
    hint->setElide(Qt::ElideRight, 60);
    topRow->addWidget(hint, 1);
    topRow->addWidget(new DashSample(top));
    topRow->addWidget(new Label(tr("forecast before loading"), Type::Small, &Tokens::text2, top));
    addGap(topRow, 8);
    m_tableButton = new Button(tr("Show as table"), QStringLiteral("table"), Button::Normal, top);
    m_tableButton->setIconName(QStringLiteral("table"), 14);
    m_tableButton->setHeight(26, Type::Small, 8, 5);
    m_tableButton->setCheckable(true);
    connect(m_tableButton, &Button::toggled, this, &MemoryPage::setTableShown);
    auto* copy = new Button(tr("Copy as text"), QStringLiteral("copy"), Button::Normal, top);
    copy->setIconName(QStringLiteral("copy"), 14);
    copy->setHeight(26, Type::Small, 8, 5);
    connect(copy, &Button::clicked, this, &MemoryPage::copyText);
    topRow->addWidget(m_tableButton);
    topRow->addWidget(copy);
    layout->addWidget(top);

    m_stack = new QStackedWidget(left);
    auto* scroll = new QScrollArea(m_stack);
    scroll->setAccessibleName(tr("Memory charts"));
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    auto* charts = new Panel(&Tokens::base, {}, scroll);
    auto* chartColumn = charts->column();
    m_gpu =
        std::unique_ptr<Block>(addBlock(chartColumn, QStringLiteral("gpu"), tr("GPU memory"), 166));
    m_ram = std::unique_ptr<Block>(addBlock(chartColumn, QStringLiteral("ram"), tr("RAM"), 240));
    m_gpu->widget->hide();
    m_axis = new TimeAxis(charts);
    chartColumn->addWidget(m_axis);
    buildExperts(chartColumn);
    chartColumn->addStretch(1);
    scroll->setWidget(charts);
    m_stack->addWidget(scroll);
    m_table = new QTableWidget(0, 3, m_stack);
    m_table->setTabKeyNavigation(false); // Tab leads out of it
    m_table->setHorizontalHeaderLabels({tr("Owner"), tr("Where"), tr("Size")});
    m_table->horizontalHeader()->setHighlightSections(false);
    m_table->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft);
    m_table->horizontalHeader()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_table->verticalHeader()->hide();
    m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_table->setAccessibleName(tr("Memory by owner"));
    m_stack->addWidget(m_table);
    layout->addWidget(m_stack, 1);
    columns->addWidget(buildSide());
}

MemoryPage::Block* MemoryPage::addBlock(QVBoxLayout* layout, const QString& iconName,
                                        const QString& title, double height) {
    auto* block = new Block;
    block->widget = new QWidget(this);
    auto* column = columnLayout(block->widget, 0, 9, 16, 0, 0);
    auto* row = rowIn(column, 8);
    scaleLayout(row, 14, 0, 0, 0, 8);
    head(row, iconName, title, block->widget);
    block->big = new Label({}, Type::Medium, &Tokens::text, block->widget);
    block->big->setTabular();
    block->big->setLineHeight(24);
    block->small = new Label({}, Type::Small, &Tokens::text2, block->widget);
    block->small->setElide(Qt::ElideRight, 40);
    row->addWidget(block->big);
    row->addWidget(block->small, 1);
    addGap(column, 5);
    auto* body = rowIn(column);
    block->scale = new ChartScale(block->widget);
    block->chart = new StackedChart(tr("%1 over time").arg(title), height, block->widget);
    block->chart->setSamples(&block->samples);
    block->legend = new Legend(block->widget);
    body->addWidget(block->scale);
    body->addWidget(block->chart, 1);
    addGap(body, 16);
    body->addWidget(block->legend, 0, Qt::AlignTop);
    layout->addWidget(block->widget);
    return block;
}

void MemoryPage::buildExperts(QVBoxLayout* layout) {
    auto* panel = new Panel(&Tokens::base, Qt::TopEdge, this);
    m_experts = panel;
    auto* column = panel->column(14, 9, 16, 12, 0);
    auto* row = rowIn(column, 8);
    head(row, QStringLiteral("model"), tr("Expert cache"), panel);
    m_heatBig = new Label({}, Type::Medium, &Tokens::text, panel);
    m_heatBig->setTabular();
    m_heatBig->setLineHeight(24);
    row->addWidget(m_heatBig);
    row->addStretch(1);
    addGap(column, 9);
    auto* strip = rowIn(column);
    scaleLayout(strip, 32, 0, 206, 0, 0);
    m_heat = new HeatStrip(panel);
    strip->addWidget(m_heat);
    addGap(column, 9);
    auto* tiers = rowIn(column);
    scaleLayout(tiers, 32, 0, 206, 0, 0);
    m_tiers = new MeterBar(0, 13, 3, panel);
    tiers->addWidget(m_tiers);
    addGap(column, 4);
    auto* text = rowIn(column);
    scaleLayout(text, 32, 0, 0, 0, 0);
    m_tiersText = new Label({}, Type::Small, &Tokens::text2, panel);
    m_tiersText->setElide(Qt::ElideRight, 40);
    text->addWidget(m_tiersText, 1);
    auto* step = rowIn(column);
    scaleLayout(step, 32, 0, 0, 0, 0);
    m_stepText = new Label({}, Type::Small, &Tokens::text2, panel);
    m_stepText->setElide(Qt::ElideRight, 40);
    step->addWidget(m_stepText, 1);
    layout->addWidget(panel);
    panel->hide();
}

QWidget* MemoryPage::buildSide() {
    auto* side = new Panel(&Tokens::side, Qt::LeftEdge, this);
    onThemeChange(side, [side] { side->setFixedWidth(px(424)); });
    auto* outer = side->column(1, 0, 0, 0);
    auto* scroll = new QScrollArea(side);
    scroll->setAccessibleName(tr("Speed and ledger"));
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    auto* content = new Panel(&Tokens::side, {}, scroll);
    auto* layout = content->column(16, 12, 16, 0, 0);
    auto* speed = rowIn(layout, 8);
    head(speed, QStringLiteral("speed"), tr("Speed"), content);
    m_speedBig = new Label({}, Type::Medium, &Tokens::text, content);
    m_speedBig->setTabular();
    m_speedBig->setLineHeight(24);
    m_speedSmall = new Label({}, Type::Small, &Tokens::text2, content);
    m_speedSmall->setTabular();
    m_speedSmall->setElide(Qt::ElideRight);
    speed->addWidget(m_speedBig);
    speed->addStretch(1);
    layout->addWidget(m_speedSmall);
    addGap(layout, 6);
    m_speedChart = new LineChart(tr("Answer speed over time"), 86, content);
    m_speedChart->setPoints(&m_speed);
    layout->addWidget(m_speedChart);
    const auto section = [&](const QString& iconName, const QString& title) {
        addGap(layout, 12);
        layout->addWidget(new Line(Qt::Horizontal, &Tokens::line, 0, content));
        addGap(layout, 10);
        auto* row = rowIn(layout, 8);
        head(row, iconName, title, content)->setLineHeight(24);
        row->addStretch(1);
        addGap(layout, 4);
        auto* rows = new Legend(content);
        rows->setMinimumWidth(0);
        rows->setMaximumWidth(QWIDGETSIZE_MAX);
        onThemeChange(rows, [rows] {
            rows->setMinimumWidth(px(120));
            rows->setMaximumWidth(QWIDGETSIZE_MAX);
        });
        layout->addWidget(rows);
        return rows;
    };
    m_modelRows = section(QStringLiteral("model"), tr("Model"));
    addGap(layout, 8);
    auto* buttons = rowIn(layout, 6);
    auto* choose =
        new Button(tr("Choose a model…"), QStringLiteral("folder"), Button::Normal, content);
    choose->setIconName(QStringLiteral("folder"), 14);
    choose->setHeight(26, Type::Small, 8, 5);
    connect(choose, &Button::clicked, this, &MemoryPage::modelRequested);
    buttons->addWidget(choose);
    buttons->addStretch(1);
    m_ledgerRows = section(QStringLiteral("ram"), tr("Ledger and kernel"));
    m_difference = new Label({}, Type::Small, &Tokens::text2, content);
    m_difference->setWordWrap(true);
    layout->addWidget(m_difference);
    m_diskRows = section(QStringLiteral("disk"), tr("Disk"));
    layout->addStretch(1);
    scroll->setWidget(content);
    outer->addWidget(scroll, 1);
    auto* foot = new Panel(&Tokens::side, Qt::TopEdge, side);
    auto* footRow = foot->row(14, 10, 14, 10, 8);
    m_unload = new Button(tr("Unload model"), QStringLiteral("unload"), Button::Normal, foot);
    m_unload->setIconName(QStringLiteral("unload"), 15);
    connect(m_unload, &Button::clicked, this, &MemoryPage::unloadRequested);
    m_activity = new Label({}, Type::Small, &Tokens::text2, foot);
    footRow->addWidget(m_unload);
    footRow->addStretch(1);
    footRow->addWidget(m_activity);
    outer->addWidget(foot);
    return side;
}

void MemoryPage::setEngine(app::EngineHost* engine) {
    m_engine = engine;
    if (engine != nullptr) {
        for (const app::MemorySample& sample : engine->memory()) {
            addSample(sample);
        }
        connect(engine, &app::EngineHost::memorySampled, this, &MemoryPage::addSample);
        connect(engine, &app::EngineHost::statusChanged, this, &MemoryPage::refreshSide);
    }
    refreshSide();
}

void MemoryPage::setForecast(const std::optional<engine::Forecast>& forecast) {
    m_forecast = forecast;
    refresh();
}

void MemoryPage::setDossierBytes(std::uint64_t bytes, std::uint64_t freeOnDisk) {
    m_dossierBytes = bytes;
    m_diskFree = freeOnDisk;
    refreshSide();
}

void MemoryPage::addSample(const app::MemorySample& sample) {
    m_last = sample;
    m_ram->samples.push_back(ramSums(sample));
    if (sample.engine.vramTotal > 0) {
        m_gpu->samples.push_back(vramSums(sample));
    }
    m_speed.push_back({sample.timeMs, sample.telemetry.activity == "answering"
                                          ? sample.telemetry.answerTokensPerSecond
                                          : 0.0});
    const std::int64_t oldest = sample.timeMs - kChartWindowMs - 2000;
    for (auto* samples : {&m_ram->samples, &m_gpu->samples}) {
        while (!samples->empty() && samples->front().timeMs < oldest) {
            samples->pop_front();
        }
    }
    while (!m_speed.empty() && m_speed.front().timeMs < oldest) {
        m_speed.pop_front();
    }
    if (isVisible()) {
        refresh();
    }
}

void MemoryPage::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    refresh();
}

void MemoryPage::refresh() {
    m_gpu->widget->setVisible(m_last.engine.vramTotal > 0);
    if (m_last.engine.vramTotal > 0) {
        refreshBlock(*m_gpu, false);
    }
    refreshBlock(*m_ram, true);
    const auto& rates = m_last.telemetry.expertHitRate;
    m_experts->setVisible(!rates.empty());
    if (!rates.empty()) {
        m_heat->setRates(rates);
        double sum = 0;
        for (const float rate : rates) {
            sum += rate;
        }
        m_heatBig->setText(
            tr("%1 % hits").arg(std::lround(100 * sum / static_cast<double>(rates.size()))));
        const auto& t = m_last.telemetry;
        const double total =
            static_cast<double>(t.bytesPerTokenVram + t.bytesPerTokenRam + t.bytesPerTokenDisk);
        if (total > 0) {
            const auto share = [total](std::uint64_t bytes) {
                return static_cast<double>(bytes) / total;
            };
            const QString text = tierText(t);
            m_tiers->setParts({{share(t.bytesPerTokenVram), tokens().cExp, MeterPart::Solid},
                               {share(t.bytesPerTokenRam),
                                mixed(tokens().cExp, tokens().base, 0.52), MeterPart::Solid},
                               {share(t.bytesPerTokenDisk), tokens().cExp, MeterPart::HatchOwn}},
                              text);
            m_tiersText->setText(text);
            m_stepText->setText(stepText(t));
            m_stepText->setVisible(t.stepSeconds > 0);
        }
    }
    refreshSide();
    if (m_tableButton->isChecked()) {
        refreshTable();
    }
}

void MemoryPage::refreshBlock(Block& block, bool ram) {
    if (block.samples.empty()) {
        return;
    }
    const OwnerSums& now = block.samples.back();
    // Large memories with a small model: the scale follows what Dossier uses, and what other
    // programs use above it is cut off.
    const std::uint64_t other = now.bytes[static_cast<int>(Owner::Other)];
    const std::uint64_t own = now.used() - other;
    std::uint64_t most = 0;
    for (const OwnerSums& sample : block.samples) {
        most = std::max(most, sample.used() - sample.bytes[static_cast<int>(Owner::Other)]);
    }
    // The forecast speaks of the engine; the window, its texts and what other programs use now
    // are added, as they stand in the same chart.
    const std::uint64_t engineNow = std::min(own, ledgerBytes(m_last.engine, ram));
    std::uint64_t forecast = m_forecast ? forecastBytes(*m_forecast, ram) + own - engineNow : 0;
    most = std::max(most, forecast);
    const bool zoomed = most * 3 < now.total;
    if (!zoomed && forecast > 0) {
        forecast += other;
    }
    const std::uint64_t top = zoomed || now.total == 0 ? niceTop(most + most / 8) : now.total;
    block.chart->setTop(top);
    block.chart->setForecast(forecast);
    const bool small = top < (2ull << 30);
    block.scale->setTop(static_cast<double>(top) / (small ? 1048576.0 : 1073741824.0), 4);
    block.big->setText(now.total > 0
                           ? tr("%1 of %2").arg(shortAmount(now.used()), amount(now.total))
                           : amount(now.used()));
    QString detail;
    if (forecast > 0) {
        const auto used = static_cast<double>(zoomed ? own : now.used());
        const double difference =
            100.0 * std::abs(used - static_cast<double>(forecast)) / static_cast<double>(forecast);
        detail = zoomed ? tr("Dossier %1 · at most %2 with a full context")
                              .arg(amount(own), amount(forecast))
                        : tr("forecast %1 · difference %2 %")
                              .arg(amount(forecast), QLocale().toString(difference, 'f', 1));
    }
    if (zoomed) {
        detail += (detail.isEmpty() ? QString() : QStringLiteral(" · ")) +
                  tr("scale ends at %1").arg(amount(top));
    }
    block.small->setText(detail);
    std::vector<Legend::Entry> entries;
    const std::vector<Owner>& order = stackOrder(ram);
    block.chart->setOrder(order);
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
        const Owner owner = *it;
        const int i = static_cast<int>(owner);
        if (now.bytes[i] == 0 && owner != Owner::Other) {
            continue;
        }
        MeterPart swatch{1, tokens().*ownerColor(owner),
                         owner == Owner::Other ? MeterPart::HatchOther : MeterPart::Solid};
        entries.push_back({swatch, ownerTitle(owner, ram), amount(now.bytes[i])});
    }
    entries.push_back({{1, tokens().cFree, MeterPart::Solid},
                       tr("Free"),
                       amount(now.total > now.used() ? now.total - now.used() : 0)});
    block.legend->setEntries(std::move(entries));
    block.chart->update();
}

void MemoryPage::refreshSide() {
    const app::EngineStatus status = m_engine ? m_engine->status() : app::EngineStatus{};
    const auto& t = m_last.telemetry;
    // The engine keeps its last figures: they are shown as such while it does nothing.
    QStringList last;
    if (t.answerTokensPerSecond > 0) {
        last << tr("answering %1").arg(perSecond(t.answerTokensPerSecond));
    }
    if (t.readTokensPerSecond > 0) {
        last << tr("reading %1").arg(perSecond(t.readTokensPerSecond));
    }
    const double now = t.activity == "answering" ? t.answerTokensPerSecond
                       : t.activity == "reading" ? t.readTokensPerSecond
                                                 : 0;
    m_speedBig->setText(now > 0        ? tr("%1 tokens/s").arg(perSecond(now))
                        : last.empty() ? tr("nothing measured yet")
                                       : tr("idle"));
    m_speedSmall->setText(
        last.empty() ? QString()
                     : tr("last measured: %1 tokens/s").arg(last.join(QStringLiteral(", "))));
    m_speedChart->update();
    std::vector<Legend::Entry> model;
    const auto add = [&](const QString& name, const QString& value) {
        model.push_back({{}, name, value});
    };
    if (status.model) {
        add(tr("Name"), QString::fromStdString(status.model->name));
        add(tr("Parameters"), tr("%1 M").arg(QLocale().toString(
                                  static_cast<double>(status.model->parameters) / 1e6, 'f', 1)));
        add(tr("Context"),
            tr("%1 tokens")
                .arg(QLocale().toString(static_cast<qulonglong>(status.model->maxContext))));
        add(tr("Lane rows"),
            tr("%1 bytes a token").arg(QLocale().toString(status.model->kvBytesPerToken, 'f', 0)));
        add(tr("Runs on"), QString::fromStdString(status.device.name));
    } else {
        add(status.state == app::EngineState::Loading  ? tr("Loading")
            : status.state == app::EngineState::Failed ? tr("The model could not be loaded")
                                                       : tr("No model is loaded"),
            {});
    }
    m_modelRows->setEntries(std::move(model));
    m_unload->setEnabled(status.state == app::EngineState::Ready);
    std::uint64_t counted = 0;
    for (const engine::MemoryRow& row : m_last.engine.ledger) {
        counted +=
            row.where == "ram" || row.where == "pinned" || row.where == "mapped" ? row.bytes : 0;
    }
    const std::uint64_t kernel = m_last.engine.processResident;
    m_ledgerRows->setEntries(
        {{{}, tr("Engine, counted by the ledger"), amount(counted)},
         {{}, tr("Engine, resident as the kernel says"), amount(kernel)},
         {{}, tr("This program, resident"), amount(m_last.applicationResident)}});
    m_difference->setText(
        kernel == 0 ? tr("The engine is not running.")
                    : tr("Mapped model files count in the ledger as a whole; the kernel counts the "
                         "parts that were touched."));
    m_diskRows->setEntries(
        {{{}, tr("This dossier"), m_dossierBytes > 0 ? amount(m_dossierBytes) : tr("none open")},
         {{}, tr("Free on the disk"), m_diskFree > 0 ? amount(m_diskFree) : QStringLiteral("…")}});
    m_activity->setText(QString::fromStdString(t.activity));
}

void MemoryPage::refreshTable() {
    std::vector<std::array<QString, 3>> rows;
    for (const auto* list : {&m_last.engine.ledger, &m_last.application}) {
        for (const engine::MemoryRow& row : *list) {
            rows.push_back({QString::fromStdString(row.owner), QString::fromStdString(row.where),
                            amount(row.bytes)});
        }
    }
    rows.push_back(
        {tr("Engine process (kernel)"), tr("ram"), amount(m_last.engine.processResident)});
    rows.push_back({tr("This program (kernel)"), tr("ram"), amount(m_last.applicationResident)});
    rows.push_back({tr("Free on this computer"), tr("ram"), amount(m_last.ramAvailable)});
    if (m_last.engine.vramTotal > 0) {
        rows.push_back(
            {tr("GPU memory in use (driver)"), tr("vram"), amount(m_last.engine.vramUsed)});
    }
    m_table->setRowCount(static_cast<int>(rows.size()));
    for (int i = 0; i < static_cast<int>(rows.size()); ++i) {
        for (int column = 0; column < 3; ++column) {
            const QString& text =
                rows[static_cast<std::size_t>(i)][static_cast<std::size_t>(column)];
            QTableWidgetItem* item = m_table->item(i, column);
            if (item == nullptr) {
                item = new QTableWidgetItem;
                item->setTextAlignment(Qt::AlignVCenter |
                                       (column == 2 ? Qt::AlignRight : Qt::AlignLeft));
                m_table->setItem(i, column, item);
            }
            if (item->text() != text) {
                item->setText(text);
            }
        }
    }
}

void MemoryPage::setTableShown(bool shown) {
    m_tableButton->setChecked(shown);
    m_stack->setCurrentIndex(shown ? 1 : 0);
    refreshTable();
}

void MemoryPage::copyText() {
    QApplication::clipboard()->setText(
        memoryAsText(m_last, m_engine ? m_engine->status() : app::EngineStatus{}));
}

} // namespace dossier::ui
