// SPDX-License-Identifier: Apache-2.0
// The forward pass against golden values of an independent float64 reference, for three tiny models
// that together reach every kind of layer. The sublayer comparison on golden inputs is the sharp
// instrument; end to end, two correct engines differ by a few per cent because single rounding
// flips move discrete choices.
#include <algorithm>
#include <cmath>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/base/json_text.h"
#include "engine/model/formats.h"
#include "tests/engine/support/golden.h"
#include "tests/engine/transformer/forward_fixture.h"

namespace dossier::engine {
namespace {

struct Case {
    std::string model;
    Backend backend;
    Path path;
    double rmsLimit; ///< end-to-end rms error / deviation of the logits
    double nearTie;  ///< index margin below which attention may differ more
};

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const Backend& backend : backendsFor(&Backend::goldens)) {
        for (const Path path : backend.paths) {
            all.push_back({"tiny", backend, path, 0.055, 0.016});
            all.push_back({"tiny-fp8", backend, path, 0.045, 0.008});
            all.push_back({"tiny-pro", backend, path, 0.04, 0.004});
        }
    }
    return all;
}

class Oracle : public testing::TestWithParam<Case> {
  protected:
    bool answering() const { return GetParam().path == Path::Answering; }
    /// Tokens of a golden run that are looked at.
    std::size_t sample(std::size_t all) const {
        return GetParam().backend.emulated() ? std::min<std::size_t>(all, answering() ? 35 : 140)
                                             : all;
    }
    /// The mixture of experts of all rows; answering takes a few at a time.
    std::vector<Bf16> experts(LoadedModel& model, std::uint32_t layer,
                              std::span<const std::int32_t> tokens, std::span<const Bf16> h) const {
        const std::size_t d = model.config().hiddenSize;
        const std::size_t step = answering() ? 13 : tokens.size();
        std::vector<Bf16> all;
        for (std::size_t t = 0; t < tokens.size(); t += step) {
            const std::size_t n = std::min(step, tokens.size() - t);
            const auto y = model.forward.moeSublayer(layer, tokens.subspan(t, n),
                                                     h.subspan(t * d, n * d), GetParam().path);
            all.insert(all.end(), y.begin(), y.end());
        }
        return all;
    }
    std::size_t chunk(std::size_t reading) const { return answering() ? 1 : reading; }
    /// Golden file of the model; the test skips when it is not there.
    std::optional<test::GoldenFile> golden(const std::string& file) {
        const auto path = test::goldenPath(GetParam().model + "/golden-" + file + ".safetensors");
        return path ? std::optional<test::GoldenFile>(std::in_place, *path) : std::nullopt;
    }
    nlohmann::json goldenRun() {
        std::ifstream file(test::goldenPath(GetParam().model + "/golden-run.json").value());
        return parseJson(file);
    }
};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Oracle);

struct RowComparison {
    double equal = 0;                  ///< share of equal elements
    std::vector<double> relativeError; ///< per row, ||a-b|| / ||b||
};

RowComparison compareRows(std::span<const Bf16> got, std::span<const Bf16> want,
                          std::size_t columns) {
    RowComparison result;
    std::size_t equal = 0;
    for (std::size_t row = 0; row * columns < want.size(); ++row) {
        double difference = 0, norm = 0;
        for (std::size_t i = row * columns; i < (row + 1) * columns; ++i) {
            const double a = static_cast<double>(bf16ToFloat(got[i]));
            const double b = static_cast<double>(bf16ToFloat(want[i]));
            equal += a == b;
            difference += (a - b) * (a - b);
            norm += b * b;
        }
        result.relativeError.push_back(std::sqrt(difference / std::max(norm, 1e-30)));
    }
    result.equal = static_cast<double>(equal) / static_cast<double>(want.size());
    return result;
}

