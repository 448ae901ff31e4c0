// SPDX-License-Identifier: GPL-3.0-or-later
// The sources of a dossier as a tree of folders and files with token counts and check marks.
// Window thread. Folders carry the sums of what is below them.
#pragma once

#include <QAbstractItemModel>
#include <QHash>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "app/model_types.h"
#include "ui/theme/paint.h"

namespace dossier::ui {

class SourcesModel : public QAbstractItemModel {
    Q_OBJECT

  public:
    enum Role {
        SourceIdRole = Qt::UserRole + 1, ///< qlonglong; invalid for folders
        TokensRole,                      ///< QString as shown: "61,204", ">= 1,204", "…" or empty
        ShareRole,                       ///< double 0..1 of the largest entry, for the bar
        CheckRole,                       ///< int(Check)
        DotRole,                         ///< int(Dot)
        BadgeRole,                       ///< QString
        BadgeKindRole,                   ///< int(BadgeKind)
        IconRole,                        ///< icon name
        FolderRole,                      ///< bool
        PathRole,                        ///< QString "repo/src/a.cpp"
    };

    explicit SourcesModel(QObject* parent = nullptr);
    ~SourcesModel() override;

    /// Takes over the whole list (in lane order).
    void reset(const std::vector<app::Source>& sources);
    /// Entries of `ids` were added, changed or removed; `sources` is the list as it is now.
    void update(const std::vector<app::Source>& sources, const std::vector<app::SourceId>& ids);
    /// Tokens of the whole context, for the spoken share; 0 = unknown.
    void setContextTokens(std::uint64_t tokens) { m_contextTokens = tokens; }

    /// Files of these are others now than when they were added.
    void setChangedOnDisk(std::set<app::SourceId> ids);
    const std::set<app::SourceId>& changedOnDisk() const { return m_changed; }

    QModelIndex indexOf(app::SourceId id) const;
    std::optional<app::SourceId> sourceAt(const QModelIndex& index) const;
    /// The sources below (or at) an index.
    std::vector<app::SourceId> sourcesBelow(const QModelIndex& index) const;
    std::size_t fileCount() const;

    QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
    QModelIndex parent(const QModelIndex& index) const override;
    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& = {}) const override { return 1; }
    QVariant data(const QModelIndex& index, int role) const override;
    /// CheckStateRole asks for a change through `includeRequested`; the session decides.
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;
    Qt::ItemFlags flags(const QModelIndex& index) const override;

  signals:
    void includeRequested(const std::vector<dossier::app::SourceId>& ids, bool included);

  private:
    struct Node;

    Node* nodeOf(const QModelIndex& index) const;
    QModelIndex indexOf(const Node* node) const;
    void insert(const app::Source& source, bool notify);
    void remove(Node* node);
    void sum(Node* node) const;
    QString tokensText(const Node& node) const;
    QString spoken(const Node& node) const;
    std::pair<QString, BadgeKind> badge(const Node& node) const;

    std::unique_ptr<Node> m_root;
    QHash<qlonglong, Node*> m_byId;
    std::set<app::SourceId> m_changed;
    std::uint64_t m_largest = 0;
    std::uint64_t m_contextTokens = 0;
};

/// The icon of a source by format and text layer.
QString iconOf(const app::Source& source);

} // namespace dossier::ui
