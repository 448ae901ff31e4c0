// SPDX-License-Identifier: GPL-3.0-or-later
// Rows of the tree of sources.
#include "ui/sources/sources_view.h"

#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QHeaderView>
#include <QMenu>
#include <QMouseEvent>
#include <QPainter>
#include <QSortFilterProxyModel>

#include "ui/theme/icons.h"
#include "ui/theme/theme.h"

namespace dossier::ui {

int SourcesDelegate::depthOf(const QModelIndex& index) {
    int depth = 0;
    for (QModelIndex at = index.parent(); at.isValid(); at = at.parent()) {
        ++depth;
    }
    return depth;
}

// Row: 16 px margin with the dot, 14 px a level, chevron 14, gap 4, check 15, gap 4, icon 16,
// gap 4.
QRect SourcesDelegate::chevronRect(const QRect& row, int depth) {
    return {px(16 + depth * 14), row.top(), px(16), row.height()};
}

QRect SourcesDelegate::checkRect(const QRect& row, int depth) {
    return {px(16 + depth * 14 + 18), row.top() + (row.height() - px(15)) / 2, px(15), px(15)};
}

QSize SourcesDelegate::sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const {
    return {px(100), px(27)};
}

void SourcesDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                            const QModelIndex& index) const {
    QPainter& p = *painter;
    const PainterScope scope(p);
    const Tokens& t = tokens();
    const QRect row(0, option.rect.y(), option.rect.right() + 1, option.rect.height());
    const bool selected = option.state.testFlag(QStyle::State_Selected);
    if (selected || option.state.testFlag(QStyle::State_MouseOver)) {
        p.fillRect(row, selected ? t.soft : t.hover);
    }
    paintDot(p, QPointF(pxF(10), row.y() + row.height() / 2.0),
             static_cast<Dot>(index.data(SourcesModel::DotRole).toInt()));
    const int depth = depthOf(index);
    const auto* view = qobject_cast<const QTreeView*>(option.widget);
    if (index.model()->hasChildren(index) && view != nullptr) {
        const QRectF cell = chevronRect(row, depth);
        paintIcon(p,
                  view->isExpanded(index) ? QStringLiteral("chevron-down")
                                          : QStringLiteral("chevron-right"),
                  QRectF(cell.x() + pxF(1.5), cell.center().y() - pxF(5.5), pxF(11), pxF(11)),
                  t.text3, 2);
    }
    const QRect check = checkRect(row, depth);
    paintCheck(p, check, static_cast<Check>(index.data(SourcesModel::CheckRole).toInt()));
    const double iconX = check.right() + 1 + pxF(4);
    paintIcon(p, index.data(SourcesModel::IconRole).toString(),
              QRectF(iconX, row.y() + (row.height() - pxF(16)) / 2, pxF(16), pxF(16)), t.text2);

    double right = row.right() + 1 - pxF(10);
    const QString number = index.data(SourcesModel::TokensRole).toString();
    if (!number.isEmpty()) {
        const double cell =
            std::max(pxF(50), tabularWidth(QFontMetricsF(fontOf(Type::Small)), number));
        drawNumber(p, QRectF(right - cell, row.y(), cell, row.height() - pxF(4)), number,
                   fontOf(Type::Small), t.text2);
        const double share = index.data(SourcesModel::ShareRole).toDouble();
        if (share > 0) {
            const double bar = std::max(pxF(3), std::round(pxF(50) * share));
            p.setPen(Qt::NoPen);
            p.setBrush(withAlpha(t.accent, 0.6));
            p.drawRoundedRect(QRectF(right - bar, row.y() + row.height() - pxF(7), bar, pxF(3)),
                              pxF(1.5), pxF(1.5));
        }
        right -= cell + pxF(4);
    }
    const QString badge = index.data(SourcesModel::BadgeRole).toString();
    if (!badge.isEmpty()) {
        const double width = badgeWidth(badge);
        paintBadge(p, QRectF(right - width, row.y() + (row.height() - pxF(15)) / 2, width, pxF(15)),
                   badge, static_cast<BadgeKind>(index.data(SourcesModel::BadgeKindRole).toInt()));
        right -= width + pxF(4);
    }
    const double nameX = iconX + pxF(20);
    const bool folder = index.data(SourcesModel::FolderRole).toBool();
    drawElided(p, QRectF(nameX, row.y(), std::max(0.0, right - nameX), row.height()),
               index.data(Qt::DisplayRole).toString(), fontOf(folder ? Type::Medium : Type::Body),
               t.text);
    if (option.state.testFlag(QStyle::State_HasFocus) && view != nullptr && view->hasFocus()) {
        paintRowFocus(p, row);
    }
}

