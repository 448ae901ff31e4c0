// SPDX-License-Identifier: Apache-2.0
// Loading: from LoadOptions to a model that runs, on the GPU where there is one, or on the CPU.
#include <algorithm>
#include <fstream>

#include "engine/base/log.h"
#include "engine/experts/expert_layout.h"
#include "engine/forecast/costs.h"
#include "engine/forecast/placement.h"
#include "engine/kernels/cpu/cpu_operations.h"
#include "engine/scheduler/gpu.h"
#include "engine/scheduler/runtime.h"

namespace dossier::engine {
namespace {

/// Work of one layer on one batch is kept near this, so that stopping is prompt.
constexpr double kFlopsPerBatchLayer = 8e9;
constexpr std::uint32_t kMaxBatchRows = 512, kMinBatchRows = 16, kSuperChunk = 2048;

/// On a GPU: rows through attention at a time, and through the experts. A long run of rows pays for
/// expanding and fetching the experts of a layer; a small card has no room for its streams.
constexpr std::uint32_t kGpuBatchRows = 4096, kGpuSuperChunk = 32768, kSmallGpuSuperChunk = 8192;
constexpr std::uint64_t kSmallGpu = std::uint64_t{40} << 30;
constexpr std::uint64_t kGpuContextBytes = 500'000'000; ///< kernels and cuBLAS, loaded as needed

std::uint32_t batchRows(const ModelInfo& info) {
    const double perRow = 2.0 * static_cast<double>(info.activeParameters) / info.layers;
    const double rows = kFlopsPerBatchLayer / std::max(perRow, 1.0);
    return static_cast<std::uint32_t>(
        std::clamp(rows, double{kMinBatchRows}, double{kMaxBatchRows}));
}

/// What the system could give without swapping.
std::uint64_t availableRam() {
    std::ifstream meminfo("/proc/meminfo");
    std::string key;
    std::uint64_t kib = 0;
    while (meminfo >> key >> kib) {
        if (key == "MemAvailable:") {
            return kib * 1024;
        }
        meminfo.ignore(64, '\n');
    }
    return 0;
}

/// A checkpoint without a tokenizer still runs on token ids.
void loadTokenizer(LoadedModel& model, const std::filesystem::path& directory) {
    try {
        model.tokenizer = Tokenizer::load(directory);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::NotFound) {
            throw;
        }
        model.info.notes.push_back("no tokenizer.json: token ids only");
        return;
    }
    const std::uint32_t ids = model.tokenizer->vocabularySize();
    if (ids > model.config().vocabSize) {
        throw Error(ErrorCode::Corrupt,
                    "tokenizer.json has ids up to " + std::to_string(ids - 1) +
                        " but the model's vocabulary is " +
                        std::to_string(model.config().vocabSize),
                    "Copy the checkpoint again; its files do not belong together");
    }
}

} // namespace

