// SPDX-License-Identifier: Apache-2.0
// The expert store: bringing experts while answering and reading, and what was counted.
#include <algorithm>

#include "engine/experts/expert_store.h"
#include "engine/kernels/cuda/cuda_error.h"

namespace dossier::engine::cuda {
namespace {

/// Blocks of the kernel that reads over the bus: more than enough to fill it.
constexpr unsigned kFetchBlocks = 16;
/// Runs whose tokens choose so many experts that nearly all of every layer are needed: then layers
/// are fetched before their router has spoken.
constexpr std::uint64_t kChoicesPerExpert = 4;

} // namespace

ExpertTable ExpertStore::table(std::uint32_t layer) const {
    return {m_tables.as<const std::uint8_t*>() + index(layer, 0)};
}

FetchSite ExpertStore::site(std::uint32_t layer) const {
    const std::uint32_t layers = m_config.layers;
    std::byte* at = m_state.data();
    FetchSite s;
    s.layer = layer;
    s.experts = m_config.routedExperts;
    s.blockBytes = m_layout.bytes;
    s.source = m_tables.as<const std::uint8_t*>() + m_tiers.size() + index(layer, 0);
    s.ring = m_ring.as<std::uint8_t>();
    s.list = reinterpret_cast<FetchList*>(at) + layer;
    at += layers * sizeof(FetchList);
    s.counts = reinterpret_cast<FetchCounts*>(at) + layer;
    at += layers * sizeof(FetchCounts);
    s.usage = reinterpret_cast<std::uint32_t*>(at) + index(layer, 0);
    at += m_tiers.size() * sizeof(std::uint32_t);
    s.mailNumber = reinterpret_cast<std::uint32_t*>(at);
    s.arrived = s.mailNumber + 1;
    s.way = m_way;
    s.mail = m_mailMemory.as<FetchMail>();
    s.cpu = m_cpu ? m_cpu->site() : CpuSite{};
    return s;
}

void ExpertStore::prefetch(const Queue& queue, std::uint32_t layer,
                           const std::int64_t* tokenExperts, const std::int32_t* tokens,
                           std::uint32_t rows) {
    const std::uint32_t each = std::min(m_config.routedExperts, rows * m_config.expertsPerToken);
    m_prefetched[layer].reset();
    if (complete() || std::uint64_t{layer + 1} * each > m_ringSlots ||
        (m_cpu && m_cpu->fasterThanBus())) {
        return;
    }
    m_prefetched[layer] = layer * each; // slots of its own
    FetchSite s = site(layer);
    s.ring += *m_prefetched[layer] * m_layout.bytes;
    check(cudaEventRecord(m_planned, queue.stream), "record an event");
    check(cudaStreamWaitEvent(m_copies, m_planned, 0), "wait for an event");
    Queue copies = queue;
    copies.stream = m_copies;
    copies.overlap = Overlap::None; // behind an event
    listHashed(copies, s, tokenExperts, tokens, rows, m_config.expertsPerToken, table(layer));
    copies.overlap = queue.overlap;
    fetchListed(copies, s, nullptr, kFetchBlocks);
    check(cudaEventRecord(m_fetched[layer], m_copies), "record an event");
}

void ExpertStore::beginFetch(const Queue& queue, std::uint32_t layer, const FetchRows& rows,
                             AnswerPlan* plan) {
    if (m_prefetched[layer]) {
        return;
    }
    check(cudaEventRecord(m_planned, queue.stream), "record an event");
    check(cudaStreamWaitEvent(m_copies, m_planned, 0), "wait for an event");
    Queue copies = queue;
    copies.stream = m_copies;
    copies.overlap = Overlap::None; // behind an event
    listMisses(copies, site(layer), rows, plan);
    copies.overlap = queue.overlap;
    fetchListed(copies, site(layer), plan, kFetchBlocks);
    check(cudaEventRecord(m_fetched[layer], m_copies), "record an event");
}

void ExpertStore::endFetch(const Queue& queue, std::uint32_t layer, AnswerPlan* plan) {
    check(cudaStreamWaitEvent(queue.stream, m_fetched[layer], 0), "wait for an event");
    if (m_prefetched[layer]) {
        FetchSite s = site(layer);
        s.ring += *m_prefetched[layer] * m_layout.bytes;
        Queue behind = queue;
        behind.overlap = Overlap::None; // behind an event
        adoptList(behind, s, plan);
        m_prefetched[layer].reset();
    }
}

void ExpertStore::openMail() {
    if (m_mail) {
        m_stream->stop(); // reading has no claim on the buffers of the disk any more
        m_mail->open();
    }
}

void ExpertStore::finish() {
    if (!m_mail) {
        return;
    }
    m_mail->close();
    if (const std::exception_ptr failure = m_mail->takeFailure()) {
        std::rethrow_exception(failure);
    }
}

void ExpertStore::beginRun(std::uint32_t layer, std::uint64_t rows, cudaStream_t work) {
    if (m_stream) {
        m_stream->start(
            layer, rows * m_config.expertsPerToken >= kChoicesPerExpert * m_config.routedExperts,
            work);
    }
}

void ExpertStore::need(std::uint32_t layer, std::span<const std::uint32_t> counts) {
    if (m_stream) {
        m_stream->need(layer, counts);
    }
}

const std::uint8_t* ExpertStore::acquire(std::uint32_t layer, std::uint32_t expert,
                                         cudaStream_t work) {
    if (const std::uint8_t* block = m_address[index(layer, expert)]) {
        ++m_readHits;
        return block;
    }
    return reinterpret_cast<const std::uint8_t*>(m_stream->acquire(layer, expert, work));
}

void ExpertStore::release(std::uint32_t layer, std::uint32_t expert, cudaStream_t work) {
    if (!m_address[index(layer, expert)]) {
        m_stream->release(layer, expert, work);
    }
}

ExpertTelemetry ExpertStore::telemetry() {
    ExpertTelemetry t;
    t.inVram = m_inVram;
    t.inRam = m_inRam;
    t.onDisk = m_onDisk;
    t.ringSlots = m_ringSlots;
    t.blockBytes = m_layout.bytes;
    t.tiers = m_tiers;
    t.readInPlace = m_readHits;
    if (m_cpu) {
        t.cpu = m_cpu->telemetry();
    } else {
        t.cpu.why = m_whyNoCpu;
    }
    if (m_tiers.empty() || complete()) {
        return t;
    }
    std::vector<FetchCounts> counts(m_config.layers);
    std::vector<std::uint32_t> usage(m_tiers.size());
    check(cudaDeviceSynchronize(), "finish work on the GPU");
    check(cudaMemcpy(counts.data(), site(0).counts, counts.size() * sizeof(counts[0]),
                     cudaMemcpyDeviceToHost),
          "copy from the GPU");
    check(cudaMemcpy(usage.data(), site(0).usage, usage.size() * sizeof(usage[0]),
                     cudaMemcpyDeviceToHost),
          "copy from the GPU");
    for (const FetchCounts& c : counts) {
        t.layers.push_back({c.batches, c.choices, c.hits, c.distinct, c.fromRam, c.fromDisk,
                            c.onCpu, static_cast<double>(c.busNanoseconds) / 1e9,
                            static_cast<double>(c.nanoseconds) / 1e9});
    }
    t.usage.assign(usage.begin(), usage.end());
    t.readFromRam = m_stream->counts().fromRam;
    t.readFromDisk = m_stream->counts().fromDisk;
    if (m_reader) {
        const DiskReader::Counts disk = m_reader->counts();
        t.diskReads = disk.reads;
        t.diskKept = disk.kept;
        t.diskSeconds = disk.seconds;
    }
    return t;
}

} // namespace dossier::engine::cuda
