// SPDX-License-Identifier: Apache-2.0
// The engine on a GPU, behind its public interface: the choice of the device, what it says when
// there is none, memory, and a damaged model. On a real GPU, or on the emulated one.
#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "engine/kernels/cuda/device_probe.h"
#include "tests/engine/scheduler/damaged_model.h"
#include "tests/engine/support/golden.h"

namespace dossier::engine {
namespace {

using testing::HasSubstr;

class GpuEngine : public testing::Test {
  protected:
    void SetUp() override {
        const CudaProbe probe = probeCuda();
        if (!probe.usable) {
            GTEST_SKIP() << "needs an NVIDIA GPU: " << probe.whyNot;
        }
    }
    static LoadOptions on(Device device, const std::filesystem::path& model) {
        LoadOptions options;
        options.model = model;
        options.device = device;
        options.contextTokens = 4096;
        options.vramLeaveFree = 256 << 20;
        return options;
    }
    static LoadOptions tiny(Device device) { return on(device, test::tinyCheckpoint("tiny")); }
    static std::uint64_t taken(Engine& engine, std::string_view where) {
        std::uint64_t sum = 0;
        for (const MemoryRow& row : engine.memory().ledger) {
            sum += row.where == where ? row.bytes : 0;
        }
        return sum;
    }
    static bool has(Engine& engine, std::string_view owner) {
        const auto rows = engine.memory().ledger;
        return std::any_of(rows.begin(), rows.end(), [&](const MemoryRow& row) {
            return row.owner == owner && row.where == "vram" && row.bytes > 0;
        });
    }
};

TEST_F(GpuEngine, Fp8ExpertsAreUsedWhereTheyAreAskedForAndToldInTheNames) {
    const auto engine = makeInProcessEngine();
    LoadOptions options = tiny(Device::Cuda);
    engine->load(options);
    const DeviceInfo exact = engine->device();
    EXPECT_THAT(exact.name, testing::Not(HasSubstr("FP8")));
    EXPECT_THAT(exact.numerics, testing::Not(HasSubstr("fp8")));
    const CudaProbe probe = probeCuda();
    options.fp8Experts = true;
    engine->load(options);
    if (probe.computeMajor == 9 && probe.computeMinor == 0) {
        EXPECT_THAT(engine->device().name, HasSubstr("FP8 products for experts"));
        EXPECT_THAT(engine->device().numerics,
                    HasSubstr(" fp8 ")); // its lanes are of another class
    } else {                             // not silent: the name does not say so
        EXPECT_EQ(engine->device().name, exact.name);
        EXPECT_EQ(engine->device().numerics, exact.numerics);
    }
    const LaneId lane = engine->openLane().id;
    EXPECT_EQ(engine->append(lane, std::vector<Token>{5, 100, 7, 300}).tokens, 4u);
}

TEST_F(GpuEngine, AnswersAndScoresNearTheCpu) {
    const auto gpu = makeInProcessEngine(), cpu = makeInProcessEngine();
    gpu->load(tiny(Device::Cuda));
    cpu->load(tiny(Device::Cpu));
    EXPECT_EQ(gpu->device().device, Device::Cuda);
    EXPECT_TRUE(gpu->device().whyNot.empty());
    EXPECT_NE(gpu->device().numerics, cpu->device().numerics);
    EXPECT_EQ(cpu->device().device, Device::Cpu);
    EXPECT_TRUE(cpu->device().whyNot.empty()); // nobody looked for a GPU

    // The first few tokens: later ones differ by chance in a model without training.
    const std::vector<Token> tokens{5, 100, 7, 300};
    const std::vector<std::vector<Token>> continuations{{1}, {77, 5}, {300}};
    std::vector<std::vector<float>> scores[2];
    std::vector<Token> answers[2];
    Engine* engines[] = {gpu.get(), cpu.get()};
    for (std::size_t i = 0; i < 2; ++i) {
        const LaneId lane = engines[i]->openLane().id;
        EXPECT_EQ(engines[i]->append(lane, tokens).tokens, tokens.size());
        const BranchId branch = engines[i]->branch(lane).id;
        scores[i] = engines[i]->score(branch, continuations);
        GenerateOptions options;
        options.maxTokens = 3;
        answers[i] = engines[i]->generate(branch, options, {}).tokens;
    }
    EXPECT_EQ(answers[0], answers[1]);
    // All of a token's weights were read in GPU memory.
    EXPECT_GT(gpu->telemetry().bytesPerTokenVram, 0U);
    EXPECT_EQ(gpu->telemetry().bytesPerTokenRam + gpu->telemetry().bytesPerTokenDisk, 0U);
    for (std::size_t c = 0; c < continuations.size(); ++c) {
        for (std::size_t i = 0; i < continuations[c].size(); ++i) {
            EXPECT_NEAR(scores[0][c][i], scores[1][c][i], 0.05) << c << ", " << i;
        }
    }
}

TEST_F(GpuEngine, ALaneOfTheCpuOpensHereAndTheOtherWayRound) {
    const auto folder = test::temporaryFolder("classes");
    std::vector<Token> tokens(700);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        tokens[i] = static_cast<Token>((i * 2654435761U >> 7) % 512);
    }
    std::vector<std::vector<Token>> all;
    for (Token id = 0; id < 512; ++id) {
        all.push_back({id});
    }
    const auto gpu = makeInProcessEngine(), cpu = makeInProcessEngine();
    gpu->load(tiny(Device::Cuda));
    cpu->load(tiny(Device::Cpu));
    for (const auto& [from, to] : {std::pair{gpu.get(), cpu.get()}, {cpu.get(), gpu.get()}}) {
        LaneOptions options;
        options.file = folder / from->device().numerics;
        const LaneId written = from->openLane(options).id;
        from->append(written, std::span(tokens).first(600));
        const auto expected = from->score(from->branch(written).id, all);
        from->closeLane(written);

        LaneInfo info = to->openLane(options);
        ASSERT_EQ(info.tokens, 600U);
        EXPECT_TRUE(info.restored->classChanged);
        EXPECT_EQ(info.restored->writtenBy, from->device().numerics);
        EXPECT_EQ(info.restored->check, "close");
        EXPECT_THAT(info.restored->note, HasSubstr(from->device().numerics));
        const auto scores = to->score(to->branch(info.id).id, all);
        double error = 0, sum = 0, squares = 0;
        for (std::size_t id = 0; id < all.size(); ++id) {
            const double was = expected[id][0], now = scores[id][0];
            error += (was - now) * (was - now);
            sum += was;
            squares += was * was;
        }
        const double n = static_cast<double>(all.size());
        // As far as two engines differ at one position of a model without training
        // (self_check.cpp).
        EXPECT_LT(std::sqrt(error / n), 0.2 * std::sqrt(squares / n - sum / n * (sum / n)));

        // What is appended is of the new class, and then the lane is.
        to->append(info.id, std::span(tokens).subspan(600));
        const auto longer = to->score(to->branch(info.id).id, all);
        to->closeLane(info.id);
        info = to->openLane(options);
        EXPECT_EQ(info.tokens, 700U);
        EXPECT_FALSE(info.restored->classChanged);
        EXPECT_EQ(info.restored->check, "equal");
        EXPECT_EQ(to->score(to->branch(info.id).id, all), longer);
        to->closeLane(info.id);
    }
}

TEST_F(GpuEngine, EveryByteOfGpuMemoryHasAnOwnerAndComesBack) {
    const auto engine = makeInProcessEngine();
    EXPECT_EQ(taken(*engine, "vram"), 0u);
    engine->load(tiny(Device::Auto));
    EXPECT_EQ(engine->device().device, Device::Cuda);
    EXPECT_TRUE(has(*engine, "dense weights"));
    EXPECT_TRUE(has(*engine, "expert cache"));
    const MemorySnapshot loaded = engine->memory();
    EXPECT_GT(loaded.vramTotal, 0u);
    EXPECT_GE(loaded.vramUsed, taken(*engine, "vram") / 2);
    const LaneId lane = engine->openLane().id;
    engine->append(lane, std::vector<Token>{5, 6, 7, 8, 9});
    EXPECT_TRUE(has(*engine, "lane rows"));
    engine->unload();
    EXPECT_EQ(taken(*engine, "vram"), 0u);
    EXPECT_EQ(taken(*engine, "pinned"), 0u);
}

TEST_F(GpuEngine, AForecastTellsTheGpuFromTheCpu) {
    const auto engine = makeInProcessEngine();
    const auto rowsIn = [](const Forecast& forecast, std::string_view where) {
        return std::count_if(forecast.rows.begin(), forecast.rows.end(),
                             [&](const MemoryRow& row) { return row.where == where; });
    };
    const Forecast gpu = engine->forecast(tiny(Device::Auto));
    EXPECT_TRUE(gpu.fits) << gpu.verdict;
    EXPECT_GT(rowsIn(gpu, "vram"), 0);
    EXPECT_EQ(rowsIn(engine->forecast(tiny(Device::Cpu)), "vram"), 0);
}

TEST_F(GpuEngine, ASecondEngineIsTold) {
    const auto first = makeInProcessEngine(), second = makeInProcessEngine();
    first->load(tiny(Device::Cuda));
    try {
        second->load(tiny(Device::Cuda));
        FAIL() << "two engines on one GPU";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Busy);
    }
    second->load(tiny(Device::Auto));
    EXPECT_EQ(second->device().device, Device::Cpu);
    EXPECT_THAT(second->device().whyNot, HasSubstr("another Dossier engine"));
    first->unload();
    second->load(tiny(Device::Cuda));
    EXPECT_EQ(second->device().device, Device::Cuda);
}

