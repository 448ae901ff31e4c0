// SPDX-License-Identifier: GPL-3.0-or-later
// The thread column.
#include "ui/thread/thread_panel.h"

#include <QApplication>
#include <QBoxLayout>
#include <QClipboard>
#include <QInputDialog>
#include <QLocale>
#include <QMenu>
#include <QPainter>
#include <QScrollArea>
#include <QScrollBar>
#include <algorithm>

#include "ui/playbooks.h"
#include "ui/theme/paint.h"
#include "ui/thread/answer_text.h"
#include "ui/thread/citation_preview.h"
#include "ui/widgets/overlay_scroll.h"
#include "ui/widgets/question_button.h"

namespace dossier::ui {
namespace {

/// The dot before the progress text.
class LiveDot : public QWidget {
  public:
    explicit LiveDot(QWidget* parent) : QWidget(parent) {
        onThemeChange(this, [this] { setFixedSize(px(6), px(6)); });
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        QPainter p(this);
        p.setRenderHint(QPainter::Antialiasing);
        p.setPen(Qt::NoPen);
        p.setBrush(tokens().accent);
        p.drawEllipse(QRectF(rect()));
    }
};

} // namespace

ThreadPanel::ThreadPanel(QWidget* parent) : Panel(&Tokens::base, Qt::LeftEdge, parent) {
    setObjectName(QStringLiteral("thread"));
    auto* layout = column();
    buildHead();
    m_scroll = new QScrollArea(this);
    m_scroll->setWidgetResizable(true);
    m_scroll->setFrameShape(QFrame::NoFrame);
    m_scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_scroll->setFocusPolicy(Qt::NoFocus);
    new OverlayScrollBar(m_scroll);
    m_content = new Panel(&Tokens::base, {}, m_scroll);
    m_list = columnLayout(m_content);
    m_content->setMinimumWidth(1); // as wide as the column, never wider: nothing scrolls sideways
    m_suggestions = new QWidget(m_content);
    columnLayout(m_suggestions, 43, 16, 17, 0);
    m_suggestions->hide();
    m_list->addWidget(m_suggestions);
    m_list->addStretch(1);
    m_scroll->setWidget(m_content);
    layout->addWidget(m_scroll, 1);
    connect(m_scroll->verticalScrollBar(), &QScrollBar::valueChanged, this, [this](int value) {
        m_follow = value >= m_scroll->verticalScrollBar()->maximum() - px(24);
    });
    connect(m_scroll->verticalScrollBar(), &QScrollBar::rangeChanged, this,
            [this](int, int maximum) {
                if (m_follow) {
                    m_scroll->verticalScrollBar()->setValue(maximum);
                }
            });
    m_progress = new QWidget(this);
    auto* progress = rowLayout(m_progress, 44, 7, 18, 0, 6);
    progress->addWidget(new LiveDot(m_progress));
    m_progressText = new Label({}, Type::Small, &Tokens::accentT, m_progress);
    m_progressText->setTabular();
    progress->addWidget(m_progressText);
    progress->addStretch(1);
    m_progress->hide();
    layout->addWidget(m_progress);
    m_composer = new Composer(this);
    auto* holder = rowIn(layout);
    scaleLayout(holder, 12, 10, 12, 12, 0);
    holder->addWidget(m_composer);
    connect(m_composer, &Composer::ask, this, &ThreadPanel::ask);
    connect(m_composer, &Composer::sourceMenuRequested, this, &ThreadPanel::sourceMenu);
    connect(m_composer, &Composer::playbookMenuRequested, this, &ThreadPanel::playbookMenu);
    refreshComposer();
}

ThreadPanel::~ThreadPanel() = default;

void ThreadPanel::setSuggestions(const QStringList& questions) {
    qDeleteAll(m_suggestions->findChildren<QWidget*>(QString(), Qt::FindDirectChildrenOnly));
    auto* layout = static_cast<QVBoxLayout*>(m_suggestions->layout());
    while (layout->count() > 0) {
        delete layout->takeAt(0);
    }
    if (!questions.isEmpty()) {
        layout->addWidget(
            new Label(tr("Questions to begin with"), Type::Small, &Tokens::text2, m_suggestions));
        addGap(layout, 8);
    }
    for (const QString& question : questions) {
        auto* button = new QuestionButton(question, m_suggestions);
        connect(button, &QAbstractButton::clicked, this, [this, question] { askText(question); });
        layout->addWidget(button);
        addGap(layout, 7);
    }
    refreshSuggestions();
}

void ThreadPanel::refreshSuggestions() {
    m_suggestions->setVisible(m_session && m_entries.empty() &&
                              m_suggestions->layout()->count() > 0);
}

void ThreadPanel::buildHead() {
    auto* head = new Panel(&Tokens::base, Qt::BottomEdge, this);
    head->setBarHeight(36);
    auto* layout = head->row(12, 0, 6, 1, 2);
    layout->addWidget(new Label(tr("Thread"), Type::Strong, &Tokens::text, head));
    addGap(layout, 4);
    m_threadButton = new Button(QStringLiteral("main"), {}, Button::Flat, head);
    m_threadButton->setHeight(28, Type::Body, 4, 6);
    m_threadButton->setChevron(true);
    m_threadButton->setInk(&Tokens::text);
    m_threadButton->setToolTip(tr("Branches of this thread"));
    connect(m_threadButton, &Button::clicked, this, &ThreadPanel::threadMenu);
    layout->addWidget(m_threadButton);
    m_branches = new Button({}, QStringLiteral("fork"), Button::Flat, head);
    m_branches->setIconName(QStringLiteral("fork"), 15);
    m_branches->setHeight(28, Type::Small, 4, 6);
    connect(m_branches, &Button::clicked, this, &ThreadPanel::threadMenu);
    layout->addWidget(m_branches);
    layout->addStretch(1);
    auto* compare = new IconButton(QStringLiteral("compare"), tr("Compare branches (Ctrl+Alt+B)"),
                                   16, 28, head);
    auto* history =
        new IconButton(QStringLiteral("history"),
                       tr("Find in questions and answers (Ctrl+Shift+H)"), 16, 28, head);
    auto* more = new IconButton(QStringLiteral("more"), tr("More"), 16, 28, head);
    connect(compare, &IconButton::clicked, this, &ThreadPanel::compareRequested);
    connect(history, &IconButton::clicked, this, [this, history] {
        emit searchHistoryRequested(history->mapToGlobal(QPoint(0, history->height())));
    });
    connect(more, &IconButton::clicked, this, [this, more] {
        auto* menu = new QMenu(this);
        menu->setAttribute(Qt::WA_DeleteOnClose);
        menu->addAction(tr("Fold all questions"), this, [this] {
            for (Entry& entry : m_entries) {
                fold(entry);
            }
        });
        menu->addAction(tr("Unfold all questions"), this, [this] {
            for (Entry& entry : m_entries) {
                unfold(entry);
            }
        });
        auto* thinking = menu->addAction(tr("Show thinking"), this, &ThreadPanel::toggleThinking);
        thinking->setCheckable(true);
        thinking->setChecked(m_thinkingOpen);
        menu->addSeparator();
        menu->addAction(tr("Rename this branch…"), this, [this] {
            if (!m_session) {
                return;
            }
            auto* dialog = new QInputDialog(this);
            dialog->setAttribute(Qt::WA_DeleteOnClose);
            dialog->setWindowTitle(tr("Rename this branch"));
            dialog->setLabelText(tr("Name"));
            dialog->setTextValue(m_threadButton->text());
            connect(dialog, &QInputDialog::textValueSelected, this, [this](const QString& name) {
                if (m_session && !name.trimmed().isEmpty()) {
                    m_session->renameThread(m_thread, name.trimmed().toStdString());
                }
            });
            dialog->open();
        });
        menu->popup(more->mapToGlobal(QPoint(0, more->height())));
    });
    for (QWidget* w : std::initializer_list<QWidget*>{compare, history, more}) {
        layout->addWidget(w);
    }
    static_cast<QVBoxLayout*>(this->layout())->addWidget(head);
}

// ---------------------------------------------------------------- session

void ThreadPanel::setSession(app::Session* session) {
    if (m_session) {
        m_session->disconnect(this);
    }
    m_session = session;
    m_thread = {};
    if (session != nullptr) {
        connect(session, &app::Session::questionAdded, this, [this](app::QuestionId id) {
            const app::Question* question = m_session->question(id);
            if (question != nullptr && question->thread == m_thread) {
                for (Entry& other : m_entries) {
                    fold(other);
                }
                m_follow = true;
                addEntry(*question);
                setActive(unfold(m_entries.back()));
                refreshComposer();
            }
        });
        connect(session, &app::Session::answerAdded, this, &ThreadPanel::onAnswerAdded);
        connect(session, &app::Session::answerStreamed, this, &ThreadPanel::onAnswerStreamed);
        connect(session, &app::Session::answerChanged, this, &ThreadPanel::onAnswerChanged);
        connect(session, &app::Session::threadsChanged, this, &ThreadPanel::refreshHead);
        connect(session, &app::Session::contextUseChanged, this, &ThreadPanel::refreshComposer);
        connect(session, &app::Session::levelsChanged, this, &ThreadPanel::refreshComposer);
        if (!session->threads().empty()) {
            m_thread = session->threads().front().id;
        }
        const std::string last = session->setting("thread");
        for (const app::Thread& thread : session->threads()) {
            if (std::to_string(static_cast<long long>(thread.id)) == last) {
                m_thread = thread.id;
            }
        }
    }
    rebuild();
}

void ThreadPanel::setLevel(const std::string& level) {
    m_level = level;
    refreshComposer();
}

void ThreadPanel::rebuild() {
    for (const Entry& entry : m_entries) {
        delete entry.row;
        delete entry.exchange;
    }
    m_entries.clear();
    m_active = nullptr;
    m_follow = true;
    if (m_session) {
        for (const app::Question& question : m_session->questions(m_thread)) {
            addEntry(question);
        }
        if (!m_entries.empty()) {
            setActive(unfold(m_entries.back()));
        }
    }
    refreshHead();
    refreshSuggestions();
    refreshComposer();
    refreshProgress();
    emit activeChanged();
}

void ThreadPanel::showThread(app::ThreadId thread) {
    if (m_session && thread != m_thread) {
        m_thread = thread;
        m_session->setSetting("thread", std::to_string(static_cast<long long>(thread)));
        rebuild();
    }
}

void ThreadPanel::addEntry(const app::Question& question) {
    Entry entry;
    entry.id = question.id;
    entry.row = new QuestionRow(m_content);
    entry.row->setQuestion(
        question, question.answers.empty() ? nullptr : m_session->answer(question.answers.back()));
    connect(entry.row, &QuestionRow::clicked, this, [this, id = question.id] {
        if (Entry* clicked = this->entry(id)) {
            setActive(unfold(*clicked));
            clicked->exchange->text()->setFocus(Qt::OtherFocusReason);
        }
    });
    m_list->insertWidget(m_list->count() - 1, entry.row);
    m_entries.push_back(entry);
    refreshSuggestions();
}

ThreadPanel::Entry* ThreadPanel::entry(app::QuestionId question) {
    const auto it = std::find_if(m_entries.begin(), m_entries.end(),
                                 [=](const Entry& e) { return e.id == question; });
    return it == m_entries.end() ? nullptr : &*it;
}

Exchange* ThreadPanel::exchange(app::QuestionId question) const {
    return const_cast<ThreadPanel*>(this)->entry(question) != nullptr
               ? const_cast<ThreadPanel*>(this)->entry(question)->exchange
               : nullptr;
}

Exchange* ThreadPanel::unfold(Entry& entry) {
    if (entry.exchange == nullptr) {
        const app::Question* question = m_session->question(entry.id);
        ThreadContext context;
        context.source = [this](app::SourceId id) {
            return m_session ? m_session->source(id) : nullptr;
        };
        context.levelTitle = [this](const std::string& level) {
            if (m_session) {
                for (const app::LevelInfo& info : m_session->levels()) {
                    if (info.name == level) {
                        return QString::fromStdString(info.title);
                    }
                }
            }
            return QString::fromStdString(level);
        };
        context.searched = [this] {
            const auto& sources = m_session ? m_session->sources() : std::vector<app::Source>{};
            const auto count = std::count_if(sources.begin(), sources.end(), [](const auto& s) {
                return s.included && s.state == app::SourceState::Ready;
            });
            return tr("%n source(s) searched", nullptr, static_cast<int>(count))
                .replace(QStringLiteral("(s)"), count == 1 ? QString() : QStringLiteral("s"));
        };
        entry.exchange = new Exchange(*question, context, m_content);
        m_list->insertWidget(m_list->indexOf(entry.row) + 1, entry.exchange);
        connectExchange(entry.exchange);
        if (!question->answers.empty()) {
            if (const app::Answer* answer = m_session->answer(question->answers.back())) {
                entry.exchange->setAnswer(*answer);
            }
        }
        entry.exchange->setThinkingOpen(m_thinkingOpen);
    }
    entry.folded = false;
    entry.row->hide();
    entry.exchange->show();
    return entry.exchange;
}

void ThreadPanel::fold(Entry& entry) {
    if (!entry.folded) {
        const app::Question* question = m_session ? m_session->question(entry.id) : nullptr;
        if (question != nullptr) {
            entry.row->setQuestion(*question, &entry.exchange->answer());
        }
        entry.folded = true;
        entry.exchange->hide();
        entry.row->show();
    }
}

void ThreadPanel::connectExchange(Exchange* exchange) {
    connect(exchange, &Exchange::citationOpened, this, [this, exchange](std::uint32_t number) {
        setActive(exchange);
        openCitation(number);
    });
    connect(exchange, &Exchange::placeOpened, this, &ThreadPanel::placeOpened);
    connect(exchange, &Exchange::citationHovered, this,
            [this, exchange](std::uint32_t number, const QRect& chip) {
                showPreview(exchange, number, chip);
            });
    connect(exchange, &Exchange::foldRequested, this, [this, exchange] {
        if (Entry* entry = this->entry(exchange->questionId()); m_entries.size() > 1) {
            fold(*entry);
        }
    });
    connect(exchange, &Exchange::thinkingToggled, this, [this](bool open) {
        m_thinkingOpen = open; // sticky: the next answers keep it
    });
    connect(exchange, &Exchange::grew, this, &ThreadPanel::followEnd);
    connect(exchange, &Exchange::regenerateRequested, this, [this, exchange] {
        setActive(exchange);
        regenerate();
    });
    connect(exchange, &Exchange::retryRequested, this, [this, exchange] {
        setActive(exchange);
        regenerate();
    });
    connect(exchange, &Exchange::forkRequested, this, [this, exchange] {
        if (m_session) {
            showThread(m_session->fork(exchange->questionId(), {}));
            m_composer->edit()->setFocus(Qt::OtherFocusReason);
        }
    });
    connect(exchange, &Exchange::addToReportToggled, this, &ThreadPanel::reportRequested);
    connect(exchange, &Exchange::versionRequested, this,
            [this, exchange](int step) { showVersion(exchange, step); });
    connect(exchange, &Exchange::menuRequested, this,
            [this, exchange](const QPoint& at) { answerMenu(exchange, at); });
    connect(exchange, &Exchange::copyRequested, this, [this, exchange] {
        std::vector<std::pair<std::uint32_t, QString>> places;
        const CitationModel& rows = exchange->list()->rows();
        for (int i = 0; i < rows.rowCount(); ++i) {
            const CitationRow& row = rows.row(i);
            const VerdictLook look = lookOf(row.citation.verdict, row.citation.percent);
            places.emplace_back(
                row.citation.number,
                QStringLiteral("%1, %2 (%3)").arg(row.source, row.place, look.word));
        }
        QApplication::clipboard()->setText(answerForClipboard(exchange->answer(), places));
    });
}

// ---------------------------------------------------------------- answers

void ThreadPanel::onAnswerAdded(app::AnswerId id) {
    const app::Answer* answer = m_session->answer(id);
    if (answer == nullptr) {
        return;
    }
    if (Entry* entry = this->entry(answer->question); entry != nullptr && entry->exchange) {
        if (const app::Question* question = m_session->question(answer->question)) {
            entry->exchange->setQuestion(*question);
        }
        entry->exchange->setAnswer(*answer);
    }
    refreshProgress();
}

void ThreadPanel::onAnswerStreamed(app::AnswerId id, const QString& thinking, const QString& text) {
    for (Entry& entry : m_entries) {
        if (entry.exchange != nullptr && entry.exchange->answer().id == id) {
            entry.exchange->appendStream(thinking, text);
        }
    }
    refreshProgress();
}

void ThreadPanel::onAnswerChanged(app::AnswerId id) {
    const app::Answer* answer = m_session->answer(id);
    if (answer == nullptr) {
        return;
    }
    Entry* entry = this->entry(answer->question);
    if (entry == nullptr) {
        return;
    }
    const app::Question* question = m_session->question(answer->question);
    if (entry->exchange != nullptr && entry->exchange->answer().id == id) {
        const std::uint32_t current = entry->exchange->currentCitation();
        entry->exchange->setAnswer(*answer);
        entry->exchange->setCurrentCitation(current);
    }
    if (question != nullptr) {
        entry->row->setQuestion(*question, answer);
    }
    refreshProgress();
    if (entry->exchange == m_active) {
        emit activeChanged();
    }
}

void ThreadPanel::showVersion(Exchange* exchange, int step) {
    const app::Question* question =
        m_session ? m_session->question(exchange->questionId()) : nullptr;
    if (question == nullptr) {
        return;
    }
    const auto& versions = question->answers;
    auto at = std::find(versions.begin(), versions.end(), exchange->answer().id);
    const auto index = static_cast<long>(at - versions.begin()) + step;
    if (at != versions.end() && index >= 0 && index < static_cast<long>(versions.size())) {
        if (const app::Answer* answer =
                m_session->answer(versions[static_cast<std::size_t>(index)])) {
            exchange->setAnswer(*answer);
            setActive(exchange);
            emit activeChanged();
        }
    }
}

void ThreadPanel::followEnd() {
    if (m_follow) {
        QScrollBar* bar = m_scroll->verticalScrollBar();
        bar->setValue(bar->maximum());
    }
}

// ---------------------------------------------------------------- acting

void ThreadPanel::ask() {
    const QString text = m_composer->text();
    if (!m_session || text.isEmpty()) {
        return;
    }
    app::AskRequest request;
    request.text = text.toStdString();
    request.level = m_level;
    request.thread = m_thread == app::ThreadId{} ? std::nullopt : std::optional(m_thread);
    for (const app::Source& source : m_composer->named()) {
        request.only.push_back(source.id);
    }
    try {
        m_session->ask(request);
        m_composer->clear();
    } catch (const Error& error) {
        emit message(app::failureOf(error), QStringLiteral("ask"));
    }
}

void ThreadPanel::askText(const QString& text) {
    m_composer->setText(text);
    ask();
}

void ThreadPanel::stop() {
    if (m_session) {
        m_session->stopAll();
    }
}

void ThreadPanel::regenerate() {
    Exchange* exchange = active();
    if (!m_session || exchange == nullptr) {
        return;
    }
    try {
        m_session->regenerate(exchange->questionId(), m_level);
    } catch (const Error& error) {
        emit message(app::failureOf(error), QStringLiteral("ask"));
    }
}

Exchange* ThreadPanel::active() const {
    if (m_active) {
        return m_active;
    }
    return m_entries.empty() ? nullptr : m_entries.back().exchange;
}

void ThreadPanel::setActive(Exchange* exchange) {
    if (m_active != exchange) {
        m_active = exchange;
        emit activeChanged();
    }
}

void ThreadPanel::showQuestion(app::QuestionId id) {
    const app::Question* question = m_session ? m_session->question(id) : nullptr;
    if (question == nullptr) {
        return;
    }
    showThread(question->thread);
    if (Entry* found = entry(id)) {
        setActive(unfold(*found));
        m_follow = false;
        QTimer::singleShot(0, this, [this, exchange = QPointer<Exchange>(found->exchange)] {
            if (exchange) {
                m_scroll->verticalScrollBar()->setValue(exchange->y());
            }
        });
    }
}

void ThreadPanel::openCitation(std::uint32_t number) {
    Exchange* exchange = active();
    const app::Citation* citation = exchange != nullptr ? exchange->citation(number) : nullptr;
    if (citation != nullptr) {
        exchange->setCurrentCitation(number);
        emit citationOpened(*citation);
    }
}

void ThreadPanel::stepCitation(int step) {
    if (Exchange* exchange = active()) {
        if (const std::uint32_t number = exchange->stepCitation(step)) {
            openCitation(number);
        }
    }
}

void ThreadPanel::toggleThinking() {
    m_thinkingOpen = !m_thinkingOpen;
    for (const Entry& entry : m_entries) {
        if (entry.exchange != nullptr) {
            entry.exchange->setThinkingOpen(m_thinkingOpen);
        }
    }
}

// ---------------------------------------------------------------- showing

void ThreadPanel::refreshHead() {
    int branches = 0;
    QString name = tr("main");
    if (m_session) {
        branches = static_cast<int>(m_session->threads().size()) - 1;
        for (const app::Thread& thread : m_session->threads()) {
            if (thread.id == m_thread) {
                name = QString::fromStdString(thread.name);
            }
        }
    }
    m_threadButton->setText(name);
    m_threadButton->updateGeometry();
    m_branches->setText(branches <= 0   ? tr("no branches")
                        : branches == 1 ? tr("1 branch")
                                        : tr("%1 branches").arg(branches));
    m_branches->setAccessibleName(m_branches->text());
    m_branches->updateGeometry();
}

void ThreadPanel::refreshComposer() {
    if (!m_session) {
        m_composer->setPlaceholder(tr("Open a dossier to ask"));
        m_composer->setCanAsk(false, tr("No dossier is open"));
        m_composer->setPrice({});
        m_composer->setNote({});
        return;
    }
    const app::ContextUse use = m_session->contextUse();
    m_composer->setPlaceholder(
        use.documentTokens > 0
            ? tr("Ask about %1%2 tokens…")
                  .arg(use.exact ? QString() : QStringLiteral("≥ "),
                       QLocale().toString(static_cast<qulonglong>(use.documentTokens)))
            : tr("Add sources, then ask"));
    m_composer->setNote(QString::fromStdString(use.note));
    m_composer->setPrice(QString::fromStdString(m_session->costText(m_level)));
    m_composer->setCanAsk(true);
    QStringList history;
    for (const app::Question& question : m_session->questions(m_thread)) {
        history << QString::fromStdString(question.text);
    }
    m_composer->edit()->setHistory(history);
}

void ThreadPanel::refreshProgress() {
    QString text;
    for (const Entry& entry : m_entries) {
        if (entry.exchange != nullptr && entry.exchange->hasAnswer() &&
            !isFinal(entry.exchange->answer().state)) {
            const app::Answer* now =
                m_session ? m_session->answer(entry.exchange->answer().id) : nullptr;
            text = progressText(now != nullptr ? *now : entry.exchange->answer());
        }
    }
    m_progressText->setText(text);
    m_progress->setVisible(!text.isEmpty());
}

void ThreadPanel::showPreview(Exchange* exchange, std::uint32_t number, const QRect& chip) {
    if (m_preview) {
        m_preview->close();
    }
    const app::Citation* citation = exchange->citation(number);
    if (number == 0 || citation == nullptr || !m_session) {
        return;
    }
    const app::Source* source =
        citation->place ? m_session->source(citation->place->source) : nullptr;
    const CitationRow row = rowOf(*citation, source, {});
    const auto present = [this, chip, row](const Surroundings& around) {
        m_preview = new CitationPreview(row, around.before, around.passage, around.after, window());
        m_preview->showAt(chip.bottomLeft() + QPoint(-px(140), px(6)), chip);
    };
    if (source == nullptr) {
        present({});
        return;
    }
    m_session->withDocument(source->id, exchange,
                            [present, range = citation->place->range,
                             exchange](app::DocumentPtr document, std::optional<app::Failure>) {
                                if (document && exchange->text()->underMouse()) {
                                    present(surroundingsOf(*document, range));
                                }
                            });
}

// ---------------------------------------------------------------- menus

void ThreadPanel::threadMenu() {
    if (!m_session) {
        return;
    }
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    for (const app::Thread& thread : m_session->threads()) {
        QString text = QString::fromStdString(thread.name);
        if (thread.forkedAfter) {
            if (const app::Question* from = m_session->question(*thread.forkedAfter)) {
                text += tr("   forked after question %1").arg(from->number);
            }
        }
        auto* action = menu->addAction(text, this, [this, id = thread.id] { showThread(id); });
        action->setCheckable(true);
        action->setChecked(thread.id == m_thread);
    }
    menu->popup(m_threadButton->mapToGlobal(QPoint(0, m_threadButton->height())));
}

void ThreadPanel::sourceMenu(const QPoint& at) {
    if (!m_session) {
        return;
    }
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    int shown = 0;
    for (const app::Source& source : m_session->sources()) {
        if (source.state != app::SourceState::Ready || !source.included || ++shown > 40) {
            continue;
        }
        menu->addAction(QString::fromStdString(source.path()), this, [this, id = source.id] {
            if (const app::Source* chosen = m_session ? m_session->source(id) : nullptr) {
                m_composer->addNamed(*chosen);
            }
        });
    }
    if (shown == 0) {
        menu->addAction(tr("No source is ready"))->setEnabled(false);
    } else if (shown > 40) {
        menu->addAction(tr("%1 more: use the check boxes of the tree").arg(shown - 40))
            ->setEnabled(false);
    }
    menu->popup(at - QPoint(0, menu->sizeHint().height()));
}

void ThreadPanel::playbookMenu(const QPoint& at) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    for (const Playbook& playbook : playbooks()) {
        QMenu* part = menu->addMenu(playbook.title);
        for (const PlaybookQuestion& question : playbook.questions) {
            part->addAction(question.label, this,
                            [this, text = question.text] { m_composer->setText(text); });
        }
    }
    menu->popup(at - QPoint(0, menu->sizeHint().height()));
}

