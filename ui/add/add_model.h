// SPDX-License-Identifier: GPL-3.0-or-later
// What adding files and folders would bring: a tree with check marks, tokens as they are counted,
// and for everything left out the rule that did it. Window thread.
#pragma once

#include <QAbstractItemModel>
#include <QHash>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "app/model_types.h"
#include "ingest/ingest.h"
#include "ui/theme/paint.h"

namespace dossier::ui {

/// One file that was found.
struct AddFile {
    std::filesystem::path path; ///< absolute
    QString shown;              ///< relative to the chosen folder, with the folder's name
    std::uint64_t bytes = 0;
    bool proposed = true; ///< by the walk
    bool folder = false;  ///< a folder that is left out as a whole
    ingest::WalkReason kind = ingest::WalkReason::None;
    QString reason; ///< why it is left out; empty when proposed
};

/// What reading a file for the preview found out.
struct AddCount {
    std::optional<std::uint64_t> tokens; ///< nullopt when it could not be read
    std::uint64_t pages = 0, lines = 0, pagesWithoutText = 0;
    QString problem;
    app::DocumentPtr document; ///< kept for small documents, for the text beside the page
};

/// Rules that leave files out, in a word: "Ignored", "Vendored", ...
QString leftOutGroup(ingest::WalkReason kind);

class AddModel : public QAbstractItemModel {
    Q_OBJECT

  public:
    enum Role {
        CheckRole = Qt::UserRole + 1,
        TokensRole,
        ShareRole,
        TypeRole,
        AmountRole,
        NoteRole,
        NoteKindRole,
        IconRole,
        FolderRole,
        FileRole, ///< index into files(), -1 for folders
    };

    explicit AddModel(QObject* parent = nullptr);
    ~AddModel() override;

    void setFiles(std::vector<AddFile> files);
    const std::vector<AddFile>& files() const { return m_files; }
    const AddCount* count(std::size_t file) const;
    void setCount(std::size_t file, AddCount count);
    void forgetCounts();
    bool chosen(std::size_t file) const { return m_chosen[file]; }
    void choose(const QModelIndex& index, bool on);
    /// All files whose left-out group is `group`.
    void chooseGroup(const QString& group, bool on);

    std::uint64_t chosenTokens() const { return m_tokens; }
    std::size_t chosenFiles() const { return m_chosenCount; }
    bool exact() const { return m_counted == m_chosenCount; }
    std::size_t uncounted() const { return m_chosenCount - m_counted; }
    /// Groups of what is left out, with their sizes, largest first.
    std::vector<std::pair<QString, std::size_t>> leftOut() const;
    /// The three folders with the most chosen tokens.
    std::vector<QString> largestFolders() const;

    QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
    QModelIndex parent(const QModelIndex& index) const override;
    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& = {}) const override { return 1; }
    QVariant data(const QModelIndex& index, int role) const override;
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;
    Qt::ItemFlags flags(const QModelIndex& index) const override;

  signals:
    void totalsChanged();

  private:
    struct Node;
    Node* nodeOf(const QModelIndex& index) const;
    QModelIndex indexOf(const Node* node) const;
    void recount(Node* node);
    void refreshTotals();
    void chooseNode(Node* node, bool on);

    std::unique_ptr<Node> m_root;
    std::vector<AddFile> m_files;
    std::vector<Node*> m_nodes; ///< by file
    std::vector<bool> m_chosen;
    QHash<std::size_t, AddCount> m_counts;
    std::uint64_t m_tokens = 0, m_largest = 0;
    std::size_t m_chosenCount = 0, m_counted = 0;
};

} // namespace dossier::ui
