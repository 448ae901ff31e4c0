// SPDX-License-Identifier: GPL-3.0-or-later
// The thread column.
#include "ui/thread/thread_panel.h"

#include <QBoxLayout>
#include <QLocale>
#include <QPainter>
#include <QScrollArea>
#include <QScrollBar>
#include <algorithm>

#include "ui/theme/paint.h"
#include "ui/thread/answer_text.h"
#include "ui/thread/citation_preview.h"
#include "ui/widgets/basics.h"
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
    // A widget around it: the margins of a layout would stay when there is nothing to say.
    m_originRow = new QWidget(m_content);
    m_origin = new WrapLabel({}, Type::Small, &Tokens::text2, 17, m_originRow);
    rowLayout(m_originRow, 17, 12, 17, 4)->addWidget(m_origin);
    m_originRow->hide();
    m_list->addWidget(m_originRow);
    m_suggestions = new QWidget(m_content);
    columnLayout(m_suggestions, 43, 16, 17, 0);
    m_suggestions->hide();
    m_list->addWidget(m_suggestions);
    m_list->addStretch(1);
    m_scroll->setWidget(m_content);
    layout->addWidget(m_scroll, 1);
    connect(m_scroll->verticalScrollBar(), &QScrollBar::valueChanged, this,
            [this](int value) { m_follow = value >= followedPlace() - px(24); });
    connect(m_scroll->verticalScrollBar(), &QScrollBar::rangeChanged, this,
            &ThreadPanel::followEnd);
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
    connect(more, &IconButton::clicked, this,
            [this, more] { moreMenu(more->mapToGlobal(QPoint(0, more->height()))); });
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
        connect(session, &app::Session::sourcesChanged, this, &ThreadPanel::refreshOrigin);
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
    m_active = nullptr;
    for (const Entry& entry : std::exchange(m_entries, {})) { // nobody looks at them meanwhile
        delete entry.row;
        delete entry.exchange;
    }
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
    refreshOrigin();
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

void ThreadPanel::followEnd() {
    if (m_follow) {
        m_scroll->verticalScrollBar()->setValue(followedPlace());
    }
}

int ThreadPanel::followedPlace() const {
    const int end = m_scroll->verticalScrollBar()->maximum();
    const Exchange* last = m_entries.empty() ? nullptr : m_entries.back().exchange;
    if (last == nullptr || !last->isVisible() || !last->text()->isVisible()) {
        return end;
    }
    const AnswerText* text = last->text();
    const int textEnd = text->mapTo(m_content, QPoint(0, text->height())).y() + px(16);
    return std::min(end, std::max(last->y(), textEnd - m_scroll->viewport()->height()));
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

void ThreadPanel::forkHere() {
    const Exchange* exchange = active();
    if (m_session && exchange != nullptr) {
        showThread(m_session->fork(exchange->questionId(), {}));
        m_composer->edit()->setFocus(Qt::OtherFocusReason);
    }
}

QString ThreadPanel::forkPrice() const {
    const Exchange* exchange = active();
    return m_session && exchange != nullptr
               ? QString::fromStdString(m_session->forkPrice(exchange->questionId()))
               : QString();
}

void ThreadPanel::forkBehind(app::SourceId document) {
    if (!m_session) {
        return;
    }
    try {
        showThread(m_session->fork(document, m_level, {}));
        m_composer->edit()->setFocus(Qt::OtherFocusReason);
    } catch (const Error& error) {
        emit message(app::failureOf(error), QStringLiteral("fork"));
    }
}

QString ThreadPanel::forkPrice(app::SourceId document) const {
    const auto price = m_session ? m_session->forkPrice(document, m_level) : std::nullopt;
    return price ? QString::fromStdString(price->text()) : QString();
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
    const QString words = branches <= 0   ? tr("no branches")
                          : branches == 1 ? tr("1 branch")
                                          : tr("%1 branches").arg(branches);
    m_branches->setText(width() < px(340) ? QString::number(std::max(0, branches)) : words);
    m_branches->setAccessibleName(words);
    m_branches->setToolTip(words);
    m_branches->updateGeometry();
}

void ThreadPanel::resizeEvent(QResizeEvent* event) {
    Panel::resizeEvent(event);
    refreshHead();
}

void ThreadPanel::refreshComposer() {
    if (!m_session) {
        m_composer->setPlaceholder(tr("Open a dossier to ask"));
        m_composer->setCanAsk(false, tr("No dossier is open"));
        m_composer->setPrice({});
        m_composer->setNote({});
        return;
    }
    app::ContextUse use = m_session->contextUse();
    if (!m_session->branchOrigin(m_thread).empty()) { // it sees the first documents alone
        use.documentTokens = 0;
        use.exact = true;
        for (const app::SourceId id : m_session->documentsOf(m_thread)) {
            const auto tokens = m_session->source(id)->tokens;
            use.documentTokens += tokens.value_or(0);
            use.exact = use.exact && tokens.has_value();
        }
    }
    m_composer->setPlaceholder(
        use.documentTokens > 0
            ? tr("Ask about %1%2 tokens…")
                  .arg(use.exact ? QString() : QStringLiteral("≥ "), number(use.documentTokens))
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

} // namespace dossier::ui
