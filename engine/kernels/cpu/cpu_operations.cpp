// SPDX-License-Identifier: Apache-2.0
// CPU operations: memory, batches, streams, head.
#include "engine/kernels/cpu/cpu_operations.h"

#include <algorithm>
#include <cstring>

#include <sys/mman.h>

#include "engine/base/error.h"

namespace dossier::engine {
namespace {

class HeapMemory final : public DeviceMemory {
  public:
    HeapMemory(MemoryLedger& ledger, const char* owner, std::uint64_t bytes)
        : m_buffer(ledger, owner, bytes, AlignedBuffer::Fill::Zero) {}
    std::byte* data() const override { return const_cast<std::byte*>(m_buffer.data()); }
    std::uint64_t bytes() const override { return m_buffer.size(); }
    void grow(std::uint64_t bytes) override {
        if (bytes > m_buffer.size()) {
            throw Error(ErrorCode::Internal, "A fixed buffer was asked to grow");
        }
    }

  private:
    AlignedBuffer m_buffer;
};

/// Address space reserved once; the system gives pages as they are touched, the ledger counts them
/// as grow() announces them.
class GrowingMemory final : public DeviceMemory {
  public:
    GrowingMemory(MemoryLedger& ledger, const char* owner, std::uint64_t maxBytes)
        : m_entry(ledger.take(owner, MemoryPlace::Ram, 0)), m_max(maxBytes) {
        void* p = mmap(nullptr, std::max<std::uint64_t>(m_max, 1), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) {
            throw systemError("reserve address space for " + std::string(owner), errno);
        }
        m_data = static_cast<std::byte*>(p);
    }
    ~GrowingMemory() override { munmap(m_data, std::max<std::uint64_t>(m_max, 1)); }
    GrowingMemory(const GrowingMemory&) = delete;
    GrowingMemory& operator=(const GrowingMemory&) = delete;

    std::byte* data() const override { return m_data; }
    std::uint64_t bytes() const override { return m_entry.bytes(); }
    void grow(std::uint64_t bytes) override {
        if (bytes > m_max) {
            throw Error(ErrorCode::TooLarge,
                        "The context is full: it was opened for " + formatBytes(m_max) + " of rows",
                        "Load the model with a larger context");
        }
        if (bytes > m_entry.bytes()) {
            m_entry.resize(bytes);
        }
    }

