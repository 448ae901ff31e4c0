// SPDX-License-Identifier: Apache-2.0
// Builds with CUDA.
#include "engine/experts/direct_experts.h"
#include "engine/kernels/cuda/cuda_operations.h"
#include "engine/kernels/cuda/device_probe.h"
#include "engine/scheduler/gpu.h"

namespace dossier::engine {

GpuState findGpu(const ModelConfig& config) {
    const CudaProbe probe = probeCuda();
    GpuState state{probe.usable, probe.whyNot, probe.name, probe.freeBytes, probe.totalBytes};
    if (const auto shape = whyNotOnCuda(config); state.usable && shape) {
        state.usable = false;
        state.whyNot = "This model cannot run on the GPU: " + *shape;
    }
    return state;
}

std::unique_ptr<Operations> openGpu(const ModelConfig& config, MemoryLedger& ledger,
                                    ScaleChecks& checks, std::uint32_t superChunk, bool cpuExperts,
                                    bool fp8Experts) {
    CudaOptions options;
    options.fp8 = fp8Experts;
    options.cpuExperts.mode =
        cpuExperts ? CpuExpertsOptions::Mode::Auto : CpuExpertsOptions::Mode::Off;
    options.superChunk = superChunk;
    options.checkExpert = [&checks](std::uint32_t layer, std::uint32_t expert) {
        checks.expert(layer, expert);
    };
    return makeCudaOperations(config, probeCuda(), options, ledger);
}

void readExpertsDirectly(Operations& operations, const Checkpoint& checkpoint,
                         const ModelWeights& weights, ScaleChecks& checks) {
    if (CudaControl* control = cudaControl(operations)) {
        control->setExpertSource(std::make_shared<DirectExperts>(
            checkpoint, weights, [&checks](std::uint32_t layer, std::uint32_t expert) {
                checks.expert(layer, expert);
            }));
    }
}

std::string gpuMatrixLibrary(Operations& operations) {
    CudaControl* control = cudaControl(operations);
    return control ? control->matrixLibrary() : std::string();
}

std::optional<ExpertTelemetry> gpuExperts(Operations& operations) {
    CudaControl* control = cudaControl(operations);
    return control ? std::optional(control->experts()) : std::nullopt;
}

std::optional<GpuMemoryUse> gpuMemoryUse() {
    const auto use = cudaMemoryUse();
    return use ? std::optional<GpuMemoryUse>({use->used, use->total}) : std::nullopt;
}

} // namespace dossier::engine
