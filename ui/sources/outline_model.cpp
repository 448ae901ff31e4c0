// SPDX-License-Identifier: GPL-3.0-or-later
// Rows of the outline.
#include "ui/sources/outline_model.h"

#include <QPainter>
#include <QRegularExpression>
#include <algorithm>

#include "ui/theme/icons.h"
#include "ui/theme/paint.h"
#include "ui/theme/theme.h"

namespace dossier::ui {
namespace {

/// Splits "5.2 Landlord's repairs" into number and title.
void splitNumber(OutlineItem& item) {
    static const QRegularExpression pattern(QStringLiteral(
        R"(^\s*(?:Article|Section|Clause|ARTICLE|SECTION)?\s*(\d+(?:\.\d+)*)[.)]?\s+(\S.*)$)"));
    const auto match = pattern.match(item.title);
    if (match.hasMatch() && match.captured(1).size() <= 6) {
        item.number = match.captured(1);
        item.title = match.captured(2);
    }
}

QString cleaned(std::string_view text) {
    QString title =
        QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size())).simplified();
    if (title.size() > 120) {
        title = title.left(119) + QStringLiteral("…");
    }
    static const QRegularExpression hashes(QStringLiteral("^#{1,6} ")); // Markdown
    title.remove(hashes);
    return title;
}

} // namespace

std::vector<OutlineItem> outlineOf(const ingest::Document& document,
                                   const std::vector<ingest::OutlineEntry>& entries) {
    std::vector<OutlineItem> items;
    const auto label = [&](std::uint32_t page) {
        return page < document.pages.size() ? QString::fromStdString(document.pages[page].label)
                                            : QString();
    };
    for (const ingest::OutlineEntry& entry : entries) {
        OutlineItem item;
        item.title = cleaned(entry.title);
        item.level = static_cast<int>(entry.level);
        item.page = entry.page;
        item.place = label(entry.page);
        if (entry.page < document.pages.size()) {
            const auto begin = document.pages[entry.page].range.begin;
            item.range = {begin, begin};
        }
        splitNumber(item);
        items.push_back(std::move(item));
    }
    if (!items.empty()) {
        return items;
    }
    for (const ingest::Block& block : document.blocks) {
        if (block.kind != ingest::BlockKind::Heading || items.size() >= 5000) {
            continue;
        }
        OutlineItem item;
        item.title =
            cleaned(std::string_view(document.text).substr(block.range.begin, block.range.size()));
        item.level = std::max(0, block.level - 1);
        item.range = block.range;
        if (const auto page = ingest::pageOf(document, block.range.begin)) {
            item.page = *page;
            item.place = label(*page);
        } else {
            item.place = QString::number(ingest::lineOf(document, block.range.begin));
        }
        splitNumber(item);
        if (!item.title.isEmpty()) {
            items.push_back(std::move(item));
        }
    }
    return items;
}

void OutlineModel::setItems(std::vector<OutlineItem> items) {
    beginResetModel();
    m_items = std::move(items);
    endResetModel();
}

void OutlineModel::setCited(const std::vector<std::uint64_t>& offsets) {
    for (OutlineItem& item : m_items) {
        item.cited = 0;
    }
    for (const std::uint64_t offset : offsets) {
        const int row = rowAt(offset, std::nullopt);
        if (row >= 0) {
            ++m_items[static_cast<std::size_t>(row)].cited;
        }
    }
    if (!m_items.empty()) {
        emit dataChanged(index(0), index(rowCount() - 1));
    }
}

int OutlineModel::rowAt(std::uint64_t offset, std::optional<std::uint32_t> page) const {
    int row = -1;
    for (int i = 0; i < rowCount(); ++i) {
        const OutlineItem& entry = item(i);
        const bool before = page && entry.range.begin == 0 && entry.range.end == 0 && entry.page > 0
                                ? entry.page <= *page
                                : entry.range.begin <= offset;
        if (before) {
            row = i;
        }
    }
    return row;
}

QVariant OutlineModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid()) {
        return {};
    }
    const OutlineItem& entry = item(index.row());
    if (role == Qt::DisplayRole || role == Qt::ToolTipRole) {
        return entry.number.isEmpty() ? entry.title : entry.number + QLatin1Char(' ') + entry.title;
    } else if (role == Qt::AccessibleTextRole) {
        QString text =
            entry.number.isEmpty() ? entry.title : entry.number + QLatin1Char(' ') + entry.title;
        text += entry.symbol ? tr(", line %1").arg(entry.place) : tr(", page %1").arg(entry.place);
        return entry.cited > 0 ? text + tr(", %1 cited").arg(entry.cited) : text;
    }
    return {};
}

QSize OutlineDelegate::sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const {
    return {px(100), px(25)};
}

void OutlineDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                            const QModelIndex& index) const {
    const auto* model = qobject_cast<const OutlineModel*>(index.model());
    if (model == nullptr) {
        return;
    }
    const OutlineItem& item = model->item(index.row());
    QPainter& p = *painter;
    const PainterScope scope(p);
    const Tokens& t = tokens();
    const QRectF row = option.rect;
    const bool selected = option.state.testFlag(QStyle::State_Selected);
    if (selected || option.state.testFlag(QStyle::State_MouseOver)) {
        p.fillRect(row, selected ? t.soft : t.hover);
    }
    double x = row.x() + pxF(14) + pxF(10) * std::min(item.level, 6);
    if (item.symbol) {
        paintIcon(p, QStringLiteral("symbol"),
                  QRectF(x, row.center().y() - pxF(7), pxF(14), pxF(14)), t.text3);
        x += pxF(21);
    } else if (!item.number.isEmpty()) {
        const double width =
            std::max(pxF(16), tabularWidth(QFontMetricsF(fontOf(Type::Small)), item.number));
        drawNumber(p, QRectF(x, row.y(), width, row.height()), item.number, fontOf(Type::Small),
                   t.text3, Qt::AlignLeft);
        x += width + pxF(4);
    }
    double right = row.right() + 1 - pxF(10);
    const double place =
        std::max(pxF(26), tabularWidth(QFontMetricsF(fontOf(Type::Small)), item.place));
    drawNumber(p, QRectF(right - place, row.y(), place, row.height()), item.place,
               fontOf(Type::Small), t.text2);
    right -= place + pxF(4);
    if (item.cited > 0) {
        const QString text = OutlineModel::tr("%1 cited").arg(item.cited);
        const double width = badgeWidth(text);
        paintBadge(p, QRectF(right - width, row.center().y() - pxF(7.5), width, pxF(15)), text,
                   BadgeKind::Cited);
        right -= width + pxF(4);
    }
    drawElided(p, QRectF(x, row.y(), std::max(0.0, right - x), row.height()), item.title,
               fontOf(Type::Body), t.text, Qt::ElideRight);
    if (option.state.testFlag(QStyle::State_HasFocus) && option.widget != nullptr &&
        option.widget->hasFocus()) {
        paintRowFocus(p, row);
    }
}

} // namespace dossier::ui
