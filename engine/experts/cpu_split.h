// SPDX-License-Identifier: Apache-2.0
// How many of the experts that a layer lacks the processor computes, and how many cross the bus.
#pragma once

#include <cstdint>
#include <optional>

namespace dossier::engine {

/// Both sides work at the same time on the same DRAM: the processor is slower while the bus reads,
/// too, and speeds up when the bus has ended. The split is the one that ends first by what experts
/// took lately. One thread.
class CpuSplit {
  public:
    /// Seconds an expert; the processor's while the bus is busy, and while it is not.
    struct Rates {
        double bus = 0, cpuBesideBus = 0, cpuAlone = 0;
    };
    /// `share`: a fixed part of the experts goes to the processor, whatever they take.
    explicit CpuSplit(const Rates& atFirst, std::optional<double> share = {});

    /// Of `count` experts in RAM, how many the processor computes; where it is all the same, the
    /// bus gets more.
    std::uint32_t forCpu(std::uint32_t count) const;

    /// What a layer's experts took on either side (counts may be 0).
    void took(std::uint32_t onBus, double busSeconds, std::uint32_t onCpu, double cpuSeconds);

    /// As they are estimated now.
    Rates rates() const;
    /// When both sides are done with so many.
    double end(std::uint32_t onBus, std::uint32_t onCpu) const;

  private:
    double cpuEnd(std::uint32_t onBus, std::uint32_t onCpu) const;

    const Rates m_first;
    const std::optional<double> m_share;
    double m_bus = 1, m_cpu = 1; ///< factors on what experts took at first
};

} // namespace dossier::engine
