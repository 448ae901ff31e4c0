// SPDX-License-Identifier: Apache-2.0
// Every step of a layer alone, from the golden value before it: the traces of the float64 reference
// hold all intermediates of all layers at four positions. What needs rows of earlier positions
// (attention itself, pooled entries) is in the unit goldens and in the sublayer comparison of
// tests/engine/transformer.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include <nlohmann/json.hpp>

#include "engine/base/json_text.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/thread_pool.h"
#include "engine/kernels/cpu/cpu_operations.h"
#include "engine/model/checkpoint.h"
#include "engine/transformer/parameters.h"
#include "tests/engine/kernels/cpu/kernel_testing.h"
#include "tests/engine/support/golden.h"

namespace dossier::engine {
namespace {

struct Case {
    std::string model;
    const CpuKernels* kernels;
};

/// Equal elements over many small comparisons; differences are judged as they come.
class Tally {
  public:
    /// Elements may be `ulp` bf16 steps apart, or `relative` of the wanted value.
    void add(const std::string& step, std::span<const Bf16> got, std::span<const Bf16> want,
             std::uint32_t ulp, double relative = 0) {
        ASSERT_EQ(got.size(), want.size()) << step;
        Count& count = m_counts[step];
        for (std::size_t i = 0; i < got.size(); ++i) {
            const auto a = static_cast<double>(bf16ToFloat(got[i]));
            const auto b = static_cast<double>(bf16ToFloat(want[i]));
            count.equal += a == b;
            ++count.all;
            if (steps(got[i], want[i]) > ulp) {
                EXPECT_NEAR(a, b, relative * std::abs(b)) << step << ", element " << i;
            }
        }
    }
    void expect(const std::string& step, double share) const {
        const auto found = m_counts.find(step);
        ASSERT_NE(found, m_counts.end()) << step << " was never compared";
        EXPECT_GE(static_cast<double>(found->second.equal),
                  share * static_cast<double>(found->second.all))
            << step;
    }

  private:
    struct Count {
        std::size_t equal = 0, all = 0;
    };
    std::map<std::string, Count> m_counts;
};

double relativeError(std::span<const float> got, std::span<const float> want) {
    double difference = 0, norm = 0;
    for (std::size_t i = 0; i < want.size(); ++i) {
        const double d = static_cast<double>(got[i]) - static_cast<double>(want[i]);
        difference += d * d;
        norm += static_cast<double>(want[i]) * static_cast<double>(want[i]);
    }
    return std::sqrt(difference / norm);
}

ExpertParameters parametersOf(const ExpertWeights& e) {
    const auto fp4 = [](const ScaledMatrix& m) {
        return Fp4Weight{reinterpret_cast<const std::uint8_t*>(m.weight.data),
                         reinterpret_cast<const std::uint8_t*>(m.scale.data), m.out, m.in};
    };
    const auto fp8 = [](const ScaledMatrix& m) {
        return Fp8Weight{reinterpret_cast<const std::uint8_t*>(m.weight.data),
                         reinterpret_cast<const std::uint8_t*>(m.scale.data), m.out, m.in};
    };
    ExpertParameters p;
    if (e.w1.fp4) {
        p.w1 = fp4(e.w1);
        p.w2 = fp4(e.w2);
        p.w3 = fp4(e.w3);
    } else {
        p.w1Fp8 = fp8(e.w1);
        p.w2Fp8 = fp8(e.w2);
        p.w3Fp8 = fp8(e.w3);
    }
    return p;
}

class TraceGolden : public testing::TestWithParam<Case> {
  protected:
    TraceGolden()
        : k(*GetParam().kernels),
          m_checkpoint(Checkpoint::open(test::tinyCheckpoint(GetParam().model))),
          c(m_checkpoint.config()),
          m_pool(1),
          m_operations(c, k, m_pool, m_ledger),
          m_weights(m_checkpoint.weights(m_ledger)),
          m_parameters(placeParameters(m_operations, c, m_weights)),
          m_trace(path("trace")),
          m_decisions(path("decisions")) {
        std::ifstream run(test::goldenPath(GetParam().model + "/golden-run.json").value());
        m_tokens = parseJson(run)["tokens"].get<std::vector<std::int32_t>>();
    }
    static std::filesystem::path path(const std::string& file) {
        return test::goldenPath(GetParam().model + "/golden-" + file + ".safetensors").value();
    }

