// SPDX-License-Identifier: Apache-2.0
#include "engine/forecast/placement.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "engine/base/memory_ledger.h"
#include "engine/experts/expert_plan.h"
#include "engine/forecast/costs.h"
#include "engine/kernels/types.h"

namespace dossier::engine {
namespace {

constexpr std::uint64_t kContextStep = 1024;

/// Fixed-size state of a sequence: windows and compressor states.
std::uint64_t frontierBytes(const ModelConfig& c) {
    return kvWindowBytes(c) + compressorStateBytes(c);
}

std::uint64_t sumOf(const std::vector<MemoryRow>& rows, std::string_view where) {
    std::uint64_t sum = 0;
    for (const MemoryRow& row : rows) {
        sum += row.where == where ? row.bytes : 0;
    }
    return sum;
}

std::uint64_t roomLeft(std::uint64_t budget, std::uint64_t used) {
    return used >= budget ? 0 : budget - used;
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%.0f %%",
                  100.0 * static_cast<double>(part) / static_cast<double>(whole));
    return text.data();
}

std::string tokens(std::uint64_t n) {
    const std::string digits = std::to_string(n);
    std::string text;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) {
            text.push_back(',');
        }
        text.push_back(digits[i]);
    }
    return text.append(" tokens");
}

struct Missing {
    std::uint64_t bytes = 0;
    const char* where = "";
};

/// Rows that do not depend on where experts go; what is missing for them.
Missing planFixed(const ModelConfig& c, const PlacementInputs& in, std::vector<MemoryRow>& rows) {
    const char* home = in.vram ? "vram" : "ram";
    rows.push_back({"dense weights", in.vram ? "vram" : "mapped", denseBytes(c)});
    rows.push_back({"lane rows", home, kvEntryBytes(c, in.contextTokens)});
    rows.push_back({"frontiers", home, in.branches * frontierBytes(c)});
    if (in.vram) {
        rows.push_back({"scratch", "vram", in.gpuScratch});
        rows.push_back({"GPU context", "vram", in.gpuContext});
    }
    rows.push_back({in.vram ? "staging" : "scratch", in.vram ? "pinned" : "ram", in.ramScratch});
    rows.push_back({"program", "ram", in.ramBase});
    const std::uint64_t ram = sumOf(rows, "ram") + sumOf(rows, "pinned") + sumOf(rows, "mapped");
    // What a batch of answers may choose in one layer has to be there at once.
    const std::uint64_t least =
        std::min(c.routedExperts, kAnswerRows * c.expertsPerToken) * expertBytes(c);
    const std::uint64_t vram = sumOf(rows, "vram") + least;
    if (in.vram && vram > *in.vram) {
        return {vram - *in.vram, "GPU memory"};
    }
    return ram > in.ram ? Missing{ram - in.ram, "memory"} : Missing{};
}

void planExperts(const ModelConfig& c, const PlacementInputs& in, Forecast& plan) {
    const std::uint64_t each = expertBytes(c), all = expertCount(c);
    std::uint64_t left = all;
    if (in.vram) {
        const std::uint64_t room = roomLeft(*in.vram, sumOf(plan.rows, "vram")) / each;
        const VramShare share =
            shareVram(room, c.layers, c.routedExperts, kAnswerRows * c.expertsPerToken);
        plan.expertsInVram = share.core;
        if (share.ring > 0) {
            plan.rows.push_back({"reading buffers", "vram", share.ring * each});
        }
        left -= plan.expertsInVram;
        if (plan.expertsInVram > 0) {
            plan.rows.push_back({"expert cache", "vram", plan.expertsInVram * each});
        }
    }
    const std::uint64_t ramUsed =
        sumOf(plan.rows, "ram") + sumOf(plan.rows, "pinned") + sumOf(plan.rows, "mapped");
    plan.expertsInRam = std::min(left, roomLeft(in.ram, ramUsed) / each);
    if (plan.expertsInRam > 0) {
        plan.rows.push_back(
            {"expert pool", in.vram ? "pinned" : "mapped", plan.expertsInRam * each});
    }
    plan.expertsOnDisk = left - plan.expertsInRam;
    if (plan.expertsOnDisk > 0) {
        plan.rows.push_back({"experts", "disk", plan.expertsOnDisk * each});
    }
}

std::string verdictOf(const ModelConfig& c, const Forecast& plan, bool gpu) {
    const std::uint64_t all = expertCount(c);
    std::string text = "Fits with room for " + tokens(plan.contextTokens) + ": ";
    if (plan.expertsInVram == all) {
        return text + "the whole model lies in GPU memory.";
    }
    if (plan.expertsInRam == all) {
        return text + "the whole model lies in memory.";
    }
    if (gpu) {
        text += percent(plan.expertsInVram, all) + " of the experts in GPU memory, ";
    }
    text += percent(plan.expertsInRam, all) + " in memory";
    if (plan.expertsOnDisk > 0) {
        text += ", " + percent(plan.expertsOnDisk, all) +
                " on disk. Answers will be slow; more memory would help";
    }
    return text + ".";
}

} // namespace

Forecast planPlacement(const ModelConfig& config, const PlacementInputs& inputs) {
    Forecast plan;
    plan.contextTokens = inputs.contextTokens;
    const Missing missing = planFixed(config, inputs, plan.rows);
    plan.fits = missing.bytes == 0;
    planExperts(config, inputs, plan);
    if (plan.fits) {
        plan.verdict = verdictOf(config, plan, inputs.vram.has_value());
        return plan;
    }
    plan.verdict = "Does not fit with room for " + tokens(inputs.contextTokens) + ": " +
                   formatBytes(missing.bytes) + " of " + missing.where + " are missing. ";
    const std::uint64_t longest = longestContext(config, inputs);
    plan.verdict +=
        longest > 0 ? "A context of " + tokens(longest) + " would fit."
                    : "Allow more " + std::string(missing.where) + ", or choose a smaller model.";
    return plan;
}

std::uint64_t longestContext(const ModelConfig& config, PlacementInputs inputs) {
    const auto fits = [&](std::uint64_t steps) {
        inputs.contextTokens = steps * kContextStep;
        std::vector<MemoryRow> rows;
        return planFixed(config, inputs, rows).bytes == 0;
    };
    std::uint64_t low = 0, high = std::max<std::uint64_t>(config.maxPositions / kContextStep, 1);
    if (fits(high)) {
        return high * kContextStep;
    }
    while (low + 1 < high) {
        const std::uint64_t middle = (low + high) / 2;
        (fits(middle) ? low : high) = middle;
    }
    return low * kContextStep;
}

} // namespace dossier::engine
