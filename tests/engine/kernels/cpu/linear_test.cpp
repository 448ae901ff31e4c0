// SPDX-License-Identifier: Apache-2.0
// Linear layers of the fast tables against the plain one.
//
// Tolerance. Inputs and weights are bf16 values times powers of two, so products are exact and only
// sums round. The plain kernel sums in FP64. The fast ones add K values in 16 lanes, K/16 additions
// one behind the other, then 4 levels of a tree, each rounding by at most 2^-24 of a partial sum,
// which is at most sum|x w|: |error| <= (K/16 + 4) 2^-24 sum|x w|. Behind that comes one rounding
// to bf16, which can land one step away. (Values below 2^-126 may count as zero: 2^-110 absolute.)
#include <cmath>

#include "tests/engine/kernels/cpu/kernel_testing.h"

namespace dossier::engine {
namespace {

const std::vector<std::uint32_t> kRowCounts{1,  2,  3,  4,  5,  6,   7,   8,  31,
                                            32, 33, 64, 96, 97, 127, 128, 129};
constexpr std::uint32_t kMostRows = 129;

/// sum |x w| of every result, from the plain kernel on magnitudes.
double accumulationError(std::uint32_t in, double sumOfMagnitudes) {
    return (in / 16.0 + 4) * 0x1p-24 * sumOfMagnitudes + 0x1p-110;
}

/// One linear layer with plain results and their bounds for kMostRows rows.
struct Layer {
    std::uint32_t out = 0, in = 0;
    std::vector<Bf16> x;
    std::vector<float> want; ///< before the rounding to bf16
    std::vector<double> bound;

    template<class Value, class Weight>
    void solve(Value value, Weight weight) {
        const std::size_t rows = x.size() / in;
        want.resize(rows * out);
        bound.resize(rows * out);
        for (std::size_t r = 0; r < rows; ++r) {
            for (std::uint32_t o = 0; o < out; ++o) {
                double sum = 0, magnitudes = 0;
                for (std::uint32_t i = 0; i < in; ++i) {
                    const double product = value(r, i) * weight(o, i);
                    sum += product;
                    magnitudes += std::abs(product);
                }
                want[r * out + o] = static_cast<float>(sum);
                bound[r * out + o] = accumulationError(in, magnitudes);
            }
        }
    }
    /// Rows [0, n) of `got`, one row every `stride`.
    std::string check(std::span<const float> got, std::uint32_t n) const {
        for (std::size_t i = 0; i < std::size_t{n} * out; ++i) {
            const double a = static_cast<double>(got[i]), b = static_cast<double>(want[i]);
            if (!(std::abs(a - b) <= bound[i] + std::abs(b) * 0x1p-24)) {
                return "row " + std::to_string(i / out) + " output " + std::to_string(i % out) +
                       ": " + std::to_string(a) + ", not " + std::to_string(b);
            }
        }
        return "";
    }
    std::string check(std::span<const Bf16> got, std::uint32_t n) const {
        std::size_t equal = 0;
        const std::size_t count = std::size_t{n} * out;
        for (std::size_t i = 0; i < count; ++i) {
            const double a = static_cast<double>(bf16ToFloat(got[i]));
            const double b = static_cast<double>(want[i]);
            equal += got[i] == floatToBf16(want[i]) || std::abs(a - b) < 0x1p-110;
            // Half a bf16 step of the exact sum, measured generously as 2^-8 of it.
            if (!(std::abs(a - b) <= bound[i] + std::abs(b) * 0x1p-8)) {
                return "row " + std::to_string(i / out) + " output " + std::to_string(i % out) +
                       ": " + std::to_string(a) + ", not " + std::to_string(b);
            }
        }
        return equal * 1000 >= count * 985 ? "" : "too few equal results";
    }
};

class LinearKernels : public testing::TestWithParam<const CpuKernels*> {
  protected:
    const CpuKernels& k = *GetParam();

