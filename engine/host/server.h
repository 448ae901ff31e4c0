// SPDX-License-Identifier: Apache-2.0
// Serves an Engine as JSON-RPC over two file descriptors (see wire.h) until the input ends.
#pragma once

#include "engine/engine.h"

namespace dossier::engine {

/// Returns when `input` ends or breaks; running requests are cancelled first, and when one of them
/// does not end within a second, the process does. So an engine never outlives its application.
/// Each request runs on its own thread, so that memory and telemetry answer while an answer is
/// being written. Malformed lines get a JSON-RPC error and are otherwise ignored; lines over 512
/// MiB end the connection.
void serve(Engine&, int input, int output);

} // namespace dossier::engine
