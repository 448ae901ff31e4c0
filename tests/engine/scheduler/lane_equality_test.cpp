// SPDX-License-Identifier: Apache-2.0
// Straight reading, restoring from a file, forking and going on after a cancel give the same bits,
// at the lengths where blocks of 4 and 128 tokens, windows and super-chunks begin and end.
#include <atomic>
#include <cstdlib>

#include "tests/engine/scheduler/lane_fixture.h"

namespace dossier::engine {
namespace {

using namespace test_lanes;

/// Up to DOSSIER_LONGEST_LANE where that is set.
std::vector<std::uint64_t> lengthsToTest() {
    std::vector<std::uint64_t> lengths{127, 128, 129, 130,  255,  256,  257,  383,  384, 385,
                                       511, 512, 513, 4095, 4096, 4097, 8191, 8192, 8193};
    if (const char* longest = std::getenv("DOSSIER_LONGEST_LANE")) {
        std::erase_if(lengths, [&](std::uint64_t n) { return n > std::stoull(longest); });
    }
    return lengths;
}
const std::vector<std::uint64_t> kLengths = lengthsToTest();

class LaneEquality : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        m_engine = loadedEngine(GetParam(), "", false, Device::Auto);
        m_numerics = m_engine->device().numerics;
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
    /// Goes on in a new engine; the straight run ends here. A GPU has one engine at a time.
    void restart() {
        for (const std::uint64_t length : kLengths) {
            straight(length);
        }
        m_engine.reset();
        m_straight.reset();
        m_engine = loadedEngine(GetParam(), "", false, Device::Auto);
        ASSERT_EQ(m_engine->device().numerics, m_numerics) << m_engine->device().whyNot;
    }

    std::unique_ptr<Engine> m_engine;
    std::string m_numerics;
    std::vector<Token> m_tokens;
    std::optional<LaneId> m_straight;
    std::map<std::uint64_t, std::vector<Saying>> m_expected;
};

TEST_P(LaneEquality, SavedAndRestoredInANewEngine) {
    const auto folder = test::temporaryFolder("equality");
    const auto fileOf = [&](std::uint64_t length) {
        return folder / std::to_string(length).append(".lane");
    };
    std::filesystem::path before;
    std::map<std::uint64_t, std::vector<Saying>> longer;
    for (const std::uint64_t length : kLengths) {
        // The long ones go on from the file of the one before: a lane grows in several sittings.
        const auto file = fileOf(length);
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
        if (length < 1000) {
            const LaneId whole = m_engine->openLane().id;
            m_engine->append(whole, first(length + 9));
            longer[length] = ask(*m_engine, whole);
            m_engine->closeLane(whole);
        }
    }
    ASSERT_NO_FATAL_FAILURE(restart());
    for (const std::uint64_t length : kLengths) {
        SCOPED_TRACE(length);
        const LaneInfo info = m_engine->openLane(laneAt(fileOf(length)));
        ASSERT_EQ(info.tokens, length);
        ASSERT_TRUE(info.restored);
        EXPECT_EQ(info.restored->check, "equal");
        // Behind the last frontier; a GPU takes none where the sitting before ended.
        const bool gpu = m_engine->device().device == Device::Cuda;
        EXPECT_LE(info.restored->replayed, gpu ? 2 * 128u : 128u);
        EXPECT_EQ(info.restored->lost, 0u);
        EXPECT_EQ(info.restored->note, "");
        ASSERT_EQ(ask(*m_engine, info.id), m_expected.at(length));
        // It goes on like the straight one, too.
        m_engine->append(info.id, first(length + 9).subspan(length));
        if (longer.contains(length)) {
            ASSERT_EQ(ask(*m_engine, info.id), longer.at(length));
        }
        m_engine->closeLane(info.id);
    }
}

TEST_P(LaneEquality, ForkedFromALongerLane) {
    const auto file = test::temporaryFolder("equality") / "long.lane";
    LaneId lane = m_engine->openLane(laneAt(file)).id;
    m_engine->append(lane, m_tokens);
    const auto check = [&](const auto& expected) {
        for (const std::uint64_t length : kLengths) {
            SCOPED_TRACE(length);
            const BranchInfo branch = m_engine->branch(lane, length);
            EXPECT_EQ(branch.position, length);
            // From the nearest frontier; a GPU's super-chunk is longer than the whole lane.
            const bool gpu = m_engine->device().device == Device::Cuda;
            EXPECT_LE(branch.replayed, gpu ? length : 2048u);
            m_engine->closeBranch(branch.id);
            ASSERT_EQ(ask(*m_engine, lane, length), expected(length));
        }
    };
    check([&](std::uint64_t length) { return straight(length); });
    m_engine->closeLane(lane);
    ASSERT_NO_FATAL_FAILURE(restart()); // frontiers now come from the file
    lane = m_engine->openLane(laneAt(file)).id;
    check([&](std::uint64_t length) { return m_expected.at(length); });
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
