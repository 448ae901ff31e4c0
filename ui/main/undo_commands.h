// SPDX-License-Identifier: GPL-3.0-or-later
// What the person can take back: marks, notes, check marks and removed sources.
#pragma once

#include <QPointer>
#include <QUndoCommand>
#include <vector>

#include "app/session.h"

namespace dossier::ui {

class AddMark : public QUndoCommand {
  public:
    AddMark(app::Session* session, app::Mark draft);
    void redo() override;
    void undo() override;
    const app::Mark& mark() const { return m_mark; }

  private:
    QPointer<app::Session> m_session;
    app::Mark m_mark;
    bool m_stored = false; ///< has its id: later redos put it back under it
};

class RemoveMark : public QUndoCommand {
  public:
    RemoveMark(app::Session* session, const app::Mark& mark);
    void redo() override;
    void undo() override;

  private:
    QPointer<app::Session> m_session;
    app::Mark m_mark;
};

class ChangeMark : public QUndoCommand {
  public:
    ChangeMark(app::Session* session, app::Mark before, app::Mark after);
    void redo() override;
    void undo() override;

  private:
    QPointer<app::Session> m_session;
    app::Mark m_before, m_after;
};

class IncludeSources : public QUndoCommand {
  public:
    IncludeSources(app::Session* session, std::vector<app::SourceId> ids, bool included);
    void redo() override;
    void undo() override;

  private:
    QPointer<app::Session> m_session;
    std::vector<app::SourceId> m_on, m_off; ///< as they were before
    std::vector<app::SourceId> m_ids;
    bool m_included;
};

class RemoveSources : public QUndoCommand {
  public:
    RemoveSources(app::Session* session, std::vector<app::SourceId> ids);
    void redo() override;
    void undo() override;

  private:
    QPointer<app::Session> m_session;
    std::vector<app::SourceId> m_ids;
};

/// Takes back a removal that is not the last thing that was done.
class PutBackSources : public QUndoCommand {
  public:
    PutBackSources(app::Session* session, std::vector<app::SourceId> ids);
    void redo() override;
    void undo() override;

  private:
    QPointer<app::Session> m_session;
    std::vector<app::SourceId> m_ids;
};

} // namespace dossier::ui
