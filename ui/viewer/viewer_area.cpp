// SPDX-License-Identifier: GPL-3.0-or-later
// Tabs and documents.
#include "ui/viewer/viewer_area.h"

#include <QBoxLayout>
#include <algorithm>

#include "ui/async.h"
#include "ui/main/notes_strip.h"
#include "ui/sources/sources_model.h"

namespace dossier::ui {

ViewerArea::ViewerArea(QWidget* parent)
    : QWidget(parent),
      m_tabs(new DocumentTabs(this)),
      m_messages(new MessageArea(this)),
      m_stack(new QStackedWidget(this)),
      m_notes(new NotesStrip(this)) {
    auto* layout = columnLayout(this);
    auto* tabRow = new Panel(&Tokens::window, Qt::BottomEdge, this);
    tabRow->setBarHeight(34);
    auto* row = tabRow->row();
    row->addWidget(m_tabs);
    row->addStretch(1);
    layout->addWidget(tabRow);
    layout->addWidget(m_messages);
    layout->addWidget(m_stack, 1);
    layout->addWidget(m_notes);
    m_nothing = buildNothing();
    m_stack->addWidget(m_nothing);
    connect(m_tabs, &QTabBar::currentChanged, this, [this](int index) {
        if (index >= 0 && index < static_cast<int>(m_pages.size())) {
            m_stack->setCurrentWidget(m_pages[static_cast<std::size_t>(index)]);
        } else {
            showEmpty();
        }
        showNotes();
        emit currentChanged();
    });
    connect(m_tabs, &DocumentTabs::closeRequested, this, &ViewerArea::closeTab);
    connect(m_tabs, &QTabBar::tabMoved, this, [this](int from, int to) {
        std::swap(m_pages[static_cast<std::size_t>(from)], m_pages[static_cast<std::size_t>(to)]);
    });
    m_notes->hide();
    refreshNothing();
}

QWidget* ViewerArea::buildNothing() {
    auto* nothing = new Panel(&Tokens::desk, {}, this);
    auto* centre = nothing->column(40, 40, 40, 40, 12);
    m_hint = new Label({}, Type::Body, &Tokens::text2, nothing);
    m_hint->setAlignment(Qt::AlignCenter);
    m_hint->setWordWrap(true);
    m_adding = new QWidget(nothing);
    auto* buttons = rowLayout(m_adding, 0, 0, 0, 0, 8);
    auto* files =
        new Button(tr("Add files…"), QStringLiteral("add-file"), Button::Primary, m_adding);
    auto* folder =
        new Button(tr("Add a folder…"), QStringLiteral("add-folder"), Button::Normal, m_adding);
    connect(files, &Button::clicked, this, &ViewerArea::addFilesRequested);
    connect(folder, &Button::clicked, this, &ViewerArea::addFolderRequested);
    buttons->addStretch(1);
    buttons->addWidget(files);
    buttons->addWidget(folder);
    buttons->addStretch(1);
    centre->addStretch(1);
    centre->addWidget(m_hint);
    centre->addWidget(m_adding);
    centre->addStretch(1);
    return nothing;
}

void ViewerArea::refreshNothing() {
    const bool empty = m_session && m_session->sources().empty();
    m_adding->setVisible(empty);
    m_hint->setText(!m_session ? tr("No dossier is open.")
                    : empty ? tr("Nothing is in this dossier yet. Add contracts, notes or a code "
                                 "repository, or drop them here.")
                            : tr("Choose a source at the left, or a citation at the right."));
}

void ViewerArea::showEmpty() {
    m_stack->setCurrentWidget(m_nothing);
}

void ViewerArea::setSession(app::Session* session, PageRenderer* renderer) {
    if (m_session) {
        m_session->disconnect(this);
    }
    while (!m_pages.empty()) {
        closeTab(static_cast<int>(m_pages.size()) - 1);
    }
    m_outlines.clear();
    m_session = session;
    m_renderer = renderer;
    if (session != nullptr) {
        connect(session, &app::Session::sourcesChanged, this,
                [this](const std::vector<app::SourceId>& ids) {
                    refreshNothing();
                    for (const app::SourceId id : ids) {
                        DocumentTab* tab = tabOf(id);
                        const app::Source* source = m_session->source(id);
                        if (tab == nullptr) {
                            continue;
                        } else if (source == nullptr) {
                            closePage(tab);
                        } else {
                            const bool arrived = source->state == app::SourceState::Ready &&
                                                 !tab->view()->document();
                            tab->setSource(*source);
                            if (arrived) {
                                load(tab, {}, false);
                            }
                        }
                    }
                });
    }
    refreshNothing();
}

DocumentTab* ViewerArea::openSource(app::SourceId id, std::optional<ingest::TextRange> range,
                                    bool flash) {
    const app::Source* source = m_session ? m_session->source(id) : nullptr;
    if (source == nullptr) {
        return nullptr;
    }
    DocumentTab* tab = tabOf(id);
    if (tab == nullptr) {
        tab = new DocumentTab(*source, m_renderer, m_stack);
        connect(tab, &DocumentTab::annotate, this, &ViewerArea::annotate);
        connect(tab->view(), &DocumentView::citationClicked, this, &ViewerArea::citationClicked);
        connect(tab->view(), &DocumentView::markClicked, this, &ViewerArea::markClicked);
        connect(tab->view(), &DocumentView::positionChanged, this, &ViewerArea::moved);
        connect(tab, &DocumentTab::placeEntered, this, [this] {
            if (const auto visit = here()) {
                emit placeLeft(*visit);
            }
        });
        if (tab->pageView() != nullptr) {
            tab->pageView()->setNightAllowed(m_nightAllowed);
        }
        openPage(tab, iconOf(*source), QString::fromStdString(source->name));
        load(tab, range, flash);
    } else {
        const auto at = std::find(m_pages.begin(), m_pages.end(), tab);
        m_tabs->setCurrentIndex(static_cast<int>(at - m_pages.begin()));
        if (range && tab->view()->document()) {
            tab->view()->showRange(*range, flash);
        } else if (range) {
            load(tab, range, flash);
        }
    }
    return tab;
}

void ViewerArea::load(DocumentTab* tab, std::optional<ingest::TextRange> range, bool flash) {
    const app::SourceId id = tab->sourceId();
    m_session->withDocument(
        id, tab,
        [this, tab, id, range, flash](app::DocumentPtr document,
                                      std::optional<app::Failure> failure) {
            if (failure) {
                emit message(*failure, QStringLiteral("open/%1").arg(static_cast<qlonglong>(id)));
                return;
            }
            if (!document || !m_session) {
                return;
            }
            if (tab->view()->document() != document) {
                tab->setDocument(document, m_session->originalFile(id));
                loadOutline(tab);
                emit documentOpened(id);
            }
            if (range) {
                tab->view()->showRange(*range, flash);
            }
            if (tab == current()) {
                emit currentChanged();
            }
        });
}

void ViewerArea::loadOutline(DocumentTab* tab) {
    const app::SourceId id = tab->sourceId();
    const app::DocumentPtr document = tab->view()->document();
    const auto done = [this, id](std::vector<OutlineItem> items) {
        m_outlines[static_cast<long long>(id)] = std::move(items);
        emit outlineReady(id);
    };
    if (document->format == ingest::Format::Pdf) {
        runAsync(
            tab,
            [document, reader = m_session->reader(),
             file = m_session->originalFile(id)](std::stop_token) {
                std::vector<ingest::OutlineEntry> entries;
                if (reader) {
                    try {
                        entries = reader->outline(file, {});
                    } catch (const Error&) {
                        entries.clear(); // the headings of the text serve instead
                    }
                }
                return outlineOf(*document, entries);
            },
            done);
    } else {
        runAsync(
            tab,
            [document](std::stop_token) {
                return document->format == ingest::Format::Code ? symbolsOf(*document)
                                                                : outlineOf(*document, {});
            },
            done);
    }
}

const std::vector<OutlineItem>& ViewerArea::outline(app::SourceId id) const {
    static const std::vector<OutlineItem> none;
    const auto it = m_outlines.find(static_cast<long long>(id));
    return it == m_outlines.end() ? none : it->second;
}

void ViewerArea::openPage(QWidget* page, const QString& iconName, const QString& title) {
    m_stack->addWidget(page);
    m_pages.push_back(page);
    const int index = m_tabs->addDocument(iconName, title);
    m_tabs->setCurrentIndex(index);
    if (m_stack->currentWidget() != page) {
        m_stack->setCurrentWidget(page);
        showNotes();
        emit currentChanged();
    }
}

void ViewerArea::closePage(QWidget* page) {
    const auto at = std::find(m_pages.begin(), m_pages.end(), page);
    if (at != m_pages.end()) {
        closeTab(static_cast<int>(at - m_pages.begin()));
    }
}

void ViewerArea::closeTab(int index) {
    if (index < 0 || index >= static_cast<int>(m_pages.size())) {
        return;
    }
    QWidget* page = m_pages[static_cast<std::size_t>(index)];
    m_pages.erase(m_pages.begin() + index);
    m_stack->removeWidget(page);
    page->hide();
    page->deleteLater();
    m_tabs->removeTab(index); // emits currentChanged with the pages as they are now
}

void ViewerArea::closeCurrent() {
    closeTab(m_tabs->currentIndex());
}

void ViewerArea::stepTab(int step) {
    if (m_tabs->count() > 0) {
        m_tabs->setCurrentIndex((m_tabs->currentIndex() + step + m_tabs->count()) %
                                m_tabs->count());
    }
}

QWidget* ViewerArea::currentPage() const {
    const int index = m_tabs->currentIndex();
    return index >= 0 && index < static_cast<int>(m_pages.size())
               ? m_pages[static_cast<std::size_t>(index)]
               : nullptr;
}

DocumentTab* ViewerArea::current() const {
    return qobject_cast<DocumentTab*>(currentPage());
}

std::vector<DocumentTab*> ViewerArea::documents() const {
    std::vector<DocumentTab*> result;
    for (QWidget* page : m_pages) {
        if (auto* tab = qobject_cast<DocumentTab*>(page)) {
            result.push_back(tab);
        }
    }
    return result;
}

DocumentTab* ViewerArea::tabOf(app::SourceId id) const {
    for (DocumentTab* tab : documents()) {
        if (tab->sourceId() == id) {
            return tab;
        }
    }
    return nullptr;
}

void ViewerArea::showNotes() {
    // A small window gives the line to the document; F6 opens the strip.
    m_notes->setVisible(current() != nullptr && (!m_compact || m_notes->isOpen()));
}

void ViewerArea::setCompact(bool compact) {
    m_compact = compact;
    showNotes();
}

void ViewerArea::setNightAllowed(bool allowed) {
    m_nightAllowed = allowed;
    for (DocumentTab* tab : documents()) {
        if (tab->pageView() != nullptr) {
            tab->pageView()->setNightAllowed(allowed);
        }
    }
}

std::optional<Visit> ViewerArea::here() const {
    const DocumentTab* tab = current();
    if (tab == nullptr || !tab->view()->document()) {
        return {};
    }
    return Visit{tab->sourceId(), tab->view()->topOffset()};
}

void ViewerArea::go(const Visit& visit) {
    DocumentTab* tab = openSource(visit.source);
    if (tab == nullptr) {
        return;
    }
    if (tab->view()->document()) {
        tab->view()->setTopOffset(visit.offset);
    } else {
        load(tab, ingest::TextRange{visit.offset, visit.offset}, false);
    }
    tab->view()->setFocus(Qt::OtherFocusReason);
}

} // namespace dossier::ui
