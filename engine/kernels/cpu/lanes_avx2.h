// SPDX-License-Identifier: Apache-2.0
// Sixteen lanes of FP32 with AVX2 and FMA, as pairs of 256-bit registers: the same operations in
// the same order as lanes_avx512.h, hence the same bits. (Values below 2^-126 apart, which the
// AVX-512 product of bf16 pairs takes as zero.)
#pragma once

#include "engine/kernels/cpu/vector_needs.h"

DOSSIER_BEGIN_AVX2

namespace dossier::engine {

struct Avx2 {
    struct Floats { ///< lanes 0-7, 8-15
        __m256 low, high;
    };
    struct Doubles { ///< lanes 0-3, 4-7, 8-11, 12-15
        __m256d a, b, c, d;
    };
    struct Words { ///< bf16 0-15, 16-31
        __m256i low, high;
    };

    static constexpr std::uint32_t kHeads = 1, kGroups = 2;
    static constexpr std::uint32_t kMixRows = 1;

    // -- FP32
    static Floats everywhere(float v) { return {_mm256_set1_ps(v), _mm256_set1_ps(v)}; }
    static Floats load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
    static void store(float* p, Floats v) {
        _mm256_storeu_ps(p, v.low);
        _mm256_storeu_ps(p + 8, v.high);
    }
    static Floats add(Floats a, Floats b) {
        return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
    }
    static Floats subtract(Floats a, Floats b) {
        return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
    }
    static Floats multiply(Floats a, Floats b) {
        return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
    }
    static Floats divide(Floats a, Floats b) {
        return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
    }
    static Floats fma(Floats a, Floats b, Floats c) {
        return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
    }
    static Floats min(Floats a, Floats b) {
        return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
    }
    static Floats max(Floats a, Floats b) {
        return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
    }
    static Floats absolute(Floats v) {
        const __m256 sign = _mm256_set1_ps(-0.0f);
        return {_mm256_andnot_ps(sign, v.low), _mm256_andnot_ps(sign, v.high)};
    }
    static Floats swapPairs(Floats v) {
        return {_mm256_permute_ps(v.low, 0xB1), _mm256_permute_ps(v.high, 0xB1)};
    }
    static Floats evenTwice(Floats v) {
        return {_mm256_moveldup_ps(v.low), _mm256_moveldup_ps(v.high)};
    }
    static Floats oddTwice(Floats v) {
        return {_mm256_movehdup_ps(v.low), _mm256_movehdup_ps(v.high)};
    }
    static float maximum(Floats v) {
        const __m256 h = _mm256_max_ps(v.low, v.high);
        const __m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
        const __m128 p = _mm_max_ps(q, _mm_movehl_ps(q, q));
        return _mm_cvtss_f32(_mm_max_ss(p, _mm_shuffle_ps(p, p, 1)));
    }
    static float sum(Floats v) {
        const __m256 h = _mm256_add_ps(v.low, v.high);
        const __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
        const __m128 p = _mm_add_ps(q, _mm_movehl_ps(q, q));
        return _mm_cvtss_f32(_mm_add_ss(p, _mm_shuffle_ps(p, p, 1)));
    }

    // -- bf16
    static Floats loadBf16(const Bf16* p) { return {eightBf16(p), eightBf16(p + 8)}; }
    static void storeBf16(Bf16* p, Floats v) {
        // Packing works on 128-bit halves: put the four quarters back in order.
        const __m256i packed = _mm256_packus_epi32(bf16Bits(v.low), bf16Bits(v.high));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(packed, 0xD8));
    }
    static Floats roundBf16(Floats v) {
        return {_mm256_castsi256_ps(_mm256_slli_epi32(bf16Bits(v.low), 16)),
                _mm256_castsi256_ps(_mm256_slli_epi32(bf16Bits(v.high), 16))};
    }
    static Floats exp(Floats x) { return {eightExp(x.low), eightExp(x.high)}; }

