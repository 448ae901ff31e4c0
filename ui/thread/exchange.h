// SPDX-License-Identifier: GPL-3.0-or-later
// One question and its answer: the band, the collapsed thinking, the text, the quotations, what can
// be done with it. Questions that are folded are a QuestionRow of one line.
#pragma once

#include <QWidget>
#include <functional>
#include <optional>

#include "app/model_types.h"
#include "ui/thread/citation_list.h"
#include "ui/widgets/basics.h"

class QPlainTextEdit;

namespace dossier::ui {

class AnswerText;

/// "Thinking… 12 s · 640 tokens"; click shows the text below it.
class ThinkingRow : public QAbstractButton {
    Q_OBJECT

  public:
    explicit ThinkingRow(QWidget* parent = nullptr);
    void setTexts(const QString& main, const QString& quiet);
    QSize sizeHint() const override;

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    QString m_main, m_quiet;
};

/// What a widget of the thread needs to know about the dossier to name things.
struct ThreadContext {
    std::function<const app::Source*(app::SourceId)> source;
    std::function<QString(const app::Answer&)> levelTitle;
    std::function<QString()> searched;                 ///< "16 sources searched"
    std::function<QString(app::QuestionId)> forkPrice; ///< of a branch behind it; may be empty
};

/// A folded question: number, text, how many of its quotations were verified.
class QuestionRow : public QAbstractButton {
    Q_OBJECT

  public:
    explicit QuestionRow(QWidget* parent = nullptr);
    void setQuestion(const app::Question& question, const app::Answer* answer);

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    QString m_number, m_question;
    int m_verified = 0;
    bool m_notFound = false;
};

class Exchange : public QWidget {
    Q_OBJECT

  public:
    Exchange(const app::Question& question, ThreadContext context, QWidget* parent = nullptr);

    app::QuestionId questionId() const { return m_question.id; }
    const app::Question& question() const { return m_question; }
    void setQuestion(const app::Question& question);
    /// The version shown now; a copy, since answers in the session move.
    void setAnswer(const app::Answer& answer);
    void appendStream(const QString& thinking, const QString& text);
    const app::Answer& answer() const { return m_answer; }
    bool hasAnswer() const { return m_answer.id != app::AnswerId{}; }

    void setThinkingOpen(bool open);

    void setCurrentCitation(std::uint32_t number);
    std::uint32_t currentCitation() const { return m_current; }
    /// Next (+1) or previous (-1) citation with a place; 0 at the ends.
    std::uint32_t stepCitation(int step) const;
    const app::Citation* citation(std::uint32_t number) const;

    AnswerText* text() const { return m_text; }
    CitationList* list() const { return m_list; }
    QWidget* counts() const { return m_counts; } ///< of the verdicts, below the text
    QWidget* band() const { return m_band; }

  signals:
    void citationOpened(std::uint32_t number);
    void placeOpened(const dossier::app::Place& place, const QString& quote);
    void citationHovered(std::uint32_t number, const QRect& globalRect);
    void foldRequested();
    void thinkingToggled(bool open);
    void regenerateRequested();
    void forkRequested();
    void addToReportToggled(bool on);
    void copyRequested();
    void menuRequested(const QPoint& globalPos);
    void versionRequested(int step);
    void retryRequested();
    void grew(); ///< taller than before

  protected:
    void paintEvent(QPaintEvent*) override;
    void resizeEvent(QResizeEvent*) override;
    bool eventFilter(QObject*, QEvent*) override;

  private:
    void buildBand();
    void buildAnswer();
    void refresh();
    void refreshThinking();
    void refreshCitations();
    void refreshNearest();
    void refreshFooter();
    void fitQuestion();
    void fitActions();
    void sayForkPrice();

    app::Question m_question;
    app::Answer m_answer;
    ThreadContext m_context;
    bool m_thinkingOpen = false;
    std::uint32_t m_current = 0;

    Panel* m_band = nullptr;
    Label* m_number = nullptr;
    WrapLabel* m_questionText = nullptr;
    Button* m_wholeQuestion = nullptr; ///< for one of many lines
    QWidget* m_body = nullptr;
    ThinkingRow* m_thinking = nullptr;
    QPlainTextEdit* m_thinkingText = nullptr;
    AnswerText* m_text = nullptr;
    Label* m_verdictLine = nullptr;
    QWidget* m_counts = nullptr;
    CitationList* m_list = nullptr;
    Label* m_nearestTitle = nullptr;
    CitationList* m_nearest = nullptr;
    Label* m_resultsTitle = nullptr;
    CitationList* m_results = nullptr;
    QWidget* m_failure = nullptr;
    Label* m_failureText = nullptr;
    QWidget* m_actions = nullptr;
    Button *m_regenerate = nullptr, *m_fork = nullptr, *m_toReport = nullptr;
    Label* m_version = nullptr;
    IconButton* m_older = nullptr;
    IconButton* m_newer = nullptr;
};

/// Row above the composer and state text of an answer: "Answering · 214 tokens · 12.1 tok/s".
QString progressText(const app::Answer& answer);

} // namespace dossier::ui
