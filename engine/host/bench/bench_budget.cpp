// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include <cuda_runtime.h>

#include "engine/base/clock.h"
#include "engine/experts/expert_file.h"
#include "engine/forecast/placement.h"
#include "engine/host/bench/bench_decode.h"
#include "engine/kernels/cuda/cuda_error.h"

namespace dossier::engine::bench {
namespace {

constexpr std::uint64_t kProfileTokens = 4000;

struct CardMemory {
    std::uint64_t free = 0, total = 0;
    std::uint64_t used() const { return total - free; }
};
CardMemory cardMemory() {
    std::size_t free = 0, total = 0;
    cuda::check(cudaMemGetInfo(&free, &total), "ask for the free GPU memory");
    return {free, total};
}

RoutingDriver::Shape shapeOf(const ModelConfig& c) {
    return {c.layers, c.routedExperts, c.expertsPerToken};
}

/// GPU memory that experts may take within a budget, when `other` bytes go to everything else.
std::uint64_t expertBytesWithin(const std::optional<std::uint64_t>& vram, std::uint64_t card,
                                std::uint64_t other) {
    const std::uint64_t budget = std::min(vram.value_or(card), card);
    return budget - std::min(budget, other);
}

/// The ledger beside the driver, and the forecast beside the ledger.
void addMemory(BenchModel& model, const Settings& settings, const Budget& budget,
               std::uint64_t outside, Report& report) {
    const CardMemory card = cardMemory();
    const std::uint64_t ledger = model.ledger.total(MemoryPlace::Vram);
    report.add(
        Figure("memory")
            .text("budget", budget.name)
            .number("ledger_vram_gb", static_cast<double>(ledger) / 1e9)
            .number("outside_ledger_gb", static_cast<double>(outside) / 1e9)
            .number("driver_vram_gb", static_cast<double>(card.used()) / 1e9)
            .number("difference",
                    static_cast<double>(ledger + outside) / static_cast<double>(card.used()) - 1, 4)
            .number("pinned_gb",
                    static_cast<double>(model.ledger.total(MemoryPlace::Pinned)) / 1e9));
    PlacementInputs inputs;
    inputs.contextTokens = settings.plannedContext;
    inputs.vram = budget.vram.value_or(card.total);
    inputs.ram = UINT64_MAX / 4;
    inputs.gpuContext = outside;
    inputs.gpuScratch = settings.scratch;
    const Forecast forecast = planPlacement(settings.config, inputs);
    std::map<std::string, std::pair<double, double>> rows; // forecast, used
    for (const MemoryRow& row : forecast.rows) {
        rows[row.owner + " (" + row.where + ")"].first += static_cast<double>(row.bytes) / 1e9;
    }
    for (const MemoryLedger::Row& row : model.ledger.snapshot()) {
        rows[row.owner + " (" + std::string(memoryPlaceName(row.place)) + ")"].second =
            static_cast<double>(row.bytes) / 1e9;
    }
    for (const auto& [owner, bytes] : rows) {
        report.add(Figure("memory row")
                       .text("budget", budget.name)
                       .text("owner", owner)
                       .number("forecast_gb", bytes.first)
                       .number("used_gb", bytes.second));
    }
}

/// What measuring said about experts on the processor.
void addCpuTier(BenchModel& model, const Budget& budget, Report& report) {
    const ExpertTelemetry::Cpu cpu = model.control->experts().cpu;
    Figure figure("cpu experts");
    figure.text("budget", budget.name).text("state", cpu.on ? "on" : "off").text("why", cpu.why);
    if (cpu.on) {
        figure.text("kernels", cpu.kernels)
            .number("threads", cpu.threads, 0)
            .number("dram_gb_per_s", cpu.dramRate / 1e9)
            .number("bus_gb_per_s", cpu.busRate / 1e9)
            .number("cpu_gb_per_s", cpu.cpuRate / 1e9)
            .number("bus_beside_cpu_gb_per_s", cpu.busBesideCpu / 1e9)
            .number("cpu_beside_bus_gb_per_s", cpu.cpuBesideBus / 1e9);
    }
    report.add(figure);
}

/// Puts the planned number of experts on disk: into a file that is read past the page cache.
std::shared_ptr<ExpertFile> writeDiskTier(BenchModel& model, const Settings& settings,
                                          Report& report) {
    const ExpertTelemetry t = model.control->experts();
    if (t.onDisk == 0) {
        return nullptr;
    }
    std::vector<ExpertFile::Key> keys;
    for (std::uint32_t i = 0; i < t.tiers.size(); ++i) {
        if (t.tiers[i] == ExpertTier::Disk) {
            keys.push_back({i / model.config.routedExperts, i % model.config.routedExperts});
        }
    }
    ThreadPool workers;
    auto file = ExpertFile::write(settings.folder / "dossier-bench.experts", model.experts->seed(),
                                  expertLayout(model.config), model.config.layers,
                                  model.config.routedExperts, keys, workers);
    report.add(Figure("disk tier")
                   .number("gb", static_cast<double>(t.onDisk * t.blockBytes) / 1e9)
                   .text("way", file->direct() ? "direct" : "through the page cache")
                   .number("seconds_to_write", file->secondsToWrite()));
    return file;
}

} // namespace

void benchBudget(BenchModel& model, const Settings& settings, const Rates& rates,
                 const Budget& budget, bool read, Report& report) {
    const RoutingDriver::Shape shape = shapeOf(model.config);
    const std::uint64_t block = expertLayout(model.config).bytes;
    const std::uint64_t total = std::uint64_t{shape.layers} * shape.experts;
    // Everything else first: what is on the card now, rows for the whole context, buffers.
    const CardMemory before = cardMemory();
    const std::uint64_t cached = model.ledger.total(MemoryPlace::Vram) - model.denseVram;
    const std::uint64_t outside = before.used() - model.ledger.total(MemoryPlace::Vram);
    PlacementInputs inputs;
    inputs.contextTokens = settings.plannedContext;
    inputs.vram = UINT64_MAX / 4;
    std::uint64_t lane = 0;
    for (const MemoryRow& row : planPlacement(model.config, inputs).rows) {
        lane += row.owner == "lane rows" || row.owner == "frontiers" ? row.bytes : 0;
    }
    const std::uint64_t other = before.used() - cached + lane + settings.scratch;
    ExpertBudget experts;
    experts.vram = budget.experts ? *budget.experts * block
                                  : expertBytesWithin(budget.vram, before.total, other);
    const VramShare share =
        shareVram(*experts.vram / block, shape.layers, shape.experts, kAnswerRows * shape.top);
    const std::uint64_t onDisk = std::min(budget.diskExperts, total - share.core);
    experts.ram = (total - share.core - onDisk) * block;
    // The most popular experts of the locality driver form the core; to uniform routing it is all
    // the same.
    model.control->setExpertUsage(
        RoutingDriver::profile(RoutingDriver::local(shape, 1), kProfileTokens));
    model.experts->useFile(nullptr);
    const double begin = steadySeconds();
    model.loadExperts(experts);
    const ExpertTelemetry t = model.control->experts();
    report.add(
        Figure("placement")
            .text("budget", budget.name)
            .number("vram_gb", static_cast<double>(budget.vram.value_or(before.total)) / 1e9)
            .number("experts_vram", static_cast<double>(t.inVram), 0)
            .number("experts_ram", static_cast<double>(t.inRam), 0)
            .number("experts_disk", static_cast<double>(t.onDisk), 0)
            .number("ring_slots", static_cast<double>(t.ringSlots), 0)
            .number("vram_share", static_cast<double>(t.inVram) / static_cast<double>(total), 4)
            .number("seconds_to_fill", steadySeconds() - begin));
    model.experts->useFile(writeDiskTier(model, settings, report));
    {
        const auto answered = model.seededLane(settings.context, 4096);
        Settings timing = settings;
        if (t.onDisk > 0) { // a second a token
            timing.tokens = std::max<std::size_t>(settings.tokens / 8, 1);
        }
        for (const CpuExpertsOptions& cpu : settings.cpuExperts) {
            model.control->setCpuExperts(cpu);
            addCpuTier(model, budget, report);
            for (const std::size_t branches : {std::size_t{1}, std::size_t{8}}) {
                if (t.onDisk > 0 && branches > 1 && !settings.small) {
                    continue; // many seconds a step
                }
                for (const bool local : {false, true}) {
                    RoutingDriver driver =
                        local ? RoutingDriver::local(shape, 99) : RoutingDriver::uniform(shape, 99);
                    const DecodeRun run = decode(model, *answered, &driver, branches, timing);
                    addDecode(report,
                              Figure("decode")
                                  .text("budget", budget.name)
                                  .text("routing", local ? "locality" : "uniform")
                                  .number("context", static_cast<double>(settings.context), 0),
                              run, boundOf(model.config, run, rates, settings.context));
                }
            }
        }
        model.control->setCpuExperts({});
        model.control->forceRouting({});
    }
    if (read) {
        benchReading(model, settings, rates, budget.name, report,
                     [&] { addMemory(model, settings, budget, outside, report); });
    } else {
        const auto whole = model.seededLane(settings.plannedContext - 1, 1);
        addMemory(model, settings, budget, outside, report);
    }
}

} // namespace dossier::engine::bench
