// SPDX-License-Identifier: GPL-3.0-or-later
// One question and its answer.
#include "ui/thread/exchange.h"

#include <QAbstractTextDocumentLayout>
#include <QBoxLayout>
#include <QLocale>
#include <QMouseEvent>
#include <QPainter>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <algorithm>
#include <array>
#include <cmath>

#include "ui/theme/icons.h"
#include "ui/theme/paint.h"
#include "ui/thread/answer_text.h"
#include "ui/widgets/basics.h"

namespace dossier::ui {
namespace {

/// The counts of verdicts: "4 verified", "1 after normalisation", ...
class Counts : public QWidget {
  public:
    explicit Counts(QWidget* parent) : QWidget(parent) {
        onThemeChange(this, [this] { setFixedHeight(px(31)); });
    }

    void setCitations(const std::vector<app::Citation>& citations) {
        m_counts = {};
        for (const app::Citation& citation : citations) {
            ++m_counts[static_cast<std::size_t>(citation.verdict)];
        }
        m_total = static_cast<int>(citations.size());
        QStringList words{title()};
        for (std::size_t i = 0; i < m_counts.size(); ++i) {
            if (m_counts[i] > 0) {
                words << word(i);
            }
        }
        setAccessibleName(words.join(QStringLiteral(", ")));
        setToolTip(
            Exchange::tr("Every quotation was compared with the sources, without the model."));
        update();
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        QPainter p(this);
        p.fillRect(0, 0, width(), 1, tokens().line);
        p.fillRect(0, height() - 1, width(), 1, tokens().line);
        double x = 0;
        const QRectF row(0, 1, width(), height() - 2);
        drawText(p, row, title(), fontOf(Type::SmallMedium), tokens().text);
        x += QFontMetricsF(fontOf(Type::SmallMedium)).horizontalAdvance(title()) + pxF(10);
        for (std::size_t i = 0; i < m_counts.size(); ++i) {
            if (m_counts[i] == 0) {
                continue;
            }
            VerdictLook look = lookOf(static_cast<app::Verdict>(i));
            look.word = word(i);
            const double wide = verdictWordWidth(look, false);
            paintVerdictWord(p, QRectF(x, row.y(), wide, row.height()), look, false);
            x += wide + pxF(10);
        }
    }

  private:
    QString title() const {
        return Exchange::tr("%n quotation(s)", nullptr, m_total)
            .replace(QStringLiteral("(s)"), m_total == 1 ? QString() : QStringLiteral("s"));
    }

    QString word(std::size_t verdict) const {
        const int n = m_counts[verdict];
        switch (static_cast<app::Verdict>(verdict)) {
        case app::Verdict::Verified:
            return Exchange::tr("%1 verified").arg(n);
        case app::Verdict::VerifiedNormalised:
            // Narrow columns take the short word.
            return width() < px(340) ? Exchange::tr("%1 normalised").arg(n)
                                     : Exchange::tr("%1 after normalisation").arg(n);
        case app::Verdict::Partial:
            return Exchange::tr("%1 partial").arg(n);
        case app::Verdict::OtherDocument:
            return Exchange::tr("%1 elsewhere").arg(n);
        case app::Verdict::NotFound:
            break;
        }
        return Exchange::tr("%1 not found").arg(n);
    }

