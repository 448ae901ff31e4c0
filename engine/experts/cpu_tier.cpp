// SPDX-License-Identifier: Apache-2.0
#include "engine/experts/cpu_tier.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/kernels/cuda/cuda_error.h"

namespace dossier::engine::cuda {
namespace {

/// Passes of measure(), the best of which counts: the first ones wake threads and fill page tables,
/// and others may be disturbed.
constexpr int kPasses = 5;
/// Both together have to be so much faster than the bus alone: an uneven split and the way through
/// the mail box cost some of it.
constexpr double kPays = 1.15;

std::uint64_t padded(std::uint64_t bytes) {
    return (bytes + 255) / 256 * 256;
}

} // namespace

CpuTier::CpuTier(const Shape& shape, const CpuExpertsOptions& options, SourceAddress source,
                 MemoryLedger& ledger)
    : m_shape(shape), m_limit(options.limit), m_share(options.share), m_source(std::move(source)) {
    const std::uint64_t hidden = shape.layout.hidden;
    const std::uint64_t values = padded(sizeof(CpuMail));
    const std::uint64_t scales = values + padded(kAnswerRows * hidden);
    const std::uint64_t results = scales + padded(kAnswerRows * hidden / 128 * sizeof(float));
    const std::uint64_t bytes = results + kAnswerRows * shape.top * hidden * sizeof(Bf16);
    m_memory = PinnedBuffer(ledger, kStaging, bytes);
    std::memset(m_memory.data(), 0, bytes);
    m_site.mail = new (m_memory.data()) CpuMail();
    m_site.x.values = reinterpret_cast<std::uint8_t*>(m_memory.data() + values);
    m_site.x.scales = reinterpret_cast<float*>(m_memory.data() + scales);
    m_results = reinterpret_cast<Bf16*>(m_memory.data() + results);
    m_site.results = m_results;
    m_site.hidden = shape.layout.hidden;
    m_workers = std::make_unique<CpuWorkers>(
        shape.layout, shape.limit, options.kernels ? *options.kernels : selectCpuKernels(""),
        options.threads, ledger);
    m_measured.kernels = m_workers->kernels();
    m_measured.threads = m_workers->threads();
}

bool CpuTier::measure(const std::vector<const std::byte*>& blocks, std::byte* to,
                      cudaStream_t copies, double dramRate) {
    const std::size_t count = blocks.size();
    const auto copyAll = [&] {
        for (std::size_t i = 0; i < count; ++i) {
            check(cudaMemcpyAsync(to + i * m_shape.layout.bytes, blocks[i], m_shape.layout.bytes,
                                  cudaMemcpyHostToDevice, copies),
                  "copy an expert to the GPU");
        }
    };
    m_site.mail->weight[0][0] = 1;
    std::vector<CpuWorkers::Expert> job;
    for (std::size_t i = 0; i < count; ++i) {
        job.push_back({reinterpret_cast<const std::uint8_t*>(blocks[i]), 1, m_site.mail->weight[0],
                       m_results + i * m_shape.layout.hidden});
    }
    const auto computeAll = [&] {
        m_workers->start({m_site.x, 1, job});
        m_underWay = true;
    };
    const auto copySeconds = [&] {
        const auto begin = SteadyClock::now();
        copyAll();
        check(cudaStreamSynchronize(copies), "copy experts to the GPU");
        return secondsSince(begin);
    };
    double busAlone = 1e9, cpuAlone = 1e9, bus = 1e9, cpu = 1e9; // seconds
    for (int pass = 0; pass < kPasses; ++pass) {
        busAlone = std::min(busAlone, copySeconds());
        computeAll();
        waitForWorkers();
        cpuAlone = std::min(cpuAlone, m_workers->seconds());
        computeAll();
        const double both = copySeconds();
        waitForWorkers();
        if (std::max(both, m_workers->seconds()) < std::max(bus, cpu)) {
            bus = both;
            cpu = m_workers->seconds();
        }
    }
    // What the processor did behind the bus' end, it did alone.
    const auto experts = static_cast<double>(count);
    const double behind = std::min(std::max(cpu - bus, 0.0) / cpuAlone, 0.9) * experts;
    const double beside = std::min(cpu, bus) / (experts - behind);
    m_split.emplace(CpuSplit::Rates{bus / experts, beside, cpuAlone / experts}, m_share);
    m_fasterThanBus = m_split->forCpu(1) == 1;
    const auto bytes = static_cast<double>(m_shape.layout.bytes);
    m_measured.dramRate = dramRate;
    m_measured.busRate = bytes * experts / busAlone;
    m_measured.cpuRate = bytes * experts / cpuAlone;
    m_measured.busBesideCpu = bytes * experts / bus;
    m_measured.cpuBesideBus = bytes / beside;
    const double best =
        std::max(m_measured.busBesideCpu + m_measured.cpuBesideBus, m_measured.cpuRate);
    char text[240];
    std::snprintf(text, sizeof text,
                  "RAM is read at %.1f GB/s; experts cross the bus at %.1f, the processor computes "
                  "them at %.1f, both at the same time at %.1f and %.1f",
                  dramRate / 1e9, m_measured.busRate / 1e9, m_measured.cpuRate / 1e9,
                  m_measured.busBesideCpu / 1e9, m_measured.cpuBesideBus / 1e9);
    m_measured.why = text;
    return best >= kPays * m_measured.busRate && dramRate >= kPays * m_measured.busRate;
}

std::uint32_t CpuTier::begin(const FetchMail& mail, std::span<const std::uint32_t> inRam) {
    if (m_lost || mail.rows == 0) {
        m_onBus = m_onCpu = 0;
        std::fill_n(m_site.mail->result, mail.count, CpuMail::kOnBus);
        return 0;
    }
    if (m_underWay) { // of a request that failed meanwhile
        waitForWorkers();
    }
    if (m_onBus + m_onCpu > 0) {
        m_split->took(m_onBus, m_site.mail->busNanoseconds * 1e-9, m_onCpu,
                      m_onCpu > 0 ? m_workers->seconds() : 0);
    }
    std::fill_n(m_site.mail->result, mail.count, CpuMail::kOnBus);
    const auto all = static_cast<std::uint32_t>(inRam.size());
    m_onCpu = m_split->forCpu(all);
    // What a disk took says nothing about the bus.
    m_onBus = all == mail.count ? all - m_onCpu : 0;
    m_job.clear();
    std::uint32_t slot = 0;
    for (const std::uint32_t place : inRam.subspan(all - m_onCpu)) {
        const std::uint32_t mask = m_site.mail->rowMask[place];
        m_job.push_back(
            {reinterpret_cast<const std::uint8_t*>(m_source(mail.layer, mail.expert[place])), mask,
             m_site.mail->weight[place], m_results + std::size_t{slot} * m_shape.layout.hidden});
        m_site.mail->result[place] = slot;
        slot += static_cast<std::uint32_t>(std::popcount(mask));
    }
    if (m_onCpu > 0) {
        m_workers->start({m_site.x, mail.rows, m_job});
        m_underWay = true;
    }
    return m_onCpu;
}

void CpuTier::end(const FetchMail& mail) {
    if (m_underWay) {
        waitForWorkers();
        m_experts += m_onCpu;
        m_nanoseconds += static_cast<std::uint64_t>(m_workers->seconds() * 1e9);
    }
    __atomic_store_n(&m_site.mail->computed, mail.number, __ATOMIC_RELEASE);
}

void CpuTier::waitForWorkers() {
    m_underWay = false;
    if (!m_workers->finish(m_limit)) {
        m_lost = true; // nothing is given to them any more
        throw Error(ErrorCode::ProcessDied,
                    "Experts that the processor computes for the GPU were not done after " +
                        std::to_string(m_limit.count()) + " ms",
                    "Start the engine again; if it happens again, choose reproducible answers, "
                    "which leave all experts to the GPU");
    }
}

ExpertTelemetry::Cpu CpuTier::telemetry() const {
    ExpertTelemetry::Cpu t = m_measured;
    t.on = true;
    t.experts = m_experts;
    t.seconds = static_cast<double>(m_nanoseconds) * 1e-9;
    return t;
}

} // namespace dossier::engine::cuda
