// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <cuda_runtime.h>

#include "engine/base/clock.h"
#include "engine/forecast/costs.h"
#include "engine/host/bench/bench_decode.h"
#include "engine/kernels/cuda/cuda_error.h"
#include "engine/kernels/cuda/launch_observer.h"

namespace dossier::engine::bench {
namespace {

/// Kernels one by one, without recording: where a step's time goes.
void profile(BenchModel& model, const Sequence& lane, std::size_t branches, std::uint64_t context,
             Report& report) {
    cuda::LaunchProfile profile;
    cuda::LaunchProfile::active() = &profile;
    Settings one;
    one.rounds = 1;
    one.tokens = 2;
    const DecodeRun run = decode(model, lane, nullptr, branches, one);
    report.add(Figure("bytes of a step, counted")
                   .number("context", static_cast<double>(context), 0)
                   .number("branches", static_cast<double>(branches), 0)
                   .number("layers", model.config.layers, 0)
                   .number("steps", static_cast<double>(run.steps), 0)
                   .number("megabytes", gpuBytes(model.config, run, context) / 1e6));
    cuda::LaunchProfile::active() = nullptr;
    const auto rows = profile.rows();
    std::vector<std::pair<std::string, cuda::LaunchProfile::Row>> sorted(rows.begin(), rows.end());
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
        return a.second.milliseconds > b.second.milliseconds;
    });
    for (const auto& [name, row] : sorted) {
        report.add(Figure("kernel")
                       .number("context", static_cast<double>(context), 0)
                       .number("branches", static_cast<double>(branches), 0)
                       .text("name", name)
                       .number("launches", static_cast<double>(row.launches), 0)
                       .number("microseconds",
                               1e3 * row.milliseconds / static_cast<double>(row.launches), 2));
    }
}

std::uint32_t layersThatFit(const Settings& settings) {
    std::size_t free = 0, total = 0;
    cuda::check(cudaMemGetInfo(&free, &total), "ask for the free GPU memory");
    for (std::uint32_t layers = settings.config.layers; layers > 1; --layers) {
        const ModelConfig c = firstLayers(settings.config, layers);
        const std::uint64_t needed = denseBytes(c) + expertCount(c) * expertBytes(c) +
                                     kvBytes(c, settings.plannedContext) + (free / 100) * 3;
        if (needed <= free) {
            return layers;
        }
    }
    return 1;
}

/// The first layers of the model, all experts in GPU memory.
std::unique_ptr<BenchModel> cut(const Settings& settings, std::uint32_t layers, bool graphs,
                                Report& report) {
    CudaOptions options;
    options.graphs = graphs;
    options.lock = false;
    const double begin = steadySeconds();
    auto model = std::make_unique<BenchModel>(firstLayers(settings.config, layers), options,
                                              std::min(settings.rows, 256U));
    model->loadExperts({});
    report.say(std::to_string(layers)
                   .append(" layers loaded in ")
                   .append(std::to_string(steadySeconds() - begin)) +
               " s");
    return model;
}

} // namespace

void benchCut(const Settings& settings, const Rates& rates, std::uint32_t layers, Report& report) {
    layers = layers ? std::min(layers, settings.config.layers) : layersThatFit(settings);
    const ModelConfig config = firstLayers(settings.config, layers);
    const std::uint64_t deep = settings.plannedContext - 4096 % settings.plannedContext;
    {
        const auto model = cut(settings, layers, true, report);
        double shallow = 0;
        for (const std::uint64_t context : {settings.context, deep}) {
            const auto lane = model->seededLane(context, 4096);
            for (const std::size_t branches : {std::size_t{1}, std::size_t{8}}) {
                RoutingDriver driver = RoutingDriver::uniform(
                    {config.layers, config.routedExperts, config.expertsPerToken}, 7);
                const DecodeRun run = decode(*model, *lane, &driver, branches, settings);
                Figure figure("decode, cut in GPU memory");
                figure.number("layers", layers, 0)
                    .number("context", static_cast<double>(context), 0);
                if (branches == 1) {
                    shallow = shallow > 0 ? shallow : run.stepSeconds;
                    figure.number("slower_than_shallow", run.stepSeconds / shallow - 1, 3);
                }
                addDecode(report, figure, run, boundOf(config, run, rates, context));
            }
        }
    }
    // One by one the kernels are the same in every layer: a few of them do.
    benchKernels(settings, std::min(layers, 6U), {1, 8}, {settings.context, deep}, report);
}

void benchKernels(const Settings& settings, std::uint32_t layers,
                  std::initializer_list<std::size_t> branches,
                  std::initializer_list<std::uint64_t> contexts, Report& report) {
    const auto model = cut(settings, layers, false, report);
    for (const std::uint64_t context : contexts) {
        const auto lane = model->seededLane(context, 4096);
        for (const std::size_t count : branches) {
            profile(*model, *lane, count, context, report);
        }
    }
}

} // namespace dossier::engine::bench
