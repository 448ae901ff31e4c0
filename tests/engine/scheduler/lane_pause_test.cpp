// SPDX-License-Identifier: Apache-2.0
// Pausing and cancelling a reading inside a super-chunk: both within 250 ms; a pause keeps what is
// computed, cancelling loses that super-chunk and nothing else. Going back to an earlier position
// reads again, and is cancelled as promptly.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/base/json_text.h"
#include "tests/engine/scheduler/lane_fixture.h"

namespace dossier::engine {
namespace {

using namespace test_lanes;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kSuperChunk = 2048; ///< of the CPU
constexpr auto kPrompt = 250ms;

/// Tiny layers, more of them: a super-chunk takes several times as long as a pause may.
std::filesystem::path deepCheckpoint() {
    static const std::filesystem::path made = [] {
        auto config = parseJson(test::readText(test::tinyCheckpoint("tiny") / "config.json"));
        constexpr int kLayers = 9;
        config["num_hidden_layers"] = kLayers;
        config["max_position_embeddings"] = 16384;
        auto& ratios = config["compress_ratios"] = nlohmann::json::array({0});
        for (int layer = 1; layer < kLayers; ++layer) {
            ratios.push_back(layer % 2 == 1 ? 4 : 128);
        }
        ratios.push_back(0); // the draft block's
        const auto folder = test::temporaryFolder("deep");
        writeSyntheticCheckpoint(jsonText(config), folder);
        return folder;
    }();
    return made;
}

class LanePause : public testing::Test {
  protected:
    LanePause() {
        LoadOptions options;
        options.model = deepCheckpoint();
        engine->load(options);
    }
    /// Appends in a thread.
    std::future<LaneInfo> start(LaneId lane, std::stop_token stop = {}) {
        return std::async(std::launch::async, [this, lane, stop] {
            return engine->append(
                lane, tokens,
                [this](const Progress& progress) {
                    backwards = backwards || progress.done < done;
                    done = progress.done;
                },
                stop, marks);
        });
    }
    /// Branches at an earlier position in a thread.
    std::future<BranchInfo> goBack(LaneId lane, std::uint64_t position, std::stop_token stop) {
        return std::async(std::launch::async, [this, lane, position, stop] {
            return engine->branch(
                lane, position,
                [this](const Progress& progress) {
                    total = progress.total;
                    done = progress.done;
                },
                stop);
        });
    }
    static std::optional<ErrorCode> codeOf(std::future<BranchInfo>& work) {
        try {
            work.get();
        } catch (const Error& error) {
            return error.code();
        }
        return std::nullopt;
    }
    std::uint64_t ledgerBytes() {
        std::uint64_t bytes = 0;
        for (const MemoryRow& row : engine->memory().ledger) {
            bytes += row.bytes;
        }
        return bytes;
    }
    /// Until the reading is inside a super-chunk, behind `from` tokens.
    void untilInside(std::uint64_t from) {
        while (done < from || done % kSuperChunk == 0) {
            std::this_thread::sleep_for(1ms);
        }
    }

