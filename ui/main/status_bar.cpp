// SPDX-License-Identifier: GPL-3.0-or-later
// The status bar.
#include "ui/main/status_bar.h"

#include <QBoxLayout>
#include <QLocale>
#include <QMouseEvent>
#include <cmath>

#include "ui/widgets/meters.h"

namespace dossier::ui {

QString gib(std::uint64_t bytes) {
    const double value = static_cast<double>(bytes) / 1'073'741'824.0;
    return QLocale().toString(value, 'f', value >= 99.95 ? 0 : 1);
}

/// A part that opens a page when clicked.
class StatusBar::Item : public QWidget {
  public:
    Item(const QString& tip, std::function<void()> open, QWidget* parent)
        : QWidget(parent), m_open(std::move(open)) {
        setToolTip(tip);
        rowLayout(this, 11, 0, 11, 0, 6);
    }
    void add(QWidget* widget) { static_cast<QHBoxLayout*>(layout())->addWidget(widget); }

  protected:
    void mouseReleaseEvent(QMouseEvent* event) override {
        if (event->button() == Qt::LeftButton && rect().contains(event->pos()) && m_open) {
            m_open();
        }
    }

  private:
    std::function<void()> m_open;
};

StatusBar::StatusBar(QWidget* parent) : Panel(&Tokens::window, Qt::TopEdge, parent) {
    setBarHeight(30);
    auto* layout = row(12, 1, 10, 0, 0);
    const auto small = [this](ColorRole color, Type type = Type::Small) {
        auto* label = new Label({}, type, color, this);
        label->setTabular();
        return label;
    };
    layout->addWidget(new Label(tr("Context"), Type::Small, &Tokens::text2, this));
    addGap(layout, 6);
    m_meter = new MeterBar(190, 9, 3, this);
    layout->addWidget(m_meter);
    addGap(layout, 6);
    m_used = small(&Tokens::text, Type::SmallMedium);
    m_total = small(&Tokens::text2);
    m_reserve = small(&Tokens::text3);
    layout->addWidget(m_used);
    addGap(layout, 6);
    layout->addWidget(m_total);
    addGap(layout, 6);
    layout->addWidget(m_reserve);
    addGap(layout, 11);
    m_jobLine = new Line(Qt::Vertical, &Tokens::line, 18, this);
    layout->addWidget(m_jobLine);
    m_job = new Button({}, QStringLiteral("frontier"), Button::Flat, this);
    m_job->setHeight(24, Type::Small, 10, 6);
    m_job->setIconName(QStringLiteral("frontier"), 14, &Tokens::accentT);
    m_job->setInk(&Tokens::accentT);
    m_job->setToolTip(tr("Jobs"));
    connect(m_job, &Button::clicked, this, &StatusBar::jobsRequested);
    layout->addWidget(m_job);
    m_jobLine->hide();
    m_job->hide();
    layout->addStretch(1);

    const auto memory = [&](const QString& iconName, const QString& tip, MiniBar** bar,
                            Label** used, Label** total) {
        auto* item = new Item(
            tip, [this] { emit memoryRequested(); }, this);
        item->add(new IconLabel(iconName, 15, &Tokens::text2, item));
        *bar = new MiniBar(46, item);
        item->add(*bar);
        *used = small(&Tokens::text, Type::SmallMedium);
        *total = small(&Tokens::text2);
        auto* texts = rowIn(static_cast<QHBoxLayout*>(item->layout()), 3);
        texts->addWidget(*used);
        texts->addWidget(*total);
        layout->addWidget(item);
        return item;
    };
    m_gpu = memory(QStringLiteral("gpu"), tr("GPU memory"), &m_gpuBar, &m_gpuUsed, &m_gpuTotal);
    m_gpu->hide();
    layout->addWidget(new Line(Qt::Vertical, &Tokens::line, 18, this));
    m_ram = memory(QStringLiteral("ram"), tr("RAM"), &m_ramBar, &m_ramUsed, &m_ramTotal);
    layout->addWidget(new Line(Qt::Vertical, &Tokens::line, 18, this));
    auto* speed = new Item(
        tr("Speed of the model"), [this] { emit modelRequested(); }, this);
    speed->add(new IconLabel(QStringLiteral("speed"), 15, &Tokens::text2, speed));
    m_speed = small(&Tokens::text, Type::SmallMedium);
    speed->add(m_speed);
    layout->addWidget(speed);
    layout->addWidget(new Line(Qt::Vertical, &Tokens::line, 18, this));
    auto* offline = new Item(
        tr("Dossier contains no network code"), [this] { emit offlineRequested(); }, this);
    offline->add(new IconLabel(QStringLiteral("lock"), 14, &Tokens::text2, offline));
    offline->add(new Label(tr("Offline"), Type::Small, &Tokens::text2, offline));
    scaleLayout(static_cast<QHBoxLayout*>(offline->layout()), 11, 0, 2, 0, 6);
    layout->addWidget(offline);
    setContext({});
    setSpeed(tr("no model"));
}

void StatusBar::setContext(const app::ContextUse& use) {
    const auto number = [](std::uint64_t value) {
        return QLocale().toString(static_cast<qulonglong>(value));
    };
    m_used->setText((use.exact ? QString() : QStringLiteral("≥ ")) + number(use.documentTokens));
    if (use.maxTokens == 0) {
        m_total->setText(tr("tokens"));
        m_reserve->clear();
        m_meter->setParts({}, tr("No model is loaded"));
        return;
    }
    m_total->setText(use.whole ? tr("of %1 tokens").arg(number(use.maxTokens))
                               : tr("tokens, read in passages"));
    m_total->setToolTip(QString::fromStdString(use.note));
    m_reserve->setText(!m_compact && use.whole && use.reserveTokens > 0
                           ? tr("· %1 kept for the answer").arg(number(use.reserveTokens))
                           : QString());
    const auto total = static_cast<double>(use.maxTokens);
    const double reserve = static_cast<double>(use.reserveTokens) / total;
    const double used = static_cast<double>(use.documentTokens) / total;
    const Tokens& t = tokens();
    if (!use.whole) {
        // Passages: a question takes only what the search selects, so nothing can overflow.
        m_meter->setParts({{std::min(used, 1 - reserve), t.accent, MeterPart::Solid},
                           {std::max(0.0, 1 - reserve - used), {}, MeterPart::Solid},
                           {reserve, {}, MeterPart::HatchReserve}},
                          QString::fromStdString(use.note));
        return;
    }
    const bool over = used + reserve > 1;
    const QColor fill = over ? t.err : used + reserve > 0.9 ? t.cExp : t.accent;
    m_meter->setParts(
        {{std::min(used, 1 - reserve), fill, MeterPart::Solid},
         {std::max(0.0, 1 - reserve - used), {}, MeterPart::Solid},
         {reserve, {}, MeterPart::HatchReserve}},
        tr("Context: %1 of %2 tokens, %3 kept for the answer")
            .arg(number(use.documentTokens), number(use.maxTokens), number(use.reserveTokens)));
}

void StatusBar::setMemory(const app::MemorySample& sample) {
    const bool gpu = sample.engine.vramTotal > 0;
    m_gpu->setVisible(gpu);
    if (gpu) {
        m_gpuBar->setShare(static_cast<double>(sample.engine.vramUsed) /
                               static_cast<double>(sample.engine.vramTotal),
                           tokens().cExp);
        m_gpuUsed->setText(gib(sample.engine.vramUsed));
        m_gpuTotal->setText(tr("/ %1 GiB").arg(gib(sample.engine.vramTotal)));
    }
    const std::uint64_t used =
        sample.ramTotal > sample.ramAvailable ? sample.ramTotal - sample.ramAvailable : 0;
    if (sample.ramTotal > 0) {
        m_ramBar->setShare(static_cast<double>(used) / static_cast<double>(sample.ramTotal),
                           tokens().cExp);
        m_ramUsed->setText(gib(used));
        m_ramTotal->setText(tr("/ %1 GiB").arg(gib(sample.ramTotal)));
    }
}

void StatusBar::setSpeed(const QString& text) {
    m_speed->setText(text);
    m_speed->setAccessibleName(tr("Speed: %1").arg(text));
}

void StatusBar::setModel(const app::EngineStatus& status) {
    switch (status.state) {
    case app::EngineState::NoModel:
        setSpeed(tr("no model"));
        break;
    case app::EngineState::Loading:
        setSpeed(status.failure ? tr("starting again") : tr("loading"));
        break;
    case app::EngineState::Stopped:
        setSpeed(tr("engine stopped"));
        break;
    case app::EngineState::Failed:
        setSpeed(tr("model failed"));
        break;
    case app::EngineState::Ready:
        setSpeed(tr("idle"));
        break;
    }
}

void StatusBar::setJob(const QString& text, const QString& iconName) {
    m_job->setText(text);
    m_job->setAccessibleName(text);
    m_job->setIconName(iconName, 14, &Tokens::accentT);
    m_job->setVisible(!text.isEmpty());
    m_jobLine->setVisible(!text.isEmpty());
    m_meter->setBarWidth(m_compact ? 96 : text.isEmpty() ? 190 : 150);
    m_reserve->setVisible(!m_compact && text.isEmpty());
}

QString StatusBar::jobText() const {
    return m_job->text();
}

QString StatusBar::speedText() const {
    return m_speed->text();
}

QRect StatusBar::jobRect() const {
    const QWidget* anchor = m_job->isVisible() ? static_cast<const QWidget*>(m_job) : m_meter;
    return {anchor->mapToGlobal(QPoint(0, 0)), anchor->size()};
}

void StatusBar::setCompact(bool compact) {
    m_compact = compact;
    m_meter->setBarWidth(compact ? 96 : m_job->isVisible() ? 150 : 190);
    m_reserve->setVisible(!compact && !m_job->isVisible());
    m_gpuBar->setBarWidth(compact ? 30 : 46);
    m_ramBar->setBarWidth(compact ? 30 : 46);
}

} // namespace dossier::ui
