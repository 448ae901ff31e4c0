// SPDX-License-Identifier: GPL-3.0-or-later
// Draws the window on invented content in the sizes of the design's pictures:
// ui_pictures OUT [light|dark] [name ...]
#include <QApplication>
#include <QDir>
#include <QSettings>
#include <QStandardPaths>
#include <QTest>
#include <QTimer>

#include "tests/ingest/support/direct_reader.h"
#include "tests/ui/support/demo.h"
#include "ui/lanes/lanes_dialog.h"
#include "ui/main/empty_page.h"
#include "ui/main/main_window.h"
#include "ui/main/notes_strip.h"
#include "ui/main/status_bar.h"
#include "ui/memory/memory_page.h"
#include "ui/setup/setup_page.h"
#include "ui/sources/sources_panel.h"
#include "ui/sources/sources_view.h"
#include "ui/theme/theme.h"
#include "ui/thread/depth_popup.h"
#include "ui/thread/thread_panel.h"

using namespace dossier;

namespace {

std::shared_ptr<test::DirectReader> reader() {
    static auto shared = std::make_shared<test::DirectReader>();
    return shared;
}

void settle(int ms) {
    QTest::qWait(ms);
}

std::unique_ptr<ui::MainWindow> window(app::EngineHost* engine, int width, int height) {
    ui::WindowServices services;
    services.engine = engine;
    services.reader = reader();
    services.sampleDossier = test::kDemoBare;
    services.builtInModel = "/usr/share/dossier/model";
    services.dossiersFolder = QDir::tempPath().toStdString();
    services.sampleQuestions = {"When may the tenant end the lease early?",
                                "Where is a lost record detected?"};
    auto made = std::make_unique<ui::MainWindow>(services);
    made->resize(width, height);
    made->show();
    return made;
}

void openReading(ui::MainWindow& w, bool code) {
    for (const app::Source& source : w.session()->sources()) {
        if (source.name == (code ? "segment_writer.cpp" : "Lease Unit 4.pdf")) {
            w.viewer()->openSource(source.id);
        }
    }
    settle(300);
    for (const app::Source& source : w.session()->sources()) {
        if (source.name == (code ? "durability.md" : "Deed of variation.docx") ||
            (code && source.name == "recovery.cpp")) {
            w.viewer()->openSource(source.id);
        }
    }
    w.viewer()->tabs()->setCurrentIndex(0);
    const auto* tree = w.sources()->view()->model();
    for (int row = 0; row < tree->rowCount(); ++row) {
        if (tree->index(row, 0).data().toString() == QLatin1String("Correspondence")) {
            w.sources()->view()->collapse(tree->index(row, 0));
        }
    }
    settle(200);
    w.thread()->openCitation(code ? 1 : 2);
}

} // namespace