  private:
    LedgerEntry m_entry;
    std::byte* m_data = nullptr;
    std::uint64_t m_max;
};

} // namespace

CpuOperations::CpuOperations(const ModelConfig& config, const CpuKernels& kernels, ThreadPool& pool,
                             MemoryLedger& ledger)
    : m_config(config),
      m_kernels(kernels),
      m_pool(pool),
      m_ledger(ledger),
      m_rowLayout(kvRowLayout(config)),
      m_windowFrequencies(plain::ropeFrequencies(config.ropeTheta, config.ropeDim)),
      m_compressedFrequencies(
          config.ropeScaling.originalMaxPositions
              ? plain::yarnFrequencies(config.compressRopeTheta, config.ropeDim,
                                       config.ropeScaling.factor, config.ropeScaling.betaFast,
                                       config.ropeScaling.betaSlow,
                                       config.ropeScaling.originalMaxPositions)
              : plain::ropeFrequencies(config.compressRopeTheta, config.ropeDim)),
      m_experts(config.layers),
      m_expertBatch(
          {config.hiddenSize, config.moeIntermediate, static_cast<float>(config.swigluLimit)},
          kernels, pool, ledger) {}

std::string CpuOperations::numerics() const {
    return "cpu-" + std::string(m_kernels.name) + "-1";
}

std::unique_ptr<DeviceMemory> CpuOperations::allocate(std::uint64_t bytes, const char* owner) {
    return std::make_unique<HeapMemory>(m_ledger, owner, bytes);
}

std::unique_ptr<DeviceMemory> CpuOperations::reserve(std::uint64_t maxBytes, const char* owner) {
    return std::make_unique<GrowingMemory>(m_ledger, owner, maxBytes);
}

void CpuOperations::upload(void* device, const void* host, std::uint64_t bytes) {
    std::memcpy(device, host, bytes);
}
void CpuOperations::download(void* host, const void* device, std::uint64_t bytes) {
    std::memcpy(host, device, bytes);
}
void CpuOperations::copy(void* to, const void* from, std::uint64_t bytes) {
    std::memcpy(to, from, bytes);
}
void CpuOperations::zero(void* device, std::uint64_t bytes) {
    std::memset(device, 0, bytes);
}

void CpuOperations::setExperts(std::uint32_t layer, std::span<const ExpertParameters> experts) {
    m_experts[layer].assign(experts.begin(), experts.end());
}

std::byte* CpuOperations::scratchBytes(std::size_t slot, std::size_t bytes) {
    if (m_scratch.size() <= slot) {
        m_scratch.resize(slot + 1);
    }
    if (m_scratch[slot].size() < bytes) {
        m_scratch[slot] = AlignedBuffer(); // give the old one back before taking the new one
        m_scratch[slot] = AlignedBuffer(m_ledger, "scratch", bytes * 5 / 4);
    }
    return m_scratch[slot].data();
}

void CpuOperations::begin(const Batch& batch) {
    m_linear.clear(); // left by work that failed
    m_prepared.clear();
    m_batch = batch;
    const std::size_t n = batch.rows(), pairs = m_config.ropeDim / 2;
    m_positions.resize(n);
    m_segmentOf.resize(n);
    for (const RowSpan& segment : batch.segments) {
        for (std::uint32_t i = 0; i < segment.count; ++i) {
            m_positions[segment.row + i] = segment.position + i;
            m_segmentOf[segment.row + i] = &segment;
        }
    }
    if (batch.segments.empty()) {
        return; // rows that only go through experts
    }
    for (std::size_t i = 0; i < m_ropeTables.size(); ++i) {
        if (m_ropeTables[i].positions == m_positions) {
            m_ropeNow = i;
            return;
        }
    }
    if (m_ropeTables.size() < kRopeTables) {
        m_ropeTables.emplace_back();
    }
    m_ropeNow = m_ropeNext;
    m_ropeNext = (m_ropeNext + 1) % kRopeTables;
    RopeTables& tables = m_ropeTables[m_ropeNow];
    tables.positions = m_positions;
    tables.window.resize(n * pairs * 2);
    tables.compressed.resize(n * pairs * 2);
    m_pool.parallelFor(n, 16, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t i = from; i < to; ++i) {
            plain::ropeTable(m_positions[i], m_windowFrequencies, &tables.window[i * pairs * 2]);
            plain::ropeTable(m_positions[i], m_compressedFrequencies,
                             &tables.compressed[i * pairs * 2]);
        }
    });
}

const float* CpuOperations::cosSin(std::uint32_t row, Rope rope) const {
    const RopeTables& tables = m_ropeTables[m_ropeNow];
    const auto& table = rope == Rope::Window ? tables.window : tables.compressed;
    return table.data() + std::size_t{row} * m_config.ropeDim;
}

void CpuOperations::embed(const Bf16Weight& embedding, Bf16* streams) {
    const std::size_t d = m_config.hiddenSize, k = m_config.hcMult;
    for (std::size_t i = 0; i < m_batch.rows(); ++i) {
        const Bf16* row = embedding.values + static_cast<std::size_t>(m_batch.tokens[i]) * d;
        for (std::size_t j = 0; j < k; ++j) {
            std::copy_n(row, d, streams + (i * k + j) * d);
        }
    }
}

namespace {

constexpr std::size_t kMostStreams = 16;
/// Rows that go through the mixing matrix of a hyper-connection together.
constexpr std::size_t kMixRows = 8;
/// Outputs of that matrix that a thread takes when there is but a row or two.
constexpr std::size_t kMixOuts = 6;

} // namespace

