// SPDX-License-Identifier: Apache-2.0
// Experts on the processor against the plain functions, one row and many, and what happens when
// computing fails or does not end. The split between bus and processor.
#include <atomic>
#include <bit>
#include <cmath>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/experts/cpu_split.h"
#include "engine/experts/cpu_workers.h"
#include "engine/kernels/cpu/plain.h"

namespace dossier::engine {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

/// Some experts in RAM and rows that chose them.
struct Sample {
    Sample(std::uint32_t hidden, std::uint32_t inner, bool fp4, std::uint32_t rowCount,
           std::vector<std::uint32_t> rowMasks)
        : layout(expertLayout(hidden, inner, fp4)), rows(rowCount), masks(std::move(rowMasks)) {
        std::mt19937 random(7);
        std::normal_distribution<float> normal;
        std::vector<Bf16> x(std::size_t{rows} * hidden);
        for (Bf16& v : x) {
            v = floatToBf16(normal(random));
        }
        values.resize(x.size());
        scales.resize(x.size() / 128);
        for (std::uint32_t r = 0; r < rows; ++r) {
            plain::quantise(&x[std::size_t{r} * hidden], hidden, &values[std::size_t{r} * hidden],
                            &scales[std::size_t{r} * hidden / 128]);
        }
        for (std::size_t e = 0; e < masks.size(); ++e) {
            auto& block = blocks.emplace_back(layout.bytes);
            for (std::uint8_t& byte : block) {
                const auto code = static_cast<std::uint8_t>(random());
                byte = fp4 ? code : code % 128 < 120 ? code : 0; // e4m3 has two NaNs
            }
            for (int m = 0; m < 3; ++m) {
                for (std::uint64_t i = 0; i < layout.scaleBytes[m]; ++i) {
                    block[layout.scales[m] + i] = static_cast<std::uint8_t>(117 + random() % 3);
                }
            }
            std::vector<float>& weight = weights.emplace_back(kAnswerRows);
            for (float& w : weight) {
                w = 0.1F + static_cast<float>(random() % 1000) / 1000;
            }
            results.emplace_back(std::size_t(std::popcount(masks[e])) * hidden);
        }
    }
    CpuWorkers::Job job() {
        experts.clear();
        for (std::size_t e = 0; e < masks.size(); ++e) {
            experts.push_back({blocks[e].data(), masks[e], weights[e].data(), results[e].data()});
        }
        return {{values.data(), scales.data()}, rows, experts};
    }
    std::vector<Bf16> plainResult(std::size_t e) const {
        const ExpertParameters p = layout.at(blocks[e].data());
        std::vector<Bf16> all;
        for (std::uint32_t row = 0; row < rows; ++row) {
            if ((masks[e] >> row & 1U) == 0) {
                continue;
            }
            const auto product = [](const Fp4Weight& four, const Fp8Weight& eight,
                                    const std::uint8_t* q, const float* s) {
                std::vector<Bf16> y(four.values ? four.out : eight.out);
                four.values ? plain::linearFp4(q, s, four, 0, four.out, y.data())
                            : plain::linearFp8(q, s, eight, 0, eight.out, y.data());
                return y;
            };
            const std::uint8_t* q = &values[std::size_t{row} * layout.hidden];
            const float* s = &scales[std::size_t{row} * layout.hidden / 128];
            const auto g = product(p.w1, p.w1Fp8, q, s), u = product(p.w3, p.w3Fp8, q, s);
            std::vector<Bf16> a(layout.inner);
            plain::swiglu(g.data(), u.data(), layout.inner, weights[e][row], kLimit, a.data());
            std::vector<std::uint8_t> codes(layout.inner);
            std::vector<float> codeScales(layout.inner / 128);
            plain::quantise(a.data(), layout.inner, codes.data(), codeScales.data());
            const auto y = product(p.w2, p.w2Fp8, codes.data(), codeScales.data());
            all.insert(all.end(), y.begin(), y.end());
        }
        return all;
    }
    /// Relative error of all results, and the part of values more than one bf16 step away.
    void expectPlain() {
        double error = 0, size = 0;
        std::size_t count = 0, far = 0;
        for (std::size_t e = 0; e < masks.size(); ++e) {
            const std::vector<Bf16> want = plainResult(e);
            ASSERT_EQ(results[e].size(), want.size());
            for (std::size_t i = 0; i < want.size(); ++i) {
                const double w = static_cast<double>(bf16ToFloat(want[i]));
                const double d = static_cast<double>(bf16ToFloat(results[e][i])) - w;
                error += d * d;
                size += w * w;
                ++count;
                far += std::abs(results[e][i] - want[i]) > 1;
            }
        }
        EXPECT_GT(size, 0);
        EXPECT_LT(std::sqrt(error / size), 1e-2);
        EXPECT_LT(static_cast<double>(far), 0.02 * static_cast<double>(count));
    }

