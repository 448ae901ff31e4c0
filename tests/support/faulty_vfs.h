// SPDX-License-Identifier: GPL-3.0-or-later
// A SQLite file layer over the system's that fails on demand, for tests of full and broken disks.
#pragma once

#include <string>

namespace dossier::test {

enum class Fault { DiskFull, WriteError, SyncError };

/// Name to open databases with. Registered on first use.
const std::string& faultyVfs();
/// The n-th operation of that kind from now on (from 1) and all after it fail; 0 = none fails.
/// Writes and truncations count as writes.
void failFrom(Fault fault, int n);
/// True when a fault has been delivered since failFrom.
bool faultHappened();

} // namespace dossier::test
