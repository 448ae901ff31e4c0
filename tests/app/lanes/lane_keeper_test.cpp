// SPDX-License-Identifier: GPL-3.0-or-later
// Documents, lanes and conversations over a scripted engine that counts what it reads.
#include "app/lanes/lane_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_encoder.h"
#include "tests/support/fake_engine.h"
#include "tests/support/temp_folder.h"

namespace dossier::app {
namespace {

using ::testing::ElementsAre;

class LaneKeeperTest : public ::testing::Test {
  protected:
    LaneKeeperTest() {
        engine->load({}, {}, {});
        loaded.engine = engine;
        loaded.encoder = encoder;
        loaded.model = script.model;
        loaded.generation = 1;
        profile.system = "Answer from the documents.";
        profile.documentHeader = "== {name} ==\n";
        profile.documentFooter = "\n== end ==\n";
    }

    LanePiece document(const std::string& name, const std::string& text) {
        return PieceMaker(profile, *encoder).document(SourceId{1}, name, text);
    }
    std::vector<LanePiece> pieces(std::vector<LanePiece> documents,
                                  const std::string& effort = {}) {
        ProfileLevel level;
        level.effort = effort;
        documents.insert(documents.begin(), PieceMaker(profile, *encoder).prelude(level));
        return documents;
    }
    /// Tokens that the engine had to read for this.
    std::uint64_t read(const std::vector<LanePiece>& wanted, LaneChange change = LaneChange::Any,
                       const std::string& effort = {}) {
        const std::uint64_t before = engine->tokensRead();
        reading =
            keeper->read(loaded, {effort, wanted, folder.path() / "lanes", change, false}, {}, {});
        return engine->tokensRead() - before;
    }
    static std::uint64_t size(const std::vector<LanePiece>& all) {
        std::uint64_t total = 0;
        for (const LanePiece& piece : all) {
            total += piece.tokens.size();
        }
        return total;
    }
    std::filesystem::path file(const std::string& effort = {}) const {
        return laneFile(folder.path() / "lanes", script.model.fingerprint, "words", effort);
    }

    test::TempFolder folder;
    test::FakeScript script = test::aprilScript();
    std::shared_ptr<test::FakeEngine> engine = std::make_shared<test::FakeEngine>(script);
    std::shared_ptr<test::FakeEncoder> encoder = std::make_shared<test::FakeEncoder>();
    EngineHost::Core::Loaded loaded;
    Profile profile;
    std::unique_ptr<LaneKeeper> keeper = std::make_unique<LaneKeeper>();
    LaneReading reading;
};

TEST_F(LaneKeeperTest, WhatIsReadStaysReadInAFile) {
    const auto wanted = pieces({document("a", "one two three"), document("b", "four five")});
    EXPECT_EQ(read(wanted), size(wanted));
    EXPECT_EQ(reading.position, size(wanted));
    EXPECT_EQ(read(wanted), 0u);
    keeper->closeAll();
    EXPECT_EQ(engine->openLanes(), 0u);
    EXPECT_EQ(read(wanted), 0u); // from the file
    EXPECT_TRUE(std::filesystem::exists(file()));
    const auto more =
        pieces({document("a", "one two three"), document("b", "four five"), document("c", "six")});
    EXPECT_EQ(read(more), more.back().tokens.size());
}

TEST_F(LaneKeeperTest, AChangedOrRenamedDocumentIsReadAgainFromThere) {
    read(pieces({document("a", "one"), document("b", "two two"), document("c", "three")}));
    const auto wanted =
        pieces({document("a", "one"), document("b", "TWO"), document("c", "three")});
    EXPECT_EQ(read(wanted), wanted[2].tokens.size() + wanted[3].tokens.size());
    EXPECT_THAT(reading.order, ElementsAre(0, 1, 3, 2)); // the unchanged one comes first
    const auto renamed =
        pieces({document("a", "one"), document("b", "TWO"), document("c2", "three")});
    EXPECT_EQ(read(renamed), renamed[2].tokens.size() + renamed[3].tokens.size());
}

TEST_F(LaneKeeperTest, QuestionsAboutSomeDocumentsLeaveTheLaneAsItIs) {
    const auto a = document("a", "one one one"), b = document("b", "two"), c = document("c", "x");
    read(pieces({a, b, c}));
    EXPECT_EQ(read(pieces({a, b}), LaneChange::None), 0u); // the lane begins with them
    EXPECT_EQ(reading.position, size(pieces({a, b})));
    EXPECT_EQ(read(pieces({c}), LaneChange::None), size(pieces({c}))); // in memory
    EXPECT_EQ(read(pieces({c}), LaneChange::None), 0u);
    EXPECT_EQ(read(pieces({a, b, c})), 0u);
    keeper->closeAll();
    EXPECT_EQ(engine->inspectLane(file(), engine::Verify::Directory, {}, {}).tokens,
              size(pieces({a, b, c})));
}

TEST_F(LaneKeeperTest, QuestionsAboutTheFirstDocumentsAddToTheLaneAndTakeNothing) {
    const auto a = document("a", "one one one"), b = document("b", "two"), c = document("c", "x");
    const auto stored = [&] {
        return engine->inspectLane(file(), engine::Verify::Directory, {}, {}).tokens;
    };
    EXPECT_EQ(read(pieces({a, b}), LaneChange::Extend), size(pieces({a, b})));
    EXPECT_EQ(stored(), size(pieces({a, b})));
    EXPECT_EQ(read(pieces({a, b, c})), c.tokens.size());
    EXPECT_EQ(read(pieces({a}), LaneChange::Extend), 0u); // the lane begins with it
    EXPECT_EQ(reading.position, size(pieces({a})));
    // What stands behind a document that is not wanted would go: read in memory instead.
    EXPECT_EQ(read(pieces({b, c}), LaneChange::Extend), size(pieces({b, c})));
    EXPECT_EQ(read(pieces({a, b, c})), 0u);
    EXPECT_EQ(stored(), size(pieces({a, b, c})));
}

TEST_F(LaneKeeperTest, EveryEffortTextHasItsLane) {
    const auto plain = pieces({document("a", "one")}),
               deep = pieces({document("a", "one")}, "Hard.");
    read(plain);
    EXPECT_EQ(read(deep, LaneChange::Any, "Hard."), size(deep));
    EXPECT_EQ(read(plain), 0u);
    EXPECT_EQ(read(deep, LaneChange::Any, "Hard."), 0u);
    EXPECT_NE(file(), file("Hard."));
}

TEST_F(LaneKeeperTest, AStoppedReadingGoesOnInsideTheDocument) {
    std::string text;
    for (int i = 0; i < 3000; ++i) {
        text += " word";
    }
    const auto wanted = pieces({document("a", "one"), document("long", text)});
    std::stop_source source;
    engine->setScript([&] {
        test::FakeScript slow = script;
        slow.readTokensPerSecond = 100'000;
        return slow;
    }());
    try {
        keeper->read(
            loaded, {"", wanted, folder.path() / "lanes", LaneChange::Any, false},
            [&](const engine::Progress& p) {
                if (p.done >= 1000) {
                    source.request_stop();
                }
            },
            source.get_token());
        FAIL() << "it was stopped";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Cancelled);
    }
    const std::uint64_t had = engine->tokensRead();
    EXPECT_GE(had, 1000u);
    keeper->closeAll();
    EXPECT_EQ(read(wanted), size(wanted) - had);
}

TEST_F(LaneKeeperTest, AFullDiskIsToldAndLosesNothing) {
    const auto wanted = pieces({document("a", "one two")});
    test::FakeScript full = script;
    full.nextError = Error(ErrorCode::DiskFull, "The disk is full", "Free some space");
    engine->setScript(full);
    try {
        read(wanted);
        FAIL() << "the disk is full";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::DiskFull);
    }
    EXPECT_EQ(read(wanted), size(wanted));
}

