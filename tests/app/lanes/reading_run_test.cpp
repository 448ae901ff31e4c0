// SPDX-License-Identifier: GPL-3.0-or-later
// The reading process and those that watch it, over a scripted engine.
#include "app/lanes/reading_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "app/store/store.h"
#include "tests/support/fake_encoder.h"
#include "tests/support/fake_engine.h"
#include "tests/support/temp_folder.h"

namespace dossier::app {
namespace {

using ::testing::HasSubstr;
using State = ReadingStatus::State;
using namespace std::chrono_literals;

class ReadingRunTest : public ::testing::Test {
  protected:
    ReadingRunTest() { makeDossier(dossier, 3000); }

    void makeDossier(const std::filesystem::path& at, int words) {
        const auto store = Store::create(at);
        ingest::Document document;
        for (int i = 0; i < words; ++i) {
            document.text += i % 10 == 9 ? "word\n" : "word ";
        }
        Source source;
        source.id = store->newSourceId();
        source.name = "long.txt";
        source.state = SourceState::Ready;
        store->addSources({source});
        store->saveDocument(source, ingest::serialize(document), {});
    }
    std::unique_ptr<ReadingRun> make(const std::string& level = "none") {
        ReadingOptions options;
        options.dossier = dossier;
        options.level = level;
        options.profiles = DOSSIER_SOURCE_DIR "/resources/profiles";
        options.load.contextTokens = context;
        options.reuse = reuse;
        return std::make_unique<ReadingRun>(
            options,
            [this] {
                auto made = std::make_unique<test::FakeEngine>(script);
                engine = made.get();
                return made;
            },
            [this](const engine::ModelInfo&) { return encoder; });
    }
    /// By the engine of the last run, while that lives.
    std::uint64_t tokensRead() const { return engine->tokensRead(); }
    /// Waits until the board shows something; ten seconds at most.
    ReadingStatus until(const std::function<bool(const ReadingStatus&)>& condition) {
        ReadingBoard board(dossier);
        ReadingStatus status;
        for (int i = 0; i < 1000; ++i) {
            status = board.status();
            if (condition(status)) {
                return status;
            }
            std::this_thread::sleep_for(10ms);
        }
        ADD_FAILURE() << "the board shows " << readingStateName(status.state) << " " << status.done
                      << " of " << status.total;
        return status;
    }

