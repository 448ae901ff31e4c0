// SPDX-License-Identifier: GPL-3.0-or-later
// The tables of dossier.db and how older ones become the present ones.
#pragma once

#include <filesystem>

#include "engine/base/error.h"

namespace dossier::app {

class Database;

/// Version that this program writes. Stored in the file as PRAGMA user_version.
int currentSchemaVersion();

/// What is said of a database that holds nothing.
Error emptyDatabase(const std::filesystem::path& file);

/// Makes the tables in a new file.
void makeSchema(Database& database);

/// Brings an older file to the current version, one step per transaction. Throws
/// Error(Unsupported) for a file of a newer program or of another application, Error(Corrupt) for
/// one without anything in it: a dossier's never is.
void migrate(Database& database);

} // namespace dossier::app
