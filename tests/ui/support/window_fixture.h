// SPDX-License-Identifier: GPL-3.0-or-later
// The window on invented content, shown and active, as the tests of the window begin.
#pragma once

#include <QDir>
#include <QTest>

#include "tests/ingest/support/direct_reader.h"
#include "tests/ui/support/demo.h"
#include "tests/ui/support/ui_testing.h"
#include "ui/main/main_window.h"

namespace dossier::test {

inline ui::WindowServices services(app::EngineHost* engine = nullptr) {
    ui::WindowServices result;
    result.engine = engine;
    result.reader = std::make_shared<DirectReader>();
    result.sampleDossier = kDemoBare;
    result.sampleQuestions = {"When may the tenant end the lease early?"};
    result.dossiersFolder = QDir::tempPath().toStdString();
    return result;
}

/// Shortcuts reach the active window alone.
inline void activate(ui::MainWindow& window) {
    window.activateWindow();
    if (!QTest::qWaitForWindowActive(&window)) {
        qWarning("the window does not become active: shortcuts will not arrive");
    }
}

/// The window on an invented dossier.
struct WindowFixture {
    explicit WindowFixture(const char* folder = kDemoLease, QSize size = {1440, 900})
        : window(services()) {
        window.resize(size);
        window.show();
        activate(window);
        if (folder != nullptr) {
            window.openDossier(folder);
        }
    }

    ui::DocumentTab* open(const char* name) {
        for (const app::Source& source : window.session()->sources()) {
            if (source.name == name) {
                window.viewer()->openSource(source.id);
            }
        }
        if (!QTest::qWaitFor([this] {
                return window.viewer()->current() != nullptr &&
                       window.viewer()->current()->view()->document() != nullptr;
            })) {
            return nullptr;
        }
        return window.viewer()->current();
    }

    bool loaded() {
        return QTest::qWaitFor([this] {
            const ui::DocumentTab* tab = window.viewer()->current();
            return tab != nullptr && tab->view()->document() != nullptr;
        });
    }

    ui::MainWindow window;
};

inline QString titleOf(const ui::MainWindow& window) {
    const auto& bars = window.messages()->bars();
    return bars.empty() ? QString() : bars.front()->title();
}

} // namespace dossier::test
