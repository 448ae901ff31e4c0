// SPDX-License-Identifier: GPL-3.0-or-later
// Outline of a document, or symbols of a code file: where to go, and how often it is cited.
#pragma once

#include <QAbstractListModel>
#include <QListView>
#include <QStyledItemDelegate>
#include <vector>

#include "app/model_types.h"

namespace dossier::ui {

struct OutlineItem {
    QString number; ///< "5"; empty when the title has none
    QString title;
    QString place; ///< page label or line, at the right
    int level = 0;
    ingest::TextRange range; ///< where it starts; empty = only the page is known
    std::uint32_t page = 0;
    bool symbol = false;
    int cited = 0;
};

/// Headings of a document or entries of a PDF's own outline, with page labels.
std::vector<OutlineItem> outlineOf(const ingest::Document& document,
                                   const std::vector<ingest::OutlineEntry>& entries);
/// Functions and types of a source file, by simple patterns of its language.
std::vector<OutlineItem> symbolsOf(const ingest::Document& document);

class OutlineModel : public QAbstractListModel {
    Q_OBJECT

  public:
    enum Role { ItemRole = Qt::UserRole + 1 };

    using QAbstractListModel::QAbstractListModel;

    void setItems(std::vector<OutlineItem> items);
    /// Counts citations into the entries whose part of the document they stand in.
    void setCited(const std::vector<std::uint64_t>& offsets);
    /// The last entry that starts at or before an offset (documents without offsets: page).
    int rowAt(std::uint64_t offset, std::optional<std::uint32_t> page) const;
    const OutlineItem& item(int row) const { return m_items[static_cast<std::size_t>(row)]; }

    int rowCount(const QModelIndex& = {}) const override {
        return static_cast<int>(m_items.size());
    }
    QVariant data(const QModelIndex& index, int role) const override;

  private:
    std::vector<OutlineItem> m_items;
};

class OutlineDelegate : public QStyledItemDelegate {
    Q_OBJECT

  public:
    using QStyledItemDelegate::QStyledItemDelegate;
    void paint(QPainter*, const QStyleOptionViewItem&, const QModelIndex&) const override;
    QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override;
};

} // namespace dossier::ui
