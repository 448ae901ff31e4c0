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

CpuSplit::CpuSplit(const Rates& atFirst, std::optional<double> share)
    : m_first(atFirst), m_share(share) {}

CpuSplit::Rates CpuSplit::rates() const {
    return {m_first.bus * m_bus, m_first.cpuBesideBus * m_cpu, m_first.cpuAlone * m_cpu};
}

double CpuSplit::cpuEnd(std::uint32_t onBus, std::uint32_t onCpu) const {
    const Rates r = rates();
    const double bus = onBus * r.bus, doneBeside = bus / r.cpuBesideBus;
    return onCpu <= doneBeside ? onCpu * r.cpuBesideBus : bus + (onCpu - doneBeside) * r.cpuAlone;
}

double CpuSplit::end(std::uint32_t onBus, std::uint32_t onCpu) const {
    return std::max(onBus * m_first.bus * m_bus, cpuEnd(onBus, onCpu));
}

std::uint32_t CpuSplit::forCpu(std::uint32_t count) const {
    if (m_share) {
        return std::min(count, static_cast<std::uint32_t>(std::lround(*m_share * count)));
    }
    std::uint32_t best = 0;
    for (std::uint32_t k = 1; k <= count; ++k) {
        if (end(count - k, k) < end(count - best, best)) {
            best = k;
        }
    }
    return best;
}

void CpuSplit::took(std::uint32_t onBus, double busSeconds, std::uint32_t onCpu,
                    double cpuSeconds) {
    const double expected = cpuEnd(onBus, onCpu);
    if (onBus > 0) {
        m_bus = blended(m_bus, busSeconds / (onBus * m_first.bus));
    }
    if (onCpu > 0) {
        m_cpu = blended(m_cpu, m_cpu * cpuSeconds / expected);
    } else if (m_cpu > 1) {
        // Judged too slow to be used, it would never be measured again.
        m_cpu = std::max(1.0, m_cpu * 0.995);
    }
}

} // namespace dossier::engine
