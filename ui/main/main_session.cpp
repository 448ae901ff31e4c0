// SPDX-License-Identifier: GPL-3.0-or-later
// Wiring of the window with session and engine; status, levels, jobs.
#include <QLocale>
#include <QUndoStack>
#include <algorithm>

#include "ui/add/add_preview.h"
#include "ui/main/empty_page.h"
#include "ui/main/jobs_popup.h"
#include "ui/main/main_window.h"
#include "ui/main/notes_strip.h"
#include "ui/main/status_bar.h"
#include "ui/main/undo_commands.h"
#include "ui/memory/memory_page.h"
#include "ui/report/report_page.h"
#include "ui/setup/setup_page.h"
#include "ui/sources/sources_panel.h"
#include "ui/sources/sources_view.h"
#include "ui/thread/depth_popup.h"
#include "ui/thread/thread_panel.h"

namespace dossier::ui {

// ---------------------------------------------------------------- wiring

void MainWindow::connectParts() {
    connect(m_toolBar, &ToolBar::sourcesToggled, this, &MainWindow::setSourcesShown);
    connect(m_toolBar, &ToolBar::threadToggled, this, &MainWindow::setThreadShown);
    connect(m_toolBar, &ToolBar::dossierMenuRequested, this, &MainWindow::dossierMenu);
    connect(m_toolBar, &ToolBar::addFilesRequested, this, &MainWindow::askFiles);
    connect(m_toolBar, &ToolBar::addFolderRequested, this, &MainWindow::askFolder);
    connect(m_toolBar, &ToolBar::backRequested, this, &MainWindow::back);
    connect(m_toolBar, &ToolBar::forwardRequested, this, &MainWindow::forward);
    connect(m_toolBar, &ToolBar::modeChosen, this, &MainWindow::setMode);
    connect(m_toolBar, &ToolBar::locatorRequested, this, [this] { showLocator(); });
    connect(m_toolBar, &ToolBar::depthRequested, this, &MainWindow::showDepth);
    connect(m_toolBar, &ToolBar::stopRequested, this, &MainWindow::stop);

    connect(m_empty, &EmptyPage::addFilesRequested, this, &MainWindow::askFiles);
    connect(m_empty, &EmptyPage::addFolderRequested, this, &MainWindow::askFolder);
    connect(m_empty, &EmptyPage::openRequested, this,
            [this](const QString& path) { openDossier(path.toStdString()); });
    connect(m_empty, &EmptyPage::sampleRequested, this, &MainWindow::openSample);

    connect(m_sources, &SourcesPanel::openRequested, this, [this](app::SourceId id) {
        if (const auto from = m_viewer->here(); from && from->source != id) {
            pushVisit(*from);
        }
        m_viewer->openSource(id);
        if (m_compact) {
            m_sources->hide();
            arrange();
        }
    });
    connect(m_sources, &SourcesPanel::includeRequested, this,
            [this](const std::vector<app::SourceId>& ids, bool included) {
                m_undo->push(new IncludeSources(m_session.get(), ids, included));
            });
    connect(m_sources, &SourcesPanel::removeRequested, this, &MainWindow::removeSources);
    connect(m_sources, &SourcesPanel::readAgainRequested, this,
            [this](const std::vector<app::SourceId>& ids) { m_session->readAgain(ids); });
    m_sources->view()->setForkPrice([this](app::SourceId id) { return m_thread->forkPrice(id); });
    connect(m_sources->view(), &SourcesView::forkRequested, this, [this](app::SourceId id) {
        setThreadShown(true);
        m_thread->forkBehind(id);
    });
    connect(m_sources, &SourcesPanel::outlineChosen, this, [this](const OutlineItem& item) {
        DocumentTab* tab = m_viewer->current();
        if (tab == nullptr) {
            return;
        }
        if (const auto from = m_viewer->here()) {
            pushVisit(*from);
        }
        if (tab->pageView() != nullptr && item.range.empty()) {
            tab->pageView()->showPage(item.page);
        } else {
            tab->view()->showRange(item.range, true);
        }
    });
    connect(m_sources, &SourcesPanel::addFilesRequested, this, &MainWindow::askFiles);
    connect(m_sources, &SourcesPanel::addFolderRequested, this, &MainWindow::askFolder);

    connect(m_viewer, &ViewerArea::addFilesRequested, this, &MainWindow::askFiles);
    connect(m_viewer, &ViewerArea::addFolderRequested, this, &MainWindow::askFolder);
    connect(m_viewer, &ViewerArea::currentChanged, this, [this] {
        if (DocumentTab* tab = m_viewer->current()) {
            m_sources->select(tab->sourceId());
            m_viewer->notes()->setSource(tab->sourceId());
        }
        // Adding needs the whole width; the columns come back with the next document.
        const bool adding = qobject_cast<AddPreview*>(m_viewer->currentPage()) != nullptr;
        m_sources->setVisible(!adding && !m_compact && m_sourcesWanted);
        m_thread->setVisible(!adding && m_threadWanted);
        arrange();
        refreshOutline();
        refreshViewerOverlays();
    });
    connect(m_viewer, &ViewerArea::outlineReady, this, [this] { refreshOutline(); });
    connect(m_viewer, &ViewerArea::documentOpened, this, [this] { refreshViewerOverlays(); });
    connect(m_viewer, &ViewerArea::moved, this, [this] {
        DocumentTab* tab = m_viewer->current();
        if (tab != nullptr && tab->view()->document()) {
            std::optional<std::uint32_t> page;
            if (tab->pageView() != nullptr) {
                page = tab->pageView()->currentPage();
            }
            const std::uint64_t offset =
                tab->textView() != nullptr
                    ? ingest::lineRange(*tab->view()->document(),
                                        std::max<std::uint64_t>(1, tab->textView()->currentLine()))
                          .begin
                    : tab->view()->topOffset();
            m_sources->setOutlinePosition(offset, page);
            const int row = m_sources->outlineModel()->rowAt(offset, page);
            tab->setSymbol(row >= 0 && m_sources->outlineModel()->item(row).symbol
                               ? m_sources->outlineModel()->item(row).title
                               : QString());
        }
    });
    connect(m_viewer, &ViewerArea::annotate, this, &MainWindow::annotate);
    connect(m_viewer, &ViewerArea::citationClicked, m_thread, &ThreadPanel::openCitation);
    connect(m_viewer, &ViewerArea::markClicked, this, [this](app::MarkId id) {
        for (const app::Mark& mark : m_session->marks()) {
            if (mark.id == id) {
                editMark(mark);
                return;
            }
        }
    });
    connect(m_viewer, &ViewerArea::placeLeft, this, &MainWindow::pushVisit);
    connect(m_viewer, &ViewerArea::message, this, &MainWindow::report);
    NotesStrip* notes = m_viewer->notes();
    connect(notes, &NotesStrip::citationOpened, this,
            [this](app::QuestionId question, std::uint32_t number) {
                m_thread->showQuestion(question);
                m_thread->openCitation(number);
            });
    connect(notes, &NotesStrip::openChanged, m_viewer, &ViewerArea::showNotes);
    connect(notes, &NotesStrip::markOpened, this, &MainWindow::openMark);
    connect(notes, &NotesStrip::markEditRequested, this, &MainWindow::editMark);
    connect(notes, &NotesStrip::markRemoveRequested, this, [this](app::MarkId id) {
        for (const app::Mark& mark : m_session->marks()) {
            if (mark.id == id) {
                m_undo->push(new RemoveMark(m_session.get(), mark));
                return;
            }
        }
    });
    connect(notes, &NotesStrip::promoteRequested, this,
            [this](app::QuestionId question, std::uint32_t number) {
                m_thread->showQuestion(question);
                m_thread->openCitation(number);
                promoteCitation();
            });

    connect(m_thread, &ThreadPanel::citationOpened, this, &MainWindow::openCitation);
    connect(m_thread, &ThreadPanel::placeOpened, this,
            [this](const app::Place& place) { openPlace(place); });
    connect(m_thread, &ThreadPanel::activeChanged, this, [this] {
        refreshViewerOverlays();
        refreshNotes();
    });
    connect(m_thread, &ThreadPanel::message, this, &MainWindow::report);
    connect(m_thread, &ThreadPanel::reportRequested, this, [this] { setMode(Mode::Report); });
    connect(m_thread, &ThreadPanel::searchHistoryRequested, this,
            [this] { showLocator(QStringLiteral("q ")); });
    connect(m_thread, &ThreadPanel::compareRequested, this, &MainWindow::compareBranches);

    connect(m_status, &StatusBar::jobsRequested, this, &MainWindow::showJobs);
    connect(m_status, &StatusBar::memoryRequested, this, [this] { setMode(Mode::Memory); });
    connect(m_status, &StatusBar::modelRequested, this, [this] { showSetup(SetupPage::Model); });
    connect(m_status, &StatusBar::offlineRequested, this, &MainWindow::showOffline);
    connect(m_memory, &MemoryPage::modelRequested, this, [this] { showSetup(SetupPage::Model); });
    connect(m_memory, &MemoryPage::unloadRequested, this, [this] {
        if (m_services.engine != nullptr) {
            m_services.engine->unload();
        }
    });
    connect(m_setup, &SetupPage::finished, this, &MainWindow::leaveSetup);
    connect(m_setup, &SetupPage::offlineRequested, this, &MainWindow::showOffline);
    connect(m_setup, &SetupPage::sampleRequested, this, [this](const QString& question) {
        leaveSetup();
        openSample(question);
    });
    // The end of an export takes nobody from the report: its page has bars of its own.
    connect(m_report, &ReportPage::message, this,
            [this](const app::Failure& failure, const QString& cause) {
                if (mode() == Mode::Report) {
                    m_report->messages()->show(messageOf(failure, cause));
                } else {
                    report(failure, cause);
                }
            });
    connect(m_report, &ReportPage::exported, this, [this](const QString& path) {
        MessageArea* there = mode() == Mode::Report ? m_report->messages() : messages();
        there->show({Message::Info, QStringLiteral("export"), tr("Written: %1").arg(path), {}, {}});
    });
    m_jobTimer.setInterval(250);
    m_jobTimer.setSingleShot(true);
    connect(&m_jobTimer, &QTimer::timeout, this, &MainWindow::onJobChanged);
}

void MainWindow::connectEngine() {
    app::EngineHost* engine = m_services.engine;
    if (engine == nullptr) {
        return;
    }
    connect(engine, &app::EngineHost::statusChanged, this, [this, engine] {
        const app::EngineStatus& status = engine->status();
        m_status->setModel(status);
        if (status.state == app::EngineState::Failed && status.failure) {
            Message message = messageOf(*status.failure, QStringLiteral("model"));
            message.actions.push_back(
                {tr("Choose a model…"), [this] { showSetup(SetupPage::Model); }});
            messages()->show(message);
        } else if (status.state == app::EngineState::Ready) {
            messages()->withdraw(QStringLiteral("model"));
            engine::LoadOptions options;
            options.model = status.model ? status.model->path : std::filesystem::path();
            for (AddPreview* preview : findChildren<AddPreview*>()) {
                preview->setModel(options.model);
            }
            engine->inspect(options, this,
                            [this](auto, std::optional<engine::Forecast> forecast, auto) {
                                m_memory->setForecast(forecast);
                            });
        } else if (status.failure) { // the engine's process died
            messages()->show({Message::Warning,
                              QStringLiteral("model"),
                              QString::fromStdString(status.failure->failed),
                              status.state == app::EngineState::Stopped
                                  ? tr("The next question starts it again. Nothing that was shown "
                                       "as saved is lost.")
                                  : tr("It is being started again. Nothing that was shown as saved "
                                       "is lost."),
                              {}});
        }
        refreshLevels();
        refreshStatus();
        m_jobTimer.start();
    });
    connect(engine, &app::EngineHost::jobChanged, this, [this] {
        if (!m_jobTimer.isActive()) {
            m_jobTimer.start();
        }
    });
    connect(engine, &app::EngineHost::memorySampled, this, [this](const app::MemorySample& sample) {
        m_status->setMemory(sample);
        const engine::Telemetry& t = sample.telemetry;
        const auto speed = [](double value) {
            return tr("%1 tok/s").arg(QLocale().toString(value, 'f', value < 100 ? 1 : 0));
        };
        if (t.activity == "answering" && t.answerTokensPerSecond > 0) {
            m_status->setSpeed(speed(t.answerTokensPerSecond));
        } else if (t.activity == "reading" && t.readTokensPerSecond > 0) {
            m_status->setSpeed(speed(t.readTokensPerSecond));
        } else if (t.activity == "answering") {
            m_status->setSpeed(tr("answering"));
        } else if (t.activity == "reading" || t.activity == "scoring") { // passages are scored
            m_status->setSpeed(tr("reading"));
        } else if (t.activity == "restoring") {
            m_status->setSpeed(tr("restoring"));
        } else {
            m_status->setModel(m_services.engine->status());
        }
    });
    m_status->setModel(engine->status());
}

void MainWindow::showFirstSource(const std::vector<app::SourceId>& changed) {
    if (m_viewer->currentPage() != nullptr || m_session->sources().empty()) {
        return;
    }
    // The one that the person named first, once it is read; what became ready later opens nothing.
    const app::Source& first = m_session->sources().front();
    if (first.state == app::SourceState::Ready &&
        std::find(changed.begin(), changed.end(), first.id) != changed.end()) {
        m_viewer->openSource(first.id);
    }
}

void MainWindow::connectSession() {
    app::Session* session = m_session.get();
    connect(session, &app::Session::contextUseChanged, this, &MainWindow::refreshStatus);
    connect(session, &app::Session::levelsChanged, this, &MainWindow::refreshLevels);
    connect(session, &app::Session::sourcesChanged, this,
            [this](const std::vector<app::SourceId>& ids) {
                reportSourceFailures(ids);
                refreshNotes();
                showFirstSource(ids);
                if (std::any_of(ids.begin(), ids.end(), [this](app::SourceId id) {
                        return m_session->source(id) != nullptr && m_takenOut.contains(id);
                    })) { // it is back
                    messages()->withdraw(QStringLiteral("gone"));
                    messages()->withdraw(QStringLiteral("removed"));
                }
                const auto& changed = m_sources->model()->changedOnDisk();
                if (std::any_of(ids.begin(), ids.end(),
                                [&](app::SourceId id) { return changed.contains(id); })) {
                    checkDisk(); // the new text may have been read
                }
            });
    connect(session, &app::Session::marksChanged, this, [this] {
        refreshViewerOverlays();
        refreshNotes();
    });
    const auto answering = [this] { m_toolBar->setCanStop(m_session && m_session->answering()); };
    connect(session, &app::Session::answerAdded, this, answering);
    connect(session, &app::Session::answerChanged, this, answering);
    const auto jobs = [this] {
        if (!m_jobTimer.isActive()) {
            m_jobTimer.start();
        }
    };
    connect(session, &app::Session::jobChanged, this, jobs);
    connect(session, &app::Session::readingChanged, this, jobs);
    connect(session, &app::Session::failed, this,
            [this](const app::Failure& failure) { report(failure, QStringLiteral("session")); });
    answering();
    m_jobTimer.start();
}

// ---------------------------------------------------------------- state

void MainWindow::refreshStatus() {
    app::ContextUse use;
    if (m_session) {
        use = m_session->contextUse();
    } else if (m_services.engine != nullptr && m_services.engine->status().model) {
        use.maxTokens = m_services.engine->status().model->maxContext;
    }
    m_status->setContext(use);
}

void MainWindow::refreshLevels() {
    QString title;
    bool enabled = false;
    if (m_session) {
        const auto levels = m_session->levels();
        const auto known = [&](const std::string& name) {
            return std::any_of(levels.begin(), levels.end(),
                               [&](const app::LevelInfo& l) { return l.name == name; });
        };
        if (!known(m_level)) {
            m_level = m_session->defaultLevel();
        }
        for (const app::LevelInfo& level : levels) {
            if (level.name == m_level) {
                title = QString::fromStdString(level.title);
            }
        }
        enabled = levels.size() > 1;
    }
    m_toolBar->setDepth(title, enabled);
    m_thread->setLevel(m_level);
    if (m_depthPopup && m_session) {
        m_depthPopup->setLevels(m_session->levels(), m_session->reading());
    }
}

void MainWindow::setLevel(const std::string& level) {
    m_level = level;
    if (m_session) {
        m_session->setSetting("level", level);
    }
    refreshLevels();
}

void MainWindow::cycleLevel() {
    if (!m_session) {
        return;
    }
    const auto levels = m_session->levels();
    for (std::size_t i = 0; i < levels.size(); ++i) {
        if (levels[i].name != m_level) {
            continue;
        }
        // The next one that can be asked at once.
        for (std::size_t step = 1; step <= levels.size(); ++step) {
            const app::LevelInfo& next = levels[(i + step) % levels.size()];
            if (next.state == app::LevelState::Ready) {
                setLevel(next.name);
                return;
            }
        }
    }
}

void MainWindow::showDepth() {
    if (!m_session || m_depthPopup) {
        return;
    }
    m_depthPopup = new DepthPopup(m_session->levels(), m_level, m_session->reading(), this);
    connect(m_depthPopup, &DepthPopup::prepareRequested, this, [this](const QString& level) {
        try {
            m_session->startReading(level.toStdString());
        } catch (const Error& error) {
            report(app::failureOf(error), QStringLiteral("read"));
        }
    });
    connect(m_depthPopup, &DepthPopup::pauseRequested, this,
            [this](bool pause) { pause ? m_session->pauseReading() : m_session->resumeReading(); });
    connect(m_depthPopup, &DepthPopup::chosen, this,
            [this](const QString& level) { setLevel(level.toStdString()); });
    connect(m_depthPopup, &QObject::destroyed, this, [this] { m_toolBar->setDepthOpen(false); });
    Button* button = m_toolBar->depthButton();
    m_toolBar->setDepthOpen(true);
    const QPoint corner = button->mapToGlobal(QPoint(0, button->height()));
    m_depthPopup->showAt(corner + QPoint(-px(24), px(2)));
}

std::vector<app::Job> MainWindow::allJobs() const {
    std::vector<app::Job> jobs;
    if (m_services.engine != nullptr) {
        jobs = m_services.engine->jobs();
    }
    if (m_session) {
        const auto& own = m_session->jobs();
        jobs.insert(jobs.end(), own.begin(), own.end());
        if (auto reading = m_session->readingJob()) {
            jobs.push_back(std::move(*reading));
        }
    }
    std::stable_sort(jobs.begin(), jobs.end(), [](const app::Job& a, const app::Job& b) {
        return a.startedMs < b.startedMs;
    });
    return jobs;
}

void MainWindow::onJobChanged() {
    const auto jobs = allJobs();
    const app::Job* running = nullptr;
    for (const app::Job& job : jobs) {
        running = job.state == app::JobState::Running ? &job : running;
    }
    QString line = running != nullptr ? jobLine(*running) : QString();
    QString iconName = running != nullptr ? jobIcon(running->kind) : QString();
    if (running == nullptr && m_services.engine != nullptr &&
        m_services.engine->status().state == app::EngineState::Loading) {
        const engine::Progress& p = m_services.engine->status().progress;
        line = tr("Loading the model");
        if (p.total > 0) {
            line += tr(" · %1 %").arg(static_cast<int>(100.0 * static_cast<double>(p.done) /
                                                       static_cast<double>(p.total)));
        }
        iconName = QStringLiteral("model");
    }
    m_status->setJob(line, iconName.isEmpty() ? QStringLiteral("frontier") : iconName);
    if (m_jobsPopup) {
        m_jobsPopup->setJobs(jobs);
    }
    if (running != nullptr || !line.isEmpty()) {
        m_jobTimer.start(); // times left tick even when no signal comes
    }
}

void MainWindow::showJobs() {
    if (m_jobsPopup) {
        m_jobsPopup->close();
        return;
    }
    m_jobsPopup = new JobsPopup(this);
    m_jobsPopup->setJobs(allJobs());
    const auto owner = [this](app::JobId id) {
        const auto& own = m_session ? m_session->jobs() : std::vector<app::Job>{};
        return std::any_of(own.begin(), own.end(), [id](const app::Job& j) { return j.id == id; });
    };
    connect(m_jobsPopup, &JobsPopup::cancelRequested, this, [this, owner](app::JobId id) {
        const auto reading = m_session ? m_session->readingJob() : std::nullopt;
        if (reading && reading->id == id) {
            m_session->cancelReading();
            return;
        }
        owner(id) ? m_session->cancelJob(id) : m_services.engine->cancelJob(id);
    });
    connect(m_jobsPopup, &JobsPopup::dismissRequested, this, [this, owner](app::JobId id) {
        if (owner(id)) {
            m_session->dismissJob(id);
        }
        onJobChanged();
    });
    const QRect anchor = m_status->jobRect();
    m_jobsPopup->showAbove(anchor);
}

void MainWindow::stop() {
    if (m_session && m_session->answering()) {
        m_session->stopAll();
    }
}

} // namespace dossier::ui
