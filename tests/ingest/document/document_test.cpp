// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/document/document.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "tests/ingest/document/samples.h"

namespace dossier::ingest {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// One page: "alpha beta" on a line, "gamma" below, "up" written upwards at the margin.
Document page() {
    Document document;
    document.format = Format::Pdf;
    samples::addWord(document, 0, {0.1F, 0.1F, 0.2F, 0.125F}, "alpha");
    document.text += ' ';
    samples::addWord(document, 0, {0.21F, 0.1F, 0.29F, 0.125F}, "beta");
    document.text += '\n';
    samples::addWord(document, 0, {0.1F, 0.15F, 0.2F, 0.175F}, "gamma");
    document.text += "\n\n";
    samples::addWord(document, 0, {0.9F, 0.4F, 0.925F, 0.6F}, "up", Direction::Up);
    Page p;
    p.range = {0, document.text.size()};
    p.label = "i";
    p.hasText = true;
    p.wordCount = 4;
    document.pages = {p};
    return document;
}

TextRange find(const Document& document, std::string_view what) {
    const std::size_t at = document.text.find(what);
    return {at, at + what.size()};
}

void expectBox(const Box& box, Box expected) {
    EXPECT_NEAR(box.left, expected.left, 1e-4);
    EXPECT_NEAR(box.top, expected.top, 1e-4);
    EXPECT_NEAR(box.right, expected.right, 1e-4);
    EXPECT_NEAR(box.bottom, expected.bottom, 1e-4);
}

} // namespace

TEST(BoxesOf, JoinsTheWordsOfALineAndSeparatesLines) {
    const Document document = page();
    const auto boxes = boxesOf(document, find(document, "alpha beta\ngamma"));
    ASSERT_EQ(boxes.size(), 2U);
    expectBox(boxes[0].box, {0.1F, 0.1F, 0.29F, 0.125F});
    expectBox(boxes[1].box, {0.1F, 0.15F, 0.2F, 0.175F});
}

TEST(BoxesOf, CutsWordsAtTheirCharacters) {
    const Document document = page();
    const auto boxes = boxesOf(document, find(document, "pha be"));
    ASSERT_EQ(boxes.size(), 1U);
    expectBox(boxes[0].box, {0.14F, 0.1F, 0.25F, 0.125F});
}

TEST(BoxesOf, CutsWordsThatRunUpwards) {
    const Document document = page();
    const TextRange range{find(document, "up").begin, find(document, "up").begin + 1};
    const auto boxes = boxesOf(document, range);
    ASSERT_EQ(boxes.size(), 1U);
    expectBox(boxes[0].box, {0.9F, 0.5F, 0.925F, 0.6F});
}

TEST(BoxesOf, AWideGapBeginsANewBox) {
    Document document;
    samples::addWord(document, 0, {0.1F, 0.1F, 0.2F, 0.12F}, "left");
    document.text += ' ';
    samples::addWord(document, 0, {0.6F, 0.1F, 0.7F, 0.12F}, "right");
    EXPECT_EQ(boxesOf(document, {0, document.text.size()}).size(), 2U);
}

TEST(BoxesOf, IsEmptyForWhiteSpaceAndForTextWithoutPages) {
    const Document document = page();
    EXPECT_THAT(boxesOf(document, {5, 6}), IsEmpty());
    EXPECT_THAT(boxesOf(document, {3, 3}), IsEmpty());
    Document text;
    text.text = "plain";
    EXPECT_THAT(boxesOf(text, {0, 5}), IsEmpty());
}

TEST(RangeIn, CoversTheWordsWhoseCentreLiesInside) {
    const Document document = page();
    EXPECT_EQ(rangeIn(document, 0, {0.0F, 0.0F, 1.0F, 0.3F}), find(document, "alpha beta\ngamma"));
    EXPECT_EQ(rangeIn(document, 0, {0.2F, 0.1F, 0.3F, 0.13F}), find(document, "beta"));
    EXPECT_EQ(rangeIn(document, 0, {0.3F, 0.7F, 0.4F, 0.8F}), std::nullopt);
    EXPECT_EQ(rangeIn(document, 7, {0, 0, 1, 1}), std::nullopt);
}

TEST(OffsetAt, FindsTheNearestBoundaryBetweenCharacters) {
    const Document document = page();
    EXPECT_EQ(offsetAt(document, 0, 0.101F, 0.11F), 0U);
    EXPECT_EQ(offsetAt(document, 0, 0.139F, 0.11F), 2U);
    EXPECT_EQ(offsetAt(document, 0, 0.199F, 0.11F), 5U);
    EXPECT_EQ(offsetAt(document, 0, 0.8F, 0.11F), find(document, "beta").end)
        << "right of the line";
    EXPECT_EQ(offsetAt(document, 0, 0.02F, 0.16F), find(document, "gamma").begin) << "left of it";
    EXPECT_EQ(offsetAt(document, 0, 0.15F, 0.01F), 3U) << "above the page's text: the first line";
    EXPECT_EQ(offsetAt(document, 0, 0.91F, 0.59F), find(document, "up").begin)
        << "bottom is the start";
    EXPECT_EQ(offsetAt(document, 3, 0.5F, 0.5F), std::nullopt);
}

