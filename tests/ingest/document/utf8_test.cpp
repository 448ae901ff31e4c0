// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/document/utf8.h"

#include <gtest/gtest.h>

namespace dossier::ingest::utf8 {

TEST(Utf8, EveryCodePointSurvivesARoundTrip) {
    for (char32_t c = 1; c <= 0x10FFFF; ++c) {
        std::string text;
        append(text, c);
        const Decoded decoded = decode(text, 0);
        ASSERT_TRUE(decoded.valid);
        ASSERT_EQ(decoded.length, text.size());
        ASSERT_EQ(decoded.value, c >= 0xD800 && c <= 0xDFFF ? kReplacement : c);
    }
}

TEST(Utf8, FindsTheFirstInvalidByte) {
    EXPECT_EQ(firstInvalid("plain text, longer than eight bytes"), 35U);
    EXPECT_EQ(firstInvalid("abc\x80xyz"), 3U);
    EXPECT_EQ(firstInvalid("\xC0\x80"), 0U) << "overlong";
    EXPECT_EQ(firstInvalid("\xE0\x80\x80"), 0U) << "overlong";
    EXPECT_EQ(firstInvalid("\xED\xA0\x80"), 0U) << "surrogate";
    EXPECT_EQ(firstInvalid("\xF4\x90\x80\x80"), 0U) << "above U+10FFFF";
    EXPECT_EQ(firstInvalid("12345678\xE6\xBC"), 8U) << "cut off";
}

TEST(Utf8, CountsAndFindsCharacters) {
    EXPECT_EQ(length("aé漢😀"), 4U);
    EXPECT_EQ(offsetOf("aé漢😀", 2), 3U);
    EXPECT_EQ(offsetOf("aé漢😀", 4), 10U);
    EXPECT_TRUE(isBoundary("é", 0));
    EXPECT_FALSE(isBoundary("é", 1));
    EXPECT_TRUE(isBoundary("é", 2));
    EXPECT_FALSE(isBoundary("é", 3));
}

} // namespace dossier::ingest::utf8
