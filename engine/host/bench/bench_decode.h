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
    double fromRam = 0, fromDisk = 0; ///< experts
    double fetchSeconds = 0;          ///< from the routers' choices to the last bytes
    double diskSeconds = 0;
    double tokensPerSecond() const { return static_cast<double>(branches) / stepSeconds; }
};

/// Branches of `lane` decode with routing from `driver`; null: the model's own router.
DecodeRun decode(BenchModel&, const Sequence& lane, RoutingDriver* driver, std::size_t branches,
                 const Settings&);

struct Bound {
    double gpu = 0, bus = 0, disk = 0; ///< seconds of a step
    double apart() const { return gpu + bus + disk; }
    double together() const { return std::max(gpu, std::max(bus, disk)); }
};
/// Bytes that a step of this run must read from GPU memory, by the counters of engine/forecast.
double gpuBytes(const ModelConfig&, const DecodeRun&, std::uint64_t context);
/// From the bytes that a step of this run must read, at `context` tokens.
Bound boundOf(const ModelConfig&, const DecodeRun&, const Rates&, std::uint64_t context);

/// Both into the report, with the share of the bound that was reached.
void addDecode(Report&, Figure, const DecodeRun&, const Bound&);

} // namespace dossier::engine::bench
