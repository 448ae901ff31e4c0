// SPDX-License-Identifier: Apache-2.0
#include "engine/experts/cpu_split.h"

#include <algorithm>
#include <cmath>

namespace dossier::engine {
namespace {

/// Weight of the newest sample: the split follows what the machine does within some ten layers.
constexpr double kNewest = 0.1;
/// One interrupted layer says little about the next: samples count at most this many times the
/// present estimate.
constexpr double kMostOff = 3;

double blended(double old, double sample) {
    return old + kNewest * (std::clamp(sample, old / kMostOff, old * kMostOff) - old);
}

} // namespace

CpuSplit::CpuSplit(double busSeconds, double cpuSeconds, std::optional<double> share)
    : m_share(share), m_cpuAtStart(cpuSeconds), m_bus(busSeconds), m_cpu(cpuSeconds) {}

std::uint32_t CpuSplit::forCpu(std::uint32_t count) const {
    if (m_share) {
        return std::min(count, static_cast<std::uint32_t>(std::lround(*m_share * count)));
    }
    // The later end falls, then rises with the processor's part: the two candidates lie around
    // the point where both sides end together.
    const auto together = static_cast<std::uint32_t>(count * m_bus / (m_bus + m_cpu));
    const auto end = [&](std::uint32_t onCpu) {
        return std::max((count - onCpu) * m_bus, onCpu * m_cpu);
    };
    const std::uint32_t more = std::min(count, together + 1);
    return end(more) < end(together) ? more : together;
}

void CpuSplit::took(std::uint32_t onBus, double busSeconds, std::uint32_t onCpu,
                    double cpuSeconds) {
    if (onBus > 0) {
        m_bus = blended(m_bus, busSeconds / onBus);
    }
    if (onCpu > 0) {
        m_cpu = blended(m_cpu, cpuSeconds / onCpu);
    } else if (m_cpu > m_cpuAtStart) {
        // Judged too slow to be used, it would never be measured again.
        m_cpu = std::max(m_cpuAtStart, m_cpu * 0.995);
    }
}

} // namespace dossier::engine
