// SPDX-License-Identifier: Apache-2.0
// Linear layers with AVX2, FMA and F16C: a chunk of 32 values is four registers of FP32, the odd
// and the even values of pairs 0-7, then of pairs 8-15, so that the order of additions is that of
// AVX-512's product of bf16 pairs.
#pragma once

#include "engine/kernels/cpu/lanes_avx2.h"

DOSSIER_BEGIN_AVX2

namespace dossier::engine {

/// Constants of LinearAvx2.
namespace avx2_tables {

constexpr std::uint32_t stepOf(WeightForm form) {
    return form == WeightForm::Fp8 ? 64 : form == WeightForm::Fp4 ? 128 : 32;
}
/// Which value of a step stands at each place of its chunks.
constexpr std::array<std::uint8_t, 128> order(WeightForm form) {
    std::array<std::uint8_t, 128> places{};
    for (std::uint32_t place = 0; place < stepOf(form); ++place) {
        const std::uint32_t chunk = place / 32, part = place % 32 / 8;
        const std::uint32_t pair = part / 2 * 8 + place % 8;
        const std::uint32_t word = 2 * pair + (part % 2 == 0 ? 1 : 0); // odd ones first
        places[place] =
            static_cast<std::uint8_t>(form == WeightForm::Fp8 ? word / 8 * 16 + chunk * 8 + word % 8
                                      : form == WeightForm::Fp4 ? 4 * word + chunk
                                                                : word);
    }
    return places;
}
constexpr std::array<std::uint8_t, 128> kFp8Order = order(WeightForm::Fp8);
constexpr std::array<std::uint8_t, 128> kFp4Order = order(WeightForm::Fp4);
constexpr std::array<std::uint8_t, 128> kBf16Order = order(WeightForm::Bfloat16);

/// Tables for byte shuffles, the same in both 128-bit lanes.
template<class Byte>
constexpr std::array<std::uint8_t, 32> twice(Byte byte) {
    std::array<std::uint8_t, 32> t{};
    for (std::size_t i = 0; i < 32; ++i) {
        t[i] = static_cast<std::uint8_t>(byte(i % 16));
    }
    return t;
}
/// Low and high bytes of the raised words of FP4 codes.
alignas(32) constexpr std::array<std::uint8_t, 32> kE2m1Low = twice([](std::size_t code) {
    return raisedE2m1Words()[code] & 255;
});
alignas(32) constexpr std::array<std::uint8_t, 32> kE2m1High = twice([](std::size_t code) {
    return raisedE2m1Words()[code] >> 8;
});
/// Words 0 2 4 6, then 1 3 5 7.
alignas(32) constexpr std::array<std::uint8_t, 32> kEvenFirst = twice([](std::size_t i) {
    return i / 8 * 2 + i % 8 / 2 * 4 + i % 2;
});

} // namespace avx2_tables

struct LinearAvx2 {
    using Part = __m256;
    using Sum = __m256;
    static constexpr std::uint32_t kParts = 4, kSums = 2;
    static constexpr std::size_t kChunkBytes = 128;
    static constexpr std::uint32_t kRows = 3, kOuts = 2; ///< 12 sums, 3 registers left to load
    static constexpr std::uint32_t kSingle = 4;

    static Sum zero() { return _mm256_setzero_ps(); }
    static Part load(const std::byte* p) {
        return _mm256_loadu_ps(reinterpret_cast<const float*>(p));
    }
    static void store(std::byte* p, Part v) { _mm256_storeu_ps(reinterpret_cast<float*>(p), v); }
    static Sum multiplyAdd(Sum sum, Part a, Part b) { return _mm256_fmadd_ps(a, b, sum); }

    template<std::uint32_t Rows, std::uint32_t Outs, class Out>
    static void finish(const Sum (&sums)[Rows][Outs][2], Out* y, std::size_t yStride) {
        for (std::uint32_t r = 0; r < Rows; ++r) {
            for (std::uint32_t o = 0; o < Outs; ++o) {
                storeOne(y + r * yStride + o,
                         Avx2::sum(Avx2::Floats{sums[r][o][0], sums[r][o][1]}));
            }
        }
    }

    // ------------------------------------------------------------ weights

    /// e4m3 shifted into FP16 reads 2^-8 too small, subnormals included; the scale makes it good.
    class Fp8Rows {
      public:
        static constexpr std::uint32_t kStep = 64;
        static constexpr bool kScaleInX = true, kAsIs = false;
        Fp8Rows(const Fp8Weight& w, std::uint32_t out) : m_weight(w), m_out(out) {}
        std::size_t bytes() const { return m_weight.in; }
        const std::uint8_t* address() const {
            return m_weight.values + std::size_t{m_out} * m_weight.in;
        }
        static std::size_t offset(std::uint32_t k) { return k; }