void CpuOperations::hyperIn(const HyperSite& site, const Bf16* streams, Bf16* h, QuantRows hq,
                            float* post, float* comb) {
    const std::uint32_t d = m_config.hiddenSize, k = m_config.hcMult, n = m_batch.rows();
    const std::size_t outs = m_config.mixRows();
    float* mix = scratch<float>(Use::Mix, n * outs);
    const auto mixRows = [&](std::size_t from, std::size_t to, std::size_t out, std::size_t end) {
        m_kernels.hyperMix(streams + from * k * d, site.fn,
                           {static_cast<std::uint32_t>(to - from), static_cast<std::uint32_t>(out),
                            static_cast<std::uint32_t>(end)},
                           m_config.rmsNormEps, mix + from * outs);
    };
    const bool few = n < kMixRows;
    if (few) {
        m_pool.parallelFor(outs, kMixOuts, [&](std::size_t from, std::size_t to, unsigned) {
            mixRows(0, n, from, to);
        });
    }
    Bf16* combined = scratch<Bf16>(Use::PerWorker, m_pool.size() * std::size_t{d});
    m_pool.parallelFor(n, kMixRows, [&](std::size_t from, std::size_t to, unsigned worker) {
        if (!few) {
            mixRows(from, to, 0, outs);
        }
        float pre[kMostStreams];
        Bf16* u = combined + worker * std::size_t{d};
        for (std::size_t i = from; i < to; ++i) {
            plain::sinkhornSplit(mix + i * outs, site.scale, site.base, k, m_config.hcSinkhornIters,
                                 static_cast<float>(m_config.hcEps), pre, post + i * k,
                                 comb + i * k * k);
            m_kernels.hyperCombine(streams + i * k * d, pre, k, d, u);
            m_kernels.rmsNorm(u, site.norm, d, m_config.rmsNormEps, h + i * d);
            m_kernels.quantise(h + i * d, d, hq.values + i * d, hq.scales + i * (d / 128));
        }
    });
}

void CpuOperations::hyperOut(Bf16* streams, const Bf16* y, const float* post, const float* comb) {
    const std::uint32_t d = m_config.hiddenSize, k = m_config.hcMult;
    m_pool.parallelFor(m_batch.rows(), 4, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t i = from; i < to; ++i) {
            m_kernels.hyperOut(streams + i * k * d, y + i * d, post + i * k, comb + i * k * k, k,
                               d);
        }
    });
}

void CpuOperations::quantise(const Bf16* x, std::uint32_t columns, QuantRows q) {
    m_pool.parallelFor(m_batch.rows(), 8, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t i = from; i < to; ++i) {
            m_kernels.quantise(x + i * columns, columns, q.values + i * columns,
                               q.scales + i * (columns / 128));
        }
    });
}

void CpuOperations::head(const HeadParameters& head, const Bf16* streams,
                         std::span<const std::uint32_t> rows, float* logits) {
    const std::uint32_t d = m_config.hiddenSize, k = m_config.hcMult;
    const auto n = static_cast<std::uint32_t>(rows.size());
    Bf16* h = scratch<Bf16>(Use::HeadRows, std::size_t{n} * d);
    Bf16* combined = scratch<Bf16>(Use::PerWorker, m_pool.size() * std::size_t{d});
    m_pool.parallelFor(n, 1, [&](std::size_t from, std::size_t to, unsigned worker) {
        float m[kMostStreams], pre[kMostStreams];
        Bf16* u = combined + worker * std::size_t{d};
        for (std::size_t i = from; i < to; ++i) {
            const Bf16* x = streams + std::size_t{rows[i]} * k * d;
            m_kernels.hyperMix(x, head.site.fn, {1, 0, k}, m_config.rmsNormEps, m);
            plain::headMix(m, head.site.scale[0], head.site.base, k,
                           static_cast<float>(m_config.hcEps), pre);
            m_kernels.hyperCombine(x, pre, k, d, u);
            m_kernels.rmsNorm(u, head.site.norm, d, m_config.rmsNormEps, h + i * d);
        }
    });
    LinearTask task;
    task.kind = LinearTask::Kind::Float;
    task.bf16 = head.head;
    task.x = prepared(WeightForm::Bfloat16, h, n, d);
    task.n = n;
    task.outEnd = head.head.out;
    task.floats = logits;
    task.yStride = head.head.out;
    add(task);
}

} // namespace dossier::engine
