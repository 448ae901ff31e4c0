// SPDX-License-Identifier: GPL-3.0-or-later
// Below the document: what the person marked and what answers cite, folded to one line or as rows.
#pragma once

#include <QAbstractListModel>
#include <QListView>
#include <vector>

#include "app/model_types.h"
#include "ui/widgets/basics.h"

namespace dossier::ui {

struct NoteRow {
    bool isMark = false;
    app::Citation citation;     ///< of citations
    app::QuestionId question{}; ///< whose answer cites
    app::Mark mark;             ///< of marks
    app::SourceId source{};
    QString place; ///< "segment_writer.cpp"
    QString where; ///< ":109–110", " p. 14"
    QString words;
    QString who; ///< "Thread 3", initials
    bool code = false;
};

class NotesModel : public QAbstractListModel {
    Q_OBJECT

  public:
    using QAbstractListModel::QAbstractListModel;
    void setRows(std::vector<NoteRow> rows);
    const NoteRow& row(int index) const { return m_rows[static_cast<std::size_t>(index)]; }
    int rowCount(const QModelIndex& = {}) const override { return static_cast<int>(m_rows.size()); }
    QVariant data(const QModelIndex& index, int role) const override;

  private:
    std::vector<NoteRow> m_rows;
};

class NotesStrip : public QWidget {
    Q_OBJECT

  public:
    explicit NotesStrip(QWidget* parent = nullptr);

    /// All rows; the strip filters by state and by the source that is open.
    void setRows(std::vector<NoteRow> rows);
    void setSource(app::SourceId source);
    void setCurrent(app::QuestionId question, std::uint32_t citation);
    std::uint32_t current() const { return m_current; }
    bool isCurrent(const NoteRow& row) const;
    void setOpen(bool open);
    bool isOpen() const { return m_open; }
    QListView* list() const { return m_list; }
    const NotesModel& model() const { return *m_model; }

  signals:
    void citationOpened(dossier::app::QuestionId question, std::uint32_t number);
    void markOpened(const dossier::app::Mark& mark);
    void markEditRequested(const dossier::app::Mark& mark);
    void markRemoveRequested(dossier::app::MarkId id);
    void promoteRequested(dossier::app::QuestionId question, std::uint32_t number);
    void openChanged(bool open);

  private:
    enum class Show { All, Bad, Marks };
    void apply();
    void open(const QModelIndex& index);
    void menu(const QPoint& at);

    std::vector<NoteRow> m_all;
    NotesModel* m_model;
    QListView* m_list;
    QAbstractButton* m_toggle;
    QWidget* m_counts;
    Button* m_states;
    Button* m_scope;
    app::SourceId m_source{};
    app::QuestionId m_question{}; ///< of the current citation
    std::uint32_t m_current = 0;
    Show m_show = Show::All;
    bool m_thisSource = true, m_open = false;
};

} // namespace dossier::ui