    // -- golden values of the present layer and position
    void at(std::uint64_t position, std::uint32_t layer) {
        m_position = position;
        m_layer = "layers." + std::to_string(layer) + ".";
        m_name = "p" + std::to_string(position) + "." + m_layer;
    }
    bool has(const std::string& name) const { return m_trace.has(m_name + name); }
    std::vector<Bf16> words(const std::string& name) const {
        const auto values = m_trace.view(m_name + name).bf16();
        return {values.begin(), values.end()};
    }
    std::vector<float> floats(const std::string& name) const {
        return m_trace.floats(m_name + name);
    }

    // -- steps
    std::vector<Bf16> linear(std::span<const Bf16> x, const Fp8Weight& w) const {
        const PreparedRows rows(k, WeightForm::Fp8, QuantData(x, w.in));
        std::vector<Bf16> y(w.out);
        k.linearFp8(rows.operand, {1, 0, w.out}, w, y.data(), w.out);
        return y;
    }
    std::vector<Bf16> linear(std::span<const Bf16> x, const Fp4Weight& w) const {
        const PreparedRows rows(k, WeightForm::Fp4, QuantData(x, w.in));
        std::vector<Bf16> y(w.out);
        k.linearFp4(rows.operand, {1, 0, w.out}, w, y.data(), w.out);
        return y;
    }
    std::vector<float> linear32(std::span<const Bf16> x, const Bf16Weight& w) const {
        const PreparedRows rows(k, WeightForm::Bfloat16, x, w.in);
        std::vector<float> y(w.out);
        k.linear32(rows.operand, {1, 0, w.out}, w, y.data(), w.out);
        return y;
    }
    std::vector<Bf16> norm(std::span<const Bf16> x, const Bf16* w) const {
        std::vector<Bf16> y(x.size());
        k.rmsNorm(x.data(), w, static_cast<std::uint32_t>(x.size()), c.rmsNormEps, y.data());
        return y;
    }
    void rotate(Bf16* x, std::uint32_t dims, bool compressed) const {
        const RopeScaling& yarn = c.ropeScaling;
        const auto frequencies =
            compressed
                ? plain::yarnFrequencies(c.compressRopeTheta, c.ropeDim, yarn.factor, yarn.betaFast,
                                         yarn.betaSlow, yarn.originalMaxPositions)
                : plain::ropeFrequencies(c.ropeTheta, c.ropeDim);
        std::vector<float> table(c.ropeDim);
        plain::ropeTable(m_position, frequencies, table.data());
        k.rotate(x, dims, table.data(), c.ropeDim / 2, false);
    }
    std::vector<Bf16> expert(std::span<const Bf16> x, const ExpertParameters& e,
                             float weight) const {
        const auto gate = e.fp4() ? linear(x, e.w1) : linear(x, e.w1Fp8);
        const auto up = e.fp4() ? linear(x, e.w3) : linear(x, e.w3Fp8);
        std::vector<Bf16> a(gate.size());
        k.swiglu(gate.data(), up.data(), c.moeIntermediate, weight,
                 static_cast<float>(c.swigluLimit), a.data());
        return e.fp4() ? linear(a, e.w2) : linear(a, e.w2Fp8);
    }

    void checkHyperConnection(const HyperSite& site, const std::string& from,
                              const std::string& name, const std::string& to);
    void checkProjections(const LayerParameters&);
    void checkIndexer(const LayerParameters&);
    void checkExperts(const LayerParameters&, std::uint32_t layer);