bool SourcesDelegate::editorEvent(QEvent* event, QAbstractItemModel* model,
                                  const QStyleOptionViewItem& option, const QModelIndex& index) {
    if (event->type() != QEvent::MouseButtonPress && event->type() != QEvent::MouseButtonRelease &&
        event->type() != QEvent::MouseButtonDblClick) {
        return false;
    }
    const auto* mouse = static_cast<QMouseEvent*>(event);
    if (mouse->button() != Qt::LeftButton) {
        return false;
    }
    const QRect row(0, option.rect.y(), option.rect.right() + 1, option.rect.height());
    const int depth = depthOf(index);
    const bool press = event->type() == QEvent::MouseButtonPress;
    if (model->hasChildren(index) && chevronRect(row, depth).contains(mouse->pos())) {
        auto* view = const_cast<QTreeView*>(qobject_cast<const QTreeView*>(option.widget));
        if (press && view != nullptr) {
            view->setExpanded(index, !view->isExpanded(index));
        }
        return true;
    } else if (checkRect(row, depth).adjusted(-3, -6, 3, 6).contains(mouse->pos())) {
        if (press) {
            const bool on = index.data(Qt::CheckStateRole).toInt() == Qt::Checked;
            model->setData(index, on ? Qt::Unchecked : Qt::Checked, Qt::CheckStateRole);
        }
        return true;
    }
    return false;
}

// ---------------------------------------------------------------- view

SourcesView::SourcesView(QWidget* parent) : QTreeView(parent) {
    setObjectName(QStringLiteral("sources"));
    setHeaderHidden(true);
    setIndentation(0);
    setRootIsDecorated(false);
    setUniformRowHeights(true);
    setMouseTracking(true);
    setSelectionMode(QAbstractItemView::ExtendedSelection);
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setExpandsOnDoubleClick(false);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setFrameShape(QFrame::NoFrame);
    setItemDelegate(new SourcesDelegate(this));
    setAccessibleName(tr("Sources"));
    connect(this, &QTreeView::clicked, this, [this](const QModelIndex& index) {
        const QRect row(0, visualRect(index).y(), viewport()->width(), visualRect(index).height());
        const int depth = SourcesDelegate::depthOf(index);
        const int x = viewport()->mapFromGlobal(QCursor::pos()).x();
        // Clicks on chevron and check box have done their work already.
        if (QApplication::keyboardModifiers() == Qt::NoModifier &&
            x > SourcesDelegate::checkRect(row, depth).right() + 3) {
            open(index);
        }
    });
    connect(this, &QTreeView::doubleClicked, this, [this](const QModelIndex& index) {
        if (index.data(SourcesModel::FolderRole).toBool()) {
            setExpanded(index, !isExpanded(index));
        }
    });
    onThemeChange(this, [this] { doItemsLayout(); });
}

SourcesModel* SourcesView::sources() const {
    auto* proxy = qobject_cast<QSortFilterProxyModel*>(model());
    return qobject_cast<SourcesModel*>(proxy != nullptr ? proxy->sourceModel() : model());
}

QModelIndex SourcesView::sourceIndex(const QModelIndex& index) const {
    auto* proxy = qobject_cast<QSortFilterProxyModel*>(model());
    return proxy != nullptr ? proxy->mapToSource(index) : index;
}

