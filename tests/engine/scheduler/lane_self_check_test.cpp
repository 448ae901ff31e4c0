// SPDX-License-Identifier: Apache-2.0
// Lanes whose checksums are right and whose states are wrong: opening finds it at the end, looking
// everything through finds it anywhere, a branch finds it before it goes on from there. It is told,
// and what is read again from the last right state gives what it gave.
#include <algorithm>
#include <stop_token>

#include "engine/base/error.h"
#include "tests/engine/scheduler/lane_fixture.h"
#include "tests/engine/scheduler/lane_forgery.h"

namespace dossier::engine {
namespace {

using namespace test_lanes;

const std::vector<std::uint64_t> kFrontiers{2048, 4096, 6144, 6912};

class LaneSelfCheck : public testing::Test {
  protected:
    static constexpr std::uint64_t kTokens = 7000;

    static void SetUpTestSuite() {
        const auto writer = loadedEngine();
        whole = test::temporaryFolder("self-check") / "whole.lane";
        const LaneId lane = writer->openLane(laneAt(whole)).id;
        writer->append(lane, someTokens(kTokens, 512), {}, {}, marks);
        said = ask(*writer, lane);
    }
    LaneSelfCheck() { std::filesystem::copy_file(whole, file); }
    /// As dossier verify does it.
    LaneRestore lookThrough(const ProgressFn& progress = {}, std::stop_token stop = {}) {
        LaneOptions options = laneAt(file);
        options.readOnly = options.probeEveryFrontier = true;
        const LaneInfo info = engine->openLane(options, progress, std::move(stop));
        engine->closeLane(info.id);
        return info.restored.value();
    }
    /// Reads what is missing, and closes the lane.
    void readOn(const LaneInfo& info) {
        test_lanes::readOn(*engine, info, tokens, marks);
        EXPECT_EQ(ask(*engine, info.id), said);
        engine->closeLane(info.id);
    }
    void expectAllRight(const LaneRestore& restored) {
        EXPECT_EQ(restored.tokens, kTokens);
        EXPECT_EQ(restored.lost, 0u);
        EXPECT_EQ(restored.check, "equal");
        EXPECT_EQ(restored.probed, kFrontiers.size());
        EXPECT_TRUE(restored.differing.empty());
        EXPECT_EQ(restored.note, "");
    }

