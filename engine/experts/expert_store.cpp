// SPDX-License-Identifier: Apache-2.0
// The expert store: placing and filling the tiers.
#include "engine/experts/expert_store.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "engine/base/error.h"
#include "engine/base/log.h"
#include "engine/base/memory_rate.h"
#include "engine/base/thread_pool.h"
#include "engine/kernels/cuda/cuda_error.h"

namespace dossier::engine::cuda {
namespace {

constexpr std::uint64_t kPieceBytes = std::uint64_t{1} << 30;
constexpr std::uint64_t kStagingBytes = std::uint64_t{512} << 20; ///< half of the copy buffer
constexpr unsigned kDiskThreads = 8;
/// Allocations are rounded up by the driver; the last piece of free memory is left alone.
constexpr std::uint64_t kSlack = std::uint64_t{64} << 20;

/// Experts that measuring the processor's part runs over, more than caches hold in all.
constexpr std::uint64_t kMeasuredBlocks = kAnswerRows;
/// Of the pool, for the rate at which all cores read it.
constexpr std::uint64_t kReadBytes = std::uint64_t{1} << 30;
/// Experts of a layer that lie in RAM alone, of those that a token chooses on average: with fewer
/// there is nothing to divide between bus and processor (docs/performance.md).
constexpr double kLeastLacking = 1.5;

/// Bytes a second; measured once for a process, as long as there is enough to read.
double ramReadRate(const PinnedPool& pool) {
    static std::mutex mutex;
    static std::optional<double> known;
    const std::lock_guard lock(mutex);
    if (known) {
        return *known;
    }
    const std::span<const std::byte> first = pool.firstPiece();
    const std::uint64_t bytes = std::min<std::uint64_t>(first.size(), kReadBytes);
    ThreadPool workers;
    const double rate = memoryReadRate(workers, first.data(), bytes, 5);
    if (bytes == kReadBytes) {
        known = rate;
    }
    return rate;
}

std::uint64_t freeVram() {
    std::size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total), "ask for the free GPU memory");
    return free;
}

} // namespace

ExpertStore::ExpertStore(const ModelConfig& config, const ExpertLayout& layout,
                         MemoryLedger& ledger)
    : m_config(config), m_layout(layout), m_ledger(ledger) {
    int least = 0, greatest = 0;
    check(cudaDeviceGetStreamPriorityRange(&least, &greatest), "ask for stream priorities");
    // Fetching goes first: its few blocks must not wait behind those that compute.
    check(cudaStreamCreateWithPriority(&m_copies, cudaStreamNonBlocking, greatest),
          "create a stream");
    const auto event = [] {
        cudaEvent_t e = nullptr;
        check(cudaEventCreateWithFlags(&e, cudaEventDisableTiming), "create an event");
        return e;
    };
    m_planned = event();
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        m_fetched.push_back(event());
    }
    m_prefetched.resize(config.layers);
}

ExpertStore::~ExpertStore() {
    cudaStreamSynchronize(m_copies);
    m_stream.reset();
    for (const cudaEvent_t event : m_fetched) {
        cudaEventDestroy(event);
    }
    cudaEventDestroy(m_planned);
    cudaStreamDestroy(m_copies);
}

std::uint32_t ExpertStore::atOnce() const {
    return std::min(m_config.routedExperts, kAnswerRows * m_config.expertsPerToken);
}

void ExpertStore::clear() {
    m_stream.reset();
    m_mail.reset();
    m_cpu.reset();
    m_whyNoCpu.clear();
    m_reader.reset();
    m_mailMemory = PinnedBuffer();
    m_core.clear();
    for (VramBuffer* buffer : {&m_ring, &m_tables, &m_state}) {
        *buffer = VramBuffer();
    }
    m_tiers.clear();
    m_address.clear();
    m_pooled.clear();
    m_inVram = m_inRam = m_onDisk = m_ringSlots = 0;
    m_readHits = 0;
}

void ExpertStore::plan(const ExpertBudget& budget) {
    const std::uint64_t bytes = m_layout.bytes;
    const std::uint64_t total = std::uint64_t{m_config.layers} * m_config.routedExperts;
    std::uint64_t vram = budget.vram.value_or(UINT64_MAX);
    if (!budget.vram) {
        vram = freeVram();
        vram -= std::min(vram, kSlack + budget.keepFree);
        if (const auto allowed = m_ledger.available(MemoryPlace::Vram)) {
            vram = std::min(vram, *allowed - std::min(*allowed, budget.keepFree));
        }
    }
    const VramShare share =
        shareVram(vram / bytes, m_config.layers, m_config.routedExperts, atOnce());
    if (share.core + share.ring == 0) {
        throw Error(ErrorCode::OutOfMemory,
                    "The experts need at least " + formatBytes(atOnce() * bytes) +
                        " of GPU memory, and " + formatBytes(vram) + " are left",
                    "Allow more GPU memory, choose a shorter context, or use the CPU");
    }
    m_inVram = share.core;
    m_ringSlots = share.ring;
    m_inRam = std::min(total - m_inVram, budget.ram ? *budget.ram / bytes : total);
    m_onDisk = total - m_inVram - m_inRam;
    m_tiers = planTiers(m_config.layers, m_config.routedExperts, m_inVram, m_inRam, m_usage);
    m_address.assign(total, nullptr);
    m_pooled.assign(total, nullptr);
}