TEST_P(Oracle, AttentionSublayersOnGoldenInputs) {
    LoadedModel model(test::tinyCheckpoint(GetParam().model), GetParam().backend);
    const auto sublayers = golden("sublayers");
    if (!sublayers) {
        GTEST_SKIP() << test::missingGolden(GetParam().model + "/golden-sublayers.safetensors");
    }
    const auto decisions = golden("decisions");
    ASSERT_TRUE(decisions);
    const std::size_t d = model.config().hiddenSize;
    int compared = 0;
    for (std::uint32_t layer = 0; layer < model.config().layers; ++layer) {
        const std::string name = "layers." + std::to_string(layer);
        if (!sublayers->has(name + ".attn.in")) {
            continue;
        }
        SCOPED_TRACE(name);
        ++compared;
        const auto in = sublayers->view(name + ".attn.in").bf16();
        const auto want = sublayers->view(name + ".attn.out").bf16();
        const auto sequence = model.sequence();
        std::vector<Bf16> got;
        // Prime: every residue of 4 and 128 is a chunk edge.
        const std::size_t step = chunk(61), count = sample(in.size() / d);
        for (std::size_t t = 0; t < count; t += step) {
            const std::size_t n = std::min(step, count - t);
            sequence->prepare(n);
            const auto part = model.forward.attentionSublayer(
                layer, *sequence, t, in.subspan(t * d, n * d), GetParam().path);
            got.insert(got.end(), part.begin(), part.end());
            sequence->advance(n);
        }
        const RowComparison result = compareRows(got, want.first(got.size()), d);
        EXPECT_GE(result.equal, 0.98); // the oracle asks for 0.80
        std::printf("%s %s: %s.attn.out %.4f of elements equal\n", GetParam().model.c_str(),
                    backendName(GetParam().backend, GetParam().path).c_str(), name.c_str(),
                    result.equal);
        const bool indexed = decisions->has(name + ".index.margin");
        std::size_t off = 0;
        for (std::size_t t = 0; t < result.relativeError.size(); ++t) {
            off += result.relativeError[t] > 1e-2;
            if (result.relativeError[t] > 0.05) {
                ASSERT_TRUE(indexed) << "token " << t;
                EXPECT_LE(decisions->view(name + ".index.margin").f32()[t], GetParam().nearTie)
                    << "token " << t;
            }
        }
        EXPECT_LE(static_cast<double>(off), 0.05 * static_cast<double>(got.size() / d));
    }
    if (compared == 0) {
        GTEST_SKIP() << "this model has no attention goldens";
    }
}

TEST_P(Oracle, ExpertSublayersOnGoldenInputs) {
    LoadedModel model(test::tinyCheckpoint(GetParam().model), GetParam().backend);
    const auto sublayers = golden("sublayers");
    if (!sublayers) {
        GTEST_SKIP() << test::missingGolden(GetParam().model + "/golden-sublayers.safetensors");
    }
    const auto tokens = goldenRun()["tokens"].get<std::vector<std::int32_t>>();
    const std::size_t d = model.config().hiddenSize;
    for (std::uint32_t layer = 0; layer < model.config().layers; ++layer) {
        const std::string name = "layers." + std::to_string(layer);
        if (!sublayers->has(name + ".ffn.in")) {
            continue;
        }
        SCOPED_TRACE(name);
        const std::size_t count = sample(tokens.size());
        const auto want = sublayers->view(name + ".ffn.out").bf16().first(count * d);
        const auto in = sublayers->view(name + ".ffn.in").bf16().first(count * d);
        const auto got = experts(model, layer, std::span(tokens).first(count), in);
        const RowComparison result = compareRows(got, want, d);
        EXPECT_GE(result.equal, 0.995);
        std::printf("%s %s: %s.ffn.out %.5f of elements equal\n", GetParam().model.c_str(),
                    backendName(GetParam().backend, GetParam().path).c_str(), name.c_str(),
                    result.equal);
        EXPECT_LE(*std::max_element(result.relativeError.begin(), result.relativeError.end()),
                  1e-2);
    }
}