        template<bool Unscaled>
        void unpack(std::uint32_t k, std::uint32_t o, std::size_t rowBytes, Part* parts) const {
            const std::uint8_t* codes = address() + o * rowBytes + k;
            for (int half = 0; half < 2; ++half) { // pairs 0-7 and 8-15 of both chunks
                const __m256i c = _mm256_permute4x64_epi64(
                    _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + half * 32)), 0xD8);
                const __m256i keep = _mm256_set1_epi16(static_cast<std::int16_t>(0xBF80));
                const __m256i odd = _mm256_and_si256(_mm256_srai_epi16(c, 1), keep);
                const __m256i even =
                    _mm256_and_si256(_mm256_srai_epi16(_mm256_slli_epi16(c, 8), 1), keep);
                parts[2 * half] = _mm256_cvtph_ps(_mm256_castsi256_si128(odd));
                parts[2 * half + 1] = _mm256_cvtph_ps(_mm256_castsi256_si128(even));
                parts[4 + 2 * half] = _mm256_cvtph_ps(_mm256_extracti128_si256(odd, 1));
                parts[5 + 2 * half] = _mm256_cvtph_ps(_mm256_extracti128_si256(even, 1));
            }
            if constexpr (!Unscaled) {
                const __m256 scale = _mm256_set1_ps(
                    0x1p8f * e8m0ToFloat(scales(m_weight, (m_out + o) / 128)[k / 128]));
                for (int i = 0; i < 8; ++i) {
                    parts[i] = _mm256_mul_ps(parts[i], scale);
                }
            }
        }
        static bool ordinary(const Fp8Weight&, LinearRange) { return true; }
        static void scaleRow(const std::byte* x, const Fp8Weight& w, std::uint32_t block,
                             std::byte* row) {
            const std::uint8_t* scale = scales(w, block);
            for (std::uint32_t k = 0; k < w.in; k += 8) {
                store(row + k * 4,
                      _mm256_mul_ps(load(x + k * 4),
                                    _mm256_set1_ps(0x1p8f * e8m0ToFloat(scale[k / 128]))));
            }
        }