    std::array<int, 5> m_counts{};
    int m_total = 0;
};

QString seconds(double value) {
    return value < 90 ? Exchange::tr("%1 s").arg(std::max(1, static_cast<int>(std::lround(value))))
                      : Exchange::tr("%1 min").arg(static_cast<int>(std::lround(value / 60)));
}

} // namespace

QString progressText(const app::Answer& answer) {
    QStringList parts;
    switch (answer.state) {
    case app::AnswerState::Waiting:
        return Exchange::tr("Waiting for the model");
    case app::AnswerState::Searching:
        return Exchange::tr("Choosing passages");
    case app::AnswerState::Reading:
        parts << Exchange::tr("Reading");
        if (answer.progress.total > 0) {
            parts << Exchange::tr("%1 of %2 tokens")
                         .arg(number(answer.progress.done), number(answer.progress.total));
        }
        if (answer.progress.perSecond > 0) {
            parts << Exchange::tr("%1 tok/s")
                         .arg(QLocale().toString(answer.progress.perSecond, 'f',
                                                 answer.progress.perSecond < 100));
        }
        return parts.join(QStringLiteral(" · "));
    case app::AnswerState::Thinking:
        parts << Exchange::tr("Thinking")
              << Exchange::tr("%1 tokens").arg(number(answer.thinkingTokens));
        break;
    case app::AnswerState::Writing:
        parts << Exchange::tr("Answering");
        if (answer.answerTokens > 0) { // a chosen sentence is not written token by token
            parts << Exchange::tr("%1 tokens").arg(number(answer.answerTokens));
        }
        break;
    case app::AnswerState::Checking:
        return Exchange::tr("Checking the quotations");
    default:
        return {};
    }
    if (answer.tokensPerSecond > 0) {
        parts << Exchange::tr("%1 tok/s").arg(QLocale().toString(answer.tokensPerSecond, 'f', 1));
    }
    return parts.join(QStringLiteral(" · "));
}

// ---------------------------------------------------------------- folded

QuestionRow::QuestionRow(QWidget* parent) : QAbstractButton(parent) {
    setFocusPolicy(Qt::StrongFocus);
    setProperty("ownFocus", true); // the rows around it cover a ring
    onThemeChange(this, [this] { setFixedHeight(px(29)); });
}

void QuestionRow::setQuestion(const app::Question& question, const app::Answer* answer) {
    m_number = QString::number(question.number);
    m_question = QString::fromStdString(question.text).simplified();
    m_verified = 0;
    m_notFound = answer != nullptr && answer->state == app::AnswerState::NotFound;
    if (answer != nullptr) {
        m_verified = static_cast<int>(std::count_if(
            answer->citations.begin(), answer->citations.end(), [](const app::Citation& c) {
                return c.verdict == app::Verdict::Verified ||
                       c.verdict == app::Verdict::VerifiedNormalised;
            }));
    }
    setAccessibleName(tr("Question %1: %2, %3 verified quotations. Unfold")
                          .arg(m_number, m_question)
                          .arg(m_verified));
    setToolTip(m_question);
    update();
}

void QuestionRow::paintEvent(QPaintEvent*) {
    QPainter p(this);
    const Tokens& t = tokens();
    p.fillRect(rect(), underMouse() ? t.hover : t.base);
    const QFont small = fontOf(Type::Small);
    drawNumber(p, QRectF(pxF(16), 0, pxF(16), height()), m_number, small, t.text3);
    double right = width() - pxF(18);
    const auto glyph = [&](const QString& name, const QColor& color) {
        paintIcon(p, name, QRectF(right - pxF(13), (height() - pxF(13)) / 2, pxF(13), pxF(13)),
                  color);
        right -= pxF(25);
    };
    if (m_verified > 0) {
        const QString count = QString::number(m_verified);
        const double wide = tabularWidth(QFontMetricsF(small), count);
        drawNumber(p, QRectF(right - wide, 0, wide, height()), count, small, t.ok);
        right -= wide + pxF(4);
        glyph(QStringLiteral("verified"), t.ok);
    } else if (m_notFound) {
        glyph(QStringLiteral("not-found"), t.neutral);
    }
    drawElided(p, QRectF(pxF(44), 0, right - pxF(44), height()), m_question, small, t.text2,
               Qt::ElideRight);
    if (hasFocus()) {
        paintRowFocus(p, rect());
    }
}

// ---------------------------------------------------------------- thinking

ThinkingRow::ThinkingRow(QWidget* parent) : QAbstractButton(parent) {
    setCheckable(true);
    setFocusPolicy(Qt::StrongFocus);
    onThemeChange(this, [this] { setFixedHeight(px(22)); });
}

void ThinkingRow::setTexts(const QString& main, const QString& quiet) {
    m_main = main;
    m_quiet = quiet;
    setAccessibleName(main + QStringLiteral(", ") + quiet);
    updateGeometry();
    update();
}

QSize ThinkingRow::sizeHint() const {
    return {px(240), px(22)};
}

void ThinkingRow::paintEvent(QPaintEvent*) {
    QPainter p(this);
    const Tokens& t = tokens();
    const QColor ink = underMouse() ? t.text : t.text2;
    paintIcon(p, isChecked() ? QStringLiteral("chevron-down") : QStringLiteral("chevron-right"),
              QRectF(0, (height() - pxF(12)) / 2, pxF(12), pxF(12)), ink, 2);
    paintIcon(p, QStringLiteral("thinking"),
              QRectF(pxF(18), (height() - pxF(15)) / 2, pxF(15), pxF(15)), ink);
    double x = pxF(39);
    drawNumber(p, QRectF(x, 0, width() - x, height()), m_main, fontOf(Type::Small), ink,
               Qt::AlignLeft);
    x += tabularWidth(QFontMetricsF(fontOf(Type::Small)), m_main) + pxF(6);
    if (!m_quiet.isEmpty()) {
        drawElided(p, QRectF(x, 0, width() - x, height()), QStringLiteral("· ") + m_quiet,
                   fontOf(Type::Small), t.text3, Qt::ElideRight);
    }
}

// ---------------------------------------------------------------- exchange

Exchange::Exchange(const app::Question& question, ThreadContext context, QWidget* parent)
    : QWidget(parent), m_question(question), m_context(std::move(context)) {
    auto* layout = columnLayout(this);
    buildBand();
    buildAnswer();
    layout->addWidget(m_band);
    layout->addWidget(m_body);
    setQuestion(question);
    onThemeChange(this, [this] { refresh(); });
}

void Exchange::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    fitQuestion();
    fitActions();
}

