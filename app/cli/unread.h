// SPDX-License-Identifier: GPL-3.0-or-later
// Sources that an earlier program copied into the dossier and did not get to read.
#pragma once

#include "app/cli/headless.h"

namespace dossier::app::cli {

/// Waits until the session, just opened with a reader, has gone on reading them; returns how many
/// it has read. Ctrl+C stops that; what was not reached stays queued.
std::uint64_t finishReading(Session&, ProgressLine&);

/// For commands that read nothing: says on the error output how many there are, if any.
void tellUnread(const Session&);

} // namespace dossier::app::cli