    // -- FP64
    static Doubles wide(Floats v) {
        return {_mm256_cvtps_pd(_mm256_castps256_ps128(v.low)),
                _mm256_cvtps_pd(_mm256_extractf128_ps(v.low, 1)),
                _mm256_cvtps_pd(_mm256_castps256_ps128(v.high)),
                _mm256_cvtps_pd(_mm256_extractf128_ps(v.high, 1))};
    }
    static Floats narrow(Doubles v) {
        return {_mm256_set_m128(_mm256_cvtpd_ps(v.b), _mm256_cvtpd_ps(v.a)),
                _mm256_set_m128(_mm256_cvtpd_ps(v.d), _mm256_cvtpd_ps(v.c))};
    }
    static Doubles everywhere(double v) {
        const __m256d x = _mm256_set1_pd(v);
        return {x, x, x, x};
    }
    static Doubles load(const double* p) {
        return {_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4), _mm256_loadu_pd(p + 8),
                _mm256_loadu_pd(p + 12)};
    }
    static void store(double* p, Doubles v) {
        _mm256_storeu_pd(p, v.a);
        _mm256_storeu_pd(p + 4, v.b);
        _mm256_storeu_pd(p + 8, v.c);
        _mm256_storeu_pd(p + 12, v.d);
    }
    static Doubles multiply(Doubles x, Doubles y) {
        return {_mm256_mul_pd(x.a, y.a), _mm256_mul_pd(x.b, y.b), _mm256_mul_pd(x.c, y.c),
                _mm256_mul_pd(x.d, y.d)};
    }
    static Doubles fma(Doubles x, Doubles y, Doubles z) {
        return {_mm256_fmadd_pd(x.a, y.a, z.a), _mm256_fmadd_pd(x.b, y.b, z.b),
                _mm256_fmadd_pd(x.c, y.c, z.c), _mm256_fmadd_pd(x.d, y.d, z.d)};
    }
    static double sum(Doubles v) {
        const __m256d h = _mm256_add_pd(_mm256_add_pd(v.a, v.c), _mm256_add_pd(v.b, v.d));
        const __m128d q = _mm_add_pd(_mm256_castpd256_pd128(h), _mm256_extractf128_pd(h, 1));
        return _mm_cvtsd_f64(_mm_add_sd(q, _mm_unpackhi_pd(q, q)));
    }

    // -- products of bf16 pairs
    static Words loadWords(const Bf16* p) {
        return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
                _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 16))};
    }
    static void storeWords(Bf16* p, Words v) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v.low);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 16), v.high);
    }
    static Words everyPair(const Bf16* two) {
        std::uint32_t bits;
        __builtin_memcpy(&bits, two, 4);
        const __m256i pairs = _mm256_set1_epi32(static_cast<int>(bits));
        return {pairs, pairs};
    }
    static Floats dot(Floats sum, Words a, Words b) {
        return {eightDots(sum.low, a.low, b.low), eightDots(sum.high, a.high, b.high)};
    }
    static void interleave(Words a, Words b, Bf16* out) {
        interleave16(a.low, b.low, out);
        interleave16(a.high, b.high, out + 32);
    }
    static void wideSums(const Floats (&v)[4], float* sums) {
        for (int i = 0; i < 4; ++i) {
            sums[i] = static_cast<float>(sum(wide(v[i])));
        }
    }

    // -- small formats
    static float largest128(const Bf16* p) {
        const __m256i magnitude = _mm256_set1_epi16(0x7FFF);
        __m256i top = _mm256_setzero_si256();
        for (int i = 0; i < 128; i += 16) {
            const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + i));
            top = _mm256_max_epu16(top, _mm256_and_si256(words, magnitude));
        }
        const __m128i u =
            _mm_max_epu16(_mm256_castsi256_si128(top), _mm256_extracti128_si256(top, 1));
        const __m128i m = _mm_minpos_epu16(_mm_xor_si128(u, _mm_set1_epi16(-1)));
        return bf16ToFloat(static_cast<Bf16>(~_mm_extract_epi16(m, 0)));
    }
    static void encodeE4m3(Floats v, std::uint8_t* codes) {
        const __m256i words = _mm256_packus_epi32(eightE4m3(v.low), eightE4m3(v.high));
        const __m256i ordered = _mm256_permute4x64_epi64(words, 0xD8);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(codes),
                         _mm_packus_epi16(_mm256_castsi256_si128(ordered),
                                          _mm256_extracti128_si256(ordered, 1)));
    }
    static Floats decodeE4m3(const std::uint8_t* codes) {
        return {eightFromE4m3(codes), eightFromE4m3(codes + 8)};
    }
    static Floats roundE2m1(Floats v) { return {eightE2m1(v.low), eightE2m1(v.high)}; }
    static void unpackKey(const std::byte* key, std::uint32_t dims, Bf16* x) {
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(key);
        // The sixteen words as two tables of bytes; those of a code are looked up and joined.
        const __m256i words =
            _mm256_load_si256(reinterpret_cast<const __m256i*>(kE2m1Words.data()));
        const __m256i lowByte = _mm256_set1_epi16(0x00FF);
        const __m128i low = packWords(_mm256_and_si256(words, lowByte));
        const __m128i high = packWords(_mm256_srli_epi16(words, 8));
        const __m128i nibble = _mm_set1_epi8(15);
        for (std::uint32_t i = 0; i < dims; i += 32) {
            const __m128i two = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i / 2));
            const __m128i even = _mm_and_si128(two, nibble);
            const __m128i odd = _mm_and_si128(_mm_srli_epi16(two, 4), nibble);
            const __m256i offset = _mm256_set1_epi16(
                static_cast<std::int16_t>((int{bytes[dims / 2 + i / 32]} - 127) * 128));
            for (const bool upper : {false, true}) {
                const __m128i codes =
                    upper ? _mm_unpackhi_epi8(even, odd) : _mm_unpacklo_epi8(even, odd);
                const __m128i l = _mm_shuffle_epi8(low, codes), h = _mm_shuffle_epi8(high, codes);
                const __m256i word =
                    _mm256_set_m128i(_mm_unpackhi_epi8(l, h), _mm_unpacklo_epi8(l, h));
                const __m256i zero =
                    _mm256_cmpeq_epi16(_mm256_slli_epi16(word, 1), _mm256_setzero_si256());
                _mm256_storeu_si256(reinterpret_cast<__m256i*>(x + i + (upper ? 16 : 0)),
                                    _mm256_add_epi16(word, _mm256_andnot_si256(zero, offset)));
            }
        }
    }

  private:
    /// The words of v, each below 256, as bytes in their order.
    static __m128i packWords(__m256i v) {
        return _mm_packus_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    }
    static __m256 eightBf16(const Bf16* p) {
        const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
    }
    /// bf16 in the lower half of every lane.
    static __m256i bf16Bits(__m256 v) {
        const __m256i bits = _mm256_castps_si256(v);
        const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
        return _mm256_srli_epi32(
            _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF))), 16);
    }
    static __m256 eightExp(__m256 x) {
        x = _mm256_max_ps(x, _mm256_set1_ps(-104.0f));
        const __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504088896341f)),
                                         _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), x);
        r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), r);
        __m256 p = _mm256_set1_ps(kExpPolynomial[0]);
        for (int i = 1; i < 6; ++i) {
            p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(kExpPolynomial[i]));
        }
        p = _mm256_fmadd_ps(p, _mm256_mul_ps(r, r), _mm256_add_ps(r, _mm256_set1_ps(1.0f)));
        // Times 2^n in two steps, so that only the second can round (below 2^-126) or overflow.
        const __m256i whole = _mm256_cvtps_epi32(n);
        const __m256i first = _mm256_srai_epi32(whole, 1);
        const __m256i second = _mm256_sub_epi32(whole, first);
        return _mm256_mul_ps(_mm256_mul_ps(p, powerOfTwo(first)), powerOfTwo(second));
    }
    static __m256 powerOfTwo(__m256i n) {
        return _mm256_castsi256_ps(
            _mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
    }
    static __m256 eightDots(__m256 sum, __m256i a, __m256i b) {
        const __m256i upper = _mm256_set1_epi32(static_cast<int>(0xFFFF0000));
        sum = _mm256_fmadd_ps(_mm256_castsi256_ps(_mm256_and_si256(a, upper)),
                              _mm256_castsi256_ps(_mm256_and_si256(b, upper)), sum);
        return _mm256_fmadd_ps(_mm256_castsi256_ps(_mm256_slli_epi32(a, 16)),
                               _mm256_castsi256_ps(_mm256_slli_epi32(b, 16)), sum);
    }
    static void interleave16(__m256i a, __m256i b, Bf16* out) {
        const __m256i low = _mm256_unpacklo_epi16(a, b), high = _mm256_unpackhi_epi16(a, b);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                            _mm256_permute2x128_si256(low, high, 0x20));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 16),
                            _mm256_permute2x128_si256(low, high, 0x31));
    }
    static __m256i eightE4m3(__m256 v) {
        const __m256i bits = _mm256_castps_si256(v);
        const __m256i abs = _mm256_min_epu32(_mm256_and_si256(bits, _mm256_set1_epi32(0x7FFFFFFF)),
                                             _mm256_set1_epi32(0x43E00000));
        const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(abs, 20), _mm256_set1_epi32(1));
        const __m256i normal = _mm256_sub_epi32(
            _mm256_srli_epi32(
                _mm256_add_epi32(abs, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFFF))), 20),
            _mm256_set1_epi32(120 << 3));
        const __m256i small = _mm256_and_si256(
            _mm256_castps_si256(_mm256_add_ps(_mm256_castsi256_ps(abs), _mm256_set1_ps(0x1p14f))),
            _mm256_set1_epi32(15));
        const __m256i isSmall = _mm256_cmpgt_epi32(_mm256_set1_epi32(0x3C800000), abs);
        const __m256i sign = _mm256_and_si256(_mm256_srli_epi32(bits, 24), _mm256_set1_epi32(0x80));
        return _mm256_or_si256(_mm256_blendv_epi8(normal, small, isSmall), sign);
    }
    static __m256 eightFromE4m3(const std::uint8_t* codes) {
        const __m256i code =
            _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes)));
        const __m256i magic = _mm256_set1_epi32(0x7F);
        const __m256i shifted =
            _mm256_or_si256(_mm256_slli_epi32(_mm256_and_si256(code, magic), 20),
                            _mm256_slli_epi32(_mm256_andnot_si256(magic, code), 24));
        return _mm256_mul_ps(_mm256_castsi256_ps(shifted), _mm256_set1_ps(0x1p120f));
    }
    static __m256 eightE2m1(__m256 v) {
        const __m256 sign = _mm256_set1_ps(-0.0f);
        const __m256 abs = _mm256_min_ps(_mm256_andnot_ps(sign, v), _mm256_set1_ps(6.0f));
        const __m256 two = _mm256_cmp_ps(abs, _mm256_set1_ps(2.0f), _CMP_GE_OQ);
        const __m256 four = _mm256_cmp_ps(abs, _mm256_set1_ps(4.0f), _CMP_GE_OQ);
        const __m256 magic = _mm256_blendv_ps(
            _mm256_blendv_ps(_mm256_set1_ps(0x1.8p22f), _mm256_set1_ps(0x1.8p23f), two),
            _mm256_set1_ps(0x1.8p24f), four);
        const __m256 rounded = _mm256_sub_ps(_mm256_add_ps(abs, magic), magic);
        return _mm256_or_ps(rounded, _mm256_and_ps(v, sign));
    }
};

} // namespace dossier::engine

DOSSIER_END_TARGET
