// SPDX-License-Identifier: GPL-3.0-or-later
// dossier: the command line, or the window. Wiring only.
//
//     dossier COMMAND ...                                  see dossier --help
//     dossier [--dossier D | D.dossier] [--ask QUESTION] [files and folders...]
#include <QCoreApplication>
#include <cstdio>
#include <string>

#include "app/cli/cli.h"
#include "app/cli/headless.h"

#ifdef DOSSIER_WINDOW
#include <QApplication>

#include "app/asking/profile.h"
#include "app/cli/environment.h"
#include "ui/sample.h"
#include "ui/setup/last_model.h"
#include "ui/window_app.h"

namespace {

using namespace dossier;

/// Throws Error(InvalidArgument).
ui::WindowStart windowStart(int argc, char** argv) {
    ui::WindowStart start;
    bool options = true;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const bool takesValue = options && (word == "--dossier" || word == "-d" || word == "--ask");
        if (takesValue && i + 1 == argc) {
            throw Error(ErrorCode::InvalidArgument, word + " wants a value", "See dossier --help");
        }
        if (takesValue) {
            ++i;
            word == "--ask" ? void(start.ask = argv[i])
                            : void(start.dossier = std::filesystem::absolute(argv[i]));
        } else if (options && word == "--") {
            options = false;
        } else if (options && word.starts_with("-")) {
            throw Error(ErrorCode::InvalidArgument, "Unknown option " + word, "See dossier --help");
        } else if (std::filesystem::path path = std::filesystem::absolute(word).lexically_normal();
                   !start.dossier && path.extension() == ".dossier") {
            start.dossier = path;
        } else {
            start.add.push_back(path);
        }
    }
    start.sample = !start.dossier && start.add.empty();
    return start;
}

int runWindow(QApplication& application, const ui::WindowStart& start) {
    app::EngineHost engine(app::engineFactory());
    const ui::Sample sample = ui::loadSample(app::resourcesFolder() / "sample");
    ui::WindowServices services;
    services.engine = &engine;
    services.reader = ingest::makeReader(app::readerProgram());
    services.session.startReader = app::readerStarter(engine);
    services.builtInModel = app::embeddedModel();
    services.sampleQuestions = sample.questions;
    if (!sample.name.empty()) {
        services.sampleDossier = ui::sampleDossierFolder(sample);
        services.sampleSources = sample.sources;
    }
    services.loadDefaultModel = [&engine] { engine.load(ui::lastModel(app::embeddedModel())); };
    return ui::runWindow(application, services, start);
}

int openWindow(int& argc, char** argv) {
    QApplication application(argc, argv);
    try {
        const ui::WindowStart start = windowStart(argc, argv);
        ui::prepareApplication(application);
        return runWindow(application, start);
    } catch (const Error& error) {
        app::cli::complain(error.failed(), error.remedy());
        return 2;
    }
}

} // namespace

#else

static int openWindow(int&, char**) {
    std::fputs("dossier: This program was built without its window. See dossier --help\n", stderr);
    return 2;
}

#endif

int main(int argc, char** argv) {
    QCoreApplication::setApplicationName("Dossier");
    QCoreApplication::setApplicationVersion(DOSSIER_VERSION);
    if (dossier::app::cli::isCommandLine(argc, argv)) {
        QCoreApplication application(argc, argv);
        return dossier::app::cli::run(argc, argv);
    }
    if (dossier::app::cli::isUnknownWord(argc, argv)) {
        dossier::app::cli::complain("\"" + std::string(argv[1]) +
                                        "\" is neither a command nor a file",
                                    "See dossier --help");
        return 2;
    }
    return openWindow(argc, argv);
}