    static constexpr float kLimit = 10;
    ExpertLayout layout;
    std::uint32_t rows;
    std::vector<std::uint32_t> masks;
    std::vector<std::uint8_t> values;
    std::vector<float> scales;
    std::vector<std::vector<std::uint8_t>> blocks;
    std::vector<std::vector<float>> weights;
    std::vector<std::vector<Bf16>> results;
    std::vector<CpuWorkers::Expert> experts;
};

std::vector<const CpuKernels*> allKernels() {
    std::vector<const CpuKernels*> all{&plainKernels()};
    for (const CpuKernels* kernels : {avx2Kernels(), avx512Kernels()}) {
        if (kernels) {
            all.push_back(kernels);
        }
    }
    return all;
}

TEST(CpuWorkers, EqualThePlainFunctions) {
    for (const CpuKernels* kernels : allKernels()) {
        for (const bool fp4 : {true, false}) {
            SCOPED_TRACE(std::string(kernels->name) + (fp4 ? " fp4" : " fp8"));
            MemoryLedger ledger;
            const ExpertLayout layout = expertLayout(512, 256, fp4);
            CpuWorkers workers(layout, Sample::kLimit, *kernels, 2, ledger);
            EXPECT_EQ(workers.kernels(), kernels->name);
            Sample one(512, 256, fp4, 1, {1});
            workers.start(one.job());
            EXPECT_TRUE(workers.finish(60s));
            one.expectPlain();
            EXPECT_GT(workers.seconds(), 0);
            Sample many(512, 256, fp4, 16, {0x8001, 0x10, 0xffff, 0x0421});
            workers.start(many.job());
            EXPECT_TRUE(workers.finish(60s));
            many.expectPlain();
        }
    }
}

TEST(CpuWorkers, BitsDependNeitherOnThreadsNorOnTheOtherExperts) {
    const CpuKernels& kernels = selectCpuKernels("");
    MemoryLedger ledger;
    const ExpertLayout layout = expertLayout(512, 256, true);
    std::vector<std::vector<Bf16>> results;
    for (const unsigned threads : {1U, 3U}) {
        CpuWorkers workers(layout, Sample::kLimit, kernels, threads, ledger);
        EXPECT_EQ(workers.threads(), threads);
        Sample sample(512, 256, true, 5, {0x1f, 0x03, 0x10});
        workers.start(sample.job());
        ASSERT_TRUE(workers.finish(60s));
        results.push_back(sample.results[0]);
        Sample alone(512, 256, true, 5, {0x1f}); // the same first expert
        workers.start(alone.job());
        ASSERT_TRUE(workers.finish(60s));
        results.push_back(alone.results[0]);
    }
    EXPECT_EQ(results[1], results[0]);
    EXPECT_EQ(results[2], results[0]);
    EXPECT_EQ(results[3], results[0]);
    EXPECT_EQ(ledger.total(MemoryPlace::Ram), 0U);
}

std::atomic<bool> g_broken{false}, g_stuck{false};

CpuKernels fragile() {
    CpuKernels kernels = plainKernels();
    kernels.linearFp4 = [](const Operand& x, LinearRange range, const Fp4Weight& w, Bf16* y,
                           std::size_t stride) {
        if (g_broken) {
            throw Error(ErrorCode::Corrupt, "An expert broke");
        }
        while (g_stuck) {
            std::this_thread::sleep_for(1ms);
        }
        plainKernels().linearFp4(x, range, w, y, stride);
    };
    return kernels;
}

TEST(CpuWorkers, WhatComputingThrowsComesOutAndTheNextJobRuns) {
    const CpuKernels kernels = fragile();
    MemoryLedger ledger;
    Sample sample(256, 128, true, 1, {1, 1});
    CpuWorkers workers(sample.layout, Sample::kLimit, kernels, 2, ledger);
    g_broken = true;
    workers.start(sample.job());
    try {
        workers.finish(60s);
        ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Corrupt);
        EXPECT_THAT(error.failed(), HasSubstr("broke"));
    }
    g_broken = false;
    workers.start(sample.job());
    EXPECT_TRUE(workers.finish(60s));
    sample.expectPlain();
}

