// SPDX-License-Identifier: GPL-3.0-or-later
// Menus, shortcuts and dialogs.
#include <QActionGroup>
#include <QApplication>
#include <QFileDialog>
#include <QLineEdit>
#include <QLocale>
#include <QMenu>
#include <QMenuBar>
#include <QMessageBox>
#include <QSettings>
#include <QUndoStack>

#include "ui/lanes/lanes_dialog.h"
#include "ui/main/dialogs.h"
#include "ui/main/locator.h"
#include "ui/main/main_window.h"
#include "ui/main/notes_strip.h"
#include "ui/report/report_page.h"
#include "ui/setup/setup_page.h"
#include "ui/sources/sources_model.h"
#include "ui/sources/sources_panel.h"
#include "ui/sources/sources_view.h"
#include "ui/theme/icons.h"
#include "ui/thread/thread_panel.h"

namespace dossier::ui {

QAction* MainWindow::action(QMenu* menu, const QString& text, const QKeySequence& keys,
                            std::function<void()> run, const QString& iconName) {
    auto* made = new QAction(text, this);
    made->setShortcut(keys);
    made->setShortcutContext(Qt::WindowShortcut);
    if (!iconName.isEmpty()) {
        made->setIcon(icon(iconName));
    }
    connect(made, &QAction::triggered, this, [run = std::move(run)] { run(); });
    menu->addAction(made);
    QString name = text;
    name.remove(QLatin1Char('&')).remove(QStringLiteral("…"));
    m_actions.emplace_back(name, made);
    return made;
}

void MainWindow::buildMenus() {
    onThemeChange(menuBar(), [this] { menuBar()->setFixedHeight(px(28)); });
    menuBar()->setNativeMenuBar(false);
    buildFileMenu();
    buildEditMenu();
    buildViewMenu();
    buildAskMenus();
    buildToolsMenus();
}

void MainWindow::buildFileMenu() {
    QMenu* file = menuBar()->addMenu(tr("&File"));
    action(
        file, tr("&New dossier…"), QKeySequence::New, [this] { askNewDossier(); },
        QStringLiteral("dossier"));
    action(file, tr("&Open a dossier…"), QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_O),
           [this] { askOpenDossier(); });
    QMenu* recent = file->addMenu(tr("Open &recent"));
    connect(recent, &QMenu::aboutToShow, this, [this, recent] {
        recent->clear();
        fillDossierMenu(recent);
    });
    action(file, tr("Open the &sample dossier"), {}, [this] {
        openSample();
    })->setEnabled(!m_services.sampleDossier.empty());
    file->addSeparator();
    action(
        file, tr("Add &files…"), QKeySequence::Open, [this] { askFiles(); },
        QStringLiteral("add-file"));
    action(
        file, tr("Add a f&older…"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_O),
        [this] { askFolder(); }, QStringLiteral("add-folder"));
    file->addSeparator();
    action(
        file, tr("&Export…"), QKeySequence(Qt::CTRL | Qt::Key_E),
        [this] {
            setMode(Mode::Report);
            m_report->exportTo({});
        },
        QStringLiteral("export"));
    file->addSeparator();
    action(file, tr("&Close the dossier"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_W),
           [this] { closeDossier(); });
    action(file, tr("&Quit"), QKeySequence::Quit, [this] { close(); });
}

void MainWindow::buildEditMenu() {
    QMenu* edit = menuBar()->addMenu(tr("&Edit"));
    auto* undo = m_undo->createUndoAction(this, tr("Undo"));
    undo->setShortcut(QKeySequence::Undo);
    auto* redo = m_undo->createRedoAction(this, tr("Redo"));
    redo->setShortcuts(
        {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_Z), QKeySequence(Qt::CTRL | Qt::Key_Y)});
    edit->addAction(undo);
    edit->addAction(redo);
    m_actions.emplace_back(tr("Undo"), undo);
    m_actions.emplace_back(tr("Redo"), redo);
    edit->addSeparator();
    action(
        edit, tr("&Find in the document"), QKeySequence::Find,
        [this] {
            if (DocumentTab* tab = m_viewer->current()) {
                tab->focusFind();
            }
        },
        QStringLiteral("search"));
    action(edit, tr("Next match"), QKeySequence(Qt::Key_F3), [this] {
        if (DocumentTab* tab = m_viewer->current()) {
            tab->view()->findNext(1);
        }
    });
    action(edit, tr("Previous match"), QKeySequence(Qt::SHIFT | Qt::Key_F3), [this] {
        if (DocumentTab* tab = m_viewer->current()) {
            tab->view()->findNext(-1);
        }
    });
    action(edit, tr("Find in all &sources"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_F),
           [this] { showLocator(QStringLiteral("f ")); });
    action(
        edit, tr("Find in questions and &answers"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_H),
        [this] { showLocator(QStringLiteral("q ")); }, QStringLiteral("history"));
    action(edit, tr("&Go to page or line"), QKeySequence(Qt::CTRL | Qt::Key_G), [this] {
        DocumentTab* tab = m_viewer->current();
        if (tab != nullptr && tab->pageView() != nullptr) {
            tab->focusPlace();
        } else if (tab != nullptr) {
            showLocator(QStringLiteral("p "));
        }
    });
    action(edit, tr("Go to an&ything"), QKeySequence(Qt::CTRL | Qt::Key_K),
           [this] { showLocator(); });
    edit->addSeparator();
    action(
        edit, tr("Se&ttings"), QKeySequence(Qt::CTRL | Qt::Key_Comma), [this] { showSettings(); },
        QStringLiteral("settings"));
}