void Exchange::fitActions() {
    // In a narrow column the words of the actions shrink, then go, before anything is cut off.
    const QString whole[] = {tr("Regenerate"), tr("Fork here"), tr("Add to report")};
    const QString brief[] = {tr("Regenerate"), tr("Fork"), tr("Report")};
    Button* const buttons[] = {m_regenerate, m_fork, m_toReport};
    const int room = width() - px(37) - px(18);
    for (const QString* words : {whole, brief, static_cast<const QString*>(nullptr)}) {
        for (std::size_t i = 0; i < std::size(buttons); ++i) {
            buttons[i]->setText(words != nullptr ? words[i] : QString());
            buttons[i]->setAccessibleName(whole[i]);
            buttons[i]->updateGeometry();
        }
        if (m_actions->layout()->minimumSize().width() <= room) {
            return;
        }
    }
}

void Exchange::paintEvent(QPaintEvent*) {
    QPainter(this).fillRect(rect(), tokens().base);
}

bool Exchange::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_band && event->type() == QEvent::MouseButtonRelease &&
        static_cast<QMouseEvent*>(event)->button() == Qt::LeftButton) {
        emit foldRequested();
    } else if (watched == m_fork &&
               (event->type() == QEvent::ToolTip || event->type() == QEvent::FocusIn)) {
        sayForkPrice(); // counted when somebody looks: the conversation grows
    }
    return QWidget::eventFilter(watched, event);
}

