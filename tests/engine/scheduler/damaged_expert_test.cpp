// SPDX-License-Identifier: Apache-2.0
// A model with one damaged expert: loading succeeds, the first token that needs the expert fails
// with a clear error, and everything else goes on as if that token had never been tried.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "tests/engine/scheduler/damaged_model.h"
#include "tests/engine/support/golden.h"

namespace dossier::engine {
namespace {

using test::damagedModel;
using testing::HasSubstr;

Error errorOf(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    return {ErrorCode::Internal, "no error"};
}

LoadOptions from(const std::filesystem::path& folder) {
    LoadOptions options;
    options.model = folder;
    options.device = Device::Cpu; // a GPU reads every expert while loading: device_test.cpp
    return options;
}

const std::string kExpert = "layers.3.ffn.experts.0.w2.scale";

TEST(DamagedExpert, FailsAtFirstUseAndTheEngineStaysUsable) {
    const auto [folder, shard] = damagedModel(kExpert);
    const auto damaged = makeInProcessEngine(), sound = makeInProcessEngine();
    damaged->load(from(folder));
    sound->load(from(test::tinyCheckpoint("tiny")));
    const LaneId lane = damaged->openLane().id, soundLane = sound->openLane().id;
    int failed = 0;
    for (Token token = 100; token < 250; ++token) {
        const std::uint64_t before = damaged->lane(lane).tokens;
        try {
            damaged->append(lane, {&token, 1});
            sound->append(soundLane, {&token, 1});
        } catch (const Error& error) {
            ++failed;
            EXPECT_EQ(error.code(), ErrorCode::Corrupt);
            EXPECT_THAT(error.failed(), HasSubstr(kExpert));
            EXPECT_THAT(error.failed(), HasSubstr(shard));
            EXPECT_FALSE(error.remedy().empty());
            EXPECT_EQ(damaged->lane(lane).tokens, before);
        }
    }
    EXPECT_GT(failed, 5); // about one token in seven chooses it
    EXPECT_LT(failed, 100);
    const BranchId branch = damaged->branch(lane).id, soundBranch = sound->branch(soundLane).id;
    const std::vector<std::vector<Token>> one{{1}, {77}, {300}};
    EXPECT_EQ(damaged->score(branch, one), sound->score(soundBranch, one));
}

TEST(DamagedExpert, AnAnswerThatNeedsItFailsAndLeavesItsBranch) {
    const auto damaged = makeInProcessEngine();
    damaged->load(from(damagedModel(kExpert).first));
    const LaneId lane = damaged->openLane().id;
    const Token first = 5;
    BranchId branch{};
    const std::vector<std::vector<Token>> one{{1}, {77}, {300}};
    std::vector<std::vector<float>> before;
    for (Token token = first; token < 30; ++token) { // some lane that the expert lets through
        if (errorOf([&] { damaged->append(lane, {&token, 1}); }).code() == ErrorCode::Internal) {
            branch = damaged->branch(lane).id;
            before = damaged->score(branch, one);
            break;
        }
    }
    GenerateOptions options;
    options.maxTokens = 200;
    std::vector<Token> given;
    const Error error = errorOf([&] {
        damaged->generate(branch, options,
                          [&](const TokenEvent& event) { given.push_back(event.token); });
    });
    EXPECT_EQ(error.code(), ErrorCode::Corrupt);
    EXPECT_THAT(error.failed(), HasSubstr(kExpert));

    // The branch stands before the token that failed: running its tokens again gives its logits.
    ASSERT_FALSE(given.empty());
    const BranchId again = damaged->branch(lane).id;
    EXPECT_EQ(damaged->score(again, one), before);
    if (given.size() > 1) {
        damaged->extend(again, std::span(given).first(given.size() - 1));
    }
    EXPECT_EQ(damaged->score(branch, one), damaged->score(again, one));
    const auto failing = std::span(given).last(1);
    EXPECT_EQ(errorOf([&] { damaged->extend(again, failing); }).code(), ErrorCode::Corrupt);
}

TEST(DamagedExpert, ADamagedDenseScaleIsFoundWhileLoading) {
    const std::string tensor = "layers.2.attn.wq_b.scale";
    const auto engine = makeInProcessEngine();
    const auto folder = damagedModel(tensor).first;
    const Error error = errorOf([&] { engine->load(from(folder)); });
    EXPECT_EQ(error.code(), ErrorCode::Corrupt);
    EXPECT_THAT(error.failed(), HasSubstr(tensor));
    engine->load(from(test::tinyCheckpoint("tiny")));
    EXPECT_TRUE(engine->model());
}

} // namespace
} // namespace dossier::engine
