// SPDX-License-Identifier: Apache-2.0
// Where the routed experts are: each in exactly one of three tiers. A core lies in VRAM and nowhere
// else, a pool in pinned RAM, the rest on disk (in its source). Experts outside the core pass
// through a ring of VRAM slots: while answering, the ones that a layer's batch lacks are brought by
// kernels while the others are computed; while reading, layers are copied ahead in order.
//
// Threads: the engine's owner thread; disk reads and the mail service have threads of their own.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/base/memory_ledger.h"
#include "engine/engine.h"
#include "engine/experts/cpu_tier.h"
#include "engine/experts/expert_layout.h"
#include "engine/experts/expert_plan.h"
#include "engine/experts/expert_source.h"
#include "engine/experts/expert_telemetry.h"
#include "engine/experts/fetch_kernels.h"
#include "engine/experts/layer_stream.h"
#include "engine/experts/mail_service.h"
#include "engine/experts/pinned_pool.h"
#include "engine/kernels/cuda/cuda_memory.h"
#include "engine/kernels/operations.h"

namespace dossier::engine::cuda {

class ExpertStore {
  public:
    ExpertStore(const ModelConfig&, const ExpertLayout&, MemoryLedger&);
    ~ExpertStore();

    void setSource(std::shared_ptr<const ExpertSource> source) { m_source = std::move(source); }
    /// How often each expert was chosen so far, [layers * experts]: the most popular ones form the
    /// core. Before load(); empty: every layer gets an equal share.
    void setUsage(std::vector<std::uint64_t> usage) { m_usage = std::move(usage); }
    /// Before load().
    void setFetchWay(FetchWay way) { m_way = way; }
    /// Before load(), or between finish() and openMail(). Errors: OutOfMemory, after which no
    /// expert is computed by the processor.
    void setCpuExperts(const CpuExpertsOptions&);

    /// Plans the tiers from the budget and fills them. May be called again with another budget;
    /// pinned RAM that fits is used again. After an error no expert is loaded.
    /// Errors: OutOfMemory, Cancelled, what the source throws.
    void load(const ExpertBudget&, const ProgressFn&, std::stop_token);

    /// All experts lie in the core: the calls for fetching are not needed.
    bool complete() const { return m_ringSlots == 0; }
    /// What placing the experts as they are adds to the name of the numerics class.
    std::string numerics() const;

    // -- answering: may be recorded (cudaStreamBeginCapture) as long as no load() comes between
    /// Addresses of a layer's experts, [experts] on the device; null = not in the core.
    ExpertTable table(std::uint32_t layer) const;
    /// Before the layers: what a hash layer will need, known from the tokens; does nothing when the
    /// ring is too small for so many rows, or where the processor had rather compute it. Arguments
    /// on the device, tables as RouterParameters has.
    void prefetch(const Queue&, std::uint32_t layer, const std::int64_t* tokenExperts,
                  const std::int32_t* tokens, std::uint32_t rows);
    /// Behind planAnswer: begins to bring what the plan lacks. `rows`: the batch.
    void beginFetch(const Queue&, std::uint32_t layer, const FetchRows& rows, AnswerPlan*);
    /// Work queued behind this sees all blocks of the plan.
    void endFetch(const Queue&, std::uint32_t layer, AnswerPlan*);
    /// The mail box is served from here on until finish().
    void openMail();
    /// Once everything queued is done: throws what a read from disk threw.
    void finish();

    // -- reading
    /// Before the first layer of a run of `rows` rows, or where it goes on after other work.
    void beginRun(std::uint32_t layer, std::uint64_t rows, cudaStream_t work);
    /// Which experts of the layer will be acquired, in ascending order: those with a count.
    void need(std::uint32_t layer, std::span<const std::uint32_t> counts);
    /// The block of an expert, valid for work queued on `work` behind this call.
    const std::uint8_t* acquire(std::uint32_t layer, std::uint32_t expert, cudaStream_t work);
    /// The block is not needed by work queued on `work` behind this call.
    void release(std::uint32_t layer, std::uint32_t expert, cudaStream_t work);
    /// Most experts outside the core that may be held at once; 0: any number.
    std::uint32_t holdable() const { return m_stream ? m_stream->slots() : 0; }

    /// Waits for the GPU.
    ExpertTelemetry telemetry();

  private:
    std::size_t index(std::uint32_t layer, std::uint32_t expert) const {
        return std::size_t{layer} * m_config.routedExperts + expert;
    }
    FetchSite site(std::uint32_t layer) const;
    std::uint32_t atOnce() const;
    void clear();
    void plan(const ExpertBudget&);
    void loadCore(ThreadPool&, const std::function<void(std::uint64_t)>& done,
                  const std::stop_token&);
    void loadPool(ThreadPool&, const std::function<void(std::uint64_t)>& done,
                  const std::stop_token&);
    void makeTables();
    void openCpuTier();
    void openMailBox();
    /// Of an expert in pinned RAM; null for the others.
    SourceAddress poolAddress() const;

    const ModelConfig& m_config;
    const ExpertLayout m_layout;
    MemoryLedger& m_ledger;
    std::shared_ptr<const ExpertSource> m_source;
    std::vector<std::uint64_t> m_usage;
    FetchWay m_way = FetchWay::Copies;
    CpuExpertsOptions m_cpuOptions;

    std::vector<ExpertTier> m_tiers; ///< [layers * experts]; empty: nothing is loaded
    std::uint64_t m_inVram = 0, m_inRam = 0, m_onDisk = 0, m_ringSlots = 0;
    std::vector<VramBuffer> m_core;
    std::vector<const std::uint8_t*> m_address; ///< [layers * experts] in VRAM, or null
    std::unique_ptr<PinnedPool> m_pool;
    std::vector<const std::uint8_t*> m_pooled; ///< [layers * experts] in pinned RAM, or null
    VramBuffer m_ring, m_tables, m_state;
    PinnedBuffer m_mailMemory;
    std::unique_ptr<DiskReader> m_reader;
    std::unique_ptr<CpuTier> m_cpu; ///< null: off
    std::string m_whyNoCpu;
    std::unique_ptr<MailService> m_mail;
    std::unique_ptr<LayerStream> m_stream;

    cudaStream_t m_copies = nullptr;
    cudaEvent_t m_planned = nullptr;
    std::vector<cudaEvent_t> m_fetched;                     ///< [layers]
    std::vector<std::optional<std::uint64_t>> m_prefetched; ///< [layers]: listed beforehand, its
                                                            ///< first slot
    std::uint64_t m_readHits = 0;                           ///< experts used in place while reading
};

} // namespace dossier::engine::cuda
