// SPDX-License-Identifier: Apache-2.0
#include "engine/base/log.h"

#include <array>
#include <atomic>
#include <mutex>
#include <utility>

namespace dossier {
namespace {

constexpr int kSilent = 100;
std::atomic<int> g_least{kSilent};
std::mutex g_mutex;

LogSink& sinkSlot() {
    static LogSink sink;
    return sink;
}

} // namespace

std::string_view logLevelName(LogLevel level) {
    constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warning", "error"};
    return kNames[static_cast<std::size_t>(level)];
}

void setLogSink(LogSink sink, LogLevel least) {
    const std::lock_guard lock(g_mutex);
    g_least.store(sink ? static_cast<int>(least) : kSilent, std::memory_order_relaxed);
    sinkSlot() = std::move(sink);
}

bool logEnabled(LogLevel level) noexcept {
    return static_cast<int>(level) >= g_least.load(std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view component, std::string_view message) {
    if (!logEnabled(level)) {
        return;
    }
    const std::lock_guard lock(g_mutex);
    if (const LogSink& sink = sinkSlot()) {
        sink(level, component, message);
    }
}

} // namespace dossier
