// SPDX-License-Identifier: Apache-2.0
// Linear layers with AVX-512 BF16: a chunk of 32 values is one register of bf16 words, and
// VDPBF16PS multiplies two of them.
#pragma once

#include "engine/kernels/cpu/lanes_avx512.h"

DOSSIER_BEGIN_AVX512

namespace dossier::engine {

/// Constants of LinearAvx512.
namespace avx512_tables {

/// Bytes of the bf16 value of e4m3 codes 0..127; the sign bit is added from the code.
struct ByteTables {
    alignas(64) std::array<std::uint8_t, 128> low{}, high{};
};
constexpr ByteTables e4m3Bytes() {
    ByteTables t;
    for (std::size_t code = 0; code < 128; ++code) {
        const Bf16 value = floatToBf16(e4m3ToFloat(static_cast<std::uint8_t>(code)));
        t.low[code] = static_cast<std::uint8_t>(value & 255);
        t.high[code] = static_cast<std::uint8_t>(value >> 8);
    }
    return t;
}
constexpr ByteTables kE4m3Bytes = e4m3Bytes();

/// Five bits of an index count: the 16 values stand there twice.
constexpr std::array<Bf16, 32> raisedE2m1() {
    std::array<Bf16, 32> t{};
    for (std::size_t i = 0; i < 32; ++i) {
        t[i] = raisedE2m1Words()[i % 16];
    }
    return t;
}
alignas(64) constexpr std::array<Bf16, 32> kRaisedE2m1 = raisedE2m1();

/// In 128-bit lane L every word = zero-extended byte L.
constexpr std::array<std::int8_t, 64> spreadBytes() {
    std::array<std::int8_t, 64> index{};
    for (std::size_t i = 0; i < 64; ++i) {
        index[i] = static_cast<std::int8_t>(i % 2 ? -128 : static_cast<int>(i / 16));
    }
    return index;
}
alignas(64) constexpr std::array<std::int8_t, 64> kSpreadBytes = spreadBytes();

constexpr std::array<std::int16_t, 32> everyFourth() {
    std::array<std::int16_t, 32> index{};
    for (std::size_t i = 0; i < 16; ++i) {
        index[i] = static_cast<std::int16_t>(4 * i);
    }
    return index;
}
alignas(64) constexpr std::array<std::int16_t, 32> kEveryFourth = everyFourth();

} // namespace avx512_tables

struct LinearAvx512 {
    using Part = __m512i;
    using Sum = __m512;
    static constexpr std::uint32_t kParts = 1, kSums = 1;
    static constexpr std::size_t kChunkBytes = 64;
    static constexpr std::uint32_t kRows = 4, kOuts = 4; ///< 16 sums, more than enough for latency
    static constexpr std::uint32_t kSingle = 4;

    static Sum zero() { return _mm512_setzero_ps(); }
    static Part load(const std::byte* p) { return _mm512_loadu_si512(p); }
    static void store(std::byte* p, Part v) { _mm512_storeu_si512(p, v); }
    static Sum multiplyAdd(Sum sum, Part a, Part b) { return Avx512::dot(sum, a, b); }

    // ------------------------------------------------------------ results

