// SPDX-License-Identifier: Apache-2.0
// Experts that the processor computes beside the GPU: within the oracle's tolerance of the GPU's
// own, whatever the share; off, not a bit of difference.
#include <cmath>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/kernels/cpu/plain.h"
#include "tests/engine/experts/tier_model.h"

namespace dossier::engine {
namespace {

using testing::HasSubstr;
using Mode = CpuExpertsOptions::Mode;

class CpuTierTest : public testing::Test {
  protected:
    void SetUp() override {
        if (!probeCuda().usable) {
            GTEST_SKIP() << "needs an NVIDIA GPU: " << probeCuda().whyNot;
        }
    }
    static CpuExpertsOptions share(double part) {
        CpuExpertsOptions options;
        options.mode = Mode::On;
        options.share = part;
        return options;
    }
};

/// The routed and shared experts of one layer for some rows, as the forward pass runs them.
class ExpertLayer {
  public:
    ExpertLayer(TierModel& model, std::uint32_t rows)
        : m_model(model),
          m_config(model.config()),
          m_rows(rows),
          m_parameters(
              placeParameters(*model.ops, m_config, model.checkpoint.weights(model.ledger))),
          m_values(model.ops->allocate(kAnswerRows * m_config.hiddenSize, "scratch")),
          m_scales(model.ops->allocate(kAnswerRows * m_config.hiddenSize / 32, "scratch")),
          m_ids(model.ops->allocate(kAnswerRows * m_config.expertsPerToken * 4, "scratch")),
          m_weights(model.ops->allocate(kAnswerRows * m_config.expertsPerToken * 4, "scratch")),
          m_y(model.ops->allocate(kAnswerRows * m_config.hiddenSize * 2, "scratch")) {}

    /// y [rows, hidden] of layer `layer` for inputs that follow from `seed`.
    std::vector<Bf16> run(std::uint32_t layer, std::uint32_t seed) {
        const std::uint32_t d = m_config.hiddenSize, top = m_config.expertsPerToken;
        std::vector<Bf16> x(std::size_t{m_rows} * d);
        std::uint32_t state = seed * 2654435761U + 1;
        const auto next = [&] { return state = state * 1664525U + 1013904223U, state >> 8; };
        for (Bf16& v : x) {
            v = floatToBf16(static_cast<float>(next() % 2000) / 500 - 2);
        }
        std::vector<std::uint8_t> values(x.size());
        std::vector<float> scales(x.size() / 128), weights(std::size_t{m_rows} * top);
        std::vector<std::int32_t> ids(weights.size());
        for (std::uint32_t r = 0; r < m_rows; ++r) {
            plain::quantise(&x[std::size_t{r} * d], d, &values[std::size_t{r} * d],
                            &scales[std::size_t{r} * d / 128]);
            const std::uint32_t first = next() % m_config.routedExperts;
            for (std::uint32_t k = 0; k < top; ++k) { // all different
                ids[r * top + k] =
                    static_cast<std::int32_t>((first + 3 * k) % m_config.routedExperts);
                weights[r * top + k] = 0.1F + static_cast<float>(next() % 100) / 100;
            }
        }
        // The batch only says how many rows there are.
        std::vector<std::int32_t> tokens(m_rows, 1);
        Sequence lane(*m_model.ops, m_config, 64);
        std::vector<std::unique_ptr<Sequence>> sequences;
        std::vector<RowSpan> spans;
        for (std::uint32_t r = 0; r < m_rows; ++r) {
            sequences.push_back(lane.fork());
            spans.push_back({0, r, 1, sequences.back()->layers()});
        }
        Operations& ops = *m_model.ops;
        ops.upload(m_values->data(), values.data(), values.size());
        ops.upload(m_scales->data(), scales.data(), scales.size() * 4);
        ops.upload(m_ids->data(), ids.data(), ids.size() * 4);
        ops.upload(m_weights->data(), weights.data(), weights.size() * 4);
        ops.begin({tokens, spans, Path::Answering});
        ops.section(1000 + layer, [&] {
            ops.experts({reinterpret_cast<std::uint8_t*>(m_values->data()),
                         reinterpret_cast<float*>(m_scales->data())},
                        layer, reinterpret_cast<const std::int32_t*>(m_ids->data()),
                        reinterpret_cast<const float*>(m_weights->data()),
                        m_parameters.layers[layer].shared, reinterpret_cast<Bf16*>(m_y->data()));
        });
        ops.synchronise();
        std::vector<Bf16> y(std::size_t{m_rows} * d);
        ops.download(y.data(), m_y->data(), y.size() * 2);
        return y;
    }

