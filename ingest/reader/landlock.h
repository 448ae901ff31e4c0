// SPDX-License-Identifier: GPL-3.0-or-later
// Landlock: the kernel's own limit on which files an ordinary process may open (Linux 5.13 and
// later).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace dossier::ingest {

struct LandlockResult {
    bool active = false;
    std::string detail;
};

/// From here on this process may open nothing but files below `readable`, for reading only.
/// Descriptors that are open already stay usable. Paths that do not exist are passed over.
LandlockResult restrictFiles(const std::vector<std::filesystem::path>& readable);

} // namespace dossier::ingest
