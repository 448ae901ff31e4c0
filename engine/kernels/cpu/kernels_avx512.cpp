// SPDX-License-Identifier: Apache-2.0
// The table of AVX-512 kernels, and whether this processor can run them.
#include <cpuid.h>

#include "engine/kernels/cpu/lanes_avx512.h"
#include "engine/kernels/cpu/linear_avx512.h"
#include "engine/kernels/cpu/vector_needs.h"

DOSSIER_BEGIN_AVX512

#include "engine/kernels/cpu/vector_attention.h"
#include "engine/kernels/cpu/vector_linear.h"
#include "engine/kernels/cpu/vector_rows.h"

namespace dossier::engine {
namespace {

std::uint64_t peakLoop(std::uint64_t steps) {
    constexpr std::uint32_t kChains = 16; // more than latency times throughput
    __m512 sums[kChains];
    for (__m512& sum : sums) {
        sum = _mm512_setzero_ps();
    }
    __m512i a = _mm512_set1_epi16(0x3F80), b = _mm512_set1_epi16(0x3F00);
    for (std::uint64_t i = 0; i < steps; ++i) {
        asm volatile("" : "+v"(a), "+v"(b)); // keeps the compiler from folding the loop
        for (__m512& sum : sums) {
            sum = Avx512::dot(sum, a, b);
        }
    }
    float total = 0;
    for (const __m512& sum : sums) {
        total += Avx512::sum(sum);
    }
    asm volatile("" : : "x"(total));
    return steps * kChains * 32;
}

} // namespace
} // namespace dossier::engine

DOSSIER_END_TARGET

namespace dossier::engine {
namespace {

bool supported() {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    const bool bf16 = __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax >> 5 & 1);
    return bf16 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vbmi");
}

} // namespace

const CpuKernels* avx512Kernels() {
    using V = Avx512;
    using L = LinearAvx512;
    static constexpr CpuKernels kTable{
        .name = "avx512",
        .preparedBytes = vector_linear::preparedBytes<L>,
        .prepareQuantised = vector_linear::prepareQuantised<L>,
        .prepareBf16 = vector_linear::prepareBf16<L>,
        .linearFp8 = vector_linear::linearFp8<L>,
        .linearFp4 = vector_linear::linearFp4<L>,
        .linearFp8Bf16 = vector_linear::linearFp8Bf16<L>,
        .linearBf16 = vector_linear::linearBf16<L>,
        .linear32 = vector_linear::linear32<L>,
        .hyperMix = vector_rows::hyperMix<V>,
        .quantise = vector_rows::quantise<V>,
        .hyperCombine = vector_rows::hyperCombine<V>,
        .hyperOut = vector_rows::hyperOut<V>,
        .rmsNorm = vector_rows::rmsNorm<V>,
        .headNorm = vector_rows::headNorm<V>,
        .rotate = vector_rows::rotate<V>,
        .hadamard = vector_rows::hadamard<V>,
        .fp4Simulate = vector_rows::fp4Simulate<V>,
        .unpackRow = vector_rows::unpackRow<V>,
        .pool = vector_rows::pool<V>,
        .swiglu = vector_rows::swiglu<V>,
        .sumRows = vector_rows::sumRows<V>,
        .indexScores = vector_attention::indexScores<V>,
        .selectLargest = selectByRank,
        .attend = vector_attention::attend<V>,
        .peakLoop = peakLoop,
    };
    return supported() ? &kTable : nullptr;
}

} // namespace dossier::engine