    std::unique_ptr<Engine> engine =
        makeChildEngine(DOSSIER_BIN_DIR "/dossier-engine"); // the longer way, which the programs go
    const std::filesystem::path folder = test::temporaryFolder("pause");
    const std::vector<Token> tokens = someTokens(5000, 512);
    const std::vector<LaneMark> marks{{2500, "a"}, {5000, "b"}};
    std::atomic<std::uint64_t> done = 0, total = 0;
    std::atomic<bool> backwards = false;
};

TEST_F(LanePause, APauseKeepsWhatIsComputedOfTheSuperChunk) {
    const LaneId straight = engine->openLane(laneAt(folder / "straight.lane")).id;
    engine->append(straight, tokens, {}, {}, marks);
    const auto expected = ask(*engine, straight);
    const auto atFirst = ask(*engine, straight, kSuperChunk);
    const auto early = ask(*engine, straight, 1500);
    engine->closeLane(straight);

    const LaneId lane = engine->openLane(laneAt(folder / "paused.lane")).id;
    auto reading = start(lane);
    auto best = Clock::duration::max(); // others may take the processor in between
    for (const std::uint64_t from : {1u, 700u, 2300u, 3000u, 4200u}) {
        untilInside(from);
        const auto asked = Clock::now();
        engine->pauseReading(lane, true);
        best = std::min(best, Clock::now() - asked);
        std::this_thread::sleep_for(50ms); // what was told before arrives
        const std::uint64_t held = done;
        ASSERT_LT(held, 5000u);
        const std::uint64_t whole = engine->lane(lane).tokens;
        EXPECT_EQ(whole % kSuperChunk, 0u);
        EXPECT_LE(whole, held);
        if (from == 700) { // nothing is read completely yet
            EXPECT_EQ(engine->branch(lane).position, 0u);
        }
        if (from == 2300) { // asked meanwhile: at the end of what is read, and before
            EXPECT_EQ(ask(*engine, lane), atFirst);
            EXPECT_EQ(ask(*engine, lane, 1500), early);
        }
        EXPECT_EQ(reading.wait_for(100ms), std::future_status::timeout);
        EXPECT_EQ(done, held);
        engine->pauseReading(lane, false);
    }
    const LaneInfo info = reading.get();
    EXPECT_EQ(info.saved, 5000u);
    EXPECT_FALSE(backwards); // nothing was computed again
    EXPECT_LT(best, kPrompt);
    EXPECT_EQ(ask(*engine, lane), expected);
    engine->closeLane(lane);
    EXPECT_TRUE(bytesOf(folder / "paused.lane") == bytesOf(folder / "straight.lane"));
}

TEST_F(LanePause, CancellingTakesEffectInsideASuperChunk) {
    auto best = Clock::duration::max();
    for (const bool paused : {false, false, false, true}) {
        const auto file = folder / "cancelled.lane";
        const LaneId lane = engine->openLane(laneAt(file)).id;
        done = 0;
        std::stop_source source;
        auto reading = start(lane, source.get_token());
        untilInside(kSuperChunk + 200);
        if (paused) {
            engine->pauseReading(lane, true);
        }
        const auto asked = Clock::now();
        source.request_stop();
        const LaneInfo info = reading.get();
        best = std::min(best, Clock::now() - asked);
        EXPECT_EQ(info.tokens, kSuperChunk); // the one that was read completely
        engine->closeLane(lane);
        EXPECT_EQ(engine->inspectLane(file, Verify::Contents).tokens, kSuperChunk);
        std::filesystem::remove(file);
    }
    EXPECT_LT(best, kPrompt);
}

TEST_F(LanePause, GoingBackTellsHowFarItIsAndIsCancelledInside) {
    constexpr std::uint64_t kBack = 4000; // read again from 2048 on
    const LaneId lane = engine->openLane().id;
    engine->append(lane, std::span(tokens).first(kBack));
    const auto expected = ask(*engine, lane); // read straight up to there
    engine->append(lane, std::span(tokens).subspan(kBack));
    const auto end = ask(*engine, lane);
    const auto held = ledgerBytes();
    auto best = Clock::duration::max(), answered = Clock::duration::max();
    for (int i = 0; i < 3; ++i) {
        std::stop_source source;
        done = 0;
        total = 0;
        auto going = goBack(lane, kBack, source.get_token());
        while (done == 0) { // the replay is under way
            std::this_thread::sleep_for(1ms);
        }
        auto asked = Clock::now();
        EXPECT_EQ(engine->telemetry().activity, "reading");
        EXPECT_FALSE(engine->memory().ledger.empty());
        answered = std::min(answered, Clock::now() - asked);
        EXPECT_EQ(going.wait_for(0ms), std::future_status::timeout);
        EXPECT_LT(done, kBack - kSuperChunk);
        EXPECT_EQ(total, kBack - kSuperChunk);
        asked = Clock::now();
        source.request_stop();
        EXPECT_EQ(codeOf(going), ErrorCode::Cancelled);
        best = std::min(best, Clock::now() - asked);
        EXPECT_EQ(ledgerBytes(), held); // there is no branch
    }
    EXPECT_LT(best, kPrompt);
    EXPECT_LT(answered, kPrompt);
    EXPECT_EQ(engine->lane(lane).tokens, tokens.size());
    EXPECT_EQ(engine->branch(lane, kBack).replayed, kBack - kSuperChunk);
    EXPECT_EQ(ask(*engine, lane, kBack), expected);
    EXPECT_EQ(ask(*engine, lane), end);
}

TEST_F(LanePause, GoingBackIsCancelledWhileAnAnswerHasItsTurn) {
    const LaneId lane = engine->openLane().id;
    engine->append(lane, tokens);
    std::stop_source answerStop, backStop;
    std::atomic<std::uint64_t> said = 0;
    GenerateOptions endless;
    endless.maxTokens = 9000;
    const BranchId branch = engine->branch(lane).id;
    auto answer = std::async(std::launch::async, [&] {
        return engine->generate(
            branch, endless, [&](const TokenEvent&) { ++said; }, answerStop.get_token());
    });
    while (said == 0) {
        std::this_thread::sleep_for(1ms);
    }
    auto going = goBack(lane, 4000, backStop.get_token());
    EXPECT_EQ(going.wait_for(100ms), std::future_status::timeout); // answers come first
    const auto asked = Clock::now();
    backStop.request_stop();
    EXPECT_EQ(codeOf(going), ErrorCode::Cancelled);
    EXPECT_LT(Clock::now() - asked, 4 * kPrompt); // once, with others on the processor
    EXPECT_EQ(answer.wait_for(0ms), std::future_status::timeout);
    answerStop.request_stop();
    EXPECT_EQ(answer.get().ended, "cancelled");
}

TEST_F(LanePause, AnAnswerThatHasToReadAgainFirstIsCancelledInside) {
    const auto file = folder / "whole.lane";
    LaneId lane = engine->openLane(laneAt(file)).id;
    engine->append(lane, std::span(tokens).first(2 * kSuperChunk)); // ends at a frontier
    const Saying expected = sayingOf(*engine, engine->branch(lane).id);
    engine->closeLane(lane);
    lane = engine->openLane(laneAt(file)).id; // the logits at its end are in no file
    const BranchId branch = engine->branch(lane).id;
    auto best = Clock::duration::max();
    for (int i = 0; i < 3; ++i) {
        std::stop_source source;
        auto answer = std::async(std::launch::async, [&] {
            return engine->generate(branch, {}, {}, source.get_token());
        });
        while (engine->telemetry().activity != "reading") {
            std::this_thread::sleep_for(1ms);
        }
        std::this_thread::sleep_for(50ms);
        const auto asked = Clock::now();
        source.request_stop();
        const GenerateResult result = answer.get();
        best = std::min(best, Clock::now() - asked);
        EXPECT_EQ(result.ended, "cancelled");
        EXPECT_TRUE(result.tokens.empty());
        while (engine->telemetry().activity == "reading") { // the owner thread goes to rest
            std::this_thread::sleep_for(1ms);
        }
    }
    EXPECT_LT(best, kPrompt);
    EXPECT_EQ(sayingOf(*engine, branch), expected);
}

TEST_F(LanePause, AHoldThatCameBeforeAndLanesThatAreNotThere) {
    const LaneId lane = engine->openLane().id, other = engine->openLane().id;
    engine->pauseReading(lane, true);
    auto reading = start(lane);
    EXPECT_EQ(engine->append(other, std::span(tokens).first(100)).tokens, 100u); // not held
    EXPECT_EQ(reading.wait_for(200ms), std::future_status::timeout);
    EXPECT_EQ(done, 0u);
    engine->unload(); // ends it
    EXPECT_THROW(reading.get(), Error);
    EXPECT_THROW(engine->pauseReading(lane, true), Error);
    EXPECT_THROW(engine->pauseReading(LaneId{4711}, false), Error);
}

} // namespace
} // namespace dossier::engine
