// SPDX-License-Identifier: Apache-2.0
// dossier-engine bench: the CUDA engine at full V4-Flash size, with synthetic weights.
#pragma once

#include "engine/host/commands.h"

namespace dossier::engine {

/// Measures this machine and the engine on it; prints the bound that follows from the machine's
/// rates beside every figure. Needs an NVIDIA GPU.
int benchCommand(const Arguments&);

} // namespace dossier::engine
