// SPDX-License-Identifier: GPL-3.0-or-later
// Undo commands.
#include "ui/main/undo_commands.h"

#include <QCoreApplication>

namespace dossier::ui {
namespace {

QString tr(const char* text) {
    return QCoreApplication::translate("Undo", text);
}

QString nameOf(const app::Mark& mark) {
    if (!mark.note.empty() || mark.kind == ingest::MarkKind::Note) {
        return tr("note");
    }
    return mark.kind == ingest::MarkKind::Underline   ? tr("underline")
           : mark.kind == ingest::MarkKind::StrikeOut ? tr("strike-out")
                                                      : tr("highlight");
}

} // namespace

AddMark::AddMark(app::Session* session, app::Mark draft)
    : QUndoCommand(nameOf(draft)), m_session(session), m_mark(std::move(draft)) {}

void AddMark::redo() {
    if (!m_session) {
        return;
    }
    if (m_stored) {
        m_session->putBackMark(m_mark);
    } else {
        m_mark = m_session->addMark(m_mark);
        m_stored = true;
    }
}

void AddMark::undo() {
    if (m_session) {
        m_mark = m_session->removeMark(m_mark.id);
    }
}

RemoveMark::RemoveMark(app::Session* session, const app::Mark& mark)
    : QUndoCommand(tr("remove %1").arg(nameOf(mark))), m_session(session), m_mark(mark) {}

void RemoveMark::redo() {
    if (m_session) {
        m_mark = m_session->removeMark(m_mark.id);
    }
}

void RemoveMark::undo() {
    if (m_session) {
        m_session->putBackMark(m_mark);
    }
}

ChangeMark::ChangeMark(app::Session* session, app::Mark before, app::Mark after)
    : QUndoCommand(tr("change %1").arg(nameOf(after))),
      m_session(session),
      m_before(std::move(before)),
      m_after(std::move(after)) {}

void ChangeMark::redo() {
    if (m_session) {
        m_session->changeMark(m_after);
    }
}

void ChangeMark::undo() {
    if (m_session) {
        m_session->changeMark(m_before);
    }
}

IncludeSources::IncludeSources(app::Session* session, std::vector<app::SourceId> ids, bool included)
    : QUndoCommand(included ? tr("use sources") : tr("leave out sources")),
      m_session(session),
      m_ids(std::move(ids)),
      m_included(included) {
    for (const app::SourceId id : m_ids) {
        if (const app::Source* source = session->source(id)) {
            (source->included ? m_on : m_off).push_back(id);
        }
    }
}

void IncludeSources::redo() {
    if (m_session) {
        m_session->setIncluded(m_ids, m_included);
    }
}

void IncludeSources::undo() {
    if (!m_session) {
        return;
    }
    if (!m_on.empty()) {
        m_session->setIncluded(m_on, true);
    }
    if (!m_off.empty()) {
        m_session->setIncluded(m_off, false);
    }
}

RemoveSources::RemoveSources(app::Session* session, std::vector<app::SourceId> ids)
    : QUndoCommand(ids.size() == 1 ? tr("remove source") : tr("remove %1 sources").arg(ids.size())),
      m_session(session),
      m_ids(std::move(ids)) {}

void RemoveSources::redo() {
    if (m_session) {
        m_session->removeSources(m_ids);
    }
}

void RemoveSources::undo() {
    if (m_session) {
        m_session->restoreSources(m_ids);
    }
}

PutBackSources::PutBackSources(app::Session* session, std::vector<app::SourceId> ids)
    : QUndoCommand(tr("put back source")), m_session(session), m_ids(std::move(ids)) {}

void PutBackSources::redo() {
    if (m_session) {
        m_session->restoreSources(m_ids);
    }
}

void PutBackSources::undo() {
    if (m_session) {
        m_session->removeSources(m_ids);
    }
}

} // namespace dossier::ui