TEST_F(GpuEngine, ABudgetThatIsTooSmallSaysWhatWouldDo) {
    const auto engine = makeInProcessEngine();
    LoadOptions options = tiny(Device::Cuda);
    options.vramBudget = 10 << 20;
    try {
        engine->load(options);
        FAIL() << "loaded into nothing";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::OutOfMemory);
        EXPECT_THAT(error.failed(), HasSubstr("GPU memory"));
        EXPECT_FALSE(error.remedy().empty());
    }
    EXPECT_EQ(taken(*engine, "vram"), 0u);
    options.device = Device::Auto;
    engine->load(options);
    EXPECT_EQ(engine->device().device, Device::Cpu);
    EXPECT_THAT(engine->device().whyNot, HasSubstr("Does not fit"));
}

TEST_F(GpuEngine, ADamagedExpertIsFoundWhileLoading) {
    const auto engine = makeInProcessEngine();
    const std::string tensor = "layers.3.ffn.experts.0.w2.scale";
    try {
        engine->load(on(Device::Auto, test::damagedModel(tensor).first));
        FAIL() << "loaded a damaged model";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Corrupt);
        EXPECT_THAT(error.failed(), HasSubstr(tensor));
    }
    EXPECT_EQ(taken(*engine, "vram"), 0u);
}

} // namespace
} // namespace dossier::engine