    const std::unique_ptr<Engine> engine = loadedEngine();
    const std::filesystem::path file = test::temporaryFolder("self-check") / "a.lane";
    const std::vector<Token> tokens = someTokens(kTokens, 512);
    inline static std::filesystem::path whole; // undamaged
    inline static std::vector<Saying> said;    // at its end
    inline static const std::vector<LaneMark> marks{{2500, "a"}, {4700, "b"}, {kTokens, "c"}};
};

TEST_F(LaneSelfCheck, EveryFrontierOfAnUndamagedLaneIsRight) {
    std::vector<std::uint64_t> told;
    std::uint64_t total = 0;
    const LaneRestore all = lookThrough([&](const Progress& progress) {
        if (progress.phase == "Checking states") {
            told.push_back(progress.done);
            total = progress.total;
        }
    });
    expectAllRight(all);
    EXPECT_EQ(told, (std::vector<std::uint64_t>{1, 2, 3, 4})); // one a step
    EXPECT_EQ(total, kFrontiers.size());
    const LaneInfo opened = engine->openLane(laneAt(file));
    EXPECT_EQ(opened.restored->probed, 1u); // for use: the one that it goes on from
    EXPECT_EQ(opened.restored->check, "equal");
    EXPECT_EQ(engine->laneContents(opened.id).frontiers, kFrontiers);
}

TEST_F(LaneSelfCheck, AWrongStateAtTheEndGivesWayToTheLastRightOne) {
    forgeFrontiers(file, {6144, 6912});
    EXPECT_EQ(engine->inspectLane(file, Verify::Contents).note, ""); // checksums cannot know
    const std::vector<LaneMismatch> differing{{6144, 4096}, {6912, 4096}};
    const LaneRestore looked = lookThrough();
    EXPECT_EQ(looked.differing, differing);
    EXPECT_EQ(looked.probed, 4u);
    EXPECT_EQ(looked.tokens, 4096u);
    EXPECT_EQ(looked.lost, kTokens - 4096);
    EXPECT_EQ(looked.note, "The self-check after 6,912 tokens gave other results than when they "
                           "were read, and the 1 state before it is wrong, too, so the lane ends "
                           "after 4,096 tokens.");
    const LaneInfo info = engine->openLane(laneAt(file));
    EXPECT_EQ(info.tokens, 4096u);
    EXPECT_EQ(info.restored->lost, kTokens - 4096);
    EXPECT_EQ(info.restored->differing, differing);
    EXPECT_EQ(info.restored->probed, 3u);
    EXPECT_EQ(info.restored->check, "equal"); // of what is left
    EXPECT_EQ(info.restored->note, looked.note);
    readOn(info);
    expectAllRight(lookThrough());
}

TEST_F(LaneSelfCheck, WithoutAnyRightStateEverythingIsReadAgain) {
    forgeFrontiers(file, kFrontiers);
    const LaneInfo info = engine->openLane(laneAt(file));
    EXPECT_EQ(info.tokens, 0u);
    EXPECT_EQ(info.restored->check, "failed");
    EXPECT_EQ(info.restored->differing,
              (std::vector<LaneMismatch>{{2048, 0}, {4096, 0}, {6144, 0}, {6912, 0}}));
    readOn(info);
    expectAllRight(lookThrough());
}

TEST_F(LaneSelfCheck, AWrongStateBeforeTheEndIsFoundByLookingAndByGoingBack) {
    const LaneInfo straight = engine->openLane(laneAt(file));
    const auto behind = ask(*engine, straight.id, 4200), at = ask(*engine, straight.id, 4097);
    engine->closeLane(straight.id);
    forgeFrontiers(file, {4096});
    const std::string note = "The self-check after 4,096 tokens gave other results than when they "
                             "were read, so going back there reads again from an earlier state.";
    const std::vector<LaneMismatch> differing{{4096, 2048}};
    const LaneRestore looked = lookThrough();
    EXPECT_EQ(looked.probed, 4u);
    EXPECT_EQ(looked.differing, differing);
    EXPECT_EQ(looked.note, note);
    EXPECT_EQ(looked.tokens, kTokens); // its end is right
    EXPECT_EQ(looked.lost, 0u);
    EXPECT_EQ(looked.check, "equal");

    const LaneInfo info = engine->openLane(laneAt(file)); // looks at the end alone
    EXPECT_EQ(info.restored->probed, 1u);
    EXPECT_TRUE(info.restored->differing.empty());
    EXPECT_EQ(ask(*engine, info.id), said);
    const BranchInfo branch = engine->branch(info.id, 4200);
    EXPECT_EQ(branch.replayed, 4200u - 2048); // not from the wrong one
    EXPECT_EQ(engine->lane(info.id).restored->differing, differing);
    EXPECT_EQ(engine->lane(info.id).restored->note, note);
    EXPECT_EQ(ask(*engine, info.id, 4200), behind);
    EXPECT_EQ(ask(*engine, info.id, 4097), at);
    EXPECT_EQ(engine->lane(info.id).restored->note, note);           // told once
    EXPECT_EQ(engine->branch(info.id, 6200).replayed, 6200u - 6144); // others are as they were
}

TEST_F(LaneSelfCheck, WrongAndDamagedStatesEverywhereAreToldApart) {
    forgeFrontiers(file, {2048, 6912});
    {
        const LaneHandle handle(file, LaneHandle::Mode::Read);
        const auto index = scanLane(handle);
        const LaneFrontier& place = index->frontiers[1];
        const LaneRecord& record = index->records[place.record];
        std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
        out.seekp(static_cast<std::streamoff>(record.offset +
                                              record.sections[place.section].offset + 3000));
        out.write("damage", 6);
    }
    const LaneRestore looked = lookThrough();
    EXPECT_EQ(looked.probed, 3u);
    EXPECT_EQ(looked.differing, (std::vector<LaneMismatch>{{2048, 0}, {6912, 6144}}));
    EXPECT_EQ(looked.tokens, 6144u);
    EXPECT_EQ(
        looked.note,
        "The state after 4,096 tokens is damaged on the disk, so going back there reads again "
        "from an earlier state. The self-check after 6,912 tokens gave other results than "
        "when they were read, so the lane ends after 6,144 tokens. The self-check after 2,048 "
        "tokens gave other results than when they were read, so going back there reads again "
        "from an earlier state.");
    LaneOptions options = laneAt(file);
    options.probeEveryFrontier = true;
    const LaneInfo info = engine->openLane(options); // to go on with: right ones alone are left
    EXPECT_EQ(engine->branch(info.id, 2100).replayed, 2100u);
    EXPECT_EQ(engine->branch(info.id, 4200).replayed, 4200u);
    readOn(info);
}

TEST_F(LaneSelfCheck, LookingThroughStopsOnRequest) {
    std::stop_source source;
    std::uint64_t done = 0;
    try {
        lookThrough(
            [&](const Progress& progress) {
                if (progress.phase == "Checking states") {
                    done = progress.done;
                    source.request_stop();
                }
            },
            source.get_token());
        ADD_FAILURE() << "it went on";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Cancelled);
        EXPECT_LT(done, kFrontiers.size());
    }
    expectAllRight(lookThrough());
}

} // namespace
} // namespace dossier::engine
