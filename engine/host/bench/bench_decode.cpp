// SPDX-License-Identifier: Apache-2.0
#include "engine/host/bench/bench_decode.h"

#include <algorithm>

#include <cuda_profiler_api.h>

#include "engine/base/clock.h"
#include "engine/forecast/costs.h"

namespace dossier::engine::bench {
namespace {

constexpr std::size_t kWarmUp = 3;

struct Counted {
    double choices = 0, hits = 0, distinct = 0, ram = 0, disk = 0, cpu = 0;
    double seconds = 0, busSeconds = 0, cpuSeconds = 0, diskSeconds = 0;
    explicit Counted(const ExpertTelemetry& t)
        : cpuSeconds(t.cpu.seconds), diskSeconds(t.diskSeconds) {
        for (const ExpertTelemetry::Layer& layer : t.layers) {
            choices += static_cast<double>(layer.choices);
            hits += static_cast<double>(layer.hits);
            distinct += static_cast<double>(layer.distinct);
            ram += static_cast<double>(layer.fromRam);
            disk += static_cast<double>(layer.fromDisk);
            cpu += static_cast<double>(layer.onCpu);
            seconds += layer.fetchSeconds;
            busSeconds += layer.busSeconds;
        }
    }
};

} // namespace

DecodeRun decode(BenchModel& model, const Sequence& lane, RoutingDriver* driver,
                 std::size_t branches, const Settings& settings) {
    std::vector<std::unique_ptr<Sequence>> sequences;
    std::vector<std::int32_t> tokens;
    std::vector<std::uint32_t> rows;
    for (std::size_t i = 0; i < branches; ++i) {
        sequences.push_back(lane.fork());
        tokens.push_back(static_cast<std::int32_t>((1000 + 77 * i) % model.config.vocabSize));
        rows.push_back(static_cast<std::uint32_t>(i));
    }
    const auto step = [&] {
        std::vector<Forward::Piece> pieces;
        for (std::size_t i = 0; i < branches; ++i) {
            pieces.push_back({sequences[i].get(), {&tokens[i], 1}});
        }
        if (driver) { // not part of decoding
            model.control->forceRouting(driver->next(static_cast<std::uint32_t>(branches)));
            model.ops->synchronise();
        }
        const double begin = steadySeconds();
        const std::vector<float> logits = model.forward->run(pieces, rows, {}, {}, Path::Answering);
        const double seconds = steadySeconds() - begin;
        for (std::size_t i = 0; i < branches; ++i) {
            const auto* row = logits.data() + i * model.config.vocabSize;
            tokens[i] = static_cast<std::int32_t>(
                std::max_element(row, row + model.config.vocabSize) - row);
        }
        return seconds;
    };
    if (!driver) {
        model.control->forceRouting({});
    }
    for (std::size_t i = 0; i < kWarmUp; ++i) {
        step();
    }
    const Counted before(model.control->experts());
    cudaProfilerStart(); // a profiler that was asked to wait sees these steps alone
    std::vector<double> means;
    for (std::size_t round = 0; round < settings.rounds; ++round) {
        double seconds = 0;
        for (std::size_t i = 0; i < settings.tokens; ++i) {
            seconds += step();
        }
        means.push_back(seconds / static_cast<double>(settings.tokens));
    }
    cudaProfilerStop();
    const ExpertTelemetry telemetry = model.control->experts();
    const Counted after(telemetry);
    DecodeRun run;
    run.cpuExperts = telemetry.cpu.on;
    run.branches = branches;
    run.steps = settings.rounds * settings.tokens;
    run.stepSeconds = median(means);
    run.fastest = *std::min_element(means.begin(), means.end());
    run.slowest = *std::max_element(means.begin(), means.end());
    const auto steps = static_cast<double>(run.steps);
    if (after.choices > before.choices) {
        run.hitRate = (after.hits - before.hits) / (after.choices - before.choices);
        run.distinct = (after.distinct - before.distinct) / steps;
        run.fromRam = (after.ram - before.ram) / steps;
        run.fromDisk = (after.disk - before.disk) / steps;
        run.onCpu = (after.cpu - before.cpu) / steps;
        run.fetchSeconds = (after.seconds - before.seconds) / steps;
        run.busSeconds = (after.busSeconds - before.busSeconds) / steps;
        run.cpuSeconds = (after.cpuSeconds - before.cpuSeconds) / steps;
        run.diskSeconds = (after.diskSeconds - before.diskSeconds) / steps;
    } else { // everything lies in GPU memory; nothing is counted
        run.distinct = static_cast<double>(model.config.layers) *
                       expectedDistinctExperts(model.config, static_cast<double>(branches));
    }
    return run;
}

double gpuBytes(const ModelConfig& config, const DecodeRun& run, std::uint64_t context) {
    const WeightBytes weights = weightBytesPerToken(config);
    const double dense = static_cast<double>(weights.total() - weights.routedExperts);
    const double rows = static_cast<double>(run.branches) *
                        static_cast<double>(kvBytesReadPerToken(config, context));
    const double inVram = run.distinct - run.fromRam - run.onCpu - run.fromDisk;
    return dense + rows + inVram * static_cast<double>(expertBytes(config));
}

Bound boundOf(const ModelConfig& config, const DecodeRun& run, const Rates& rates,
              std::uint64_t context) {
    const auto expert = static_cast<double>(expertBytes(config));
    Bound bound;
    bound.gpu = gpuBytes(config, run, context) / rates.hbm;
    bound.ram = (run.fromRam + run.onCpu) * expert /
                (run.cpuExperts ? std::max(rates.bus, rates.dram) : rates.bus);
    bound.disk = run.fromDisk * expert / rates.disk;
    return bound;
}

void addDecode(Report& report, Figure figure, const DecodeRun& run, const Bound& bound) {
    const double branches = static_cast<double>(run.branches);
    const double most =
        run.distinct / (branches > 0 ? branches : 1); // experts a branch, were none shared
    figure.number("branches", branches, 0)
        .number("tokens_per_second", run.tokensPerSecond())
        .number("bound_no_overlap", branches / bound.apart())
        .number("share", bound.apart() / run.stepSeconds, 3)
        .number("bound_full_overlap", branches / bound.together())
        .number("step_ms", run.stepSeconds * 1e3)
        .number("fastest_ms", run.fastest * 1e3)
        .number("slowest_ms", run.slowest * 1e3)
        .number("hit_rate", run.hitRate, 4)
        .number("distinct_experts", run.distinct)
        .number("distinct_a_branch", most)
        .number("from_ram", run.fromRam)
        .number("from_disk", run.fromDisk)
        .text("cpu_experts", run.cpuExperts ? "on" : "off")
        .number("on_cpu", run.onCpu)
        .number("fetch_ms", run.fetchSeconds * 1e3)
        .number("bus_ms", run.busSeconds * 1e3)
        .number("cpu_ms", run.cpuSeconds * 1e3)
        .number("rest_ms", (run.stepSeconds - run.fetchSeconds) * 1e3)
        .number("disk_ms", run.diskSeconds * 1e3)
        .number("bound_gpu_ms", bound.gpu * 1e3)
        .number("bound_ram_ms", bound.ram * 1e3)
        .number("bound_disk_ms", bound.disk * 1e3)
        .number("steps", static_cast<double>(run.steps), 0);
    report.add(figure);
}

} // namespace dossier::engine::bench
