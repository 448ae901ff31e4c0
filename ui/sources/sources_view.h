// SPDX-License-Identifier: GPL-3.0-or-later
// The tree of sources: dot in the margin, chevron, check box, icon, name, badge, tokens, share bar.
#pragma once

#include <QStyledItemDelegate>
#include <QTreeView>
#include <functional>
#include <optional>

#include "ui/sources/sources_model.h"

namespace dossier::ui {

/// Paints a row as in docs/design-tokens.md section 4 and handles clicks on chevron and check box.
class SourcesDelegate : public QStyledItemDelegate {
    Q_OBJECT

  public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter*, const QStyleOptionViewItem&, const QModelIndex&) const override;
    QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override;
    bool editorEvent(QEvent*, QAbstractItemModel*, const QStyleOptionViewItem&,
                     const QModelIndex&) override;

    static int depthOf(const QModelIndex& index);
    static QRect chevronRect(const QRect& row, int depth);
    static QRect checkRect(const QRect& row, int depth);
};

class SourcesView : public QTreeView {
    Q_OBJECT

  public:
    explicit SourcesView(QWidget* parent = nullptr);
    void setSources(SourcesModel* model);
    /// What a branch behind a document takes, asked when a menu opens; empty: there can be none.
    using ForkPrice = std::function<QString(app::SourceId)>;
    void setForkPrice(ForkPrice price) { m_forkPrice = std::move(price); }
    /// The entry "Fork here" with its price, for the menu of a row.
    QString forkText(app::SourceId id, bool* possible) const;
    std::optional<app::SourceId> currentSource() const; ///< none on a folder

  signals:
    void openRequested(dossier::app::SourceId id);
    void removeRequested(const std::vector<dossier::app::SourceId>& ids);
    void readAgainRequested(const std::vector<dossier::app::SourceId>& ids);
    void forkRequested(dossier::app::SourceId behind);

  protected:
    void drawBranches(QPainter*, const QRect&, const QModelIndex&) const override {}
    void keyPressEvent(QKeyEvent*) override;
    void contextMenuEvent(QContextMenuEvent*) override;

  private:
    void open(const QModelIndex& index);
    SourcesModel* sources() const;
    QModelIndex sourceIndex(const QModelIndex& index) const;

    ForkPrice m_forkPrice;
};

} // namespace dossier::ui
