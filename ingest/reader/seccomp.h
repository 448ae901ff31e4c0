// SPDX-License-Identifier: GPL-3.0-or-later
// Seccomp: a list of the system calls that the reader may make. All others fail as if this kernel
// did not have them.
#pragma once

#include <string>

namespace dossier::ingest {

struct SeccompResult {
    bool active = false;
    std::string detail;
};

/// For this process and all its threads. Needs no_new_privs.
SeccompResult restrictSystemCalls();

} // namespace dossier::ingest
