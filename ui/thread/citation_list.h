// SPDX-License-Identifier: GPL-3.0-or-later
// The quotations of an answer as rows: chip, source, place, verdict, words.
#pragma once

#include <QAbstractListModel>
#include <QListView>
#include <QStyledItemDelegate>
#include <QWheelEvent>
#include <functional>
#include <vector>

#include "app/model_types.h"

namespace dossier::ui {

struct CitationRow {
    app::Citation citation;
    QString source; ///< "Lease Unit 4", "No source"
    QString place;  ///< "p. 14 § 5.2", "109–110"
    bool code = false;
    bool passage = false; ///< a search result: no chip and no verdict
};

/// Place of a citation in words, from the place alone.
QString placeText(const app::Place& place, const std::string& quote, bool code);
/// The row of a citation; `source` null when the source is unknown or there is none.
CitationRow rowOf(const app::Citation& citation, const app::Source* source,
                  const QString& searched);

class CitationModel : public QAbstractListModel {
    Q_OBJECT

  public:
    using QAbstractListModel::QAbstractListModel;
    void setRows(std::vector<CitationRow> rows);
    const CitationRow& row(int index) const { return m_rows[static_cast<std::size_t>(index)]; }
    int rowCount(const QModelIndex& = {}) const override { return static_cast<int>(m_rows.size()); }
    QVariant data(const QModelIndex& index, int role) const override;

  private:
    std::vector<CitationRow> m_rows;
};

/// As tall as its rows; the current citation stands on the accent's ground.
class CitationList : public QListView {
    Q_OBJECT

  public:
    explicit CitationList(QWidget* parent = nullptr);
    void setRows(std::vector<CitationRow> rows);
    void setCurrent(std::uint32_t number);
    std::uint32_t current() const { return m_current; }
    const CitationModel& rows() const { return *m_model; }

  signals:
    void opened(std::uint32_t number);
    void passageOpened(int row);

  protected:
    void keyPressEvent(QKeyEvent*) override;
    void wheelEvent(QWheelEvent* event) override { event->ignore(); }

  private:
    void openIndex(const QModelIndex& index);
    void fit();

    CitationModel* m_model;
    std::uint32_t m_current = 0;
};

} // namespace dossier::ui
