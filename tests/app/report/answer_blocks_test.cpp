// SPDX-License-Identifier: GPL-3.0-or-later
// Answers as blocks: quotations survive Markdown letter by letter, and only the statements whose
// quotations fail are taken out.
#include "app/report/answer_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace dossier::app::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// Cites every “...” of the text, in order.
std::vector<Citation> citeAll(const std::string& text) {
    std::vector<Citation> citations;
    for (std::size_t at = 0; (at = text.find("“", at)) != std::string::npos;) {
        const std::size_t end = text.find("”", at) + 3;
        Citation citation;
        citation.number = static_cast<std::uint32_t>(citations.size() + 1);
        citation.quote = text.substr(at + 3, end - at - 6);
        citation.inAnswer = {at, end};
        citations.push_back(citation);
        at = end;
    }
    return citations;
}

std::vector<Block> blocksOf(const std::string& text) {
    return parseAnswer(text, citeAll(text)).blocks;
}

std::vector<std::string> texts(const std::vector<Block>& blocks) {
    std::vector<std::string> all;
    for (const Block& block : blocks)
        all.push_back(plainText(block.spans));
    return all;
}

std::vector<std::uint32_t> numbers(const Spans& spans) {
    std::vector<std::uint32_t> all;
    for (const Span& span : spans)
        all.insert(all.end(), span.citations.begin(), span.citations.end());
    return all;
}

TEST(AnswerBlocks, ParagraphsListsHeadingsCodeAndTables) {
    const auto blocks =
        blocksOf("# Answer\n\nFirst *word* and **bold**.\n\n- one\n- two\n  1. deep\n\n"
                 "```\nint a; // *x*\n```\n\n| A | B |\n|---|---|\n| 1 | `2` |\n");
    ASSERT_EQ(blocks.size(), 7U);
    EXPECT_EQ(blocks[0].kind, BlockKind::Heading);
    EXPECT_EQ(blocks[1].kind, BlockKind::Paragraph);
    EXPECT_EQ(plainText(blocks[1].spans), "First word and bold.");
    EXPECT_TRUE(blocks[1].spans[1].italic);
    EXPECT_TRUE(blocks[1].spans[3].bold);
    EXPECT_EQ(blocks[2].kind, BlockKind::ListItem);
    EXPECT_EQ(blocks[2].marker, "•");
    EXPECT_EQ(blocks[4].marker, "1.");
    EXPECT_EQ(blocks[4].level, 1);
    EXPECT_EQ(blocks[5].kind, BlockKind::Code);
    EXPECT_EQ(plainText(blocks[5].spans), "int a; // *x*");
    ASSERT_EQ(blocks[6].kind, BlockKind::Table);
    EXPECT_EQ(blocks[6].rows.size(), 2U);
    EXPECT_TRUE(blocks[6].rows[1][1][0].code);
}

TEST(AnswerBlocks, QuotationsKeepEveryLetter) {
    const std::string quote = "“a *b* _c_ `d` <script> [x](y) \\ | # 1. ~~z~~ &amp;”";
    const auto blocks = blocksOf("It says " + quote + " there.");
    ASSERT_EQ(blocks.size(), 1U);
    EXPECT_EQ(plainText(blocks[0].spans), "It says " + quote + " there.");
    EXPECT_THAT(numbers(blocks[0].spans), ElementsAre(1));
    EXPECT_FALSE(blocks[0].spans[1].italic);
}

TEST(AnswerBlocks, AQuotationAloneIsAQuotationBlock) {
    const auto blocks = blocksOf("See:\n\n[12] “The whole sentence.”\n\nSo it is.");
    ASSERT_EQ(blocks.size(), 3U);
    EXPECT_EQ(blocks[1].kind, BlockKind::Quotation);
    EXPECT_EQ(blocks[1].citation, 1U);
    EXPECT_EQ(plainText(blocks[1].spans), "“The whole sentence.”") << "without the label [12]";
}

TEST(AnswerBlocks, LabelsBeforeQuotationsGoOtherBracketsStay) {
    const auto blocks = blocksOf("As [a] said in [7] “quoted words”, see [8].");
    EXPECT_EQ(plainText(blocks[0].spans), "As [a] said in “quoted words”, see [8].");
}

TEST(AnswerBlocks, CitationsWithoutAPlaceAreReported) {
    std::vector<Citation> citations(3);
    citations[0].inAnswer = {0, 900}; // beyond the text
    citations[1].inAnswer = {};       // only in the list
    citations[2].inAnswer = {1, 3};   // in the middle of a character
    const auto parsed = parseAnswer("“ä”", citations);
    EXPECT_THAT(parsed.unplaced, ElementsAre(1, 2, 3));
    EXPECT_EQ(plainText(parsed.blocks[0].spans), "“ä”");
}

