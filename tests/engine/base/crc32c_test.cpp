// SPDX-License-Identifier: Apache-2.0
#include "engine/base/crc32c.h"

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace dossier {
namespace {

std::uint32_t of(std::string_view text) {
    return crc32c(std::as_bytes(std::span(text)));
}

TEST(Crc32c, KnownValues) {
    EXPECT_EQ(of(""), 0u);
    EXPECT_EQ(of("123456789"), 0xE3069283u); // the check value of the polynomial's catalogue entry
    // RFC 3720, B.4
    std::vector<std::byte> bytes(32);
    EXPECT_EQ(crc32c(bytes), 0x8A9136AAu);
    std::fill(bytes.begin(), bytes.end(), std::byte{0xFF});
    EXPECT_EQ(crc32c(bytes), 0x62A8AB43u);
    for (int i = 0; i < 32; ++i) {
        bytes[static_cast<std::size_t>(i)] = static_cast<std::byte>(i);
    }
    EXPECT_EQ(crc32c(bytes), 0x46DD794Eu);
}

TEST(Crc32c, TheFastVersionEqualsThePlainOneAtAllLengthsAndSplits) {
    std::vector<std::byte> bytes(20000);
    std::uint32_t state = 1;
    for (std::byte& byte : bytes) {
        state = state * 1664525u + 1013904223u;
        byte = static_cast<std::byte>(state >> 24);
    }
    const std::span all(std::as_const(bytes));
    for (std::size_t length = 0; length <= all.size(); length += length < 80 ? 1 : 977) {
        for (const std::size_t from : {0, 1, 7}) {
            const auto part = all.subspan(from, std::min(length, all.size() - from));
            ASSERT_EQ(crc32c(part), detail::crc32cPlain(part)) << length << " from " << from;
        }
        EXPECT_EQ(crc32c(all.subspan(length), crc32c(all.first(length))), crc32c(all));
    }
}

TEST(Crc32c, EveryFlippedBitIsSeen) {
    std::vector<std::byte> bytes(6200, std::byte{0x5A});
    const std::uint32_t good = crc32c(bytes);
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit += 13) {
        bytes[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
        ASSERT_NE(crc32c(bytes), good) << bit;
        bytes[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    }
}

} // namespace
} // namespace dossier
