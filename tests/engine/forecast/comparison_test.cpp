// SPDX-License-Identifier: Apache-2.0
#include "engine/base/json_text.h"
#include "engine/forecast/deepseek_v32.h"
#include "engine/forecast/forecast_json.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/engine/support/configs.h"

namespace dossier::engine {
namespace {

using test::kMillion;

std::array<NamedConfig, 2> models() {
    return {NamedConfig{"DeepSeek-V4-Flash", test::flashConfig()},
            NamedConfig{"DeepSeek-V4-Pro", test::proConfig()}};
}

} // namespace

TEST(DeepSeekV32, HasThePublishedSize) {
    const DeepSeekV32 v32;
    EXPECT_NEAR(v32.activeParameters() / 1e9, 37.5, 0.5);
    EXPECT_EQ(v32.kvBytesPerToken(), 61U * (656 + 132));
    // At short context nearly all work is with the weights.
    EXPECT_NEAR(v32.flopsPerToken(1) / (2 * v32.activeParameters()), 1, 0.001);
}

TEST(Comparison, PublishedRatiosAtAMillionTokens) {
    const auto list = models();
    const auto rows = compareWithV32(list, kMillion);
    ASSERT_EQ(rows.size(), 3U);
    const Comparison &flash = rows[1], &pro = rows[2];
    // Published: "measured in equivalent FP8 FLOPs", Pro 27 % and 10 %, Flash 10 % and 7 %.
    EXPECT_NEAR(pro.flopsFp8EquivalentRatio, 0.27, 0.005);
    EXPECT_NEAR(flash.flopsFp8EquivalentRatio, 0.10, 0.005);
    EXPECT_NEAR(pro.kvRatio, 0.10, 0.005);
    EXPECT_NEAR(flash.kvRatio, 0.07, 0.005);
    // A plain count weighs FP4, FP8 and BF16 alike and so differs.
    EXPECT_NEAR(pro.flopsRatio, 0.260, 0.001);
    EXPECT_NEAR(flash.flopsRatio, 0.121, 0.001);
    EXPECT_NEAR(flash.flops / 1e9, 141.4, 0.1);
}

TEST(Comparison, TableNamesModelsAndExplainsTheDifference) {
    const auto list = models();
    const std::string text = comparisonMarkdown(list, kMillion);
    EXPECT_THAT(text, testing::HasSubstr("| DeepSeek-V3.2 |"));
    EXPECT_THAT(text, testing::HasSubstr("| DeepSeek-V4-Pro |"));
    EXPECT_THAT(text, testing::HasSubstr("| 27.4 % |"));
    EXPECT_THAT(text, testing::HasSubstr("equivalent FP8 FLOPs"));
}

TEST(ForecastJson, HasEveryFieldAndTheExactSizes) {
    const auto json = parseJson(forecastJson(test::flashConfig(), kMillion));
    EXPECT_EQ(json.at("kv_bytes"), 3'688'172'544U);
    EXPECT_DOUBLE_EQ(json.at("kv_bytes_per_token").get<double>(), 3514.25);
    EXPECT_NEAR(json.at("parameters").get<double>() / 1e9, 284.33, 0.01);
    EXPECT_NEAR(json.at("active_parameters").get<double>() / 1e9, 13.27, 0.01);
    EXPECT_NEAR(json.at("flops_per_token").get<double>() / 1e9, 141.4, 0.1);
    EXPECT_NEAR(json.at("bytes_per_token").get<double>() / 1e9, 11.218 + 0.480, 0.001);
    EXPECT_FALSE(json.contains("placement"));
}

TEST(ForecastJson, PlacementAppearsWithBudgets) {
    const auto json =
        parseJson(forecastJson(test::flashConfig(), 131'072, 80'000'000'000, 125'000'000'000));
    const auto& placement = json.at("placement");
    std::uint64_t experts = 0;
    for (const char* tier : {"vram", "ram", "disk"}) {
        const auto& entry = placement.at(tier);
        experts += entry.at("experts").get<std::uint64_t>();
        EXPECT_EQ(entry.at("bytes").get<std::uint64_t>(),
                  entry.at("experts").get<std::uint64_t>() * 13'369'344);
    }
    EXPECT_EQ(experts, 11'008U);
    EXPECT_TRUE(placement.at("fits").get<bool>());
    EXPECT_FALSE(placement.at("rows").empty());
    const auto gpuOnly = parseJson(forecastJson(test::flashConfig(), 131'072, 80'000'000'000));
    EXPECT_EQ(gpuOnly.at("placement").at("disk").at("experts"), 0U);
}

} // namespace dossier::engine
