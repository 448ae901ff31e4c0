// SPDX-License-Identifier: GPL-3.0-or-later
// Memory by owner: names on screen, colours, and the sums that the charts stack.
#pragma once

#include <QString>
#include <vector>

#include "app/model_types.h"
#include "ui/theme/tokens.h"

namespace dossier::ui {

/// Owners as drawn; each has one colour in every chart.
enum class Owner { Dense, LaneRows, Scratch, Experts, Text, Window, Other };
constexpr int kOwners = 7;

Owner ownerOf(const std::string& ledgerName);
QString ownerTitle(Owner owner, bool ram);
ColorRole ownerColor(Owner owner);
/// From the bottom of a stack up; experts lie at the bottom of RAM, where they are most.
const std::vector<Owner>& stackOrder(bool ram);

/// One sample of one place ("vram" or RAM), in bytes by owner.
struct OwnerSums {
    std::int64_t timeMs = 0;
    std::uint64_t bytes[kOwners] = {};
    std::uint64_t total = 0; ///< of the device
    std::uint64_t used() const {
        std::uint64_t sum = 0;
        for (const std::uint64_t b : bytes) {
            sum += b;
        }
        return sum;
    }
};

/// RAM: the engine's ledger (heap, pinned, mapped), this program's own, other programs.
OwnerSums ramSums(const app::MemorySample& sample);
/// GPU memory; total 0 without a GPU.
OwnerSums vramSums(const app::MemorySample& sample);

/// Sums of a forecast in one place ("vram"; "ram" takes heap, pinned and mapped).
/// What the engine's ledger counts there.
std::uint64_t ledgerBytes(const engine::MemorySnapshot& snapshot, bool ram);
std::uint64_t forecastBytes(const engine::Forecast& forecast, bool ram);

/// Ledger rows of all processes as text for a bug report.
QString memoryAsText(const app::MemorySample& sample, const app::EngineStatus& status);

} // namespace dossier::ui
