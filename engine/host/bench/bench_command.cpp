// SPDX-License-Identifier: Apache-2.0
#include "engine/host/bench/bench_command.h"

#include <fstream>
#include <sstream>

#include "engine/host/bench/bench_parts.h"

namespace dossier::engine {
namespace {

using namespace bench;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

ModelConfig configOf(const std::optional<std::string>& path) {
    if (!path) {
        return v4FlashConfig();
    }
    std::ifstream file(*path);
    if (!file) {
        throw systemError("open " + *path, errno);
    }
    std::stringstream text;
    text << file.rdbuf();
    return parseModelConfig(text.str(), *path);
}

bool has(const std::string& parts, const std::string& part) {
    std::stringstream words(parts);
    for (std::string word; std::getline(words, word, ',');) {
        if (word == part) {
            return true;
        }
    }
    return false;
}

/// "80": 80 GiB; "500x": room for 500 experts; "all": the card.
Budget budgetOf(const std::string& name, const std::string& withDisk, const Settings& settings) {
    Budget budget;
    budget.diskExperts = name == withDisk ? settings.diskExperts : 0;
    if (name == "all") {
        budget.name = "whole card";
    } else if (name.back() == 'x') {
        budget.name = std::string(name).replace(name.size() - 1, 1, " experts");
        budget.experts = std::stoull(name);
    } else {
        budget.name = std::string(name).append(" GiB");
        budget.vram = std::stoull(name) * kGiB;
    }
    return budget;
}

/// "off,on": measured one after the other.
std::vector<CpuExpertsOptions> cpuExpertsOf(const Arguments& arguments) {
    CpuExpertsOptions options;
    options.threads = static_cast<unsigned>(arguments.number("cpu-threads", 0));
    if (arguments.value("cpu-share")) {
        options.share = static_cast<double>(arguments.number("cpu-share", 0)) / 100;
    }
    std::vector<CpuExpertsOptions> all;
    std::stringstream names(arguments.value("cpu-experts").value_or("off"));
    for (std::string name; std::getline(names, name, ',');) {
        using Mode = CpuExpertsOptions::Mode;
        if (name != "on" && name != "off" && name != "auto") {
            throw Error(ErrorCode::InvalidArgument, "--cpu-experts is one of on, off and auto",
                        "Give one of them, or several with commas between them");
        }
        options.mode = name == "on" ? Mode::On : name == "off" ? Mode::Off : Mode::Auto;
        all.push_back(options);
    }
    return all;
}

} // namespace

int benchCommand(const Arguments& arguments) {
    Settings settings;
    settings.config = configOf(arguments.value("config"));
    settings.small = arguments.flag("small");
    settings.folder =
        arguments.value("folder").value_or(std::filesystem::temp_directory_path().string());
    settings.context = arguments.number("context", 4096);
    settings.plannedContext = arguments.number("planned-context", settings.config.maxPositions);
    settings.scratch = arguments.number("scratch", 4'000'000'000);
    settings.diskExperts = arguments.number("disk-experts", 3000);
    settings.superChunk = static_cast<std::uint32_t>(arguments.number("super-chunk", 32768));
    settings.wholeTokens = arguments.number("whole", 4 * std::uint64_t{settings.superChunk});
    settings.rows = static_cast<std::uint32_t>(arguments.number("rows", 4096));
    settings.rounds = arguments.number("rounds", 5);
    settings.tokens = arguments.number("tokens", 16);
    settings.readingSeconds = static_cast<double>(arguments.number("reading-seconds", 0));
    settings.cpuExperts = cpuExpertsOf(arguments);
    settings.fp8 = arguments.flag("fp8");
    const std::string parts = arguments.value("part").value_or("budgets,cut");
    const std::string budgets = arguments.value("budgets").value_or("24,80,all");
    const std::string withDisk = arguments.value("disk-budget").value_or("24");
    const std::string reading = arguments.value("reading").value_or("80,all");
    const auto cutLayers = static_cast<std::uint32_t>(arguments.number("layers", 0));
    if (settings.superChunk == 0 || settings.wholeTokens < settings.superChunk) {
        throw Error(ErrorCode::InvalidArgument,
                    "Reading " + std::to_string(settings.wholeTokens) +
                        " tokens in super-chunks of " + std::to_string(settings.superChunk),
                    "Give --whole at least the --super-chunk");
    }
    Report report(arguments.value("out"));
    arguments.finish();

    if (has(parts, "cpu-experts")) {
        benchCpuExperts(settings, settings.cpuExperts.front(), report);
        if (parts == "cpu-experts") { // all that needs no GPU
            return 0;
        }
    }
    const CudaProbe probe = probeCuda();
    if (!probe.usable) {
        throw Error(ErrorCode::Unsupported, probe.whyNot, "Run the benchmark on an NVIDIA GPU");
    }
    report.add(Figure("device").text("name", probe.name).text("toolkit", probe.toolkit));
    if (has(parts, "bytes")) { // beside the card's own counters: tests/bench/gpu_bytes.py
        benchKernels(settings, cutLayers ? cutLayers : 4, {1}, {settings.context}, report);
        return 0;
    }
    const Rates rates = measureRates(settings, report);
    if (has(parts, "products")) {
        productRate(report, settings.small ? 256 : 8192, true);
    }
    if (has(parts, "budgets")) {
        CudaOptions options;
        options.superChunk = settings.superChunk;
        options.fp8 = settings.fp8;
        options.lock = !settings.small;
        BenchModel model(settings.config, options, settings.rows);
        report.say("matrix products: " + model.control->matrixLibrary());
        std::stringstream names(budgets);
        for (std::string name; std::getline(names, name, ',');) {
            benchBudget(model, settings, rates, budgetOf(name, withDisk, settings),
                        has(reading, name), report);
        }
    }
    if (has(parts, "cut")) {
        benchCut(settings, rates, cutLayers, report);
    }
    return 0;
}

} // namespace dossier::engine
