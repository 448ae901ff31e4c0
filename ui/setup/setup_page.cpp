// SPDX-License-Identifier: GPL-3.0-or-later
// First run.
#include "ui/setup/setup_page.h"

#include <QBoxLayout>
#include <QComboBox>
#include <QPainter>
#include <QScrollArea>
#include <QScrollBar>
#include <QStackedWidget>
#include <cmath>

#include "ui/setup/last_model.h"
#include "ui/theme/icons.h"
#include "ui/theme/paint.h"

namespace dossier::ui {

/// A step in the rail: number or check mark, title, what is known about it.
class SetupPage::StepItem : public QAbstractButton {
  public:
    StepItem(int number, const QString& title, QWidget* parent)
        : QAbstractButton(parent), m_number(number) {
        setText(title);
        setFocusPolicy(Qt::StrongFocus);
        setProperty("ownFocus", true); // painted inside the row
        onThemeChange(this, [this] { setFixedHeight(px(56)); });
    }

    void set(const QString& detail, bool done, bool current) {
        m_detail = detail;
        m_done = done;
        m_current = current;
        setAccessibleName(QStringLiteral("%1 %2, %3%4")
                              .arg(m_number)
                              .arg(text(), detail,
                                   current ? SetupPage::tr(", current step")
                                   : done  ? SetupPage::tr(", done")
                                           : QString()));
        update();
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        QPainter p(this);
        p.setRenderHint(QPainter::Antialiasing);
        const Tokens& t = tokens();
        if (m_current || underMouse()) {
            p.fillRect(rect(), m_current ? t.soft : t.hover);
        }
        const QRectF mark(pxF(18), pxF(9), pxF(22), pxF(22));
        if (m_current) {
            p.setPen(Qt::NoPen);
            p.setBrush(t.accent);
            p.drawEllipse(mark);
            drawText(p, mark, QString::number(m_number), fontOf(Type::SmallStrong), t.onaccent,
                     Qt::AlignCenter);
        } else if (m_done) {
            p.setPen(Qt::NoPen);
            p.setBrush(t.okS);
            p.drawEllipse(mark);
            paintIcon(p, QStringLiteral("check"),
                      QRectF(mark.center().x() - pxF(6.5), mark.center().y() - pxF(6.5), pxF(13),
                             pxF(13)),
                      t.ok, 2.2);
        } else {
            p.setPen(QPen(t.line2, 1.25));
            p.setBrush(Qt::NoBrush);
            p.drawEllipse(mark.adjusted(0.6, 0.6, -0.6, -0.6));
            drawText(p, mark, QString::number(m_number), fontOf(Type::Small), t.text2,
                     Qt::AlignCenter);
        }
        const double x = pxF(52);
        drawText(p, QRectF(x, pxF(9), width() - x, pxF(22)), text(),
                 fontOf(m_current ? Type::Strong : Type::Body),
                 m_current || m_done ? t.text : t.text2);
        drawElided(p, QRectF(x, pxF(31), width() - x - pxF(10), pxF(16)), m_detail,
                   fontOf(Type::Small), t.text2, Qt::ElideRight);
        if (hasFocus()) {
            paintRowFocus(p, rect());
        }
    }