    const CpuKernels& k;
    Checkpoint m_checkpoint;
    const ModelConfig& c;
    MemoryLedger m_ledger;
    ThreadPool m_pool;
    CpuOperations m_operations;
    ModelWeights m_weights;
    Parameters m_parameters;
    test::GoldenFile m_trace, m_decisions;
    std::vector<std::int32_t> m_tokens;
    std::uint64_t m_position = 0;
    std::string m_layer, m_name;
    Tally m_tally;
};

void TraceGolden::checkHyperConnection(const HyperSite& site, const std::string& from,
                                       const std::string& name, const std::string& to) {
    const std::uint32_t streams = c.hcMult, d = c.hiddenSize;
    const auto x = words(from);
    const auto mix = floats(name + ".hc_mix"), pre = floats(name + ".hc_pre"),
               post = floats(name + ".hc_post"), comb = floats(name + ".hc_comb");
    std::vector<float> m(site.fn.out);
    k.hyperMix(x.data(), site.fn, {1, 0, site.fn.out}, c.rmsNormEps, m.data());
    EXPECT_EQ(compare(m, mix, 1e-5, 1e-6), "") << name;
    std::vector<float> gotPre(streams), gotPost(streams), gotComb(streams * streams);
    plain::sinkhornSplit(mix.data(), site.scale, site.base, streams, c.hcSinkhornIters,
                         static_cast<float>(c.hcEps), gotPre.data(), gotPost.data(),
                         gotComb.data());
    EXPECT_EQ(compare(gotPre, pre, 1e-5, 1e-7), "") << name;
    EXPECT_EQ(compare(gotPost, post, 1e-5, 1e-7), "") << name;
    EXPECT_EQ(compare(gotComb, comb, 1e-5, 1e-7), "") << name;
    std::vector<Bf16> u(d);
    k.hyperCombine(x.data(), pre.data(), streams, d, u.data());
    m_tally.add("in", norm(u, site.norm), words(name + ".in"), 2);
    std::vector<Bf16> after = x;
    k.hyperOut(after.data(), words(name + ".out").data(), post.data(), comb.data(), streams, d);
    m_tally.add("streams", after, words(to), 1);
}

void TraceGolden::checkProjections(const LayerParameters& p) {
    const AttentionParameters& a = p.attention;
    const bool compressed = a.main.ratio != 0;
    const auto in = words("attn.in"), qLora = words("attn.q_lora");
    // A neighbouring bf16 out of the linear layer, then one out of the norm.
    m_tally.add("q_lora", norm(linear(in, a.wqA), a.qNorm), qLora, 2);
    std::vector<Bf16> q = linear(qLora, a.wqB);
    for (std::size_t h = 0; h < c.heads; ++h) {
        k.headNorm(q.data() + h * c.headDim, c.headDim, static_cast<float>(c.rmsNormEps));
        rotate(q.data() + h * c.headDim, c.headDim, compressed);
    }
    // A rotation that cancels keeps a step of its larger part: 2^-7 of values around one.
    m_tally.add("q", q, words("attn.q"), 3, 0.3);
    std::vector<Bf16> row = norm(linear(in, a.wkv), a.kvNorm);
    rotate(row.data(), c.headDim, compressed);
    const KvRowLayout layout = kvRowLayout(c);
    std::vector<std::byte> packed(layout.bytes);
    plain::packRow(row.data(), layout, packed.data());
    k.unpackRow(packed.data(), layout, row.data());
    m_tally.add("kv_row", row, words("attn.kv_row"), 2, 0.13); // or one step of FP8

    const auto checkPool = [&](const Compressor& pool, const std::string& name) {
        const auto a32 = linear32(in, pool.wkv);
        auto s32 = linear32(in, pool.wgate);
        const float* ape = pool.ape + m_position % pool.ratio * s32.size();
        for (std::size_t i = 0; i < s32.size(); ++i) {
            s32[i] += ape[i];
        }
        EXPECT_EQ(compare(a32, floats(name + "compress_a"), 0, 1e-5), "");
        EXPECT_EQ(compare(s32, floats(name + "compress_s"), 0, 1e-5), "");
    };
    if (compressed) {
        checkPool(a.main, "attn.");
    }
    if (a.index.ratio) {
        checkPool(a.index, "index.");
    }
    const auto heads = words("attn.heads"), oLora = words("attn.o_lora");
    const std::uint32_t perGroup = a.woA.out / c.oGroups;
    std::vector<Bf16> z(a.woA.out);
    for (std::uint32_t g = 0; g < c.oGroups; ++g) {
        const PreparedRows rows(k, WeightForm::Fp8,
                                std::span(heads).subspan(std::size_t{g} * a.woA.in, a.woA.in),
                                a.woA.in);
        k.linearFp8Bf16(rows.operand, {1, g * perGroup, (g + 1) * perGroup}, a.woA, z.data(),
                        a.woA.out);
    }
    m_tally.add("o_lora", z, oLora, 1, 1e-3);
    m_tally.add("attn.out", linear(oLora, a.woB), words("attn.out"), 1, 1e-3);
}

void TraceGolden::checkIndexer(const LayerParameters& p) {
    const AttentionParameters& a = p.attention;
    const std::uint32_t heads = c.indexHeads, dims = c.indexHeadDim;
    const auto goldenQ = words("index.q"), goldenWeights = words("index.weights");
    std::vector<Bf16> q = linear(words("attn.q_lora"), a.indexWqB);
    for (std::size_t h = 0; h < heads; ++h) {
        rotate(q.data() + h * dims, dims, true);
        k.hadamard(q.data() + h * dims, dims);
        k.fp4Simulate(q.data() + h * dims, dims);
    }
    m_tally.add("index.q", q, goldenQ, 0, 1.01); // one step of FP4, down to zero and back
    const auto in = words("attn.in");
    const PreparedRows rows(k, WeightForm::Bfloat16, in, a.indexProj.in);
    std::vector<Bf16> w(heads);
    k.linearBf16(rows.operand, {1, 0, heads}, a.indexProj, w.data(), heads);
    const auto scale = static_cast<float>(std::pow(dims, -0.5) * std::pow(heads, -0.5));
    for (Bf16& value : w) {
        value = floatToBf16(bf16ToFloat(value) * scale);
    }
    m_tally.add("index.weights", w, goldenWeights, 2, 1e-3);

    const auto wanted = words("index.scores");
    const auto entries = m_decisions.view(m_layer + "index.entry").bf16();
    std::vector<std::byte> keys(wanted.size() * indexKeyBytes(dims));
    for (std::size_t j = 0; j < wanted.size(); ++j) {
        plain::packKey(entries.data() + j * dims, dims, keys.data() + j * indexKeyBytes(dims));
    }
    std::vector<float> scores(wanted.size());
    k.indexScores(goldenQ.data(), goldenWeights.data(), keys.data(), wanted.size(), heads, dims,
                  scores.data());
    std::vector<Bf16> got(scores.size());
    std::transform(scores.begin(), scores.end(), got.begin(), floatToBf16);
    m_tally.add("index.scores", got, wanted, 1);

    const auto golden = m_trace.integers(m_name + "index.topk");
    std::vector<std::int32_t> best, ids;
    std::copy_if(golden.begin(), golden.end(), std::back_inserter(best),
                 [](std::int64_t id) { return id >= 0; });
    std::sort(best.begin(), best.end());
    ids.resize(best.size());
    const auto goldenScores = floats("index.scores");
    k.selectLargest(goldenScores.data(), goldenScores.size(),
                    static_cast<std::uint32_t>(ids.size()), ids.data());
    EXPECT_EQ(ids, best);
}

void TraceGolden::checkExperts(const LayerParameters& p, std::uint32_t layer) {
    const auto in = words("ffn.in");
    const auto logits = floats("router.logits");
    EXPECT_EQ(compare(linear32(in, p.router.gate), logits, 0, 1e-5), "");
    const std::uint32_t top = c.expertsPerToken;
    std::vector<std::int32_t> ids(top);
    std::vector<float> weights(top);
    plain::route(logits.data(), p.router.bias,
                 p.router.tokenExperts
                     ? p.router.tokenExperts + static_cast<std::size_t>(m_tokens[m_position]) * top
                     : nullptr,
                 c.routedExperts, top, c.routedScale, ids.data(), weights.data());
    const auto goldenIds = m_trace.integers(m_name + "router.ids");
    EXPECT_TRUE(std::equal(ids.begin(), ids.end(), goldenIds.begin(), goldenIds.end()));
    EXPECT_EQ(compare(weights, floats("router.weights"), 1e-6, 0), "");

    // Four steps: a flipped FP8 code of the activation moves all outputs by a little.
    const auto shared = expert(in, p.shared, 1);
    m_tally.add("ffn.shared", shared, words("ffn.shared"), 3, 0.02);
    std::vector<float> routed(c.hiddenSize, 0);
    for (std::uint32_t i = 0; i < top; ++i) {
        const auto id = static_cast<std::size_t>(ids[i]);
        const ExpertParameters parameters = parametersOf(m_weights.layers[layer].ffn.experts[id]);
        const auto y = expert(in, parameters, weights[i]);
        for (std::size_t j = 0; j < routed.size(); ++j) {
            routed[j] += bf16ToFloat(y[j]);
        }
    }
    const auto goldenRouted = floats("ffn.routed");
    EXPECT_LT(relativeError(routed, goldenRouted), 4e-3);
    std::vector<Bf16> out(c.hiddenSize);
    const auto goldenShared = words("ffn.shared");
    for (std::size_t j = 0; j < out.size(); ++j) {
        out[j] = floatToBf16(goldenRouted[j] + bf16ToFloat(goldenShared[j]));
    }
    m_tally.add("ffn.out", out, words("ffn.out"), 1);
}

TEST_P(TraceGolden, EveryStepFromTheGoldenValueBeforeIt) {
    for (const std::uint64_t position : {5u, 127u, 131u, 600u}) {
        for (std::uint32_t layer = 0; layer < c.layers; ++layer) {
            at(position, layer);
            SCOPED_TRACE(m_name);
            const LayerParameters& p = m_parameters.layers[layer];
            checkHyperConnection(p.attentionSite, "streams.in", "attn", "streams.mid");
            checkProjections(p);
            if (p.attention.index.ratio) {
                checkIndexer(p);
            }
            checkHyperConnection(p.ffnSite, "streams.mid", "ffn", "streams.out");
            checkExperts(p, layer);
        }
    }
    for (const char* step : {"in", "streams", "q_lora", "o_lora", "attn.out", "index.weights",
                             "index.scores", "ffn.out"}) {
        m_tally.expect(step, 0.99);
    }
    for (const char* step : {"q", "kv_row", "index.q", "ffn.shared"}) {
        m_tally.expect(step, 0.97);
    }
}

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const CpuKernels* kernels : allTables()) {
        for (const char* model : {"tiny", "tiny-fp8", "tiny-pro"}) {
            all.push_back({model, kernels});
        }
    }
    return all;
}
std::string caseName(const testing::TestParamInfo<Case>& tested) {
    std::string name = tested.param.model + "_" + std::string(tested.param.kernels->name);
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}
INSTANTIATE_TEST_SUITE_P(TinyModels, TraceGolden, testing::ValuesIn(cases()), caseName);

} // namespace
} // namespace dossier::engine
