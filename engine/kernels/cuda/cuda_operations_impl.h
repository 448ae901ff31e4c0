// SPDX-License-Identifier: Apache-2.0
// The class behind makeCudaOperations. Reading runs matrix products of many rows, answering reads
// every weight once for up to 16 rows; see engine/kernels/types.h, Path.
#pragma once

#include <map>
#include <unordered_map>
#include <vector>

#include "engine/experts/expert_layout.h"
#include "engine/experts/expert_store.h"
#include "engine/kernels/cuda/attend_kernels.h"
#include "engine/kernels/cuda/batch_view.h"
#include "engine/kernels/cuda/cuda_memory.h"
#include "engine/kernels/cuda/cuda_operations.h"
#include "engine/kernels/cuda/expert_kernels.h"
#include "engine/kernels/cuda/finish_kernels.h"
#include "engine/kernels/cuda/gemv_kernels.h"
#include "engine/kernels/cuda/index_kernels.h"
#include "engine/kernels/cuda/launch.h"
#include "engine/kernels/cuda/matrix_library.h"
#include "engine/kernels/cuda/stream_kernels.h"

namespace dossier::engine::cuda {

/// Streams and events that the object owns.
class Stream {
  public:
    Stream();
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    cudaStream_t get() const { return m_stream; }

  private:
    cudaStream_t m_stream = nullptr;
};
class Event {
  public:
    Event();
    ~Event();
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    void record(cudaStream_t stream) { check(cudaEventRecord(m_event, stream), "record an event"); }
    void hold(cudaStream_t stream) {
        check(cudaStreamWaitEvent(stream, m_event, 0), "wait for an event");
    }
    void wait() { check(cudaEventSynchronize(m_event), "wait for the GPU"); }

  private:
    cudaEvent_t m_event = nullptr;
};

/// A batch in device memory, with the pinned copy that it is uploaded from.
class BatchBuffer {
  public:
    /// Room for `rows` rows, `segments` segments and `layers` layers.
    BatchBuffer(MemoryLedger&, std::uint32_t rows, std::uint32_t segments, std::uint32_t layers,
                std::uint32_t ropeDims);
    bool holds(std::uint32_t rows, std::uint32_t segments) const {
        return rows <= m_rows && segments <= m_segments;
    }
    /// Uploads and fills the view, rotation tables included.
    void set(const Batch&, const Queue&, const float* windowFrequencies,
             const float* compressedFrequencies);
    const BatchView& view() const { return m_view; }
    std::uint64_t lastPosition() const { return m_lastPosition; }

  private:
    std::uint32_t m_rows, m_segments, m_layers, m_ropeDims;
    VramBuffer m_device;
    PinnedBuffer m_host;
    Event m_uploaded;
    bool m_pending = false;
    BatchView m_view;
    std::uint64_t m_lastPosition = 0;
};

class CudaOperations final : public Operations, public CudaControl {
  public:
    CudaOperations(const ModelConfig&, const CudaProbe&, const CudaOptions&, MemoryLedger&,
                   std::unique_ptr<GpuLock>);
    ~CudaOperations() override;

    std::string numerics() const override;
    std::unique_ptr<DeviceMemory> allocate(std::uint64_t bytes, const char* owner) override;
    std::unique_ptr<DeviceMemory> reserve(std::uint64_t maxBytes, const char* owner) override;
    std::unique_ptr<DeviceMemory> allocateStaging(std::uint64_t bytes) override;
    void upload(void* device, const void* host, std::uint64_t bytes) override;
    void download(void* host, const void* device, std::uint64_t bytes) override;
    void copy(void* to, const void* from, std::uint64_t bytes) override;
    void zero(void* device, std::uint64_t bytes) override;
    void synchronise() override;
    const void* weight(const void* host, std::uint64_t bytes) override;
    void setExperts(std::uint32_t layer, std::span<const ExpertParameters>) override;
    void loadExperts(const ExpertBudget&, const ProgressFn&, std::stop_token) override;

    void setExpertSource(std::shared_ptr<const ExpertSource> source) override;
    void setExpertUsage(std::vector<std::uint64_t> usage) override {
        m_experts->setUsage(std::move(usage));
    }
    void setCpuExperts(const CpuExpertsOptions&) override;
    ExpertTelemetry experts() override { return m_experts->telemetry(); }
    void* stream() const override { return m_queue.stream; }
    std::string matrixLibrary() const override {
        return (m_library ? m_library->name() : "none: " + m_whyNoLibrary) +
               (m_fp8 ? ", FP8 products for experts" : "");
    }
    void forceRouting(std::span<const std::int64_t> ids) override;

