// SPDX-License-Identifier: GPL-3.0-or-later
// The computer stays awake while documents are read, and only then: over a logind on a private bus.
#include <gtest/gtest.h>

#include <QCoreApplication>
#include <future>
#include <thread>

#include "app/lanes/reading_run.h"
#include "app/store/store.h"
#include "tests/support/dossier_program.h"
#include "tests/support/fake_encoder.h"
#include "tests/support/fake_engine.h"
#include "tests/support/fake_logind.h"
#include "tests/support/temp_folder.h"

namespace dossier::app {
namespace {

using namespace std::chrono_literals;
using State = ReadingStatus::State;

class Suspend : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        static int argc = 1;
        static char name[] = "test";
        static char* argv[] = {name, nullptr};
        application = std::make_unique<QCoreApplication>(argc, argv);
        logind = std::make_unique<test::FakeLogind>();
    }
    static void TearDownTestSuite() {
        logind.reset();
        application.reset();
    }
    void SetUp() override { ASSERT_TRUE(logind->running()) << "dbus-daemon is missing"; }

    static bool until(const std::function<bool()>& condition) {
        for (int i = 0; i < 2000; ++i) {
            if (condition()) {
                return true;
            }
            std::this_thread::sleep_for(10ms);
        }
        return false;
    }
    static bool untilHeld(int count) {
        return until([count] { return logind->held() == count; });
    }

    inline static std::unique_ptr<QCoreApplication> application;
    inline static std::unique_ptr<test::FakeLogind> logind;
    test::TempFolder folder;
};

TEST_F(Suspend, IsInhibitedWhileReadingAndNotWhilePaused) {
    const auto dossier = folder.path() / "m.dossier";
    {
        const auto store = Store::create(dossier);
        ingest::Document document;
        for (int i = 0; i < 3000; ++i) {
            document.text += i % 10 == 9 ? "word\n" : "word ";
        }
        Source source;
        source.id = store->newSourceId();
        source.name = "long.txt";
        source.state = SourceState::Ready;
        store->addSources({source});
        store->saveDocument(source, ingest::serialize(document), {});
    }
    ReadingOptions options;
    options.dossier = dossier;
    options.level = "none";
    options.profiles = DOSSIER_SOURCE_DIR "/resources/profiles";
    test::FakeScript script = test::aprilScript();
    script.readTokensPerSecond = 1500;
    ReadingRun run(
        options, [&] { return std::make_unique<test::FakeEngine>(script); },
        [](const engine::ModelInfo&) { return std::make_shared<test::FakeEncoder>(); });
    const int before = logind->taken();
    EXPECT_EQ(logind->held(), 0);
    auto result = std::async(std::launch::async, [&] { return run.run({}); });
    ReadingBoard board(dossier);
    ASSERT_TRUE(until([&] { return board.status().done > 500; }));
    EXPECT_EQ(logind->held(), 1);
    EXPECT_EQ(logind->last(), "sleep:idle|Dossier|Reading documents|block");
    board.wish(ReadingWish::Pause);
    EXPECT_TRUE(untilHeld(0));
    EXPECT_TRUE(until([&] { return board.status().state == State::Paused; }));
    board.wish(ReadingWish::Resume);
    EXPECT_TRUE(untilHeld(1));
    EXPECT_EQ(result.get().state, State::Done);
    EXPECT_TRUE(untilHeld(0));
    EXPECT_EQ(logind->taken(), before + 2);
}

TEST_F(Suspend, IsPossibleAgainWhenTheReaderWasKilled) {
    if (!std::filesystem::exists(DOSSIER_SOURCE_DIR "/resources/model/config.json")) {
        GTEST_SKIP() << "the embedded model is not in this tree";
    }
    test::DossierProgram program(folder.path());
    const std::string dossier = (folder.path() / "m.dossier").string();
    std::string text;
    for (int i = 1; i <= 400; ++i) {
        text.append(std::to_string(i)).append(". The Tenant shall pay the rent to the Landlord.\n");
    }
    ASSERT_EQ(program.run({"new", dossier}), 0);
    ASSERT_EQ(program.run({"add", "-d", dossier, folder.write("in/a.txt", text).string()}), 0);
    const pid_t reader = program.start({"read", "-d", dossier});
    const bool taken = untilHeld(1);
    kill(reader, SIGKILL);
    const int status = program.wait(reader);
    ASSERT_TRUE(taken) << program.err;
    EXPECT_EQ(status, -SIGKILL);
    EXPECT_TRUE(untilHeld(0));
}

} // namespace
} // namespace dossier::app
