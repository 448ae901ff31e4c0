// SPDX-License-Identifier: GPL-3.0-or-later
// Citation rows.
#include "ui/thread/citation_list.h"

#include <QKeyEvent>
#include <QLocale>
#include <QPainter>
#include <algorithm>

#include "ui/theme/paint.h"
#include "ui/theme/theme.h"

namespace dossier::ui {
namespace {

// Row: 4 | line 18 | quotation 16 | 4 | hairline 1. Side margins 10 for the current row's ground.
constexpr double kRow = 43, kSide = 10, kChipColumn = 46;

QString strippedName(const app::Source& source) {
    const QString name = QString::fromStdString(source.name);
    // Documents drop their suffix in running text; source files keep it.
    if (source.format == ingest::Format::Pdf || source.format == ingest::Format::Docx) {
        const qsizetype dot = name.lastIndexOf(QLatin1Char('.'));
        return dot > 0 ? name.left(dot) : name;
    }
    return name;
}

class Delegate : public QStyledItemDelegate {
  public:
    using QStyledItemDelegate::QStyledItemDelegate;

    QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override {
        return {px(100), px(kRow)};
    }

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        const auto* list = qobject_cast<const CitationList*>(option.widget);
        if (list == nullptr) {
            return;
        }
        QPainter& p = *painter;
        const PainterScope scope(p);
        const Tokens& t = tokens();
        const CitationRow& row = list->rows().row(index.row());
        const QRectF cell = option.rect;
        const bool current = !row.passage && row.citation.number == list->current();
        if (current) {
            p.fillRect(cell.adjusted(0, 0, 0, -1), t.soft2);
        } else if (option.state.testFlag(QStyle::State_MouseOver)) {
            p.fillRect(cell.adjusted(0, 0, 0, -1), t.hover);
        }
        p.fillRect(QRectF(cell.x() + (current ? 0 : pxF(kSide)), cell.bottom() - 1,
                          cell.width() - (current ? 0 : 2 * pxF(kSide)), 1),
                   t.line);
        const double left = cell.x() + pxF(kSide), top = cell.y() + pxF(4);
        double right = cell.right() - pxF(kSide);
        const double textX = row.passage ? left : left + pxF(kChipColumn);
        if (!row.passage) {
            paintChip(
                p, QPointF(left, top + pxF(1)),
                {row.citation.number, row.citation.verdict, current, false, row.citation.forced});
            const VerdictLook look = lookOf(row.citation.verdict, row.citation.percent);
            const double width = verdictWordWidth(look, true);
            paintVerdictWord(p, QRectF(right - width, top, width, pxF(18)), look, true);
            right -= width + pxF(6);
        }
        const QRectF first(textX, top, right - textX, pxF(18));
        const QFont medium = fontOf(Type::Medium), body = fontOf(Type::Body);
        const double placeWidth = QFontMetricsF(body).horizontalAdvance(row.place);
        const double name = drawElided(
            p, first.adjusted(0, 0, -std::min(placeWidth + pxF(6), first.width() / 2), 0),
            row.source, medium, t.text, Qt::ElideMiddle);
        drawElided(p, first.adjusted(name + pxF(6), 0, 0, 0), row.place, body, t.text2,
                   Qt::ElideRight);
        const QRectF second(textX, top + pxF(18), cell.right() - pxF(kSide) - textX, pxF(16));
        const QString words = QString::fromStdString(row.citation.quote).simplified();
        if (row.code) {
            drawElided(p, second, words, fontOf(Type::Snippet), t.text2, Qt::ElideRight);
        } else {
            const QFontMetricsF metrics(fontOf(Type::Quotation));
            const double marks = metrics.horizontalAdvance(QStringLiteral("“”"));
            drawText(p, second,
                     QStringLiteral("“%1”").arg(
                         metrics.elidedText(words, Qt::ElideRight, second.width() - marks)),
                     fontOf(Type::Quotation), t.text2);
        }
        if (option.state.testFlag(QStyle::State_HasFocus) && list->hasFocus()) {
            paintRowFocus(p, cell);
        }
    }
};

} // namespace