    /// Calls run(operand, range, y, stride) in several ways and wants the same bits each time, and
    /// the plain results within their bounds.
    template<class Out, class Run>
    void checkAll(const Layer& layer, const Operand& rows, Run run) {
        const std::uint32_t out = layer.out,
                            all = std::min<std::uint32_t>(
                                kMostRows, static_cast<std::uint32_t>(layer.x.size() / layer.in));
        std::vector<Out> reference(std::size_t{all} * out);
        run(rows, LinearRange{all, 0, out}, reference.data(), out);
        ASSERT_EQ(layer.check(std::span<const Out>(reference), all), "");
        for (const std::uint32_t n : kRowCounts) {
            if (n > all) {
                break;
            }
            std::vector<Out> y(std::size_t{n} * out);
            run(rows, LinearRange{n, 0, out}, y.data(), out);
            ASSERT_TRUE(std::equal(y.begin(), y.end(), reference.begin())) << n << " rows";
        }
        // Each row alone, chosen by index, its outputs in two pieces with other memory around.
        for (const std::uint32_t row : {0u, 1u, all / 2, all - 1}) {
            const std::uint32_t cut = out / 3;
            std::vector<Out> y(std::size_t{out} + 2, Out{7});
            Operand one = rows;
            one.index = &row;
            run(one, LinearRange{1, 0, cut}, y.data() + 1, out);
            run(one, LinearRange{1, cut, out}, y.data() + 1, out);
            ASSERT_TRUE(std::equal(y.begin() + 1, y.end() - 1, reference.begin() + row * out))
                << "row " << row;
            EXPECT_EQ(y.front(), Out{7});
            EXPECT_EQ(y.back(), Out{7});
        }
        // Rows in another order, a stride larger than the outputs.
        std::vector<std::uint32_t> order(all);
        for (std::uint32_t i = 0; i < all; ++i) {
            order[i] = all - 1 - i;
        }
        Operand turned = rows;
        turned.index = order.data();
        const std::size_t stride = out + 5;
        std::vector<Out> y(all * stride, Out{7});
        run(turned, LinearRange{all, 0, out}, y.data(), stride);
        for (std::size_t i = 0; i < all; ++i) {
            ASSERT_TRUE(std::equal(y.begin() + static_cast<std::ptrdiff_t>(i * stride),
                                   y.begin() + static_cast<std::ptrdiff_t>(i * stride + out),
                                   reference.begin() + order[i] * out));
            EXPECT_EQ(y[i * stride + out], Out{7});
        }
    }

    void checkFp8(const Fp8Data& w, std::vector<Bf16> x) {
        Layer layer{w.weight.out, w.weight.in, std::move(x), {}, {}};
        const QuantData quantised(layer.x, layer.in);
        const auto weight = [&](std::uint32_t o, std::uint32_t i) {
            return static_cast<double>(e4m3ToFloat(w.values[std::size_t{o} * layer.in + i])) *
                   static_cast<double>(e8m0ToFloat(
                       w.scales[std::size_t{o / 128} * ((layer.in + 127) / 128) + i / 128]));
        };
        layer.solve(
            [&](std::size_t r, std::uint32_t i) {
                return static_cast<double>(e4m3ToFloat(quantised.values[r * layer.in + i])) *
                       static_cast<double>(quantised.scales[(r * layer.in + i) / 128]);
            },
            weight);
        const PreparedRows rows(k, WeightForm::Fp8, quantised);
        checkAll<Bf16>(layer, rows.operand,
                       [&](const Operand& from, LinearRange range, Bf16* y, std::size_t stride) {
                           k.linearFp8(from, range, w.weight, y, stride);
                       });
    }

    void checkFp8Bf16(const Fp8Data& w, std::vector<Bf16> x) {
        Layer layer{w.weight.out, w.weight.in, std::move(x), {}, {}};
        layer.solve(
            [&](std::size_t r, std::uint32_t i) {
                return static_cast<double>(bf16ToFloat(layer.x[r * layer.in + i]));
            },
            [&](std::uint32_t o, std::uint32_t i) {
                return static_cast<double>(e4m3ToFloat(w.values[std::size_t{o} * layer.in + i])) *
                       static_cast<double>(e8m0ToFloat(
                           w.scales[std::size_t{o / 128} * ((layer.in + 127) / 128) + i / 128]));
            });
        const PreparedRows rows(k, WeightForm::Fp8, layer.x, layer.in);
        checkAll<Bf16>(layer, rows.operand,
                       [&](const Operand& from, LinearRange range, Bf16* y, std::size_t stride) {
                           k.linearFp8Bf16(from, range, w.weight, y, stride);
                       });
    }