void Exchange::buildBand() {
    m_band = new Panel(&Tokens::band, Qt::TopEdge | Qt::BottomEdge, this);
    m_band->installEventFilter(this);
    auto* layout = m_band->row(16, 11, 18, 11, 12);
    m_number = new Label({}, Type::Small, &Tokens::text3, m_band);
    m_number->setTabular();
    m_number->setAlignment(Qt::AlignRight);
    m_number->setLineHeight(20);
    onThemeChange(m_number, [this] { m_number->setFixedWidth(px(16)); });
    m_questionText = new WrapLabel({}, Type::Question, &Tokens::text, 20, m_band);
    layout->addWidget(m_number, 0, Qt::AlignTop);
    auto* words = columnIn(layout, 4);
    words->addWidget(m_questionText);
    m_wholeQuestion = new Button({}, {}, Button::Flat, m_band);
    m_wholeQuestion->setHeight(22, Type::Small, 6, 5);
    m_wholeQuestion->setCheckable(true);
    connect(m_wholeQuestion, &Button::clicked, this, &Exchange::fitQuestion);
    words->addWidget(m_wholeQuestion, 0, Qt::AlignLeft);
    layout->setStretch(1, 1);
}

void Exchange::fitQuestion() {
    // A question of a page would push its answer out of sight.
    constexpr int kMostLines = 6;
    const int room = width() - px(16) - px(16) - px(12) - px(18);
    const bool longer = m_questionText->lineCount(room) > kMostLines;
    const bool whole = longer && m_wholeQuestion->isChecked();
    m_wholeQuestion->setVisible(longer);
    m_wholeQuestion->setText(whole ? tr("Show less") : tr("Show all"));
    m_wholeQuestion->updateGeometry();
    m_questionText->setMostLines(whole ? 0 : kMostLines);
}

