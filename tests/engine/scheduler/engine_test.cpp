// SPDX-License-Identifier: Apache-2.0
// The engine behind its public interface, in this process and as a child process: the same
// behaviour is asked of both.
#include "engine/engine.h"

#include <cmath>
#include <csignal>
#include <thread>

#include <gtest/gtest.h>

#include "engine/client/child_engine.h"
#include "tests/engine/support/golden.h"

namespace dossier::engine {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::vector<Token> someTokens(std::size_t count, std::uint32_t vocabulary, std::uint32_t seed = 7) {
    std::vector<Token> tokens(count);
    for (Token& token : tokens) {
        seed = seed * 1664525u + 1013904223u;
        token = static_cast<Token>((seed >> 8) % vocabulary);
    }
    return tokens;
}

enum class Where { InProcess, Child };

class EngineTest : public testing::TestWithParam<Where> {
  protected:
    static std::unique_ptr<Engine> make() {
        return GetParam() == Where::InProcess ? makeInProcessEngine()
                                              : makeChildEngine(DOSSIER_BIN_DIR "/dossier-engine");
    }
    static std::unique_ptr<Engine> loaded() {
        auto engine = make();
        LoadOptions options;
        options.model = test::tinyCheckpoint("tiny");
        options.device = Device::Cpu; // what is compared here agrees closely there
        engine->load(options);
        return engine;
    }
    static GenerateOptions greedy(std::uint32_t tokens) {
        GenerateOptions options;
        options.maxTokens = tokens;
        return options;
    }
};

TEST_P(EngineTest, AnswersGoOnFromLanesAndBranches) {
    const auto engine = loaded();
    const auto tokens = someTokens(300, 512);
    const LaneId lane = engine->openLane().id;
    EXPECT_EQ(engine->append(lane, tokens).tokens, 300u);
    const BranchId first = engine->branch(lane).id;
    std::vector<Token> streamed;
    const GenerateResult answer = engine->generate(
        first, greedy(12), [&](const TokenEvent& event) { streamed.push_back(event.token); });
    EXPECT_EQ(answer.tokens.size(), 12u);
    EXPECT_EQ(answer.tokens, streamed);
    EXPECT_EQ(answer.ended, "length");

    // A second branch of the lane gives the same answer; a fork goes on like its origin.
    const BranchId second = engine->branch(lane).id;
    EXPECT_EQ(engine->generate(second, greedy(5), {}).tokens,
              std::vector<Token>(streamed.begin(), streamed.begin() + 5));
    const BranchInfo fork = engine->fork(second);
    EXPECT_EQ(fork.position, 305u);
    EXPECT_EQ(engine->generate(fork.id, greedy(7), {}).tokens,
              std::vector<Token>(streamed.begin() + 5, streamed.end()));
    EXPECT_EQ(engine->generate(second, greedy(7), {}).tokens,
              std::vector<Token>(streamed.begin() + 5, streamed.end()));
}

TEST_P(EngineTest, BranchesAtEarlierPositionsEqualAShorterLane) {
    const auto engine = loaded();
    const auto tokens = someTokens(300, 512);
    const LaneId lane = engine->openLane().id;
    engine->append(lane, tokens);
    for (const std::uint64_t position : {1u, 127u, 128u, 129u, 299u}) {
        const LaneId shorter = engine->openLane().id;
        engine->append(shorter, std::span(tokens).first(position));
        const auto expected = engine->generate(engine->branch(shorter).id, greedy(4), {}).tokens;
        const BranchInfo earlier = engine->branch(lane, position);
        EXPECT_EQ(earlier.position, position);
        EXPECT_EQ(engine->generate(earlier.id, greedy(4), {}).tokens, expected) << position;
    }
    EXPECT_THROW(engine->branch(lane, 301), Error);
}

TEST_P(EngineTest, ScoresAreTheProbabilitiesOfDecoding) {
    const auto engine = loaded();
    const LaneId lane = engine->openLane().id;
    engine->append(lane, someTokens(150, 512));
    const BranchId branch = engine->branch(lane).id;
    std::vector<float> logProbs;
    std::vector<Token> answer;
    const BranchId other = engine->fork(branch).id;
    engine->generate(other, greedy(6), [&](const TokenEvent& event) {
        answer.push_back(event.token);
        logProbs.push_back(event.logProb);
    });
    const auto scores = engine->score(branch, {answer, {answer[0], 17, 18}, {5}, {}});
    ASSERT_EQ(scores.size(), 4u);
    ASSERT_EQ(scores[0].size(), 6u);
    for (std::size_t i = 0; i < answer.size(); ++i) {
        EXPECT_NEAR(scores[0][i], logProbs[i], 2e-3f);
    }
    EXPECT_EQ(scores[1][0], scores[0][0]);
    EXPECT_LE(scores[2][0], scores[0][0]); // greedy took the best
    EXPECT_TRUE(scores[3].empty());
    EXPECT_EQ(engine->generate(branch, greedy(6), {}).tokens, answer); // scoring changed nothing
}

TEST_P(EngineTest, SamplingDependsOnTheSeedAlone) {
    const auto engine = loaded();
    const LaneId lane = engine->openLane().id;
    engine->append(lane, someTokens(60, 512));
    GenerateOptions options = greedy(24);
    options.temperature = 3;
    options.topP = 0.95;
    const auto run = [&](std::uint64_t seed) {
        options.seed = seed;
        return engine->generate(engine->branch(lane).id, options, {}).tokens;
    };
    const auto once = run(1);
    EXPECT_EQ(run(1), once);
    EXPECT_NE(run(2), once);
    options.topK = 1;
    const auto best = run(3);
    EXPECT_EQ(best, engine->generate(engine->branch(lane).id, greedy(24), {}).tokens);
}

TEST_P(EngineTest, StopTokensEndTheAnswerAndAreNotPartOfIt) {
    const auto engine = loaded();
    const LaneId lane = engine->openLane().id;
    engine->append(lane, someTokens(60, 512));
    const auto all = engine->generate(engine->branch(lane).id, greedy(10), {}).tokens;
    GenerateOptions options = greedy(10);
    options.stop = {all[4]};
    const GenerateResult result = engine->generate(engine->branch(lane).id, options, {});
    EXPECT_EQ(result.ended, "stop");
    EXPECT_EQ(result.tokens.back() == all[4], false);
    EXPECT_LE(result.tokens.size(), 4u);
}

TEST_P(EngineTest, SeveralAnswersAtOnceEqualAnswersAlone) {
    const auto engine = loaded();
    const LaneId lane = engine->openLane().id;
    engine->append(lane, someTokens(140, 512));
    std::vector<BranchId> branches;
    std::vector<std::vector<Token>> alone, together(5);
    for (std::size_t i = 0; i < together.size(); ++i) {
        const BranchId branch = engine->branch(lane).id;
        engine->extend(branch, someTokens(3 + i, 512, static_cast<std::uint32_t>(i)));
        branches.push_back(engine->fork(branch).id);
        alone.push_back(engine->generate(branch, greedy(20), {}).tokens);
    }
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < branches.size(); ++i) {
            threads.emplace_back(
                [&, i] { together[i] = engine->generate(branches[i], greedy(20), {}).tokens; });
        }
    }
    EXPECT_EQ(together, alone);
}

