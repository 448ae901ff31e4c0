// SPDX-License-Identifier: GPL-3.0-or-later
// The window with the real reader, store, engine and embedded model, on folders of its own.
//
// DOSSIER_PICTURES=FOLDER keeps pictures of the window, DOSSIER_THEME=dark and
// DOSSIER_SIZE=1024x700 choose how it looks.
#pragma once

#include <QDir>
#include <QTemporaryDir>
#include <QTest>
#include <cstdio>

#include "app/asking/profile.h"
#include "app/cli/environment.h"
#include "tests/ui/support/held_reader.h"
#include "tests/ui/support/ui_testing.h"
#include "ui/main/main_window.h"
#include "ui/sample.h"

namespace dossier::test {

inline const std::filesystem::path kSample =
    std::filesystem::path(DOSSIER_SOURCE_DIR) / "resources" / "sample";

/// How long reading and answering may take before a test gives up.
constexpr int kReadMs = 120'000, kAnswerMs = 180'000;

/// What is missing to run, or null.
inline const char* missingForRealWindow() {
    if (!std::filesystem::exists(kSample / "sample.json")) {
        return "SKIP: the sample in resources/sample is not there\n";
    }
    return std::filesystem::exists(app::embeddedModel() / "config.json")
               ? nullptr
               : "SKIP: the embedded model is not in resources/model\n";
}

class RealWindow {
  public:
    /// Shows the window and begins to load the model.
    RealWindow() : m_engine(std::make_unique<app::EngineHost>(app::engineFactory())) {
        m_services.engine = m_engine.get();
        m_services.reader = m_reader;
        m_services.builtInModel = app::embeddedModel();
        m_services.dossiersFolder = file("dossiers");
        const ui::Sample sample = ui::loadSample(kSample);
        m_services.sampleSources = sample.sources;
        m_services.sampleQuestions = sample.questions;
        m_services.sampleDossier = file("Sample.dossier");
        if (qgetenv("DOSSIER_THEME") == "dark") {
            ui::Theme::instance().setChoice(ui::ThemeChoice::Dark);
        }
        show();
        engine::LoadOptions options;
        options.model = app::embeddedModel();
        m_engine->load(options);
    }

    /// Another window in place of the one that there was.
    void show() {
        window.reset();
        window = std::make_unique<ui::MainWindow>(m_services);
        const QStringList size =
            QString::fromLatin1(qgetenv("DOSSIER_SIZE")).split(QLatin1Char('x'));
        window->resize(size.size() == 2 ? QSize(size[0].toInt(), size[1].toInt())
                                        : QSize(1440, 900));
        window->show();
        activate();
    }

    void activate() const {
        window->activateWindow();
        if (!QTest::qWaitForWindowActive(window.get())) {
            qWarning("the window does not become active: shortcuts will not arrive");
        }
    }

    app::EngineHost& engine() const { return *m_engine; }
    HeldReader& reader() const { return *m_reader; }
    app::Session* session() const { return window->session(); }
    std::filesystem::path file(const char* name) const {
        return m_folder.filePath(QString::fromLatin1(name)).toStdString();
    }

    std::size_t ready() const {
        std::size_t count = 0;
        for (const app::Source& each : session()->sources()) {
            count += each.state == app::SourceState::Ready ? 1 : 0;
        }
        return count;
    }

    const app::Source* source(const char* name) const {
        for (const app::Source& each : session()->sources()) {
            if (each.name == name) {
                return &each;
            }
        }
        return nullptr;
    }

    /// The tab in front, once it shows `name` with its text.
    ui::DocumentTab* opened(const char* name) const {
        const bool there = QTest::qWaitFor([&] {
            const ui::DocumentTab* tab = window->viewer()->current();
            return tab != nullptr && tab->source().name == name &&
                   tab->view()->document() != nullptr;
        });
        return there ? window->viewer()->current() : nullptr;
    }

    void picture(const char* name) const {
        const QString folder = QString::fromLocal8Bit(qgetenv("DOSSIER_PICTURES"));
        if (folder.isEmpty()) {
            return;
        }
        QDir().mkpath(folder);
        QTest::qWait(400);
        window->grab().save(folder + QLatin1Char('/') + QLatin1String(name) +
                            QStringLiteral(".png"));
    }

  private:
    QTemporaryDir m_folder;
    std::unique_ptr<app::EngineHost> m_engine;
    std::shared_ptr<HeldReader> m_reader =
        std::make_shared<HeldReader>(ingest::makeReader(app::readerProgram()));
    ui::WindowServices m_services;

  public:
    std::unique_ptr<ui::MainWindow> window; ///< last: it goes before what it uses
};

} // namespace dossier::test
