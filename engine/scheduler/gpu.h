// SPDX-License-Identifier: Apache-2.0
// The GPU as the loader sees it; says why there is none, also in builds without CUDA.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/base/memory_ledger.h"
#include "engine/engine.h"
#include "engine/experts/expert_telemetry.h"
#include "engine/kernels/operations.h"
#include "engine/model/checkpoint.h"
#include "engine/model/config.h"
#include "engine/model/scale_checks.h"

namespace dossier::engine {

/// What a look at the machine found.
struct GpuState {
    bool usable = false;
    std::string whyNot; ///< one sentence when not usable
    std::string name;   ///< "NVIDIA H200 (driver 580.159.04)"
    std::uint64_t freeBytes = 0, totalBytes = 0;
};

/// Whether this build, this machine and this model's shape allow the GPU. Never throws.
GpuState findGpu(const ModelConfig& config);

/// Operations on that GPU. `checks` outlives them: experts are checked as they are first read.
/// `superChunk`: rows that go through the experts together when reading. `cpuExperts`: the
/// processor may compute experts beside the GPU, where measuring says that it pays. `fp8Experts`:
/// see LoadOptions.
/// Errors: Busy, Unsupported, OutOfMemory, ProcessDied.
std::unique_ptr<Operations> openGpu(const ModelConfig& config, MemoryLedger& ledger,
                                    ScaleChecks& checks, std::uint32_t superChunk, bool cpuExperts,
                                    bool fp8Experts);

/// Experts are read from the checkpoint's files past the page cache, for a model that is larger
/// than memory; before loadExperts. `checkpoint` and `weights` belong together; `checks` outlives
/// the operations.
void readExpertsDirectly(Operations& operations, const Checkpoint& checkpoint,
                         const ModelWeights& weights, ScaleChecks& checks);

/// "cuBLAS 13.1.0", or why there is none; for operations of openGpu.
std::string gpuMatrixLibrary(Operations& operations);

/// Where the experts lie and what was counted; absent for operations of the CPU. Waits for the GPU.
std::optional<ExpertTelemetry> gpuExperts(Operations& operations);

/// GPU memory that all programs use together, and all there is; absent without a GPU.
struct GpuMemoryUse {
    std::uint64_t used = 0, total = 0;
};
std::optional<GpuMemoryUse> gpuMemoryUse();

} // namespace dossier::engine
