// SPDX-License-Identifier: Apache-2.0
#include "engine/model/formats.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "tests/engine/support/golden.h"

namespace dossier::engine {
namespace {

using test::GoldenFile;

GoldenFile unit(const char* name) {
    const auto path = test::goldenPath("unit/" + std::string(name) + ".safetensors");
    EXPECT_TRUE(path) << "committed goldens are missing";
    return GoldenFile(path.value());
}

/// Equal bits, any NaN equal to any NaN.
void expectSame(float actual, float expected, std::size_t where) {
    if (std::isnan(expected)) {
        ASSERT_TRUE(std::isnan(actual)) << where;
    } else {
        ASSERT_EQ(std::bit_cast<std::uint32_t>(actual), std::bit_cast<std::uint32_t>(expected))
            << where << ": " << actual << " instead of " << expected;
    }
}

/// The simulators may give +0 where the golden has -0.
void expectSameValue(const std::vector<float>& actual, const std::vector<float>& expected) {
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
        ASSERT_EQ(actual[i], expected[i]) << i;
    }
}

} // namespace

TEST(Formats, EveryCodeDecodesExactly) {
    const GoldenFile golden = unit("formats");
    const auto e4m3 = golden.floats("e4m3_decode");
    const auto e8m0 = golden.floats("e8m0_decode");
    const auto e2m1 = golden.floats("e2m1_decode");
    ASSERT_EQ(e4m3.size(), 256U);
    for (std::size_t i = 0; i < 256; ++i) {
        expectSame(e4m3ToFloat(static_cast<std::uint8_t>(i)), e4m3[i], i);
        expectSame(e8m0ToFloat(static_cast<std::uint8_t>(i)), e8m0[i], i);
    }
    for (std::size_t i = 0; i < 16; ++i) {
        expectSame(e2m1ToFloat(static_cast<std::uint8_t>(i)), e2m1[i], i);
    }
    EXPECT_GT(e8m0ToFloat(0), 0.0F) << "a subnormal scale must not be flushed";
}

TEST(Formats, EncodingRoundsTiesToEven) {
    const GoldenFile golden = unit("formats");
    const auto in4 = golden.floats("e4m3_in"), in2 = golden.floats("e2m1_in");
    const auto out4 = golden.bytes("e4m3_out"), out2 = golden.bytes("e2m1_out");
    for (std::size_t i = 0; i < in4.size(); ++i) {
        ASSERT_EQ(floatToE4m3(in4[i]), out4[i]) << in4[i];
    }
    for (std::size_t i = 0; i < in2.size(); ++i) {
        ASSERT_EQ(floatToE2m1(in2[i]), out2[i]) << in2[i];
    }
    const auto inB = golden.floats("bf16_in"), outB = golden.floats("bf16_out");
    for (std::size_t i = 0; i < inB.size(); ++i) {
        expectSame(roundToBf16(inB[i]), outB[i], i);
    }
}

TEST(Formats, EncodingInvertsDecoding) {
    for (int i = 0; i < 256; ++i) {
        const auto code = static_cast<std::uint8_t>(i);
        if ((code & 0x7F) != 0x7F) {
            ASSERT_EQ(floatToE4m3(e4m3ToFloat(code)), code);
        }
        if (i < 16) {
            ASSERT_EQ(floatToE2m1(e2m1ToFloat(code)), code);
        }
        if (i > 0 && i < 255) {
            ASSERT_EQ(ceilToE8m0(e8m0ToFloat(code)), code);
        }
    }
    EXPECT_EQ(floatToE4m3(INFINITY), 0x7E);
    EXPECT_EQ(floatToE4m3(-INFINITY), 0xFE);
    EXPECT_EQ(floatToE4m3(NAN) & 0x7F, 0x7F);
    EXPECT_TRUE(std::isnan(roundToBf16(NAN)));
    EXPECT_TRUE(std::isinf(roundToBf16(3.4e38F)));
}

