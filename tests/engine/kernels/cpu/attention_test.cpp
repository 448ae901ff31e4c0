// SPDX-License-Identifier: Apache-2.0
// Attention and indexer of every fast table against the plain functions.
//
// Scores are sums of exact products, 16 lanes in FP32 and then FP64: within 2^-22 of the exact one
// times |q||k|. A score that is off by e moves p by the factor 1+e, and bf16(p) by one step (2^-8)
// where p lies that close to a boundary. One such flip moves a result by at most 2^-8 of its share,
// far less than a step of the sum when there are many rows: two steps are allowed, as by the golden
// data, and an absolute 2^-16 of the values where sums cancel.
#include <cmath>

#include "tests/engine/kernels/cpu/kernel_testing.h"

namespace dossier::engine {
namespace {

class AttentionKernels : public testing::TestWithParam<const CpuKernels*> {
  protected:
    const CpuKernels& k = *GetParam();

    void check(std::uint32_t heads, std::uint32_t count, std::uint32_t dims, float deviation,
               float sinkValue) {
        SCOPED_TRACE(std::to_string(heads) + " heads, " + std::to_string(count) + " rows of " +
                     std::to_string(dims));
        Random random(heads * 1000 + count * 10 + dims);
        const std::vector<Bf16> q = random.bf16s(std::size_t{heads} * dims, deviation);
        const std::vector<Bf16> values = random.bf16s(std::size_t{count} * dims, 1.5f);
        std::vector<float> sink(heads, sinkValue);
        std::vector<const Bf16*> rows;
        for (std::uint32_t r = 0; r < count; ++r) { // in another order than in memory
            rows.push_back(values.data() + std::size_t{(r * 7) % count} * dims);
        }
        const float scale = 1 / std::sqrt(static_cast<float>(dims));
        std::vector<Bf16> got(q.size()), want(q.size());
        plainKernels().attend(q.data(), heads, {rows.data(), count, dims}, sink.data(), scale,
                              want.data());
        k.attend(q.data(), heads, {rows.data(), count, dims}, sink.data(), scale, got.data());
        EXPECT_EQ(compare(got, want, {2, 0.9, 0x1p-16}), "");
        // A head's result does not depend on the heads beside it.
        for (std::uint32_t h = 0; h < heads; h += 3) {
            std::vector<Bf16> one(dims);
            k.attend(q.data() + std::size_t{h} * dims, 1, {rows.data(), count, dims}, &sink[h],
                     scale, one.data());
            EXPECT_TRUE(std::equal(one.begin(), one.end(), got.begin() + h * dims)) << "head " << h;
        }
    }
};

TEST_P(AttentionKernels, EveryNumberOfRowsAndHeads) {
    for (const std::uint32_t count :
         {1u, 2u, 3u, 4u, 5u, 6u, 7u, 15u, 16u, 17u, 31u, 33u, 127u, 128u, 129u, 300u}) {
        check(5, count, 128, 1.3f, 0.5f);
    }
    for (const std::uint32_t heads : {1u, 2u, 3u, 4u, 7u, 8u, 9u}) {
        check(heads, 37, 96, 1.3f, -1);
    }
    for (const std::uint32_t dims : {32u, 64u, 100u, 160u, 256u}) {
        check(4, 50, dims, 1.3f, 2);
    }
}

TEST_P(AttentionKernels, SharpAndFlatDistributionsAndSinks) {
    for (const float sink : {-100.0f, 0.0f, 8.0f, 60.0f}) {
        check(4, 200, 128, 0.0f, sink);  // all rows alike
        check(4, 200, 128, 30.0f, sink); // one row takes it all
    }
}

TEST_P(AttentionKernels, FullSize) {
    check(64, 128 + 512, 512, 1.0f, 0.3f); // a layer of V4-Flash: window and chosen entries
}

TEST_P(AttentionKernels, IndexScores) {
    for (const auto& [heads, dims] :
         {std::pair{1u, 32u}, {4u, 128u}, {8u, 64u}, {17u, 64u}, {3u, 96u}, {64u, 128u}}) {
        for (const std::uint64_t count : {0u, 1u, 5u, 200u}) {
            SCOPED_TRACE(std::to_string(heads) + " heads of " + std::to_string(dims));
            Random random(heads + dims + count);
            std::vector<Bf16> q = random.bf16s(std::size_t{heads} * dims);
            plain::fp4Simulate(q.data(), heads * dims);
            const std::vector<Bf16> w = random.bf16s(heads, 0.05f);
            std::vector<std::byte> keys(count * indexKeyBytes(dims));
            for (std::uint64_t j = 0; j < count; ++j) {
                const auto key =
                    random.bf16s(dims, std::ldexp(1.0f, static_cast<int>(j % 30) - 15));
                plain::packKey(key.data(), dims, keys.data() + j * indexKeyBytes(dims));
            }
            std::vector<float> got(count + 1, -7), want(count);
            plainKernels().indexScores(q.data(), w.data(), keys.data(), count, heads, dims,
                                       want.data());
            k.indexScores(q.data(), w.data(), keys.data(), count, heads, dims, got.data());
            EXPECT_EQ(got[count], -7.0f);
            // Products of FP4 values sum exactly in FP32; only the sum over heads can round apart.
            std::vector<Bf16> a(count), b(count);
            for (std::uint64_t j = 0; j < count; ++j) {
                a[j] = floatToBf16(got[j]);
                b[j] = floatToBf16(want[j]);
                EXPECT_EQ(bf16ToFloat(a[j]), got[j]); // a bf16 value
            }
            EXPECT_EQ(count ? compare(a, b, {1, 0.99}) : "", "");
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Tables, AttentionKernels, testing::ValuesIn(fastTables()), tableName);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(AttentionKernels);

TEST(VectorKernels, AttentionIsTheSameOnAvx2AndAvx512) {
    const CpuKernels *a = avx2Kernels(), *b = avx512Kernels();
    if (!a || !b) {
        GTEST_SKIP() << "this processor has not both AVX2 and AVX-512 BF16";
    }
    Random random(9);
    const std::uint32_t heads = 6, dims = 160, count = 75;
    const std::vector<Bf16> q = random.bf16s(heads * dims), values = random.bf16s(count * dims);
    const std::vector<float> sink = random.floats(heads);
    std::vector<const Bf16*> rows;
    for (std::uint32_t r = 0; r < count; ++r) {
        rows.push_back(values.data() + std::size_t{r} * dims);
    }
    std::vector<Bf16> results[2];
    for (const int i : {0, 1}) {
        results[i].resize(heads * dims);
        (i ? b : a)->attend(q.data(), heads, {rows.data(), count, dims}, sink.data(), 0.1f,
                            results[i].data());
    }
    EXPECT_EQ(results[0], results[1]);
}

} // namespace
} // namespace dossier::engine