int main(int argc, char** argv) {
    QStandardPaths::setTestModeEnabled(true);
    QApplication app(argc, argv);
    QApplication::setOrganizationName(QStringLiteral("dossier-pictures"));
    QApplication::setApplicationName(QStringLiteral("Dossier"));
    QSettings().clear();
    const QStringList args = app.arguments();
    const QString out = args.value(1, QStringLiteral("."));
    const QString theme = args.value(2, QStringLiteral("light"));
    const QStringList wanted = args.mid(3);
    QDir().mkpath(out);
    ui::Theme::instance().apply();
    ui::Theme::instance().setChoice(theme == QLatin1String("dark") ? ui::ThemeChoice::Dark
                                                                   : ui::ThemeChoice::Light);
    app::EngineHost engine({});
    const auto draw = [&](const QString& name, const std::function<QWidget*()>& build) {
        if (!wanted.isEmpty() && !wanted.contains(name)) {
            return;
        }
        QWidget* shown = build();
        settle(700);
        if (shown == nullptr) {
            qWarning("%s: there is nothing to draw", qPrintable(name));
            return;
        }
        shown->grab().save(QStringLiteral("%1/%2-%3.png").arg(out, name, theme));
    };
    std::unique_ptr<ui::MainWindow> w;
    const auto fresh = [&](const char* folder, int width, int height) {
        w = window(&engine, width, height);
        if (folder != nullptr) {
            w->openDossier(folder);
        }
        w->statusRow()->setMemory(test::demoMemory(0, 0));
    };
    draw(QStringLiteral("01-read"), [&] {
        test::demoSettings().answering = true;
        fresh(test::kDemoLease, 1440, 900);
        openReading(*w, false);
        w->statusRow()->setSpeed(QStringLiteral("12.1 tok/s"));
        return w.get();
    });
    test::demoSettings().answering = false;
    draw(QStringLiteral("02-code"), [&] {
        fresh(test::kDemoCode, 1440, 900);
        w->viewer()->notes()->setOpen(true);
        openReading(*w, true);
        w->thread()->composer()->setText(
            QStringLiteral("Which tests would fail if fdatasync were removed?"));
        return w.get();
    });
    draw(QStringLiteral("03-add"), [&] {
        fresh(test::kDemoLease, 1440, 900);
        w->addPaths({std::filesystem::path(DOSSIER_SOURCE_DIR) / "resources/sample"});
        settle(1500);
        return w.get();
    });
    draw(QStringLiteral("05-memory"), [&] {
        fresh(test::kDemoLease, 1440, 900);
        engine.load({});
        w->setMode(ui::Mode::Memory);
        return w.get();
    });
    draw(QStringLiteral("06-first-run"), [&] {
        fresh(nullptr, 1440, 900);
        w->showSetup(ui::SetupPage::Placement);
        settle(500);
        return w.get();
    });
    draw(QStringLiteral("08-depth"), [&] {
        test::demoSettings().lowDepths = true;
        fresh(test::kDemoLease, 1440, 900);
        openReading(*w, false);
        ui::Message message;
        message.cause = QStringLiteral("demo");
        message.title = QStringLiteral("3 of 312 mails could not be read");
        message.text =
            QStringLiteral("Their attachments are damaged. The other 309 are read; answers "
                           "do not cover these three.");
        message.actions = {{QStringLiteral("Show the three…"), {}},
                           {QStringLiteral("Try again"), {}},
                           {QStringLiteral("Leave them out"), {}}};
        w->messages()->show(message);
        return w.get();
    });
    draw(QStringLiteral("12-lanes"), [&]() -> QWidget* {
        fresh(test::kDemoLease, 1440, 900);
        w->session()->startReading("max");
        w->showLanes();
        return w->findChild<ui::LanesDialog*>();
    });
    draw(QStringLiteral("08-popup"), [&]() -> QWidget* {
        test::demoSettings().lowDepths = true;
        fresh(test::kDemoLease, 1440, 900);
        w->showDepth();
        return w->findChild<ui::DepthPopup*>();
    });
    test::demoSettings().lowDepths = false;
    draw(QStringLiteral("10-empty-1024"), [&] {
        fresh(nullptr, 1024, 700);
        w->emptyPage()->setRecent({{QStringLiteral("Harbour Wharf"),
                                    QStringLiteral("812,344 tokens · 7 questions · ready in 14 s"),
                                    QStringLiteral("today 14:32"),
                                    {},
                                    false},
                                   {QStringLiteral("Quillstore"),
                                    QStringLiteral("312,400 tokens · 3 questions · ready in 6 s"),
                                    QStringLiteral("yesterday"),
                                    {},
                                    true},
                                   {QStringLiteral("Supplier terms 2026"),
                                    QStringLiteral("96,118 tokens · being read, 61 %"),
                                    QStringLiteral("18 Nov"),
                                    {},
                                    false}});
        return w.get();
    });
    draw(QStringLiteral("11-read-1024"), [&] {
        test::demoSettings().answering = true;
        fresh(test::kDemoLease, 1024, 700);
        openReading(*w, false);
        return w.get();
    });
    w.reset();
    return 0;
}