void ThreadPanel::answerMenu(Exchange* exchange, const QPoint& at) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addAction(tr("Ask this again, edited"), this, [this, exchange] {
        m_composer->setText(QString::fromStdString(exchange->question().text));
    });
    menu->addAction(tr("Copy the question"), this, [exchange] {
        QApplication::clipboard()->setText(QString::fromStdString(exchange->question().text));
    });
    if (!exchange->answer().thinking.empty()) {
        menu->addAction(tr("Copy the thinking"), this, [exchange] {
            QApplication::clipboard()->setText(QString::fromStdString(exchange->answer().thinking));
        });
    }
    menu->addSeparator();
    const app::Answer& answer = exchange->answer();
    QString facts = QString::fromStdString(answer.model);
    if (answer.seconds > 0) {
        facts += tr(" · %1 s").arg(QLocale().toString(answer.seconds, 'f', 1));
    }
    if (answer.promptTokens > 0) {
        facts += tr(" · read %1 tokens, wrote %2")
                     .arg(QLocale().toString(static_cast<qulonglong>(answer.promptTokens)),
                          QLocale().toString(static_cast<qulonglong>(answer.answerTokens)));
    }
    menu->addAction(facts)->setEnabled(false);
    menu->popup(at);
}

} // namespace dossier::ui