    void checkFp4(const Fp4Data& w, std::vector<Bf16> x) {
        Layer layer{w.weight.out, w.weight.in, std::move(x), {}, {}};
        const QuantData quantised(layer.x, layer.in);
        layer.solve(
            [&](std::size_t r, std::uint32_t i) {
                return static_cast<double>(e4m3ToFloat(quantised.values[r * layer.in + i])) *
                       static_cast<double>(quantised.scales[(r * layer.in + i) / 128]);
            },
            [&](std::uint32_t o, std::uint32_t i) {
                const std::size_t at = std::size_t{o} * layer.in + i;
                const std::uint8_t two = w.values[at / 2];
                return static_cast<double>(
                           e2m1ToFloat(static_cast<std::uint8_t>(i % 2 ? two >> 4 : two & 15))) *
                       static_cast<double>(e8m0ToFloat(w.scales[at / 32]));
            });
        const PreparedRows rows(k, WeightForm::Fp4, quantised);
        checkAll<Bf16>(layer, rows.operand,
                       [&](const Operand& from, LinearRange range, Bf16* y, std::size_t stride) {
                           k.linearFp4(from, range, w.weight, y, stride);
                       });
    }

    void checkBf16(const Bf16Data& w, std::vector<Bf16> x) {
        Layer layer{w.weight.out, w.weight.in, std::move(x), {}, {}};
        layer.solve(
            [&](std::size_t r, std::uint32_t i) {
                return static_cast<double>(bf16ToFloat(layer.x[r * layer.in + i]));
            },
            [&](std::uint32_t o, std::uint32_t i) {
                return static_cast<double>(bf16ToFloat(w.values[std::size_t{o} * layer.in + i]));
            });
        const PreparedRows rows(k, WeightForm::Bfloat16, layer.x, layer.in);
        checkAll<Bf16>(layer, rows.operand,
                       [&](const Operand& from, LinearRange range, Bf16* y, std::size_t stride) {
                           k.linearBf16(from, range, w.weight, y, stride);
                       });
        checkAll<float>(layer, rows.operand,
                        [&](const Operand& from, LinearRange range, float* y, std::size_t stride) {
                            k.linear32(from, range, w.weight, y, stride);
                        });
    }
};

struct Matrix {
    std::uint32_t out, in;
};

TEST_P(LinearKernels, Fp8EqualsThePlainKernel) {
    for (const Matrix s :
         {Matrix{33, 128}, {128, 256}, {129, 384}, {1, 512}, {3, 128}, {260, 128}}) {
        SCOPED_TRACE(std::to_string(s.out) + " x " + std::to_string(s.in));
        Random random(s.out * 1000 + s.in);
        checkFp8(Fp8Data(random, s.out, s.in), random.bf16s(std::size_t{kMostRows} * s.in, 2));
    }
}

TEST_P(LinearKernels, Fp8OnBf16ActivationsEqualsThePlainKernel) {
    // 96 and 160 do not fill the steps of unpacking, 192 not the blocks of the scales.
    for (const Matrix s : {Matrix{32, 64}, {130, 128}, {64, 192}, {31, 96}, {7, 160}, {5, 33}}) {
        SCOPED_TRACE(std::to_string(s.out) + " x " + std::to_string(s.in));
        Random random(s.out * 1000 + s.in);
        checkFp8Bf16(Fp8Data(random, s.out, s.in), random.bf16s(std::size_t{kMostRows} * s.in, 2));
    }
}

TEST_P(LinearKernels, Fp4EqualsThePlainKernel) {
    for (const Matrix s : {Matrix{32, 128}, {100, 256}, {5, 384}, {1, 128}, {66, 640}}) {
        SCOPED_TRACE(std::to_string(s.out) + " x " + std::to_string(s.in));
        Random random(s.out * 1000 + s.in);
        checkFp4(Fp4Data(random, s.out, s.in), random.bf16s(std::size_t{kMostRows} * s.in, 2));
    }
}

TEST_P(LinearKernels, Bf16EqualsThePlainKernel) {
    for (const Matrix s : {Matrix{16, 32}, {64, 128}, {33, 96}, {3, 512}, {9, 100}, {6, 31}}) {
        SCOPED_TRACE(std::to_string(s.out) + " x " + std::to_string(s.in));
        Random random(s.out * 1000 + s.in);
        checkBf16(Bf16Data(random, s.out, s.in), random.bf16s(std::size_t{kMostRows} * s.in));
    }
}

TEST_P(LinearKernels, ScalesFarApartInOneRow) {
    // 2^-60 .. 2^60 side by side: sums are made of their largest members, all finite.
    Random random(17);
    checkFp8(Fp8Data(random, 130, 384, 67, 187), random.bf16s(std::size_t{9} * 384));
    checkFp4(Fp4Data(random, 40, 256, 67, 187), random.bf16s(std::size_t{9} * 256));
    checkFp8Bf16(Fp8Data(random, 130, 384, 67, 187), random.bf16s(std::size_t{9} * 384, 1e6f));
}

TEST_P(LinearKernels, ScalesAtTheEndsOfTheirRange) {
    // 2^-127 with large activations, 2^109 and more with tiny ones.
    for (const auto& [scale, deviation] : {std::pair{0, 1e30f}, {1, 1e30f}, {3, 1e36f}}) {
        SCOPED_TRACE(scale);
        const auto byte = static_cast<std::uint8_t>(scale);
        Random random(18);
        checkFp8(Fp8Data(random, 20, 128, byte, byte),
                 random.bf16s(std::size_t{5} * 128, deviation));
        // FP4 weights below 2^-126 count as zero: with usual activations that is what they are.
        checkFp4(Fp4Data(random, 20, 128, byte, byte),
                 random.bf16s(std::size_t{5} * 128, scale == 3 ? deviation : 1.0f));
    }
    Random random(19);
    checkFp8(Fp8Data(random, 20, 128, 236, 236), random.bf16s(std::size_t{5} * 128, 1e-4f));
    checkFp4(Fp4Data(random, 20, 128, 240, 240), random.bf16s(std::size_t{5} * 128, 1e-4f));
}

TEST_P(LinearKernels, ZerosOfBothSignsAndSubnormalCodes) {
    Random random(20);
    Fp8Data fp8(random, 12, 128);
    for (std::size_t i = 0; i < fp8.values.size(); ++i) { // 0, -0 and the codes below 2^-6
        fp8.values[i] = static_cast<std::uint8_t>((random.bits() & 0x80u) | random.below(8));
    }
    Fp4Data fp4(random, 12, 128);
    for (std::uint8_t& byte : fp4.values) { // 0, -0, +-0.5
        byte &= 0x99;
    }
    std::vector<Bf16> x = random.bf16s(std::size_t{6} * 128, 3);
    for (std::size_t i = 0; i < x.size(); i += 3) {
        x[i] = i % 2 ? 0x8000 : 0;
    }
    std::fill(x.begin(), x.begin() + 128, Bf16{0x8000});       // a row of -0
    std::fill(x.begin() + 128, x.begin() + 256, Bf16{0x0001}); // a row of the least subnormal
    checkFp8(fp8, x);
    checkFp4(fp4, x);
    checkFp8Bf16(fp8, x);
    Bf16Data bf16(random, 12, 128);
    for (std::size_t i = 0; i < bf16.values.size(); i += 5) {
        bf16.values[i] = i % 2 ? 0x8000 : 0x8003;
    }
    checkBf16(bf16, x);
    // All weights zero: every result is zero.
    std::fill(fp4.values.begin(), fp4.values.end(), std::uint8_t{0x80});
    std::fill(fp8.values.begin(), fp8.values.end(), std::uint8_t{0x80});
    checkFp8(fp8, x);
    checkFp4(fp4, x);
}

TEST_P(LinearKernels, EveryCodeTimesOne) {
    // Activation e_i picks weight i: results are the weights themselves, bit for bit.
    Random random(21);
    Fp8Data fp8(random, 2, 128, 127, 127);
    Fp4Data fp4(random, 1, 128, 127, 127);
    for (std::uint32_t i = 0; i < 256; ++i) {
        fp8.values[i] = static_cast<std::uint8_t>(i % 128 == 127 ? 0 : i);
    }
    for (std::uint32_t i = 0; i < 64; ++i) {
        fp4.values[i] = static_cast<std::uint8_t>(i * 17 + i / 16);
    }
    std::vector<Bf16> x(std::size_t{128} * 128, 0);
    for (std::size_t i = 0; i < 128; ++i) {
        x[i * 128 + i] = floatToBf16(448); // quantises to 448 * 2^0
    }
    const QuantData quantised(x, 128);
    const PreparedRows forFp8(k, WeightForm::Fp8, quantised), forFp4(k, WeightForm::Fp4, quantised);
    std::vector<Bf16> y8(256), y4(128);
    k.linearFp8(forFp8.operand, {128, 0, 2}, fp8.weight, y8.data(), 2);
    k.linearFp4(forFp4.operand, {128, 0, 1}, fp4.weight, y4.data(), 1);
    for (std::uint32_t i = 0; i < 128; ++i) {
        for (const std::uint32_t o : {0u, 1u}) {
            EXPECT_EQ(bf16ToFloat(y8[i * 2 + o]),
                      roundToBf16(448 * e4m3ToFloat(fp8.values[o * 128 + i])));
        }
        const std::uint8_t two = fp4.values[i / 2];
        EXPECT_EQ(bf16ToFloat(y4[i]),
                  448 * e2m1ToFloat(static_cast<std::uint8_t>(i % 2 ? two >> 4 : two & 15)));
    }
}

TEST_P(LinearKernels, FullSize) {
    // A projection and an expert of V4-Flash; a few rows, sums over 4096 and 2048.
    Random random(22);
    checkFp8(Fp8Data(random, 4096, 4096), random.bf16s(std::size_t{3} * 4096, 2));
    checkFp4(Fp4Data(random, 2048, 4096), random.bf16s(std::size_t{3} * 4096, 2));
    checkBf16(Bf16Data(random, 256, 4096), random.bf16s(std::size_t{3} * 4096));
}

INSTANTIATE_TEST_SUITE_P(Tables, LinearKernels, testing::ValuesIn(allTables()), tableName);

TEST(VectorKernels, Avx2AndAvx512GiveEqualBits) {
    const CpuKernels *a = avx2Kernels(), *b = avx512Kernels();
    if (!a || !b) {
        GTEST_SKIP() << "this processor has not both AVX2 and AVX-512 BF16";
    }
    Random random(23);
    const Fp8Data fp8(random, 132, 640);
    const Fp4Data fp4(random, 132, 640);
    const Bf16Data bf16(random, 132, 640);
    const std::vector<Bf16> x = random.bf16s(std::size_t{13} * 640, 2);
    const QuantData quantised(x, 640);
    std::vector<std::vector<Bf16>> results[2];
    std::vector<float> floats[2];
    for (const int i : {0, 1}) {
        const CpuKernels& k = i ? *b : *a;
        const PreparedRows r8(k, WeightForm::Fp8, quantised), r4(k, WeightForm::Fp4, quantised),
            rw(k, WeightForm::Fp8, x, 640), rb(k, WeightForm::Bfloat16, x, 640);
        results[i].assign(4, std::vector<Bf16>(std::size_t{13} * 132));
        floats[i].resize(std::size_t{13} * 132);
        const LinearRange all{13, 0, 132};
        k.linearFp8(r8.operand, all, fp8.weight, results[i][0].data(), 132);
        k.linearFp4(r4.operand, all, fp4.weight, results[i][1].data(), 132);
        k.linearFp8Bf16(rw.operand, all, fp8.weight, results[i][2].data(), 132);
        k.linearBf16(rb.operand, all, bf16.weight, results[i][3].data(), 132);
        k.linear32(rb.operand, all, bf16.weight, floats[i].data(), 132);
    }
    EXPECT_EQ(results[0], results[1]);
    EXPECT_EQ(floats[0], floats[1]);
}

} // namespace
} // namespace dossier::engine