void MainWindow::buildViewMenu() {
    QMenu* view = menuBar()->addMenu(tr("&View"));
    action(
        view, tr("&Read"), QKeySequence(Qt::CTRL | Qt::Key_1), [this] { setMode(Mode::Read); },
        QStringLiteral("read"));
    action(
        view, tr("Re&port"), QKeySequence(Qt::CTRL | Qt::Key_3), [this] { setMode(Mode::Report); },
        QStringLiteral("report"));
    action(
        view, tr("&Memory"), QKeySequence(Qt::CTRL | Qt::Key_4), [this] { setMode(Mode::Memory); },
        QStringLiteral("memory"));
    view->addSeparator();
    action(
        view, tr("&Sources"), QKeySequence(Qt::Key_F7),
        [this] { setSourcesShown(!m_sources->isVisible()); }, QStringLiteral("panel-left"));
    action(
        view, tr("&Thread"), QKeySequence(Qt::Key_F9),
        [this] { setThreadShown(!m_thread->isVisible()); }, QStringLiteral("panel-right"));
    action(
        view, tr("&Notes and citations"), QKeySequence(Qt::Key_F6),
        [this] {
            m_viewer->notes()->setOpen(!m_viewer->notes()->isOpen());
            m_viewer->showNotes();
            if (m_viewer->notes()->isOpen()) {
                m_viewer->notes()->list()->setFocus(Qt::ShortcutFocusReason);
            }
        },
        QStringLiteral("panel-bottom"));
    view->addSeparator();
    action(
        view, tr("&Back"), QKeySequence(Qt::ALT | Qt::Key_Left), [this] { back(); },
        QStringLiteral("back"));
    action(
        view, tr("&Forward"), QKeySequence(Qt::ALT | Qt::Key_Right), [this] { forward(); },
        QStringLiteral("forward"));
    view->addSeparator();
    const auto zoom = [this](double factor) {
        DocumentTab* tab = m_viewer->current();
        if (tab == nullptr) {
            return;
        }
        if (factor > 0) {
            tab->view()->setZoom(tab->view()->zoom() * factor);
        } else if (tab->pageView() != nullptr) {
            tab->pageView()->fitWidth();
        } else {
            tab->view()->setZoom(1);
        }
    };
    auto* larger = action(
        view, tr("&Larger"), QKeySequence::ZoomIn, [zoom] { zoom(1.1); },
        QStringLiteral("zoom-in"));
    larger->setShortcuts(
        {QKeySequence(Qt::CTRL | Qt::Key_Plus), QKeySequence(Qt::CTRL | Qt::Key_Equal)});
    action(
        view, tr("S&maller"), QKeySequence(Qt::CTRL | Qt::Key_Minus), [zoom] { zoom(1 / 1.1); },
        QStringLiteral("zoom-out"));
    action(
        view, tr("Fit &width"), QKeySequence(Qt::CTRL | Qt::Key_0), [zoom] { zoom(0); },
        QStringLiteral("fit-width"));
    auto* night = action(view, tr("N&ight page in the dark theme"), {}, [] {});
    night->setCheckable(true);
    night->setChecked(QSettings().value(QStringLiteral("nightPage"), true).toBool());
    m_viewer->setNightAllowed(night->isChecked());
    connect(night, &QAction::toggled, this, [this](bool on) {
        QSettings().setValue(QStringLiteral("nightPage"), on);
        m_viewer->setNightAllowed(on);
    });
    view->addSeparator();
    QMenu* theme = view->addMenu(icon(QStringLiteral("theme")), tr("T&heme"));
    auto* group = new QActionGroup(this);
    const std::pair<QString, ThemeChoice> themes[] = {{tr("As the system"), ThemeChoice::System},
                                                      {tr("Light"), ThemeChoice::Light},
                                                      {tr("Dark"), ThemeChoice::Dark}};
    for (const auto& [name, choice] : themes) {
        auto* entry = action(theme, name, {}, [choice = choice] {
            QSettings().setValue(QStringLiteral("theme"), static_cast<int>(choice));
            Theme::instance().setChoice(choice);
        });
        entry->setCheckable(true);
        entry->setChecked(Theme::instance().choice() == choice);
        group->addAction(entry);
    }
    const auto text = [](int step) {
        const int percent = Theme::instance().textPercent() + step;
        Theme::instance().setTextPercent(step == 0 ? 100 : percent);
        QSettings().setValue(QStringLiteral("textPercent"), Theme::instance().textPercent());
    };
    action(view, tr("Larger text"), QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_Plus),
           [text] { text(10); });
    action(view, tr("Smaller text"), QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_Minus),
           [text] { text(-10); });
    action(view, tr("Normal text"), QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_0),
           [text] { text(0); });
    action(view, tr("F&ull screen"), QKeySequence(Qt::Key_F11),
           [this] { setWindowState(windowState() ^ Qt::WindowFullScreen); });
}