void Exchange::buildAnswer() {
    m_body = new QWidget(this);
    auto* layout = columnLayout(m_body, 0, 9, 0, 0, 0);
    // Rows begin at 44 px and end 18 px before the edge; some reach further out.
    const auto place = [&](QWidget* widget, double left, double right) {
        auto* row = rowIn(layout);
        scaleLayout(row, left, 0, right, 0, 0);
        row->addWidget(widget);
    };
    m_thinking = new ThinkingRow(m_body);
    connect(m_thinking, &QAbstractButton::clicked, this, [this](bool open) {
        setThinkingOpen(open);
        emit thinkingToggled(open);
    });
    place(m_thinking, 38, 18);
    addGap(layout, 4);
    m_thinkingText = new QPlainTextEdit(m_body);
    m_thinkingText->setReadOnly(true);
    m_thinkingText->setProperty("boxed", true);
    m_thinkingText->setAccessibleName(tr("Thinking"));
    m_thinkingText->hide();
    onThemeChange(m_thinkingText, [this] {
        m_thinkingText->setFont(fontOf(Type::Small));
        m_thinkingText->setFixedHeight(px(168));
    });
    place(m_thinkingText, 44, 18);
    m_text = new AnswerText(m_body);
    connect(m_text, &AnswerText::chipClicked, this, &Exchange::citationOpened);
    connect(m_text, &AnswerText::chipHovered, this, &Exchange::citationHovered);
    place(m_text, 44, 18);
    m_verdictLine = new Label({}, Type::Small, &Tokens::text2, m_body);
    m_verdictLine->setWordWrap(true);
    place(m_verdictLine, 44, 18);

    m_failure = new QWidget(m_body);
    auto* failure = rowLayout(m_failure, 0, 4, 0, 8, 6);
    failure->addWidget(new IconLabel(QStringLiteral("error"), 15, &Tokens::err, m_failure), 0,
                       Qt::AlignTop);
    m_failureText = new Label({}, Type::Small, &Tokens::text, m_failure);
    m_failureText->setWordWrap(true);
    failure->addWidget(m_failureText, 1);
    auto* again = new Button(tr("Ask again"), {}, Button::Normal, m_failure);
    again->setHeight(22, Type::Small, 8, 5);
    connect(again, &Button::clicked, this, &Exchange::retryRequested);
    failure->addWidget(again, 0, Qt::AlignTop);
    place(m_failure, 44, 18);

    addGap(layout, 4);
    m_counts = new Counts(m_body);
    place(m_counts, 44, 18);
    m_list = new CitationList(m_body);
    connect(m_list, &CitationList::opened, this, &Exchange::citationOpened);
    place(m_list, 34, 8);

    m_nearestTitle = new Label(tr("The nearest place, not an answer"), Type::SmallMedium,
                               &Tokens::text2, m_body);
    m_nearestTitle->setLineHeight(28);
    place(m_nearestTitle, 44, 18);
    m_nearest = new CitationList(m_body);
    m_nearest->setAccessibleName(m_nearestTitle->text());
    connect(m_nearest, &CitationList::passageOpened, this, [this] {
        if (m_answer.nearest && m_answer.nearest->place) {
            emit placeOpened(*m_answer.nearest->place,
                             QString::fromStdString(m_answer.nearest->quote));
        }
    });
    place(m_nearest, 34, 8);
    m_resultsTitle =
        new Label(tr("What a plain search finds"), Type::SmallMedium, &Tokens::text2, m_body);
    m_resultsTitle->setLineHeight(28);
    place(m_resultsTitle, 44, 18);
    m_results = new CitationList(m_body);
    m_results->setAccessibleName(m_resultsTitle->text());
    connect(m_results, &CitationList::passageOpened, this, [this](int row) {
        const app::SearchHit& hit = m_answer.searchResults[static_cast<std::size_t>(row)];
        emit placeOpened(hit.place, QString::fromStdString(hit.snippet));
    });
    place(m_results, 34, 8);

    m_actions = new QWidget(m_body);
    m_actions->setMinimumWidth(1); // what stands in it never makes the answer wider than its column
    auto* actions = rowLayout(m_actions, 0, 6, 0, 8, 2);
    const auto flat = [&](const QString& iconName, const QString& text) {
        auto* button = new Button(text, iconName, Button::Flat, m_actions);
        button->setIconName(iconName, 15);
        button->setHeight(24, Type::Small, 7, 5);
        actions->addWidget(button);
        return button;
    };
    m_regenerate = flat(QStringLiteral("regenerate"), tr("Regenerate"));
    m_regenerate->setToolTip(tr("Answer again, as another version"));
    connect(m_regenerate, &Button::clicked, this, &Exchange::regenerateRequested);
    m_fork = flat(QStringLiteral("fork"), tr("Fork here"));
    m_fork->installEventFilter(this);
    connect(m_fork, &Button::clicked, this, &Exchange::forkRequested);
    m_toReport = flat(QStringLiteral("report"), tr("Add to report"));
    m_toReport->setToolTip(tr("Add to report"));
    connect(m_toReport, &Button::clicked, this, [this] { emit addToReportToggled(true); });
    m_older = new IconButton(QStringLiteral("chevron-left"), tr("Older answer"), 12, 24, m_actions);
    m_version = new Label({}, Type::Small, &Tokens::text2, m_actions);
    m_newer =
        new IconButton(QStringLiteral("chevron-right"), tr("Newer answer"), 12, 24, m_actions);
    m_older->setMinimumSide(18);
    m_newer->setMinimumSide(18);
    connect(m_older, &IconButton::clicked, this, [this] { emit versionRequested(-1); });
    connect(m_newer, &IconButton::clicked, this, [this] { emit versionRequested(1); });
    actions->addStretch(1);
    for (QWidget* w : std::initializer_list<QWidget*>{m_older, m_version, m_newer}) {
        actions->addWidget(w);
    }
    auto* copy =
        new IconButton(QStringLiteral("copy"), tr("Copy with citations"), 15, 24, m_actions);
    auto* more = new IconButton(QStringLiteral("more"), tr("More"), 15, 24, m_actions);
    connect(copy, &IconButton::clicked, this, &Exchange::copyRequested);
    connect(more, &IconButton::clicked, this,
            [this, more] { emit menuRequested(more->mapToGlobal(QPoint(0, more->height()))); });
    actions->addWidget(copy);
    actions->addWidget(more);
    place(m_actions, 37, 18);
}

