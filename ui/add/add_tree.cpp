// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/add/add_tree.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QStyledItemDelegate>

#include "ui/add/add_model.h"
#include "ui/add/add_preview.h"
#include "ui/theme/icons.h"
#include "ui/widgets/overlay_scroll.h"

namespace dossier::ui {
namespace {

// Columns from the right: note 196, tokens 78, amount 84, type 78.
constexpr double kNote = 196, kTokens = 78, kAmount = 88, kType = 78, kIndent = 17;

int depthOf(QModelIndex index) {
    int depth = 0;
    for (index = index.parent(); index.isValid(); index = index.parent()) {
        ++depth;
    }
    return depth;
}

QRect chevronRect(const QRect& row, int depth) {
    return {px(10 + depth * kIndent), row.y(), px(18), row.height()};
}

QRect checkRect(const QRect& row, int depth) {
    return {px(10 + depth * kIndent + 18), row.y() + (row.height() - px(15)) / 2, px(15), px(15)};
}

class Delegate : public QStyledItemDelegate {
  public:
    using QStyledItemDelegate::QStyledItemDelegate;

    QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override {
        return {px(100), px(27)};
    }

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        QPainter& p = *painter;
        const PainterScope scope(p);
        const Tokens& t = tokens();
        const QRect row(0, option.rect.y(), option.rect.right() + 1, option.rect.height());
        if (option.state.testFlag(QStyle::State_Selected) ||
            option.state.testFlag(QStyle::State_MouseOver)) {
            p.fillRect(row, option.state.testFlag(QStyle::State_Selected) ? t.soft : t.hover);
        }
        const auto* view = qobject_cast<const QTreeView*>(option.widget);
        const int depth = depthOf(index);
        if (index.model()->hasChildren(index)) {
            const QRect cell = chevronRect(row, depth);
            paintIcon(p,
                      view->isExpanded(index) ? QStringLiteral("chevron-down")
                                              : QStringLiteral("chevron-right"),
                      QRectF(cell.x() + pxF(2), cell.center().y() - pxF(5), pxF(11), pxF(11)),
                      t.text3, 2);
        }
        const auto state = static_cast<Check>(index.data(AddModel::CheckRole).toInt());
        const QColor ink = state == Check::Off ? t.text3 : t.text;
        const QColor quiet = state == Check::Off ? t.text3 : t.text2;
        const QRect check = checkRect(row, depth);
        paintCheck(p, check, state);
        double x = check.right() + 1 + pxF(4);
        paintIcon(p, index.data(AddModel::IconRole).toString(),
                  QRectF(x, row.y() + (row.height() - pxF(16)) / 2, pxF(16), pxF(16)), t.text2);
        x += pxF(20);
        double right = row.right() - pxF(12);
        const double h = row.height();
        const QString note = index.data(AddModel::NoteRole).toString();
        if (!note.isEmpty()) {
            const QString shown = QFontMetricsF(fontOf(Type::Caption))
                                      .elidedText(note, Qt::ElideRight, pxF(kNote - 12));
            paintBadge(
                p,
                QRectF(right - pxF(kNote), row.y() + (h - pxF(15)) / 2, badgeWidth(shown), pxF(15)),
                shown, static_cast<BadgeKind>(index.data(AddModel::NoteKindRole).toInt()));
        }
        right -= pxF(kNote + 14);
        const QString count = index.data(AddModel::TokensRole).toString();
        drawNumber(p, QRectF(right - pxF(kTokens), row.y(), pxF(kTokens), h - pxF(4)), count,
                   fontOf(Type::Small), quiet);
        const double share = index.data(AddModel::ShareRole).toDouble();
        if (share > 0) {
            const double bar = std::max(pxF(3), pxF(72) * share);
            p.setPen(Qt::NoPen);
            p.setBrush(withAlpha(t.accent, 0.6));
            p.drawRoundedRect(QRectF(right - bar, row.y() + h - pxF(7), bar, pxF(3)), pxF(1.5),
                              pxF(1.5));
        }
        right -= pxF(kTokens);
        drawNumber(p, QRectF(right - pxF(kAmount), row.y(), pxF(kAmount), h),
                   index.data(AddModel::AmountRole).toString(), fontOf(Type::Small), quiet);
        right -= pxF(kAmount);
        drawElided(p, QRectF(right - pxF(kType), row.y(), pxF(kType - 8), h),
                   index.data(AddModel::TypeRole).toString(), fontOf(Type::Small), quiet);
        right -= pxF(kType + 6);
        drawElided(p, QRectF(x, row.y(), std::max(0.0, right - x), h),
                   index.data(Qt::DisplayRole).toString(),
                   fontOf(index.data(AddModel::FolderRole).toBool() ? Type::Medium : Type::Body),
                   ink);
        if (option.state.testFlag(QStyle::State_HasFocus) && view->hasFocus()) {
            paintRowFocus(p, row);
        }
    }