void MainWindow::buildAskMenus() {
    QMenu* sources = menuBar()->addMenu(tr("&Sources"));
    action(sources, tr("Go to the sources"), QKeySequence(Qt::ALT | Qt::SHIFT | Qt::Key_S), [this] {
        setSourcesShown(true);
        m_sources->view()->setFocus(Qt::ShortcutFocusReason);
    });
    const auto all = [this](bool on) {
        if (m_session) {
            std::vector<app::SourceId> ids;
            for (const app::Source& source : m_session->sources()) {
                ids.push_back(source.id);
            }
            emit m_sources->includeRequested(ids, on);
        }
    };
    action(sources, tr("Use all in questions"), {}, [all] { all(true); });
    action(sources, tr("Use none in questions"), {}, [all] { all(false); });
    action(sources, tr("Read all again"), {}, [this] {
        if (m_session) {
            std::vector<app::SourceId> ids;
            for (const app::Source& source : m_session->sources()) {
                ids.push_back(source.id);
            }
            m_session->readAgain(ids);
        }
    });
    auto* branch = action(
        sources, tr("&Fork here"), {},
        [this] {
            if (const auto id = m_sources->view()->currentSource()) {
                emit m_sources->view()->forkRequested(*id);
            }
        },
        QStringLiteral("fork"));
    connect(sources, &QMenu::aboutToShow, branch, [this, branch] {
        bool possible = false;
        const auto id = m_session ? m_sources->view()->currentSource() : std::nullopt;
        branch->setText(id ? m_sources->view()->forkText(*id, &possible) : tr("&Fork here"));
        branch->setEnabled(possible);
    });
    QMenu* ask = menuBar()->addMenu(tr("&Ask"));
    action(
        ask, tr("&Write a question"), QKeySequence(Qt::CTRL | Qt::Key_L),
        [this] {
            setThreadShown(true);
            m_thread->composer()->edit()->setFocus(Qt::ShortcutFocusReason);
        },
        QStringLiteral("ask"));
    action(
        ask, tr("&Stop"), {}, [this] { stop(); }, QStringLiteral("stop"));
    action(
        ask, tr("&Regenerate"), QKeySequence(Qt::CTRL | Qt::Key_R),
        [this] { m_thread->regenerate(); }, QStringLiteral("regenerate"));
    auto* fork = action(
        ask, tr("&Fork here"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_B),
        [this] { m_thread->forkHere(); }, QStringLiteral("fork"));
    connect(ask, &QMenu::aboutToShow, fork, [this, fork] {
        const QString price = m_thread->forkPrice();
        fork->setText(price.isEmpty() ? tr("&Fork here") : tr("&Fork here: %1").arg(price));
        fork->setEnabled(m_thread->active() != nullptr);
    });
    connect(ask, &QMenu::aboutToHide, fork, [fork] { fork->setEnabled(true); });
    action(
        ask, tr("&Compare branches"), QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_B),
        [this] { compareBranches(); }, QStringLiteral("compare"));
    ask->addSeparator();
    action(
        ask, tr("Next &depth"), QKeySequence(Qt::CTRL | Qt::Key_T), [this] { cycleLevel(); },
        QStringLiteral("depth"));
    action(ask, tr("Depth…"), QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_T),
           [this] { showDepth(); });
    action(
        ask, tr("Show t&hinking"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_T),
        [this] { m_thread->toggleThinking(); }, QStringLiteral("thinking"));
    ask->addSeparator();
    action(ask, tr("&Next citation"), QKeySequence(Qt::Key_F8),
           [this] { m_thread->stepCitation(1); });
    action(ask, tr("&Previous citation"), QKeySequence(Qt::SHIFT | Qt::Key_F8),
           [this] { m_thread->stepCitation(-1); });

    QMenu* review = menuBar()->addMenu(tr("&Review"));
    review->addAction(tr("A playbook over all sources: not in this version"))->setEnabled(false);

    QMenu* annotate = menuBar()->addMenu(tr("A&nnotate"));
    const auto tool = [&](const QString& text, int key, QChar command, const char* iconName) {
        action(
            annotate, text, QKeySequence(Qt::ALT | static_cast<Qt::Key>(key)),
            [this, command] { this->annotate(command); }, QString::fromLatin1(iconName));
    };
    tool(tr("&Highlight"), Qt::Key_1, QLatin1Char('h'), "highlight");
    tool(tr("&Underline"), Qt::Key_2, QLatin1Char('u'), "underline");
    tool(tr("&Strike out"), Qt::Key_3, QLatin1Char('s'), "strike");
    tool(tr("&Note…"), Qt::Key_4, QLatin1Char('n'), "note");
    tool(tr("&Ask about the selection"), Qt::Key_5, QLatin1Char('a'), "ask");
    annotate->addSeparator();
    action(
        annotate, tr("&Citation to highlight"), QKeySequence(Qt::CTRL | Qt::Key_H),
        [this] { promoteCitation(); }, QStringLiteral("quote"));
    QMenu* report = menuBar()->addMenu(tr("R&eport"));
    action(
        report, tr("Show the report"), {}, [this] { setMode(Mode::Report); },
        QStringLiteral("report"));
    struct Format {
        QString text;
        bool pdf, annotated, markdown, html;
    };
    const Format formats[] = {{tr("Export PDF and annotated sources…"), true, true, false, false},
                              {tr("Export annotated sources…"), false, true, false, false},
                              {tr("Export Markdown…"), false, false, true, false},
                              {tr("Export HTML…"), false, false, false, true}};
    for (const Format& format : formats) {
        action(report, format.text, {}, [this, format] {
            setMode(Mode::Report);
            m_report->setFormats(format.pdf, format.annotated, format.markdown, format.html);
            m_report->exportTo({});
        });
    }
}