void Exchange::setQuestion(const app::Question& question) {
    m_question = question;
    m_number->setText(QString::number(question.number));
    m_questionText->setText(QString::fromStdString(question.text));
    fitQuestion();
    m_band->setAccessibleName(
        tr("Question %1: %2").arg(question.number).arg(QString::fromStdString(question.text)));
    refreshFooter();
}

void Exchange::setAnswer(const app::Answer& answer) {
    const bool same = answer.id == m_answer.id;
    m_answer = answer;
    if (!same) {
        m_thinkingText->clear();
        m_current = 0;
    }
    refresh();
}

void Exchange::appendStream(const QString& thinking, const QString& text) {
    m_answer.thinking += thinking.toStdString();
    m_answer.text += text.toStdString();
    if (!thinking.isEmpty() && m_thinkingOpen) {
        QScrollBar* bar = m_thinkingText->verticalScrollBar();
        const bool follow = bar->value() >= bar->maximum() - 4;
        m_thinkingText->moveCursor(QTextCursor::End);
        m_thinkingText->insertPlainText(thinking);
        if (follow) {
            bar->setValue(bar->maximum());
        }
    }
    if (!text.isEmpty()) {
        m_text->show();
        m_text->setAnswer(m_answer.text, m_answer.citations);
        emit grew();
    }
    if (m_answer.text.empty() || !text.isEmpty()) {
        refreshThinking();
    }
}

void Exchange::setThinkingOpen(bool open) {
    m_thinkingOpen = open;
    m_thinking->setChecked(open);
    if (open) {
        m_thinkingText->setPlainText(QString::fromStdString(m_answer.thinking));
        m_thinkingText->verticalScrollBar()->setValue(
            isFinal(m_answer.state) ? 0 : m_thinkingText->verticalScrollBar()->maximum());
    }
    m_thinkingText->setVisible(open && !m_answer.thinking.empty());
}

void Exchange::refresh() {
    m_body->setVisible(hasAnswer());
    m_text->setWriting(m_answer.state == app::AnswerState::Writing);
    m_text->setAnswer(m_answer.text, m_answer.citations);
    m_text->setVisible(!m_answer.text.empty());
    refreshThinking();
    refreshCitations();
    refreshNearest();
    refreshFooter();
    emit grew();
}

void Exchange::refreshThinking() {
    const bool thinking = m_answer.state == app::AnswerState::Thinking;
    const bool any = !m_answer.thinking.empty() || thinking;
    m_thinking->setVisible(any);
    m_thinkingText->setVisible(any && m_thinkingOpen);
    if (!any) {
        return;
    }
    const QString tokenText = tr("%1 tokens").arg(number(m_answer.thinkingTokens));
    m_thinking->setTexts(
        thinking ? tr("Thinking… %1 · %2").arg(seconds(m_answer.thinkingSeconds), tokenText)
                 : tr("Thought for %1 · %2").arg(seconds(m_answer.thinkingSeconds), tokenText),
        m_context.levelTitle ? m_context.levelTitle(m_answer) : QString());
}

void Exchange::refreshCitations() {
    const bool any = !m_answer.citations.empty();
    m_counts->setVisible(any);
    m_list->setVisible(any);
    std::vector<CitationRow> rows;
    for (const app::Citation& citation : m_answer.citations) {
        rows.push_back(rowOf(citation,
                             citation.place ? m_context.source(citation.place->source) : nullptr,
                             m_context.searched ? m_context.searched() : QString()));
    }
    static_cast<Counts*>(m_counts)->setCitations(m_answer.citations);
    m_list->setRows(std::move(rows));
}

