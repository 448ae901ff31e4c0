// SPDX-License-Identifier: Apache-2.0
// The processor's part of a layer's experts while answering: those of a request (FetchMail) that
// are computed from pinned RAM where they lie, while the others cross the bus.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "engine/experts/cpu_split.h"
#include "engine/experts/cpu_workers.h"
#include "engine/experts/expert_telemetry.h"
#include "engine/experts/fetch_kernels.h"
#include "engine/experts/layer_stream.h"
#include "engine/kernels/cuda/cuda_memory.h"
#include "engine/kernels/cuda/cuda_operations.h"

namespace dossier::engine::cuda {

class CpuTier {
  public:
    struct Shape {
        ExpertLayout layout;
        std::uint32_t top = 0; ///< experts a token
        float limit = 0;       ///< of gate and up
    };
    /// Errors: OutOfMemory.
    CpuTier(const Shape&, const CpuExpertsOptions&, SourceAddress source, MemoryLedger&);

    /// What kernels need of it.
    const CpuSite& site() const { return m_site; }

    /// Computes `blocks` (pinned RAM, at most kAnswerRows) while the same are copied to `to`
    /// (device memory, one behind the other) on `copies`, and starts the split from what that took.
    /// True: both together are so much faster than the bus alone that it pays. `dramRate`: of
    /// reading by all cores, bytes a second. The mail box is closed.
    bool measure(const std::vector<const std::byte*>& blocks, std::byte* to, cudaStream_t copies,
                 double dramRate);

    /// By what measure() found, an expert is sooner computed than brought: then nothing should be
    /// brought ahead that might be computed.
    bool fasterThanBus() const { return m_fasterThanBus; }

    // -- the mail service's thread
    /// Begins a request whose places `inRam` (ascending) name experts in pinned RAM; how many of
    /// them, from the end, are computed here.
    std::uint32_t begin(const FetchMail&, std::span<const std::uint32_t> inRam);
    /// Waits for what begin() started and tells the GPU. Throws what computing threw; ProcessDied
    /// when it does not end.
    void end(const FetchMail&);

    /// Any thread; what is counted by the GPU is left out.
    ExpertTelemetry::Cpu telemetry() const;

  private:
    void waitForWorkers();

    const Shape m_shape;
    const std::chrono::milliseconds m_limit;
    const std::optional<double> m_share;
    const SourceAddress m_source;
    PinnedBuffer m_memory;
    CpuSite m_site;
    Bf16* m_results = nullptr;
    ExpertTelemetry::Cpu m_measured;
    bool m_fasterThanBus = false;

    // The mail service's.
    std::optional<CpuSplit> m_split;
    std::vector<CpuWorkers::Expert> m_job;
    std::uint32_t m_onBus = 0, m_onCpu = 0; ///< of the last request
    bool m_underWay = false, m_lost = false;

    std::atomic<std::uint64_t> m_experts{0}, m_nanoseconds{0};
    std::unique_ptr<CpuWorkers> m_workers; ///< last: ends before what it works with
};

} // namespace dossier::engine::cuda