void ExpertStore::load(const ExpertBudget& budget, const ProgressFn& progress,
                       std::stop_token stop) {
    check(cudaDeviceSynchronize(), "finish work on the GPU");
    clear();
    try {
        plan(budget);
        const std::uint64_t all = (m_inVram + m_inRam) * m_layout.bytes;
        std::uint64_t before = 0;
        const auto done = [&](std::uint64_t experts) {
            if (progress) {
                progress({"Loading experts", before + experts * m_layout.bytes, all, 0});
            }
        };
        // GPU memory first: what somebody else has taken since the plan shows at once.
        if (m_ringSlots > 0) {
            m_ring = VramBuffer(m_ledger, kReadingBuffers, m_ringSlots * m_layout.bytes);
        }
        const std::uint64_t perPiece = std::max<std::uint64_t>(kPieceBytes / m_layout.bytes, 1);
        for (std::uint64_t i = 0; i < m_inVram; i += perPiece) {
            m_core.emplace_back(m_ledger, kExpertCache,
                                std::min(perPiece, m_inVram - i) * m_layout.bytes);
        }
        ThreadPool workers;
        loadPool(workers, done, stop);
        before = m_inRam * m_layout.bytes;
        loadCore(workers, done, stop);
        makeTables();
        openCpuTier();
        openMailBox();
    } catch (...) {
        cudaDeviceSynchronize(); // copies out of buffers that are given back now
        clear();
        m_pool.reset();
        throw;
    }
}

void ExpertStore::loadPool(ThreadPool& workers, const std::function<void(std::uint64_t)>& done,
                           const std::stop_token& stop) {
    if (m_inRam == 0) {
        m_pool.reset();
        return;
    }
    std::vector<std::uint32_t> order;
    for (std::uint32_t i = 0; i < m_tiers.size(); ++i) {
        if (m_tiers[i] == ExpertTier::Ram) {
            order.push_back(i);
        }
    }
    if (!m_pool) {
        m_pool = std::make_unique<PinnedPool>(m_ledger, kExpertPool, m_layout.bytes);
    }
    const std::uint32_t experts = m_config.routedExperts;
    m_pool->fill(
        order.size(), workers,
        [&](std::uint64_t i, std::byte* block) {
            m_source->read(order[i] / experts, order[i] % experts, block);
        },
        done, stop);
    for (std::size_t i = 0; i < order.size(); ++i) {
        m_pooled[order[i]] = reinterpret_cast<const std::uint8_t*>(m_pool->block(i));
    }
}

void ExpertStore::loadCore(ThreadPool& workers, const std::function<void(std::uint64_t)>& done,
                           const std::stop_token& stop) {
    std::vector<std::uint32_t> order;
    for (std::uint32_t i = 0; i < m_tiers.size(); ++i) {
        if (m_tiers[i] == ExpertTier::Vram) {
            order.push_back(i);
        }
    }
    if (order.empty()) {
        return;
    }
    const std::uint32_t experts = m_config.routedExperts;
    const std::uint64_t bytes = m_layout.bytes;
    const std::uint64_t perPiece = std::max<std::uint64_t>(kPieceBytes / bytes, 1);
    // All cores fill one half of the staging memory while the other half is copied.
    const std::uint64_t round = std::clamp<std::uint64_t>(kStagingBytes / bytes, 1, order.size());
    PinnedBuffer staging(m_ledger, kStaging, 2 * round * bytes);
    for (std::size_t first = 0; first < order.size(); first += round) {
        if (stop.stop_requested()) {
            throw Error(ErrorCode::Cancelled, "Stopped");
        }
        const std::size_t count = std::min<std::size_t>(round, order.size() - first);
        std::byte* half = staging.data() + first / round % 2 * round * bytes;
        workers.parallelFor(count, 1, [&](std::size_t from, std::size_t to, unsigned) {
            for (std::size_t i = from; i < to; ++i) {
                const std::uint32_t which = order[first + i];
                m_source->read(which / experts, which % experts, half + i * bytes);
            }
        });
        check(cudaStreamSynchronize(m_copies), "copy experts to the GPU"); // the round before
        for (std::size_t i = 0; i < count; ++i) {
            std::byte* to = m_core[(first + i) / perPiece].data() + (first + i) % perPiece * bytes;
            check(cudaMemcpyAsync(to, half + i * bytes, bytes, cudaMemcpyHostToDevice, m_copies),
                  "copy an expert to the GPU");
            m_address[order[first + i]] = reinterpret_cast<const std::uint8_t*>(to);
        }
        done(first + count);
    }
    check(cudaStreamSynchronize(m_copies), "copy experts to the GPU");
}