    void begin(const Batch&) override;
    void beginLayer(std::uint32_t layer, std::uint64_t rows, bool first) override;
    std::uint32_t expertRows() const override { return m_options.superChunk; }
    bool synchronous() const override { return false; }
    void together(const std::function<void()>& work) override;
    void section(std::uint64_t key, const std::function<void()>& work) override;
    void expectExperts(std::uint32_t layer, const RouterParameters&) override;

    void embed(const Bf16Weight& embedding, Bf16* streams) override;
    void hyperIn(const HyperSite&, const Bf16* streams, Bf16* h, QuantRows hq, float* post,
                 float* comb) override;
    void hyperOut(Bf16* streams, const Bf16* y, const float* post, const float* comb) override;
    void hyperOutIn(Bf16* streams, const Bf16* y, const HyperSite& next, Bf16* h, QuantRows hq,
                    float* post, float* comb) override;
    void quantise(const Bf16* x, std::uint32_t columns, QuantRows q) override;
    void linear(const QuantRows& x, const Fp8Weight&, Bf16* y) override;
    void linear32(const Bf16* x, const Bf16Weight&, float* y) override;
    void linearGrouped(const Bf16* x, const Fp8Weight&, std::uint32_t groups, Bf16* y,
                       QuantRows q) override;
    void normQuantise(const Bf16* x, std::uint32_t columns, const Bf16* w, QuantRows q) override;
    void finishQueries(Bf16* q, Rope) override;
    void finishRows(const Bf16* kv, const Bf16* norm, Rope, std::byte* rows) override;
    void compress(const Compressor&, Pool, std::uint32_t layer, const float* a, float* s) override;
    void indexWeights(const Bf16* h, const Bf16Weight& proj, Bf16* weights) override;
    void finishIndexQueries(Bf16* qi) override;
    void selectEntries(const Bf16* qi, const Bf16* weights, std::uint32_t layer,
                       std::int32_t* ids) override;
    void attend(const Bf16* q, const std::byte* rows, const float* sink, std::uint32_t layer,
                std::uint32_t ratio, const std::int32_t* ids, Rope, Bf16* o) override;
    void route(const Bf16* h, std::uint32_t layer, const RouterParameters&, std::int32_t* ids,
               float* weights) override;
    void experts(const QuantRows& hq, std::uint32_t layer, const std::int32_t* ids,
                 const float* weights, const ExpertParameters& shared, Bf16* y) override;
    void head(const HeadParameters&, const Bf16* streams, std::span<const std::uint32_t> rows,
              float* logits) override;

  private:
    /// Buffers that grow when an operation needs more; none may grow while work is recorded.
    enum class Slot {
        MixPartials,
        MixProducts,
        SplitWeights,
        RouterLogits,
        Rows16, ///< rows in bf16
        Scores,
        AttendPartials,
        HeadRows,
        ExpertRows,
        ExpertRowScales,
        ExpertWeights,
        ExpertWeightScales,
        ExpertGateUp,
        ExpertProducts,
        ExpertProductScales,
        ExpertOutputs,
        ExpertSums,
        ExpertLists,
        ExpertCounts,
        Count
    };
    template<class T>
    T* scratch(Slot slot, std::uint64_t count);

