// SPDX-License-Identifier: Apache-2.0
// Everything that the vector kernels include. They are compiled behind a pragma that switches on an
// instruction set, and this comes before it: see lanes_avx512.h.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include <immintrin.h>

#include "engine/kernels/cpu/kernels.h"
#include "engine/kernels/cpu/plain.h"
#include "engine/model/formats.h"

// What stands between BEGIN and END is compiled for that instruction set.
#define DOSSIER_PRAGMA(words) _Pragma(#words)
#if defined(__clang__)
#define DOSSIER_BEGIN_TARGET(features)                                                             \
    DOSSIER_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define DOSSIER_END_TARGET DOSSIER_PRAGMA(clang attribute pop)
#else
#define DOSSIER_BEGIN_TARGET(features)                                                             \
    DOSSIER_PRAGMA(GCC push_options) DOSSIER_PRAGMA(GCC target(features))
#define DOSSIER_END_TARGET DOSSIER_PRAGMA(GCC pop_options)
#endif
#define DOSSIER_BEGIN_AVX2 DOSSIER_BEGIN_TARGET("avx2,fma,f16c")
#define DOSSIER_BEGIN_AVX512                                                                       \
    DOSSIER_BEGIN_TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512bf16,avx2,fma")

namespace dossier::engine {

/// (exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2: a minimax polynomial, highest power first.
constexpr float kExpPolynomial[6] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                                     4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};

/// bf16 of the 16 e2m1 codes.
constexpr std::array<Bf16, 16> e2m1Words() {
    std::array<Bf16, 16> words{};
    for (std::size_t code = 0; code < 16; ++code) {
        words[code] = floatToBf16(kE2m1Values[code]);
    }
    return words;
}
alignas(64) constexpr std::array<Bf16, 16> kE2m1Words = e2m1Words();

/// The same as words 2^125 too large: a scale takes exponent away again by a saturating
/// subtraction, which leaves zeros alone. Both zeros are +0.
constexpr std::int16_t kRaised = 125;
constexpr std::array<Bf16, 16> raisedE2m1Words() {
    std::array<Bf16, 16> words{};
    for (std::size_t code = 0; code < 16; ++code) {
        words[code] = code % 8 ? static_cast<Bf16>(e2m1Words()[code] + kRaised * 128) : Bf16{0};
    }
    return words;
}

} // namespace dossier::engine