TEST(PageOf, BelongsToThePageBefore) {
    const Document document = samples::random(1, 3);
    EXPECT_EQ(pageOf(document, 0), 0U);
    EXPECT_EQ(pageOf(document, document.pages[1].range.begin - 1), 0U);
    EXPECT_EQ(pageOf(document, document.pages[1].range.begin), 1U);
    EXPECT_EQ(pageOf(document, document.text.size()), 2U);
    EXPECT_EQ(pageOf(Document{}, 0), std::nullopt);
}

TEST(PageOf, SkipsPagesWithoutText) {
    Document document = samples::random(1, 2);
    Page blank;
    blank.label = "2";
    blank.range = {document.pages[1].range.begin, document.pages[1].range.begin};
    blank.firstWord = document.pages[1].firstWord;
    document.pages.insert(document.pages.begin() + 1, blank);
    EXPECT_EQ(pageOf(document, document.pages[2].range.begin), 2U);
    EXPECT_EQ(pageOf(document, document.pages[2].range.begin - 1), 0U);
}

TEST(Lines, AreTheSameWithAndWithoutTheIndex) {
    for (const char* text : {"", "a", "a\n", "\n", "\n\n", "a\nb", "a\nb\n", "ä\n\nö\n\n\n"}) {
        Document plain;
        plain.text = text;
        Document indexed = plain;
        indexLines(indexed);
        for (std::uint64_t offset = 0; offset < plain.text.size(); ++offset) {
            const std::uint64_t line = lineOf(plain, offset);
            EXPECT_EQ(lineOf(indexed, offset), line) << text;
            EXPECT_EQ(lineRange(indexed, line), lineRange(plain, line)) << text;
            const TextRange range = lineRange(plain, line);
            EXPECT_TRUE(range.begin <= offset && offset <= range.end) << text;
        }
        for (const std::uint64_t line : {0, 1, 2, 3, 4, 5, 6, 100}) {
            EXPECT_EQ(lineRange(indexed, line), lineRange(plain, line)) << text << line;
        }
    }
}

TEST(Lines, AreCountedFromOne) {
    Document document;
    document.text = "one\ntwo\n\nfour";
    indexLines(document);
    EXPECT_EQ(lineOf(document, 0), 1U);
    EXPECT_EQ(lineOf(document, 3), 1U) << "the line break belongs to its line";
    EXPECT_EQ(lineOf(document, 4), 2U);
    EXPECT_EQ(lineOf(document, 12), 4U);
    EXPECT_EQ(lineRange(document, 2), (TextRange{4, 7}));
    EXPECT_EQ(lineRange(document, 3), (TextRange{8, 8}));
    EXPECT_EQ(lineRange(document, 4), (TextRange{9, 13}));
    EXPECT_EQ(lineRange(document, 5), (TextRange{13, 13}));
}

TEST(DocumentModel, WordsAndBoxesAgreeOnRandomDocuments) {
    const Document document = samples::random(7, 5);
    ASSERT_NO_THROW(validate(document));
    for (const Word& word : document.words) {
        EXPECT_THAT(boxesOf(document, word.range), ElementsAre(PageBox{word.page, word.box}));
        EXPECT_EQ(rangeIn(document, word.page, word.box), word.range);
        EXPECT_EQ(offsetAt(document, word.page, word.box.left, word.box.top), word.range.begin);
        EXPECT_EQ(offsetAt(document, word.page, word.box.right, word.box.top), word.range.end);
    }
}

TEST(DocumentModel, StaysFastOnTenThousandPages) {
    const Document document = samples::random(3, 10000);
    const auto start = std::chrono::steady_clock::now();
    std::size_t boxes = 0;
    for (std::uint32_t i = 0; i < 20000; ++i) {
        const std::uint32_t page = i % 10000;
        const Word& word = document.words[document.pages[page].firstWord + 50];
        boxes += boxesOf(document, word.range).size();
        boxes += rangeIn(document, page, word.box).has_value() ? 1U : 0U;
        boxes += offsetAt(document, page, 0.5F, 0.5F).has_value() ? 1U : 0U;
        boxes += pageOf(document, word.range.begin) == page ? 1U : 0U;
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(boxes, 80000U);
    // Measured 0.04 s; a scan over the whole document would take minutes.
    EXPECT_LT(seconds.count(), 2.0);
}

TEST(DocumentModel, StaysFastOnAMillionLines) {
    Document document;
    for (int i = 0; i < 1000000; ++i) {
        document.text += "line of text\n";
    }
    indexLines(document);
    const auto start = std::chrono::steady_clock::now();
    for (std::uint64_t line = 1; line <= 1000000; ++line) {
        ASSERT_EQ(lineOf(document, lineRange(document, line).begin + 3), line);
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    EXPECT_LT(seconds.count(), 3.0);
}

TEST(FormatName, IsStable) {
    EXPECT_EQ(formatName(Format::Pdf), "pdf");
    EXPECT_EQ(formatName(Format::Markdown), "markdown");
    EXPECT_EQ(formatName(Format::Code), "code");
}

} // namespace dossier::ingest
