// SPDX-License-Identifier: GPL-3.0-or-later
// The locator.
#include "ui/main/locator.h"

#include <QBoxLayout>
#include <QKeyEvent>
#include <QLineEdit>
#include <QListView>
#include <QPainter>
#include <QPointer>
#include <QStyledItemDelegate>

#include "ui/theme/icons.h"
#include "ui/theme/paint.h"
#include "ui/widgets/controls.h"

namespace dossier::ui {

int locatorScore(const QString& text, const QString& words) {
    int score = 1;
    for (const QString& word : words.split(QLatin1Char(' '), Qt::SkipEmptyParts)) {
        const qsizetype at = text.indexOf(word, 0, Qt::CaseInsensitive);
        if (at < 0) {
            return 0;
        }
        const bool start = at == 0 || !text[at - 1].isLetterOrNumber();
        score += start ? 40 : 10;
        score += static_cast<int>(std::max<qsizetype>(0, 20 - at));
        score += text.size() == word.size() ? 30 : 0;
    }
    return score;
}

class Locator::Model : public QAbstractListModel {
  public:
    using QAbstractListModel::QAbstractListModel;

    void clear() {
        beginResetModel();
        m_items.clear();
        endResetModel();
    }
    void append(std::vector<LocatorItem> items) {
        if (items.empty()) {
            return;
        }
        const int first = rowCount();
        beginInsertRows({}, first, first + static_cast<int>(items.size()) - 1);
        m_items.insert(m_items.end(), std::make_move_iterator(items.begin()),
                       std::make_move_iterator(items.end()));
        endInsertRows();
    }
    const LocatorItem& item(int row) const { return m_items[static_cast<std::size_t>(row)]; }
    int rowCount(const QModelIndex& = {}) const override {
        return static_cast<int>(m_items.size());
    }
    QVariant data(const QModelIndex& index, int role) const override {
        if (!index.isValid()) {
            return {};
        }
        const LocatorItem& entry = item(index.row());
        if (role == Qt::DisplayRole || role == Qt::ToolTipRole) {
            return entry.title;
        }
        return role == Qt::AccessibleTextRole
                   ? QVariant(QStringLiteral("%1, %2").arg(entry.title, entry.detail))
                   : QVariant();
    }

  private:
    std::vector<LocatorItem> m_items;
};

namespace {

class Delegate : public QStyledItemDelegate {
  public:
    Delegate(std::function<const LocatorItem&(int)> item, QObject* parent)
        : QStyledItemDelegate(parent), m_item(std::move(item)) {}

    QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override {
        return {px(100), px(28)};
    }
    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        QPainter& p = *painter;
        const PainterScope scope(p);
        const LocatorItem& item = m_item(index.row());
        const QRectF row = option.rect;
        if (option.state.testFlag(QStyle::State_Selected) ||
            option.state.testFlag(QStyle::State_MouseOver)) {
            p.setPen(Qt::NoPen);
            p.setBrush(option.state.testFlag(QStyle::State_Selected) ? tokens().soft
                                                                     : tokens().hover);
            p.drawRoundedRect(row, pxF(4), pxF(4));
        }
        paintIcon(p, item.icon,
                  QRectF(row.x() + pxF(8), row.center().y() - pxF(8), pxF(16), pxF(16)),
                  tokens().text2);
        const double x = row.x() + pxF(32), room = row.right() - pxF(10) - x;
        const double detail =
            std::min(room * 0.5, QFontMetricsF(fontOf(Type::Small)).horizontalAdvance(item.detail));
        drawElided(p, QRectF(x, row.y(), room - detail - pxF(12), row.height()), item.title,
                   fontOf(Type::Body), tokens().text, Qt::ElideRight);
        p.setFont(fontOf(Type::Small));
        p.setPen(tokens().text2);
        p.drawText(QRectF(row.right() - pxF(10) - detail, row.y(), detail + 2, row.height()),
                   Qt::AlignVCenter | Qt::AlignRight,
                   QFontMetricsF(fontOf(Type::Small))
                       .elidedText(item.detail, Qt::ElideMiddle, detail + 1));
    }

  private:
    std::function<const LocatorItem&(int)> m_item;
};

} // namespace

