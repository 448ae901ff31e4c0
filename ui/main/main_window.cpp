// SPDX-License-Identifier: GPL-3.0-or-later
// Construction and layout of the window. Menus: main_actions.cpp. Session: main_session.cpp.
#include "ui/main/main_window.h"

#include <QApplication>
#include <QBoxLayout>
#include <QCloseEvent>
#include <QDragEnterEvent>
#include <QKeyEvent>
#include <QMenuBar>
#include <QMimeData>
#include <QSettings>
#include <QSplitter>
#include <QUndoStack>

#include "ui/async.h"
#include "ui/main/empty_page.h"
#include "ui/main/jobs_popup.h"
#include "ui/main/notes_strip.h"
#include "ui/main/status_bar.h"
#include "ui/memory/memory_page.h"
#include "ui/report/report_page.h"
#include "ui/setup/setup_page.h"
#include "ui/sources/sources_panel.h"
#include "ui/theme/icons.h"
#include "ui/theme/style.h"
#include "ui/thread/depth_popup.h"
#include "ui/thread/thread_panel.h"

namespace dossier::ui {

MainWindow::MainWindow(WindowServices services)
    : m_services(std::move(services)),
      m_renderer(std::make_unique<PageRenderer>(m_services.reader)),
      m_undo(new QUndoStack(this)) {
    setWindowTitle(tr("Dossier"));
    setWindowIcon(applicationIcon());
    setAcceptDrops(true);
    onThemeChange(this, [this] { setMinimumSize(1024, 700); });
    m_services.session.reader = m_services.reader;
    m_services.session.engine = m_services.engine;
    buildBody();
    buildMenus();
    connectParts();
    connectEngine();
    installFocusRing(this);
    restoreLayout();
    m_setup->setServices(m_services);
    m_report->setServices(m_services);
    m_memory->setEngine(m_services.engine);
    QStringList questions;
    for (const std::string& question : m_services.sampleQuestions) {
        questions << QString::fromStdString(question);
    }
    m_empty->setSample(questions,
                       m_services.sampleDossier.empty()
                           ? QString()
                           : tr("A 12-page lease and a small code base. Nothing of yours is needed "
                                "to see how an answer shows its sources."),
                       {});
    closeDossier();
}

MainWindow::~MainWindow() {
    // Popups report to the tool bar when they go, so they go first.
    delete m_depthPopup;
    delete m_jobsPopup;
    // Views hold pointers into the session; they let go before it ends.
    m_thread->setSession(nullptr);
    m_viewer->setSession(nullptr, nullptr);
    m_sources->setSession(nullptr);
    m_report->setSession(nullptr, nullptr);
    m_session.reset();
}

void MainWindow::buildBody() {
    m_central = new Panel(&Tokens::window, {}, this);
    auto* layout = columnLayout(m_central);
    m_toolBar = new ToolBar(m_central);
    m_body = new QStackedWidget(m_central);
    m_status = new StatusBar(m_central);
    layout->addWidget(m_toolBar);
    layout->addWidget(m_body, 1);
    layout->addWidget(m_status);
    setCentralWidget(m_central);

    m_columns = new QSplitter(Qt::Horizontal, m_body);
    m_columns->setHandleWidth(1);
    m_columns->setChildrenCollapsible(false);
    m_sources = new SourcesPanel(m_columns);
    m_viewer = new ViewerArea(m_columns);
    m_thread = new ThreadPanel(m_columns);
    m_thread->setHairlines({});
    m_columns->addWidget(m_sources);
    m_columns->addWidget(m_viewer);
    m_columns->addWidget(m_thread);
    m_columns->setStretchFactor(0, 0);
    m_columns->setStretchFactor(1, 1);
    m_columns->setStretchFactor(2, 0);
    onThemeChange(m_columns, [this] {
        m_sources->setMinimumWidth(px(200));
        m_viewer->setMinimumWidth(px(320));
        m_thread->setMinimumWidth(px(300));
        m_columns->setSizes({px(308) - 1, width() - px(308) - px(424), px(424) - 1});
    });
    m_empty = new EmptyPage(m_body);
    m_memory = new MemoryPage(m_body);
    m_setup = new SetupPage(m_body);
    m_report = new ReportPage(m_body);
    for (QWidget* page :
         std::initializer_list<QWidget*>{m_columns, m_empty, m_memory, m_setup, m_report}) {
        m_body->addWidget(page);
    }
    connect(m_columns, &QSplitter::splitterMoved, this, [this] { arrange(); });
}

// ---------------------------------------------------------------- layout

void MainWindow::changeEvent(QEvent* event) {
    QMainWindow::changeEvent(event);
    if (event->type() == QEvent::ActivationChange && isActiveWindow()) {
        checkDisk(); // the person may come from another program, where they saved a file
    }
}

void MainWindow::resizeEvent(QResizeEvent* event) {
    QMainWindow::resizeEvent(event);
    const bool compact = width() < px(kCompactWidth);
    if (compact != m_compact) {
        m_compact = compact;
        m_viewer->setCompact(compact);
        m_status->setCompact(compact);
        m_report->setCompact(compact);
        m_toolBar->setCompact(compact);
        m_sources->setVisible(!compact && m_sourcesWanted);
        const int thread = px(compact ? 376 : 424);
        m_columns->setSizes({px(308) - 1, width() - thread - (compact ? 0 : px(308)), thread - 1});
    }
    arrange();
}

void MainWindow::arrange() {
    const QWidget* page = m_body->currentWidget();
    const bool setup = page == m_setup;
    m_toolBar->setVisible(!setup);
    m_status->setVisible(!setup);
    m_toolBar->setEmpty(page == m_empty);
    const bool read = page == m_columns;
    // The parts of the tool bar stand over the columns below, as wide as they.
    const int left =
        read && m_sources->isVisibleTo(m_columns) ? m_columns->sizes().value(0) + 1 : px(308);
    const int right = read && m_thread->isVisibleTo(m_columns) ? m_columns->sizes().value(2) + 1
                      : page == m_report                       ? px(364)
                                                               : px(m_compact ? 376 : 424);
    m_toolBar->setColumns(left, right);
    m_toolBar->setPanels(read && m_sources->isVisibleTo(m_columns),
                         read && m_thread->isVisibleTo(m_columns));
}

void MainWindow::setSourcesShown(bool shown) {
    if (m_mode != Mode::Read) {
        setMode(Mode::Read);
    }
    if (!m_compact) {
        m_sourcesWanted = shown;
    }
    m_sources->setVisible(shown);
    if (shown) {
        m_sources->focusFilter();
    }
    arrange();
}

void MainWindow::setThreadShown(bool shown) {
    if (m_mode != Mode::Read) {
        setMode(Mode::Read);
    }
    m_threadWanted = shown;
    m_thread->setVisible(shown);
    arrange();
}

void MainWindow::setMode(Mode mode) {
    if (mode == Mode::Review) {
        return;
    }
    m_mode = mode;
    m_toolBar->setMode(mode);
    QWidget* page = mode == Mode::Memory   ? static_cast<QWidget*>(m_memory)
                    : mode == Mode::Report ? static_cast<QWidget*>(m_report)
                    : m_session            ? static_cast<QWidget*>(m_columns)
                                           : static_cast<QWidget*>(m_empty);
    m_body->setCurrentWidget(page);
    if (mode == Mode::Memory) {
        measureDisk();
    }
    arrange();
}

void MainWindow::measureDisk() {
    const std::filesystem::path folder =
        m_session ? m_session->folder() : m_services.dossiersFolder;
    const bool open = m_session != nullptr;
    runAsync(
        this,
        [folder, open](std::stop_token stop) {
            std::pair<std::uint64_t, std::uint64_t> sizes{0, 0};
            std::error_code error;
            namespace fs = std::filesystem;
            const fs::recursive_directory_iterator end;
            fs::recursive_directory_iterator it;
            if (open) {
                it = fs::recursive_directory_iterator(folder, error);
            }
            for (; !error && it != end && !stop.stop_requested(); it.increment(error)) {
                std::error_code ignored;
                const std::uint64_t bytes = it->file_size(ignored);
                sizes.first += ignored ? 0 : bytes;
            }
            error.clear();
            const auto space = std::filesystem::space(folder, error);
            sizes.second = error ? 0 : space.available;
            return sizes;
        },
        [this](std::pair<std::uint64_t, std::uint64_t> sizes) {
            m_memory->setDossierBytes(sizes.first, sizes.second);
        });
}

void MainWindow::showSetup(int step) {
    m_setupFirst = m_services.firstRun;
    m_body->setCurrentWidget(m_setup);
    m_setup->showStep(step);
    arrange();
}

void MainWindow::leaveSetup() {
    m_services.firstRun = false;
    m_setup->setServices(m_services);
    QSettings().setValue(QStringLiteral("setupDone"), true);
    setMode(m_mode);
}

void MainWindow::rememberLayout() {
    QSettings settings;
    settings.setValue(QStringLiteral("window/geometry"), saveGeometry());
    settings.setValue(QStringLiteral("window/columns"), m_columns->saveState());
    settings.setValue(QStringLiteral("window/notes"), m_viewer->notes()->isOpen());
    if (m_session) {
        QStringList open;
        for (const DocumentTab* tab : m_viewer->documents()) {
            open << QString::number(static_cast<qlonglong>(tab->sourceId()));
        }
        m_session->setSetting("tabs", open.join(QLatin1Char(',')).toStdString());
        const DocumentTab* current = m_viewer->current();
        m_session->setSetting(
            "tab", current != nullptr ? std::to_string(static_cast<long long>(current->sourceId()))
                                      : std::string());
    }
}

void MainWindow::restoreLayout() {
    const QSettings settings;
    resize(1440, 900);
    restoreGeometry(settings.value(QStringLiteral("window/geometry")).toByteArray());
    m_columns->setSizes({px(308) - 1, width() - px(308) - px(424), px(424) - 1});
    if (settings.contains(QStringLiteral("window/columns"))) {
        m_columns->restoreState(settings.value(QStringLiteral("window/columns")).toByteArray());
    }
    m_viewer->notes()->setOpen(settings.value(QStringLiteral("window/notes"), false).toBool());
}

void MainWindow::closeEvent(QCloseEvent* event) {
    rememberLayout();
    QMainWindow::closeEvent(event);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
    if (event->mimeData()->hasUrls()) {
        event->acceptProposedAction();
        m_empty->setDropActive(true);
    }
}

void MainWindow::dropEvent(QDropEvent* event) {
    m_empty->setDropActive(false);
    std::vector<std::filesystem::path> paths;
    for (const QUrl& url : event->mimeData()->urls()) {
        if (url.isLocalFile()) {
            paths.emplace_back(url.toLocalFile().toStdString());
        }
    }
    if (!paths.empty()) {
        event->acceptProposedAction();
        addPaths(paths);
    }
}

void MainWindow::keyPressEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Escape) {
        if (m_body->currentWidget() == m_setup && !m_setupFirst) {
            leaveSetup(); // as its Close button does; the first time there is nothing to go back to
        } else {
            stop();
        }
        return;
    }
    QMainWindow::keyPressEvent(event);
}

MessageArea* MainWindow::messages() const {
    return m_viewer->messages();
}

} // namespace dossier::ui
