// SPDX-License-Identifier: GPL-3.0-or-later
// Lets a model write its answer: over whole documents, which stay read in a lane, or over the
// passages that a search selects. Quotations are checked while the answer streams.
#pragma once

#include "app/asking/ask_input.h"
#include "app/lanes/lane_keeper.h"
#include "app/work_queue.h"

namespace dossier::app {

/// `checks`: a thread for comparing quotations, so that the engine's is not held up. Throws Error.
void answerFreely(const AskContext&, LaneKeeper&, WorkQueue& checks);

} // namespace dossier::app