  private:
    TierModel& m_model;
    const ModelConfig& m_config;
    const std::uint32_t m_rows;
    const Parameters m_parameters;
    std::unique_ptr<DeviceMemory> m_values, m_scales, m_ids, m_weights, m_y;
};

TEST_F(CpuTierTest, ResultsAgreeWhateverTheShare) {
    for (const char* name : {"tiny", "tiny-fp8"}) {
        for (const std::uint32_t rows : {1U, 3U, kAnswerRows}) {
            TierModel model(name);
            ExpertLayer layer(model, rows);
            std::vector<std::vector<Bf16>> expected;
            model.load({});
            for (std::uint32_t l = 3; l < model.config().layers; ++l) {
                expected.push_back(layer.run(l, l));
            }
            std::uint64_t experts = 0;
            for (const double part : {0.34, 0.5, 1.0}) {
                SCOPED_TRACE(testing::Message() << name << ", rows " << rows << ", " << part);
                cudaControl(*model.ops)->setCpuExperts(share(part));
                model.load({model.ring() + 1, {}});
                double error = 0, size = 0;
                std::size_t count = 0, far = 0;
                for (std::uint32_t l = 3; l < model.config().layers; ++l) {
                    const std::vector<Bf16> y = layer.run(l, l);
                    for (std::size_t i = 0; i < y.size(); ++i) {
                        const double want = static_cast<double>(bf16ToFloat(expected[l - 3][i]));
                        const double d = static_cast<double>(bf16ToFloat(y[i])) - want;
                        error += d * d;
                        size += want * want;
                        ++count;
                        far += std::abs(y[i] - expected[l - 3][i]) > 1;
                    }
                }
                EXPECT_LT(std::sqrt(error / size), 1e-2);
                EXPECT_LT(static_cast<double>(far), 0.01 * static_cast<double>(count));
                const ExpertTelemetry t = cudaControl(*model.ops)->experts();
                EXPECT_TRUE(t.cpu.on);
                std::uint64_t onCpu = 0, overBus = 0;
                for (const ExpertTelemetry::Layer& one : t.layers) {
                    onCpu += one.onCpu;
                    overBus += one.fromRam;
                    EXPECT_GE(one.fetchSeconds, one.busSeconds);
                }
                EXPECT_EQ(onCpu, t.cpu.experts);
                EXPECT_GT(onCpu, 0U);
                EXPECT_GT(t.cpu.seconds, 0);
                if (part == 1.0) {
                    EXPECT_EQ(overBus, 0U);
                    EXPECT_EQ(onCpu, experts);
                } else {
                    EXPECT_GT(overBus, 0U);
                    experts = onCpu + overBus; // the same whatever the share
                }
            }
        }
    }
}

/// Root mean square of the difference over the deviation of `expected`.
double difference(const std::vector<float>& values, const std::vector<float>& expected) {
    double error = 0, sum = 0, squares = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const double e = static_cast<double>(expected[i]);
        error += std::pow(static_cast<double>(values[i]) - e, 2);
        sum += e;
        squares += e * e;
    }
    const auto n = static_cast<double>(expected.size());
    return std::sqrt(error / n / (squares / n - sum / n * (sum / n)));
}

TEST_F(CpuTierTest, TokensOfAWholeModelAgree) {
    TierModel model("tiny");
    model.load({});
    const std::vector<float> expected = model.run(12, 3, 2);
    for (const double part : {0.5, 1.0}) {
        cudaControl(*model.ops)->setCpuExperts(share(part));
        model.load({model.ring() + 5, {}});
        const std::vector<float> values = model.run(12, 3, 2);
        // Untrained models are chaotic: the oracle's tolerance for logits end to end.
        EXPECT_LT(difference(values, expected), 0.055) << part;
        EXPECT_EQ(model.run(12, 3, 2), values) << "a fixed share repeats its bits";
        cudaControl(*model.ops)->setCpuExperts(share(part));
        model.load({model.ring() + 3, 6}); // some of them on disk
        EXPECT_LT(difference(model.run(12, 3, 2), expected), 0.055) << part;
    }
}

TEST_F(CpuTierTest, SwitchedOffOrWithoutAShareNoBitChanges) {
    TierModel model("tiny");
    const Tiers tiers{model.ring() + 5, {}};
    model.load(tiers);
    const std::string numerics = model.ops->numerics();
    const std::vector<float> expected = model.run(12, 3, 2);
    cudaControl(*model.ops)->setCpuExperts(share(0));
    EXPECT_THAT(model.ops->numerics(), HasSubstr("cpu experts"));
    EXPECT_EQ(model.run(12, 3, 2), expected);
    // In operation: the experts stay where they are.
    cudaControl(*model.ops)->setCpuExperts(share(1));
    EXPECT_LT(difference(model.run(12, 3, 2), expected), 0.055);
    EXPECT_GT(cudaControl(*model.ops)->experts().cpu.experts, 0U);
    cudaControl(*model.ops)->setCpuExperts({});
    EXPECT_EQ(model.ops->numerics(), numerics);
    EXPECT_EQ(model.run(12, 3, 2), expected);
    const ExpertTelemetry t = cudaControl(*model.ops)->experts();
    EXPECT_FALSE(t.cpu.on);
    EXPECT_THAT(t.cpu.why, HasSubstr("switched off"));
}

TEST_F(CpuTierTest, MeasuringDecidesAndSaysWhatItFound) {
    TierModel model("tiny");
    CpuExpertsOptions options;
    options.mode = Mode::Auto;
    cudaControl(*model.ops)->setCpuExperts(options);
    model.load({model.ring() + 5, {}});
    ExpertTelemetry::Cpu cpu = cudaControl(*model.ops)->experts().cpu;
    EXPECT_THAT(cpu.why, HasSubstr("GB/s"));
    EXPECT_EQ(cpu.on, model.ops->numerics().find("cpu experts") != std::string::npos);
    options.mode = Mode::On;
    cudaControl(*model.ops)->setCpuExperts(options);
    cpu = cudaControl(*model.ops)->experts().cpu;
    EXPECT_TRUE(cpu.on);
    EXPECT_GT(cpu.dramRate, 0);
    EXPECT_GT(cpu.busRate, 0);
    EXPECT_GT(cpu.cpuRate, 0);
    EXPECT_GT(cpu.busBesideCpu, 0);
    EXPECT_GT(cpu.cpuBesideBus, 0);
    EXPECT_FALSE(model.run(20, 2).empty()); // with the split that was measured
    model.load({});                         // everything in GPU memory
    EXPECT_FALSE(cudaControl(*model.ops)->experts().cpu.on);
    EXPECT_FALSE(model.run(20, 2).empty());
}

} // namespace
} // namespace dossier::engine