/// Behind makeTables: measures on what lies in the pool.
void ExpertStore::openCpuTier() {
    using Mode = CpuExpertsOptions::Mode;
    if (complete() || m_inRam == 0 || m_cpuOptions.mode == Mode::Off) {
        m_whyNoCpu =
            m_cpuOptions.mode == Mode::Off ? "switched off" : "no expert lies in RAM alone";
        return;
    }
    if (m_way != FetchWay::Copies) {
        m_whyNoCpu = "experts are brought by a kernel";
        return;
    }
    const double lacking = static_cast<double>(m_config.expertsPerToken) *
                           static_cast<double>(m_inRam) / static_cast<double>(m_tiers.size());
    if (m_cpuOptions.mode == Mode::Auto && lacking < kLeastLacking) {
        m_whyNoCpu = "a token lacks too few experts of a layer to divide them";
        return;
    }
    const SourceAddress source = poolAddress();
    auto tier = std::make_unique<CpuTier>(CpuTier::Shape{m_layout, m_config.expertsPerToken,
                                                         static_cast<float>(m_config.swigluLimit)},
                                          m_cpuOptions, source, m_ledger);
    std::vector<const std::byte*> blocks;
    const std::uint64_t count = std::min({m_inRam, m_ringSlots, kMeasuredBlocks});
    for (std::uint64_t i = 0; i < count; ++i) { // from all over the pool
        blocks.push_back(m_pool->block(i * (m_inRam / count)));
    }
    const bool pays = tier->measure(blocks, m_ring.data(), m_copies, ramReadRate(*m_pool));
    const ExpertTelemetry::Cpu measured = tier->telemetry();
    const bool on = pays || m_cpuOptions.mode == Mode::On;
    log(LogLevel::Info, "experts",
        measured.why + (on ? ": the processor computes experts" : ": the GPU computes all"));
    if (on) {
        m_cpu = std::move(tier);
    } else {
        m_whyNoCpu = measured.why;
    }
}

SourceAddress ExpertStore::poolAddress() const {
    return [this](std::uint32_t layer, std::uint32_t expert) {
        return reinterpret_cast<const std::byte*>(m_pooled[index(layer, expert)]);
    };
}

std::string ExpertStore::numerics() const {
    return m_cpu ? " cpu experts " + m_cpu->telemetry().kernels : std::string();
}

void ExpertStore::makeTables() {
    const std::size_t total = m_tiers.size(), bytes = total * sizeof(m_address[0]);
    m_tables = VramBuffer(m_ledger, kScratch, 2 * bytes);
    check(cudaMemcpy(m_tables.data(), m_address.data(), bytes, cudaMemcpyHostToDevice),
          "copy the expert table to the GPU");
    check(cudaMemcpy(m_tables.data() + bytes, m_pooled.data(), bytes, cudaMemcpyHostToDevice),
          "copy the expert table to the GPU");
    if (complete()) {
        return;
    }
    m_state = VramBuffer(m_ledger, kScratch,
                         m_config.layers * (sizeof(FetchList) + sizeof(FetchCounts)) +
                             total * sizeof(std::uint32_t) + 256);
    check(cudaMemset(m_state.data(), 0, m_state.bytes()), "clear GPU memory");
    if (m_onDisk > 0) {
        m_reader = std::make_unique<DiskReader>(
            m_source, m_layout, m_ledger,
            static_cast<std::uint32_t>(std::min<std::uint64_t>(atOnce(), m_onDisk)), kDiskThreads);
    }
    std::vector<bool> resident(total);
    for (std::size_t i = 0; i < total; ++i) {
        resident[i] = m_tiers[i] == ExpertTier::Vram;
    }
    m_stream = std::make_unique<LayerStream>(
        m_ring.data(), static_cast<std::uint32_t>(m_ringSlots), m_layout.bytes, m_config.layers,
        m_config.routedExperts, std::move(resident), poolAddress(), m_reader.get(), m_copies);
}

void ExpertStore::openMailBox() {
    if (!complete() && (m_onDisk > 0 || m_way == FetchWay::Copies)) {
        m_mailMemory =
            PinnedBuffer(m_ledger, kStaging, sizeof(FetchMail) + 2 * sizeof(std::uint32_t));
        auto* mail = new (m_mailMemory.data()) FetchMail();
        m_mail = std::make_unique<MailService>(
            m_reader.get(),
            MailService::Box{m_way, mail, poolAddress(), m_layout.bytes, site(0).arrived,
                             reinterpret_cast<std::uint32_t*>(mail + 1), m_cpu.get()});
    }
}

void ExpertStore::setCpuExperts(const CpuExpertsOptions& options) {
    m_cpuOptions = options;
    if (m_tiers.empty()) {
        return;
    }
    if (m_stream) {
        m_stream->stop(); // measuring uses the ring
    }
    m_mail.reset();
    m_cpu.reset();
    m_mailMemory = PinnedBuffer();
    m_whyNoCpu.clear();
    try {
        openCpuTier();
    } catch (...) {
        openMailBox();
        throw;
    }
    openMailBox();
}

} // namespace dossier::engine::cuda
