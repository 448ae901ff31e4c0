// SPDX-License-Identifier: GPL-3.0-or-later
// The window: menus, tool bar, three columns, status bar, and what connects them with a session.
#pragma once

#include <QMainWindow>
#include <QPointer>
#include <QStackedWidget>
#include <QTimer>
#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "app/session.h"
#include "ui/main/locator.h"
#include "ui/main/tool_bar.h"
#include "ui/viewer/viewer_area.h"
#include "ui/window_services.h"

class QSplitter;
class QUndoStack;

namespace dossier::ui {

class AddPreview;
class DepthPopup;
class EmptyPage;
class JobsPopup;
class MemoryPage;
class NotesStrip;
struct NoteRow;
class ReportPage;
class SetupPage;
class SourcesPanel;
class StatusBar;
class ThreadPanel;

class MainWindow : public QMainWindow {
    Q_OBJECT

  public:
    /// Below this inner width the sources fold and the tools shrink.
    static constexpr int kCompactWidth = 1180;

    explicit MainWindow(WindowServices services);
    ~MainWindow() override;

    // ---- dossiers; failures appear as bars
    bool openDossier(const std::filesystem::path& folder);
    bool newDossier(const std::filesystem::path& folder);
    void adoptSession(std::unique_ptr<app::Session> session);
    void closeDossier();
    void openSample(const QString& question = {});
    void openLast(); ///< the dossier that was open last; the sample when there is none
    /// Adds files and folders; without an open dossier a new one is made for them.
    void addPaths(const std::vector<std::filesystem::path>& paths);
    app::Session* session() const { return m_session.get(); }

    void setMode(Mode mode);
    Mode mode() const { return m_mode; }
    void showSetup(int step); ///< 0 welcome .. 4 try it
    void leaveSetup();

    // ---- parts, for tests and pictures
    ToolBar* toolBar() const { return m_toolBar; }
    SourcesPanel* sources() const { return m_sources; }
    ViewerArea* viewer() const { return m_viewer; }
    ThreadPanel* thread() const { return m_thread; }
    StatusBar* statusRow() const { return m_status; }
    MemoryPage* memoryPage() const { return m_memory; }
    SetupPage* setupPage() const { return m_setup; }
    ReportPage* reportPage() const { return m_report; }
    EmptyPage* emptyPage() const { return m_empty; }
    QUndoStack* undoStack() const { return m_undo; }
    MessageArea* messages() const;
    void showDepth();
    void showJobs();
    void showLanes();
    void showLocator(const QString& start = {});

    void openCitation(const app::Citation& citation);
    void openPlace(const app::Place& place);
    void back();
    void forward();
    void annotate(QChar key);
    void promoteCitation();
    void report(const app::Failure& failure, const QString& cause);

  protected:
    void changeEvent(QEvent*) override;
    void resizeEvent(QResizeEvent*) override;
    void closeEvent(QCloseEvent*) override;
    void dragEnterEvent(QDragEnterEvent*) override;
    void dropEvent(QDropEvent*) override;
    void keyPressEvent(QKeyEvent*) override;

  private:
    // main_window.cpp
    void buildBody();
    void arrange();
    void measureDisk(); ///< size of the dossier, room on its disk
    void setSourcesShown(bool shown);
    void setThreadShown(bool shown);
    void rememberLayout();
    void restoreLayout();

    // main_actions.cpp
    void buildMenus();
    void buildFileMenu();
    void buildEditMenu();
    void buildViewMenu();
    void buildAskMenus();
    void buildToolsMenus();
    QAction* action(QMenu* menu, const QString& text, const QKeySequence& keys,
                    std::function<void()> run, const QString& iconName = {});
    void fillDossierMenu(QMenu* menu);
    void dossierMenu();
    void askNewDossier();
    void askOpenDossier();
    void showShortcuts();
    void showSettings();
    void showAbout();
    void showOffline();

    // main_dossiers.cpp
    void reportWith(const app::Failure& failure, const QString& cause,
                    const std::vector<Message::Action>& actions);
    void reportUnopened(const app::Failure& failure, const std::filesystem::path& folder);

    // main_locator.cpp
    std::vector<LocatorCategory> locatorCategories();

    // main_sources.cpp
    void askFiles();
    void askFolder();
    void addSources(const app::AddRequest& request);
    /// Asks where that would replace what is read.
    void askBeforeAdding(const app::AddRequest& request);
    void removeSources(std::vector<app::SourceId> ids); ///< asks where that costs reading
    void takeOut(const std::vector<app::SourceId>& ids);
    void checkDisk(); ///< whether files changed since they were added; a bar and badges say so
    void sayChanged(const std::vector<app::SourceId>& changed);
    QString priceText(const app::LanePrice& price) const;
    QString usesText(const std::vector<app::SourceId>& ids) const; ///< what cites or marks them
    /// Whether a place cannot be opened since its source is out; a bar then says so.
    bool sayIfTakenOut(app::SourceId id);
    QString namesOf(const std::vector<app::SourceId>& ids) const;
    void askPassword(app::SourceId id);
    void reportSourceFailures(const std::vector<app::SourceId>& ids);

    // main_session.cpp
    void showFirstSource(const std::vector<app::SourceId>& changed);
    void connectSession();
    void connectParts();
    void connectEngine();
    void onJobChanged();
    std::vector<app::Job> allJobs() const;
    void refreshStatus();
    void refreshLevels();
    void refreshViewerOverlays();
    void refreshNotes();
    std::vector<NoteRow> citationRows() const; ///< of all answers
    void refreshOutline();
    void setLevel(const std::string& level);
    void cycleLevel();
    void stop();
    void pushVisit(const Visit& from);
    void openMark(const app::Mark& mark);
    void editMark(const app::Mark& mark);
    void markPopup(const app::Mark& mark, bool isNew);
    std::optional<app::Mark> draftFromSelection(QChar key);
    void compareBranches();
    void rememberRecent();
    void openFirstSource();
    void fillSample(); ///< adds what the open sample dossier lacks

    WindowServices m_services;
    std::unique_ptr<PageRenderer> m_renderer;
    std::unique_ptr<app::Session> m_session;
    std::string m_level;
    QUndoStack* m_undo;
    std::vector<Visit> m_backStack, m_forwardStack;
    Mode m_mode = Mode::Read;
    bool m_sourcesWanted = true, m_threadWanted = true, m_compact = false, m_setupFirst = false;
    bool m_checkingDisk = false;

    ToolBar* m_toolBar;
    QStackedWidget* m_body;
    QSplitter* m_columns;
    SourcesPanel* m_sources;
    ViewerArea* m_viewer;
    ThreadPanel* m_thread;
    StatusBar* m_status;
    EmptyPage* m_empty;
    MemoryPage* m_memory;
    SetupPage* m_setup;
    ReportPage* m_report;
    QWidget* m_central;
    QPointer<DepthPopup> m_depthPopup;
    QPointer<JobsPopup> m_jobsPopup;
    std::vector<std::pair<QString, QAction*>> m_actions; ///< for locator and shortcut list
    QTimer m_jobTimer;
    std::map<app::SourceId, QString> m_takenOut; ///< names of what this session took out
    std::vector<long long> m_failedShown;        ///< sources whose failure was reported
};

} // namespace dossier::ui
