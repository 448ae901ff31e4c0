// SPDX-License-Identifier: Apache-2.0
#include "engine/forecast/placement.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/forecast/costs.h"
#include "tests/engine/support/configs.h"

namespace dossier::engine {
namespace {

using test::kMillion;
using testing::HasSubstr;

std::map<std::string, std::uint64_t> byPlace(const Forecast& plan) {
    std::map<std::string, std::uint64_t> sums;
    for (const MemoryRow& row : plan.rows) {
        sums[row.where] += row.bytes;
    }
    return sums;
}

PlacementInputs budgets(std::uint64_t vram, std::uint64_t ram, std::uint64_t context = kMillion) {
    PlacementInputs inputs;
    inputs.contextTokens = context;
    inputs.vram = vram;
    inputs.ram = ram;
    return inputs;
}

/// Whatever the budgets: every expert in exactly one tier, no budget exceeded.
void expectSound(const ModelConfig& config, const PlacementInputs& in, const Forecast& plan) {
    EXPECT_EQ(plan.expertsInVram + plan.expertsInRam + plan.expertsOnDisk, expertCount(config));
    auto sums = byPlace(plan);
    if (plan.fits) {
        EXPECT_LE(sums["vram"], in.vram.value_or(0));
        EXPECT_LE(sums["ram"] + sums["pinned"] + sums["mapped"], in.ram);
    }
    EXPECT_EQ(sums["disk"], plan.expertsOnDisk * expertBytes(config));
    EXPECT_FALSE(plan.verdict.empty());
}

} // namespace

TEST(Placement, ThreeBudgetsOfTheFullSizeModel) {
    const ModelConfig flash = test::flashConfig();
    // An H100 of 85.5 GB with a full context holds 45 % of the experts.
    const PlacementInputs h100 = budgets(85'500'000'000, 125'000'000'000);
    const Forecast middle = planPlacement(flash, h100);
    expectSound(flash, h100, middle);
    EXPECT_TRUE(middle.fits) << middle.verdict;
    EXPECT_NEAR(static_cast<double>(middle.expertsInVram) / 11'008, 0.446, 0.005);
    EXPECT_EQ(middle.expertsOnDisk, 0U) << "the tiers are exclusive, so the rest fits into RAM";

    // An H200 (147.4 GB free) 87 %.
    const PlacementInputs whole = budgets(147'400'000'000, 125'000'000'000);
    EXPECT_NEAR(static_cast<double>(planPlacement(flash, whole).expertsInVram) / 11'008, 0.87,
                0.01);

    // 24 GB with a shorter context and 100 GB of RAM: the rest on disk.
    PlacementInputs small = budgets(24'000'000'000, 100'000'000'000, 131'072);
    small.gpuScratch = 2'000'000'000;
    const Forecast plan = planPlacement(flash, small);
    expectSound(flash, small, plan);
    EXPECT_TRUE(plan.fits) << plan.verdict;
    EXPECT_GT(plan.expertsOnDisk * expertBytes(flash), 30'000'000'000U);
    EXPECT_THAT(plan.verdict, HasSubstr("on disk"));
}

TEST(Placement, EverythingInGpuMemoryNeedsNoReadingBuffers) {
    const ModelConfig flash = test::flashConfig();
    const PlacementInputs in = budgets(288'000'000'000, 64'000'000'000);
    const Forecast plan = planPlacement(flash, in);
    expectSound(flash, in, plan);
    EXPECT_EQ(plan.expertsInVram, 11'008U);
    for (const MemoryRow& row : plan.rows) {
        EXPECT_NE(row.owner, "reading buffers");
    }
    EXPECT_THAT(plan.verdict, HasSubstr("whole model lies in GPU memory"));
}

TEST(Placement, WithoutAGpuTheFilesAreMapped) {
    const ModelConfig embedded = test::tinyConfig("tiny");
    PlacementInputs in;
    in.contextTokens = 1024;
    in.ram = 4'000'000'000;
    const Forecast plan = planPlacement(embedded, in);
    expectSound(embedded, in, plan);
    EXPECT_TRUE(plan.fits);
    EXPECT_EQ(plan.expertsInRam, expertCount(embedded));
    auto sums = byPlace(plan);
    EXPECT_EQ(sums["mapped"], denseBytes(embedded) + expertBytes(embedded) * expertCount(embedded));
    EXPECT_EQ(sums.count("vram"), 0U);
    EXPECT_THAT(plan.verdict, HasSubstr("1,024 tokens"));
}

TEST(Placement, FullSizeOnASmallComputerReadsExpertsFromDisk) {
    const ModelConfig flash = test::flashConfig();
    PlacementInputs in;
    in.contextTokens = 65'536;
    in.ram = 64'000'000'000;
    const Forecast plan = planPlacement(flash, in);
    expectSound(flash, in, plan);
    EXPECT_TRUE(plan.fits);
    EXPECT_GT(plan.expertsOnDisk, 0U);
}

TEST(Placement, TooLongAContextSaysWhatIsMissingAndWhatWouldFit) {
    const ModelConfig flash = test::flashConfig();
    const PlacementInputs in = budgets(17'000'000'000, 125'000'000'000);
    const Forecast plan = planPlacement(flash, in);
    EXPECT_FALSE(plan.fits);
    EXPECT_THAT(plan.verdict, HasSubstr("of GPU memory are missing"));
    EXPECT_THAT(plan.verdict, HasSubstr("would fit"));
    const std::uint64_t longest = longestContext(flash, in);
    EXPECT_GT(longest, 0U);
    PlacementInputs shorter = in;
    shorter.contextTokens = longest;
    EXPECT_TRUE(planPlacement(flash, shorter).fits);
    shorter.contextTokens = longest + 1024;
    EXPECT_FALSE(planPlacement(flash, shorter).fits);
}

TEST(Placement, NothingFitsSaysSo) {
    const ModelConfig flash = test::flashConfig();
    const Forecast plan = planPlacement(flash, budgets(4'000'000'000, 125'000'000'000));
    EXPECT_FALSE(plan.fits);
    EXPECT_THAT(plan.verdict, HasSubstr("smaller model"));
    const Forecast noRam = planPlacement(flash, budgets(141'000'000'000, 100'000'000));
    EXPECT_FALSE(noRam.fits);
    EXPECT_THAT(noRam.verdict, HasSubstr("of memory are missing"));
}

TEST(Placement, SweepOfBudgetsNeverBreaksARule) {
    const ModelConfig pro = test::proConfig();
    const ModelConfig tiny = test::tinyConfig("tiny-fp8");
    for (std::uint64_t vram = 1'000'000'000; vram < 2'000'000'000'000; vram *= 3) {
        for (std::uint64_t ram = 500'000'000; ram < 2'000'000'000'000; ram *= 3) {
            for (const ModelConfig* config : {&pro, &tiny}) {
                const PlacementInputs in = budgets(vram, ram, 8192);
                expectSound(*config, in, planPlacement(*config, in));
            }
        }
    }
}

} // namespace dossier::engine
