// SPDX-License-Identifier: GPL-3.0-or-later
// The requests that dossier-reader answers.
#pragma once

#include <vector>

#include "ingest/ingest.h"

namespace dossier::ingest {

/// Answers requests until the other end closes. Errors of a request are its answer.
void serve(int socket, const std::vector<ConfinementLayer>& layers);

} // namespace dossier::ingest