  private:
    int m_number;
    QString m_detail;
    bool m_done = false, m_current = false;
};

namespace {

class AppMark : public QWidget {
  public:
    explicit AppMark(QWidget* parent) : QWidget(parent) {
        onThemeChange(this, [this] { setFixedSize(px(44), px(44)); });
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        QPainter(this).drawPixmap(0, 0, applicationPixmap(width(), devicePixelRatioF()));
    }
};

} // namespace

SetupPage::SetupPage(QWidget* parent)
    : QWidget(parent),
      m_stack(new QStackedWidget(this)),
      m_scroll(new QScrollArea(this)),
      m_panel(new ModelPanel(m_scroll)) {
    setObjectName(QStringLiteral("setup"));
    auto* frame = new Panel(&Tokens::base, Qt::TopEdge, this);
    columnLayout(this)->addWidget(frame);
    auto* columns = frame->row(0, 1, 0, 0);
    columns->addWidget(buildRail());
    auto* right = new Panel(&Tokens::base, {}, frame);
    auto* layout = right->column();
    columns->addWidget(right, 1);
    m_scroll->setAccessibleName(tr("Computer, model and placement"));
    m_scroll->setWidgetResizable(true);
    m_scroll->setFrameShape(QFrame::NoFrame);
    m_scroll->setWidget(m_panel);
    m_stack->addWidget(buildWelcome());
    m_stack->addWidget(m_scroll);
    m_stack->addWidget(buildTry());
    layout->addWidget(m_stack, 1);
    auto* foot = new Panel(&Tokens::window, Qt::TopEdge, right);
    foot->setBarHeight(60);
    auto* row = foot->row(44, 0, 44, 0, 8);
    m_back = new Button(tr("Back"), {}, Button::Normal, foot);
    m_back->setHeight(32);
    m_builtIn = new Button(tr("Use the small built-in model for now"), {}, Button::Flat, foot);
    m_builtIn->setHeight(32, Type::Body, 7);
    m_primary = new Button(tr("Next"), {}, Button::Primary, foot);
    m_primary->setHeight(32, Type::Body, 16);
    row->addWidget(m_back);
    row->addStretch(1);
    row->addWidget(m_builtIn);
    row->addWidget(m_primary);
    layout->addWidget(foot);
    connect(m_back, &Button::clicked, this, [this] {
        if (m_services.firstRun && m_step > 0) {
            showStep(m_step - 1);
        } else {
            emit finished();
        }
    });
    connect(m_builtIn, &Button::clicked, this, [this] {
        m_panel->setFolder(m_services.builtInModel);
        if (m_engine) {
            engine::LoadOptions options = m_panel->options();
            options.model = m_services.builtInModel;
            rememberModel(options, m_services.builtInModel);
            m_engine->load(options);
            emit loaded();
        }
        m_services.firstRun ? showStep(TryIt) : emit finished();
    });
    connect(m_primary, &Button::clicked, this, &SetupPage::primary);
    connect(m_panel, &ModelPanel::changed, this, &SetupPage::refresh);
    showStep(Welcome);
}

QWidget* SetupPage::buildRail() {
    auto* rail = new Panel(&Tokens::side, Qt::RightEdge, this);
    rail->setColumnWidth(292);
    auto* layout = rail->column(0, 0, 1, 0);
    auto* head = rowIn(layout, 13);
    scaleLayout(head, 22, 26, 22, 20, 13);
    head->addWidget(new AppMark(rail));
    auto* names = columnIn(head);
    head->setStretchFactor(names, 1);
    names->addWidget(new Label(tr("Dossier"), Type::Title, &Tokens::text, rail));
    names->addWidget(new Label(tr("Setting up this computer"), Type::Small, &Tokens::text2, rail));
    const QString titles[] = {tr("Welcome"), tr("Computer"), tr("Model"), tr("Placement"),
                              tr("Try it")};
    for (int i = 0; i < 5; ++i) {
        auto* item = new StepItem(i + 1, titles[i], rail);
        connect(item, &QAbstractButton::clicked, this, [this, i] { showStep(i); });
        layout->addWidget(item);
        m_items.push_back(item);
    }
    layout->addStretch(1);
    auto* foot = new Panel(&Tokens::side, Qt::TopEdge, rail);
    auto* footColumn = foot->column(22, 16, 22, 20, 4);
    auto* row = rowIn(footColumn, 8);
    row->addWidget(new IconLabel(QStringLiteral("lock"), 16, &Tokens::text, foot));
    row->addWidget(
        new Label(tr("Everything stays on this computer"), Type::Medium, &Tokens::text, foot));
    row->addStretch(1);
    auto* text = new QLabel(foot);
    text->setTextFormat(Qt::RichText);
    text->setWordWrap(true);
    text->setTextInteractionFlags(Qt::LinksAccessibleByMouse | Qt::LinksAccessibleByKeyboard);
    text->setText(tr("Dossier contains no network code. <a href=\"check\">How to check</a>"));
    onThemeChange(text, [text] {
        text->setFont(fontOf(Type::Small));
        QPalette palette = text->palette();
        palette.setColor(QPalette::WindowText, tokens().text2);
        palette.setColor(QPalette::Link, tokens().accentT);
        text->setPalette(palette);
    });
    connect(text, &QLabel::linkActivated, this, &SetupPage::offlineRequested);
    footColumn->addWidget(text);
    layout->addWidget(foot);
    return rail;
}

QWidget* SetupPage::buildWelcome() {
    auto* page = new Panel(&Tokens::base, {}, this);
    auto* layout = page->column(44, 34, 44, 20, 0);
    layout->addWidget(new Label(tr("Welcome"), Type::Display, &Tokens::text, page));
    addGap(layout, 6);
    auto* lead = new Label(tr("Dossier reads whole contracts and code bases with a model on this "
                              "computer. Every quotation in an answer is compared with the source "
                              "and opens it at the exact place. Nothing leaves the computer."),
                           Type::Lead, &Tokens::text2, page);
    lead->setWordWrap(true);
    onThemeChange(lead, [lead] { lead->setMaximumWidth(px(640)); });
    layout->addWidget(lead);
    addGap(layout, 28);
    const auto choice = [&](const QString& title, const QStringList& entries, int current,
                            std::function<void(int)> chosen) {
        auto* row = rowIn(layout, 12);
        auto* label = new Label(title, Type::Medium, &Tokens::text, page);
        onThemeChange(label, [label] { label->setFixedWidth(px(120)); });
        auto* box = new QComboBox(page);
        box->addItems(entries);
        box->setCurrentIndex(current);
        box->setAccessibleName(title);
        label->setBuddy(box);
        onThemeChange(box, [box] { box->setFixedWidth(px(220)); });
        connect(box, &QComboBox::activated, this, std::move(chosen));
        row->addWidget(label);
        row->addWidget(box);
        row->addStretch(1);
        addGap(layout, 10);
    };
    choice(tr("Theme"), {tr("As the system"), tr("Light"), tr("Dark")},
           static_cast<int>(Theme::instance().choice()),
           [](int index) { Theme::instance().setChoice(static_cast<ThemeChoice>(index)); });
    const QList<int> sizes{80, 90, 100, 110, 125, 150, 175, 200};
    QStringList sizeNames;
    for (const int size : sizes) {
        sizeNames << tr("%1 %").arg(size);
    }
    choice(tr("Text size"), sizeNames,
           static_cast<int>(std::max<qsizetype>(0, sizes.indexOf(Theme::instance().textPercent()))),
           [sizes](int index) { Theme::instance().setTextPercent(sizes[index]); });
    layout->addStretch(1);
    return page;
}

QWidget* SetupPage::buildTry() {
    auto* page = new Panel(&Tokens::base, {}, this);
    auto* layout = page->column(44, 34, 44, 20, 0);
    layout->addWidget(new Label(tr("Try it"), Type::Display, &Tokens::text, page));
    addGap(layout, 6);
    m_tryText =
        new Label(tr("A sample lease and a small code base are ready. Choose a question and "
                     "watch the answer; then click a quotation."),
                  Type::Lead, &Tokens::text2, page);
    m_tryText->setWordWrap(true);
    layout->addWidget(m_tryText);
    addGap(layout, 20);
    m_questions = columnIn(layout, 8);
    layout->addStretch(1);
    return page;
}

void SetupPage::setServices(const WindowServices& services) {
    m_services = services;
    m_engine = services.engine;
    m_panel->setEngine(services.engine, services.builtInModel, services.dossiersFolder);
    while (QLayoutItem* item = m_questions->takeAt(0)) {
        delete item->widget();
        delete item;
    }
    for (const std::string& question : services.sampleQuestions) {
        auto* button = new Button(QString::fromStdString(question), QStringLiteral("ask"),
                                  Button::Normal, this);
        button->setIconName(QStringLiteral("ask"), 16, &Tokens::accentT);
        button->setHeight(32, Type::Body, 11, 9);
        button->setTextAlignment(Qt::AlignLeft);
        button->setTrailingIcon(QStringLiteral("chevron-right"), 12);
        connect(button, &Button::clicked, this,
                [this, question] { emit sampleRequested(QString::fromStdString(question)); });
        auto* row = rowIn(m_questions);
        row->addWidget(button);
        row->addStretch(1);
    }
    if (m_engine) {
        connect(m_engine, &app::EngineHost::statusChanged, this, &SetupPage::refresh);
    }
    refresh();
}

void SetupPage::showStep(int step) {
    m_step = std::clamp(step, 0, 4);
    if (m_step == Welcome || m_step == TryIt) {
        m_stack->setCurrentIndex(m_step == Welcome ? 0 : 2);
    } else {
        m_stack->setCurrentIndex(1);
        if (!m_panel->computer() && m_engine) {
            m_panel->checkComputerNow();
        }
        // The three sections stand on one page; only a small window needs to scroll to them.
        m_scroll->ensureWidgetVisible(m_panel->section(m_step - Computer), 0, px(8));
    }
    refresh();
}

void SetupPage::refresh() {
    const app::EngineStatus status = m_engine ? m_engine->status() : app::EngineStatus{};
    const auto& computer = m_panel->computer();
    const auto& model = m_panel->model();
    const auto& forecast = m_panel->forecast();
    const bool ready = status.state == app::EngineState::Ready;
    m_items[Welcome]->set(
        Theme::instance().choice() == ThemeChoice::System
            ? tr("English · follows the system")
            : tr("English · %1").arg(Theme::instance().isDark() ? tr("dark") : tr("light")),
        m_step > Welcome, m_step == Welcome);
    m_items[Computer]->set(
        computer ? tr("%1 threads, %2 GiB of RAM")
                       .arg(computer->threads)
                       .arg(static_cast<double>(computer->ramTotal) / 1073741824.0, 0, 'f', 0)
                 : tr("Not checked yet"),
        computer.has_value(), m_step == Computer);
    m_items[Model]->set(model ? QString::fromStdString(model->name) : tr("Choose a folder"),
                        model.has_value(), m_step == Model);
    m_items[Placement]->set(ready      ? tr("Loaded")
                            : forecast ? (forecast->fits ? tr("Fits") : tr("Does not fit"))
                                       : tr("What the model may use"),
                            ready, m_step == Placement);
    m_items[TryIt]->set(tr("A sample lease and code base"), false, m_step == TryIt);
    const bool modelSteps = m_step >= Computer && m_step <= Placement;
    m_builtIn->setVisible(modelSteps && model && model->path != m_services.builtInModel &&
                          !m_services.builtInModel.empty());
    m_primary->setSecondText({});
    if (m_step == Welcome) {
        m_primary->setText(tr("Next"));
        m_primary->setEnabled(true);
    } else if (m_step == TryIt) {
        m_primary->setText(tr("Start"));
        m_primary->setEnabled(true);
    } else {
        const bool same = ready && model && status.model && status.model->path == model->path;
        const bool loading = status.state == app::EngineState::Loading;
        m_primary->setText(loading ? tr("Loading…") : same ? tr("Continue") : tr("Load model"));
        m_primary->setEnabled(!loading && (same || m_panel->loadable()));
        if (!same && !loading && model && computer && computer->readBytesPerSecond > 0) {
            const double seconds =
                std::ceil(static_cast<double>(model->tensorBytes) / computer->readBytesPerSecond);
            m_primary->setSecondText(
                seconds < 90 ? tr("about %1 s").arg(static_cast<int>(std::max(1.0, seconds)))
                             : tr("about %1 min").arg(static_cast<int>(seconds / 60 + 0.5)));
        }
    }
    m_back->setText(m_services.firstRun ? tr("Back") : tr("Close"));
    m_back->setVisible(!m_services.firstRun || m_step > 0);
    for (Button* button : {m_back, m_builtIn, m_primary}) {
        button->updateGeometry();
    }
}

void SetupPage::primary() {
    const app::EngineStatus status = m_engine ? m_engine->status() : app::EngineStatus{};
    const auto& model = m_panel->model();
    if (m_step == Welcome) {
        showStep(Computer);
    } else if (m_step == TryIt) {
        emit finished();
    } else {
        const bool same = status.state == app::EngineState::Ready && model && status.model &&
                          status.model->path == model->path;
        if (!same && m_engine && m_panel->loadable()) {
            rememberModel(m_panel->options(), m_services.builtInModel);
            m_engine->load(m_panel->options());
            emit loaded();
        }
        m_services.firstRun ? showStep(TryIt) : emit finished();
    }
}

} // namespace dossier::ui
