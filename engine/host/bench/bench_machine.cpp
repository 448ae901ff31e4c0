// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/base/clock.h"
#include "engine/base/memory_rate.h"
#include "engine/experts/pinned_pool.h"
#include "engine/host/bench/bench_parts.h"
#include "engine/host/bench/bench_rates.h"

namespace dossier::engine::bench {

Rates measureRates(const Settings& settings, Report& report) {
    Rates rates;
    const std::uint64_t block = expertLayout(settings.config).bytes;
    const std::size_t blocks = settings.small ? 16 : 640, used = settings.small ? 8 : 64;
    rates.hbm = hbmReadRate(settings.small ? 1 << 20 : std::uint64_t{8} << 30);
    report.add(Figure("rate").text("of", "HBM read").number("gb_per_s", rates.hbm / 1e9));

    MemoryLedger ledger;
    ThreadPool workers;
    cuda::PinnedPool pool(ledger, "expert pool", block);
    const double begin = steadySeconds();
    pool.fill(
        blocks, workers,
        [&](std::uint64_t i, std::byte* to) {
            std::uint64_t word = i;
            for (std::uint64_t at = 0; at < block; at += 8) {
                word = word * 6364136223846793005ULL + 1442695040888963407ULL;
                *reinterpret_cast<std::uint64_t*>(to + at) = word;
            }
        },
        [](std::uint64_t) {}, {});
    const double total = static_cast<double>(blocks) * static_cast<double>(block);
    report.add(Figure("rate")
                   .text("of", "pinned RAM filled")
                   .number("gb_per_s", total / (steadySeconds() - begin) / 1e9));
    std::vector<const std::byte*> pieces;
    for (std::size_t i = 0; i < used; ++i) {
        pieces.push_back(pool.block(i * 7919 % blocks));
    }
    rates.bus = busCopyRate(pieces, block);
    report.add(Figure("rate").text("of", "bus, copies").number("gb_per_s", rates.bus / 1e9));
    for (const unsigned grid : {4U, 8U, 16U, 32U}) {
        const double rate = busKernelRate(pieces, block, grid);
        report.add(Figure("rate")
                       .text("of", "bus, kernel")
                       .number("blocks", grid, 0)
                       .number("gb_per_s", rate / 1e9));
        rates.bus = std::max(rates.bus, rate);
    }
    const std::uint64_t perPiece = std::max<std::uint64_t>((std::uint64_t{2} << 30) / block, 1);
    rates.dram =
        memoryReadRate(workers, pool.block(0), std::min<std::uint64_t>(perPiece, blocks) * block);
    report.add(Figure("rate").text("of", "DRAM read").number("gb_per_s", rates.dram / 1e9));
    const DiskRates disk = diskRates(settings.folder, block, settings.small ? 16 : 320, 8);
    rates.disk = disk.read;
    report.add(Figure("rate")
                   .text("of", "disk")
                   .text("way", disk.direct ? "direct" : "through the page cache")
                   .number("gb_per_s", disk.read / 1e9)
                   .number("write_gb_per_s", disk.write / 1e9));
    rates.bf16 = productRate(report, settings.small ? 256 : 8192, false);
    return rates;
}

} // namespace dossier::engine::bench
