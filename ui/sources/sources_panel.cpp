// SPDX-License-Identifier: GPL-3.0-or-later
// The left column.
#include "ui/sources/sources_panel.h"

#include <QBoxLayout>
#include <QKeyEvent>
#include <QLineEdit>
#include <QLocale>
#include <QMenu>
#include <QScrollBar>
#include <QSortFilterProxyModel>
#include <QSplitter>

#include "ui/sources/sources_view.h"
#include "ui/widgets/controls.h"
#include "ui/widgets/overlay_scroll.h"

namespace dossier::ui {
namespace {

/// The outline opens with Enter as well as with a click.
class OutlineView : public QListView {
  public:
    using QListView::QListView;

  protected:
    void keyPressEvent(QKeyEvent* event) override {
        if ((event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) &&
            currentIndex().isValid()) {
            emit clicked(currentIndex());
            return;
        }
        QListView::keyPressEvent(event);
    }
};

} // namespace

SourcesPanel::SourcesPanel(QWidget* parent)
    : Panel(&Tokens::side, {}, parent),
      m_model(new SourcesModel(this)),
      m_proxy(new QSortFilterProxyModel(this)),
      m_view(new SourcesView(this)),
      m_outline(new OutlineModel(this)),
      m_outlineView(new OutlineView(this)) {
    setObjectName(QStringLiteral("sourcesPanel"));
    auto* layout = column();
    auto* head = new Panel(&Tokens::side, {}, this);
    head->setBarHeight(36);
    auto* row = head->row(12, 0, 6, 0, 2);
    row->addWidget(new Label(tr("Sources"), Type::Strong, &Tokens::text, head));
    addGap(row, 6);
    m_count = new Label({}, Type::Small, &Tokens::text2, head);
    m_count->setElide(Qt::ElideRight, 40);
    row->addWidget(m_count, 1);
    auto* filter = new IconButton(QStringLiteral("filter"), tr("Filter the sources"), 15, 24, head);
    auto* more = new IconButton(QStringLiteral("more"), tr("More"), 15, 24, head);
    filter->setCheckable(true);
    filter->setMinimumSide(25);
    more->setMinimumSide(25);
    row->addWidget(filter);
    row->addWidget(more);
    layout->addWidget(head);

    m_filter = new SearchField(tr("Filter names"), 26, Type::Small, 0, this);
    auto* filterRow = new QWidget(this);
    rowLayout(filterRow, 10, 0, 10, 6)->addWidget(m_filter);
    filterRow->hide();
    layout->addWidget(filterRow);
    connect(filter, &IconButton::toggled, this, [this, filterRow](bool on) {
        filterRow->setVisible(on);
        if (on) {
            m_filter->edit()->setFocus(Qt::OtherFocusReason);
        } else {
            m_filter->edit()->clear();
        }
    });
    m_proxy->setSourceModel(m_model);
    m_proxy->setRecursiveFilteringEnabled(true);
    m_proxy->setFilterCaseSensitivity(Qt::CaseInsensitive);
    m_view->setModel(m_proxy);
    new OverlayScrollBar(m_view);
    connect(m_filter->edit(), &QLineEdit::textChanged, this, [this](const QString& words) {
        m_proxy->setFilterFixedString(words.trimmed());
        if (!words.trimmed().isEmpty()) {
            m_view->expandAll();
        }
    });
    connect(more, &IconButton::clicked, this, [this, more] {
        auto* menu = new QMenu(this);
        menu->setAttribute(Qt::WA_DeleteOnClose);
        menu->addAction(tr("Add files…"), this, &SourcesPanel::addFilesRequested);
        menu->addAction(tr("Add a folder…"), this, &SourcesPanel::addFolderRequested);
        menu->addSeparator();
        menu->addAction(tr("Expand all"), m_view, &QTreeView::expandAll);
        menu->addAction(tr("Collapse all"), m_view, &QTreeView::collapseAll);
        menu->addSeparator();
        const auto all = [this](bool on) {
            if (m_session) {
                std::vector<app::SourceId> ids;
                for (const app::Source& source : m_session->sources()) {
                    ids.push_back(source.id);
                }
                emit includeRequested(ids, on);
            }
        };
        menu->addAction(tr("Use all in questions"), this, [all] { all(true); });
        menu->addAction(tr("Use none in questions"), this, [all] { all(false); });
        menu->popup(more->mapToGlobal(QPoint(0, more->height())));
    });
    connect(m_model, &SourcesModel::includeRequested, this, &SourcesPanel::includeRequested);
    connect(m_view, &SourcesView::openRequested, this, &SourcesPanel::openRequested);
    connect(m_view, &SourcesView::removeRequested, this, &SourcesPanel::removeRequested);
    connect(m_view, &SourcesView::readAgainRequested, this, &SourcesPanel::readAgainRequested);

    m_outlinePart = new QWidget(this);
    auto* part = columnLayout(m_outlinePart, 0, 0, 0, 6);
    auto* outlineHead = new Panel(&Tokens::side, {}, m_outlinePart);
    outlineHead->setBarHeight(34);
    auto* outlineRow = outlineHead->row(12, 0, 12, 0, 8);
    m_outlineTitle = new Label(tr("Outline"), Type::Strong, &Tokens::text, outlineHead);
    m_outlineName = new Label({}, Type::Small, &Tokens::text2, outlineHead);
    m_outlineName->setElide(Qt::ElideMiddle, 40);
    outlineRow->addWidget(m_outlineTitle);
    outlineRow->addWidget(m_outlineName, 1);
    part->addWidget(outlineHead);
    m_outlineView->setObjectName(QStringLiteral("outline"));
    m_outlineView->setModel(m_outline);
    m_outlineView->setItemDelegate(new OutlineDelegate(this));
    m_outlineView->setFrameShape(QFrame::NoFrame);
    m_outlineView->setUniformItemSizes(true);
    new OverlayScrollBar(m_outlineView);
    m_outlineView->setMouseTracking(true);
    m_outlineView->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_outlineView->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_outlineView->setAccessibleName(tr("Outline"));
    onThemeChange(m_outlineView, [this] {
        m_outlineView->doItemsLayout();
        m_outlineView->setStyleSheet(
            QStringLiteral("QListView{background:%1}").arg(tokens().side.name()));
    });
    connect(m_outlineView, &QListView::clicked, this,
            [this](const QModelIndex& index) { emit outlineChosen(m_outline->item(index.row())); });
    part->addWidget(m_outlineView, 1);
    m_splitter = new QSplitter(Qt::Vertical, this);
    m_splitter->setChildrenCollapsible(false);
    m_splitter->setHandleWidth(1);
    m_splitter->addWidget(m_view);
    m_splitter->addWidget(m_outlinePart);
    m_splitter->setStretchFactor(0, 1);
    m_splitter->setStretchFactor(1, 0);
    layout->addWidget(m_splitter, 1);
    m_outlinePart->hide();
}

void SourcesPanel::showEvent(QShowEvent* event) {
    Panel::showEvent(event);
    if (!m_sized && m_outlinePart->isVisibleTo(this)) {
        m_sized = true;
        const int outline = std::min(px(34 + 8 * 25 + 6), height() * 2 / 5);
        m_splitter->setSizes({height() - outline, outline});
    }
}

void SourcesPanel::setSession(app::Session* session) {
    if (m_session) {
        m_session->disconnect(this);
    }
    m_session = session;
    if (session == nullptr) {
        m_model->reset({});
    } else {
        m_model->setContextTokens(session->contextUse().maxTokens);
        m_model->reset(session->sources());
        connect(session, &app::Session::sourcesChanged, this,
                [this](const std::vector<app::SourceId>& ids) {
                    m_model->update(m_session->sources(), ids);
                    expandNew();
                    refreshCount();
                });
        connect(session, &app::Session::contextUseChanged, this,
                [this] { m_model->setContextTokens(m_session->contextUse().maxTokens); });
    }
    expandNew();
    refreshCount();
}

void SourcesPanel::expandNew() {
    // Few sources: everything open. Many: the first level.
    if (m_model->fileCount() <= 60) {
        m_view->expandAll();
    } else {
        for (int row = 0; row < m_proxy->rowCount(); ++row) {
            m_view->expand(m_proxy->index(row, 0));
        }
    }
}

void SourcesPanel::refreshCount() {
    const auto count = static_cast<int>(m_model->fileCount());
    m_count->setText(count == 0   ? QString()
                     : count == 1 ? tr("1 file")
                                  : tr("%1 files").arg(QLocale().toString(count)));
}

void SourcesPanel::select(app::SourceId id) {
    const QModelIndex index = m_proxy->mapFromSource(m_model->indexOf(id));
    if (index.isValid() && index != m_view->currentIndex()) {
        m_view->setCurrentIndex(index);
        m_view->scrollTo(index);
    }
}

void SourcesPanel::setOutline(const QString& document, bool symbols,
                              std::vector<OutlineItem> items) {
    m_outlineTitle->setText(symbols ? tr("Symbols") : tr("Outline"));
    m_outlineView->setAccessibleName(m_outlineTitle->text());
    m_outlineName->setText(document);
    const bool show = !document.isEmpty() && !items.empty();
    m_outline->setItems(std::move(items));
    if (m_outlinePart->isVisibleTo(this) != show) {
        m_outlinePart->setVisible(show);
        if (show && !m_sized && isVisible()) {
            m_sized = true;
            const int outline = std::min(px(34 + 8 * 25 + 6), height() * 2 / 5);
            m_splitter->setSizes({height() - outline, outline});
        }
    }
}

void SourcesPanel::setOutlinePosition(std::uint64_t offset, std::optional<std::uint32_t> page) {
    const int row = m_outline->rowAt(offset, page);
    if (row >= 0 && !m_outlineView->hasFocus()) {
        m_outlineView->setCurrentIndex(m_outline->index(row));
    }
}

void SourcesPanel::focusFilter() {
    m_view->setFocus(Qt::ShortcutFocusReason);
}

} // namespace dossier::ui