    bool answering() const { return m_path == Path::Answering; }
    std::uint32_t rows() const { return m_view.rows; }
    const float* ropeTable(Rope rope) const {
        return rope == Rope::Window ? m_view.windowTable : m_view.compressedTable;
    }
    /// One more linear layer of up to 16 rows: now, or with the group.
    void addGemv(const GemvTask&);
    void flushGemvs();
    void flushFinish(); ///< now, unless in a group
    /// Whether the reader of `q` will quantise x itself.
    bool leaveRaw(const Bf16* x, const Bf16* norm, std::uint32_t columns, const QuantRows& q);
    void gemm(const GemmShape&, const Bf16* x, const Bf16* w, void* y, bool f32);
    /// A layer's weight in bf16, kept until the next layer begins.
    const Bf16* expanded(const Fp8Weight&);
    void prepareAnswer();
    void forgetRecorded();
    /// Row i takes the i-th list of its layer.
    bool forced() const { return answering() && m_forcedIds.bytes() > 0; }
    const std::int64_t* forcedTable(std::uint32_t layer) const {
        return m_forcedIds.as<std::int64_t>() +
               std::uint64_t{layer} * kAnswerRows * m_config.expertsPerToken;
    }
    void answerExperts(const QuantRows& hq, std::uint32_t layer, const ExpertParameters& shared,
                       Bf16* y);
    void readExperts(const QuantRows& hq, std::uint32_t layer, const std::int32_t* ids,
                     const float* weights, const ExpertParameters& shared, Bf16* y);
    /// An expert's weights into the place-th of the buffers that the two functions below read.
    void expandExpert(const ExpertParameters&, std::uint32_t place);
    /// Where w1 (3i), w3 (3i + 1), w2 (3i + 2) of the i-th place are put in FP8.
    struct Fp8Place {
        std::uint8_t *values, *scales;
    };
    Fp8Place fp8Place(std::uint64_t matrix);
    /// Outputs [rows, hidden] of the pieces, one at most in bf16; buffers are made for `most` rows.
    const Bf16* multiplyPiece(const ExpertPieces&, const QuantRows& hq, const float* weights,
                              std::uint32_t most);
    const Bf16* multiplyPiecesFp8(const ExpertPieces&, const QuantRows& hq, const float* weights,
                                  std::uint32_t most);
    QuantRows scratchRows(Slot values, Slot scales, std::uint64_t rows, std::uint32_t columns);
    void readSharedExpert(const QuantRows& hq, const ExpertParameters& shared, const float* sums,
                          Bf16* y);

    const ModelConfig m_config;
    const CudaProbe m_probe;
    const CudaOptions m_options;
    MemoryLedger& m_ledger;
    std::unique_ptr<GpuLock> m_lock;
    const KvRowLayout m_rowLayout;
    const ExpertLayout m_expertLayout;
    Stream m_stream;
    Queue m_queue;
    LedgerEntry m_contextEntry;
    PinnedBuffer m_staging; ///< results on their way to the host

    std::vector<VramBuffer> m_weights; ///< pieces that weights are laid into
    std::vector<VramBuffer> m_largeWeights;
    std::uint64_t m_weightsUsed = 0; ///< of the last piece
    VramBuffer m_frequencies;
    const float *m_windowFrequencies = nullptr, *m_compressedFrequencies = nullptr;
    VramBuffer m_workspace;
    std::unique_ptr<MatrixLibrary> m_library;
    std::string m_whyNoLibrary;
    const bool m_fp8; ///< experts are read with FP8 products
    std::unique_ptr<ExpertStore> m_experts;
    std::shared_ptr<MappedExperts> m_mappedExperts;
    VramBuffer m_forcedIds, m_rowNumbers; ///< see forceRouting

    Path m_path = Path::Reading;
    BatchView m_view;
    std::uint64_t m_lastPosition = 0; ///< of the batch
    std::unique_ptr<BatchBuffer> m_answerBatch;
    struct ReadBatch {
        const void* tokens = nullptr; ///< of the caller: recognises a slice in the next layer
        const void* segments = nullptr;
        std::uint32_t rows = 0;
        std::unique_ptr<BatchBuffer> buffer;
    };
    std::vector<ReadBatch> m_readBatches;
    bool m_inRun = false; ///< between the first layer of a reading run and its end
    std::vector<std::unique_ptr<Event>> m_layerDone;

    std::vector<VramBuffer> m_scratch;
    VramBuffer m_expandArena;
    std::uint64_t m_expandUsed = 0;
    std::unordered_map<const void*, const Bf16*> m_expanded;

    bool m_grouped = false;
    std::vector<GemvTask> m_gemvs;
    RouteTask m_route;    ///< answering: what the router has asked for, until its experts run
    FinishTasks m_finish; ///< answering: what the group has asked for
    bool m_finishPending = false;
    /// Answering few rows: what the linear layer that reads it quantises itself, by the address
    /// that it would have been quantised to.
    struct Raw {
        const Bf16* x = nullptr;
        const Bf16* norm = nullptr;
    };
    std::unordered_map<const std::uint8_t*, Raw> m_raw;

    // Answering.
    std::uint64_t m_contextLimit = 0; ///< grids are sized for positions below it
    VramBuffer m_answerMemory;
    AnswerBuffers m_answerBuffers;
    SelectBuffers m_selectBuffers;
    struct Recorded {
        cudaGraphExec_t graph = nullptr;
        std::uint64_t used = 0;
    };
    std::map<std::uint64_t, Recorded> m_recorded;
    std::uint64_t m_recordedUses = 0;
    bool m_recording = false;
};

} // namespace dossier::engine::cuda