void MainWindow::buildToolsMenus() {
    QMenu* tools = menuBar()->addMenu(tr("&Tools"));
    action(
        tools, tr("&Jobs"), QKeySequence(Qt::CTRL | Qt::Key_J), [this] { showJobs(); },
        QStringLiteral("lane"));
    action(
        tools, tr("What is &read…"), {}, [this] { showLanes(); }, QStringLiteral("frontier"));
    action(
        tools, tr("&Model…"), {}, [this] { showSetup(SetupPage::Model); }, QStringLiteral("model"));
    action(
        tools, tr("Set up this &computer…"), {}, [this] { showSetup(SetupPage::Welcome); },
        QStringLiteral("computer"));
    action(
        tools, tr("&Unload the model"), {},
        [this] {
            if (m_services.engine != nullptr) {
                m_services.engine->unload();
            }
        },
        QStringLiteral("unload"));
    QMenu* window = menuBar()->addMenu(tr("&Window"));
    action(window, tr("&Next document"), QKeySequence(Qt::CTRL | Qt::Key_Tab),
           [this] { m_viewer->stepTab(1); });
    action(window, tr("&Previous document"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_Tab),
           [this] { m_viewer->stepTab(-1); });
    action(window, tr("&Close the document"), QKeySequence(Qt::CTRL | Qt::Key_W),
           [this] { m_viewer->closeCurrent(); });
    action(window, tr("Go to the &document"), QKeySequence(Qt::ALT | Qt::SHIFT | Qt::Key_D),
           [this] {
               if (DocumentTab* tab = m_viewer->current()) {
                   tab->view()->setFocus(Qt::ShortcutFocusReason);
               }
           });
    QMenu* help = menuBar()->addMenu(tr("&Help"));
    auto* keys = action(
        help, tr("&Keyboard shortcuts"), QKeySequence(Qt::Key_F1), [this] { showShortcuts(); },
        QStringLiteral("help"));
    keys->setShortcuts({QKeySequence(Qt::Key_F1), QKeySequence(Qt::CTRL | Qt::Key_Question)});
    action(
        help, tr("Check that it is &offline"), {}, [this] { showOffline(); },
        QStringLiteral("offline"));
    action(
        help, tr("&About Dossier"), {}, [this] { showAbout(); }, QStringLiteral("info"));
}

