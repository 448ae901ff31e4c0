// SPDX-License-Identifier: Apache-2.0
// What happened to the routed experts, counted since they were loaded. No CUDA types.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/experts/expert_plan.h"

namespace dossier::engine {

struct ExpertTelemetry {
    std::uint64_t inVram = 0, inRam = 0, onDisk = 0; ///< experts in each tier
    std::uint64_t ringSlots = 0;                     ///< VRAM slots that the others pass through
    std::uint64_t blockBytes = 0;                    ///< of one expert
    std::vector<ExpertTier> tiers;                   ///< [layers * experts]

    /// Answering, by layer; empty when all experts lie in VRAM.
    struct Layer {
        std::uint64_t batches = 0;
        std::uint64_t choices = 0, hits = 0;     ///< rows times experts each; those found in VRAM
        std::uint64_t distinct = 0;              ///< experts used, every batch counted for itself
        std::uint64_t fromRam = 0, fromDisk = 0; ///< over the bus
        std::uint64_t onCpu = 0;                 ///< in RAM and computed by the processor
        double busSeconds = 0;   ///< from the router's choice to the last byte over the bus
        double fetchSeconds = 0; ///< the same, or to the processor's last result
    };
    std::vector<Layer> layers;
    /// How often each expert was chosen while answering, [layers * experts]; for a better core.
    std::vector<std::uint64_t> usage;

    /// Experts in RAM that the processor computes while others cross the bus.
    struct Cpu {
        bool on = false;
        std::string why;     ///< what was measured, or why it is off
        std::string kernels; ///< "avx512" ...
        unsigned threads = 0;
        double dramRate = 0;             ///< bytes a second, read by all cores; 0: not measured
        double busRate = 0, cpuRate = 0; ///< of experts, each side alone
        /// While both work.
        double busBesideCpu = 0, cpuBesideBus = 0;
        std::uint64_t experts = 0; ///< computed
        double seconds = 0;        ///< while some were being computed
    } cpu;

    // Reading.
    std::uint64_t readInPlace = 0, readFromRam = 0, readFromDisk = 0; ///< experts
    // The disk tier, on both paths.
    std::uint64_t diskReads = 0, diskKept = 0; ///< read; found in a buffer
    double diskSeconds = 0;                    ///< while something was read

    double hitRate() const {
        std::uint64_t hits = 0, choices = 0;
        for (const Layer& layer : layers) {
            hits += layer.hits;
            choices += layer.choices;
        }
        return choices == 0 ? 1 : static_cast<double>(hits) / static_cast<double>(choices);
    }
};

} // namespace dossier::engine
