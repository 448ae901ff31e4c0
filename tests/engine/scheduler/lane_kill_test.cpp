// SPDX-License-Identifier: Apache-2.0
// kill -9 and power loss at random points of a reading: the finished lane is byte for byte that of
// an undisturbed one, and says the same. DOSSIER_KILLS sets how many (the long tests ask for 200).
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>
#include <thread>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "tests/engine/lanes/recorded_disk.h"
#include "tests/engine/scheduler/lane_fixture.h"

namespace dossier::engine {
namespace {

using namespace test_lanes;

int countOr(int usual) {
    const char* wanted = std::getenv("DOSSIER_KILLS");
    return wanted ? std::atoi(wanted) : usual;
}

/// Two sittings: 3,100 tokens of three documents, then 1,900 of two. Each takes more than a
/// super-chunk and ends inside one.
struct Plan {
    std::vector<Token> tokens = someTokens(5000, 512);
    std::vector<LaneMark> marks{{130, "a"}, {1400, "b"}, {3100, "c"}, {4500, "d"}, {5000, "e"}};
    std::vector<std::uint64_t> sittings{3100, 5000};
};

/// Appends what is missing of the first sitting that is not complete. True when all are.
bool goOn(Engine& engine, LaneId lane, const Plan& plan, std::atomic<bool>* reading = nullptr) {
    for (const std::uint64_t end : plan.sittings) {
        const std::uint64_t have = engine.lane(lane).tokens;
        if (have >= end) {
            continue;
        }
        std::vector<LaneMark> marks;
        for (const LaneMark& mark : plan.marks) {
            if (mark.end > have && mark.end <= end) {
                marks.push_back(mark);
            }
        }
        if (reading) {
            *reading = true;
        }
        engine.append(lane, std::span(plan.tokens).subspan(have, end - have), {}, {}, marks);
    }
    return true;
}

TEST(LaneKill, ALaneKilledAtRandomPointsEndsByteForByteAsAnUndisturbedOne) {
    const int kills = countOr(20);
    const auto folder = test::temporaryFolder("kill");
    const Plan plan;
    double seconds = 0;
    std::vector<Saying> expected;
    {
        const auto engine = loadedEngine("tiny", "", true);
        const LaneId lane = engine->openLane(laneAt(folder / "whole.lane")).id;
        const auto start = SteadyClock::now();
        ASSERT_TRUE(goOn(*engine, lane, plan));
        seconds = secondsSince(start);
        expected = ask(*engine, lane);
    }
    const std::string whole = bytesOf(folder / "whole.lane");
    std::mt19937 random(17);
    int done = 0, lanes = 0;
    while (done < kills) {
        const auto file = folder / ("killed-" + std::to_string(lanes++) + ".lane");
        for (bool finished = false; !finished;) {
            const auto engine = loadedEngine("tiny", "", true);
            LaneInfo info;
            try {
                info = engine->openLane(laneAt(file));
                std::atomic<bool> over = false;
                std::jthread killer([&, pid = childProcessId(*engine),
                                     after = std::uniform_real_distribution<>(0, seconds)(random)] {
                    const auto when = SteadyClock::now() + std::chrono::duration<double>(after);
                    while (!over && SteadyClock::now() < when) {
                        std::this_thread::sleep_for(std::chrono::microseconds(300));
                    }
                    if (!over) {
                        kill(pid, SIGKILL);
                    }
                });
                try {
                    finished = goOn(*engine, info.id, plan);
                } catch (...) {
                    over = true;
                    throw;
                }
                over = true;
            } catch (const Error& error) {
                ASSERT_EQ(error.code(), ErrorCode::ProcessDied) << error.what();
                ++done;
            }
        }
        ASSERT_TRUE(bytesOf(file) == whole) << "lane " << lanes << " after " << done << " kills";
        const auto engine = loadedEngine("tiny");
        const LaneInfo info = engine->openLane(laneAt(file));
        ASSERT_EQ(info.tokens, 5000u);
        ASSERT_EQ(info.restored->check, "equal");
        ASSERT_EQ(ask(*engine, info.id), expected);
        std::filesystem::remove(file);
    }
    EXPECT_GE(done, kills);
}

TEST(LaneKill, ALaneWhosePowerFailedEndsByteForByteAsAnUndisturbedOne) {
    const int failures = countOr(4); // every point of writing is tried in lane_file_test
    const auto folder = test::temporaryFolder("power");
    const auto whole = folder / "whole.lane", left = folder / "left.lane";
    const Plan plan;
    const auto engine = loadedEngine();
    RecordedDisk disk(whole);
    const LaneId lane = engine->openLane(laneAt(whole)).id;
    ASSERT_TRUE(goOn(*engine, lane, plan));
    const auto expected = ask(*engine, lane);
    engine->closeLane(lane);
    const std::string bytes = bytesOf(whole);
    std::mt19937 random(19);
    for (int i = 0; i < failures; ++i) {
        std::ofstream(left, std::ios::binary)
            << disk.afterPowerLoss(random() % disk.operations(), random);
        const LaneInfo info = engine->openLane(laneAt(left));
        ASSERT_NE(info.restored ? info.restored->check : "equal", "failed");
        ASSERT_TRUE(goOn(*engine, info.id, plan));
        ASSERT_EQ(ask(*engine, info.id), expected) << i;
        engine->closeLane(info.id);
        ASSERT_TRUE(bytesOf(left) == bytes) << i;
        std::filesystem::remove(left);
    }
}

} // namespace
} // namespace dossier::engine
