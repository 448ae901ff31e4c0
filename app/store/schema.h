// SPDX-License-Identifier: GPL-3.0-or-later
// The tables of dossier.db and how older ones become the present ones.
#pragma once

namespace dossier::app {

class Database;

/// Version that this program writes. Stored in the file as PRAGMA user_version.
int currentSchemaVersion();

/// Brings a new or older file to the current version, one step per transaction. Throws
/// Error(Unsupported) for a file of a newer program or of another application.
void migrate(Database& database);

} // namespace dossier::app
