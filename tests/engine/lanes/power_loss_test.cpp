// SPDX-License-Identifier: Apache-2.0
// Power loss at every point of making and extending a lane: it opens with at least what was
// promised, everything in it is right, and gone on with it becomes the undisturbed one.
#include <cerrno>

#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/lanes/lane_store.h"
#include "tests/engine/lanes/lane_samples.h"
#include "tests/engine/lanes/recorded_disk.h"
#include "tests/engine/support/golden.h"

namespace dossier::engine {
namespace {

using namespace test_lanes;

/// Records that follow each other, two provisional ones among them that are replaced.
std::vector<LaneDraft> records() {
    std::vector<LaneDraft> all;
    all.push_back(sampleDraft(0, 2));
    all.push_back(sampleDraft(256, 40)); // several writes
    all.push_back(sampleDraft(256 + 5120, 1, 9));
    all.push_back(sampleDraft(256 + 5120, 3));
    all.push_back(sampleDraft(256 + 5120 + 384, 2, 100));
    all.push_back(sampleDraft(256 + 5120 + 384, 70));
    return all;
}

/// Appends the records from `from` on. `done`: after each.
void append(const std::filesystem::path& path, std::size_t from, const std::vector<LaneDraft>& all,
            const std::function<void()>& done = {}) {
    MemoryLedger ledger;
    LaneStore store(path, sampleKey(), false, ledger);
    ASSERT_EQ(store.index().records.size(), from);
    for (std::size_t i = from; i < all.size(); ++i) {
        store.write(all[i]);
        while (!store.settled(std::chrono::milliseconds(100))) {
        }
        if (done) {
            done();
        }
    }
}

/// Every section of every record is that of the undisturbed lane.
void expectRight(const std::filesystem::path& path, const std::string& whole, std::size_t least,
                 std::size_t& records) {
    const LaneHandle file(path, LaneHandle::Mode::Read);
    const auto index = scanLane(file);
    records = index ? index->records.size() : 0;
    ASSERT_GE(records, least);
    if (!index) {
        return;
    }
    for (const LaneRecord& record : index->records) {
        for (const lane::Section& section : record.sections) {
            const auto bytes = readSection(file, record, section);
            ASSERT_TRUE(bytes);
            ASSERT_EQ(whole.compare(record.offset + section.offset, section.bytes,
                                    reinterpret_cast<const char*>(bytes->data()), bytes->size()),
                      0);
        }
    }
}

TEST(PowerLoss, AnyPointLeavesALaneThatBecomesTheUndisturbedOne) {
    const auto folder = test::temporaryFolder("power");
    const auto all = records();
    const auto whole = folder / "whole.lane", left = folder / "left.lane";
    std::mt19937 random(29);
    RecordedDisk disk(whole);
    std::vector<std::size_t> promised; // operations when a record counted as written
    append(whole, 0, all, [&] { promised.push_back(disk.operations()); });
    const std::string expected = fileBytes(whole);
    std::size_t begun = 0, headless = 0;
#ifdef DOSSIER_SANITIZED
    constexpr int kVariants = 7;
#else
    constexpr int kVariants = 20;
#endif
    for (std::size_t n = 0; n < disk.operations(); ++n) {
        for (int variant = 0; variant < kVariants; ++variant) {
            SCOPED_TRACE(testing::Message() << "operation " << n << ", variant " << variant);
            putBytes(left, disk.afterPowerLoss(n, random));
            const auto least = static_cast<std::size_t>(
                std::count_if(promised.begin(), promised.end(),
                              [&](std::size_t operations) { return operations <= n; }));
            std::size_t have = 0;
            ASSERT_NO_FATAL_FAILURE(expectRight(left, expected, least, have));
            begun += have > least ? 1 : 0;
            headless += fileBytes(left).size() < lane::kFirstRecord ? 1 : 0;
            ASSERT_NO_FATAL_FAILURE(append(left, have, all));
            ASSERT_TRUE(fileBytes(left) == expected);
        }
    }
    // The points in between were met, too.
    EXPECT_GT(begun, 10u);
    EXPECT_GT(headless, 10u);
}

TEST(PowerLoss, AFlushThatFailsWhileTheLaneIsGoneOnWithLosesNothing) {
    const auto folder = test::temporaryFolder("power");
    const auto all = records();
    const auto whole = folder / "whole.lane", left = folder / "left.lane";
    append(whole, 0, all);
    const std::string expected = fileBytes(whole);
    std::mt19937 random(31);
    int failed = 0;
    while (failed < 40) {
        std::filesystem::remove(left);
        std::string survived;
        {
            const RecordedDisk disk(left);
            append(left, 0, all);
            survived = disk.afterPowerLoss(random() % disk.operations(), random);
        }
        putBytes(left, survived);
        std::size_t have = 0, still = 0;
        ASSERT_NO_FATAL_FAILURE(expectRight(left, expected, 0, have));
        if (have == all.size()) {
            continue; // nothing is left to write
        }
        LaneHandle::setFlushFunction([](int) {
            errno = EIO;
            return -1;
        });
        EXPECT_THROW(append(left, have, all), Error) << have;
        LaneHandle::setFlushFunction({});
        ++failed;
        ASSERT_NO_FATAL_FAILURE(expectRight(left, expected, have, still));
        ASSERT_EQ(still, have);
        ASSERT_NO_FATAL_FAILURE(append(left, have, all));
        ASSERT_TRUE(fileBytes(left) == expected);
    }
}

} // namespace
} // namespace dossier::engine
