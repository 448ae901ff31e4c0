// SPDX-License-Identifier: GPL-3.0-or-later
// Tree of sources.
#include "ui/sources/sources_model.h"

#include <QLocale>
#include <algorithm>

#include "ui/widgets/basics.h"

namespace dossier::ui {

struct SourcesModel::Node {
    Node* parent = nullptr;
    std::vector<std::unique_ptr<Node>> children;
    QString name;
    std::optional<app::Source> source; ///< absent for folders
    // Sums over the files below (or the file itself).
    std::uint64_t tokens = 0, counted = 0, files = 0, included = 0, failed = 0, waiting = 0,
                  reading = 0;
    bool code = false;
    int row = 0;                   ///< in parent->children
    QHash<QString, Node*> folders; ///< the children that are folders, by name

    /// Of the first file below, or of the file itself: children stand in this order.
    app::SourceId first() const {
        const Node* node = this;
        while (!node->source) {
            node = node->children.front().get();
        }
        return node->source->id;
    }
    /// Where something with this id belongs: mostly at the end, but what is put back goes to its
    /// old place.
    int placeOf(app::SourceId id) const {
        auto at = children.size();
        while (at > 0 && children[at - 1]->first() > id) {
            --at;
        }
        return static_cast<int>(at);
    }
    Node* insert(int at, std::unique_ptr<Node> child) {
        child->parent = this;
        if (!child->source) {
            folders.insert(child->name, child.get());
        }
        Node* inserted = child.get();
        children.insert(children.begin() + at, std::move(child));
        number(at);
        return inserted;
    }
    void erase(int at) {
        if (!children[static_cast<std::size_t>(at)]->source) {
            folders.remove(children[static_cast<std::size_t>(at)]->name);
        }
        children.erase(children.begin() + at);
        number(at);
    }
    void number(int from) {
        for (auto i = static_cast<std::size_t>(from); i < children.size(); ++i) {
            children[i]->row = static_cast<int>(i);
        }
    }
};

QString iconOf(const app::Source& source) {
    switch (source.format) {
    case ingest::Format::Pdf:
        if (source.pages > 0 && source.pagesWithoutText >= source.pages) {
            return QStringLiteral("image");
        }
        return source.pagesWithoutText > 0 ? QStringLiteral("scan") : QStringLiteral("pdf");
    case ingest::Format::Docx:
        return QStringLiteral("docx");
    case ingest::Format::Code:
        return QStringLiteral("code-file");
    default:
        return QStringLiteral("text-file");
    }
}

SourcesModel::SourcesModel(QObject* parent)
    : QAbstractItemModel(parent), m_root(std::make_unique<Node>()) {}

SourcesModel::~SourcesModel() = default;

void SourcesModel::reset(const std::vector<app::Source>& sources) {
    beginResetModel();
    m_root = std::make_unique<Node>();
    m_byId.clear();
    for (const app::Source& source : sources) {
        insert(source, false);
    }
    sum(m_root.get());
    m_largest = 0;
    for (const auto& child : m_root->children) {
        m_largest = std::max(m_largest, child->tokens);
    }
    endResetModel();
}

void SourcesModel::update(const std::vector<app::Source>& sources,
                          const std::vector<app::SourceId>& ids) {
    QHash<qlonglong, const app::Source*> now;
    now.reserve(static_cast<qsizetype>(sources.size()));
    for (const app::Source& source : sources) {
        now.insert(static_cast<qlonglong>(source.id), &source);
    }
    // Larger changes are cheaper (and calmer on screen) as one reset.
    const bool structural = std::any_of(ids.begin(), ids.end(), [&](app::SourceId id) {
        const auto key = static_cast<qlonglong>(id);
        return now.contains(key) != m_byId.contains(key);
    });
    if (structural && ids.size() > 200) {
        reset(sources);
        return;
    }
    for (const app::SourceId id : ids) {
        const auto key = static_cast<qlonglong>(id);
        const app::Source* source = now.value(key);
        Node* node = m_byId.value(key);
        if (source == nullptr && node != nullptr) {
            remove(node);
        } else if (source != nullptr && node == nullptr) {
            insert(*source, true);
        } else if (node != nullptr) {
            node->source = *source;
        }
    }
    sum(m_root.get());
    m_largest = 0;
    for (const auto& child : m_root->children) {
        m_largest = std::max(m_largest, child->tokens);
    }
    // Sums of ancestors and all bars may have changed.
    if (!m_root->children.empty()) {
        emit dataChanged(index(0, 0), index(rowCount() - 1, 0));
        for (const app::SourceId id : ids) {
            const QModelIndex changed = indexOf(id);
            if (changed.isValid()) {
                emit dataChanged(changed, changed);
            }
        }
    }
}

void SourcesModel::insert(const app::Source& source, bool notify) {
    // Folders that are not there yet are made with the file in them: none is ever empty.
    Node* parent = m_root.get();
    QStringList missing;
    for (const QString& part :
         QString::fromStdString(source.folder).split(QLatin1Char('/'), Qt::SkipEmptyParts)) {
        Node* folder = missing.isEmpty() ? parent->folders.value(part) : nullptr;
        folder != nullptr ? void(parent = folder) : void(missing << part);
    }
    auto node = std::make_unique<Node>();
    node->name = QString::fromStdString(source.name);
    node->source = source;
    m_byId.insert(static_cast<qlonglong>(source.id), node.get());
    while (!missing.isEmpty()) {
        auto folder = std::make_unique<Node>();
        folder->name = missing.takeLast();
        folder->insert(0, std::move(node));
        node = std::move(folder);
    }
    const int row = parent->placeOf(source.id);
    if (notify) {
        beginInsertRows(indexOf(parent), row, row);
    }
    parent->insert(row, std::move(node));
    if (notify) {
        endInsertRows();
    }
}

void SourcesModel::remove(Node* node) {
    if (node->source) {
        m_byId.remove(static_cast<qlonglong>(node->source->id));
    }
    Node* parent = node->parent;
    const int row = node->row;
    beginRemoveRows(indexOf(parent), row, row);
    parent->erase(row);
    endRemoveRows();
    if (parent->children.empty() && parent != m_root.get()) {
        remove(parent);
    }
}

void SourcesModel::sum(Node* node) const {
    if (node->source) {
        const app::Source& s = *node->source;
        node->tokens = s.tokens.value_or(0);
        // A scan without text has nothing to count.
        node->counted = s.tokens || (s.pages > 0 && s.pagesWithoutText >= s.pages) ? 1 : 0;
        node->files = 1;
        node->included = s.included && s.state != app::SourceState::Failed ? 1 : 0;
        node->failed = s.state == app::SourceState::Failed ? 1 : 0;
        node->waiting = s.state == app::SourceState::Queued ? 1 : 0;
        node->reading = s.state == app::SourceState::Reading ? 1 : 0;
        node->code = s.format == ingest::Format::Code;
        return;
    }
    node->tokens = node->counted = node->files = node->included = node->failed = node->waiting =
        node->reading = 0;
    node->code = false;
    for (const auto& child : node->children) {
        sum(child.get());
        node->tokens += child->tokens;
        node->counted += child->counted;
        node->files += child->files;
        node->included += child->included;
        node->failed += child->failed;
        node->waiting += child->waiting;
        node->reading += child->reading;
        node->code = node->code || child->code;
    }
}

// ---------------------------------------------------------------- indices

SourcesModel::Node* SourcesModel::nodeOf(const QModelIndex& index) const {
    return index.isValid() ? static_cast<Node*>(index.internalPointer()) : m_root.get();
}

QModelIndex SourcesModel::indexOf(const Node* node) const {
    if (node == m_root.get()) {
        return {};
    }
    return createIndex(node->row, 0, const_cast<Node*>(node));
}

void SourcesModel::setChangedOnDisk(std::set<app::SourceId> ids) {
    std::swap(m_changed, ids);
    ids.insert(m_changed.begin(), m_changed.end());
    for (const app::SourceId id : ids) {
        const QModelIndex index = indexOf(id);
        if (index.isValid()) {
            emit dataChanged(index, index);
        }
    }
}

QModelIndex SourcesModel::indexOf(app::SourceId id) const {
    const Node* node = m_byId.value(static_cast<qlonglong>(id));
    return node == nullptr ? QModelIndex() : indexOf(node);
}

std::optional<app::SourceId> SourcesModel::sourceAt(const QModelIndex& index) const {
    const Node* node = nodeOf(index);
    return node->source ? std::optional(node->source->id) : std::nullopt;
}

std::vector<app::SourceId> SourcesModel::sourcesBelow(const QModelIndex& index) const {
    std::vector<app::SourceId> result;
    const auto collect = [&](const Node* node, const auto& self) -> void {
        if (node->source) {
            result.push_back(node->source->id);
        }
        for (const auto& child : node->children) {
            self(child.get(), self);
        }
    };
    collect(nodeOf(index), collect);
    return result;
}

std::size_t SourcesModel::fileCount() const {
    return static_cast<std::size_t>(m_byId.size());
}

QModelIndex SourcesModel::index(int row, int column, const QModelIndex& parent) const {
    const Node* node = nodeOf(parent);
    if (column != 0 || row < 0 || row >= static_cast<int>(node->children.size())) {
        return {};
    }
    return createIndex(row, 0, node->children[static_cast<std::size_t>(row)].get());
}

QModelIndex SourcesModel::parent(const QModelIndex& index) const {
    const Node* node = nodeOf(index);
    return node->parent == nullptr ? QModelIndex() : indexOf(node->parent);
}

int SourcesModel::rowCount(const QModelIndex& parent) const {
    return parent.column() > 0 ? 0 : static_cast<int>(nodeOf(parent)->children.size());
}

// ---------------------------------------------------------------- data

QString SourcesModel::tokensText(const Node& node) const {
    if (node.source) {
        const app::Source& s = *node.source;
        const bool noText = s.pages > 0 && s.pagesWithoutText >= s.pages;
        if (s.state == app::SourceState::Failed || noText) {
            return {};
        }
        return s.tokens ? number(*s.tokens) : QStringLiteral("…");
    }
    const QString tokens = number(node.tokens);
    return node.counted + node.failed < node.files ? QStringLiteral("≥ ") + tokens : tokens;
}

std::pair<QString, BadgeKind> SourcesModel::badge(const Node& node) const {
    if (!node.source) {
        return node.failed > 0 ? std::pair(tr("%1 failed").arg(node.failed), BadgeKind::Error)
                               : std::pair(QString(), BadgeKind::Neutral);
    }
    const app::Source& s = *node.source;
    if (s.state == app::SourceState::Failed) {
        return {s.failure && s.failure->code == ErrorCode::Encrypted ? tr("password")
                                                                     : tr("failed"),
                BadgeKind::Error};
    } else if (m_changed.contains(s.id)) {
        return {tr("changed"), BadgeKind::Warning}; // on disk
    } else if (s.pages > 0 && s.pagesWithoutText >= s.pages) {
        return {tr("no text layer"), BadgeKind::Warning};
    } else if (s.pagesWithoutText > 0) {
        return {tr("%n without text", nullptr, static_cast<int>(s.pagesWithoutText)),
                BadgeKind::Warning};
    }
    return {{}, BadgeKind::Neutral};
}

QString SourcesModel::spoken(const Node& node) const {
    QStringList parts{node.name};
    if (!node.source) {
        parts << tr("folder, %n file(s)", nullptr, static_cast<int>(node.files));
    } else {
        switch (node.source->state) {
        case app::SourceState::Queued:
            parts << tr("queued");
            break;
        case app::SourceState::Reading:
            parts << tr("reading");
            break;
        case app::SourceState::Ready:
            parts << tr("read");
            break;
        case app::SourceState::Failed:
            parts << tr("failed");
            break;
        }
    }
    const QString tokens = tokensText(node);
    if (!tokens.isEmpty() && tokens != QStringLiteral("…")) {
        parts << tr("%1 tokens").arg(tokens);
        if (m_contextTokens > 0) {
            parts << tr("%1 % of the context")
                         .arg(QLocale().toString(100.0 * static_cast<double>(node.tokens) /
                                                     static_cast<double>(m_contextTokens),
                                                 'f', 1));
        }
    }
    const QString mark = badge(node).first;
    if (!mark.isEmpty()) {
        parts << mark;
    }
    parts << (node.included == 0            ? tr("not asked")
              : node.included == node.files ? tr("in the context")
                                            : tr("partly in the context"));
    return parts.join(QStringLiteral(", "));
}

QVariant SourcesModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid()) {
        return {};
    }
    const Node& node = *nodeOf(index);
    const app::Source* source = node.source ? &*node.source : nullptr;
    switch (role) {
    case Qt::DisplayRole:
        return node.name;
    case Qt::AccessibleTextRole:
        return spoken(node);
    case Qt::ToolTipRole:
        if (source != nullptr && source->failure) {
            return QString::fromStdString(source->failure->failed + ". " + source->failure->remedy);
        } else if (source != nullptr && !source->warnings.empty()) {
            return QString::fromStdString(source->warnings.front());
        }
        return source != nullptr ? QString::fromStdString(source->path()) : QVariant(node.name);
    case Qt::CheckStateRole:
        return node.included == 0            ? Qt::Unchecked
               : node.included == node.files ? Qt::Checked
                                             : Qt::PartiallyChecked;
    case SourceIdRole:
        return source != nullptr ? QVariant(static_cast<qlonglong>(source->id)) : QVariant();
    case TokensRole:
        return tokensText(node);
    case ShareRole:
        return m_largest == 0 ? 0.0
                              : static_cast<double>(node.tokens) / static_cast<double>(m_largest);
    case CheckRole:
        return static_cast<int>(node.included == 0            ? Check::Off
                                : node.included == node.files ? Check::On
                                                              : Check::Mixed);
    case DotRole: {
        if (node.files == node.failed || (source != nullptr && tokensText(node).isEmpty())) {
            return static_cast<int>(Dot::None);
        }
        return static_cast<int>(node.reading > 0                          ? Dot::Reading
                                : node.waiting > 0                        ? Dot::Queued
                                : node.included == 0                      ? Dot::Counted
                                : node.counted + node.failed < node.files ? Dot::Counted
                                                                          : Dot::Read);
    }
    case BadgeRole:
        return badge(node).first;
    case BadgeKindRole:
        return static_cast<int>(badge(node).second);
    case IconRole:
        if (source != nullptr) {
            return iconOf(*source);
        }
        return node.code && node.parent == m_root.get() ? QStringLiteral("repository")
                                                        : QStringLiteral("folder");
    case FolderRole:
        return source == nullptr;
    case PathRole: {
        QStringList parts;
        for (const Node* at = &node; at->parent != nullptr; at = at->parent) {
            parts.prepend(at->name);
        }
        return parts.join(QLatin1Char('/'));
    }
    default:
        return {};
    }
}

bool SourcesModel::setData(const QModelIndex& index, const QVariant& value, int role) {
    if (!index.isValid() || role != Qt::CheckStateRole) {
        return false;
    }
    emit includeRequested(sourcesBelow(index), value.toInt() == Qt::Checked);
    return true;
}

Qt::ItemFlags SourcesModel::flags(const QModelIndex& index) const {
    if (!index.isValid()) {
        return {};
    }
    return Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable;
}

} // namespace dossier::ui
