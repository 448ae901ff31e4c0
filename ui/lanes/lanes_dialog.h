// SPDX-License-Identifier: GPL-3.0-or-later
// What is read: the lanes of the dossier as a table with what can be done to them, the reading that
// is going on, and what each depth would have to read. Not modal.
#pragma once

#include <QDialog>
#include <QPointer>

#include "app/session.h"

class QTableWidget;

namespace dossier::ui {

class Button;
class Label;
class MeterBar;
class WrapLabel;

class LanesDialog : public QDialog {
    Q_OBJECT

  public:
    explicit LanesDialog(app::Session* session, QWidget* parent = nullptr);

    QTableWidget* table() const { return m_table; } ///< for tests

  signals:
    void failed(const dossier::app::Failure&);

  protected:
    bool eventFilter(QObject*, QEvent*) override;

  private:
    void buildReading();
    void buildTable();
    void buildButtons();
    void refresh();
    void refreshReading();
    void refreshTable();
    void refreshLevels();
    void refreshTrouble();
    void fitColumns();
    QString readingText() const;
    const app::Job* laneJob() const; ///< that checks, moves or deletes; null: none runs
    std::optional<app::LaneEntry> chosen() const;
    void act(const std::function<void()>& action);
    void askToDelete();
    void askToMove();

    QPointer<app::Session> m_session;
    Label *m_status = nullptr, *m_levels = nullptr, *m_hint = nullptr;
    MeterBar* m_meter = nullptr;
    Button *m_read = nullptr, *m_pause = nullptr, *m_cancel = nullptr;
    Button *m_verify = nullptr, *m_move = nullptr, *m_delete = nullptr;
    QTableWidget* m_table = nullptr;
    QWidget* m_troubleRow = nullptr; ///< what is wrong with the chosen lane
    WrapLabel* m_trouble = nullptr;
    std::string m_deleting; ///< a second press on Delete deletes
};

} // namespace dossier::ui
