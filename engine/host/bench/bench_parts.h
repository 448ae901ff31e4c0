// SPDX-License-Identifier: Apache-2.0
// The parts of `dossier-engine bench`. Every figure is printed with the bound that the rates of
// this machine, measured in the same run, allow.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/host/bench/bench_model.h"
#include "engine/host/bench/bench_report.h"
#include "engine/host/bench/routing_driver.h"

namespace dossier::engine::bench {

/// Bytes (or operations) per second.
struct Rates {
    double hbm = 0;  ///< read
    double bus = 0;  ///< to the GPU, from scattered pinned blocks of one expert: the better way
    double dram = 0; ///< read by all cores
    double disk = 0; ///< read, blocks of one expert
    double bf16 = 0; ///< matrix products
};

struct Settings {
    ModelConfig config;
    std::filesystem::path folder;     ///< for files of the disk tier
    std::uint64_t context = 4096;     ///< of decoding
    std::uint64_t plannedContext = 0; ///< that lanes have room for
    std::uint64_t scratch = 0;        ///< GPU memory planned for buffers
    std::uint64_t diskExperts = 3000; ///< on disk at the smallest budget
    std::uint32_t superChunk = 32768;
    std::uint64_t wholeTokens = 131072;  ///< that are read from the start, measured whole
    std::uint32_t rows = 4096;           ///< that go through attention at a time
    std::size_t rounds = 5, tokens = 16; ///< of decoding: medians over rounds
    double readingSeconds = 0;           ///< after so many no further depth is begun; 0: no limit
    std::vector<CpuExpertsOptions> cpuExperts; ///< decoding is measured with each of them
    bool fp8 = false;                          ///< read with FP8 products of the experts
    bool small = false;                        ///< sizes for a test without a GPU
};

/// HBM, bus, DRAM, disk and matrix products.
Rates measureRates(const Settings&, Report&);
/// bf16 products per second, of square matrices; `all`: the shapes of reading, too, also in FP8.
double productRate(Report&, std::uint32_t side, bool all);

struct Budget {
    std::string name;
    std::optional<std::uint64_t> vram;    ///< bytes of GPU memory for everything; absent: the card
    std::optional<std::uint64_t> experts; ///< instead: how many experts there is room for
    std::uint64_t diskExperts = 0;        ///< that must lie on disk; the others are in RAM
};
/// Decoding, uniform and with locality, one branch and eight, at a budget; `read`: reading, too.
void benchBudget(BenchModel&, const Settings&, const Rates&, const Budget&, bool read, Report&);
/// One expert and more, one row and more, computed by the processor from RAM: beside the rate at
/// which it reads the same memory in the same run. Needs no GPU.
void benchCpuExperts(const Settings&, const CpuExpertsOptions&, Report&);
/// A cut of `layers` layers wholly in GPU memory; 0: as many as fit.
void benchCut(const Settings&, const Rates&, std::uint32_t layers, Report&);
/// The same kernels one by one: the time of each, and the bytes of a step.
void benchKernels(const Settings&, std::uint32_t layers,
                  std::initializer_list<std::size_t> branches,
                  std::initializer_list<std::uint64_t> contexts, Report&);
/// Reading at the present placement: wholeTokens from the start, then super-chunks at depths;
/// `deepest` is called while the deepest lane is there.
void benchReading(BenchModel&, const Settings&, const Rates&, const std::string& budget, Report&,
                  const std::function<void()>& deepest);

} // namespace dossier::engine::bench
