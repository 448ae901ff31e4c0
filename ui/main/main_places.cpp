// SPDX-License-Identifier: GPL-3.0-or-later
// Jumping to places and back, marks of the person, and what views show of both.
#include <QUndoStack>
#include <algorithm>
#include <set>

#include "ui/main/main_window.h"
#include "ui/main/note_popup.h"
#include "ui/main/notes_strip.h"
#include "ui/main/undo_commands.h"
#include "ui/sources/sources_panel.h"
#include "ui/thread/compare_view.h"
#include "ui/thread/thread_panel.h"

namespace dossier::ui {

// ---------------------------------------------------------------- overlays

void MainWindow::refreshViewerOverlays() {
    if (!m_session) {
        return;
    }
    const Exchange* exchange = m_thread->active();
    const std::uint32_t current = exchange != nullptr ? exchange->currentCitation() : 0;
    m_viewer->notes()->setCurrent(exchange != nullptr ? exchange->questionId() : app::QuestionId{},
                                  current);
    for (DocumentTab* tab : m_viewer->documents()) {
        if (!tab->view()->document()) {
            continue;
        }
        std::vector<CitedPassage> passages;
        if (exchange != nullptr) {
            for (const app::Citation& citation : exchange->answer().citations) {
                if (citation.place && citation.place->source == tab->sourceId() &&
                    citation.place->range.end <= tab->view()->document()->text.size()) {
                    passages.push_back({citation.number, citation.verdict, citation.place->range,
                                        citation.forced});
                }
            }
        }
        tab->view()->setCitations(std::move(passages), current);
        tab->view()->setMarks(m_session->marksOf(tab->sourceId()));
    }
    std::vector<std::uint64_t> offsets;
    if (const DocumentTab* tab = m_viewer->current(); tab != nullptr && exchange != nullptr) {
        for (const app::Citation& citation : exchange->answer().citations) {
            if (citation.place && citation.place->source == tab->sourceId()) {
                offsets.push_back(citation.place->range.begin);
            }
        }
    }
    m_sources->outlineModel()->setCited(offsets);
}

std::vector<NoteRow> MainWindow::citationRows() const {
    std::vector<NoteRow> rows;
    const auto add = [&](const app::Question& question, const app::Answer& answer) {
        for (const app::Citation& citation : answer.citations) {
            if (!citation.place) {
                continue;
            }
            const app::Source* source = m_session->source(citation.place->source);
            const CitationRow named = rowOf(citation, source, {});
            NoteRow row;
            row.citation = citation;
            row.question = question.id;
            row.source = citation.place->source;
            row.code = named.code;
            row.place = source != nullptr ? QString::fromStdString(source->name) : named.source;
            row.where =
                named.code ? QLatin1Char(':') + named.place : QLatin1Char(' ') + named.place;
            row.words = QString::fromStdString(citation.quote).simplified();
            row.who = tr("Thread %1").arg(question.number);
            rows.push_back(std::move(row));
        }
    };
    // The answer that is looked at comes first, in the version that is shown; then the others.
    const Exchange* active = m_thread->active();
    std::set<app::QuestionId> seen;
    if (active != nullptr) {
        add(active->question(), active->answer());
        seen.insert(active->questionId());
    }
    for (const app::Thread& thread : m_session->threads()) {
        for (const app::Question& question : m_session->questions(thread.id)) {
            const app::Answer* answer =
                question.answers.empty() ? nullptr : m_session->answer(question.answers.back());
            if (answer != nullptr && seen.insert(question.id).second) {
                add(question, *answer);
            }
        }
    }
    return rows;
}

void MainWindow::refreshNotes() {
    if (!m_session) {
        m_viewer->notes()->setRows({});
        return;
    }
    std::vector<NoteRow> rows = citationRows();
    for (const app::Mark& mark : m_session->marks()) {
        const app::Source* source = m_session->source(mark.source);
        NoteRow row;
        row.isMark = true;
        row.mark = mark;
        row.source = mark.source;
        row.code = source != nullptr && source->format == ingest::Format::Code && mark.note.empty();
        row.place = source != nullptr ? QString::fromStdString(source->name) : tr("Removed source");
        if (const DocumentTab* tab = m_viewer->tabOf(mark.source);
            tab != nullptr && tab->view()->document()) {
            const ingest::Document& document = *tab->view()->document();
            const auto page = ingest::pageOf(document, mark.range.begin);
            row.where = page
                            ? tr(" p. %1").arg(QString::fromStdString(document.pages[*page].label))
                            : QStringLiteral(":%1").arg(ingest::lineOf(document, mark.range.begin));
        }
        row.words = QString::fromStdString(mark.note.empty() ? mark.quote : mark.note).simplified();
        QString initials;
        for (const QString& part :
             QString::fromStdString(mark.author).split(QLatin1Char(' '), Qt::SkipEmptyParts)) {
            initials += part.left(1).toUpper();
        }
        row.who = initials.left(3);
        rows.push_back(std::move(row));
    }
    m_viewer->notes()->setRows(std::move(rows));
}

void MainWindow::refreshOutline() {
    const DocumentTab* tab = m_viewer->current();
    if (tab == nullptr) {
        m_sources->setOutline({}, false, {});
        return;
    }
    const auto& items = m_viewer->outline(tab->sourceId());
    m_sources->setOutline(QString::fromStdString(tab->source().name),
                          tab->source().format == ingest::Format::Code, items);
    refreshViewerOverlays();
    emit m_viewer->moved();
}

// ---------------------------------------------------------------- jumping

void MainWindow::pushVisit(const Visit& from) {
    if (m_backStack.empty() || !(m_backStack.back() == from)) {
        m_backStack.push_back(from);
    }
    m_forwardStack.clear();
    m_toolBar->setHistory(!m_backStack.empty(), false);
}

void MainWindow::openPlace(const app::Place& place) {
    if (!m_session || sayIfTakenOut(place.source)) {
        return;
    }
    if (m_mode != Mode::Read) {
        setMode(Mode::Read);
    }
    if (const auto from = m_viewer->here()) {
        pushVisit(*from);
    }
    m_viewer->openSource(place.source, place.range, true);
}

void MainWindow::openCitation(const app::Citation& citation) {
    refreshViewerOverlays();
    if (citation.place) {
        openPlace(*citation.place);
    }
}

void MainWindow::back() {
    if (m_backStack.empty()) {
        return;
    }
    if (const auto here = m_viewer->here()) {
        m_forwardStack.push_back(*here);
    }
    const Visit target = m_backStack.back();
    m_backStack.pop_back();
    m_viewer->go(target);
    m_toolBar->setHistory(!m_backStack.empty(), !m_forwardStack.empty());
}

void MainWindow::forward() {
    if (m_forwardStack.empty()) {
        return;
    }
    if (const auto here = m_viewer->here()) {
        m_backStack.push_back(*here);
    }
    const Visit target = m_forwardStack.back();
    m_forwardStack.pop_back();
    m_viewer->go(target);
    m_toolBar->setHistory(!m_backStack.empty(), !m_forwardStack.empty());
}

void MainWindow::compareBranches() {
    if (!m_session) {
        return;
    }
    if (m_session->threads().size() < 2) {
        messages()->show({Message::Info,
                          QStringLiteral("compare"),
                          tr("There is one branch only. Fork an answer to get a second one."),
                          {},
                          {}});
        return;
    }
    auto* view = new CompareView(m_session.get(), m_thread->thread());
    connect(view, &CompareView::placeOpened, this,
            [this](const app::Place& place) { openPlace(place); });
    setMode(Mode::Read);
    m_viewer->openPage(view, QStringLiteral("compare"), tr("Compare branches"));
}

// ---------------------------------------------------------------- marks

std::optional<app::Mark> MainWindow::draftFromSelection(QChar key) {
    const DocumentTab* tab = m_viewer->current();
    if (tab == nullptr || !tab->view()->selection()) {
        return {};
    }
    app::Mark mark;
    mark.source = tab->sourceId();
    mark.range = *tab->view()->selection();
    mark.kind = key == QLatin1Char('u')   ? ingest::MarkKind::Underline
                : key == QLatin1Char('s') ? ingest::MarkKind::StrikeOut
                : key == QLatin1Char('n') ? ingest::MarkKind::Note
                                          : ingest::MarkKind::Highlight;
    mark.quote = tab->view()->selectedText().toStdString();
    return mark;
}

void MainWindow::annotate(QChar key) {
    if (!m_session || m_viewer->current() == nullptr) {
        return;
    }
    const auto draft = draftFromSelection(key);
    if (key == QLatin1Char('a')) {
        if (draft) {
            m_thread->composer()->setText(
                tr("What does this mean: “%1”?")
                    .arg(QString::fromStdString(draft->quote).simplified()));
        }
        return;
    }
    if (!draft) {
        messages()->show(
            {Message::Info,
             QStringLiteral("annotate"),
             tr("Select words first: drag with the mouse, or Shift+Right from the first "
                "visible word."),
             {},
             {}});
        return;
    }
    messages()->withdraw(QStringLiteral("annotate"));
    if (key == QLatin1Char('n')) {
        markPopup(*draft, true);
        return;
    }
    m_undo->push(new AddMark(m_session.get(), *draft));
    m_viewer->current()->view()->select(std::nullopt);
}

void MainWindow::promoteCitation() {
    const Exchange* exchange = m_thread->active();
    const app::Citation* citation =
        exchange != nullptr ? exchange->citation(exchange->currentCitation()) : nullptr;
    if (citation == nullptr || !citation->place) {
        messages()->show({Message::Info,
                          QStringLiteral("annotate"),
                          tr("Choose a citation first (F8), then make it a highlight."),
                          {},
                          {}});
        return;
    }
    app::Mark mark;
    mark.source = citation->place->source;
    mark.range = citation->place->range;
    mark.kind = ingest::MarkKind::Highlight;
    mark.note = tr("Answer %1: %2")
                    .arg(exchange->question().number)
                    .arg(QString::fromStdString(exchange->question().text))
                    .toStdString();
    m_undo->push(new AddMark(m_session.get(), mark));
}

void MainWindow::openMark(const app::Mark& mark) {
    if (sayIfTakenOut(mark.source)) {
        return;
    }
    if (const auto from = m_viewer->here()) {
        pushVisit(*from);
    }
    m_viewer->openSource(mark.source, mark.range, true);
}

void MainWindow::editMark(const app::Mark& mark) {
    markPopup(mark, false);
}

void MainWindow::markPopup(const app::Mark& mark, bool isNew) {
    auto* popup = new NotePopup(mark, this);
    connect(popup, &NotePopup::saved, this, [this, isNew, before = mark](const app::Mark& after) {
        if (!m_session) {
            return;
        }
        if (isNew) {
            m_undo->push(new AddMark(m_session.get(), after));
            if (DocumentTab* tab = m_viewer->current()) {
                tab->view()->select(std::nullopt);
            }
        } else if (!(after == before)) {
            m_undo->push(new ChangeMark(m_session.get(), before, after));
        }
    });
    connect(popup, &NotePopup::removeRequested, this,
            [this, mark](app::MarkId) { m_undo->push(new RemoveMark(m_session.get(), mark)); });
    const QWidget* anchor = m_viewer->current() != nullptr
                                ? static_cast<QWidget*>(m_viewer->current()->view())
                                : static_cast<QWidget*>(m_viewer);
    popup->showAt(anchor->mapToGlobal(QPoint(anchor->width() / 2 - px(160), anchor->height() / 3)));
    popup->edit()->setFocus(Qt::PopupFocusReason);
}

} // namespace dossier::ui
