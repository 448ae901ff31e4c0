// SPDX-License-Identifier: Apache-2.0
// Timed decoding steps with chosen routing, and the bound that goes with them.
#pragma once

#include <memory>
#include <vector>

#include "engine/host/bench/bench_parts.h"

namespace dossier::engine::bench {

struct DecodeRun {
    double stepSeconds = 0; ///< median over rounds of a step's mean time
    double fastest = 0, slowest = 0;
    std::size_t branches = 1, steps = 0;
    // Per step, from what the experts' store counted.
    double hitRate = 1;
    double distinct = 0;              ///< experts over all layers
    double fromRam = 0, fromDisk = 0; ///< experts over the bus
    double onCpu = 0;                 ///< experts in RAM, computed by the processor
    bool cpuExperts = false;          ///< it computes some
    double fetchSeconds = 0;          ///< from the routers' choices to the last bytes and results
    double busSeconds = 0;            ///< to the last bytes
    double cpuSeconds = 0;            ///< while the processor computed
    double diskSeconds = 0;
    double tokensPerSecond() const { return static_cast<double>(branches) / stepSeconds; }
};

/// Branches of `lane` decode with routing from `driver`; null: the model's own router.
DecodeRun decode(BenchModel&, const Sequence& lane, RoutingDriver* driver, std::size_t branches,
                 const Settings&);

struct Bound {
    double gpu = 0, disk = 0; ///< seconds of a step
    /// What lies in RAM: over the bus, or by bus and processor together at the rate of DRAM.
    double ram = 0;
    double apart() const { return gpu + ram + disk; }
    double together() const { return std::max(gpu, std::max(ram, disk)); }
};
/// Bytes that a step of this run must read from GPU memory, by the counters of engine/forecast.
double gpuBytes(const ModelConfig&, const DecodeRun&, std::uint64_t context);
/// From the bytes that a step of this run must read, at `context` tokens.
Bound boundOf(const ModelConfig&, const DecodeRun&, const Rates&, std::uint64_t context);

/// Both into the report, with the share of the bound that was reached.
void addDecode(Report&, Figure, const DecodeRun&, const Bound&);

} // namespace dossier::engine::bench
