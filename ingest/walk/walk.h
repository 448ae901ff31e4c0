// SPDX-License-Identifier: GPL-3.0-or-later
// Lists a folder or repository, with what is proposed to be read and why the rest is not.
#pragma once

#include "ingest/readers/source.h"

namespace dossier::ingest {

/// Never follows symbolic links and opens regular files only. Progress counts files (total 0: not
/// known). Throws NotFound, Permission, Unsupported (not a folder), Cancelled.
std::vector<WalkEntry> walkFolder(const std::filesystem::path& folder, const WalkOptions&,
                                  const readers::Job&);

} // namespace dossier::ingest
