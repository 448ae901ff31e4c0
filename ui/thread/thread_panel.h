// SPDX-License-Identifier: GPL-3.0-or-later
// The right column: questions and streaming answers of one thread, and the composer.
#pragma once

#include <QPointer>
#include <QTimer>
#include <memory>
#include <vector>

#include "app/session.h"
#include "ui/thread/composer.h"
#include "ui/thread/exchange.h"
#include "ui/widgets/basics.h"

class QScrollArea;

namespace dossier::ui {

class CitationPreview;

class ThreadPanel : public Panel {
    Q_OBJECT

  public:
    explicit ThreadPanel(QWidget* parent = nullptr);
    ~ThreadPanel() override;

    /// Null closes the thread. The session outlives the panel or is taken away first.
    void setSession(app::Session* session);
    /// Level for the next question (from the depth button).
    void setLevel(const std::string& level);
    const std::string& level() const { return m_level; }

    /// Prepared questions, offered while nothing has been asked.
    void setSuggestions(const QStringList& questions);

    void ask(); ///< what the composer holds
    void askText(const QString& text);
    void stop();
    void regenerate();
    void forkHere();           ///< a branch behind the active exchange, shown at once
    QString forkPrice() const; ///< what that would read again; empty without a model
    /// A branch that begins behind a document, shown at once.
    void forkBehind(app::SourceId document);
    QString forkPrice(app::SourceId document) const; ///< empty: there can be none now
    void showThread(app::ThreadId thread);
    app::ThreadId thread() const { return m_thread; }
    void showQuestion(app::QuestionId question);

    Composer* composer() const { return m_composer; }
    /// The exchange whose citations the viewers show: the one last touched, else the last.
    Exchange* active() const;
    Exchange* exchange(app::QuestionId question) const;
    int questionCount() const { return static_cast<int>(m_entries.size()); }
    void openCitation(std::uint32_t number); ///< of the active exchange, as a click does
    void stepCitation(int step);             ///< F8, Shift+F8
    void toggleThinking();

  signals:
    /// A citation of the active exchange was chosen.
    void citationOpened(const dossier::app::Citation& citation);
    void placeOpened(const dossier::app::Place& place, const QString& quote);
    void activeChanged(); ///< other citations are to be shown
    void reportRequested();
    void searchHistoryRequested(const QPoint& globalPos);
    void compareRequested();
    void closeRequested();
    void message(const dossier::app::Failure& failure, const QString& cause);

  protected:
    void resizeEvent(QResizeEvent*) override;

  private:
    struct Entry {
        app::QuestionId id{};
        QuestionRow* row = nullptr;
        Exchange* exchange = nullptr; ///< made when first unfolded
        bool folded = true;
    };

    void buildHead();
    void rebuild();
    void addEntry(const app::Question& question);
    Entry* entry(app::QuestionId question);
    Exchange* unfold(Entry& entry);
    void fold(Entry& entry);
    void onAnswerAdded(app::AnswerId id);
    void onAnswerStreamed(app::AnswerId id, const QString& thinking, const QString& text);
    void onAnswerChanged(app::AnswerId id);
    void connectExchange(Exchange* exchange);
    void showVersion(Exchange* exchange, int step);
    void refreshHead();
    void refreshSuggestions();
    void refreshOrigin();
    void refreshComposer();
    void refreshProgress();
    void moreMenu(const QPoint& at);
    void threadMenu();
    void sourceMenu(const QPoint& at);
    void playbookMenu(const QPoint& at);
    void answerMenu(Exchange* exchange, const QPoint& at);
    void showPreview(Exchange* exchange, std::uint32_t number, const QRect& chip);
    void followEnd();
    /// Where the end of the last answer's text is seen. What comes below it, quotations and what a
    /// search finds, does not push the beginning of a short answer out of sight.
    int followedPlace() const;
    void setActive(Exchange* exchange);

    QPointer<app::Session> m_session;
    app::ThreadId m_thread{};
    std::string m_level;
    std::vector<Entry> m_entries;
    QPointer<Exchange> m_active;
    QPointer<CitationPreview> m_preview;
    bool m_thinkingOpen = false, m_follow = true;

    Button* m_threadButton = nullptr;
    Button* m_branches = nullptr;
    QScrollArea* m_scroll = nullptr;
    QWidget* m_content = nullptr;
    QVBoxLayout* m_list = nullptr;
    QWidget* m_originRow = nullptr;
    WrapLabel* m_origin = nullptr; ///< where a branch behind a document begins
    QWidget* m_suggestions = nullptr;
    QWidget* m_progress = nullptr;
    Label* m_progressText = nullptr;
    Composer* m_composer = nullptr;
};

} // namespace dossier::ui