namespace {

std::uint64_t contextFor(const LoadOptions& options, const ModelConfig& config) {
    return options.contextTokens ? std::min(options.contextTokens, config.maxPositions)
                                 : config.maxPositions;
}

std::uint64_t lessFree(std::uint64_t bytes, std::uint64_t leaveFree) {
    return bytes - std::min(bytes, leaveFree);
}

std::uint32_t gpuSuperChunk(std::uint64_t vram) {
    return vram < kSmallGpu ? kSmallGpuSuperChunk : kGpuSuperChunk;
}

/// Activations of a super-chunk, buffers of its matrix products, tiles of index scores.
std::uint64_t gpuScratchBytes(const ModelConfig& c, std::uint32_t superChunk, bool fp8) {
    const std::uint64_t d = c.hiddenSize, inner = c.moeIntermediate, rows = kGpuBatchRows;
    const std::uint64_t wide = superChunk * (c.hcMult * d * 2 + 10 * d + 4 * c.routedExperts);
    const std::uint64_t attention = rows * (4 * c.qWidth() + 16 * c.headDim + 8 * c.oRank() +
                                            2 * c.indexHeads * c.indexHeadDim);
    // In FP8 eight experts and twice the rows go through together.
    const std::uint64_t expert = fp8 ? 2 * rows * (3 * d + 5 * inner) + 8 * 3 * inner * d
                                     : rows * (4 * d + 6 * inner) + 6 * inner * d;
    const std::uint64_t layer =
        2 * (d * (c.qLoraRank + c.headDim + c.oRank()) + std::uint64_t{c.qWidth()} * c.qLoraRank +
             std::uint64_t{c.oRank()} * c.oGroupInput() + 3 * d * inner);
    constexpr std::uint64_t kFixed = 700'000'000; // scores, workspace, logits
    return wide + attention + expert + layer + kFixed;
}

PlacementInputs placementInputs(const LoadOptions& options, const ModelConfig& config,
                                const GpuState* gpu) {
    PlacementInputs inputs;
    inputs.contextTokens = contextFor(options, config);
    inputs.ram = options.ramBudget.value_or(lessFree(availableRam(), options.ramLeaveFree));
    if (gpu) {
        inputs.vram = options.vramBudget.value_or(lessFree(gpu->freeBytes, options.vramLeaveFree));
        inputs.gpuScratch =
            gpuScratchBytes(config, gpuSuperChunk(*inputs.vram), options.fp8Experts);
        inputs.gpuContext = kGpuContextBytes;
    }
    return inputs;
}

GpuState lookForGpu(const LoadOptions& options, const ModelConfig& config) {
    if (options.device == Device::Cpu) {
        return {};
    }
    return findGpu(config);
}

} // namespace

Forecast forecastMemory(const LoadOptions& options) {
    const ModelConfig config = readModelConfig(options.model);
    const GpuState gpu = lookForGpu(options, config);
    return planPlacement(config, placementInputs(options, config, gpu.usable ? &gpu : nullptr));
}

std::string processorName(std::string_view kernels, unsigned threads) {
    std::ifstream cpuinfo("/proc/cpuinfo");
    std::string name = "CPU";
    for (std::string line; std::getline(cpuinfo, line);) {
        if (line.starts_with("model name")) {
            name = line.substr(line.find(':') + 2);
            break;
        }
    }
    const std::string_view way = kernels == "avx512" ? "AVX-512 BF16"
                                 : kernels == "avx2" ? "AVX2"
                                                     : "plain";
    return name + " (" + std::string(way) + ", " + std::to_string(threads) +
           (threads == 1 ? " thread)" : " threads)");
}

