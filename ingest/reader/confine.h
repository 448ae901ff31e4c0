// SPDX-License-Identifier: GPL-3.0-or-later
// What dossier-reader gives up before it looks at an untrusted file. No root needed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "ingest/ingest.h"

namespace dossier::ingest {

struct ConfineOptions {
    std::uint64_t memoryBytes = 1536ull << 20;
    /// Folders that may be read besides fonts and system libraries.
    std::vector<std::filesystem::path> readable;
};

/// Applies every layer that this computer has and says of each whether it holds. Never throws: a
/// layer that is missing is reported, not hidden. Call it once, before any further thread exists.
std::vector<ConfinementLayer> confine(const ConfineOptions&);

/// Ends the process after this much more processor time, in case nobody watches it.
void limitProcessorTime(std::uint64_t seconds);

} // namespace dossier::ingest
