// SPDX-License-Identifier: Apache-2.0
// Sixteen lanes of FP32 with AVX-512: what the vector kernels (vector_*.h) are written over.
// lanes_avx2.h gives the same bits from pairs of 256-bit registers.
//
// The instruction set is switched on by pragma, behind all includes, and not for whole files:
// inline functions of the standard library would otherwise be compiled for AVX-512 too, and the
// linker might take that copy for the entire program, which then dies on older processors.
#pragma once

#include "engine/kernels/cpu/vector_needs.h"

DOSSIER_BEGIN_AVX512

namespace dossier::engine {

struct Avx512 {
    using Floats = __m512; ///< 16 FP32
    struct Doubles {       ///< 16 FP64
        __m512d low, high;
    };
    using Words = __m512i; ///< 32 bf16

    // Tiles that fit the registers.
    static constexpr std::uint32_t kHeads = 4, kGroups = 4; ///< attention
    static constexpr std::uint32_t kMixRows = 4;            ///< hyper-connections

    // -- FP32
    static Floats everywhere(float v) { return _mm512_set1_ps(v); }
    static Floats load(const float* p) { return _mm512_loadu_ps(p); }
    static void store(float* p, Floats v) { _mm512_storeu_ps(p, v); }
    static Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
    static Floats subtract(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
    static Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
    static Floats divide(Floats a, Floats b) { return _mm512_div_ps(a, b); }
    /// a * b + c
    static Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
    static Floats min(Floats a, Floats b) { return _mm512_min_ps(a, b); }
    static Floats max(Floats a, Floats b) { return _mm512_max_ps(a, b); }
    static Floats absolute(Floats v) { return _mm512_abs_ps(v); }
    // Pairs of lanes (0, 1), (2, 3) ..: swapped, the even one twice, the odd one twice.
    static Floats swapPairs(Floats v) { return _mm512_permute_ps(v, 0xB1); }
    static Floats evenTwice(Floats v) { return _mm512_moveldup_ps(v); }
    static Floats oddTwice(Floats v) { return _mm512_movehdup_ps(v); }
    static float maximum(Floats v) { return _mm512_reduce_max_ps(v); }

    /// Sum of 16 lanes, always by the same tree: halves, quarters, then 0+2 and 1+3.
    static float sum(Floats v) {
        const __m256 h = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
        const __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
        const __m128 p = _mm_add_ps(q, _mm_movehl_ps(q, q));
        return _mm_cvtss_f32(_mm_add_ss(p, _mm_shuffle_ps(p, p, 1)));
    }

    // -- bf16
    static Floats loadBf16(const Bf16* p) {
        const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
    }
    /// Nearest even, subnormals kept (the hardware conversion would flush them).
    static __m256i toBf16(Floats v) {
        const __m512i bits = _mm512_castps_si512(v);
        const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
        const __m512i rounded =
            _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
        return _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16));
    }
    static void storeBf16(Bf16* p, Floats v) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), toBf16(v));
    }
    static Floats roundBf16(Floats v) {
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(toBf16(v)), 16));
    }

    /// exp for x <= 88, about one unit in the last place; below -104 as at -104.
    static Floats exp(Floats x) {
        x = _mm512_max_ps(x, _mm512_set1_ps(-104.0f));
        const __m512 n =
            _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504088896341f)),
                                 _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
        r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
        __m512 p = _mm512_set1_ps(kExpPolynomial[0]);
        for (int i = 1; i < 6; ++i) {
            p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kExpPolynomial[i]));
        }
        p = _mm512_fmadd_ps(p, _mm512_mul_ps(r, r), _mm512_add_ps(r, _mm512_set1_ps(1.0f)));
        return _mm512_scalef_ps(p, n);
    }

    // -- FP64
    static Doubles wide(Floats v) {
        return {_mm512_cvtps_pd(_mm512_castps512_ps256(v)),
                _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1))};
    }
    static Floats narrow(Doubles v) {
        return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(v.low)),
                                  _mm512_cvtpd_ps(v.high), 1);
    }
    static Doubles everywhere(double v) { return {_mm512_set1_pd(v), _mm512_set1_pd(v)}; }
    static Doubles load(const double* p) { return {_mm512_loadu_pd(p), _mm512_loadu_pd(p + 8)}; }
    static void store(double* p, Doubles v) {
        _mm512_storeu_pd(p, v.low);
        _mm512_storeu_pd(p + 8, v.high);
    }
    static Doubles multiply(Doubles a, Doubles b) {
        return {_mm512_mul_pd(a.low, b.low), _mm512_mul_pd(a.high, b.high)};
    }
    static Doubles fma(Doubles a, Doubles b, Doubles c) {
        return {_mm512_fmadd_pd(a.low, b.low, c.low), _mm512_fmadd_pd(a.high, b.high, c.high)};
    }
    /// Sum of 16 lanes: 8 and 8, then halves, quarters, pairs.
    static double sum(Doubles v) { return _mm512_reduce_add_pd(_mm512_add_pd(v.low, v.high)); }

    // -- products of bf16 pairs
    static Words loadWords(const Bf16* p) { return _mm512_loadu_si512(p); }
    static void storeWords(Bf16* p, Words v) { _mm512_storeu_si512(p, v); }
    /// Two bf16 in every lane.
    static Words everyPair(const Bf16* two) {
        std::uint32_t bits;
        __builtin_memcpy(&bits, two, 4);
        return _mm512_set1_epi32(static_cast<int>(bits));
    }
    /// Lane l: (sum + a[2l+1] * b[2l+1]) + a[2l] * b[2l]; subnormals count as zero.
    static Floats dot(Floats sum, Words a, Words b) {
        return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
    }
    /// out[2i] = a[i], out[2i+1] = b[i] for 32 words each.
    static void interleave(Words a, Words b, Bf16* out) {
        const __m512i low =
            _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7,
                             38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
        const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
        _mm512_storeu_si512(out, _mm512_permutex2var_epi16(a, low, b));
        _mm512_storeu_si512(out + 32, _mm512_permutex2var_epi16(a, high, b));
    }

    /// The sums of 16 vectors in FP64, each rounded once, by the tree of sum(Doubles).
    static void wideSums(const Floats (&v)[16], float* sums) {
        const __m512 first = eightWideSums(v), second = eightWideSums(v + 8);
        // Each holds the sums of vectors 0 4 1 5 2 6 3 7 of its eight in the lower half.
        const __m512i order =
            _mm512_set_epi32(23, 21, 19, 17, 22, 20, 18, 16, 7, 5, 3, 1, 6, 4, 2, 0);
        store(sums, _mm512_permutex2var_ps(first, order, second));
    }

    // -- small formats
    /// Largest magnitude of 128 bf16.
    static float largest128(const Bf16* p) {
        const __m512i magnitude = _mm512_set1_epi16(0x7FFF); // magnitudes order like their bits
        __m512i top = _mm512_setzero_si512();
        for (int i = 0; i < 128; i += 32) {
            top = _mm512_max_epu16(top, _mm512_and_si512(_mm512_loadu_si512(p + i), magnitude));
        }
        const __m256i t =
            _mm256_max_epu16(_mm512_castsi512_si256(top), _mm512_extracti64x4_epi64(top, 1));
        const __m128i u = _mm_max_epu16(_mm256_castsi256_si128(t), _mm256_extracti128_si256(t, 1));
        // minpos finds the smallest: complement for the largest.
        const __m128i m = _mm_minpos_epu16(_mm_xor_si128(u, _mm_set1_epi16(-1)));
        return bf16ToFloat(static_cast<Bf16>(~_mm_extract_epi16(m, 0)));
    }
    /// Rounds to e4m3, clamping to +-448: 3 mantissa bits, or multiples of 2^-9 below 2^-6.
    static void encodeE4m3(Floats v, std::uint8_t* codes) {
        const __m512i bits = _mm512_castps_si512(v);
        const __m512i abs = _mm512_min_epu32(_mm512_and_si512(bits, _mm512_set1_epi32(0x7FFFFFFF)),
                                             _mm512_set1_epi32(0x43E00000));
        const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(abs, 20), _mm512_set1_epi32(1));
        const __m512i normal = _mm512_sub_epi32(
            _mm512_srli_epi32(
                _mm512_add_epi32(abs, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFFF))), 20),
            _mm512_set1_epi32(120 << 3));
        const __m512i small = _mm512_and_si512(
            _mm512_castps_si512(_mm512_add_ps(_mm512_castsi512_ps(abs), _mm512_set1_ps(0x1p14f))),
            _mm512_set1_epi32(15));
        const __mmask16 isSmall = _mm512_cmplt_epu32_mask(abs, _mm512_set1_epi32(0x3C800000));
        const __m512i code = _mm512_mask_blend_epi32(isSmall, normal, small);
        const __m512i sign = _mm512_and_si512(_mm512_srli_epi32(bits, 24), _mm512_set1_epi32(0x80));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(codes),
                         _mm512_cvtepi32_epi8(_mm512_or_si512(code, sign)));
    }
    /// 16 e4m3 codes.
    static Floats decodeE4m3(const std::uint8_t* codes) {
        const __m512i code =
            _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)));
        // Exponent and mantissa shifted into FP32 read 2^-120 too small, subnormals included.
        const __m512i magic = _mm512_set1_epi32(0x7F);
        const __m512i shifted =
            _mm512_or_si512(_mm512_slli_epi32(_mm512_and_si512(code, magic), 20),
                            _mm512_slli_epi32(_mm512_andnot_si512(magic, code), 24));
        return _mm512_mul_ps(_mm512_castsi512_ps(shifted), _mm512_set1_ps(0x1p120f));
    }
    /// Rounds |x| <= 6 to e2m1 values, ties to the even code; larger magnitudes give 6.
    static Floats roundE2m1(Floats v) {
        const __m512i sign = _mm512_set1_epi32(static_cast<int>(0x80000000));
        const __m512 abs = _mm512_min_ps(_mm512_abs_ps(v), _mm512_set1_ps(6.0f));
        // Steps of 0.5 below 2, of 1 below 4, of 2 above: adding 1.5 * 2^23 steps rounds to them.
        const __m512 magic = _mm512_mask_mov_ps(
            _mm512_mask_mov_ps(_mm512_set1_ps(0x1.8p22f),
                               _mm512_cmp_ps_mask(abs, _mm512_set1_ps(2.0f), _CMP_GE_OQ),
                               _mm512_set1_ps(0x1.8p23f)),
            _mm512_cmp_ps_mask(abs, _mm512_set1_ps(4.0f), _CMP_GE_OQ), _mm512_set1_ps(0x1.8p24f));
        const __m512 rounded = _mm512_sub_ps(_mm512_add_ps(abs, magic), magic);
        return _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(rounded),
                                                   _mm512_and_si512(_mm512_castps_si512(v), sign)));
    }

    /// A key of e2m1 codes with e8m0 scales per 32 behind them -> bf16 in natural order.
    static void unpackKey(const std::byte* key, std::uint32_t dims, Bf16* x) {
        const __m512i table = _mm512_broadcast_i64x4(
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kE2m1Words.data())));
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(key);
        for (std::uint32_t i = 0; i < dims; i += 32) {
            const __m256i two = _mm256_cvtepu8_epi16(
                _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i / 2)));
            // Word k holds elements 2k (low nibble) and 2k+1: spread to dwords, low word first.
            const __m512i spread = _mm512_cvtepu16_epi32(two);
            const __m512i codes =
                _mm512_or_si512(_mm512_and_si512(spread, _mm512_set1_epi32(15)),
                                _mm512_slli_epi32(_mm512_srli_epi32(spread, 4), 16));
            const __m512i words = _mm512_permutexvar_epi16(codes, table);
            const __m512i offset = _mm512_set1_epi16(
                static_cast<std::int16_t>((int{bytes[dims / 2 + i / 32]} - 127) * 128));
            const __mmask32 nonzero = _mm512_test_epi16_mask(words, _mm512_set1_epi16(0x7FFF));
            _mm512_storeu_si512(x + i, _mm512_mask_add_epi16(words, nonzero, words, offset));
        }
    }

  private:
    static __m512 eightWideSums(const Floats* v) {
        __m512d d[8];
        for (int i = 0; i < 8; ++i) {
            const Doubles two = wide(v[i]);
            d[i] = _mm512_add_pd(two.low, two.high);
        }
        __m512d e[4], f[2];
        for (int i = 0; i < 4; ++i) { // halves of two vectors
            e[i] = _mm512_add_pd(_mm512_shuffle_f64x2(d[2 * i], d[2 * i + 1], 0x44),
                                 _mm512_shuffle_f64x2(d[2 * i], d[2 * i + 1], 0xEE));
        }
        for (int i = 0; i < 2; ++i) { // quarters of four
            f[i] = _mm512_add_pd(_mm512_shuffle_f64x2(e[2 * i], e[2 * i + 1], 0x88),
                                 _mm512_shuffle_f64x2(e[2 * i], e[2 * i + 1], 0xDD));
        }
        return _mm512_castps256_ps512(_mm512_cvtpd_ps(
            _mm512_add_pd(_mm512_unpacklo_pd(f[0], f[1]), _mm512_unpackhi_pd(f[0], f[1]))));
    }
};

} // namespace dossier::engine

DOSSIER_END_TARGET
