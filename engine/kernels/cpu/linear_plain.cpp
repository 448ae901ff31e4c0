// SPDX-License-Identifier: Apache-2.0
// Plain linear layers and the activation quantiser.
#include <algorithm>

#include "engine/kernels/cpu/plain.h"
#include "engine/model/formats.h"

namespace dossier::engine::plain {
namespace {

constexpr std::uint32_t kBlock = 128; // FP8 blocks, activations and weights

double fp8Block(const std::uint8_t* x, const std::uint8_t* w, std::uint32_t count) {
    double sum = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        sum += static_cast<double>(e4m3ToFloat(x[i])) * static_cast<double>(e4m3ToFloat(w[i]));
    }
    return sum;
}

template<class WeightAt>
double dot(const Bf16* x, std::uint32_t count, WeightAt weightAt) {
    double sum = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        sum += static_cast<double>(bf16ToFloat(x[i])) * static_cast<double>(weightAt(i));
    }
    return sum;
}

} // namespace

void linearFp8(const std::uint8_t* q, const float* scales, const Fp8Weight& w,
               std::uint32_t outBegin, std::uint32_t outEnd, Bf16* y) {
    const std::uint32_t blocks = (w.in + kBlock - 1) / kBlock;
    for (std::uint32_t o = outBegin; o < outEnd; ++o) {
        const std::uint8_t* row = w.values + std::size_t{o} * w.in;
        const std::uint8_t* scale = w.scales + std::size_t{o / kBlock} * blocks;
        double sum = 0;
        for (std::uint32_t b = 0; b < blocks; ++b) {
            const std::uint32_t begin = b * kBlock, count = std::min(kBlock, w.in - begin);
            sum += fp8Block(q + begin, row + begin, count) * static_cast<double>(scales[b]) *
                   static_cast<double>(e8m0ToFloat(scale[b]));
        }
        y[o] = floatToBf16(static_cast<float>(sum));
    }
}

void linearFp4(const std::uint8_t* q, const float* scales, const Fp4Weight& w,
               std::uint32_t outBegin, std::uint32_t outEnd, Bf16* y) {
    constexpr std::uint32_t kGroup = 32;
    for (std::uint32_t o = outBegin; o < outEnd; ++o) {
        const std::uint8_t* row = w.values + std::size_t{o} * (w.in / 2);
        const std::uint8_t* scale = w.scales + std::size_t{o} * (w.in / kGroup);
        double sum = 0;
        for (std::uint32_t g = 0; g < w.in / kGroup; ++g) {
            double part = 0;
            for (std::uint32_t i = g * kGroup; i < (g + 1) * kGroup; ++i) {
                const std::uint8_t nibble = (i % 2 ? row[i / 2] >> 4 : row[i / 2]) & 15;
                part += static_cast<double>(e4m3ToFloat(q[i])) *
                        static_cast<double>(e2m1ToFloat(nibble));
            }
            sum += part * static_cast<double>(scales[g * kGroup / kBlock]) *
                   static_cast<double>(e8m0ToFloat(scale[g]));
        }
        y[o] = floatToBf16(static_cast<float>(sum));
    }
}

void linearFp8Bf16(const Bf16* x, const Fp8Weight& w, std::uint32_t outBegin, std::uint32_t outEnd,
                   Bf16* y) {
    const std::uint32_t blocks = (w.in + kBlock - 1) / kBlock;
    for (std::uint32_t o = outBegin; o < outEnd; ++o) {
        const std::uint8_t* row = w.values + std::size_t{o} * w.in;
        const std::uint8_t* scale = w.scales + std::size_t{o / kBlock} * blocks;
        const double sum = dot(x, w.in, [&](std::uint32_t i) {
            return e4m3ToFloat(row[i]) * e8m0ToFloat(scale[i / kBlock]);
        });
        y[o] = floatToBf16(static_cast<float>(sum));
    }
}

void linearBf16(const Bf16* x, const Bf16Weight& w, std::uint32_t outBegin, std::uint32_t outEnd,
                Bf16* y) {
    for (std::uint32_t o = outBegin; o < outEnd; ++o) {
        const Bf16* row = w.values + std::size_t{o} * w.in;
        const double sum = dot(x, w.in, [&](std::uint32_t i) { return bf16ToFloat(row[i]); });
        y[o] = floatToBf16(static_cast<float>(sum));
    }
}

void linear32(const Bf16* x, const Bf16Weight& w, std::uint32_t outBegin, std::uint32_t outEnd,
              float* y) {
    for (std::uint32_t o = outBegin; o < outEnd; ++o) {
        const Bf16* row = w.values + std::size_t{o} * w.in;
        y[o] =
            static_cast<float>(dot(x, w.in, [&](std::uint32_t i) { return bf16ToFloat(row[i]); }));
    }
}

void quantise(const Bf16* x, std::uint32_t columns, std::uint8_t* q, float* scales) {
    float block[kBlock];
    for (std::uint32_t b = 0; b < columns / kBlock; ++b) {
        for (std::uint32_t i = 0; i < kBlock; ++i) {
            block[i] = bf16ToFloat(x[b * kBlock + i]);
        }
        std::uint8_t scale = 0;
        quantiseE4m3(block, kBlock, {q + b * kBlock, kBlock}, {&scale, 1});
        scales[b] = e8m0ToFloat(scale);
    }
}

} // namespace dossier::engine::plain