TEST(Formats, ActivationQuantiserEqualsTheOracle) {
    const GoldenFile golden = unit("activation-quant");
    for (const std::size_t block : {64UL, 128UL}) {
        const std::string tail = std::to_string(block);
        std::vector<float> x = golden.floats("x" + tail);
        const auto q = golden.bytes("q" + tail), s = golden.bytes("s" + tail);
        std::vector<std::uint8_t> codes(x.size()), scales(x.size() / block);
        quantiseE4m3(x, block, codes, scales);
        for (std::size_t i = 0; i < x.size(); ++i) {
            ASSERT_EQ(e4m3ToFloat(codes[i]), e4m3ToFloat(q[i])) << i;
        }
        ASSERT_EQ(scales, s);
        simulateE4m3(x, block);
        expectSameValue(x, golden.floats("sim" + tail));
    }
}

TEST(Formats, Fp4QuantiserEqualsTheOracle) {
    const GoldenFile golden = unit("fp4");
    std::vector<float> x = golden.floats("x");
    const auto q = golden.bytes("packed"), s = golden.bytes("s");
    std::vector<std::uint8_t> codes(x.size() / 2), scales(x.size() / 32);
    quantiseE2m1(x, codes, scales);
    ASSERT_EQ(scales, s);
    ASSERT_EQ(codes.size(), q.size());
    for (std::size_t i = 0; i < q.size(); ++i) {
        ASSERT_EQ(e2m1ToFloat(codes[i] & 15U), e2m1ToFloat(q[i] & 15U)) << i;
        ASSERT_EQ(e2m1ToFloat(codes[i] >> 4), e2m1ToFloat(q[i] >> 4)) << i;
    }
    simulateE2m1(x);
    expectSameValue(x, golden.floats("sim"));
}

TEST(Formats, WeightsDequantiseExactly) {
    const GoldenFile fp4 = unit("fp4");
    const auto weight = fp4.bytes("weight"), scale = fp4.bytes("weight.scale");
    const auto expected4 = fp4.floats("weight.values");
    std::vector<float> row(128);
    for (std::size_t r = 0; r < 12; ++r) {
        dequantiseE2m1Row(std::span(weight).subspan(r * 64, 64), std::span(scale).subspan(r * 4, 4),
                          row);
        for (std::size_t i = 0; i < 128; ++i) {
            ASSERT_EQ(row[i], expected4[r * 128 + i]) << r << " " << i;
        }
    }
    const GoldenFile linear = unit("linear"); // 160 rows: the last row of blocks is not full
    const auto expected8 = linear.floats("l8.values");
    std::vector<float> out(expected8.size());
    dequantiseE4m3Matrix(linear.bytes("l8.weight"), linear.bytes("l8.scale"), 160, 384, out);
    ASSERT_EQ(out, expected8);
}

TEST(Formats, MicroVectorsOfTheSpecification) {
    std::vector<float> x(64, 0.0F);
    const std::vector<float> in{0.0130005F,  -1.3671875F, 2.90625F, 3.015625F,
                                0.00020027F, 448,         -100.5F};
    for (std::size_t i = 0; i < in.size(); ++i) {
        x[i] = roundToBf16(in[i]);
    }
    simulateE4m3(x, 64);
    x.resize(7);
    EXPECT_EQ(x, (std::vector<float>{0.013671875F, -1.375F, 3, 3, 0, 448, -104}));

    x.assign(32, 0.0F);
    const std::vector<float> four{6, .25F, .75F, 1.25F, 1.75F, 2.5F, 3.5F, 5, -0.73828F};
    for (std::size_t i = 0; i < four.size(); ++i) {
        x[i] = roundToBf16(four[i]);
    }
    simulateE2m1(x);
    x.resize(9);
    EXPECT_EQ(x, (std::vector<float>{6, 0, 1, 1, 2, 2, 4, 4, -0.5F}));

    x.assign(32, 0.0F);
    x[0] = 3.015625F;
    x[1] = 1;
    x[2] = roundToBf16(.30078F);
    simulateE2m1(x);
    x.resize(3);
    EXPECT_EQ(x, (std::vector<float>{3, 1, .5F}));
}

} // namespace dossier::engine
