// SPDX-License-Identifier: Apache-2.0
// Per-row kernels of every table against the plain functions: typical sizes, sizes that do not fill
// the lanes, special values.
//
// Quantisers, packing, rotation and the sum of rows do nothing but exact or single-rounded steps in
// the same order: equal bits. Norms and hyper-connections sum in FP64 in another order (2^-53 of
// the sum), which moves a result only when it lies that close to a rounding boundary: one step,
// nearly never. FP32 steps (Hadamard, pooling, SwiGLU) are off by some 2^-24 each, 2^-15 of a bf16
// step, so one result in some hundred may land one step away.
#include <cmath>
#include <cstring>

#include "tests/engine/kernels/cpu/kernel_testing.h"

namespace dossier::engine {
namespace {

const std::vector<std::uint32_t> kColumns{16, 32, 33, 48, 100, 128, 192, 256, 512, 1024, 4096};

class RowKernels : public testing::TestWithParam<const CpuKernels*> {
  protected:
    const CpuKernels& k = *GetParam();
};

/// Rows with the values that quantisers must get right: zeros of both signs, subnormals, maxima at
/// and beside the scale's step, ties, one outlier, huge and tiny ones.
std::vector<std::vector<Bf16>> specialRows(Random& random, std::uint32_t columns) {
    std::vector<std::vector<Bf16>> rows;
    const auto row = [&](float deviation) -> std::vector<Bf16>& {
        return rows.emplace_back(random.bf16s(columns, deviation));
    };
    rows.emplace_back(columns, Bf16{0});
    rows.emplace_back(columns, Bf16{0x8000});
    rows.emplace_back(columns, Bf16{0x0001});
    for (const float deviation : {1e-38f, 1e-30f, 1e-8f, 1e-4f, 1.0f, 100.0f, 1e30f}) {
        row(deviation);
    }
    for (const float limit : {448.0f, 6.0f}) {
        for (const int exponent : {-9, 0, 7}) {
            for (const std::uint16_t off : {0, 1, 0xFFFF}) { // at, just above, just below
                std::vector<Bf16>& r = row(std::ldexp(limit / 8, exponent));
                const Bf16 top = floatToBf16(std::ldexp(limit, exponent));
                r[columns / 2] = static_cast<Bf16>(top + off);
                r[columns / 3] = static_cast<Bf16>((top + off) | 0x8000);
            }
        }
    }
    std::vector<Bf16>& ties = row(1);
    for (std::uint32_t i = 0; i < columns; ++i) { // halves of steps of both formats
        ties[i] = floatToBf16((static_cast<float>(i % 64) - 32) * 0.25f);
    }
    ties[0] = floatToBf16(448);
    std::vector<Bf16>& outlier = row(1e-3f);
    outlier[columns - 1] = floatToBf16(-30000);
    return rows;
}

TEST_P(RowKernels, Quantise) {
    for (const std::uint32_t columns : {128u, 256u, 1024u, 4096u}) {
        Random random(columns);
        for (const auto& x : specialRows(random, columns)) {
            std::vector<std::uint8_t> q(columns), wantQ(columns);
            std::vector<float> s(columns / 128), wantS(columns / 128);
            plain::quantise(x.data(), columns, wantQ.data(), wantS.data());
            k.quantise(x.data(), columns, q.data(), s.data());
            EXPECT_EQ(q, wantQ);
            EXPECT_EQ(s, wantS);
        }
    }
}

TEST_P(RowKernels, Fp4Simulate) {
    for (const std::uint32_t columns : {32u, 64u, 128u, 512u}) {
        Random random(columns);
        for (const auto& x : specialRows(random, columns)) {
            std::vector<Bf16> got = x, want = x;
            plain::fp4Simulate(want.data(), columns);
            k.fp4Simulate(got.data(), columns);
            EXPECT_EQ(got, want);
        }
    }
}

TEST_P(RowKernels, UnpackRow) {
    for (const std::uint32_t dims : {128u, 192u, 512u}) {
        const KvRowLayout layout = kvRowLayout(dims, 64);
        Random random(dims);
        for (const auto& x : specialRows(random, dims)) {
            std::vector<std::byte> row(layout.bytes);
            plain::packRow(x.data(), layout, row.data());
            std::vector<Bf16> got(dims), want(dims);
            plain::unpackRow(row.data(), layout, want.data());
            k.unpackRow(row.data(), layout, got.data());
            EXPECT_EQ(got, want);
        }
    }
}

TEST_P(RowKernels, Rotate) {
    const std::vector<float> frequencies = plain::yarnFrequencies(160000, 64, 16, 32, 1, 65536);
    Random random(1);
    for (const std::uint64_t position : {0u, 1u, 4095u, 1048575u}) {
        std::vector<float> table(64);
        plain::ropeTable(position, frequencies, table.data());
        for (const bool inverse : {false, true}) {
            for (const std::uint32_t columns : {64u, 128u, 512u}) {
                const std::vector<Bf16> x = random.bf16s(columns, 3);
                std::vector<Bf16> got = x, want = x;
                plain::rotate(want.data(), columns, table.data(), 32, inverse);
                k.rotate(got.data(), columns, table.data(), 32, inverse);
                EXPECT_EQ(got, want);
                got = want = x; // a number of pairs that does not fill the lanes
                plain::rotate(want.data(), columns, table.data(), 5, inverse);
                k.rotate(got.data(), columns, table.data(), 5, inverse);
                EXPECT_EQ(got, want);
            }
        }
    }
}

TEST_P(RowKernels, SumRows) {
    Random random(2);
    for (const std::uint32_t columns : kColumns) {
        for (const std::uint32_t count : {1u, 2u, 7u}) {
            const std::vector<Bf16> values = random.bf16s(std::size_t{count} * columns);
            std::vector<const Bf16*> rows;
            for (std::uint32_t r = 0; r < count; ++r) {
                rows.push_back(values.data() + std::size_t{r} * columns);
            }
            std::vector<Bf16> got(columns), want(columns);
            plain::sumRows(rows.data(), count, columns, want.data());
            k.sumRows(rows.data(), count, columns, got.data());
            EXPECT_EQ(got, want);
        }
    }
}

TEST_P(RowKernels, RmsNorm) {
    for (const std::uint32_t columns : kColumns) {
        SCOPED_TRACE(columns);
        Random random(columns);
        std::vector<Bf16> w = random.bf16s(columns, 0.3f);
        for (Bf16& value : w) {
            value = floatToBf16(1 + bf16ToFloat(value));
        }
        for (const float deviation : {0.0f, 1e-6f, 1.0f, 1e3f, 1e15f}) {
            const std::vector<Bf16> x = random.bf16s(columns, deviation);
            std::vector<Bf16> got(columns), want(columns);
            plain::rmsNorm(x.data(), w.data(), columns, 1e-6, want.data());
            k.rmsNorm(x.data(), w.data(), columns, 1e-6, got.data());
            EXPECT_EQ(compare(got, want, {1, 0.99}), "");
        }
    }
}

TEST_P(RowKernels, HeadNorm) {
    // When the FP32 sum of the squares flips the bf16 mean, a whole head moves by a step or two.
    std::size_t moved = 0, heads = 0;
    for (const std::uint32_t columns : {48u, 100u, 128u, 512u}) {
        Random random(columns);
        for (int head = 0; head < 60; ++head, ++heads) {
            const std::vector<Bf16> q = random.bf16s(columns, 1.7f);
            std::vector<Bf16> got = q, want = q;
            plain::headNorm(want.data(), columns, 1e-6f);
            k.headNorm(got.data(), columns, 1e-6f);
            moved += got != want;
            EXPECT_EQ(compare(got, want, {2, 0}), "");
        }
        std::vector<Bf16> zeros(columns, 0);
        k.headNorm(zeros.data(), columns, 1e-6f);
        EXPECT_EQ(zeros, std::vector<Bf16>(columns, 0));
    }
    EXPECT_LE(moved, heads / 24);
}

TEST_P(RowKernels, HyperConnections) {
    for (const std::uint32_t d : {16u, 33u, 128u, 512u, 4096u}) {
        for (const std::uint32_t streams : {1u, 2u, 4u, 9u}) {
            SCOPED_TRACE(std::to_string(d) + " x " + std::to_string(streams));
            if (std::size_t{d} * streams > 20000) {
                continue;
            }
            Random random(d + streams);
            const std::uint32_t outs = (2 + streams) * streams, in = d * streams, rows = 6;
            const std::vector<Bf16> x = random.bf16s(std::size_t{rows} * in, 1.5f);
            const std::vector<float> fn = random.floats(std::size_t{outs} * in, 0.02f);
            const F32Weight weight{fn.data(), outs, in};
            std::vector<float> want(std::size_t{rows} * outs), got(want.size()), parts(want.size());
            for (std::size_t r = 0; r < rows; ++r) {
                plain::hyperMix(x.data() + r * in, weight, 1e-6, want.data() + r * outs);
            }
            // The FP32 result of an FP64 sum, times an FP64 factor: two roundings.
            k.hyperMix(x.data(), weight, {rows, 0, outs}, 1e-6, got.data());
            EXPECT_EQ(compare(got, want, 0x1p-22, 1e-9), "");
            for (std::uint32_t r = 0; r < rows; ++r) { // one by one, outputs in pieces
                const std::uint32_t cut = outs / 2;
                k.hyperMix(x.data() + std::size_t{r} * in, weight, {1, 0, cut}, 1e-6,
                           parts.data() + std::size_t{r} * outs);
                k.hyperMix(x.data() + std::size_t{r} * in, weight, {1, cut, outs}, 1e-6,
                           parts.data() + std::size_t{r} * outs);
            }
            EXPECT_EQ(parts, got);

            const std::vector<float> pre = random.floats(streams), post = random.floats(streams);
            const std::vector<float> comb = random.floats(std::size_t{streams} * streams);
            std::vector<Bf16> u(d), wantU(d);
            plain::hyperCombine(x.data(), pre.data(), streams, d, wantU.data());
            k.hyperCombine(x.data(), pre.data(), streams, d, u.data());
            EXPECT_EQ(compare(u, wantU, {1, 0.99}), "");
            std::vector<Bf16> after(x.begin(), x.begin() + in), wantAfter = after;
            const std::vector<Bf16> y = random.bf16s(d);
            plain::hyperOut(wantAfter.data(), y.data(), post.data(), comb.data(), streams, d);
            k.hyperOut(after.data(), y.data(), post.data(), comb.data(), streams, d);
            EXPECT_EQ(compare(after, wantAfter, {1, 0.99}), "");
        }
    }
}

TEST_P(RowKernels, Hadamard) {
    for (const std::uint32_t n : {1u, 2u, 16u, 32u, 64u, 128u, 256u, 512u}) {
        SCOPED_TRACE(n);
        Random random(n);
        for (const float deviation : {0.0f, 1e-20f, 1.0f, 1e20f}) {
            const std::vector<Bf16> x = random.bf16s(n, deviation);
            std::vector<Bf16> got = x, want = x;
            plain::hadamard(want.data(), n);
            k.hadamard(got.data(), n);
            // Sums that cancel keep the error of their parts: log2(n) roundings of 2^-24.
            const double absolute = 16 * 0x1p-24 * 4 * static_cast<double>(deviation);
            EXPECT_EQ(compare(got, want, {1, 0.98, absolute}), "");
        }
    }
}

TEST_P(RowKernels, Pool) {
    for (const std::uint32_t width : {16u, 40u, 64u, 128u, 512u}) {
        for (const std::size_t count : {1u, 4u, 8u, 128u}) {
            SCOPED_TRACE(std::to_string(width) + ", " + std::to_string(count));
            Random random(width + count);
            const std::vector<float> a = random.floats(count * width);
            std::vector<float> s = random.floats(count * width, 3);
            s[0] = -80; // far below the others
            std::vector<plain::PoolSlot> slots(count);
            for (std::size_t i = 0; i < count; ++i) {
                if (i != 1) { // an empty slot, as in the first block
                    slots[i] = {a.data() + i * width, s.data() + i * width};
                }
            }
            std::vector<Bf16> got(width), want(width);
            plain::pool(slots, width, want.data());
            k.pool(slots, width, got.data());
            // Weighted means can cancel: 2^-22 of the values behind them.
            EXPECT_EQ(compare(got, want, {1, 0.97, 0x1p-20}), "");
        }
    }
}

TEST_P(RowKernels, Swiglu) {
    Random random(3);
    for (const std::uint32_t columns : kColumns) {
        SCOPED_TRACE(columns);
        std::vector<Bf16> g = random.bf16s(columns, 6), u = random.bf16s(columns, 6);
        const float extremes[] = {0, -0.0f, 10, -10, 10.0625f, -88, -104, -300, -1e30f, 1e30f};
        for (std::size_t i = 0; i < std::size(extremes); ++i) {
            g[i] = floatToBf16(extremes[i]);
            u[columns - 1 - i] = floatToBf16(extremes[i]);
        }
        for (const float weight : {1.0f, 0.37f, 1e-3f}) {
            std::vector<Bf16> got(columns), want(columns);
            plain::swiglu(g.data(), u.data(), columns, weight, 10, want.data());
            k.swiglu(g.data(), u.data(), columns, weight, 10, got.data());
            // Beyond -87 the exponential leaves FP32's range: next to nothing either way.
            EXPECT_EQ(compare(got, want, {1, 0.9, 1e-34}), "");
            std::vector<Bf16> inPlace = g;
            k.swiglu(inPlace.data(), u.data(), columns, weight, 10, inPlace.data());
            EXPECT_EQ(inPlace, got);
        }
    }
}

TEST_P(RowKernels, SelectLargest) {
    Random random(4);
    for (const std::uint64_t n : {1u, 7u, 100u, 3000u}) {
        for (const std::uint32_t values : {1u, 3u, 1000u}) { // few values: many ties
            std::vector<float> scores(n);
            for (float& score : scores) {
                score = roundToBf16((static_cast<float>(random.below(values)) - 1) * 0.37f);
                score = random.below(9) ? score : -0.0f;
            }
            for (const std::uint32_t count : {1u, 5u, 64u, 512u}) {
                if (count > n) {
                    continue;
                }
                std::vector<std::int32_t> got(count), want(count);
                plain::selectLargest(scores.data(), n, count, want.data());
                k.selectLargest(scores.data(), n, count, got.data());
                EXPECT_EQ(got, want) << n << " scores, " << count << " wanted";
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Tables, RowKernels, testing::ValuesIn(fastTables()), tableName);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RowKernels);

} // namespace
} // namespace dossier::engine