Locator::Locator(std::vector<LocatorCategory> categories, const QString& start, QWidget* parent)
    : PopupFrame(parent),
      m_categories(std::move(categories)),
      m_field(new SearchField(tr("Go to anything…"), 32, Type::Body, 0, this)),
      m_model(new Model(this)),
      m_list(new QListView(this)),
      m_hint(new Label({}, Type::Small, &Tokens::text2, this)) {
    setAccessibleName(tr("Go to anything"));
    auto* layout = columnLayout(this, 8, 8, 8, 8, 6);
    layout->addWidget(m_field);
    m_list->setModel(m_model);
    m_list->setItemDelegate(
        new Delegate([this](int row) -> const LocatorItem& { return m_model->item(row); }, this));
    m_list->setFrameShape(QFrame::NoFrame);
    m_list->setUniformItemSizes(true);
    m_list->setMouseTracking(true);
    m_list->setFocusPolicy(Qt::NoFocus);
    m_list->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_list->setAccessibleName(tr("Results"));
    onThemeChange(m_list, [this] {
        m_list->setFixedHeight(px(28 * 12));
        m_list->setStyleSheet(QStringLiteral("QListView{background:%1}").arg(tokens().menu.name()));
    });
    layout->addWidget(m_list, 1);
    QStringList hints;
    for (const LocatorCategory& category : m_categories) {
        hints << QStringLiteral("%1 %2").arg(category.prefix, category.title.toLower());
    }
    m_hint->setText(hints.join(QStringLiteral("   ")));
    m_hint->setElide(Qt::ElideRight, 60);
    layout->addWidget(m_hint);
    m_field->edit()->installEventFilter(this);
    connect(m_field->edit(), &QLineEdit::textChanged, this, &Locator::query);
    connect(m_list, &QListView::clicked, this,
            [this](const QModelIndex& index) { run(index.row()); });
    onThemeChange(this, [this] { setFixedWidth(px(560)); });
    m_field->edit()->setText(start);
    query(start);
    m_field->edit()->setFocus(Qt::PopupFocusReason);
}

int Locator::resultCount() const {
    return m_model->rowCount();
}

void Locator::query(const QString& text) {
    const quint64 generation = ++m_generation;
    m_model->clear();
    const LocatorCategory* only = nullptr;
    QString words = text;
    for (const LocatorCategory& category : m_categories) {
        if (text.startsWith(category.prefix + QLatin1Char(' '))) {
            only = &category;
            words = text.mid(category.prefix.size() + 1);
        }
    }
    // Searches answer later, when the person may have closed this.
    const LocatorGive give = [this, alive = QPointer<Locator>(this),
                              generation](std::vector<LocatorItem> items) {
        if (alive && generation == m_generation) {
            m_model->append(std::move(items));
            if (!m_list->currentIndex().isValid() && m_model->rowCount() > 0) {
                m_list->setCurrentIndex(m_model->index(0));
            }
        }
    };
    for (const LocatorCategory& category : m_categories) {
        const bool wanted =
            only != nullptr ? &category == only : words.trimmed().size() >= category.plainFrom;
        if (wanted) {
            category.find(words.trimmed(), give);
        }
    }
}

void Locator::run(int row) {
    if (row < 0 || row >= m_model->rowCount()) {
        return;
    }
    const auto action = m_model->item(row).run;
    close();
    if (action) {
        action();
    }
}

bool Locator::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_field->edit() && event->type() == QEvent::KeyPress) {
        const int key = static_cast<QKeyEvent*>(event)->key();
        const int row = m_list->currentIndex().row();
        const int last = m_model->rowCount() - 1;
        switch (key) {
        case Qt::Key_Down:
        case Qt::Key_Up:
        case Qt::Key_PageDown:
        case Qt::Key_PageUp: {
            const int step = key == Qt::Key_Down     ? 1
                             : key == Qt::Key_Up     ? -1
                             : key == Qt::Key_PageUp ? -10
                                                     : 10;
            m_list->setCurrentIndex(m_model->index(std::clamp(row + step, 0, std::max(0, last))));
            return true;
        }
        case Qt::Key_Return:
        case Qt::Key_Enter:
            run(std::max(0, row));
            return true;
        case Qt::Key_Escape:
            close();
            return true;
        default:
            break;
        }
    }
    return PopupFrame::eventFilter(watched, event);
}

} // namespace dossier::ui
