// SPDX-License-Identifier: Apache-2.0
// An Engine in a process of its own: starts dossier-engine, talks JSON-RPC over its pipes, watches
// it. A fault of the engine (CUDA, memory) does not take the application down.
//
// When the process ends unexpectedly, every call in flight and every later one throws
// Error(ProcessDied) with the end of what the process wrote to its error output; make a new
// ChildEngine to go on. Destroying it closes the pipe, upon which the process ends by itself.
#pragma once

#include <filesystem>
#include <memory>

#include "engine/engine.h"

namespace dossier::engine {

/// `program`: path of dossier-engine. Started at once; Error(NotFound, Io, Permission) when it
/// cannot be. Thread-safe like every Engine.
std::unique_ptr<Engine> makeChildEngine(const std::filesystem::path& program);

/// Process id of an engine made by makeChildEngine, 0 for others. For watching and for tests.
int childProcessId(const Engine&);

} // namespace dossier::engine