    template<class Out>
    static void finish(const Sum (&sums)[4][4][1], Out* y, std::size_t yStride) {
        // Lane group r of the result = outputs of row r: sums as columns of 4 x 4 blocks.
        __m512 half[8], quarter[4];
        for (int i = 0; i < 8; ++i) {
            const int o = i / 2, r = i % 2 * 2;
            half[i] = _mm512_add_ps(_mm512_shuffle_f32x4(sums[r][o][0], sums[r + 1][o][0], 0x44),
                                    _mm512_shuffle_f32x4(sums[r][o][0], sums[r + 1][o][0], 0xEE));
        }
        for (int o = 0; o < 4; ++o) {
            quarter[o] = _mm512_add_ps(_mm512_shuffle_f32x4(half[2 * o], half[2 * o + 1], 0x88),
                                       _mm512_shuffle_f32x4(half[2 * o], half[2 * o + 1], 0xDD));
        }
        const __m512d left = _mm512_castps_pd(sumPairs(quarter[0], quarter[1]));
        const __m512d right = _mm512_castps_pd(sumPairs(quarter[2], quarter[3]));
        storeRows(y, yStride,
                  _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(left, right)),
                                _mm512_castpd_ps(_mm512_unpackhi_pd(left, right))));
    }
    template<std::uint32_t Rows, std::uint32_t Outs, class Out>
    static void finish(const Sum (&sums)[Rows][Outs][1], Out* y, std::size_t yStride) {
        for (std::uint32_t r = 0; r < Rows; ++r) {
            Out* row = y + r * yStride;
            if constexpr (Outs == 4) {
                storeFour(row, sums[r]);
            } else {
                for (std::uint32_t o = 0; o < Outs; ++o) {
                    storeOne(row + o, Avx512::sum(sums[r][o][0]));
                }
            }
        }
    }

    // ------------------------------------------------------------ weights

    /// Rows out, out + 1, .. of an FP8 weight.
    class Fp8Rows {
      public:
        static constexpr std::uint32_t kStep = 64;
        static constexpr bool kScaleInX = true, kAsIs = false;
        // Constructors are written out: implicit ones would not inherit the instruction set.
        Fp8Rows(const Fp8Weight& w, std::uint32_t out)
            : m_low0(_mm512_load_si512(avx512_tables::kE4m3Bytes.low.data())),
              m_low1(_mm512_load_si512(avx512_tables::kE4m3Bytes.low.data() + 64)),
              m_high0(_mm512_load_si512(avx512_tables::kE4m3Bytes.high.data())),
              m_high1(_mm512_load_si512(avx512_tables::kE4m3Bytes.high.data() + 64)),
              m_weight(w),
              m_out(out) {}
        std::size_t bytes() const { return m_weight.in; }
        const std::uint8_t* address() const {
            return m_weight.values + std::size_t{m_out} * m_weight.in;
        }
        static std::size_t offset(std::uint32_t k) { return k; }

        template<bool Unscaled>
        void unpack(std::uint32_t k, std::uint32_t o, std::size_t rowBytes, Part* parts) const {
            const __m512i c = _mm512_loadu_si512(address() + o * rowBytes + k);
            const __m512i low = _mm512_permutex2var_epi8(m_low0, c, m_low1);
            const __m512i high =
                _mm512_or_si512(_mm512_permutex2var_epi8(m_high0, c, m_high1),
                                _mm512_and_si512(c, _mm512_set1_epi8(static_cast<char>(0x80))));
            parts[0] = _mm512_unpacklo_epi8(low, high);
            parts[1] = _mm512_unpackhi_epi8(low, high);
            if constexpr (!Unscaled) {
                const std::uint8_t scale = scales(m_weight, (m_out + o) / 128)[k / 128];
                parts[0] = scaled(parts[0], scale);
                parts[1] = scaled(parts[1], scale);
            }
        }
        /// Whether weights times their scales are far from the ends of bf16's range.
        static bool ordinary(const Fp8Weight& w, LinearRange range) {
            const std::uint32_t columns = (w.in + 127) / 128;
            const std::uint8_t* first = scales(w, range.outBegin / 128);
            const std::uint8_t* end = scales(w, (range.outEnd - 1) / 128) + columns;
            return std::all_of(first, end, isOrdinary);
        }
        /// x times the scales of 128 outputs.
        static void scaleRow(const std::byte* x, const Fp8Weight& w, std::uint32_t block,
                             std::byte* row) {
            const std::uint8_t* scale = scales(w, block);
            for (std::uint32_t k = 0; k < w.in; k += 32) {
                store(row + k * 2, scaledFloats(load(x + k * 2), e8m0ToFloat(scale[k / 128])));
            }
        }

      private:
        static bool isOrdinary(std::uint8_t scale) { return scale > 27 && scale < 227; }
        static const std::uint8_t* scales(const Fp8Weight& w, std::uint32_t block) {
            return w.scales + std::size_t{block} * ((w.in + 127) / 128);
        }
        __m512i m_low0, m_low1, m_high0, m_high1;
        const Fp8Weight& m_weight;
        std::uint32_t m_out;
    };

    /// See kRaised.
    class Fp4Rows {
      public:
        static constexpr std::uint32_t kStep = 128;
        static constexpr bool kScaleInX = false, kAsIs = false;
        Fp4Rows(const Fp4Weight& w, std::uint32_t out)
            : m_table(_mm512_load_si512(avx512_tables::kRaisedE2m1.data())),
              m_spread(_mm512_load_si512(avx512_tables::kSpreadBytes.data())),
              m_weight(w),
              m_out(out) {}
        std::size_t bytes() const { return m_weight.in / 2; }
        const std::uint8_t* address() const {
            return m_weight.values + std::size_t{m_out} * (m_weight.in / 2);
        }
        static std::size_t offset(std::uint32_t k) { return k / 2; }

        template<bool>
        void unpack(std::uint32_t k, std::uint32_t o, std::size_t rowBytes, Part* parts) const {
            const __m512i codes = _mm512_loadu_si512(address() + o * rowBytes + k / 2);
            // The scale of 32 values is that of a 128-bit lane.
            std::uint32_t four;
            __builtin_memcpy(
                &four, m_weight.scales + std::size_t{m_out + o} * (m_weight.in / 32) + k / 32, 4);
            const __m512i exponents =
                _mm512_shuffle_epi8(_mm512_set1_epi32(static_cast<int>(four)), m_spread);
            const __m512i down = _mm512_slli_epi16(
                _mm512_subs_epu16(_mm512_set1_epi16(kRaised + 127), exponents), 7);
            if (((four - 0x01010101u) & ~four & 0x80808080u) != 0) { // a scale of 2^-127
                return unpackSlowly(k, o, parts);
            }
            parts[0] = lookUp(codes, down);
            parts[1] = lookUp(_mm512_srli_epi16(codes, 4), down);
            parts[2] = lookUp(_mm512_srli_epi16(codes, 8), down);
            parts[3] = lookUp(_mm512_srli_epi16(codes, 12), down);
        }

        static bool ordinary(const Fp4Weight&, LinearRange) { return true; }

      private:
        /// One value at a time: words smaller than the table's surplus of exponent.
        [[gnu::noinline]] void unpackSlowly(std::uint32_t k, std::uint32_t o, Part* parts) const {
            const std::size_t begin = std::size_t{m_out + o} * m_weight.in + k;
            alignas(64) Bf16 words[kStep];
            for (std::size_t i = 0; i < kStep; ++i) { // every fourth in one register
                const std::uint8_t two = m_weight.values[(begin + i) / 2];
                const float value = e2m1ToFloat(i % 2 ? two >> 4 : two & 15);
                words[i % 4 * 32 + i / 4] =
                    floatToBf16(value * e8m0ToFloat(m_weight.scales[(begin + i) / 32]));
            }
            for (std::size_t j = 0; j < 4; ++j) {
                parts[j] = _mm512_load_si512(words + 32 * j);
            }
        }
        __m512i lookUp(__m512i codes, __m512i down) const {
            return _mm512_subs_epu16(_mm512_permutexvar_epi16(codes, m_table), down);
        }
        __m512i m_table, m_spread;
        const Fp4Weight& m_weight;
        std::uint32_t m_out;
    };

    class Bf16Rows {
      public:
        static constexpr std::uint32_t kStep = 32;
        static constexpr bool kScaleInX = false, kAsIs = true;
        Bf16Rows(const Bf16Weight& w, std::uint32_t out) : m_weight(w), m_out(out) {}
        std::size_t bytes() const { return std::size_t{2} * m_weight.in; }
        const std::uint8_t* address() const {
            return reinterpret_cast<const std::uint8_t*>(m_weight.values +
                                                         std::size_t{m_out} * m_weight.in);
        }
        static std::size_t offset(std::uint32_t k) { return std::size_t{2} * k; }
        template<bool>
        void unpack(std::uint32_t k, std::uint32_t o, std::size_t rowBytes, Part* parts) const {
            parts[0] = _mm512_loadu_si512(address() + o * rowBytes + offset(k));
        }
        static bool ordinary(const Bf16Weight&, LinearRange) { return true; }

      private:
        const Bf16Weight& m_weight;
        std::uint32_t m_out;
    };

    // ------------------------------------------------------------ activations

    static void prepareQuantised(WeightForm form, const std::uint8_t* q, const float* scales,
                                 std::uint32_t columns, std::byte* row) {
        const std::uint32_t step = form == WeightForm::Fp8 ? 64 : 128;
        __m512i words[4];
        for (std::uint32_t k = 0; k < columns; k += step) {
            for (std::uint32_t i = 0; i < step / 32; ++i) {
                words[i] = scaledFloats(decode(q + k + i * 32), scales[(k + i * 32) / 128]);
            }
            arrange(form, words, row + std::size_t{2} * k);
        }
    }
    static void prepareBf16(WeightForm form, const Bf16* x, std::uint32_t columns, std::byte* row) {
        const std::uint32_t step = form == WeightForm::Fp8 ? 64 : 32;
        __m512i words[4];
        for (std::uint32_t k = 0; k < columns; k += step) {
            for (std::uint32_t i = 0; i < step / 32; ++i) {
                words[i] = _mm512_loadu_si512(x + k + i * 32);
            }
            arrange(form, words, row + std::size_t{2} * k);
        }
    }

  private:
    /// bf16 words times a power of two, through FP32: right in the whole range (below 2^-126 the
    /// product counts subnormals as zero anyway).
    static __m512i scaledFloats(__m512i words, float scale) {
        const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xFFFF0000));
        const __m512 by = _mm512_set1_ps(scale);
        const __m512 odd = _mm512_mul_ps(_mm512_castsi512_ps(_mm512_and_si512(words, upper)), by);
        const __m512 even = _mm512_mul_ps(_mm512_castsi512_ps(_mm512_slli_epi32(words, 16)), by);
        return _mm512_or_si512(_mm512_and_si512(_mm512_castps_si512(odd), upper),
                               _mm512_srli_epi32(_mm512_castps_si512(even), 16));
    }
    /// e4m3 values times an ordinary e8m0 scale: adds to the exponent, leaves zeros alone.
    static __m512i scaled(__m512i words, std::uint8_t scale) {
        const auto offset = static_cast<std::int16_t>((int{scale} - 127) * 128);
        const __mmask32 nonzero = _mm512_test_epi16_mask(words, _mm512_set1_epi16(0x7FFF));
        return _mm512_mask_add_epi16(words, nonzero, words, _mm512_set1_epi16(offset));
    }
    /// 32 e4m3 codes -> bf16 in natural order.
    static __m512i decode(const std::uint8_t* codes) {
        const __m512i c =
            _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes)));
        const __m512i magnitude = _mm512_and_si512(c, _mm512_set1_epi16(0x7F));
        const __m512i normal =
            _mm512_add_epi16(_mm512_slli_epi16(magnitude, 4), _mm512_set1_epi16(120 << 7));
        // Subnormal codes 0..7 are multiples of 2^-9.
        const __m512i table = _mm512_broadcast_i32x4(
            _mm_set_epi16(0x3C60, 0x3C40, 0x3C20, 0x3C00, 0x3BC0, 0x3B80, 0x3B00, 0));
        const __mmask32 subnormal = _mm512_cmplt_epu16_mask(magnitude, _mm512_set1_epi16(8));
        const __m512i value = _mm512_mask_permutexvar_epi16(normal, subnormal, magnitude, table);
        return _mm512_or_si512(value,
                               _mm512_slli_epi16(_mm512_and_si512(c, _mm512_set1_epi16(0x80)), 8));
    }
    /// Natural order -> the order of the form: 2, 4 or 1 registers.
    static void arrange(WeightForm form, const __m512i* in, std::byte* out) {
        if (form == WeightForm::Fp8) {
            store(out, _mm512_shuffle_i64x2(in[0], in[1], 0x88));
            store(out + 64, _mm512_shuffle_i64x2(in[0], in[1], 0xDD));
        } else if (form == WeightForm::Bfloat16) {
            store(out, in[0]);
        } else {
            __m512i index = _mm512_load_si512(avx512_tables::kEveryFourth.data());
            for (int j = 0; j < 4; ++j, index = _mm512_add_epi16(index, _mm512_set1_epi16(1))) {
                const __m512i low = _mm512_permutex2var_epi16(in[0], index, in[1]);
                const __m512i high = _mm512_permutex2var_epi16(in[2], index, in[3]);
                store(out + j * 64, _mm512_inserti64x4(low, _mm512_castsi512_si256(high), 1));
            }
        }
    }
    static void storeRows(float* y, std::size_t yStride, __m512 v) {
        _mm_storeu_ps(y, _mm512_castps512_ps128(v));
        _mm_storeu_ps(y + yStride, _mm512_extractf32x4_ps(v, 1));
        _mm_storeu_ps(y + 2 * yStride, _mm512_extractf32x4_ps(v, 2));
        _mm_storeu_ps(y + 3 * yStride, _mm512_extractf32x4_ps(v, 3));
    }
    static void storeRows(Bf16* y, std::size_t yStride, __m512 v) {
        const __m256i words = Avx512::toBf16(v);
        const __m128i low = _mm256_castsi256_si128(words);
        const __m128i high = _mm256_extracti128_si256(words, 1);
        // Not _mm_storeh_pd: it asks for a double's alignment, rows of odd length have less.
        _mm_storel_epi64(reinterpret_cast<__m128i*>(y), low);
        _mm_storel_epi64(reinterpret_cast<__m128i*>(y + yStride), _mm_unpackhi_epi64(low, low));
        _mm_storel_epi64(reinterpret_cast<__m128i*>(y + 2 * yStride), high);
        _mm_storel_epi64(reinterpret_cast<__m128i*>(y + 3 * yStride),
                         _mm_unpackhi_epi64(high, high));
    }
    /// 0+2 and 1+3 of both.
    static __m512 sumPairs(__m512 a, __m512 b) {
        return _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    }
    /// Sum of halves, then of quarters.
    static __m128 fold(__m512 v) {
        const __m256 h = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
        return _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    }
    template<class Out>
    static void storeFour(Out* y, const Sum (&sums)[4][1]) {
        __m128 r0 = fold(sums[0][0]), r1 = fold(sums[1][0]), r2 = fold(sums[2][0]),
               r3 = fold(sums[3][0]);
        _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
        const __m128 v = _mm_add_ps(_mm_add_ps(r0, r2), _mm_add_ps(r1, r3));
        if constexpr (sizeof(Out) == 4) {
            _mm_storeu_ps(y, v);
        } else {
            _mm_storel_epi64(reinterpret_cast<__m128i*>(y),
                             _mm256_castsi256_si128(Avx512::toBf16(_mm512_castps128_ps512(v))));
        }
    }
    static void storeOne(float* y, float v) { *y = v; }
    static void storeOne(Bf16* y, float v) { *y = floatToBf16(v); }
};

} // namespace dossier::engine

DOSSIER_END_TARGET
