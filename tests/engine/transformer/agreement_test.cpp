// SPDX-License-Identifier: Apache-2.0
// The GPU beside the CPU on the shipped model: greedy tokens of 32 prompts, on both paths.
#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/base/json_text.h"
#include "engine/kernels/cpu/cpu_operations.h"
#include "tests/engine/transformer/forward_fixture.h"

namespace dossier::engine {
namespace {

/// Where the best two tokens are closer than this, either may win: the model's card allows a logit
/// to differ by as much between two implementations.
constexpr float kNearTie = 1.0F;

std::vector<std::vector<std::int32_t>> prompts() {
    std::ifstream file(kEmbeddedModel / "golden.json");
    const nlohmann::json golden = parseJson(file);
    std::vector<std::vector<std::int32_t>> list;
    for (std::size_t cut = 0; list.size() < 32; ++cut) {
        for (const auto& item : golden["items"]) { // each prompt, cut at more and more places
            auto ids = item["prompt_ids"].get<std::vector<std::int32_t>>();
            ids.resize(std::max<std::size_t>(ids.size() - cut * ids.size() / 16, 1));
            if (list.size() < 32) {
                list.push_back(ids);
            }
        }
    }
    return list;
}

struct Best {
    std::int32_t token;
    float gap;
};
Best bestOf(std::span<const float> row) {
    const auto top = std::max_element(row.begin(), row.end());
    float second = -1e30F;
    for (auto v = row.begin(); v != row.end(); ++v) {
        second = v == top ? second : std::max(second, *v);
    }
    return {static_cast<std::int32_t>(top - row.begin()), *top - second};
}

TEST(Agreement, GreedyTokensOf32Prompts) {
    if (!std::filesystem::exists(kEmbeddedModel / "config.json")) {
        GTEST_SKIP() << "resources/model is not in this checkout";
    }
    if (backends().empty()) {
        GTEST_SKIP() << "needs an NVIDIA GPU";
    }
    const Backend cpuBackend{"cpu", Backend::Speed::Fast,
                             [](const ModelConfig& config, ThreadPool& pool, MemoryLedger& ledger) {
                                 return std::make_unique<CpuOperations>(
                                     config, selectCpuKernels(""), pool, ledger);
                             }};
    LoadedModel cpu(kEmbeddedModel, cpuBackend, 0, 512), gpu(kEmbeddedModel, backends().front());
    const std::size_t vocabulary = cpu.config().vocabSize;
    std::size_t tokens = 0, differing = 0, promptsEqual = 0;
    float largestGap = 0;
    for (const auto& prompt : prompts()) {
        const auto onCpu = cpu.sequence(), onGpu = gpu.sequence();
        const auto last = [&](const std::vector<float>& logits) {
            return std::vector<float>(logits.end() - static_cast<std::ptrdiff_t>(vocabulary),
                                      logits.end());
        };
        std::vector<float> a = last(cpu.logits(*onCpu, prompt, 512));
        std::vector<float> b = last(gpu.logits(*onGpu, prompt, 4096));
        bool equal = true;
        for (int step = 0; step < 24; ++step) {
            const Best want = bestOf(a), got = bestOf(b);
            ++tokens;
            if (want.token != got.token) {
                ++differing;
                equal = false;
                largestGap = std::max(largestGap, want.gap);
                EXPECT_LT(want.gap, kNearTie) << "step " << step;
            }
            if (want.token == cpu.config().eosToken) {
                break;
            }
            a = cpu.logits(*onCpu, {&want.token, 1}, 1, Path::Answering);
            b = gpu.logits(*onGpu, {&want.token, 1}, 1, Path::Answering);
        }
        promptsEqual += equal ? 1 : 0;
    }
    std::printf(
        "32 prompts, %zu tokens: %zu prompts with equal greedy tokens, %zu tokens differ, at "
        "gaps up to %.3f\n",
        tokens, promptsEqual, differing, static_cast<double>(largestGap));
    EXPECT_LT(static_cast<double>(differing), 0.06 * static_cast<double>(tokens));
}

} // namespace
} // namespace dossier::engine
