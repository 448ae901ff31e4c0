// SPDX-License-Identifier: Apache-2.0
// Every table against the unit goldens of the float64 reference (tests/golden/unit; the tolerances
// are those of its manifest.json), and the functions that exist only in the plain version.
#include <algorithm>
#include <cmath>

#include "engine/model/formats.h"
#include "tests/engine/kernels/cpu/kernel_testing.h"
#include "tests/engine/support/golden.h"

namespace dossier::engine {
namespace {

class UnitGolden : public testing::TestWithParam<const CpuKernels*> {
  protected:
    const CpuKernels& k = *GetParam();
    static test::GoldenFile open(const std::string& name) {
        return test::GoldenFile(test::goldenPath("unit/" + name + ".safetensors").value());
    }
};

std::vector<Bf16> words(const test::GoldenFile& file, std::string_view name) {
    const auto values = file.view(name).bf16();
    return {values.begin(), values.end()};
}

std::uint32_t dim(const test::GoldenFile& file, std::string_view name, std::size_t axis) {
    return static_cast<std::uint32_t>(file.view(name).shape[axis]);
}

/// Equal, or both zero.
bool sameValue(Bf16 a, Bf16 b) {
    return a == b || ((a | b) & 0x7FFF) == 0;
}

TEST_P(UnitGolden, ActivationQuantiser) {
    const auto file = open("activation-quant");
    const auto x = words(file, "x128");
    const auto wantQ = file.bytes("q128"), wantS = file.bytes("s128");
    const std::uint32_t rows = dim(file, "x128", 0), columns = dim(file, "x128", 1);
    for (std::size_t r = 0; r < rows; ++r) {
        std::vector<std::uint8_t> q(columns);
        std::vector<float> s(columns / 128);
        k.quantise(x.data() + r * columns, columns, q.data(), s.data());
        for (std::size_t i = 0; i < columns; ++i) {
            EXPECT_EQ(e4m3ToFloat(q[i]), e4m3ToFloat(wantQ[r * columns + i])) << r << ", " << i;
        }
        for (std::size_t b = 0; b < s.size(); ++b) {
            EXPECT_EQ(s[b], e8m0ToFloat(wantS[r * s.size() + b]));
        }
    }
}

TEST_P(UnitGolden, PackedRows) {
    // Block 64, as rows of the cache are packed; the last 64 values stay bf16.
    const auto file = open("activation-quant");
    const auto x = words(file, "x64"), sim = words(file, "sim64");
    const std::uint32_t rows = dim(file, "x64", 0), dims = dim(file, "x64", 1);
    const KvRowLayout layout = kvRowLayout(dims, 64);
    for (std::size_t r = 0; r < rows; ++r) {
        std::vector<std::byte> row(layout.bytes);
        std::vector<Bf16> back(dims);
        plain::packRow(x.data() + r * dims, layout, row.data());
        k.unpackRow(row.data(), layout, back.data());
        for (std::uint32_t i = 0; i < dims; ++i) {
            const Bf16 want = i < layout.nope ? sim[r * dims + i] : x[r * dims + i];
            EXPECT_TRUE(sameValue(back[i], want)) << r << ", " << i;
        }
    }
}

TEST_P(UnitGolden, Fp4) {
    const auto file = open("fp4");
    const auto x = words(file, "x"), sim = words(file, "sim");
    const std::uint32_t rows = dim(file, "x", 0), columns = dim(file, "x", 1);
    for (std::size_t r = 0; r < rows; ++r) {
        std::vector<Bf16> got(x.begin() + static_cast<std::ptrdiff_t>(r * columns),
                              x.begin() + static_cast<std::ptrdiff_t>((r + 1) * columns));
        std::vector<std::byte> key(indexKeyBytes(columns));
        std::vector<Bf16> unpacked(columns);
        plain::packKey(got.data(), columns, key.data());
        plain::unpackKey(key.data(), columns, unpacked.data());
        k.fp4Simulate(got.data(), columns);
        for (std::size_t i = 0; i < columns; ++i) {
            EXPECT_TRUE(sameValue(got[i], sim[r * columns + i])) << r << ", " << i;
            EXPECT_TRUE(sameValue(unpacked[i], sim[r * columns + i])) << r << ", " << i;
        }
    }
}

/// y: equal, or the neighbouring bf16, or within 2^-20 * absdot; at least 99 % equal.
std::string compareLinear(std::span<const Bf16> got, std::span<const Bf16> want,
                          std::span<const float> absdot) {
    std::size_t equal = 0;
    for (std::size_t i = 0; i < want.size(); ++i) {
        const float difference = std::abs(bf16ToFloat(got[i]) - bf16ToFloat(want[i]));
        equal += got[i] == want[i];
        if (steps(got[i], want[i]) > 1 && !(difference <= 0x1p-20f * absdot[i])) {
            return "element " + std::to_string(i);
        }
    }
    return equal * 100 >= want.size() * 99 ? "" : "fewer than 99 % equal";
}

TEST_P(UnitGolden, Linear) {
    const auto file = open("linear");
    {
        const auto x = words(file, "l8.x");
        const auto values = file.bytes("l8.weight"), scales = file.bytes("l8.scale");
        const Fp8Weight w{values.data(), scales.data(), dim(file, "l8.weight", 0),
                          dim(file, "l8.weight", 1)};
        const std::uint32_t n = dim(file, "l8.x", 0);
        const PreparedRows rows(k, WeightForm::Fp8, QuantData(x, w.in));
        std::vector<Bf16> y(std::size_t{n} * w.out);
        k.linearFp8(rows.operand, {n, 0, w.out}, w, y.data(), w.out);
        EXPECT_EQ(compareLinear(y, words(file, "l8.y"), file.floats("l8.absdot")), "");
    }
    {
        const auto x = words(file, "l4.x");
        const auto codes = file.integers("l4.weight");
        const std::vector<std::uint8_t> values(codes.begin(), codes.end());
        const auto scales = file.bytes("l4.scale");
        const Fp4Weight w{values.data(), scales.data(), dim(file, "l4.weight", 0),
                          2 * dim(file, "l4.weight", 1)};
        const std::uint32_t n = dim(file, "l4.x", 0);
        const PreparedRows rows(k, WeightForm::Fp4, QuantData(x, w.in));
        std::vector<Bf16> y(std::size_t{n} * w.out);
        k.linearFp4(rows.operand, {n, 0, w.out}, w, y.data(), w.out);
        EXPECT_EQ(compareLinear(y, words(file, "l4.y"), file.floats("l4.absdot")), "");
    }
    const auto x = words(file, "lbf.x"), values = words(file, "lbf.weight");
    const Bf16Weight w{values.data(), dim(file, "lbf.weight", 0), dim(file, "lbf.weight", 1)};
    const std::uint32_t n = dim(file, "lbf.x", 0);
    const PreparedRows rows(k, WeightForm::Bfloat16, x, w.in);
    std::vector<Bf16> y(std::size_t{n} * w.out);
    std::vector<float> floats(y.size());
    k.linearBf16(rows.operand, {n, 0, w.out}, w, y.data(), w.out);
    k.linear32(rows.operand, {n, 0, w.out}, w, floats.data(), w.out);
    const auto absdot = file.floats("lbf.absdot"), want = file.floats("l32.y");
    EXPECT_EQ(compareLinear(y, words(file, "lbf.y"), absdot), "");
    for (std::size_t i = 0; i < want.size(); ++i) {
        EXPECT_LE(std::abs(floats[i] - want[i]), 0x1p-20f * absdot[i]);
    }
}

TEST_P(UnitGolden, Norms) {
    const auto file = open("norm");
    const auto x = words(file, "x"), w = words(file, "weight"), q = words(file, "q");
    const std::uint32_t rows = dim(file, "x", 0), columns = dim(file, "x", 1);
    std::vector<Bf16> y(x.size());
    for (std::size_t r = 0; r < rows; ++r) {
        k.rmsNorm(x.data() + r * columns, w.data(), columns, 1e-6, y.data() + r * columns);
    }
    EXPECT_EQ(compare(y, words(file, "y_eps1e-6"), {1, 0.99}), "");

    std::vector<Bf16> normed = q;
    const auto want = words(file, "q_norm_eps1e-6");
    const std::size_t heads = q.size() / columns;
    std::size_t moved = 0;
    for (std::size_t h = 0; h < heads; ++h) {
        const auto head = std::span(normed).subspan(h * columns, columns);
        const auto wanted = std::span(want).subspan(h * columns, columns);
        k.headNorm(head.data(), columns, 1e-6f);
        moved += !std::equal(head.begin(), head.end(), wanted.begin());
        EXPECT_EQ(compare(head, wanted, {1, 0}), "");
    }
    EXPECT_LE(moved, heads / 24);
}

TEST_P(UnitGolden, Rope) {
    const auto file = open("rope");
    const auto positions = file.integers("positions");
    const auto x = words(file, "x");
    const std::uint32_t heads = dim(file, "x", 1), columns = dim(file, "x", 2);
    for (const std::string kind : {"plain", "yarn"}) {
        SCOPED_TRACE(kind);
        const std::vector<float> frequencies =
            kind == "plain" ? plain::ropeFrequencies(10000, 64)
                            : plain::yarnFrequencies(160000, 64, 16, 32, 1, 65536);
        EXPECT_EQ(frequencies, file.floats(kind + ".freqs"));
        const auto cosines = file.floats(kind + ".cos"), sines = file.floats(kind + ".sin");
        std::vector<Bf16> y = x, back = x;
        for (std::size_t p = 0; p < positions.size(); ++p) {
            std::vector<float> table(64);
            plain::ropeTable(static_cast<std::uint64_t>(positions[p]), frequencies, table.data());
            for (std::size_t i = 0; i < 32; ++i) {
                EXPECT_NEAR(table[2 * i], cosines[p * 32 + i], 1.2e-7f);
                EXPECT_NEAR(table[2 * i + 1], sines[p * 32 + i], 1.2e-7f);
            }
            for (std::size_t h = 0; h < heads; ++h) {
                const std::size_t at = (p * heads + h) * columns;
                k.rotate(y.data() + at, columns, table.data(), 32, false);
                k.rotate(back.data() + at, columns, table.data(), 32, true);
            }
        }
        EXPECT_EQ(compare(y, words(file, kind + ".y"), {1, 0.999, 0x1p-22}), "");
        EXPECT_EQ(compare(back, words(file, kind + ".y_inverse"), {1, 0.999, 0x1p-22}), "");
    }
}

TEST_P(UnitGolden, Hadamard) {
    const auto file = open("hadamard");
    const auto want = words(file, "y"), wantFp4 = words(file, "y_fp4");
    std::vector<Bf16> y = words(file, "x");
    const std::uint32_t rows = dim(file, "x", 0), n = dim(file, "x", 1);
    for (std::size_t r = 0; r < rows; ++r) {
        k.hadamard(y.data() + r * n, n);
        const bool exact = std::equal(y.begin() + static_cast<std::ptrdiff_t>(r * n),
                                      y.begin() + static_cast<std::ptrdiff_t>((r + 1) * n),
                                      want.begin() + static_cast<std::ptrdiff_t>(r * n));
        std::vector<Bf16> fp4(y.begin() + static_cast<std::ptrdiff_t>(r * n),
                              y.begin() + static_cast<std::ptrdiff_t>((r + 1) * n));
        k.fp4Simulate(fp4.data(), n);
        for (std::size_t i = 0; exact && i < n; ++i) {
            EXPECT_TRUE(sameValue(fp4[i], wantFp4[r * n + i]));
        }
    }
    EXPECT_EQ(compare(y, want, {1, 0.995, 0x1p-22}), "");
}

TEST_P(UnitGolden, HyperConnections) {
    const auto file = open("mhc");
    const auto m = file.floats("m"), scale = file.floats("scale"), base = file.floats("base");
    const auto streams = words(file, "streams"), y = words(file, "y");
    const std::uint32_t rows = dim(file, "m", 0), d = dim(file, "streams", 2);
    std::vector<float> pre(rows * 4), post(rows * 4), comb(rows * 16);
    std::vector<Bf16> mixed(std::size_t{rows} * d), out = streams;
    const auto goldenPre = file.floats("pre"), goldenPost = file.floats("post"),
               goldenComb = file.floats("comb");
    for (std::size_t r = 0; r < rows; ++r) {
        plain::sinkhornSplit(m.data() + r * 24, scale.data(), base.data(), 4, 20, 1e-6f,
                             pre.data() + r * 4, post.data() + r * 4, comb.data() + r * 16);
        k.hyperCombine(streams.data() + r * 4 * d, goldenPre.data() + r * 4, 4, d,
                       mixed.data() + r * d);
        k.hyperOut(out.data() + r * 4 * d, y.data() + r * d, goldenPost.data() + r * 4,
                   goldenComb.data() + r * 16, 4, d);
    }
    EXPECT_EQ(compare(pre, goldenPre, 1e-5, 1e-7), "");
    EXPECT_EQ(compare(post, goldenPost, 1e-5, 1e-7), "");
    EXPECT_EQ(compare(comb, goldenComb, 1e-5, 1e-7), "");
    EXPECT_EQ(compare(mixed, words(file, "mixed"), {1, 0.99}), "");
    EXPECT_EQ(compare(out, words(file, "streams_out"), {1, 0.99}), "");
}

TEST(UnitGoldenPlain, Router) {
    const test::GoldenFile file(test::goldenPath("unit/router.safetensors").value());
    const auto logits = file.floats("logits"), bias = file.floats("bias");
    const auto ids = file.integers("ids"), hashIds = file.integers("hash_ids");
    const auto weights = file.floats("weights"), hashWeights = file.floats("hash_weights");
    const std::uint32_t rows = dim(file, "logits", 0), experts = dim(file, "logits", 1);
    const std::uint32_t top = dim(file, "ids", 1);
    for (std::size_t r = 0; r < rows; ++r) {
        std::vector<std::int32_t> chosen(top);
        std::vector<float> w(top);
        plain::route(logits.data() + r * experts, bias.data(), nullptr, experts, top, 1.5,
                     chosen.data(), w.data());
        EXPECT_TRUE(std::equal(chosen.begin(), chosen.end(),
                               ids.begin() + static_cast<std::ptrdiff_t>(r * top)));
        EXPECT_EQ(compare(w, std::span(weights).subspan(r * top, top), 1e-6, 0), "");
        plain::route(logits.data() + r * experts, nullptr, hashIds.data() + r * top, experts, top,
                     1.5, chosen.data(), w.data());
        EXPECT_TRUE(std::equal(chosen.begin(), chosen.end(),
                               hashIds.begin() + static_cast<std::ptrdiff_t>(r * top)));
        EXPECT_EQ(compare(w, std::span(hashWeights).subspan(r * top, top), 1e-6, 0), "");
    }
}

TEST_P(UnitGolden, Swiglu) {
    const auto file = open("swiglu");
    const auto gate = words(file, "gate"), up = words(file, "up");
    const auto weight = file.floats("weight");
    const std::uint32_t rows = dim(file, "gate", 0), columns = dim(file, "gate", 1);
    std::vector<Bf16> shared(gate.size()), routed(gate.size());
    for (std::size_t r = 0; r < rows; ++r) {
        const std::size_t at = r * columns;
        k.swiglu(gate.data() + at, up.data() + at, columns, 1, 10, shared.data() + at);
        k.swiglu(gate.data() + at, up.data() + at, columns, weight[r], 10, routed.data() + at);
    }
    // -50 e^-50 leaves the bf16 steps of FP32's exponential far behind: absolute.
    EXPECT_EQ(compare(shared, words(file, "shared"), {1, 0.99}), "");
    EXPECT_EQ(compare(routed, words(file, "routed"), {1, 0.99}), "");
}

TEST_P(UnitGolden, Compressor) {
    const auto file = open("compressor");
    const std::vector<float> frequencies = plain::yarnFrequencies(160000, 64, 16, 32, 1, 65536);
    for (const std::string kind : {"csa", "csa_index", "hca"}) {
        SCOPED_TRACE(kind);
        const auto h = words(file, kind + ".h"), wkv = words(file, kind + ".wkv.weight"),
                   wgate = words(file, kind + ".wgate.weight"),
                   norm = words(file, kind + ".norm.weight"), want = words(file, kind + ".entries");
        const auto ape = file.floats(kind + ".ape");
        const std::uint32_t tokens = dim(file, kind + ".h", 0), in = dim(file, kind + ".h", 1);
        const std::uint32_t ratio = dim(file, kind + ".ape", 0);
        const std::uint32_t columns = dim(file, kind + ".ape", 1);
        const auto width = static_cast<std::uint32_t>(norm.size());
        const PreparedRows rows(k, WeightForm::Bfloat16, h, in);
        std::vector<float> a(std::size_t{tokens} * columns), s(a.size());
        const LinearRange all{tokens, 0, columns};
        k.linear32(rows.operand, all, {wkv.data(), columns, in}, a.data(), columns);
        k.linear32(rows.operand, all, {wgate.data(), columns, in}, s.data(), columns);
        for (std::size_t i = 0; i < s.size(); ++i) {
            s[i] += ape[i % (std::size_t{ratio} * columns)];
        }
        if (ratio == 4) {
            EXPECT_EQ(compare(a, file.floats(kind + ".a"), 0, 1e-5), "");
            EXPECT_EQ(compare(s, file.floats(kind + ".s"), 0, 1e-5), "");
        }
        std::size_t equal = 0;
        for (std::uint32_t j = 0; j < tokens / ratio; ++j) {
            std::vector<plain::PoolSlot> slots;
            const auto slot = [&](std::size_t token, std::size_t offset) {
                return plain::PoolSlot{a.data() + token * columns + offset,
                                       s.data() + token * columns + offset};
            };
            for (std::uint32_t i = 0; ratio == 4 && i < ratio; ++i) {
                slots.push_back(j ? slot((j - 1) * ratio + i, 0) : plain::PoolSlot{});
            }
            for (std::uint32_t i = 0; i < ratio; ++i) {
                slots.push_back(slot(std::size_t{j} * ratio + i, columns - width));
            }
            std::vector<Bf16> pooled(width), e(width);
            std::vector<float> table(64);
            k.pool(slots, width, pooled.data());
            k.rmsNorm(pooled.data(), norm.data(), width, 1e-6, e.data());
            plain::ropeTable(std::uint64_t{j} * ratio, frequencies, table.data());
            k.rotate(e.data(), width, table.data(), 32, false);
            if (kind == "csa_index") {
                k.hadamard(e.data(), width);
                k.fp4Simulate(e.data(), width);
            } else {
                const KvRowLayout layout = kvRowLayout(width, 64);
                std::vector<std::byte> row(layout.bytes);
                plain::packRow(e.data(), layout, row.data());
                k.unpackRow(row.data(), layout, e.data());
            }
            for (std::uint32_t i = 0; i < width; ++i) {
                const Bf16 wanted = want[std::size_t{j} * width + i];
                equal += sameValue(e[i], wanted);
                // One step of the format: an eighth in FP8, a half in FP4, 2^-7 in bf16.
                const double step = kind == "csa_index" ? 0.5 : i < width - 64 ? 0.125 : 0x1p-7;
                const auto value = static_cast<double>(bf16ToFloat(wanted));
                EXPECT_NEAR(bf16ToFloat(e[i]), value, step * std::abs(value) + 0.1 * step);
            }
        }
        EXPECT_GE(equal * 100, want.size() * 98);
    }
}

TEST_P(UnitGolden, Indexer) {
    const auto file = open("indexer");
    const auto q = words(file, "q"), w = words(file, "weights"), keys = words(file, "keys");
    const auto order = file.integers("order");
    const std::uint32_t rows = dim(file, "q", 0), heads = dim(file, "q", 1);
    const std::uint32_t dims = dim(file, "q", 2), count = dim(file, "keys", 0);
    std::vector<std::byte> packed(std::size_t{count} * indexKeyBytes(dims));
    for (std::size_t j = 0; j < count; ++j) {
        plain::packKey(keys.data() + j * dims, dims, packed.data() + j * indexKeyBytes(dims));
    }
    const auto want = words(file, "scores");
    for (std::size_t r = 0; r < rows; ++r) {
        std::vector<float> scores(count), golden(count);
        k.indexScores(q.data() + r * heads * dims, w.data() + r * heads, packed.data(), count,
                      heads, dims, scores.data());
        std::vector<Bf16> got(count);
        for (std::size_t j = 0; j < count; ++j) {
            got[j] = floatToBf16(scores[j]);
            golden[j] = bf16ToFloat(want[r * count + j]);
        }
        EXPECT_EQ(compare(got, std::span(want).subspan(r * count, count), {1, 0.99}), "");
        for (const std::uint32_t top : {1u, 8u, 21u, count}) {
            std::vector<std::int32_t> ids(top);
            k.selectLargest(golden.data(), count, top, ids.data());
            std::vector<std::int32_t> best(order.begin() + static_cast<std::ptrdiff_t>(r * count),
                                           order.begin() +
                                               static_cast<std::ptrdiff_t>(r * count + top));
            std::sort(best.begin(), best.end());
            EXPECT_EQ(ids, best) << "row " << r << ", best " << top;
        }
    }
}

TEST_P(UnitGolden, Attention) {
    const auto file = open("attention");
    const auto q = words(file, "q"), values = words(file, "rows");
    const auto sink = file.floats("sink");
    const std::uint32_t heads = dim(file, "q", 0), dims = dim(file, "q", 1);
    for (const std::uint32_t count : {1u, 17u, 70u}) {
        std::vector<const Bf16*> rows;
        for (std::uint32_t r = 0; r < count; ++r) {
            rows.push_back(values.data() + std::size_t{r} * dims);
        }
        std::vector<Bf16> o(q.size());
        k.attend(q.data(), heads, {rows.data(), count, dims}, sink.data(),
                 static_cast<float>(1 / std::sqrt(static_cast<double>(dims))), o.data());
        EXPECT_EQ(compare(o, words(file, "y_" + std::to_string(count)), {2, 0, 0x1p-16}), "");
    }
}

INSTANTIATE_TEST_SUITE_P(Tables, UnitGolden, testing::ValuesIn(allTables()), tableName);

} // namespace
} // namespace dossier::engine
