// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/base/clock.h"
#include "engine/forecast/costs.h"
#include "engine/host/bench/bench_parts.h"

namespace dossier::engine::bench {
namespace {

std::vector<std::int32_t> someTokens(const ModelConfig& config, std::size_t count) {
    std::vector<std::int32_t> tokens(count);
    std::uint32_t state = 1;
    for (std::int32_t& token : tokens) {
        state = state * 1664525U + 1013904223U;
        token = static_cast<std::int32_t>((state >> 8) % config.vocabSize);
    }
    return tokens;
}

struct Pass {
    double seconds = 0, compute = 0, bus = 0; ///< measured; at the rates of this machine
    double bound() const { return std::max(compute, bus); }
};

/// One super-chunk behind a lane.
Pass superChunk(BenchModel& model, Sequence& lane, const std::vector<std::int32_t>& tokens,
                const Rates& rates) {
    const ExpertTelemetry before = model.control->experts();
    const std::uint64_t from = lane.position();
    const Forward::Piece piece{&lane, tokens};
    const auto last = static_cast<std::uint32_t>(tokens.size() - 1);
    const double begin = steadySeconds();
    model.forward->run({&piece, 1}, {&last, 1});
    Pass pass;
    pass.seconds = steadySeconds() - begin;
    const ExpertTelemetry after = model.control->experts();
    const double flops = prefillFlops(model.config, from + tokens.size()).total() -
                         (from > 0 ? prefillFlops(model.config, from).total() : 0);
    pass.compute = flops / rates.bf16;
    pass.bus = static_cast<double>((after.readFromRam - before.readFromRam) * after.blockBytes) /
               rates.bus;
    return pass;
}

void addPass(Report& report, const std::string& budget, const char* what, std::uint64_t depth,
             std::size_t tokens, const Pass& pass) {
    report.add(Figure(what)
                   .text("budget", budget)
                   .number("depth", static_cast<double>(depth), 0)
                   .number("tokens", static_cast<double>(tokens), 0)
                   .number("seconds", pass.seconds)
                   .number("tokens_per_second", static_cast<double>(tokens) / pass.seconds)
                   .number("bound_s", pass.bound())
                   .number("bound_compute_s", pass.compute)
                   .number("bound_bus_s", pass.bus)
                   .number("share", pass.bound() / pass.seconds, 3));
}

/// Seconds for tokens [0, n): the time of a super-chunk, linear between the measured depths.
double integrated(const std::vector<std::pair<double, double>>& points, double n, double chunk) {
    double seconds = 0;
    for (double at = 0; at < n; at += chunk) {
        const double length = std::min(chunk, n - at);
        auto next = std::find_if(points.begin(), points.end(),
                                 [&](const auto& p) { return p.first >= at; });
        double time = 0;
        if (next == points.begin()) {
            time = next->second;
        } else if (next == points.end()) {
            time = points.back().second;
        } else {
            const auto& low = *(next - 1);
            time = low.second +
                   (next->second - low.second) * (at - low.first) / (next->first - low.first);
        }
        seconds += time * length / chunk;
    }
    return seconds;
}

} // namespace

void benchReading(BenchModel& model, const Settings& settings, const Rates& rates,
                  const std::string& budget, Report& report, const std::function<void()>& deepest) {
    const std::size_t chunk = settings.superChunk;
    const std::vector<std::int32_t> tokens = someTokens(model.config, chunk);
    { // the first one loads kernels and takes the buffers
        const auto lane = model.seededLane(0, 2 * chunk);
        const std::vector<std::int32_t> few(tokens.begin(),
                                            tokens.begin() + static_cast<long>(chunk / 8));
        superChunk(model, *lane, few, rates);
        superChunk(model, *lane, std::vector<std::int32_t>(tokens.begin(), tokens.begin() + 64),
                   rates);
    }
    std::vector<std::pair<double, double>> points;
    const double begin = steadySeconds();
    const auto late = [&] {
        return settings.readingSeconds > 0 && steadySeconds() - begin > settings.readingSeconds;
    };
    const std::size_t whole = settings.wholeTokens / chunk;
    {
        const auto lane = model.seededLane(0, whole * chunk);
        Pass all;
        for (std::size_t i = 0; i < whole && !late(); ++i) {
            const Pass pass = superChunk(model, *lane, tokens, rates);
            addPass(report, budget, "super-chunk", i * chunk, chunk, pass);
            points.emplace_back(static_cast<double>(i * chunk), pass.seconds);
            all.seconds += pass.seconds;
            all.compute += pass.compute;
            all.bus += pass.bus;
        }
        addPass(report, budget, "reading, measured whole", 0, lane->position(), all);
    }
    const std::uint64_t most = settings.plannedContext;
    for (const double part : {0.25, 0.5, 0.75, 1.0}) {
        const auto end = static_cast<std::uint64_t>(part * static_cast<double>(most));
        const std::uint64_t depth = end < chunk ? 0 : (end - chunk) / 128 * 128;
        if (static_cast<double>(depth) <= points.back().first || late()) {
            continue;
        }
        const auto lane = model.seededLane(depth, chunk);
        const Pass pass = superChunk(model, *lane, tokens, rates);
        addPass(report, budget, "super-chunk over seeded rows", depth, chunk, pass);
        points.emplace_back(static_cast<double>(depth), pass.seconds);
        if (part == 1.0) {
            deepest();
        }
    }
    for (const std::uint64_t n : {most / 2, most}) {
        const double seconds =
            integrated(points, static_cast<double>(n), static_cast<double>(chunk));
        report.add(
            Figure("reading, integrated from super-chunks")
                .text("budget", budget)
                .number("tokens", static_cast<double>(n), 0)
                .number("seconds", seconds)
                .number("tokens_per_second", static_cast<double>(n) / seconds)
                .number("bound_compute_s", prefillFlops(model.config, n).total() / rates.bf16)
                .number("kv_bytes", static_cast<double>(kvBytes(model.config, n)), 0)
                .number("depths", static_cast<double>(points.size()), 0));
    }
}

} // namespace dossier::engine::bench
