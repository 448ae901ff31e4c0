// SPDX-License-Identifier: Apache-2.0
// Which routed expert lies in which tier. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace dossier::engine {

/// Exclusive: an expert in GPU memory has no copy in RAM, one in RAM none on disk that is used.
enum class ExpertTier : std::uint8_t { Vram, Ram, Disk };

/// Tiers of all experts, [layers * experts]: the first `inVram` of a ranking in GPU memory, the
/// next `inRam` in RAM, the others on disk. Ranked by how often each was chosen, `usage`
/// [layers * experts]; equal ones (all, when usage is empty) so that every layer gets its share.
std::vector<ExpertTier> planTiers(std::uint32_t layers, std::uint32_t experts, std::uint64_t inVram,
                                  std::uint64_t inRam, std::span<const std::uint64_t> usage = {});

/// How GPU memory for experts is shared out: `core` experts that stay, and `ring` slots that the
/// others pass through (0 when all are in the core).
struct VramShare {
    std::uint64_t core = 0, ring = 0;
};
/// `blocks`: experts that the memory has room for. `atOnce`: most experts of one layer that a batch
/// of answers can choose; the ring holds that many. Beyond it the ring grows to what a layer lacks,
/// so that reading can fetch a layer ahead, but to kMostRing at most. A share of nothing: too
/// little memory.
VramShare shareVram(std::uint64_t blocks, std::uint32_t layers, std::uint32_t experts,
                    std::uint32_t atOnce);
constexpr std::uint64_t kMostRing = 160;

} // namespace dossier::engine
