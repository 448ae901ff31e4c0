// SPDX-License-Identifier: GPL-3.0-or-later
// The exchanges of the thread column: unfolding and wiring them, and what answers bring.
#include <QApplication>
#include <QClipboard>
#include <QScrollArea>
#include <QScrollBar>
#include <algorithm>

#include "ui/theme/paint.h"
#include "ui/thread/answer_text.h"
#include "ui/thread/citation_preview.h"
#include "ui/thread/thread_panel.h"

namespace dossier::ui {

Exchange* ThreadPanel::unfold(Entry& entry) {
    if (entry.exchange == nullptr) {
        const app::Question* question = m_session->question(entry.id);
        ThreadContext context;
        context.source = [this](app::SourceId id) {
            return m_session ? m_session->source(id) : nullptr;
        };
        context.levelTitle = [this](const app::Answer& answer) {
            const auto levels = m_session ? m_session->levels() : std::vector<app::LevelInfo>();
            return QString::fromStdString(app::levelTitle(answer, levels));
        };
        context.searched = [this] {
            const auto count = m_session ? m_session->documentsOf(m_thread).size() : 0;
            return tr("%n source(s) searched", nullptr, static_cast<int>(count))
                .replace(QStringLiteral("(s)"), count == 1 ? QString() : QStringLiteral("s"));
        };
        context.forkPrice = [this](app::QuestionId id) {
            return QString::fromStdString(m_session ? m_session->forkPrice(id) : std::string());
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
        setActive(exchange);
        forkHere();
    });
    connect(exchange, &Exchange::addToReportToggled, this, &ThreadPanel::reportRequested);
    connect(exchange, &Exchange::versionRequested, this,
            [this, exchange](int step) { showVersion(exchange, step); });
    connect(exchange, &Exchange::menuRequested, this,
            [this, exchange](const QPoint& at) { answerMenu(exchange, at); });
    connect(exchange, &Exchange::copyRequested, this, [exchange] {
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

} // namespace dossier::ui
