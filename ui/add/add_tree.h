// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of the add preview that are painted: rows and titles of the tree, legend of the budget.
#pragma once

#include <QTreeView>
#include <vector>

#include "ui/widgets/meters.h"

namespace dossier::ui {

/// Files with check box, type, amount, tokens and note; Space chooses or leaves out.
class AddTree : public QTreeView {
  public:
    explicit AddTree(QWidget* parent);

  protected:
    void drawBranches(QPainter*, const QRect&, const QModelIndex&) const override {}
    void keyPressEvent(QKeyEvent*) override;
};

/// Titles of the columns.
class AddHeader : public QWidget {
  public:
    explicit AddHeader(QWidget* parent);

  protected:
    void paintEvent(QPaintEvent*) override;
};

/// Swatches, words and exact numbers below the meter.
class BudgetLegend : public QWidget {
  public:
    struct Entry {
        MeterPart part;
        QString name, value;
    };

    explicit BudgetLegend(QWidget* parent);
    void set(std::vector<Entry> entries, const QString& total);

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    std::vector<Entry> m_entries;
    QString m_total;
};

} // namespace dossier::ui