      private:
        static const std::uint8_t* scales(const Fp8Weight& w, std::uint32_t block) {
            return w.scales + std::size_t{block} * ((w.in + 127) / 128);
        }
        const Fp8Weight& m_weight;
        std::uint32_t m_out;
    };

    /// Codes are looked up as bytes of raised bf16 words (kRaised). A register of them holds, in
    /// the two halves of its dwords, values of two chunks.
    class Fp4Rows {
      public:
        static constexpr std::uint32_t kStep = 128;
        static constexpr bool kScaleInX = false, kAsIs = false;
        Fp4Rows(const Fp4Weight& w, std::uint32_t out)
            : m_low(table(avx2_tables::kE2m1Low)),
              m_high(table(avx2_tables::kE2m1High)),
              m_evenFirst(table(avx2_tables::kEvenFirst)),
              m_weight(w),
              m_out(out) {}
        std::size_t bytes() const { return m_weight.in / 2; }
        const std::uint8_t* address() const {
            return m_weight.values + std::size_t{m_out} * (m_weight.in / 2);
        }
        static std::size_t offset(std::uint32_t k) { return k / 2; }

        template<bool>
        void unpack(std::uint32_t k, std::uint32_t o, std::size_t rowBytes, Part* parts) const {
            const std::uint8_t* codes = address() + o * rowBytes + k / 2;
            const std::uint8_t* scale =
                m_weight.scales + std::size_t{m_out + o} * (m_weight.in / 32) + k / 32;
            std::uint32_t four;
            __builtin_memcpy(&four, scale, 4);
            if (((four - 0x01010101u) & ~four & 0x80808080u) != 0) { // a scale of 2^-127
                return unpackSlowly(codes, scale, parts);
            }
            const __m256i nibble = _mm256_set1_epi8(15);
            for (int half = 0; half < 2; ++half) { // pairs 0-7 and 8-15 of all four chunks
                const __m256i bytes = _mm256_shuffle_epi8(
                    _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + half * 32)),
                    m_evenFirst);
                const __m256i down =
                    _mm256_set_m128i(surplus(scale[2 * half + 1]), surplus(scale[2 * half]));
                Part* to = parts + 2 * half;
                lookUp(_mm256_and_si256(bytes, nibble), down, to, to + 8);
                lookUp(_mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble), down, to + 4,
                       to + 12);
            }
        }

        static bool ordinary(const Fp4Weight&, LinearRange) { return true; }

      private:
        static __m256i table(const std::array<std::uint8_t, 32>& bytes) {
            return _mm256_load_si256(reinterpret_cast<const __m256i*>(bytes.data()));
        }
        /// What a word of the tables is too large by, as exponent.
        static __m128i surplus(std::uint8_t scale) {
            return _mm_set1_epi16(
                static_cast<std::int16_t>(std::max(kRaised + 127 - scale, 0) << 7));
        }
        /// Nibbles of even words, then of odd ones -> their values, odd ones first: of the chunk
        /// whose nibbles lie in even bytes and of that of the odd bytes.
        void lookUp(__m256i nibbles, __m256i down, Part* evenBytes, Part* oddBytes) const {
            const __m256i low = _mm256_shuffle_epi8(m_low, nibbles);
            const __m256i high = _mm256_shuffle_epi8(m_high, nibbles);
            const __m256i odd = _mm256_subs_epu16(_mm256_unpackhi_epi8(low, high), down);
            const __m256i even = _mm256_subs_epu16(_mm256_unpacklo_epi8(low, high), down);
            const __m256i upper = _mm256_set1_epi32(static_cast<int>(0xFFFF0000));
            evenBytes[0] = _mm256_castsi256_ps(_mm256_slli_epi32(odd, 16));
            evenBytes[1] = _mm256_castsi256_ps(_mm256_slli_epi32(even, 16));
            oddBytes[0] = _mm256_castsi256_ps(_mm256_and_si256(odd, upper));
            oddBytes[1] = _mm256_castsi256_ps(_mm256_and_si256(even, upper));
        }
        /// One value at a time: words smaller than the tables' surplus of exponent.
        [[gnu::noinline]] static void unpackSlowly(const std::uint8_t* codes,
                                                   const std::uint8_t* scale, Part* parts) {
            alignas(32) std::array<float, 128> values;
            for (std::size_t i = 0; i < values.size(); ++i) {
                const std::size_t from = avx2_tables::kFp4Order[i];
                const std::uint8_t two = codes[from / 2];
                values[i] =
                    e2m1ToFloat(from % 2 ? two >> 4 : two & 15) * e8m0ToFloat(scale[from / 32]);
            }
            for (std::size_t j = 0; j < 16; ++j) {
                parts[j] = _mm256_load_ps(values.data() + 8 * j);
            }
        }
        __m256i m_low, m_high, m_evenFirst;
        const Fp4Weight& m_weight;
        std::uint32_t m_out;
    };

    class Bf16Rows {
      public:
        static constexpr std::uint32_t kStep = 32;
        static constexpr bool kScaleInX = false, kAsIs = false;
        Bf16Rows(const Bf16Weight& w, std::uint32_t out) : m_weight(w), m_out(out) {}
        std::size_t bytes() const { return std::size_t{2} * m_weight.in; }
        const std::uint8_t* address() const {
            return reinterpret_cast<const std::uint8_t*>(m_weight.values +
                                                         std::size_t{m_out} * m_weight.in);
        }
        static std::size_t offset(std::uint32_t k) { return std::size_t{2} * k; }
        template<bool>
        void unpack(std::uint32_t k, std::uint32_t o, std::size_t rowBytes, Part* parts) const {
            const auto* pairs =
                reinterpret_cast<const __m256i*>(address() + o * rowBytes + offset(k));
            for (int half = 0; half < 2; ++half) {
                const __m256i words = _mm256_loadu_si256(pairs + half);
                parts[2 * half] = _mm256_castsi256_ps(
                    _mm256_and_si256(words, _mm256_set1_epi32(static_cast<int>(0xFFFF0000))));
                parts[2 * half + 1] = _mm256_castsi256_ps(_mm256_slli_epi32(words, 16));
            }
        }
        static bool ordinary(const Bf16Weight&, LinearRange) { return true; }

      private:
        const Bf16Weight& m_weight;
        std::uint32_t m_out;
    };

    // ------------------------------------------------------------ activations

    static void prepareQuantised(WeightForm form, const std::uint8_t* q, const float* scales,
                                 std::uint32_t columns, std::byte* row) {
        std::array<float, 128> values;
        const std::uint32_t step = avx2_tables::stepOf(form);
        for (std::uint32_t k = 0; k < columns; k += step) {
            for (std::uint32_t i = 0; i < step; i += 16) {
                Avx2::store(values.data() + i,
                            Avx2::multiply(Avx2::decodeE4m3(q + k + i),
                                           Avx2::everywhere(scales[(k + i) / 128])));
            }
            arrange(form, values.data(), row + std::size_t{4} * k);
        }
    }
    static void prepareBf16(WeightForm form, const Bf16* x, std::uint32_t columns, std::byte* row) {
        std::array<float, 128> values;
        const std::uint32_t step = avx2_tables::stepOf(form);
        for (std::uint32_t k = 0; k < columns; k += step) {
            for (std::uint32_t i = 0; i < step; i += 16) {
                Avx2::store(values.data() + i, Avx2::loadBf16(x + k + i));
            }
            arrange(form, values.data(), row + std::size_t{4} * k);
        }
    }

  private:
    static void arrange(WeightForm form, const float* values, std::byte* out) {
        const auto& places = form == WeightForm::Fp8   ? avx2_tables::kFp8Order
                             : form == WeightForm::Fp4 ? avx2_tables::kFp4Order
                                                       : avx2_tables::kBf16Order;
        auto* to = reinterpret_cast<float*>(out);
        for (std::uint32_t i = 0; i < avx2_tables::stepOf(form); ++i) {
            to[i] = values[places[i]];
        }
    }

    static void storeOne(float* y, float v) { *y = v; }
    static void storeOne(Bf16* y, float v) { *y = floatToBf16(v); }
};

} // namespace dossier::engine

DOSSIER_END_TARGET