TEST_P(EngineTest, StoppingIsPromptAndKeepsWhatWasDone) {
    const auto engine = loaded();
    const LaneId lane = engine->openLane().id;
    engine->append(lane, someTokens(60, 512));
    std::stop_source source;
    std::size_t count = 0;
    Clock::time_point asked;
    const GenerateResult result = engine->generate(
        engine->branch(lane).id, greedy(100000),
        [&](const TokenEvent&) {
            if (++count == 10) {
                asked = Clock::now();
                source.request_stop();
            }
        },
        source.get_token());
    EXPECT_LT(Clock::now() - asked, 250ms);
    EXPECT_EQ(result.ended, "cancelled");
    EXPECT_GE(result.tokens.size(), 10u);
    EXPECT_LT(result.tokens.size(), 1000u);

    // Reading: what was read before the stop stays, and reading goes on from there.
    const auto tokens = someTokens(30000, 512);
    const LaneId reading = engine->openLane().id;
    std::stop_source second;
    LaneInfo info = engine->append(
        reading, std::span(tokens).first(1000),
        [&](const Progress& progress) {
            if (progress.done > 0) {
                asked = Clock::now();
                second.request_stop();
            }
        },
        second.get_token());
    EXPECT_LT(Clock::now() - asked, 250ms);
    EXPECT_LE(info.tokens, 1000u);
    info = engine->append(reading, std::span(tokens).subspan(info.tokens, 1000 - info.tokens));
    EXPECT_EQ(info.tokens, 1000u);
}