void SourcesView::setSources(SourcesModel* sourcesModel) {
    setModel(sourcesModel);
}

namespace {

std::optional<app::SourceId> sourceAt(const QModelIndex& index) {
    const QVariant id = index.data(SourcesModel::SourceIdRole);
    return id.isValid() ? std::optional(static_cast<app::SourceId>(id.toLongLong())) : std::nullopt;
}

} // namespace

void SourcesView::open(const QModelIndex& index) {
    if (const auto id = sourceAt(index)) {
        emit openRequested(*id);
    }
}

std::optional<app::SourceId> SourcesView::currentSource() const {
    return sourceAt(currentIndex());
}

QString SourcesView::forkText(app::SourceId id, bool* possible) const {
    const QString price = m_forkPrice ? m_forkPrice(id) : QString();
    *possible = !price.isEmpty();
    return *possible ? tr("&Fork here: %1").arg(price) : tr("&Fork here");
}

void SourcesView::keyPressEvent(QKeyEvent* event) {
    const QModelIndex index = currentIndex();
    if (index.isValid()) {
        switch (event->key()) {
        case Qt::Key_Return:
        case Qt::Key_Enter:
            if (index.data(SourcesModel::FolderRole).toBool()) {
                setExpanded(index, !isExpanded(index));
            }
            open(index);
            return;
        case Qt::Key_Space: {
            const bool on = index.data(Qt::CheckStateRole).toInt() == Qt::Checked;
            model()->setData(index, on ? Qt::Unchecked : Qt::Checked, Qt::CheckStateRole);
            return;
        }
        case Qt::Key_Delete: {
            std::vector<app::SourceId> ids;
            QModelIndexList chosen = selectionModel()->selectedIndexes();
            if (chosen.isEmpty()) {
                chosen << index; // the row with the focus, as for the other keys
            }
            for (const QModelIndex& selected : chosen) {
                const auto below = sources()->sourcesBelow(sourceIndex(selected));
                ids.insert(ids.end(), below.begin(), below.end());
            }
            emit removeRequested(ids);
            return;
        }
        default:
            break;
        }
    }
    QTreeView::keyPressEvent(event);
}

void SourcesView::contextMenuEvent(QContextMenuEvent* event) {
    const QModelIndex index =
        event->reason() == QContextMenuEvent::Keyboard ? currentIndex() : indexAt(event->pos());
    if (!index.isValid()) {
        return;
    }
    const auto ids = sources()->sourcesBelow(sourceIndex(index));
    const bool folder = index.data(SourcesModel::FolderRole).toBool();
    const bool on = index.data(Qt::CheckStateRole).toInt() == Qt::Checked;
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    if (!folder) {
        menu->addAction(tr("Open"), this, [this, index] { open(index); });
    }
    menu->addAction(on ? tr("Leave out of questions") : tr("Use in questions"), this,
                    [this, index = QPersistentModelIndex(index), on] {
                        model()->setData(index, on ? Qt::Unchecked : Qt::Checked,
                                         Qt::CheckStateRole);
                    });
    menu->addAction(tr("Read again"), this, [this, ids] { emit readAgainRequested(ids); });
    if (const auto id = sourceAt(index)) {
        bool possible = false;
        const QString text = forkText(*id, &possible);
        menu->addAction(icon(QStringLiteral("fork")), text, this,
                        [this, id] { emit forkRequested(*id); })
            ->setEnabled(possible);
    }
    menu->addSeparator();
    menu->addAction(tr("Copy path"), this, [path = index.data(SourcesModel::PathRole).toString()] {
        QApplication::clipboard()->setText(path);
    });
    menu->addSeparator();
    menu->addAction(tr("Remove from the dossier"), this,
                    [this, ids] { emit removeRequested(ids); });
    menu->popup(event->reason() == QContextMenuEvent::Keyboard
                    ? viewport()->mapToGlobal(visualRect(index).center())
                    : event->globalPos());
}

} // namespace dossier::ui
