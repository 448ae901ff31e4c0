// SPDX-License-Identifier: Apache-2.0
#include "engine/experts/expert_plan.h"

#include <algorithm>
#include <numeric>

namespace dossier::engine {

std::vector<ExpertTier> planTiers(std::uint32_t layers, std::uint32_t experts, std::uint64_t inVram,
                                  std::uint64_t inRam, std::span<const std::uint64_t> usage) {
    const std::size_t total = std::size_t{layers} * experts;
    std::vector<std::uint32_t> order(total);
    std::iota(order.begin(), order.end(), 0U);
    // By expert first, then by layer: whatever the number taken, layers differ by one at most.
    const auto place = [&](std::uint32_t i) {
        return std::size_t{i % experts} * layers + i / experts;
    };
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        if (!usage.empty() && usage[a] != usage[b]) {
            return usage[a] > usage[b];
        }
        return place(a) < place(b);
    });
    std::vector<ExpertTier> tiers(total, ExpertTier::Disk);
    for (std::size_t rank = 0; rank < total && rank < inVram + inRam; ++rank) {
        tiers[order[rank]] = rank < inVram ? ExpertTier::Vram : ExpertTier::Ram;
    }
    return tiers;
}

VramShare shareVram(std::uint64_t blocks, std::uint32_t layers, std::uint32_t experts,
                    std::uint32_t atOnce) {
    const std::uint64_t total = std::uint64_t{layers} * experts;
    if (blocks >= total) {
        return {total, 0};
    }
    const std::uint64_t least = std::min(experts, atOnce);
    if (blocks < least) {
        return {};
    }
    VramShare share{blocks - least, least};
    // A larger ring takes room from the core, which makes layers lack more: few rounds settle it.
    for (int round = 0; round < 4; ++round) {
        const std::uint64_t lacking = (total - share.core + layers - 1) / layers;
        share.ring = std::clamp(lacking, least, std::max(least, kMostRing));
        share.ring = std::min(share.ring, blocks);
        share.core = blocks - share.ring;
    }
    return share;
}

} // namespace dossier::engine