void Exchange::refreshNearest() {
    QString line;
    if (m_answer.state == app::AnswerState::NotFound) {
        line = m_answer.searched.empty()
                   ? QString()
                   : tr("Searched: %1.").arg(QString::fromStdString(m_answer.searched));
    } else if (m_answer.state == app::AnswerState::Stopped) {
        line = m_answer.text.empty() && m_answer.thinking.empty()
                   ? tr("Stopped before anything was written.")
                   : tr("Stopped. What was written is kept.");
    } else if (!m_answer.searched.empty()) {
        line = tr("Note: %1.").arg(QString::fromStdString(m_answer.searched));
    }
    m_verdictLine->setText(line);
    m_verdictLine->setVisible(!line.isEmpty());
    const bool nearest =
        m_answer.state == app::AnswerState::NotFound && m_answer.nearest && m_answer.nearest->place;
    m_nearestTitle->setVisible(nearest);
    m_nearest->setVisible(nearest);
    if (nearest) {
        CitationRow row =
            rowOf(*m_answer.nearest, m_context.source(m_answer.nearest->place->source), {});
        row.passage = true;
        m_nearest->setRows({row});
    }
    const bool results = !m_answer.searchResults.empty();
    m_resultsTitle->setVisible(results);
    m_results->setVisible(results);
    std::vector<CitationRow> rows;
    for (const app::SearchHit& hit : m_answer.searchResults) {
        app::Citation as;
        as.quote = hit.snippet;
        as.place = hit.place;
        CitationRow row = rowOf(as, m_context.source(hit.place.source), {});
        row.passage = true;
        rows.push_back(std::move(row));
    }
    m_results->setRows(std::move(rows));
    m_failure->setVisible(m_answer.state == app::AnswerState::Failed);
    if (m_answer.failure) {
        QString text = QString::fromStdString(m_answer.failure->failed) + QStringLiteral(". ") +
                       QString::fromStdString(m_answer.failure->remedy);
        m_failureText->setText(text.trimmed());
    }
}

void Exchange::refreshFooter() {
    const bool done = hasAnswer() && isFinal(m_answer.state);
    m_actions->setVisible(done);
    const auto versions = m_question.answers.size();
    const bool several = versions > 1;
    for (QWidget* w : std::initializer_list<QWidget*>{m_older, m_version, m_newer}) {
        w->setVisible(several);
    }
    m_version->setText(QStringLiteral("%1/%2").arg(m_answer.version).arg(versions));
    m_older->setEnabled(m_answer.version > 1);
    m_newer->setEnabled(m_answer.version < versions);
    fitActions();
}

void Exchange::sayForkPrice() {
    const QString price = m_context.forkPrice ? m_context.forkPrice(questionId()) : QString();
    const QString text = price.isEmpty()
                             ? tr("A branch that goes on from this answer")
                             : tr("A branch that goes on from this answer: %1").arg(price);
    m_fork->setToolTip(text);
    m_fork->setAccessibleDescription(text);
}

// ---------------------------------------------------------------- citations

const app::Citation* Exchange::citation(std::uint32_t wanted) const {
    const auto it = std::find_if(m_answer.citations.begin(), m_answer.citations.end(),
                                 [=](const app::Citation& c) { return c.number == wanted; });
    return it == m_answer.citations.end() ? nullptr : &*it;
}

void Exchange::setCurrentCitation(std::uint32_t current) {
    m_current = current;
    m_text->setCurrent(current);
    m_list->setCurrent(current);
}

std::uint32_t Exchange::stepCitation(int step) const {
    std::vector<std::uint32_t> numbers;
    for (const app::Citation& c : m_answer.citations) {
        if (c.place) {
            numbers.push_back(c.number);
        }
    }
    if (numbers.empty()) {
        return 0;
    }
    std::sort(numbers.begin(), numbers.end());
    const auto at = std::find(numbers.begin(), numbers.end(), m_current);
    if (at == numbers.end()) {
        return step > 0 ? numbers.front() : numbers.back();
    } else if (step > 0) {
        return at + 1 == numbers.end() ? 0 : *(at + 1);
    }
    return at == numbers.begin() ? 0 : *(at - 1);
}

} // namespace dossier::ui