TEST_F(LaneKeeperTest, ALaneOnADiskThatIsGoneIsTold) {
    std::filesystem::create_directories(folder.path() / "lanes");
    std::filesystem::create_symlink(folder.path() / "other disk" / "x.lane", file());
    try {
        read(pieces({document("a", "one")}));
        FAIL() << "the lane is not there";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::NotFound);
        EXPECT_NE(error.failed().find("other disk"), std::string::npos) << error.failed();
        EXPECT_FALSE(error.remedy().empty());
    }
}

TEST_F(LaneKeeperTest, AnotherModelHasALaneOfItsOwn) {
    const auto wanted = pieces({document("a", "one two")});
    read(wanted);
    loaded.model.fingerprint = "another";
    loaded.generation = 2;
    EXPECT_EQ(read(wanted), size(wanted));
    loaded.model.fingerprint = script.model.fingerprint;
    loaded.generation = 3;
    EXPECT_EQ(read(wanted), 0u); // the first one's is still there
}

TEST_F(LaneKeeperTest, FollowUpsAndForksReadOnlyWhatIsNew) {
    const auto wanted = pieces({document("a", "one two three")});
    read(wanted);
    BranchKeeper& branches = keeper->branches();
    const std::vector<engine::Token> first{10, 11, 12, 13, 3, 5}; // ends with what opens an answer
    const auto cost = [&](const std::vector<engine::Token>& prompt) {
        const std::uint64_t expected = branches.toRead(reading.id, reading.position, prompt);
        const std::uint64_t before = engine->tokensRead();
        const engine::BranchId id = branches.branch(reading.id, reading.position, prompt, {}, {});
        EXPECT_EQ(engine->tokensRead() - before, expected);
        engine->closeBranch(id);
        return expected;
    };
    EXPECT_EQ(cost(first), 6u);
    EXPECT_EQ(cost(first), 1u); // asked again: from in front of the answer
    // The follow-up has the answer without its reasoning: another token opens it.
    const std::vector<engine::Token> second{10, 11, 12, 13, 3, 4, 20, 21, 1, 2, 30, 31, 3, 5};
    EXPECT_EQ(cost(second), second.size() - 5);
    const std::vector<engine::Token> forked{10, 11, 12, 13, 3, 4, 20, 21, 1, 2, 40, 3, 5};
    EXPECT_EQ(cost(forked), forked.size() - 5); // from the first turn
    EXPECT_EQ(cost(second), 1u);
    keeper->closeAll();
    EXPECT_EQ(engine->openBranches(), 0u);
}

} // namespace
} // namespace dossier::app
