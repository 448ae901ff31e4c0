// SPDX-License-Identifier: GPL-3.0-or-later
// The tab that shows what adding would bring before anything is added: budget meter, tree, what is
// left out, and the text that the model gets.
#pragma once

#include <QPointer>
#include <filesystem>
#include <vector>

#include "app/session.h"
#include "ui/add/add_model.h"
#include "ui/widgets/basics.h"

class QPlainTextEdit;
class QTreeView;

namespace dossier::ui {

class BudgetLegend;
class MeterBar;
class SearchField;

class AddPreview : public QWidget {
    Q_OBJECT

  public:
    /// `model`: folder of the loaded model, for counting; empty = nothing is counted.
    AddPreview(std::vector<std::filesystem::path> paths, app::Session* session,
               const std::filesystem::path& model, QWidget* parent = nullptr);

    QString title() const; ///< "Add: handover"
    AddModel* model() const { return m_model; }
    QTreeView* tree() const { return m_tree; }
    void setCompact(bool compact);
    /// A model was loaded in the meantime: counts with its tokenizer.
    void setModel(const std::filesystem::path& model);

  signals:
    void accepted(const dossier::app::AddRequest& request);
    void cancelled();
    void message(const dossier::app::Failure& failure, const QString& cause);

  private:
    class Counter;

    QWidget* buildMeter();
    QWidget* buildTools();
    QWidget* buildLeftOut();
    QWidget* buildFoot();
    QWidget* buildSide();
    void walk();
    void priceChanges(); ///< what files that changed would cost, below the meter
    void countNext();
    void refreshTotals();
    void refreshLeftOut();
    void showFile(int file);
    void accept();

    std::vector<std::filesystem::path> m_paths;
    QPointer<app::Session> m_session;
    std::shared_ptr<Counter> m_counter;
    AddModel* m_model;
    QTreeView* m_tree;
    Label *m_title = nullptr, *m_state = nullptr, *m_warning = nullptr, *m_price = nullptr;
    MeterBar* m_meter = nullptr;
    BudgetLegend* m_legend = nullptr;
    QWidget* m_leftOutPart = nullptr;
    Label* m_leftOutText = nullptr;
    QHBoxLayout* m_groups = nullptr;
    Button* m_accept = nullptr;
    QWidget* m_side = nullptr;
    Label *m_sideTitle = nullptr, *m_sideFacts = nullptr, *m_sideFoot = nullptr;
    QPlainTextEdit* m_text = nullptr;
    std::size_t m_next = 0; ///< file to count next
    int m_round = 0;        ///< counting begins anew with another model
    bool m_walked = false;
};

} // namespace dossier::ui
