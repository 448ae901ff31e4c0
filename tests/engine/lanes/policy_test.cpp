// SPDX-License-Identifier: Apache-2.0
#include "engine/lanes/frontier_policy.h"

#include <random>

#include <gtest/gtest.h>

#include "engine/lanes/frontier.h"
#include "engine/model/kv_layout.h"
#include "tests/engine/support/configs.h"

namespace dossier::engine {
namespace {

/// Reads `marks` to their end as ReadJob and Lane do, in super-chunks; the kept frontiers.
struct Reading {
    explicit Reading(const FrontierPolicy& used) : policy(used) {}
    void readTo(std::uint64_t end, std::span<const LaneMark> marks) {
        while (position < end) {
            const std::uint64_t to = std::min(end, policy.chunkEnd(position));
            const auto taken = policy.captures(begin, captured, position, to, marks);
            captured.insert(captured.end(), taken.begin(), taken.end());
            position = to;
            if (policy.due(begin, position)) {
                const auto kept = policy.select(begin, captured);
                ASSERT_FALSE(kept.empty());
                all.insert(all.end(), kept.begin(), kept.end());
                begin = kept.back();
                records.push_back(begin);
                std::erase_if(captured, [&](std::uint64_t p) { return p <= begin; });
            }
        }
    }
    const FrontierPolicy& policy;
    std::uint64_t begin = 0, position = 0;
    std::vector<std::uint64_t> captured, all, records;
};

std::vector<LaneMark> documents(std::uint64_t tokens, std::uint64_t shortest,
                                std::uint64_t longest) {
    std::mt19937_64 random(11);
    std::vector<LaneMark> marks;
    for (std::uint64_t end = 0; end < tokens;) {
        end = std::min(tokens, end + shortest + random() % (longest - shortest + 1));
        marks.push_back({end, "d"});
    }
    return marks;
}

constexpr double kFlashRow = 3514.25;

std::uint64_t flashFrontier() {
    return frontierBytes(test::flashConfig());
}

TEST(FrontierPolicy, AFrontierOfTheFullModelIsFourMegabytes) {
    EXPECT_EQ(flashFrontier(), 43u * 128 * 584 + 21u * 4 * 2 * 2 * 640 * 4);
    const FrontierPolicy policy(32768, flashFrontier(), kFlashRow);
    EXPECT_EQ(policy.documentSpacing(), 4736u);
}

TEST(FrontierPolicy, FrontiersStandAtMultiplesOf128AndAtLeast2048Apart) {
    for (const std::uint64_t chunk : {2048u, 8192u, 32768u}) {
        for (const auto& marks : {documents(300'000, 20, 900), documents(300'000, 2000, 60'000)}) {
            const FrontierPolicy policy(chunk, 100'000, 200); // spacing 2,048
            Reading reading(policy);
            reading.readTo(300'000, marks);
            std::uint64_t before = 0;
            for (const std::uint64_t position : reading.all) {
                EXPECT_EQ(position % 128, 0u);
                EXPECT_GE(position - before, 2048u);
                before = position;
            }
            // Records end in every super-chunk: a crash loses no more than one, and a bit.
            before = 0;
            for (const std::uint64_t end : reading.records) {
                EXPECT_LE(end - before, chunk + 2048);
                before = end;
            }
        }
    }
}

TEST(FrontierPolicy, LongDocumentsHaveOneBeforeTheirEnd) {
    const FrontierPolicy policy(32768, flashFrontier(), kFlashRow);
    const auto marks = documents(800'000, 12'000, 90'000);
    Reading reading(policy);
    reading.readTo(800'000, marks);
    for (const LaneMark& mark : marks) {
        const auto after = std::upper_bound(reading.all.begin(), reading.all.end(), mark.end);
        ASSERT_NE(after, reading.all.begin());
        if (mark.end < 790'000) { // the last one's is that of the provisional record
            EXPECT_LT(mark.end - *std::prev(after), 4736u + 128);
        }
    }
}

TEST(FrontierPolicy, ManySmallFilesAddAQuarterAtMost) {
    const FrontierPolicy policy(32768, flashFrontier(), kFlashRow);
    const auto marks = documents(1'000'000, 10, 90); // 20,000 files
    EXPECT_GT(marks.size(), 19'000u);
    Reading reading(policy);
    reading.readTo(1'000'000, marks);
    const double bytes = static_cast<double>(reading.all.size() * flashFrontier());
    EXPECT_LE(bytes, 0.27 * kFlashRow * 1e6); // document ends, and the super-chunks' own
    EXPECT_LT(reading.all.size(), 250u);
}

TEST(FrontierPolicy, AReadingThatWasInterruptedMakesTheSameRecords) {
    const FrontierPolicy policy(8192, 900'000, 800);
    const auto marks = documents(200'000, 100, 9000);
    Reading straight(policy);
    straight.readTo(200'000, marks);
    std::mt19937 random(3);
    for (int round = 0; round < 50; ++round) {
        Reading reading(policy);
        while (reading.position < 200'000) {
            // Killed somewhere: goes on from the last record's end, with nothing captured.
            reading.readTo(
                std::min<std::uint64_t>(200'000, reading.position + 1 + random() % 60'000), marks);
            if (reading.position < 200'000) {
                reading.position = reading.begin;
                reading.captured.clear();
            }
        }
        ASSERT_EQ(reading.all, straight.all);
        ASSERT_EQ(reading.records, straight.records);
    }
}

} // namespace
} // namespace dossier::engine
