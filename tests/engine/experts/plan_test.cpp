// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "engine/experts/expert_plan.h"

namespace dossier::engine {
namespace {

std::uint64_t countOf(const std::vector<ExpertTier>& tiers, ExpertTier tier) {
    return static_cast<std::uint64_t>(std::count(tiers.begin(), tiers.end(), tier));
}

TEST(ExpertPlan, WithoutKnowledgeEveryLayerGetsItsShare) {
    const auto tiers = planTiers(43, 256, 4537, 5000);
    EXPECT_EQ(countOf(tiers, ExpertTier::Vram), 4537U);
    EXPECT_EQ(countOf(tiers, ExpertTier::Ram), 5000U);
    EXPECT_EQ(countOf(tiers, ExpertTier::Disk), 43U * 256 - 9537);
    for (std::size_t layer = 0; layer < 43; ++layer) {
        const auto* begin = tiers.data() + layer * 256;
        const auto here = std::count(begin, begin + 256, ExpertTier::Vram);
        EXPECT_TRUE(here == 105 || here == 106) << "layer " << layer << ": " << here;
    }
}

TEST(ExpertPlan, TheMostUsedOnesComeFirst) {
    std::vector<std::uint64_t> usage(4 * 8);
    for (std::size_t i = 0; i < usage.size(); ++i) {
        usage[i] = i * 7 % 32;
    }
    const auto tiers = planTiers(4, 8, 10, 12, usage);
    for (std::size_t i = 0; i < usage.size(); ++i) {
        const ExpertTier want = usage[i] >= 22   ? ExpertTier::Vram
                                : usage[i] >= 10 ? ExpertTier::Ram
                                                 : ExpertTier::Disk;
        EXPECT_EQ(tiers[i], want) << i;
    }
}

TEST(ExpertPlan, MoreThanThereAre) {
    const auto tiers = planTiers(2, 4, 100, 100);
    EXPECT_EQ(countOf(tiers, ExpertTier::Vram), 8U);
}

TEST(VramShares, AllInTheCoreNeedsNoRing) {
    EXPECT_EQ(shareVram(11008, 43, 256, 96).core, 11008U);
    EXPECT_EQ(shareVram(11008, 43, 256, 96).ring, 0U);
}

TEST(VramShares, TheRingHoldsWhatABatchCanLackAndWhatALayerLacks) {
    for (const std::uint64_t blocks : {96UL, 97UL, 400UL, 4537UL, 9000UL, 11007UL}) {
        const VramShare share = shareVram(blocks, 43, 256, 96);
        EXPECT_EQ(share.core + share.ring, blocks);
        EXPECT_GE(share.ring, 96U);
        EXPECT_LE(share.ring, kMostRing);
        const std::uint64_t lacking = (11008 - share.core + 42) / 43;
        EXPECT_GE(share.ring, std::min({lacking, kMostRing, blocks})) << blocks;
    }
}

TEST(VramShares, TooLittleIsNothing) {
    EXPECT_EQ(shareVram(95, 43, 256, 96).core + shareVram(95, 43, 256, 96).ring, 0U);
}

} // namespace
} // namespace dossier::engine
