// SPDX-License-Identifier: GPL-3.0-or-later
// What the window is given by the program.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "app/session.h"

namespace dossier::ui {

struct WindowServices {
    app::EngineHost* engine = nullptr;      ///< outlives the window
    std::shared_ptr<ingest::Reader> reader; ///< shared with viewers
    app::SessionOptions session;            ///< reader and engine are filled in by the window
    std::filesystem::path sampleDossier;    ///< made when it is first opened; empty = none
    std::vector<std::filesystem::path> sampleSources; ///< what goes into it
    std::filesystem::path dossiersFolder;             ///< where new dossiers are proposed
    std::filesystem::path builtInModel;               ///< the embedded model's folder
    std::vector<std::string> sampleQuestions;
    /// Loads the model that was used last (or the built-in one). Null in tests.
    std::function<void()> loadDefaultModel;
    bool firstRun = false;
};

} // namespace dossier::ui
