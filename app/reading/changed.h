// SPDX-License-Identifier: GPL-3.0-or-later
// Which sources adding again would replace, found before anything is added.
#pragma once

#include <stop_token>
#include <vector>

#include "app/session.h"

namespace dossier::app {

/// Sources that come from files of the request (or of its folders) and whose file is another one
/// now than when it was added. The content of a file of the same size is compared only when the
/// file is newer than its copy; one that was put there with an older date is noticed when it is
/// added. Files that cannot be looked at are left out. Any thread; a stop gives what was found.
std::vector<SourceId> changedSources(const AddRequest&, const std::vector<Source>& present,
                                     const std::stop_token&);

} // namespace dossier::app