    bool editorEvent(QEvent* event, QAbstractItemModel* model, const QStyleOptionViewItem& option,
                     const QModelIndex& index) override {
        if (event->type() != QEvent::MouseButtonPress) {
            return event->type() == QEvent::MouseButtonDblClick;
        }
        const QPoint at = static_cast<QMouseEvent*>(event)->pos();
        const QRect row(0, option.rect.y(), option.rect.right() + 1, option.rect.height());
        auto* view = const_cast<QTreeView*>(qobject_cast<const QTreeView*>(option.widget));
        if (model->hasChildren(index) && chevronRect(row, depthOf(index)).contains(at)) {
            view->setExpanded(index, !view->isExpanded(index));
            return true;
        } else if (checkRect(row, depthOf(index)).adjusted(-3, -6, 3, 6).contains(at)) {
            model->setData(index,
                           index.data(Qt::CheckStateRole).toInt() == Qt::Checked ? Qt::Unchecked
                                                                                 : Qt::Checked,
                           Qt::CheckStateRole);
            return true;
        }
        return false;
    }
};

} // namespace

AddTree::AddTree(QWidget* parent) : QTreeView(parent) {
    setItemDelegate(new Delegate(this));
    setHeaderHidden(true);
    setIndentation(0);
    setRootIsDecorated(false);
    setUniformRowHeights(true);
    setMouseTracking(true);
    new OverlayScrollBar(this);
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setAccessibleName(AddPreview::tr("Files to add"));
}

void AddTree::keyPressEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Space && currentIndex().isValid()) {
        const bool on = currentIndex().data(Qt::CheckStateRole).toInt() == Qt::Checked;
        model()->setData(currentIndex(), on ? Qt::Unchecked : Qt::Checked, Qt::CheckStateRole);
        return;
    }
    QTreeView::keyPressEvent(event);
}

AddHeader::AddHeader(QWidget* parent) : QWidget(parent) {
    onThemeChange(this, [this] { setFixedHeight(px(28)); });
}

void AddHeader::paintEvent(QPaintEvent*) {
    QPainter p(this);
    p.fillRect(rect(), tokens().window);
    p.fillRect(0, height() - 1, width(), 1, tokens().line);
    const QFont font = fontOf(Type::Small);
    const QColor ink = tokens().text2;
    double right = width() - pxF(12);
    drawText(p, QRectF(right - pxF(kNote), 0, pxF(kNote), height()), AddPreview::tr("Note"), font,
             ink);
    right -= pxF(kNote + 14);
    const auto column = [&](const QString& text, double width, Qt::Alignment alignment) {
        drawText(p, QRectF(right - pxF(width), 0, pxF(width), height()), text, font, ink,
                 alignment | Qt::AlignVCenter);
        right -= pxF(width);
    };
    column(AddPreview::tr("Tokens"), kTokens, Qt::AlignRight);
    column(AddPreview::tr("Pages / files"), kAmount, Qt::AlignRight);
    column(AddPreview::tr("Type"), kType, Qt::AlignLeft);
    drawText(p, QRectF(pxF(38), 0, pxF(200), height()), AddPreview::tr("Name"), font, ink);
}

BudgetLegend::BudgetLegend(QWidget* parent) : QWidget(parent) {
    onThemeChange(this, [this] { setFixedHeight(px(17)); });
}

void BudgetLegend::set(std::vector<Entry> entries, const QString& total) {
    m_entries = std::move(entries);
    m_total = total;
    QStringList spoken;
    for (const Entry& entry : m_entries) {
        spoken << entry.name + QLatin1Char(' ') + entry.value;
    }
    setAccessibleName(spoken.join(QStringLiteral(", ")) + QLatin1Char(' ') + total);
    update();
}

void BudgetLegend::paintEvent(QPaintEvent*) {
    QPainter p(this);
    double x = 0;
    for (const Entry& entry : m_entries) {
        paintSwatch(p, QRectF(x, (height() - pxF(10)) / 2, pxF(10), pxF(10)), entry.part);
        x += pxF(16);
        drawText(p, QRectF(x, 0, width(), height()), entry.name, fontOf(Type::Small),
                 tokens().text2);
        x += QFontMetricsF(fontOf(Type::Small)).horizontalAdvance(entry.name) + pxF(6);
        const double wide = tabularWidth(QFontMetricsF(fontOf(Type::SmallMedium)), entry.value);
        drawNumber(p, QRectF(x, 0, wide, height()), entry.value, fontOf(Type::SmallMedium),
                   tokens().text);
        x += wide + pxF(22);
    }
    if (x + tabularWidth(QFontMetricsF(fontOf(Type::Small)), m_total) < width()) {
        drawNumber(p, rect(), m_total, fontOf(Type::Small), tokens().text2);
    }
}

} // namespace dossier::ui
