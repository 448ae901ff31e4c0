// SPDX-License-Identifier: Apache-2.0
// The table of AVX2 kernels, and whether this processor can run them.
#include <cpuid.h>

#include "engine/kernels/cpu/lanes_avx2.h"
#include "engine/kernels/cpu/linear_avx2.h"
#include "engine/kernels/cpu/vector_needs.h"

DOSSIER_BEGIN_AVX2

#include "engine/kernels/cpu/vector_attention.h"
#include "engine/kernels/cpu/vector_linear.h"
#include "engine/kernels/cpu/vector_rows.h"

namespace dossier::engine {
namespace {

std::uint64_t peakLoop(std::uint64_t steps) {
    constexpr std::uint32_t kChains = 12; // more than latency times throughput
    __m256 sums[kChains];
    for (__m256& sum : sums) {
        sum = _mm256_setzero_ps();
    }
    __m256 a = _mm256_set1_ps(1.0f), b = _mm256_set1_ps(0.5f);
    for (std::uint64_t i = 0; i < steps; ++i) {
        asm volatile("" : "+x"(a), "+x"(b)); // keeps the compiler from folding the loop
        for (__m256& sum : sums) {
            sum = _mm256_fmadd_ps(a, b, sum);
        }
    }
    float total = 0;
    for (const __m256& sum : sums) {
        total += Avx2::sum(Avx2::Floats{sum, sum});
    }
    asm volatile("" : : "x"(total));
    return steps * kChains * 8;
}

} // namespace
} // namespace dossier::engine

DOSSIER_END_TARGET

namespace dossier::engine {
namespace {

bool supported() {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    const bool f16c = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx >> 29 & 1);
    return f16c && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

} // namespace

const CpuKernels* avx2Kernels() {
    using V = Avx2;
    using L = LinearAvx2;
    static constexpr CpuKernels kTable{
        .name = "avx2",
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