// ---------------------------------------------------------------- dialogs

void MainWindow::fillDossierMenu(QMenu* menu) {
    int shown = 0;
    for (const QString& path : QSettings().value(QStringLiteral("recent")).toStringList()) {
        if (std::filesystem::exists(path.toStdString())) {
            auto* entry = menu->addAction(
                QString::fromStdString(std::filesystem::path(path.toStdString()).stem().string()),
                this, [this, path] { openDossier(path.toStdString()); });
            entry->setToolTip(path);
            ++shown;
        }
    }
    if (shown == 0) {
        menu->addAction(tr("None yet"))->setEnabled(false);
    }
}

void MainWindow::dossierMenu() {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    fillDossierMenu(menu);
    menu->addSeparator();
    menu->addAction(icon(QStringLiteral("plus")), tr("New dossier…"), this,
                    &MainWindow::askNewDossier);
    menu->addAction(tr("Open a dossier…"), this, &MainWindow::askOpenDossier);
    if (!m_services.sampleDossier.empty()) {
        menu->addAction(tr("Open the sample dossier"), this, [this] { openSample(); });
    }
    if (m_session) {
        menu->addSeparator();
        menu->addAction(tr("Close the dossier"), this, &MainWindow::closeDossier);
    }
    const Button* button = m_toolBar->dossierButton();
    menu->popup(button->mapToGlobal(QPoint(0, button->height())));
}

void MainWindow::askNewDossier() {
    auto* dialog = new QFileDialog(this, tr("New dossier"),
                                   QString::fromStdString(m_services.dossiersFolder.string()));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setLabelText(QFileDialog::FileName, tr("Name"));
    dialog->selectFile(tr("Untitled"));
    connect(dialog, &QFileDialog::fileSelected, this,
            [this](const QString& path) { newDossier(path.toStdString()); });
    dialog->open();
}

void MainWindow::askOpenDossier() {
    auto* dialog = new QFileDialog(this, tr("Open a dossier"),
                                   QString::fromStdString(m_services.dossiersFolder.string()));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::Directory);
    dialog->setOption(QFileDialog::ShowDirsOnly);
    connect(dialog, &QFileDialog::fileSelected, this,
            [this](const QString& path) { openDossier(path.toStdString()); });
    dialog->open();
}

void MainWindow::showLanes() {
    if (!m_session) {
        return;
    }
    auto* dialog = new LanesDialog(m_session.get(), this);
    connect(dialog, &LanesDialog::failed, this,
            [this](const app::Failure& failure) { report(failure, tr("What is read")); });
    dialog->show();
}

void MainWindow::showShortcuts() {
    std::vector<std::pair<QString, QString>> rows;
    for (const auto& [name, entry] : m_actions) {
        QStringList keys;
        for (const QKeySequence& sequence : entry->shortcuts()) {
            keys << sequence.toString(QKeySequence::NativeText);
        }
        if (!keys.isEmpty()) {
            rows.emplace_back(name, keys.join(QStringLiteral(", ")));
        }
    }
    (new ShortcutsDialog(rows, this))->show();
}

void MainWindow::showSettings() {
    auto* dialog = new SettingsDialog(this);
    connect(dialog, &SettingsDialog::modelRequested, this, [this] { showSetup(SetupPage::Model); });
    dialog->show();
}

void MainWindow::showOffline() {
    (new OfflineDialog(this))->show();
}

void MainWindow::showAbout() {
    auto* box = new QMessageBox(this);
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->setWindowTitle(tr("About Dossier"));
    box->setIconPixmap(applicationPixmap(px(64), devicePixelRatioF()));
    box->setText(tr("Dossier %1").arg(QApplication::applicationVersion()));
    box->setInformativeText(tr(
        "Reads whole contracts and code bases with its own engine, offline, and shows where each "
        "answer stands.\n\nFree software under the GNU General Public License, version 3 or later. "
        "Fonts: Inter and JetBrains Mono (SIL Open Font License), TeX Gyre Pagella (GUST Font "
        "License). Pages are drawn by Poppler."));
    box->open();
}

} // namespace dossier::ui
