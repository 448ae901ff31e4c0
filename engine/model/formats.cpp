// SPDX-License-Identifier: Apache-2.0
#include "engine/model/formats.h"

#include <algorithm>
#include <cmath>

namespace dossier::engine {
namespace {

constexpr std::size_t kScaleBlock = 128; ///< FP8 weights: one scale for 128 x 128 values
constexpr std::size_t kFp4Block = 32;

constexpr std::array<float, 256> makeE4m3Table() {
    std::array<float, 256> table{};
    for (std::size_t i = 0; i < 256; ++i) {
        table[i] = e4m3ToFloat(static_cast<std::uint8_t>(i));
    }
    return table;
}
constexpr std::array<float, 256> kE4m3Values = makeE4m3Table();

float largest(std::span<const float> x, float floor) {
    float amax = floor;
    for (const float value : x) {
        amax = std::max(amax, std::fabs(value));
    }
    return amax;
}

/// The scale is a normal power of two (at least 2^-22 and 2^-126), so dividing by it is exact
/// unless the quotient is subnormal, which rounds to the code 0 either way.
std::uint8_t e4m3Scale(std::span<const float> block) {
    return ceilToE8m0(largest(block, 1e-4F) * (1.0F / 448.0F));
}
std::uint8_t e2m1Scale(std::span<const float> block) {
    return ceilToE8m0(largest(block, 6 * 0x1p-126F) * (1.0F / 6.0F));
}

} // namespace

void quantiseE4m3(std::span<const float> x, std::size_t block, std::span<std::uint8_t> codes,
                  std::span<std::uint8_t> scales) {
    for (std::size_t b = 0; b * block < x.size(); ++b) {
        const auto values = x.subspan(b * block, block);
        scales[b] = e4m3Scale(values);
        const float scale = e8m0ToFloat(scales[b]);
        for (std::size_t i = 0; i < block; ++i) {
            codes[b * block + i] = floatToE4m3(values[i] / scale);
        }
    }
}

void simulateE4m3(std::span<float> x, std::size_t block) {
    for (std::size_t b = 0; b < x.size(); b += block) {
        const auto values = x.subspan(b, block);
        const float scale = e8m0ToFloat(e4m3Scale(values));
        for (float& value : values) {
            value = roundToBf16(kE4m3Values[floatToE4m3(value / scale)] * scale);
        }
    }
}

void quantiseE2m1(std::span<const float> x, std::span<std::uint8_t> codes,
                  std::span<std::uint8_t> scales) {
    for (std::size_t b = 0; b * kFp4Block < x.size(); ++b) {
        const auto values = x.subspan(b * kFp4Block, kFp4Block);
        scales[b] = e2m1Scale(values);
        const float scale = e8m0ToFloat(scales[b]);
        for (std::size_t i = 0; i < kFp4Block; i += 2) {
            codes[(b * kFp4Block + i) / 2] = static_cast<std::uint8_t>(
                floatToE2m1(values[i] / scale) | floatToE2m1(values[i + 1] / scale) << 4);
        }
    }
}

void simulateE2m1(std::span<float> x) {
    for (std::size_t b = 0; b < x.size(); b += kFp4Block) {
        const auto values = x.subspan(b, kFp4Block);
        const float scale = e8m0ToFloat(e2m1Scale(values));
        for (float& value : values) {
            value = roundToBf16(e2m1ToFloat(floatToE2m1(value / scale)) * scale);
        }
    }
}

void dequantiseE4m3Row(std::span<const std::uint8_t> codes, std::span<const std::uint8_t> scales,
                       std::span<float> out) {
    for (std::size_t begin = 0; begin < codes.size(); begin += kScaleBlock) {
        const float scale = e8m0ToFloat(scales[begin / kScaleBlock]);
        const std::size_t end = std::min(begin + kScaleBlock, codes.size());
        for (std::size_t i = begin; i < end; ++i) {
            out[i] = kE4m3Values[codes[i]] * scale;
        }
    }
}

void dequantiseE4m3Matrix(std::span<const std::uint8_t> codes, std::span<const std::uint8_t> scales,
                          std::size_t rows, std::size_t cols, std::span<float> out) {
    const std::size_t scaleCols = (cols + kScaleBlock - 1) / kScaleBlock;
    for (std::size_t row = 0; row < rows; ++row) {
        dequantiseE4m3Row(codes.subspan(row * cols, cols),
                          scales.subspan(row / kScaleBlock * scaleCols, scaleCols),
                          out.subspan(row * cols, cols));
    }
}

void dequantiseE2m1Row(std::span<const std::uint8_t> codes, std::span<const std::uint8_t> scales,
                       std::span<float> out) {
    for (std::size_t k = 0; k < codes.size(); ++k) {
        const float scale = e8m0ToFloat(scales[2 * k / kFp4Block]);
        out[2 * k] = e2m1ToFloat(codes[k] & 15U) * scale;
        out[2 * k + 1] = e2m1ToFloat(codes[k] >> 4) * scale;
    }
}

} // namespace dossier::engine