TEST(CpuWorkers, AStuckJobIsNoticedAndLeftBehind) {
    const CpuKernels kernels = fragile();
    MemoryLedger ledger;
    Sample sample(256, 128, true, 1, {1});
    g_stuck = true;
    {
        CpuWorkers workers(sample.layout, Sample::kLimit, kernels, 2, ledger);
        workers.start(sample.job());
        EXPECT_FALSE(workers.finish(20ms));
        EXPECT_THROW(workers.start(sample.job()), Error);
    }                                              // must not hang
    EXPECT_GT(ledger.total(MemoryPlace::Ram), 0U); // still being used
    g_stuck = false;
    for (int i = 0; i < 2000 && ledger.total(MemoryPlace::Ram) > 0; ++i) {
        std::this_thread::sleep_for(5ms);
    }
    EXPECT_EQ(ledger.total(MemoryPlace::Ram), 0U); // the threads went when they could
}

TEST(CpuSplit, TheSplitThatEndsFirst) {
    const CpuSplit even({1e-4, 1e-4, 1e-4});
    EXPECT_EQ(even.forCpu(0), 0U);
    EXPECT_EQ(even.forCpu(1), 0U); // the bus gets more where it is all the same
    EXPECT_EQ(even.forCpu(3), 1U);
    EXPECT_EQ(even.forCpu(6), 3U);
    const CpuSplit slow({1e-4, 1e-2, 1e-2});
    EXPECT_EQ(slow.forCpu(6), 0U);
    // DRAM gives 120: 55 to the bus, 65 to the processor, or 120 to the processor alone, which is
    // then better off without the bus as long as the bus would end last.
    const CpuSplit shared({1.0 / 55, 1.0 / 65, 1.0 / 120});
    EXPECT_EQ(shared.forCpu(1), 1U);
    EXPECT_EQ(shared.forCpu(2), 2U);
    EXPECT_NEAR(shared.end(0, 3), 3.0 / 120, 1e-9);
    EXPECT_NEAR(shared.end(1, 3), 4.0 / 120, 1e-9); // together they read at 120
    EXPECT_NEAR(shared.end(3, 1), 3.0 / 55, 1e-9);
    // The best of all splits, whatever the rates.
    std::mt19937 random(3);
    for (int i = 0; i < 1000; ++i) {
        const double bus = 1 + random() % 100, alone = 1 + random() % 100;
        const CpuSplit split({bus, alone * (1 + random() % 3), alone});
        const std::uint32_t count = random() % 96, chosen = split.forCpu(count);
        for (std::uint32_t k = 0; k <= count; ++k) {
            EXPECT_LE(split.end(count - chosen, chosen), split.end(count - k, k));
        }
    }
}

TEST(CpuSplit, AFixedShareIsKept) {
    CpuSplit half({1, 1, 1}, 0.5), all({1, 1, 1}, 1.0), none({1, 1, 1}, 0.0);
    half.took(10, 1e-3, 10, 1e3);
    EXPECT_EQ(half.forCpu(6), 3U);
    EXPECT_EQ(all.forCpu(6), 6U);
    EXPECT_EQ(none.forCpu(6), 0U);
}

TEST(CpuSplit, FollowsWhatExpertsTake) {
    CpuSplit split({1e-4, 1e-4, 1e-4});
    for (int i = 0; i < 100; ++i) {
        split.took(3, 3e-4, 3, 9e-4);
    }
    EXPECT_NEAR(split.rates().cpuAlone, 3e-4, 1e-6);
    EXPECT_NEAR(split.rates().cpuBesideBus, 3e-4, 1e-6);
    EXPECT_NEAR(split.rates().bus, 1e-4, 1e-8);
    EXPECT_EQ(split.forCpu(4), 1U);
    split.took(3, 3e-4, 1, 10); // one interruption
    EXPECT_LT(split.rates().cpuAlone, 4e-4);
    // Too slow to be used: it gets another chance.
    for (int i = 0; i < 200; ++i) {
        split.took(3, 3e-4, 3, 1);
    }
    EXPECT_EQ(split.forCpu(4), 0U);
    for (int i = 0; i < 5000; ++i) {
        split.took(4, 4e-4, 0, 0);
    }
    EXPECT_EQ(split.forCpu(4), 2U);
}

} // namespace
} // namespace dossier::engine
