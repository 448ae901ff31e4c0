// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <random>

#include "engine/base/aligned_buffer.h"
#include "engine/base/memory_rate.h"
#include "engine/experts/cpu_workers.h"
#include "engine/host/bench/bench_parts.h"
#include "engine/kernels/cpu/plain.h"

namespace dossier::engine::bench {
namespace {

/// Bytes of experts that jobs go through in turn, more than any cache holds.
constexpr std::uint64_t kPoolBytes = std::uint64_t{2} << 30;

constexpr std::size_t kMostExperts = 6; ///< of a job

/// FP4 codes, or FP8 codes without a NaN, and scales near 2^-7.
void fillExpert(const ExpertLayout& layout, std::uint64_t seed, std::uint8_t* block) {
    std::mt19937_64 random(seed);
    for (std::uint64_t i = 0; i < layout.bytes; i += 8) {
        const std::uint64_t word = random() & (layout.fp4 ? ~0ULL : 0x8787878787878787ULL);
        std::copy_n(reinterpret_cast<const std::uint8_t*>(&word), 8, block + i);
    }
    for (int m = 0; m < 3; ++m) {
        for (std::uint64_t i = 0; i < layout.scaleBytes[m]; ++i) {
            block[layout.scales[m] + i] = static_cast<std::uint8_t>(119 + i % 3);
        }
    }
}

} // namespace

void benchCpuExperts(const Settings& settings, const CpuExpertsOptions& options, Report& report) {
    const ExpertLayout layout = expertLayout(settings.config);
    const std::size_t blocks =
        settings.small ? 8 : std::max<std::size_t>(kPoolBytes / layout.bytes, 32);
    const std::size_t hidden = layout.hidden;
    MemoryLedger ledger;
    AlignedBuffer pool(ledger, "expert pool", blocks * layout.bytes, AlignedBuffer::Fill::None,
                       AlignedBuffer::HugePages::Yes);
    auto* bytes = reinterpret_cast<std::uint8_t*>(pool.data());
    ThreadPool all;
    all.parallelFor(blocks, 1, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t i = from; i < to; ++i) {
            fillExpert(layout, i, bytes + i * layout.bytes);
        }
    });
    std::vector<Bf16> x(kAnswerRows * hidden);
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::generate(x.begin(), x.end(), [&] { return floatToBf16(normal(random)); });
    std::vector<std::uint8_t> values(x.size());
    std::vector<float> scales(x.size() / 128), weights(kAnswerRows, 0.25F);
    for (std::size_t row = 0; row < kAnswerRows; ++row) {
        plain::quantise(&x[row * hidden], layout.hidden, &values[row * hidden],
                        &scales[row * hidden / 128]);
    }
    const CpuKernels& kernels = options.kernels ? *options.kernels : selectCpuKernels("");
    CpuWorkers workers(layout, static_cast<float>(settings.config.swigluLimit), kernels,
                       options.threads, ledger);
    const double rate = memoryReadRate(all, pool.data(), pool.size());
    report.add(Figure("rate").text("of", "DRAM read").number("gb_per_s", rate / 1e9));
    std::vector<Bf16> results(kMostExperts * kAnswerRows * hidden);
    std::size_t next = 0;
    for (const std::uint32_t rows : {1U, 2U, 4U, 8U}) {
        for (const std::size_t experts : {std::size_t{1}, std::size_t{2}, kMostExperts}) {
            std::vector<double> rates;
            for (std::size_t round = 0; round < settings.rounds; ++round) {
                // Each round passes by more than the caches hold.
                double seconds = 0;
                std::size_t done = 0;
                for (; done + experts <= std::max<std::size_t>(blocks / 4, experts);
                     done += experts) {
                    std::vector<CpuWorkers::Expert> job;
                    for (std::size_t e = 0; e < experts; ++e, next = (next + 1) % blocks) {
                        job.push_back({bytes + next * layout.bytes, (1U << rows) - 1,
                                       weights.data(), &results[e * kAnswerRows * hidden]});
                    }
                    workers.start({{values.data(), scales.data()}, rows, job});
                    workers.finish(options.limit);
                    seconds += workers.seconds();
                }
                rates.push_back(static_cast<double>(done * layout.bytes) / seconds);
            }
            const double reached = median(rates);
            report.add(
                Figure("experts on the processor")
                    .text("kernels", workers.kernels())
                    .number("threads", workers.threads(), 0)
                    .number("experts", static_cast<double>(experts), 0)
                    .number("rows", rows, 0)
                    .number("us_an_expert", static_cast<double>(layout.bytes) / reached * 1e6, 1)
                    .number("gb_per_s", reached / 1e9)
                    .number("dram_gb_per_s", rate / 1e9)
                    .number("share", reached / rate, 3));
        }
    }
}

} // namespace dossier::engine::bench