QString placeText(const app::Place& place, const std::string& quote, bool code) {
    QString text;
    if (!place.pageLabel.empty()) {
        text = CitationModel::tr("p. %1").arg(QString::fromStdString(place.pageLabel));
    } else if (place.line > 0) {
        const auto more = static_cast<std::uint64_t>(std::count(quote.begin(), quote.end(), '\n'));
        const QString lines = more > 0
                                  ? QStringLiteral("%1–%2").arg(place.line).arg(place.line + more)
                                  : QString::number(place.line);
        text = code || more > 0 ? lines : CitationModel::tr("line %1").arg(lines);
    }
    if (!place.section.empty()) {
        text += (text.isEmpty() ? QStringLiteral("§ ") : QStringLiteral(" § ")) +
                QString::fromStdString(place.section);
    }
    return text;
}

CitationRow rowOf(const app::Citation& citation, const app::Source* source,
                  const QString& searched) {
    CitationRow row;
    row.citation = citation;
    if (!citation.place) {
        row.source = CitationModel::tr("No source");
        row.place = searched;
        return row;
    }
    row.code = source != nullptr && source->format == ingest::Format::Code;
    row.source = source != nullptr ? strippedName(*source) : CitationModel::tr("Removed source");
    row.place = placeText(*citation.place, citation.quote, row.code);
    if (citation.verdict == app::Verdict::OtherDocument && !citation.named.empty()) {
        row.place += CitationModel::tr(", not %1").arg(QString::fromStdString(citation.named));
    }
    return row;
}

// ---------------------------------------------------------------- model

void CitationModel::setRows(std::vector<CitationRow> rows) {
    beginResetModel();
    m_rows = std::move(rows);
    endResetModel();
}

QVariant CitationModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid()) {
        return {};
    }
    const CitationRow& entry = row(index.row());
    const VerdictLook look = lookOf(entry.citation.verdict, entry.citation.percent);
    const QString quote = QString::fromStdString(entry.citation.quote).simplified();
    switch (role) {
    case Qt::DisplayRole:
        return entry.source;
    case Qt::AccessibleTextRole:
        if (entry.passage) {
            return tr("Search result, %1 %2: %3").arg(entry.source, entry.place, quote);
        }
        return tr("Citation %1, %2, %3 %4: “%5”")
            .arg(entry.citation.number)
            .arg(look.word, entry.source, entry.place, quote);
    case Qt::ToolTipRole: {
        if (entry.passage) {
            return quote;
        }
        QString tip = QStringLiteral("“%1”\n%2. %3").arg(quote, look.word, look.meaning);
        if (entry.citation.forced) {
            tip += tr("\nQuotation decoding: the program kept the model to the words of the source "
                      "here.");
        }
        return tip;
    }
    default:
        return {};
    }
}

// ---------------------------------------------------------------- list

CitationList::CitationList(QWidget* parent) : QListView(parent), m_model(new CitationModel(this)) {
    setModel(m_model);
    setItemDelegate(new Delegate(this));
    setFrameShape(QFrame::NoFrame);
    setUniformItemSizes(true);
    setMouseTracking(true);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setAccessibleName(tr("Quotations"));
    connect(this, &QListView::clicked, this, &CitationList::openIndex);
    onThemeChange(this, [this] { fit(); });
}

void CitationList::fit() {
    setFixedHeight(std::max(1, px(kRow) * m_model->rowCount()));
    doItemsLayout();
}

void CitationList::setRows(std::vector<CitationRow> rows) {
    m_model->setRows(std::move(rows));
    fit();
}

void CitationList::setCurrent(std::uint32_t number) {
    if (m_current != number) {
        m_current = number;
        viewport()->update();
    }
}

void CitationList::openIndex(const QModelIndex& index) {
    if (!index.isValid()) {
        return;
    }
    const CitationRow& row = m_model->row(index.row());
    if (row.passage) {
        emit passageOpened(index.row());
    } else {
        emit opened(row.citation.number);
    }
}

void CitationList::keyPressEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter ||
        event->key() == Qt::Key_Space) {
        openIndex(currentIndex());
        return;
    }
    QListView::keyPressEvent(event);
}

} // namespace dossier::ui
