// SPDX-License-Identifier: Apache-2.0
// Builds without CUDA.
#include "engine/scheduler/gpu.h"

namespace dossier::engine {

GpuState findGpu(const ModelConfig&) {
    GpuState state;
    state.whyNot = "This program was built without CUDA";
    return state;
}

std::unique_ptr<Operations> openGpu(const ModelConfig& config, MemoryLedger&, ScaleChecks&,
                                    std::uint32_t, bool, bool) {
    throw Error(ErrorCode::Unsupported, findGpu(config).whyNot, "Choose the CPU, or \"auto\"");
}

void readExpertsDirectly(Operations&, const Checkpoint&, const ModelWeights&, ScaleChecks&) {}

std::string gpuMatrixLibrary(Operations&) {
    return {};
}

std::optional<ExpertTelemetry> gpuExperts(Operations&) {
    return std::nullopt;
}

std::optional<GpuMemoryUse> gpuMemoryUse() {
    return std::nullopt;
}

} // namespace dossier::engine
