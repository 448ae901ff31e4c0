// SPDX-License-Identifier: Apache-2.0
// The number formats of DeepSeek-V4 and its two activation quantisers, one value at a time: the
// plain reference that every fast version is compared with. All results are bit-exact.
//
//   bf16   the upper half of an FP32
//   e4m3   "e4m3fn": sign, 4 exponent bits (bias 7), 3 mantissa bits; 0x7f/0xff NaN; largest 448
//   e2m1   sign, 2 exponent bits, 1 mantissa bit: 0 .5 1 1.5 2 3 4 6
//   e8m0   an exponent: byte b means 2^(b-127); 255 means NaN
//
// Rounding is to nearest, ties to even, everywhere.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace dossier::engine {

using Bf16 = std::uint16_t; ///< bits of a bfloat16

constexpr float bf16ToFloat(Bf16 bits) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

constexpr Bf16 floatToBf16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7FFFFFFFU) > 0x7F800000U) {
        return static_cast<Bf16>(bits >> 16 | 0x40U); // NaN stays NaN, quiet
    }
    return static_cast<Bf16>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

/// x rounded to bfloat16 and back.
constexpr float roundToBf16(float value) {
    return bf16ToFloat(floatToBf16(value));
}

/// 2^(b-127) including the subnormal 2^-127 for b = 0 (never flushed); NaN for 255.
constexpr float e8m0ToFloat(std::uint8_t b) {
    if (b == 255) {
        return std::numeric_limits<float>::quiet_NaN();
    }
    return std::bit_cast<float>(b == 0 ? 0x00400000U : static_cast<std::uint32_t>(b) << 23);
}

constexpr float e4m3ToFloat(std::uint8_t code) {
    const std::uint32_t sign = static_cast<std::uint32_t>(code & 0x80U) << 24;
    const std::uint32_t exponent = code >> 3 & 15U;
    const std::uint32_t mantissa = code & 7U;
    if (exponent == 15 && mantissa == 7) {
        return std::numeric_limits<float>::quiet_NaN();
    }
    if (exponent == 0) {
        const float magnitude = static_cast<float>(mantissa) * 0x1p-9F;
        return sign != 0 ? -magnitude : magnitude;
    }
    return std::bit_cast<float>(sign | (exponent + 120) << 23 | mantissa << 20);
}

/// Clamps to +-448 first, so infinities and large values saturate. NaN gives 0x7f with its sign.
constexpr std::uint8_t floatToE4m3(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint8_t>(bits >> 24 & 0x80U);
    const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
    if (magnitude > 0x7F800000U) {
        return sign | 0x7FU;
    }
    if (magnitude >= 0x43E00000U) { // 448
        return sign | 0x7EU;
    }
    if (magnitude < 0x3C800000U) { // below 2^-6: subnormal codes are multiples of 2^-9
        // Adding 2^14 leaves exactly the multiples of 2^-9 in the mantissa and rounds to even.
        const float shifted = std::bit_cast<float>(magnitude) + 0x1p14F;
        return sign | static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(shifted) & 0xFU);
    }
    const std::uint32_t rounded = magnitude + 0x7FFFFU + (magnitude >> 20 & 1U);
    return sign | static_cast<std::uint8_t>((rounded >> 20) - (120U << 3));
}

constexpr std::array<float, 16> kE2m1Values{0,    .5F,  1,    1.5F,  2,    3,    4,    6,
                                            -0.F, -.5F, -1.F, -1.5F, -2.F, -3.F, -4.F, -6.F};

/// `nibble` 0..15.
constexpr float e2m1ToFloat(std::uint8_t nibble) {
    return kE2m1Values[nibble & 15U];
}

/// Clamps to +-6 first; sign of zero kept; NaN saturates. Returns a nibble 0..15.
constexpr std::uint8_t floatToE2m1(float value) {
    const auto sign = static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(value) >> 28 & 8U);
    const float magnitude = value < 0 ? -value : value;
    // Midpoints between neighbours; a tie goes to the even code.
    std::uint8_t code = 7;
    if (magnitude <= .25F) {
        code = 0;
    } else if (magnitude < .75F) {
        code = 1;
    } else if (magnitude <= 1.25F) {
        code = 2;
    } else if (magnitude < 1.75F) {
        code = 3;
    } else if (magnitude <= 2.5F) {
        code = 4;
    } else if (magnitude < 3.5F) {
        code = 5;
    } else if (magnitude <= 5.F) {
        code = 6;
    }
    return sign | code;
}

/// e8m0 byte of 2^ceil(log2 v) for a positive normal v, from its bits.
constexpr std::uint8_t ceilToE8m0(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return static_cast<std::uint8_t>((bits >> 23) + ((bits & 0x7FFFFFU) != 0 ? 1U : 0U));
}

// ------------------------------------------------------------------------------------ quantisers

/// "AQ": FP8 quantiser of activations. Per `block` consecutive values:
///   amax = max(max|x|, 1e-4);  s = 2^ceil(log2(amax * fl32(1/448)));  q = e4m3(clamp(x/s, +-448)).
/// x: bf16 values held as float; x.size() a multiple of block (64 or 128).
/// codes: x.size() e4m3 bytes; scales: x.size()/block e8m0 bytes.
void quantiseE4m3(std::span<const float> x, std::size_t block, std::span<std::uint8_t> codes,
                  std::span<std::uint8_t> scales);

/// In-place form of AQ: x <- bf16(q * s), the values that a reader of the codes would see.
void simulateE4m3(std::span<float> x, std::size_t block);

/// "Q4": FP4 quantiser, block 32:
///   amax = max(max|x|, 6*2^-126);  s = 2^ceil(log2(amax * fl32(1/6)));  q = e2m1(clamp(x/s, +-6)).
/// codes: x.size()/2 bytes, element 2k in the low nibble of byte k; scales: x.size()/32 e8m0 bytes.
void quantiseE2m1(std::span<const float> x, std::span<std::uint8_t> codes,
                  std::span<std::uint8_t> scales);

/// In-place form of Q4.
void simulateE2m1(std::span<float> x);

// ------------------------------------------------------------------------------- dequantisation

/// One row of an FP8 weight: codes [cols] times the e8m0 scale of its 128x128 block.
/// scales: the row of scales that belongs to it, [ceil(cols/128)]. Exact in bf16 too.
void dequantiseE4m3Row(std::span<const std::uint8_t> codes, std::span<const std::uint8_t> scales,
                       std::span<float> out);

/// A whole FP8 weight [rows, cols], scales [ceil(rows/128), ceil(cols/128)], row-major.
void dequantiseE4m3Matrix(std::span<const std::uint8_t> codes, std::span<const std::uint8_t> scales,
                          std::size_t rows, std::size_t cols, std::span<float> out);

/// One row of an FP4 weight: codes [cols/2] (low nibble first), scales [cols/32]; out [cols].
void dequantiseE2m1Row(std::span<const std::uint8_t> codes, std::span<const std::uint8_t> scales,
                       std::span<float> out);

} // namespace dossier::engine
