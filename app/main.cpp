// SPDX-License-Identifier: GPL-3.0-or-later
// dossier: the command line, or the window. Wiring only.
//
//     dossier COMMAND ...                                  see dossier --help
//     dossier [--dossier D | D.dossier] [--ask QUESTION] [files and folders...]
#include <QApplication>
#include <QCoreApplication>
#include <cstdio>
#include <cstring>

#include "app/asking/profile.h"
#include "app/cli/cli.h"
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

} // namespace

int main(int argc, char** argv) {
    QCoreApplication::setApplicationName("Dossier");
    QCoreApplication::setApplicationVersion(DOSSIER_VERSION);
    if (app::cli::isCommandLine(argc, argv)) {
        QCoreApplication application(argc, argv);
        return app::cli::run(argc, argv);
    }
    QApplication application(argc, argv);
    try {
        const ui::WindowStart start = windowStart(argc, argv);
        ui::prepareApplication(application);
        return runWindow(application, start);
    } catch (const Error& error) {
        std::fprintf(stderr, "dossier: %s\n", error.what());
        return 2;
    }
}
