// SPDX-License-Identifier: GPL-3.0-or-later
// Where the program finds its parts, and the services that every command and the window start from.
#pragma once

#include <QStringList>
#include <filesystem>
#include <memory>
#include <string>

#include "app/engine_host.h"
#include "app/session.h"

namespace dossier::app {

/// dossier-engine and dossier-reader beside this program, or named by DOSSIER_ENGINE and
/// DOSSIER_READER in the environment.
std::filesystem::path engineProgram();
std::filesystem::path readerProgram();

/// The model that is used when the person has chosen none: the embedded one.
std::filesystem::path embeddedModel();

/// Starts dossier-engine when it is first needed.
EngineHost::EngineFactory engineFactory();

/// Starts this program with these words; it goes on when we end. Throws Error(Io).
void startDetached(const QStringList& words);

/// SessionOptions::startReader: `dossier read` with the model that the host has loaded. On a GPU,
/// which holds one model, the host gives its memory back first.
std::function<void(const std::filesystem::path&, const std::string&)> readerStarter(EngineHost&);

/// "Dossier 0.1.0"
std::string programName();

} // namespace dossier::app