namespace {

void report(const ProgressFn& progress, const char* phase, std::uint64_t done) {
    if (progress) {
        progress({phase, done, 3, 0});
    }
}

/// Places the model on the GPU. The context is as long as was asked for, or as fits.
void placeOnGpu(LoadedModel& model, const LoadOptions& options, const GpuState& gpu,
                MemoryLedger& ledger, const ProgressFn& progress, const std::stop_token& stop) {
    const ModelConfig& config = model.config();
    PlacementInputs inputs = placementInputs(options, config, &gpu);
    if (options.contextTokens == 0) {
        const std::uint64_t longest = longestContext(config, inputs);
        inputs.contextTokens =
            longest ? std::min(longest, inputs.contextTokens) : inputs.contextTokens;
    }
    const Forecast plan = planPlacement(config, inputs);
    if (!plan.fits) {
        throw Error(ErrorCode::OutOfMemory, plan.verdict,
                    "Leave less memory free, close other programs that use the GPU, or choose the "
                    "CPU");
    }
    ledger.setLimit(MemoryPlace::Vram, inputs.vram);
    const ModelWeights weights = model.checkpoint.weights(ledger);
    model.scales = std::make_unique<ScaleChecks>(weights, model.checkpoint.shards());
    model.scales->dense();
    const std::uint32_t superChunk = gpuSuperChunk(*inputs.vram);
    model.ops = openGpu(config, ledger, *model.scales, superChunk, !options.reproducible,
                        options.fp8Experts);
    report(progress, "Placing weights", 1);
    model.forward = std::make_unique<Forward>(
        *model.ops, config, placeParameters(*model.ops, config, weights), kGpuBatchRows);
    report(progress, "Loading experts", 2);
    // In blocks as they lie in memory, a little larger than their tensors in small models.
    const std::uint64_t block = expertLayout(config).bytes;
    const auto slots = std::find_if(plan.rows.begin(), plan.rows.end(), [](const MemoryRow& row) {
        return row.owner == "reading buffers";
    });
    ExpertBudget budget;
    budget.vram = plan.expertsInVram * block;
    if (slots != plan.rows.end()) {
        *budget.vram += slots->bytes / expertBytes(config) * block;
    }
    budget.ram = plan.expertsInRam * block;
    if (plan.expertsOnDisk > 0) {
        readExpertsDirectly(*model.ops, model.checkpoint, weights, *model.scales);
    }
    model.ops->loadExperts(budget, progress, stop);
    model.contextTokens = inputs.contextTokens;
    model.superChunk = superChunk;
    model.device = {Device::Cuda, gpu.name + ", " + gpuMatrixLibrary(*model.ops), "",
                    model.ops->numerics()};
}

void placeOnCpu(LoadedModel& model, const LoadOptions& options, const std::string& whyNot,
                MemoryLedger& ledger, const ProgressFn& progress) {
    report(progress, "Placing weights", 1);
    const CpuKernels& kernels = selectCpuKernels(options.kernels);
    model.pool = std::make_unique<ThreadPool>(options.threads);
    auto ops = std::make_unique<CpuOperations>(model.config(), kernels, *model.pool, ledger);
    model.device = {Device::Cpu, processorName(kernels.name, model.pool->size()), whyNot,
                    ops->numerics()};
    const ModelWeights weights = model.checkpoint.weights(ledger);
    model.scales = std::make_unique<ScaleChecks>(weights, model.checkpoint.shards());
    model.scales->dense();
    ops->setScaleChecks(*model.scales);
    model.ops = std::move(ops);
    model.contextTokens = contextFor(options, model.config());
    model.superChunk = kSuperChunk;
    model.forward = std::make_unique<Forward>(*model.ops, model.config(),
                                              placeParameters(*model.ops, model.config(), weights),
                                              batchRows(model.info));
}

/// Reasons to go on with the CPU when any device will do; others are the model's own.
bool cpuMayDo(ErrorCode code) {
    return code == ErrorCode::Unsupported || code == ErrorCode::Busy ||
           code == ErrorCode::OutOfMemory;
}

std::unique_ptr<LoadedModel> openModel(const LoadOptions& options) {
    auto model = std::make_unique<LoadedModel>(Checkpoint::open(options.model));
    loadTokenizer(*model, options.model);
    return model;
}

} // namespace

std::unique_ptr<LoadedModel> loadModel(const LoadOptions& options, MemoryLedger& ledger,
                                       const ProgressFn& progress, std::stop_token stop) {
    report(progress, "Checking the model", 0);
    auto model = openModel(options);
    const GpuState gpu = lookForGpu(options, model->config());
    std::string whyNot = gpu.whyNot;
    ledger.setLimit(MemoryPlace::Vram, std::nullopt);
    if (gpu.usable) {
        try {
            placeOnGpu(*model, options, gpu, ledger, progress, stop);
            report(progress, "Ready", 3);
            return model;
        } catch (const Error& error) {
            if (options.device == Device::Cuda || !cpuMayDo(error.code())) {
                throw;
            }
            whyNot = error.failed();
            log(LogLevel::Warning, "engine", "The GPU is not used: " + whyNot);
        }
        model.reset(); // gives back what was placed
        ledger.setLimit(MemoryPlace::Vram, std::nullopt);
        model = openModel(options);
    } else if (options.device == Device::Cuda) {
        throw Error(ErrorCode::Unsupported, whyNot, "Choose the CPU, or \"auto\"");
    }
    placeOnCpu(*model, options, whyNot, ledger, progress);
    report(progress, "Ready", 3);
    return model;
}

} // namespace dossier::engine
