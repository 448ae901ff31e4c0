// SPDX-License-Identifier: Apache-2.0
// Straight reading, restoring from a file, forking and going on after a cancel give the same bits,
// at the lengths where blocks of 4 and 128 tokens, windows and super-chunks begin and end.
#include <atomic>

#include "tests/engine/scheduler/lane_fixture.h"

namespace dossier::engine {
namespace {

using namespace test_lanes;

const std::vector<std::uint64_t> kLengths{127, 128, 129, 130,  255,  256,  257,  383,  384, 385,
                                          511, 512, 513, 4095, 4096, 4097, 8191, 8192, 8193};

class LaneEquality : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        m_engine = loadedEngine(GetParam());
        m_tokens = someTokens(kLengths.back() + 100, m_engine->model()->vocabulary);
    }
    std::span<const Token> first(std::uint64_t count) const {
        return std::span(m_tokens).first(count);
    }
    /// The straight run: one lane in memory that grows from length to length.
    const std::vector<Saying>& straight(std::uint64_t length) {
        if (!m_straight) {
            m_straight = m_engine->openLane().id;
        }
        const std::uint64_t have = m_engine->lane(*m_straight).tokens;
        if (have < length) {
            m_engine->append(*m_straight, first(length).subspan(have));
            m_expected[length] = ask(*m_engine, *m_straight);
        }
        return m_expected.at(length);
    }

    std::unique_ptr<Engine> m_engine;
    std::vector<Token> m_tokens;
    std::optional<LaneId> m_straight;
    std::map<std::uint64_t, std::vector<Saying>> m_expected;
};

TEST_P(LaneEquality, SavedAndRestoredInANewEngine) {
    const auto folder = test::temporaryFolder("equality");
    std::filesystem::path before;
    for (const std::uint64_t length : kLengths) {
        // The long ones go on from the file of the one before: a lane grows in several sittings.
        const auto file = folder / (std::to_string(length) + ".lane");
        if (length > 4095) {
            std::filesystem::copy_file(before, file);
        }
        const LaneId lane = m_engine->openLane(laneAt(file)).id;
        const std::uint64_t have = m_engine->lane(lane).tokens;
        EXPECT_EQ(have > 0, length > 4095);
        const LaneInfo written = m_engine->append(lane, first(length).subspan(have));
        EXPECT_EQ(written.saved, length);
        m_engine->closeLane(lane);
        before = file;
    }
    const auto second = loadedEngine(GetParam());
    for (const std::uint64_t length : kLengths) {
        SCOPED_TRACE(length);
        const auto& expected = straight(length);
        const LaneInfo info = second->openLane(laneAt(folder / (std::to_string(length) + ".lane")));
        ASSERT_EQ(info.tokens, length);
        ASSERT_TRUE(info.restored);
        EXPECT_EQ(info.restored->check, "equal");
        EXPECT_LE(info.restored->replayed, 128u);
        EXPECT_EQ(info.restored->lost, 0u);
        EXPECT_EQ(info.restored->note, "");
        ASSERT_EQ(ask(*second, info.id), expected);
        // It goes on like the straight one, too.
        second->append(info.id, first(length + 9).subspan(length));
        const LaneId longer = m_engine->openLane().id;
        if (length < 1000) {
            m_engine->append(longer, first(length + 9));
            ASSERT_EQ(ask(*second, info.id), ask(*m_engine, longer));
        }
        m_engine->closeLane(longer);
        second->closeLane(info.id);
    }
}

TEST_P(LaneEquality, ForkedFromALongerLane) {
    const auto file = test::temporaryFolder("equality") / "long.lane";
    LaneId lane = m_engine->openLane(laneAt(file)).id;
    m_engine->append(lane, m_tokens);
    const auto check = [&](Engine& engine) {
        for (const std::uint64_t length : kLengths) {
            SCOPED_TRACE(length);
            const auto& expected = straight(length);
            const BranchInfo branch = engine.branch(lane, length);
            EXPECT_EQ(branch.position, length);
            EXPECT_LE(branch.replayed, 2048u); // from the nearest frontier
            engine.closeBranch(branch.id);
            ASSERT_EQ(ask(engine, lane, length), expected);
        }
    };
    check(*m_engine);
    m_engine->closeLane(lane);
    const auto second = loadedEngine(GetParam()); // frontiers now come from the file
    lane = second->openLane(laneAt(file)).id;
    check(*second);
}

TEST_P(LaneEquality, CancelledInTheMiddleAndResumed) {
    const auto folder = test::temporaryFolder("equality");
    for (const std::uint64_t length : kLengths) {
        if (length % 4096 == 1) {
            continue; // as the two before
        }
        SCOPED_TRACE(length);
        const auto& expected = straight(length);
        const LaneId lane =
            m_engine->openLane(laneAt(folder / (std::to_string(length) + ".lane"))).id;
        std::uint64_t have = 0;
        for (int stops = 0; stops < 3 && have < length; ++stops) {
            std::stop_source source;
            have = m_engine
                       ->append(
                           lane, first(length).subspan(have),
                           [&](const Progress& progress) {
                               if (progress.done > 100) {
                                   source.request_stop();
                               }
                           },
                           source.get_token())
                       .tokens;
        }
        EXPECT_EQ(m_engine->append(lane, first(length).subspan(have)).tokens, length);
        ASSERT_EQ(ask(*m_engine, lane), expected);
        m_engine->closeLane(lane);
        const LaneInfo again =
            m_engine->openLane(laneAt(folder / (std::to_string(length) + ".lane")));
        ASSERT_EQ(again.tokens, length);
        ASSERT_EQ(ask(*m_engine, again.id), expected);
        m_engine->closeLane(again.id);
    }
}

std::string modelName(const testing::TestParamInfo<const char*>& tested) {
    std::string name = tested.param;
    std::erase(name, '-');
    return name;
}
INSTANTIATE_TEST_SUITE_P(Models, LaneEquality, testing::Values("tiny", "tiny-fp8", "tiny-pro"),
                         modelName);

} // namespace
} // namespace dossier::engine
