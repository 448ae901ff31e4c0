// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler/sampler.h"

#include <cmath>
#include <map>

#include <gtest/gtest.h>

namespace dossier::engine {
namespace {

const std::vector<float> kLogits{1.0f, 3.0f, 2.0f, 3.0f, -1.0f};

TEST(Sampler, GreedyTakesTheLowestOfEqualBest) {
    EXPECT_EQ(greedyToken(kLogits), 1);
}

TEST(Sampler, LogSumExpSurvivesLargeLogits) {
    EXPECT_NEAR(logSumExp(std::vector<float>{1000, 1000}), 1000 + std::log(2.0), 1e-9);
}

TEST(Sampler, DrawsFollowTheTemperedDistribution) {
    GenerateOptions options;
    options.temperature = 1;
    std::map<Token, int> counts;
    constexpr int kDraws = 40000;
    for (int i = 0; i < kDraws; ++i) {
        ++counts[sampleToken(kLogits, options, static_cast<std::uint64_t>(i))];
    }
    const double sum = logSumExp(kLogits);
    for (std::size_t i = 0; i < kLogits.size(); ++i) {
        const double p = std::exp(static_cast<double>(kLogits[i]) - sum);
        EXPECT_NEAR(counts[static_cast<Token>(i)] / double{kDraws}, p, 0.01);
    }
}

TEST(Sampler, CutsByTopKTopPAndMinP) {
    GenerateOptions options;
    options.temperature = 1;
    const auto drawn = [&] {
        std::map<Token, int> counts;
        for (std::uint64_t i = 0; i < 2000; ++i) {
            ++counts[sampleToken(kLogits, options, i)];
        }
        std::vector<Token> tokens;
        for (const auto& [token, count] : counts) {
            tokens.push_back(token);
        }
        return tokens;
    };
    options.topK = 2;
    EXPECT_EQ(drawn(), (std::vector<Token>{1, 3}));
    options.topK = 0;
    options.topP = 0.7; // the two best hold 0.80
    EXPECT_EQ(drawn(), (std::vector<Token>{1, 3}));
    options.topP = 1;
    options.minP = 0.3; // e^-1 = 0.37 of the best passes, e^-2 does not
    EXPECT_EQ(drawn(), (std::vector<Token>{1, 2, 3}));
}

TEST(Sampler, AcceptedTokensAreTriedFromTheBestDown) {
    GenerateOptions options;
    std::vector<Token> asked;
    const auto token = sampleAccepted(kLogits, options, 0, [&](Token t) {
        asked.push_back(t);
        return t == 2;
    });
    EXPECT_EQ(token, 2);
    EXPECT_EQ(asked, (std::vector<Token>{1, 3, 2}));
    EXPECT_EQ(sampleAccepted(kLogits, options, 0, [](Token) { return false; }), std::nullopt);
    options.temperature = 1;
    EXPECT_EQ(sampleAccepted(kLogits, options, 0, [](Token t) { return t == 4; }), 4);
}

} // namespace
} // namespace dossier::engine
