// SPDX-License-Identifier: Apache-2.0
#include "engine/base/aligned_buffer.h"
#include "engine/base/memory_ledger.h"

#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.h"

namespace dossier {

TEST(MemoryLedger, AddsUpByOwnerAndPlaceAndGivesBack) {
    MemoryLedger ledger;
    LedgerEntry a = ledger.take("scratch", MemoryPlace::Ram, 100);
    {
        const LedgerEntry b = ledger.take("scratch", MemoryPlace::Ram, 50);
        const LedgerEntry c = ledger.take("scratch", MemoryPlace::Vram, 7);
        EXPECT_EQ(ledger.total(MemoryPlace::Ram), 150U);
        const auto rows = ledger.snapshot();
        ASSERT_EQ(rows.size(), 2U);
        EXPECT_EQ(rows[0].place, MemoryPlace::Vram);
        EXPECT_EQ(rows[1].bytes, 150U);
    }
    a.resize(20);
    const auto rows = ledger.snapshot();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].bytes, 20U);
    EXPECT_EQ(rows[0].peak, 150U);
    LedgerEntry moved = std::move(a);
    moved = {};
    EXPECT_TRUE(ledger.snapshot().empty());
}

TEST(MemoryLedger, LimitSaysWhatIsMissingAndChangesNothing) {
    MemoryLedger ledger;
    ledger.setLimit(MemoryPlace::Ram, 10 << 20);
    LedgerEntry pinned = ledger.take("expert pool", MemoryPlace::Pinned, 8 << 20);
    EXPECT_EQ(ledger.available(MemoryPlace::Ram), 2U << 20);
    try {
        (void)ledger.take("lane rows", MemoryPlace::Ram, 3 << 20);
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::OutOfMemory);
        EXPECT_THAT(error.what(), testing::HasSubstr("lane rows"));
        EXPECT_THAT(error.what(), testing::HasSubstr("1.00 MiB are missing"));
        EXPECT_FALSE(error.remedy().empty());
    }
    EXPECT_THROW(pinned.resize(11 << 20), Error);
    EXPECT_EQ(pinned.bytes(), 8U << 20);
    EXPECT_EQ(ledger.total(MemoryPlace::Pinned), 8U << 20);
    ledger.setLimit(MemoryPlace::Ram, std::nullopt);
    pinned.resize(11 << 20);
    EXPECT_EQ(ledger.available(MemoryPlace::Ram), std::nullopt);
    EXPECT_NO_THROW((void)ledger.take("files", MemoryPlace::Mapped, 1ULL << 50));
}

TEST(MemoryLedger, ThreadsNeverLoseABytes) {
    MemoryLedger ledger;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&ledger, t] {
            for (int i = 0; i < 2000; ++i) {
                LedgerEntry entry =
                    ledger.take(t % 2 == 0 ? "even" : "odd", MemoryPlace::Ram, 1 + i);
                entry.resize(3);
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(ledger.total(MemoryPlace::Ram), 0U);
}

TEST(MemoryLedger, EntriesMayOutliveIt) {
    LedgerEntry entry;
    {
        MemoryLedger ledger;
        entry = ledger.take("scratch", MemoryPlace::Ram, 5);
    }
    entry.resize(9);
    EXPECT_EQ(entry.bytes(), 9U);
}

TEST(AlignedBuffer, IsAlignedEnteredAndMoveOnly) {
    MemoryLedger ledger;
    AlignedBuffer a(ledger, "scratch", 1000, AlignedBuffer::Fill::Zero);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.data()) % 64, 0U);
    EXPECT_EQ(a.size(), 1000U);
    EXPECT_EQ(ledger.total(MemoryPlace::Ram), 1024U);
    for (const float value : a.as<float>()) {
        ASSERT_EQ(value, 0.0F);
    }
    AlignedBuffer b(std::move(a));
    EXPECT_EQ(a.data(), nullptr); // NOLINT(bugprone-use-after-move): that is what is tested
    b = AlignedBuffer(ledger, "scratch", 10);
    EXPECT_EQ(ledger.total(MemoryPlace::Ram), 64U);
}

TEST(AlignedBuffer, HugePagesAreAlignedAndZero) {
    MemoryLedger ledger;
    AlignedBuffer buffer(ledger, "expert pool", (5U << 20) + 1, AlignedBuffer::Fill::None,
                         AlignedBuffer::HugePages::Yes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % (2U << 20), 0U);
    EXPECT_EQ(ledger.total(MemoryPlace::Ram), 6U << 20);
    EXPECT_EQ(buffer.data()[5U << 20], std::byte{0});
    buffer.data()[5U << 20] = std::byte{1};
}

TEST(AlignedBuffer, RefusalIsAnErrorNotACrash) {
    MemoryLedger ledger;
    EXPECT_THROW(AlignedBuffer(ledger, "lane rows", UINT64_MAX - 5), Error);
    try {
        AlignedBuffer buffer(ledger, "lane rows", 1ULL << 60, AlignedBuffer::Fill::None,
                             AlignedBuffer::HugePages::Yes);
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::OutOfMemory);
    }
    EXPECT_EQ(ledger.total(MemoryPlace::Ram), 0U);
}

TEST(FormatBytes, ReadsLikeAPersonWouldWriteIt) {
    EXPECT_EQ(formatBytes(584), "584 bytes");
    EXPECT_EQ(formatBytes(3'688'172'544), "3.43 GiB");
    EXPECT_EQ(formatBytes(147'170'000'000), "137.1 GiB");
}

} // namespace dossier
