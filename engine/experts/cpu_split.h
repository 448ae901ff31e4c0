// SPDX-License-Identifier: Apache-2.0
// How many of the experts that a layer lacks the processor computes, and how many cross the bus.
#pragma once

#include <cstdint>
#include <optional>

namespace dossier::engine {

/// Both sides work at the same time; the split is where they end together, by what an expert took
/// lately. One thread.
class CpuSplit {
  public:
    /// Seconds an expert while both sides work, as a start. `share`: a fixed part of the experts
    /// goes to the processor, whatever they take.
    CpuSplit(double busSeconds, double cpuSeconds, std::optional<double> share = {});

    /// Of `count` experts in RAM, how many the processor computes: the later one of the two sides
    /// ends as early as can be; where that is all the same, the bus gets more.
    std::uint32_t forCpu(std::uint32_t count) const;

    /// What a layer's experts took on either side (counts may be 0).
    void took(std::uint32_t onBus, double busSeconds, std::uint32_t onCpu, double cpuSeconds);

    double busSeconds() const { return m_bus; } ///< an expert
    double cpuSeconds() const { return m_cpu; }

  private:
    const std::optional<double> m_share;
    const double m_cpuAtStart;
    double m_bus, m_cpu;
};

} // namespace dossier::engine
