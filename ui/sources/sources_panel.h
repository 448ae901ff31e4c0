// SPDX-License-Identifier: GPL-3.0-or-later
// The left column: the tree of sources with its filter, and the outline of the open document.
#pragma once

#include <QPointer>

#include "app/session.h"
#include "ui/sources/outline_model.h"
#include "ui/sources/sources_model.h"
#include "ui/widgets/basics.h"

class QSortFilterProxyModel;
class QSplitter;

namespace dossier::ui {

class SearchField;
class SourcesView;

class SourcesPanel : public Panel {
    Q_OBJECT

  public:
    explicit SourcesPanel(QWidget* parent = nullptr);

    void setSession(app::Session* session);
    void select(app::SourceId id); ///< marks the open document without opening it
    SourcesModel* model() const { return m_model; }
    SourcesView* view() const { return m_view; }
    QListView* outline() const { return m_outlineView; }
    OutlineModel* outlineModel() const { return m_outline; }

    /// Outline of the open document; empty title hides the part.
    void setOutline(const QString& document, bool symbols, std::vector<OutlineItem> items);
    /// Follows the reading position.
    void setOutlinePosition(std::uint64_t offset, std::optional<std::uint32_t> page);
    void focusFilter();

  signals:
    void openRequested(dossier::app::SourceId id);
    void includeRequested(const std::vector<dossier::app::SourceId>& ids, bool included);
    void removeRequested(const std::vector<dossier::app::SourceId>& ids);
    void readAgainRequested(const std::vector<dossier::app::SourceId>& ids);
    void outlineChosen(const dossier::ui::OutlineItem& item);
    void addFilesRequested();
    void addFolderRequested();

  private:
    void refreshCount();
    void expandNew();

    QPointer<app::Session> m_session;
    SourcesModel* m_model;
    QSortFilterProxyModel* m_proxy;
    SourcesView* m_view;
    OutlineModel* m_outline;
    QListView* m_outlineView;
    Label* m_count = nullptr;
    SearchField* m_filter = nullptr;
    QWidget* m_outlinePart = nullptr;
    Label* m_outlineTitle = nullptr;
    Label* m_outlineName = nullptr;
    QSplitter* m_splitter = nullptr;
    bool m_sized = false;

  protected:
    void showEvent(QShowEvent*) override;
};

} // namespace dossier::ui
