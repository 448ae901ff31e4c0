// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "engine/forecast/costs.h"
#include "engine/scheduler/tier_telemetry.h"
#include "tests/engine/support/configs.h"

namespace dossier::engine {
namespace {

/// `tokens` tokens of one branch, of whose six experts a layer `hits` were there.
ExpertTelemetry counted(const ModelConfig& config, std::uint64_t tokens, std::uint64_t hits) {
    ExpertTelemetry t;
    t.blockBytes = expertBytes(config);
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        t.layers.push_back(
            {tokens, 6 * tokens, hits * tokens, 6 * tokens, (5 - hits) * tokens, tokens, 0});
    }
    return t;
}

TEST(TierUse, BytesPerTokenAddUpToTheWeightsOfAToken) {
    const ModelConfig flash = test::flashConfig();
    const auto use = tierUse(flash, std::nullopt, counted(flash, 10, 2));
    ASSERT_TRUE(use);
    EXPECT_EQ(use->ramBytes, 43 * 3 * expertBytes(flash));
    EXPECT_EQ(use->diskBytes, 43 * expertBytes(flash));
    EXPECT_EQ(use->vramBytes + use->ramBytes + use->diskBytes, weightBytesPerToken(flash).total());
    ASSERT_EQ(use->hitRate.size(), 43U);
    EXPECT_FLOAT_EQ(use->hitRate[7], 2.0F / 6);
}

TEST(TierUse, OnlyWhatCameSinceTheLastCount) {
    const ModelConfig flash = test::flashConfig();
    const ExpertTelemetry before = counted(flash, 10, 2);
    ExpertTelemetry now = before;
    for (ExpertTelemetry::Layer& layer : now.layers) { // ten tokens with five hits
        layer.batches += 10;
        layer.choices += 60;
        layer.hits += 50;
        layer.fromRam += 10;
    }
    const auto use = tierUse(flash, before, now);
    ASSERT_TRUE(use);
    EXPECT_FLOAT_EQ(use->hitRate[0], 5.0F / 6);
    EXPECT_EQ(use->ramBytes, 43 * expertBytes(flash));
    EXPECT_EQ(use->diskBytes, 0U);
    EXPECT_FALSE(tierUse(flash, now, now)) << "nothing was answered";
    // After another placement counts start anew.
    EXPECT_FLOAT_EQ(tierUse(flash, now, counted(flash, 1, 3))->hitRate[0], 0.5F);
}

TEST(TierUse, WhatTheProcessorComputesLiesInRam) {
    const ModelConfig flash = test::flashConfig();
    const ExpertTelemetry before = counted(flash, 10, 2);
    ExpertTelemetry now = before;
    for (ExpertTelemetry::Layer& layer : now.layers) { // ten steps of two branches
        layer.batches += 10;
        layer.choices += 120;
        layer.hits += 60;
        layer.fromRam += 20;
        layer.onCpu += 40;
        layer.fetchSeconds += 0.02;
    }
    now.cpu.seconds = before.cpu.seconds + 0.5;
    const auto use = tierUse(flash, before, now);
    ASSERT_TRUE(use);
    EXPECT_EQ(use->ramBytes, 43 * 3 * expertBytes(flash));
    EXPECT_EQ(use->cpuBytes, 43 * 2 * expertBytes(flash));
    EXPECT_EQ(use->vramBytes + use->ramBytes, weightBytesPerToken(flash).total());
    EXPECT_NEAR(use->fetchSeconds, 43 * 0.002, 1e-9);
    EXPECT_NEAR(use->cpuSeconds, 0.05, 1e-9);
}

TEST(TierUse, AllInGpuMemory) {
    const ModelConfig flash = test::flashConfig();
    const auto use = tierUse(flash, std::nullopt, ExpertTelemetry{});
    ASSERT_TRUE(use);
    EXPECT_EQ(use->vramBytes, weightBytesPerToken(flash).total());
    EXPECT_TRUE(use->hitRate.empty());
}

} // namespace
} // namespace dossier::engine
