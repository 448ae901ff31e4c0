// SPDX-License-Identifier: Apache-2.0
// Log lines by level to one sink. Never document text, questions or answers: only names of parts,
// numbers and states.
#pragma once

#include <functional>
#include <string_view>

namespace dossier {

enum class LogLevel { Debug, Info, Warning, Error };
/// "debug", "info", "warning", "error".
std::string_view logLevelName(LogLevel level);

/// `component` is the part that speaks ("model", "lanes"). Called under a lock, one line at a time,
/// from whichever thread logs; must not log itself.
using LogSink =
    std::function<void(LogLevel level, std::string_view component, std::string_view message)>;

/// Replaces the sink (an empty one = silence, the state at start); lines below `least` are dropped
/// before the sink. The program's main function sets it, nobody else.
void setLogSink(LogSink sink, LogLevel least = LogLevel::Info);

/// Whether a line of this level would reach the sink: skip building costly messages otherwise.
bool logEnabled(LogLevel level) noexcept;
void log(LogLevel level, std::string_view component, std::string_view message);

} // namespace dossier
