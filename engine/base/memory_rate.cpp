// SPDX-License-Identifier: Apache-2.0
#include "engine/base/memory_rate.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace dossier {
namespace {

using Read = std::uint64_t (*)(const std::byte* data, std::uint64_t bytes);

#if defined(__x86_64__)
__attribute__((target("avx512f"))) std::uint64_t read512(const std::byte* data,
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

__attribute__((target("avx2"))) std::uint64_t read256(const std::byte* data, std::uint64_t bytes) {
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    const auto* at = reinterpret_cast<const __m256i*>(data);
    for (const auto* end = at + bytes / 128 * 4; at < end; at += 4) {
        a = _mm256_xor_si256(a, _mm256_load_si256(at));
        b = _mm256_xor_si256(b, _mm256_load_si256(at + 1));
        c = _mm256_xor_si256(c, _mm256_load_si256(at + 2));
        d = _mm256_xor_si256(d, _mm256_load_si256(at + 3));
    }
    alignas(32) std::uint64_t words[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(words),
                       _mm256_xor_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(c, d)));
    return std::accumulate(words, words + 4, std::uint64_t{0});
}
#endif

std::uint64_t readWords(const std::byte* data, std::uint64_t bytes) {
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

Read widest() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        return read512;
    }
    if (__builtin_cpu_supports("avx2")) {
        return read256;
    }
#endif
    return readWords;
}

} // namespace

double memoryReadRate(ThreadPool& workers, const std::byte* data, std::uint64_t bytes,
                      unsigned runs) {
    using Clock = std::chrono::steady_clock;
    constexpr std::uint64_t kMostPiece = std::uint64_t{4} << 20;
    // Every thread gets several pieces, however little there is to read.
    const std::uint64_t piece =
        std::clamp<std::uint64_t>(bytes / (8 * workers.size()) / 4096 * 4096,
                                  std::min<std::uint64_t>(bytes, 4096), kMostPiece);
    const Read read = widest();
    std::vector<std::uint64_t> sums(workers.size() * 8);
    std::vector<double> seconds;
    for (unsigned run = 0; run < runs; ++run) {
        const auto begin = Clock::now();
        workers.parallelFor(bytes / piece, 1,
                            [&](std::size_t from, std::size_t to, unsigned worker) {
                                sums[worker * 8] += read(data + from * piece, (to - from) * piece);
                            });
        seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
    }
    std::nth_element(seconds.begin(), seconds.begin() + runs / 2, seconds.end());
    const std::uint64_t sum = std::accumulate(sums.begin(), sums.end(), std::uint64_t{0});
    asm volatile("" : : "r"(sum)); // the loads stay
    return static_cast<double>(bytes / piece * piece) / seconds[runs / 2];
}

} // namespace dossier
