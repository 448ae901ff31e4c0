// SPDX-License-Identifier: GPL-3.0-or-later
// Which model this person loaded last, kept for the next start of the program.
#pragma once

#include "engine/engine.h"

namespace dossier::ui {

/// `builtIn`, the folder of the embedded model, is remembered as such: it may move with the
/// program.
void rememberModel(const engine::LoadOptions& options, const std::filesystem::path& builtIn);

/// What to load at start. A folder that is gone meanwhile is not replaced by another: loading it
/// then fails and says so.
engine::LoadOptions lastModel(const std::filesystem::path& builtIn);

} // namespace dossier::ui
