// SPDX-License-Identifier: Apache-2.0
// The operations of the transformer on one NVIDIA GPU. No CUDA types: anybody may include this.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/memory_ledger.h"
#include "engine/experts/expert_source.h"
#include "engine/experts/expert_telemetry.h"
#include "engine/kernels/cuda/device_probe.h"
#include "engine/kernels/operations.h"
#include "engine/model/config.h"

namespace dossier::engine {

struct CpuKernels;

/// Experts in RAM that the processor computes while others cross the bus, when answering. Bits then
/// depend on what was computed where: results agree within rounding.
struct CpuExpertsOptions {
    enum class Mode {
        Off,
        Auto, ///< where measuring at load says that it pays
        On
    } mode = Mode::Off;
    std::optional<double> share;         ///< of a layer's experts; absent: by what they take
    unsigned threads = 0;                ///< 0: all cores but two
    const CpuKernels* kernels = nullptr; ///< null: the fastest
    /// An expert that takes longer means that the process cannot go on.
    std::chrono::milliseconds limit{10'000};
};

struct CudaOptions {
    /// Rows that go through the experts together when reading; their memory is part of the scratch.
    std::uint32_t superChunk = 32768;
    bool graphs = true;  ///< record answering steps and replay them
    bool overlap = true; ///< kernels start their prologue while the one before ends (Hopper on)
    bool cublas = true;  ///< use cuBLAS for reading where it is found
    bool fp8 = false;    ///< see LoadOptions::fp8Experts
    bool lock = true;    ///< one engine a GPU (off in tests)
    /// While answering, experts in RAM are brought by the copy engine on word of a host thread, or,
    /// off, by a kernel: 8 % slower on PCIe 5, but without a thread that has to be quick.
    bool copyEngine = true;
    CpuExpertsOptions cpuExperts; ///< needs copyEngine and graphs
    /// Called before an expert's bytes are taken from the addresses given to setExperts; throws
    /// Error(Corrupt) for a damaged one. On several threads at once.
    std::function<void(std::uint32_t layer, std::uint32_t expert)> checkExpert;
};

/// What may be asked of the CUDA operations besides Operations.
class CudaControl {
  public:
    virtual ~CudaControl() = default;
    /// Where experts come from instead of the addresses given to setExperts; before loadExperts.
    virtual void setExpertSource(std::shared_ptr<const ExpertSource>) = 0;
    /// How often each expert was chosen so far, [layers * experts]: decides which ones stay in GPU
    /// memory at the next loadExperts. Empty: every layer gets an equal share.
    virtual void setExpertUsage(std::vector<std::uint64_t> usage) = 0;
    /// Whether and how the processor computes experts, from now on; measures anew where it is to.
    /// Nothing is being answered meanwhile. Changes numerics(). Errors: OutOfMemory.
    virtual void setCpuExperts(const CpuExpertsOptions&) = 0;
    /// Tiers, hit rates, what came from where. Waits for the GPU.
    virtual ExpertTelemetry experts() = 0;
    /// The stream that all work is queued on (a cudaStream_t), for timing.
    virtual void* stream() const = 0;
    /// "cuBLAS 13.1.0", or why there is none; with ", FP8 products for experts" where reading uses
    /// them.
    virtual std::string matrixLibrary() const = 0;
    /// Experts are chosen from this table instead of by the router: [layers][16][experts per
    /// token] ids on the host, copied now. Empty: the router again.
    virtual void forceRouting(std::span<const std::int64_t> ids) = 0;
};
/// Of operations that makeCudaOperations returned; null for others.
CudaControl* cudaControl(Operations&);

/// Whether the CUDA kernels can run a model of this shape; the reason when not.
std::optional<std::string> whyNotOnCuda(const ModelConfig&);

/// Takes the GPU that `probe` found usable. `ledger` outlives the result.
/// Errors: Busy (another engine has it), Unsupported (the shape), OutOfMemory, ProcessDied.
std::unique_ptr<Operations> makeCudaOperations(const ModelConfig&, const CudaProbe& probe,
                                               const CudaOptions&, MemoryLedger& ledger);

} // namespace dossier::engine
