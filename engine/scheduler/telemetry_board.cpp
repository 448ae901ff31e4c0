// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler/telemetry_board.h"

#include <utility>

#include "engine/base/error.h"
#include "engine/scheduler/gpu.h"
#include "engine/scheduler/runtime.h"
#include "engine/scheduler/tier_telemetry.h"

namespace dossier::engine {
namespace {

/// How old the picture of the tiers may get while answering; a look waits for the GPU.
constexpr std::chrono::milliseconds kTierInterval{500};

} // namespace

Telemetry TelemetryBoard::now() const {
    const std::lock_guard lock(m_mutex);
    return m_telemetry;
}

void TelemetryBoard::setActivity(const char* activity) {
    const std::lock_guard lock(m_mutex);
    m_telemetry.activity = activity;
}

void TelemetryBoard::setReadSpeed(double tokensPerSecond) {
    if (tokensPerSecond > 0) {
        const std::lock_guard lock(m_mutex);
        m_telemetry.readTokensPerSecond = tokensPerSecond;
    }
}

void TelemetryBoard::answered(const LoadedModel& model, double stepSeconds, double tokensPerSecond,
                              bool last) {
    ++m_steps;
    m_stepSeconds += stepSeconds;
    {
        const std::lock_guard lock(m_mutex);
        m_telemetry.answerTokensPerSecond = tokensPerSecond;
    }
    if (last || std::chrono::steady_clock::now() - m_tiersSeen > kTierInterval) {
        watchTiers(model);
    }
}

void TelemetryBoard::watchTiers(const LoadedModel& model) {
    m_tiersSeen = std::chrono::steady_clock::now();
    std::optional<ExpertTelemetry> now;
    try {
        now = gpuExperts(*model.ops);
    } catch (const Error&) {
        return; // a lost GPU is told to whoever answers next
    }
    if (!now) {
        return;
    }
    if (const auto use = tierUse(model.config(), m_tiers, *now)) {
        const std::lock_guard lock(m_mutex);
        m_telemetry.bytesPerTokenVram = use->vramBytes;
        m_telemetry.bytesPerTokenRam = use->ramBytes;
        m_telemetry.bytesPerTokenDisk = use->diskBytes;
        m_telemetry.bytesPerTokenCpu = use->cpuBytes;
        const bool offloaded = !use->hitRate.empty();
        m_telemetry.stepSeconds = offloaded && m_steps > 0 ? m_stepSeconds / m_steps : 0;
        m_telemetry.fetchSeconds = use->fetchSeconds;
        m_telemetry.cpuSeconds = use->cpuSeconds;
        m_telemetry.expertHitRate = use->hitRate;
        m_tiers = std::move(now);
        m_steps = 0;
        m_stepSeconds = 0;
    }
}

void TelemetryBoard::forgetModel() {
    m_tiers.reset();
    const std::lock_guard lock(m_mutex);
    m_telemetry.bytesPerTokenVram = m_telemetry.bytesPerTokenRam = 0;
    m_telemetry.bytesPerTokenDisk = m_telemetry.bytesPerTokenCpu = 0;
    m_telemetry.stepSeconds = m_telemetry.fetchSeconds = m_telemetry.cpuSeconds = 0;
    m_telemetry.expertHitRate.clear();
}

} // namespace dossier::engine
