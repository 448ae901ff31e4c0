// SPDX-License-Identifier: GPL-3.0-or-later
// The centre of Read mode: tabs, message bars, the open document, notes and citations.
#pragma once

#include <QPointer>
#include <QStackedWidget>
#include <map>

#include "app/session.h"
#include "ui/sources/outline_model.h"
#include "ui/viewer/document_tab.h"
#include "ui/viewer/document_tabs.h"
#include "ui/widgets/message_bar.h"

namespace dossier::ui {

class NotesStrip;

/// Where the person was, to come back to.
struct Visit {
    app::SourceId source{};
    std::uint64_t offset = 0;
    bool operator==(const Visit&) const = default;
};

class ViewerArea : public QWidget {
    Q_OBJECT

  public:
    explicit ViewerArea(QWidget* parent = nullptr);

    /// Null closes all tabs.
    void setSession(app::Session* session, PageRenderer* renderer);

    /// Opens (or shows) a source; the document arrives later. `range`: where to jump to then.
    DocumentTab* openSource(app::SourceId id, std::optional<ingest::TextRange> range = {},
                            bool flash = true);
    void closeTab(int index);
    void closeCurrent();
    void stepTab(int step);
    /// A page that is no document (adding, comparing); owned by the area afterwards.
    void openPage(QWidget* page, const QString& iconName, const QString& title);
    void closePage(QWidget* page);
    QWidget* currentPage() const;

    DocumentTab* current() const; ///< null when no document is shown
    std::vector<DocumentTab*> documents() const;
    DocumentTab* tabOf(app::SourceId id) const;
    MessageArea* messages() const { return m_messages; }
    NotesStrip* notes() const { return m_notes; }
    QTabBar* tabs() const { return m_tabs; }
    void showNotes(); ///< or hides them, by document and room
    void setCompact(bool compact);
    void setNightAllowed(bool allowed);

    std::optional<Visit> here() const;
    void go(const Visit& visit);

    /// Outline of the open document, as far as it is known.
    const std::vector<OutlineItem>& outline(app::SourceId id) const;

  signals:
    void currentChanged(); ///< another tab, or its document has arrived
    void outlineReady(dossier::app::SourceId id);
    void documentOpened(dossier::app::SourceId id);
    void annotate(QChar key);
    void citationClicked(std::uint32_t number);
    void markClicked(dossier::app::MarkId id);
    void placeLeft(const dossier::ui::Visit& from); ///< before a jump by number or outline
    void moved();                                   ///< the reading position changed
    void message(const dossier::app::Failure& failure, const QString& cause);
    void addFilesRequested();
    void addFolderRequested();

  private:
    QWidget* buildNothing();
    void refreshNothing();
    void load(DocumentTab* tab, std::optional<ingest::TextRange> range, bool flash);
    void loadOutline(DocumentTab* tab);
    void showEmpty();

    QPointer<app::Session> m_session;
    PageRenderer* m_renderer = nullptr;
    DocumentTabs* m_tabs;
    MessageArea* m_messages;
    QStackedWidget* m_stack;
    QWidget* m_nothing;          ///< where no document is shown
    Label* m_hint = nullptr;     ///< what to do then
    QWidget* m_adding = nullptr; ///< buttons of a dossier without sources
    NotesStrip* m_notes;
    std::vector<QWidget*> m_pages; ///< by tab
    std::map<long long, std::vector<OutlineItem>> m_outlines;
    bool m_compact = false, m_nightAllowed = true;
};

} // namespace dossier::ui
