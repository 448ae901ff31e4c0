// SPDX-License-Identifier: GPL-3.0-or-later
// Running the window: what the program's main function calls after it has made the services.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "ui/window_services.h"

class QApplication;

namespace dossier::ui {

struct WindowStart {
    std::optional<std::filesystem::path> dossier; ///< to open, or to make when it is not there
    std::vector<std::filesystem::path> add;       ///< files and folders to add to it (or a new one)
    std::string ask;                              ///< a question to ask at once; may be empty
    bool sample = false; ///< nothing is named: the dossier open last, else the sample
};

/// Names the application (for settings), loads fonts and theme, installs accessibility. Before the
/// first window.
void prepareApplication(QApplication& application);

/// Shows the window and runs until it is closed. `services.engine` outlives the call. The first run
/// on a computer begins with the set-up unless `start` names something to open.
int runWindow(QApplication& application, WindowServices services, const WindowStart& start);

/// Where dossiers go by default: the person's documents folder, "Dossiers".
std::filesystem::path defaultDossiersFolder();

} // namespace dossier::ui
