// SPDX-License-Identifier: Apache-2.0
// The operations of the transformer on the CPU: splits each over the thread pool and calls the
// kernels of one table (kernels.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/base/aligned_buffer.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/thread_pool.h"
#include "engine/kernels/cpu/expert_batch.h"
#include "engine/kernels/cpu/kernels.h"
#include "engine/kernels/cpu/linear_batch.h"
#include "engine/kernels/operations.h"
#include "engine/model/config.h"
#include "engine/model/scale_checks.h"

namespace dossier::engine {

class CpuOperations final : public Operations {
  public:
    /// `pool` and `ledger` outlive this object.
    CpuOperations(const ModelConfig&, const CpuKernels&, ThreadPool& pool, MemoryLedger& ledger);

    /// Scales that experts() checks when an expert is first used: it then throws Error(Corrupt)
    /// for a damaged one. `checks` outlives this object.
    void setScaleChecks(ScaleChecks& checks) { m_scaleChecks = &checks; }

    std::string numerics() const override;

    std::unique_ptr<DeviceMemory> allocate(std::uint64_t bytes, const char* owner) override;
    std::unique_ptr<DeviceMemory> reserve(std::uint64_t maxBytes, const char* owner) override;
    void upload(void* device, const void* host, std::uint64_t bytes) override;
    void download(void* host, const void* device, std::uint64_t bytes) override;
    void copy(void* to, const void* from, std::uint64_t bytes) override;
    void zero(void* device, std::uint64_t bytes) override;
    void synchronise() override {}
    const void* weight(const void* host, std::uint64_t) override { return host; }
    void setExperts(std::uint32_t layer, std::span<const ExpertParameters>) override;

    void begin(const Batch&) override;
    void together(const std::function<void()>& work) override;
    void embed(const Bf16Weight& embedding, Bf16* streams) override;
    void hyperIn(const HyperSite&, const Bf16* streams, Bf16* h, QuantRows hq, float* post,
                 float* comb) override;
    void hyperOut(Bf16* streams, const Bf16* y, const float* post, const float* comb) override;
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
    // Scratch of the current operation, kept so that steady work allocates nothing.
    enum class Use : std::size_t {
        PerWorker, ///< a row or two for every thread
        Mix,
        HeadRows,
        RouterLogits,
        IndexScores,
        Unpacked,
        Gathered,
        Pointers,
        ExpertOut,
        FirstPrepared, ///< and as many more as a group of linear layers has inputs
    };
    template<class T>
    T* scratch(Use use, std::size_t count, std::size_t number = 0) {
        const std::size_t slot = static_cast<std::size_t>(use) + number;
        return reinterpret_cast<T*>(scratchBytes(slot, count * sizeof(T)));
    }
    std::byte* scratchBytes(std::size_t slot, std::size_t bytes);

    // -- linear layers (cpu_linear.cpp)
    /// Prepared forms of n rows, shared by the linear layers of one group.
    Operand prepared(WeightForm, const QuantRows& x, std::uint32_t columns);
    Operand prepared(WeightForm, const Bf16* x, std::uint32_t n, std::uint32_t columns);
    struct Prepared {
        const void* x;
        WeightForm form;
        std::uint32_t columns;
        Operand rows;
    };
    const Operand* known(const void* x, WeightForm, std::uint32_t columns) const;
    std::byte* preparedRows(const void* x, WeightForm, std::uint32_t n, std::uint32_t columns,
                            Operand& rows);
    /// Adds a layer; runs it now unless inside together().
    void add(const LinearTask&);
    void runLinear();

    // -- attention (cpu_attention.cpp, cpu_entries.cpp)
    const float* cosSin(std::uint32_t row, Rope) const;
    struct PoolInput;
    void poolBlock(const Compressor&, Pool, std::uint64_t block, const PoolInput&,
                   const RowExtent& to) const;
    /// Scores of the keys [begin, end) for a row.
    void scoreEntries(std::size_t row, const Bf16* qi, const Bf16* weights, const RowExtent& keys,
                      std::uint64_t begin, std::uint64_t end, float* scores) const;
    struct View;
    void unpackFor(const std::byte* rows, std::uint32_t layer, std::uint32_t ratio, bool chosen);
    std::uint32_t visibleRows(std::size_t row, const View&, std::uint32_t ratio,
                              const std::int32_t* chosen, Bf16* own, const Bf16** list) const;
    void keepWindow(const std::byte* rows, std::uint32_t layer);

    // -- experts (cpu_experts.cpp)
    void sortByExpert(const std::int32_t* ids, const float* weights, std::uint32_t layer);

    ModelConfig m_config;
    const CpuKernels& m_kernels;
    ThreadPool& m_pool;
    MemoryLedger& m_ledger;
    KvRowLayout m_rowLayout;
    std::vector<float> m_windowFrequencies, m_compressedFrequencies;
    std::vector<std::vector<ExpertParameters>> m_experts;
    ScaleChecks* m_scaleChecks = nullptr;

    /// Rotations of the rows of one batch; layer after layer asks for the same ones.
    struct RopeTables {
        std::vector<std::uint64_t> positions;
        std::vector<float> window, compressed; ///< [rows][R/2][2]
    };
    static constexpr std::size_t kRopeTables = 8;

    Batch m_batch;
    std::vector<std::uint64_t> m_positions;    ///< of every row
    std::vector<const RowSpan*> m_segmentOf;   ///< of every row
    std::vector<RopeTables> m_ropeTables;      ///< of the last few batches
    std::size_t m_ropeNext = 0, m_ropeNow = 0; ///< the next to replace, the present one
    std::vector<AlignedBuffer> m_scratch;
    LinearBatch m_linear;
    std::vector<Prepared> m_prepared;
    bool m_together = false;

    /// Where the unpacked rows of a segment lie during attend.
    struct View {
        const Bf16* window = nullptr; ///< of positions windowBegin ..
        std::uint64_t windowBegin = 0;
        const Bf16* shared = nullptr; ///< entries [0, sharedCount) of the lane; null: not unpacked
        const Bf16* own = nullptr;    ///< the entries behind them
        std::uint64_t sharedCount = 0;
        RowExtent packed;
    };
    /// Packed rows one behind the other and where they go.
    struct UnpackRun {
        const std::byte* from = nullptr;
        std::uint64_t count = 0;
        Bf16* to = nullptr;
    };
    std::vector<View> m_views; ///< of every segment
    std::vector<UnpackRun> m_runs;

    /// Rows of one expert: slots [begin, end). The shared expert's come first, id = routed experts.
    struct Group {
        std::uint32_t expert = 0, begin = 0, end = 0;
    };
    std::vector<Group> m_groups;
    std::vector<std::uint32_t> m_slotRow, m_slotOfChoice, m_nextSlot; ///< m_slotOfChoice [n, top]
    std::vector<float> m_slotWeight;
    std::vector<ExpertTask> m_expertTasks;
    ExpertBatch m_expertBatch;
};

} // namespace dossier::engine