TEST(AnswerBlocks, OverlappingCitationsKeepTheFirst) {
    std::vector<Citation> citations(2);
    citations[0].inAnswer = {0, 6};
    citations[1].inAnswer = {3, 9};
    const auto parsed = parseAnswer("abcdefghij", citations);
    EXPECT_THAT(parsed.unplaced, ElementsAre(2));
    EXPECT_EQ(plainText(parsed.blocks[0].spans), "abcdefghij");
}

TEST(AnswerBlocks, PrivateCharactersInTheTextAreNotTakenForPlaceholders) {
    const std::string forged = "\U000F0000\U000F0001 text “real quotation”";
    const auto blocks = parseAnswer(forged, citeAll(forged)).blocks;
    EXPECT_EQ(plainText(blocks[0].spans), "text “real quotation”");
    EXPECT_THAT(numbers(blocks[0].spans), ElementsAre(1));
}

TEST(AnswerBlocks, HtmlIsText) {
    const auto blocks = blocksOf("<script>alert(1)</script>\n\nand <b>inline</b>");
    EXPECT_THAT(texts(blocks), ElementsAre("<script>alert(1)</script>", "and <b>inline</b>"));
}

TEST(AnswerBlocks, LeavesOutTheSentenceOfAFailedQuotation) {
    auto blocks = blocksOf("The first is “good one”. The second is “bad one.” Really! The third, "
                           "see cl. 5.2, is “good again”.");
    const auto dropped = leaveOut(blocks, [](std::uint32_t n) { return n != 2; });
    EXPECT_EQ(dropped, 1U);
    ASSERT_EQ(blocks.size(), 1U);
    EXPECT_EQ(plainText(blocks[0].spans),
              "The first is “good one”. Really! The third, see cl. 5.2, is “good again”.");
    EXPECT_THAT(numbers(blocks[0].spans), ElementsAre(1, 3));
}

TEST(AnswerBlocks, AQuotationWithFullStopsInItIsNotCut) {
    auto blocks = blocksOf("He wrote “One. Two. Three” and left. Then came rain.");
    EXPECT_EQ(leaveOut(blocks, [](std::uint32_t) { return false; }), 1U);
    EXPECT_EQ(plainText(blocks[0].spans), "Then came rain.");
}

TEST(AnswerBlocks, LeavesOutListItemsQuotationsAndTableRows) {
    auto blocks =
        blocksOf("- good “one”\n- bad “two”\n\n“three”\n\n| A |\n|---|\n| “four” |\n| ok |\n");
    const auto dropped = leaveOut(blocks, [](std::uint32_t n) { return n == 1; });
    EXPECT_EQ(dropped, 3U);
    ASSERT_EQ(blocks.size(), 2U);
    EXPECT_EQ(plainText(blocks[0].spans), "good “one”");
    ASSERT_EQ(blocks[1].kind, BlockKind::Table);
    EXPECT_EQ(blocks[1].rows.size(), 2U);
    EXPECT_EQ(plainText(blocks[1].rows[1][0]), "ok");
}

TEST(AnswerBlocks, ATableLeftWithItsHeadAloneGoes) {
    auto blocks = blocksOf("| A |\n|---|\n| “four” |\n");
    EXPECT_EQ(leaveOut(blocks, [](std::uint32_t) { return false; }), 1U);
    EXPECT_TRUE(blocks.empty());
}

TEST(AnswerBlocks, RenumbersInReadingOrder) {
    auto blocks = blocksOf("“one” and “two”\n\n“three”");
    std::vector<std::uint32_t> seen;
    renumber(blocks, [&](std::uint32_t n) {
        seen.push_back(n);
        return n + 10;
    });
    EXPECT_THAT(seen, ElementsAre(1, 2, 3));
    EXPECT_THAT(numbers(blocks[0].spans), ElementsAre(11, 12));
    EXPECT_EQ(blocks[1].citation, 13U);
}

TEST(AnswerBlocks, FullStopsAndCommasGoBeforeTheNumber) {
    auto blocks = blocksOf("It is “one”, or “two”. Also “three” here.");
    movePunctuation(blocks);
    EXPECT_EQ(plainText(blocks[0].spans), "It is “one”, or “two”. Also “three” here.");
    EXPECT_EQ(blocks[0].spans[1].text, "“one”,");
    EXPECT_EQ(blocks[0].spans[3].text, "“two”.");
    EXPECT_EQ(blocks[0].spans[5].text, "“three”");
}

TEST(AnswerBlocks, ThousandsOfQuotationsAndDeepNestingStayFast) {
    std::string text;
    for (int i = 0; i < 5000; ++i)
        text += "It is “quotation number " + std::to_string(i) + "”. ";
    std::string deep(3000, '>');
    for (int i = 0; i < 400; ++i)
        deep += "\n" + std::string(static_cast<std::size_t>(i) * 2, ' ') + "- x";
    const auto start = std::chrono::steady_clock::now();
    auto blocks = blocksOf(text);
    EXPECT_EQ(leaveOut(blocks, [](std::uint32_t n) { return n % 2 == 0; }), 2500U);
    EXPECT_FALSE(blocksOf(deep).empty());
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

} // namespace
} // namespace dossier::app::report