TEST_P(EngineTest, AQuestionDoesNotWaitForALongReading) {
    const auto engine = loaded();
    const LaneId small = engine->openLane().id;
    engine->append(small, someTokens(20, 512));
    const LaneId large = engine->openLane().id;
    std::stop_source source;
    std::atomic<bool> reading = false;
    std::jthread reader([&] {
        engine->append(
            large, someTokens(1000, 512), [&](const Progress&) { reading = true; },
            source.get_token());
    });
    const auto answer = engine->generate(engine->branch(small).id, greedy(3), {});
    EXPECT_EQ(answer.tokens.size(), 3u);
    source.request_stop();
}

TEST_P(EngineTest, MistakesAreExplainedAndTheEngineGoesOn) {
    const auto engine = make();
    LoadOptions options;
    options.model = "/nonexistent";
    try {
        engine->load(options);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::NotFound);
        EXPECT_FALSE(error.remedy().empty());
    }
    EXPECT_THROW(engine->openLane(), Error);
    options.model = test::tinyCheckpoint("tiny");
    options.device = Device::Cpu; // what is compared here agrees closely there
    EXPECT_EQ(engine->load(options).layers, 5u);
    const LaneId lane = engine->openLane().id;
    EXPECT_THROW(engine->append(lane, std::vector<Token>{600}), Error);
    EXPECT_THROW(engine->append(LaneId{999}, std::vector<Token>{1}), Error);
    EXPECT_THROW(engine->generate(engine->branch(lane).id, greedy(1), {}), Error);
    options.contextTokens = 64;
    engine->load(options); // closes the lane
    EXPECT_THROW(engine->lane(lane), Error);
    const LaneId narrow = engine->openLane().id;
    try {
        engine->append(narrow, someTokens(65, 512));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::TooLarge);
    }
    EXPECT_EQ(engine->append(narrow, someTokens(64, 512)).tokens, 64u);
}

TEST_P(EngineTest, MemoryIsAccountedForAndGivenBack) {
    const auto engine = loaded();
    const auto total = [&] {
        std::uint64_t sum = 0;
        for (const MemoryRow& row : engine->memory().ledger) {
            EXPECT_FALSE(row.owner.empty());
            sum += row.where == "ram" ? row.bytes : 0;
        }
        return sum;
    };
    const LaneId lane = engine->openLane().id;
    engine->append(lane, someTokens(600, 512));
    const std::uint64_t before = total();
    std::vector<BranchId> branches;
    for (int i = 0; i < 20; ++i) {
        branches.push_back(engine->branch(lane).id);
    }
    EXPECT_GT(total(), before);
    for (const BranchId branch : branches) {
        engine->closeBranch(branch);
    }
    EXPECT_EQ(total(), before);
    engine->unload();
    EXPECT_EQ(total(), 0u);
    EXPECT_GT(engine->memory().processResident, 0u);
}

std::string whereName(const testing::TestParamInfo<Where>& tested) {
    return tested.param == Where::InProcess ? "InProcess" : "Child";
}
INSTANTIATE_TEST_SUITE_P(Both, EngineTest, testing::Values(Where::InProcess, Where::Child),
                         whereName);

TEST(ChildEngine, AKilledProcessFailsTheCallInFlightAndANewOneWorks) {
    auto engine = makeChildEngine(DOSSIER_BIN_DIR "/dossier-engine");
    LoadOptions options;
    options.model = test::tinyCheckpoint("tiny");
    options.device = Device::Cpu; // what is compared here agrees closely there
    engine->load(options);
    const LaneId lane = engine->openLane().id;
    engine->append(lane, someTokens(60, 512));
    const BranchId branch = engine->branch(lane).id;
    GenerateOptions endless;
    endless.maxTokens = 1000000;
    int seen = 0;
    try {
        engine->generate(branch, endless, [&](const TokenEvent&) {
            if (++seen == 5) {
                kill(childProcessId(*engine), SIGKILL);
            }
        });
        FAIL() << "the answer should have failed";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::ProcessDied);
        EXPECT_NE(error.failed().find("signal 9"), std::string::npos) << error.failed();
    }
    EXPECT_GE(seen, 5);
    EXPECT_THROW(engine->openLane(), Error);
    engine = makeChildEngine(DOSSIER_BIN_DIR "/dossier-engine");
    engine->load(options);
    EXPECT_EQ(engine->openLane().tokens, 0u);
}

TEST(ChildEngine, AMissingProgramIsSaid) {
    try {
        makeChildEngine("/nonexistent/dossier-engine");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::NotFound);
    }
}

TEST(ChildEngine, AProgramThatIsNoEngineDoesNotHang) {
    const auto engine = makeChildEngine("/bin/true");
    try {
        engine->openLane();
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::ProcessDied);
    }
}

} // namespace
} // namespace dossier::engine