    test::TempFolder folder;
    std::filesystem::path dossier = folder.path() / "m.dossier";
    test::FakeScript script = test::aprilScript();
    std::shared_ptr<test::FakeEncoder> encoder = std::make_shared<test::FakeEncoder>();
    const test::FakeEngine* engine = nullptr;
    std::uint64_t context = 0;
    std::vector<std::filesystem::path> reuse;
};

TEST_F(ReadingRunTest, ReadsAndTellsThroughTheDossier) {
    const ReadingStatus status = make()->run({});
    EXPECT_EQ(status.state, State::Done);
    EXPECT_GT(status.total, 3000u);
    EXPECT_EQ(status.done, status.total);
    EXPECT_EQ(status.kept, 0u);
    EXPECT_EQ(ReadingBoard(dossier).status(), status);
}

TEST_F(ReadingRunTest, PausesGoesOnAndIsCancelledOnRequest) {
    script.readTokensPerSecond = 2000; // 1.5 s for all of it
    auto run = make();
    auto result = std::async(std::launch::async, [&] { return run->run({}); });
    until([](const auto& s) { return s.state == State::Reading && s.done > 500; });
    ReadingBoard board(dossier);
    const auto asked = std::chrono::steady_clock::now();
    board.wish(ReadingWish::Pause);
    const ReadingStatus paused = until([](const auto& s) { return s.state == State::Paused; });
    EXPECT_LT(std::chrono::steady_clock::now() - asked, 1500ms);
    EXPECT_LT(paused.done, paused.total);
    std::this_thread::sleep_for(300ms);
    EXPECT_EQ(board.status().done, paused.done);
    board.wish(ReadingWish::Resume);
    until([&](const auto& s) { return s.state == State::Reading && s.done > paused.done; });
    board.wish(ReadingWish::Cancel);
    const ReadingStatus end = result.get();
    EXPECT_EQ(end.state, State::Cancelled);
    EXPECT_LT(end.done, end.total);
    EXPECT_EQ(board.status().state, State::Cancelled);
}

TEST_F(ReadingRunTest, APauseLosesNothing) {
    script.readTokensPerSecond = 2000;
    auto run = make();
    auto result = std::async(std::launch::async, [&] { return run->run({}); });
    ReadingBoard board(dossier);
    for (const std::uint64_t from : {500u, 1500u}) {
        until([&](const auto& s) { return s.state == State::Reading && s.done > from; });
        board.wish(ReadingWish::Pause);
        until([](const auto& s) { return s.state == State::Paused; });
        board.wish(ReadingWish::Resume);
    }
    const ReadingStatus end = result.get();
    EXPECT_EQ(end.state, State::Done);
    EXPECT_EQ(end.done, end.total);
    EXPECT_EQ(tokensRead(), end.total); // none twice
}

TEST_F(ReadingRunTest, OneReadsAndTheOthersAreToldWho) {
    const auto run = make();
    try {
        make();
        FAIL() << "two read";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Busy);
        EXPECT_THAT(error.failed(), HasSubstr("process " + std::to_string(getpid())));
        EXPECT_THAT(error.remedy(), HasSubstr("--watch"));
    }
    EXPECT_NO_THROW(Store::open(dossier)); // the dossier can be opened meanwhile
}

TEST_F(ReadingRunTest, FailuresStandOnTheBoard) {
    script.nextError = Error(ErrorCode::DiskFull, "The disk is full", "Free some space");
    EXPECT_THROW(make()->run({}), Error);
    const ReadingStatus status = ReadingBoard(dossier).status();
    EXPECT_EQ(status.state, State::Failed);
    ASSERT_TRUE(status.failure);
    EXPECT_EQ(status.failure->code, ErrorCode::DiskFull);
    EXPECT_EQ(status.failure->remedy, "Free some space");
}

TEST_F(ReadingRunTest, AReaderThatWasKilledIsSeenAsInterrupted) {
    std::filesystem::create_directories(dossier / "lanes");
    ReadingStatus status;
    status.state = State::Reading;
    status.done = 10;
    status.total = 100;
    ReadingBoard board(dossier);
    board.setStatus(status);
    EXPECT_EQ(board.status().state, State::Interrupted);
    EXPECT_EQ(board.status().done, 10u);
}

TEST_F(ReadingRunTest, ForecastsFromThisComputersSpeed) {
    EXPECT_THAT(make()->forecast({}).text(), HasSubstr("reads "));
    ReadingBoard(dossier).setSpeed(script.model.fingerprint, 10);
    const ReadingForecast forecast = make()->forecast({});
    EXPECT_EQ(forecast.keep, 0u);
    EXPECT_GT(forecast.bytes, forecast.read * 3738);
    EXPECT_NEAR(forecast.seconds, static_cast<double>(forecast.read) / 10, 1);
    EXPECT_THAT(forecast.text(), HasSubstr("about 5 min"));
}

TEST_F(ReadingRunTest, ALevelThatNeedsMoreContextIsRefusedInWords) {
    context = 100'000;
    try {
        make("max")->run({});
        FAIL() << "the context is too small";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::TooLarge);
        EXPECT_THAT(error.failed(), HasSubstr("393,216"));
        EXPECT_THAT(error.remedy(), HasSubstr("larger context"));
    }
    context = 66'000; // room for the reserve and 464 tokens
    try {
        make()->run({});
        FAIL() << "the documents do not fit";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::TooLarge);
        EXPECT_THAT(error.remedy(), HasSubstr("Leave out at least"));
    }
}

TEST_F(ReadingRunTest, ADossierWithoutDocumentsOrNoDossierIsToldSo) {
    EXPECT_THROW(
        {
            dossier = folder.path() / "none.dossier";
            make();
        },
        Error);
    dossier = folder.path() / "empty.dossier";
    Store::create(dossier);
    try {
        make()->run({});
        FAIL() << "nothing to read";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    }
}

} // namespace
} // namespace dossier::app