TEST_P(Oracle, LogitsOfEveryPosition) {
    LoadedModel model(test::tinyCheckpoint(GetParam().model), GetParam().backend);
    const auto golden = this->golden("logits");
    ASSERT_TRUE(golden);
    auto tokens = goldenRun()["tokens"].get<std::vector<std::int32_t>>();
    const auto ids = golden->view("top_ids").i32();
    const auto want = golden->view("top_logits").f32();
    const auto sequence = model.sequence();
    tokens.resize(sample(tokens.size()));
    const std::vector<float> logits = model.logits(*sequence, tokens, chunk(128), GetParam().path);
    const std::size_t vocabulary = model.config().vocabSize;

    double square = 0, sum = 0, sumSquare = 0;
    std::size_t argmaxEqual = 0;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
        const float* row = logits.data() + t * vocabulary;
        const auto best = static_cast<std::int32_t>(std::max_element(row, row + vocabulary) - row);
        argmaxEqual += best == ids[t * 8];
        if (want[t * 8] - want[t * 8 + 1] > 3.5f) {
            EXPECT_EQ(best, ids[t * 8]) << "position " << t;
        }
        for (std::size_t i = 0; i < 8; ++i) {
            const double difference =
                static_cast<double>(row[ids[t * 8 + i]]) - static_cast<double>(want[t * 8 + i]);
            square += difference * difference;
        }
        for (std::size_t v = 0; v < vocabulary; ++v) {
            sum += static_cast<double>(row[v]);
            sumSquare += static_cast<double>(row[v]) * static_cast<double>(row[v]);
        }
    }
    const double n = static_cast<double>(logits.size());
    const double deviation = std::sqrt(sumSquare / n - sum / n * (sum / n));
    const double rms = std::sqrt(square / static_cast<double>(8 * tokens.size()));
    EXPECT_LE(rms / deviation, GetParam().rmsLimit);
    EXPECT_GE(static_cast<double>(argmaxEqual), 0.93 * static_cast<double>(tokens.size()));
    RecordProperty("rmsOverDeviation", std::to_string(rms / deviation));
    std::printf("%s %s: rms/deviation %.4f, argmax equal %zu of %zu\n", GetParam().model.c_str(),
                backendName(GetParam().backend, GetParam().path).c_str(), rms / deviation,
                argmaxEqual, tokens.size());
}

TEST_P(Oracle, GreedyContinuationWhereTheGapIsClear) {
    if (GetParam().backend.emulated()) {
        GTEST_SKIP() << "the emulated GPU is too slow for 300 tokens";
    }
    LoadedModel model(test::tinyCheckpoint(GetParam().model), GetParam().backend);
    const nlohmann::json run = goldenRun();
    const auto all = run["tokens"].get<std::vector<std::int32_t>>();
    const auto ids = run["greedy"]["ids"].get<std::vector<std::int32_t>>();
    const auto gaps = run["greedy"]["gaps"].get<std::vector<double>>();
    const std::size_t offset = run["greedy"]["prompt_offset"],
                      length = run["greedy"]["prompt_length"];
    std::vector<std::int32_t> tokens(all.begin() + static_cast<std::ptrdiff_t>(offset),
                                     all.begin() + static_cast<std::ptrdiff_t>(offset + length));
    tokens.insert(tokens.end(), ids.begin(), ids.end());
    const auto sequence = model.sequence();
    std::vector<float> logits = model.logits(*sequence, std::span(tokens).first(length), 257);
    const std::vector<float> answers =
        model.logits(*sequence, std::span(tokens).subspan(length), chunk(48), GetParam().path);
    logits.insert(logits.end(), answers.begin(), answers.end());
    const std::size_t vocabulary = model.config().vocabSize;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (gaps[i] > 1.0) {
            const float* row = logits.data() + (length + i - 1) * vocabulary;
            EXPECT_EQ(std::max_element(row, row + vocabulary) - row, ids[i]) << "step " << i;
        }
    }
}

std::string caseName(const testing::TestParamInfo<Case>& tested) {
    std::string name =
        tested.param.model + "_" + backendName(tested.param.backend, tested.param.path);
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(TinyModels, Oracle, testing::ValuesIn(cases()), caseName);

} // namespace
} // namespace dossier::engine
