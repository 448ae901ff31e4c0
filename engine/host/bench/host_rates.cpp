// SPDX-License-Identifier: Apache-2.0
// Rates of DRAM and disk.
#include <algorithm>
#include <chrono>
#include <future>
#include <numeric>

#include <immintrin.h>

#include "engine/base/aligned_buffer.h"
#include "engine/experts/expert_file.h"
#include "engine/host/bench/bench_rates.h"

namespace dossier::engine::bench {
namespace {

constexpr int kRuns = 7;

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

__attribute__((target("avx512f"))) std::uint64_t readWide(const std::byte* data,
                                                          std::uint64_t bytes) {
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    for (std::uint64_t i = 0; i + 256 <= bytes; i += 256) {
        a = _mm512_xor_si512(a, _mm512_load_si512(data + i));
        b = _mm512_xor_si512(b, _mm512_load_si512(data + i + 64));
        c = _mm512_xor_si512(c, _mm512_load_si512(data + i + 128));
        d = _mm512_xor_si512(d, _mm512_load_si512(data + i + 192));
    }
    alignas(64) std::uint64_t words[8];
    _mm512_store_si512(words, _mm512_xor_si512(_mm512_xor_si512(a, b), _mm512_xor_si512(c, d)));
    return std::accumulate(words, words + 8, std::uint64_t{0});
}

std::uint64_t readNarrow(const std::byte* data, std::uint64_t bytes) {
    std::uint64_t a = 0, b = 0, c = 0, d = 0;
    const auto* words = reinterpret_cast<const std::uint64_t*>(data);
    for (std::uint64_t i = 0; i + 4 <= bytes / 8; i += 4) {
        a ^= words[i];
        b ^= words[i + 1];
        c ^= words[i + 2];
        d ^= words[i + 3];
    }
    return a ^ b ^ c ^ d;
}

class Noise final : public ExpertSource {
  public:
    explicit Noise(std::uint64_t bytes) : m_bytes(bytes) {}
    void read(std::uint32_t, std::uint32_t expert, std::byte* block) const override {
        std::uint64_t word = expert * 0x9E3779B97F4A7C15ULL + 1;
        for (std::uint64_t i = 0; i < m_bytes; i += 8) {
            word = word * 6364136223846793005ULL + 1442695040888963407ULL;
            *reinterpret_cast<std::uint64_t*>(block + i) = word;
        }
    }

  private:
    std::uint64_t m_bytes;
};

} // namespace

double dramReadRate(ThreadPool& workers, const std::byte* data, std::uint64_t bytes) {
    const bool wide = __builtin_cpu_supports("avx512f") != 0;
    constexpr std::uint64_t kPiece = std::uint64_t{4} << 20;
    std::vector<std::uint64_t> sums(workers.size() * 8);
    std::vector<double> seconds;
    for (int run = 0; run < kRuns; ++run) {
        const double begin = now();
        workers.parallelFor(
            bytes / kPiece, 1, [&](std::size_t from, std::size_t to, unsigned worker) {
                const std::byte* at = data + from * kPiece;
                const std::uint64_t length = (to - from) * kPiece;
                sums[worker * 8] += wide ? readWide(at, length) : readNarrow(at, length);
            });
        seconds.push_back(now() - begin);
    }
    std::nth_element(seconds.begin(), seconds.begin() + kRuns / 2, seconds.end());
    // The sums keep the loads.
    return static_cast<double>(bytes / kPiece * kPiece) / seconds[kRuns / 2] +
           static_cast<double>(sums[0] & 1) * 1e-6;
}

DiskRates diskRates(const std::filesystem::path& folder, std::uint64_t blockBytes,
                    std::uint32_t blocks, unsigned readers) {
    ExpertLayout layout;
    layout.bytes = blockBytes;
    std::vector<ExpertFile::Key> keys;
    for (std::uint32_t i = 0; i < blocks; ++i) {
        keys.push_back({0, i});
    }
    ThreadPool workers;
    const auto file =
        ExpertFile::write(folder / "dossier-bench.disk", std::make_shared<Noise>(blockBytes),
                          layout, 1, blocks, keys, workers);
    MemoryLedger ledger;
    DiskRates rates;
    const double total = static_cast<double>(blocks) * static_cast<double>(blockBytes);
    rates.write = total / file->secondsToWrite();
    rates.direct = file->direct();
    const double begin = now();
    std::vector<std::future<void>> parts;
    for (unsigned r = 0; r < readers; ++r) {
        parts.push_back(std::async(std::launch::async, [&, r] {
            AlignedBuffer block(ledger, "staging", blockBytes, AlignedBuffer::Fill::None,
                                AlignedBuffer::HugePages::Yes);
            for (std::uint32_t i = r; i < blocks; i += readers) {
                file->read(0, i * 7919U % blocks, block.data());
            }
        }));
    }
    for (std::future<void>& part : parts) {
        part.get();
    }
    rates.read = total / (now() - begin);
    return rates;
}

} // namespace dossier::engine::bench
