// SPDX-License-Identifier: GPL-3.0-or-later
// Tree of files to add.
#include "ui/add/add_model.h"

#include <QLocale>
#include <algorithm>
#include <map>

#include "ui/widgets/basics.h"

namespace dossier::ui {

struct AddModel::Node {
    Node* parent = nullptr;
    std::vector<std::unique_ptr<Node>> children;
    QHash<QString, Node*> folders;
    QString name;
    int file = -1;
    int row = 0;
    std::uint64_t tokens = 0; ///< of chosen files
    std::size_t files = 0, chosen = 0, counted = 0;
    int depth = 0;
};

QString leftOutGroup(ingest::WalkReason kind) {
    switch (kind) {
    case ingest::WalkReason::IgnoreRule:
        return AddModel::tr("Ignored");
    case ingest::WalkReason::Repository:
        return AddModel::tr("Version control");
    case ingest::WalkReason::Binary:
        return AddModel::tr("Binary");
    case ingest::WalkReason::LockFile:
        return AddModel::tr("Lock files");
    case ingest::WalkReason::Generated:
        return AddModel::tr("Generated");
    case ingest::WalkReason::Minified:
        return AddModel::tr("Minified");
    case ingest::WalkReason::Vendored:
        return AddModel::tr("Vendored");
    case ingest::WalkReason::Secret:
        return AddModel::tr("Secrets");
    case ingest::WalkReason::TooLarge:
        return AddModel::tr("Too large");
    case ingest::WalkReason::Empty:
        return AddModel::tr("Empty");
    case ingest::WalkReason::Link:
        return AddModel::tr("Links");
    case ingest::WalkReason::Special:
    case ingest::WalkReason::Unreadable:
        return AddModel::tr("Unreadable");
    case ingest::WalkReason::None:
        break;
    }
    return {};
}

namespace {

QString typeOf(const QString& name) {
    static const std::map<QString, QString> types = {
        {QStringLiteral("pdf"), AddModel::tr("PDF")},
        {QStringLiteral("docx"), AddModel::tr("Word")},
        {QStringLiteral("html"), AddModel::tr("HTML")},
        {QStringLiteral("htm"), AddModel::tr("HTML")},
        {QStringLiteral("md"), AddModel::tr("Markdown")},
        {QStringLiteral("txt"), AddModel::tr("Text")},
    };
    const QString suffix = name.section(QLatin1Char('.'), -1).toLower();
    const auto it = types.find(suffix);
    return it != types.end()                    ? it->second
           : name.indexOf(QLatin1Char('.')) > 0 ? suffix.left(8)
                                                : AddModel::tr("File");
}

QString iconFor(const QString& name, ingest::WalkReason kind) {
    const QString type = name.section(QLatin1Char('.'), -1).toLower();
    if (kind == ingest::WalkReason::Secret) {
        return QStringLiteral("secret");
    }
    static const QStringList text = {QStringLiteral("txt"),  QStringLiteral("md"),
                                     QStringLiteral("rst"),  QStringLiteral("html"),
                                     QStringLiteral("htm"),  QStringLiteral("json"),
                                     QStringLiteral("yaml"), QStringLiteral("yml"),
                                     QStringLiteral("toml"), QStringLiteral("csv")};
    static const QStringList image = {QStringLiteral("png"), QStringLiteral("jpg"),
                                      QStringLiteral("jpeg"), QStringLiteral("gif"),
                                      QStringLiteral("svg")};
    return type == QLatin1String("pdf")      ? QStringLiteral("pdf")
           : type == QLatin1String("docx")   ? QStringLiteral("docx")
           : text.contains(type)             ? QStringLiteral("text-file")
           : image.contains(type)            ? QStringLiteral("image")
           : name.contains(QLatin1Char('.')) ? QStringLiteral("code-file")
                                             : QStringLiteral("page");
}

} // namespace

AddModel::AddModel(QObject* parent)
    : QAbstractItemModel(parent), m_root(std::make_unique<Node>()) {}

AddModel::~AddModel() = default;

void AddModel::setFiles(std::vector<AddFile> files) {
    beginResetModel();
    m_root = std::make_unique<Node>();
    m_files = std::move(files);
    m_nodes.assign(m_files.size(), nullptr);
    m_chosen.assign(m_files.size(), false);
    m_counts.clear();
    const auto child = [](Node* parent, const QString& name) {
        auto made = std::make_unique<Node>();
        made->parent = parent;
        made->name = name;
        made->row = static_cast<int>(parent->children.size());
        made->depth = parent->depth + 1;
        parent->children.push_back(std::move(made));
        return parent->children.back().get();
    };
    for (std::size_t i = 0; i < m_files.size(); ++i) {
        const QStringList parts = m_files[i].shown.split(QLatin1Char('/'), Qt::SkipEmptyParts);
        Node* node = m_root.get();
        for (qsizetype p = 0; p + 1 < parts.size(); ++p) {
            Node*& folder = node->folders[parts[p]];
            if (folder == nullptr) {
                folder = child(node, parts[p]);
            }
            node = folder;
        }
        Node* leaf = child(node, parts.isEmpty() ? m_files[i].shown : parts.back());
        leaf->file = static_cast<int>(i);
        m_nodes[i] = leaf;
        m_chosen[i] = m_files[i].proposed;
    }
    recount(m_root.get());
    refreshTotals();
    endResetModel();
    emit totalsChanged();
}

void AddModel::recount(Node* node) {
    node->tokens = 0;
    node->files = node->chosen = node->counted = 0;
    if (node->file >= 0) {
        const auto file = static_cast<std::size_t>(node->file);
        node->files = 1;
        node->chosen = m_chosen[file] ? 1 : 0;
        const auto it = m_counts.constFind(file);
        if (it != m_counts.constEnd() && m_chosen[file]) {
            node->counted = 1;
            node->tokens = it->tokens.value_or(0);
        }
        return;
    }
    for (const auto& c : node->children) {
        recount(c.get());
        node->tokens += c->tokens;
        node->files += c->files;
        node->chosen += c->chosen;
        node->counted += c->counted;
    }
}

void AddModel::refreshTotals() {
    m_tokens = m_root->tokens;
    m_chosenCount = m_root->chosen;
    m_counted = m_root->counted;
    m_largest = 0;
    for (const auto& c : m_root->children) {
        m_largest = std::max(m_largest, c->tokens);
    }
}

const AddCount* AddModel::count(std::size_t file) const {
    const auto it = m_counts.constFind(file);
    return it == m_counts.constEnd() ? nullptr : &it.value();
}

void AddModel::forgetCounts() {
    m_counts.clear();
    recount(m_root.get());
    refreshTotals();
    emit dataChanged({}, {});
    emit totalsChanged();
}

void AddModel::setCount(std::size_t file, AddCount count) {
    Node* node = m_nodes[file];
    const bool first = !m_counts.contains(file);
    m_counts.insert(file, std::move(count));
    if (m_chosen[file] && first) {
        const std::uint64_t tokens = m_counts[file].tokens.value_or(0);
        for (Node* at = node; at != nullptr; at = at->parent) {
            at->tokens += tokens;
            at->counted += 1;
        }
    }
    refreshTotals();
    for (Node* at = node; at != m_root.get(); at = at->parent) {
        const QModelIndex changed = indexOf(at);
        emit dataChanged(changed, changed);
    }
    emit totalsChanged();
}

void AddModel::chooseNode(Node* node, bool on) {
    if (node->file >= 0) {
        m_chosen[static_cast<std::size_t>(node->file)] = on;
    }
    for (const auto& c : node->children) {
        chooseNode(c.get(), on);
    }
}

void AddModel::choose(const QModelIndex& index, bool on) {
    emit layoutAboutToBeChanged();
    chooseNode(nodeOf(index), on);
    recount(m_root.get());
    refreshTotals();
    // Sums of ancestors and bars of everything may have changed.
    emit layoutChanged();
    emit totalsChanged();
}

void AddModel::chooseGroup(const QString& group, bool on) {
    emit layoutAboutToBeChanged();
    for (std::size_t i = 0; i < m_files.size(); ++i) {
        if (!m_files[i].proposed && leftOutGroup(m_files[i].kind) == group) {
            m_chosen[i] = on;
        }
    }
    recount(m_root.get());
    refreshTotals();
    emit layoutChanged();
    emit totalsChanged();
}

std::vector<std::pair<QString, std::size_t>> AddModel::leftOut() const {
    std::map<QString, std::size_t> groups;
    for (const AddFile& file : m_files) {
        if (!file.proposed) {
            ++groups[leftOutGroup(file.kind)];
        }
    }
    std::vector<std::pair<QString, std::size_t>> result(groups.begin(), groups.end());
    std::stable_sort(result.begin(), result.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    return result;
}

std::vector<QString> AddModel::largestFolders() const {
    std::vector<std::pair<std::uint64_t, QString>> folders;
    const auto collect = [&](const Node* node, const auto& self) -> void {
        for (const auto& c : node->children) {
            if (c->file < 0 && c->tokens > 0 && c->depth > 1) {
                folders.emplace_back(c->tokens, c->name);
            } else {
                self(c.get(), self);
                continue;
            }
        }
    };
    collect(m_root.get(), collect);
    std::sort(folders.rbegin(), folders.rend());
    std::vector<QString> names;
    for (std::size_t i = 0; i < folders.size() && i < 3; ++i) {
        names.push_back(folders[i].second);
    }
    return names;
}

// ---------------------------------------------------------------- item model

AddModel::Node* AddModel::nodeOf(const QModelIndex& index) const {
    return index.isValid() ? static_cast<Node*>(index.internalPointer()) : m_root.get();
}

QModelIndex AddModel::indexOf(const Node* node) const {
    return node == m_root.get() ? QModelIndex()
                                : createIndex(node->row, 0, const_cast<Node*>(node));
}

QModelIndex AddModel::index(int row, int column, const QModelIndex& parent) const {
    const Node* node = nodeOf(parent);
    return column != 0 || row < 0 || row >= static_cast<int>(node->children.size())
               ? QModelIndex()
               : createIndex(row, 0, node->children[static_cast<std::size_t>(row)].get());
}

QModelIndex AddModel::parent(const QModelIndex& index) const {
    const Node* node = nodeOf(index);
    return node->parent == nullptr ? QModelIndex() : indexOf(node->parent);
}

int AddModel::rowCount(const QModelIndex& parent) const {
    return static_cast<int>(nodeOf(parent)->children.size());
}

QVariant AddModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid()) {
        return {};
    }
    const Node& node = *nodeOf(index);
    const AddFile* file = node.file >= 0 ? &m_files[static_cast<std::size_t>(node.file)] : nullptr;
    const AddCount* counted = node.file >= 0 ? count(static_cast<std::size_t>(node.file)) : nullptr;
    switch (role) {
    case Qt::DisplayRole:
        return node.name;
    case Qt::CheckStateRole:
        return node.chosen == 0            ? Qt::Unchecked
               : node.chosen == node.files ? Qt::Checked
                                           : Qt::PartiallyChecked;
    case CheckRole:
        return static_cast<int>(node.chosen == 0            ? Check::Off
                                : node.chosen == node.files ? Check::On
                                                            : Check::Mixed);
    case TokensRole:
        if (node.chosen == 0) {
            return QStringLiteral("—");
        } else if (file != nullptr) {
            return counted == nullptr ? QStringLiteral("…")
                   : counted->tokens  ? number(*counted->tokens)
                                      : QStringLiteral("—");
        }
        return (node.counted < node.chosen ? QStringLiteral("≥ ") : QString()) +
               number(node.tokens);
    case ShareRole:
        return m_largest == 0 ? 0.0
                              : static_cast<double>(node.tokens) / static_cast<double>(m_largest);
    case TypeRole:
        return file == nullptr || file->folder ? tr("Folder") : typeOf(node.name);
    case AmountRole:
        if (file == nullptr) {
            return node.files == 1 ? tr("1 file") : tr("%1 files").arg(number(node.files));
        } else if (counted != nullptr && counted->pages > 0) {
            return counted->pages == 1 ? tr("1 page") : tr("%1 pages").arg(number(counted->pages));
        } else if (counted != nullptr && counted->lines > 0) {
            return counted->lines == 1 ? tr("1 line") : tr("%1 lines").arg(number(counted->lines));
        }
        if (file->folder) {
            return QStringLiteral("—");
        }
        return QLocale().formattedDataSize(static_cast<qint64>(file->bytes), 0,
                                           QLocale::DataSizeSIFormat);
    case NoteRole:
        if (file == nullptr) {
            return {};
        } else if (counted != nullptr && !counted->problem.isEmpty()) {
            return counted->problem;
        } else if (counted != nullptr && counted->pagesWithoutText > 0) {
            return counted->pagesWithoutText >= counted->pages
                       ? tr("no text layer")
                       : tr("%1 pages without text").arg(counted->pagesWithoutText);
        }
        return file->reason;
    case NoteKindRole:
        if (counted != nullptr && !counted->problem.isEmpty()) {
            return static_cast<int>(BadgeKind::Error);
        } else if (counted != nullptr && counted->pagesWithoutText > 0) {
            return static_cast<int>(BadgeKind::Warning);
        }
        return static_cast<int>(file != nullptr && file->kind == ingest::WalkReason::Secret
                                    ? BadgeKind::Error
                                    : BadgeKind::Neutral);
    case IconRole:
        return file == nullptr || file->folder ? QStringLiteral("folder")
                                               : iconFor(node.name, file->kind);
    case FolderRole:
        return file == nullptr;
    case FileRole:
        return node.file;
    case Qt::ToolTipRole:
        return file == nullptr ? node.name : file->shown;
    case Qt::AccessibleTextRole: {
        QStringList parts{node.name, data(index, TypeRole).toString(),
                          data(index, AmountRole).toString(),
                          tr("%1 tokens").arg(data(index, TokensRole).toString())};
        const QString note = data(index, NoteRole).toString();
        if (!note.isEmpty()) {
            parts << note;
        }
        parts << (node.chosen == 0 ? tr("left out") : tr("chosen"));
        return parts.join(QStringLiteral(", "));
    }
    default:
        return {};
    }
}

bool AddModel::setData(const QModelIndex& index, const QVariant& value, int role) {
    if (!index.isValid() || role != Qt::CheckStateRole) {
        return false;
    }
    choose(index, value.toInt() == Qt::Checked);
    return true;
}

Qt::ItemFlags AddModel::flags(const QModelIndex& index) const {
    return index.isValid() ? Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable
                           : Qt::NoItemFlags;
}

} // namespace dossier::ui
