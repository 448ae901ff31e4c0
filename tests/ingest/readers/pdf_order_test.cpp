// SPDX-License-Identifier: GPL-3.0-or-later
// Reading order, lines and blocks of generated PDFs.
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ingest/support/ingest_testing.h"
#include "tests/ingest/support/pdf_builder.h"

namespace dossier::ingest {
namespace {

using namespace testing_support;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Document read(PdfBuilder& builder) {
    return readBytes("sample.pdf", builder.build());
}

/// Draws lines below each other, 12 points apart.
double lines(PdfBuilder& builder, double x, double y, const std::vector<std::string>& texts,
             double size = 10) {
    for (const std::string& text : texts) {
        builder.text(x, y, text, size);
        y -= 12;
    }
    return y;
}

const std::vector<std::string> kLeft{
    "The left column begins here and goes on for", "several lines of text that are nearly as wide",
    "as the column itself, so that anybody sees", "that they belong together and are read one",
    "below the other down to the bottom of page."};
const std::vector<std::string> kRight{
    "The right column is read after the left one", "has ended, although its lines stand at the",
    "very same heights on the paper as those of", "the other column do, which is what misleads",
    "a program that goes from line to line only."};

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts) {
        all += (all.empty() ? "" : " ") + text;
    }
    return all;
}

} // namespace

TEST(PdfOrder, ReadsColumnsOneAfterTheOther) {
    PdfBuilder builder;
    builder.text(60, 790, "A Title That Spans Both Columns of the Page", 18);
    lines(builder, 60, 750, kLeft);
    lines(builder, 320, 750, kRight);
    builder.text(
        60, 660,
        "This sentence stands below both columns and spans the whole width of the page again.");
    builder.page();
    const Document document = read(builder);
    EXPECT_EQ(checkDocument(document, "columns"), 0U);
    EXPECT_EQ(document.text,
              "A Title That Spans Both Columns of the Page\n\n" + joined(kLeft) + "\n\n" +
                  joined(kRight) +
                  "\n\nThis sentence stands below both columns and spans the whole width of the "
                  "page again.");
    EXPECT_EQ(document.title, "A Title That Spans Both Columns of the Page");
    EXPECT_EQ(document.blocks[0].kind, BlockKind::Heading);
}

TEST(PdfOrder, ReadsColumnsWhoseLinesStandAtDifferentHeights) {
    PdfBuilder builder;
    lines(builder, 60, 750, kLeft);
    lines(builder, 320, 744, kRight);
    builder.page();
    EXPECT_EQ(read(builder).text, joined(kLeft) + "\n\n" + joined(kRight));
}

TEST(PdfOrder, ReadsThreeColumns) {
    const std::vector<std::string> narrow{"one narrow column of text", "with some further lines of",
                                          "words, to the last of them."};
    PdfBuilder builder;
    for (const double x : {40.0, 220.0, 400.0}) {
        lines(builder, x, 750, narrow, 11);
    }
    builder.page();
    EXPECT_EQ(read(builder).text,
              joined(narrow) + "\n\n" + joined(narrow) + "\n\n" + joined(narrow));
}

TEST(PdfOrder, ASentenceGoesOnInTheNextColumn) {
    std::vector<std::string> left = kLeft, right = kRight;
    left.back() = "below the other and the sentence then goes on";
    right.front() = "in the right column, which is read after the";
    PdfBuilder builder;
    lines(builder, 60, 750, left);
    lines(builder, 320, 750, right);
    builder.page();
    EXPECT_EQ(read(builder).text, joined(left) + " " + joined(right));
}

TEST(PdfOrder, ReadsTablesRowByRow) {
    PdfBuilder builder;
    const std::vector<std::vector<std::string>> rows{{"Item", "Quantity", "Price"},
                                                     {"Widgets", "12", "$ 340.00"},
                                                     {"Gadgets", "7", "$ 95.50"},
                                                     {"Total", "19", "$ 435.50"}};
    double y = 700;
    for (const auto& row : rows) {
        builder.text(80, y, row[0]);
        builder.text(250, y, row[1]);
        builder.text(400, y, row[2]);
        y -= 14;
    }
    builder.page();
    const Document document = read(builder);
    EXPECT_THAT(blocksOf(document, BlockKind::TableRow),
                ElementsAre("Item\tQuantity\tPrice", "Widgets\t12\t$ 340.00", "Gadgets\t7\t$ 95.50",
                            "Total\t19\t$ 435.50"));
    EXPECT_EQ(
        document.text,
        "Item\tQuantity\tPrice\nWidgets\t12\t$ 340.00\nGadgets\t7\t$ 95.50\nTotal\t19\t$ 435.50");
    EXPECT_EQ(checkDocument(document, "table"), 0U);
}

TEST(PdfOrder, CellsWithNarrowGapsAndWrappedLinesBelongToTheirRows) {
    PdfBuilder builder;
    const std::vector<std::pair<std::string, std::string>> rows{
        {"Contractual Term", "ten (10) years from and including the term"},
        {"", "commencement date"},
        {"Term Commencement Date", "24 June 2019"},
        {"Principal Rent", "1,000 a year"}};
    double y = 700;
    for (const auto& [name, value] : rows) {
        builder.text(72, y, name);
        builder.text(203, y, value);
        y -= 13;
    }
    builder.page();
    EXPECT_EQ(read(builder).text,
              "Contractual Term\tten (10) years from and including the term commencement date\n"
              "Term Commencement Date\t24 June 2019\nPrincipal Rent\t1,000 a year");
}

TEST(PdfOrder, ReadsWrappedCellsAsWholes) {
    PdfBuilder builder;
    lines(builder, 60, 700, {"Delivery"});
    lines(builder, 200, 700,
          {"The goods are delivered to the place that", "the buyer has named in the order form, at",
           "the cost of the seller."});
    lines(builder, 60, 640, {"Payment"});
    lines(builder, 200, 640,
          {"The price is due within thirty days after", "the day on which the invoice has reached",
           "the buyer."});
    builder.page();
    EXPECT_THAT(
        blocksOf(read(builder), BlockKind::TableRow),
        ElementsAre(
            "Delivery\tThe goods are delivered to the place that the buyer has named in the order "
            "form, at the cost of the seller.",
            "Payment\tThe price is due within thirty days after the day on which the invoice has "
            "reached the buyer."));
}

TEST(PdfOrder, SeparatesParagraphsByGapAndByIndent) {
    PdfBuilder builder;
    lines(builder, 72, 750,
          {"The first paragraph has two lines that reach to the right edge of",
           "the text and ends here."});
    lines(builder, 72, 714,
          {"The second one stands below a gap. Its lines are as long as those",
           "of the first one are, to the very end of all that it has to say now."});
    lines(builder, 90, 690, {"This is the third, which begins with an indented line of the text"});
    lines(builder, 72, 678,
          {"and has a second line that is not indented and is of the same length."});
    builder.page();
    EXPECT_THAT(blocksOf(read(builder), BlockKind::Paragraph),
                ElementsAre(HasSubstr("right edge of the text and ends here."),
                            HasSubstr("those of the first one"),
                            HasSubstr("line of the text and has a second")));
}

TEST(PdfOrder, KeepsTheLinesOfAnAddress) {
    PdfBuilder builder;
    lines(builder, 72, 750, {"Acme Widgets Limited", "12 High Street", "London W1"});
    lines(builder, 72, 690,
          {"All notices are sent to the address above, by registered mail or courier,",
           "unless the party has named another address in writing."});
    builder.page();
    EXPECT_EQ(read(builder).text.substr(0, 48),
              "Acme Widgets Limited\n12 High Street\nLondon W1\n\nA");
}

TEST(PdfOrder, KnowsHeadingsAndListItems) {
    PdfBuilder builder;
    lines(builder, 72, 760, {"ARTICLE IV"});
    lines(builder, 72, 730, {"4.2 Payment Terms"});
    lines(builder, 72, 700,
          {"(a) The buyer pays within thirty days after receipt of the invoice, in full,",
           "without any deduction."});
    lines(builder, 90, 676,
          {"(ii) Interest is due on late payments at the rate that the law sets for it and",
           "for nothing else."});
    builder.page();
    const Document document = read(builder);
    EXPECT_THAT(blocksOf(document, BlockKind::Heading),
                ElementsAre("ARTICLE IV", "4.2 Payment Terms"));
    EXPECT_EQ(document.blocks[0].level, 1);
    EXPECT_EQ(document.blocks[1].level, 2);
    EXPECT_THAT(blocksOf(document, BlockKind::ListItem),
                ElementsAre(HasSubstr("(a) The buyer"), HasSubstr("(ii) Interest")));
}

TEST(PdfOrder, RunningLinesAreMarkedAndTheSentenceGoesOn) {
    PdfBuilder builder;
    for (int page = 1; page <= 4; ++page) {
        builder.text(72, 810, "Master Services Agreement - Confidential", 9);
        lines(builder, 72, 780,
              {"Every page of this document has a sentence which is so long that it does",
               "not end on the page on which it began, but is cut by the end of the page",
               "in the midst of the words and then goes on upon the following page with"});
        lines(builder, 72, 744,
              {"a small letter at the beginning of the line that is the first one there and"});
        builder.text(290, 30, "Page " + std::to_string(page) + " of 4", 9);
        builder.page();
    }
    const Document document = read(builder);
    EXPECT_EQ(blocksOf(document, BlockKind::Running).size(), 8U);
    std::size_t continues = 0;
    for (const Block& block : document.blocks) {
        continues += block.continues ? 1U : 0U;
    }
    EXPECT_EQ(continues, 3U) << "on every page but the last";
    EXPECT_THAT(document.text, HasSubstr("Page 3 of 4")) << "running lines stay in the text";
}

namespace {

/// What is taken for running lines if each of five pages has this line at its top and body below.
std::vector<std::string> runningAmong(const std::function<std::string(int)>& line, double size = 10,
                                      double y = 800) {
    PdfBuilder builder;
    for (int page = 1; page <= 5; ++page) {
        builder.text(72, y, line(page), size);
        lines(builder, 72, 740,
              {"Body of the page " + std::string(static_cast<std::size_t>(page), 'x') +
                   " which is as long as a line of a contract is",
               "and ends with a second line."});
        builder.page();
    }
    return blocksOf(read(builder), BlockKind::Running);
}

} // namespace

TEST(PdfOrder, ANumberThatCountsThePagesIsPartOfARunningLine) {
    const auto number = [](int n) { return std::to_string(n); };
    EXPECT_EQ(runningAmong([&](int p) { return "Lease of the mill - " + number(p + 16); }).size(),
              5U);
    EXPECT_EQ(
        runningAmong([&](int p) { return "Larch & Sons, page " + number(p) + " of 5"; }).size(),
        5U);
    EXPECT_EQ(runningAmong([&](int p) { return number(p) + " | Lease 7/21/2019"; }, 10, 30).size(),
              5U);
    EXPECT_EQ(runningAmong([](int) { return "SCHEDULE 3"; }).size(), 5U) << "the same on all pages";
}

TEST(PdfOrder, LinesThatDifferInOtherNumbersAreText) {
    const auto number = [](int n) { return std::to_string(n); };
    EXPECT_THAT(runningAmong([&](int p) {
                    return "The monthly rent for unit " + number(p) + " is $500 per month.";
                }),
                IsEmpty());
    EXPECT_THAT(runningAmong([&](int p) { return "Rent for the lot: " + number(p * 117); }),
                IsEmpty());
    EXPECT_THAT(runningAmong([&](int p) { return "Schedule " + number(p); }), IsEmpty());
    EXPECT_THAT(runningAmong([&](int p) { return "Annex " + number(p) + " to the lease"; }),
                IsEmpty());
    EXPECT_THAT(runningAmong([&](int p) { return "Statement of work " + number(p); }, 14),
                IsEmpty());
    EXPECT_THAT(runningAmong([&](int p) { return "4." + number(p) + " Reserved"; }), IsEmpty());
}

TEST(PdfOrder, AFooterCloseToTheTextIsNoPartOfIt) {
    PdfBuilder builder;
    for (const char* page : {"first", "second", "third"}) {
        lines(builder, 72, 52,
              {"The last line of the " + std::string(page) +
                   " page stands right above its footer and is long",
               "Source: ACME INC, S-1/A, 7/21/1999, a footer that is as long as the text is"});
        builder.page();
    }
    const Document document = read(builder);
    EXPECT_EQ(blocksOf(document, BlockKind::Running).size(), 3U);
    EXPECT_THAT(blocksOf(document, BlockKind::Paragraph),
                Contains(testing::EndsWith("and is long")).Times(3));
}

TEST(PdfOrder, FootnotesAreMarked) {
    PdfBuilder builder;
    lines(builder, 72, 750,
          {"The body of the page is set in ten points and mentions a note at its end of it,",
           "which is printed at the bottom of the page in smaller letters than the others."});
    builder.text(72, 120, "1 As defined in the annex to this agreement, which is part of it.", 7);
    builder.text(72, 108, "2 See above.", 7);
    builder.page();
    EXPECT_THAT(blocksOf(read(builder), BlockKind::Footnote),
                ElementsAre(HasSubstr("1 As defined"), "2 See above."));
}

TEST(PdfOrder, DividedWordsAreJoinedWhereTheDocumentShowsThem) {
    PdfBuilder builder;
    lines(builder, 72, 750,
          {"The termination of this agreement needs a notice in writing, and the termi-",
           "nation takes effect after thirty days. It is without effect on the non-",
           "compete clause; a non-compete clause binds both parties, and the other one-",
           "off payments stay due."});
    builder.page();
    const Document document = read(builder);
    EXPECT_THAT(document.text, HasSubstr("and the termination takes effect"));
    EXPECT_THAT(document.text, HasSubstr("on the non-compete clause; a non-compete"));
    EXPECT_THAT(document.text, HasSubstr("the other one-off payments"))
        << "nothing shows it: as printed";
    EXPECT_EQ(checkDocument(document, "hyphens"), 0U);
    const std::size_t at = document.text.rfind("termination");
    const auto boxes = boxesOf(document, {at, at + 11});
    ASSERT_EQ(boxes.size(), 2U) << "one box on each line";
    EXPECT_GT(boxes[0].box.left, 0.5F);
    EXPECT_LT(boxes[1].box.left, 0.2F);
}

TEST(PdfOrder, SoftHyphensAtLineEndsDisappear) {
    PdfBuilder builder;
    builder.text(40, 762, "full and it ends with a divided word: indemni\u00AD", 10, Font::Wide);
    builder.text(40, 750, "fication is what it says, put together again", 10, Font::Wide);
    builder.page();
    EXPECT_THAT(read(builder).text, HasSubstr("word: indemnification is"));
}

TEST(PdfOrder, ReadsRotatedPages) {
    for (const int rotate : {90, 180, 270}) {
        PdfBuilder builder;
        PageOptions options;
        options.rotate = rotate;
        // Written so that it is upright once the page is turned.
        const double along[4][2] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
        const double* d = along[rotate / 90];
        const double start[4][2] = {{72, 750}, {100, 100}, {500, 100}, {500, 750}};
        const double* s = start[rotate / 90];
        builder.matrix(d[0], d[1], -d[1], d[0], s[0], s[1], "Turned pages read like others");
        builder.page(options);
        const Document document = read(builder);
        EXPECT_EQ(document.text, "Turned pages read like others") << rotate;
        EXPECT_EQ(document.words[0].direction, Direction::Right) << rotate;
        EXPECT_EQ(document.pages[0].widthPt > document.pages[0].heightPt, rotate != 180) << rotate;
        EXPECT_EQ(checkDocument(document, "rotated"), 0U) << rotate;
    }
}

TEST(PdfOrder, ReadsTextWrittenUpwardsAndDownwards) {
    PdfBuilder builder;
    lines(builder, 72, 750, kLeft);
    builder.matrix(0, 1, -1, 0, 30, 300, "Draft of May 2020");
    builder.matrix(0, -1, 1, 0, 560, 700, "For discussion only");
    builder.page();
    const Document document = read(builder);
    EXPECT_THAT(document.text, HasSubstr(joined(kLeft)));
    EXPECT_THAT(document.text, HasSubstr("Draft of May 2020"));
    EXPECT_THAT(document.text, HasSubstr("For discussion only"));
    EXPECT_EQ(checkDocument(document, "margins"), 0U);
    const std::size_t at = document.text.find("Draft of");
    const auto boxes = boxesOf(document, {at, at + 8});
    ASSERT_EQ(boxes.size(), 1U);
    EXPECT_GT(boxes[0].box.bottom - boxes[0].box.top, boxes[0].box.right - boxes[0].box.left);
}

TEST(PdfOrder, TakesLigaturesApart) {
    PdfBuilder builder;
    builder.text(72, 700,
                 "the \xEF\xAC\x81nal o\xEF\xAC\x83"
                 "ce",
                 10, Font::Wide);
    builder.page();
    const Document document = read(builder);
    EXPECT_EQ(document.text, "the final office");
    EXPECT_EQ(checkDocument(document, "ligatures"), 0U);
    // "final" is cut inside its ligature: the box of "f" is half of the ligature's.
    const auto box = boxesOf(document, {4, 5}).at(0).box;
    EXPECT_NEAR((box.right - box.left) * 595, 5, 0.1);
}

TEST(PdfOrder, ReadsGreekAndChinese) {
    PdfBuilder builder;
    builder.text(72, 700, "Η σύμβαση λύεται μετά από ειδοποίηση", 8, Font::Wide);
    builder.text(72, 680,
                 "本协议自双方签字之日起生效，有效期为三年，期满后可以续签三年，双方应当提前三十",
                 12, Font::Wide);
    builder.text(72, 666, "日书面通知对方。", 12, Font::Wide);
    builder.page();
    const Document document = read(builder);
    EXPECT_THAT(document.text, HasSubstr("Η σύμβαση λύεται μετά από ειδοποίηση"));
    EXPECT_THAT(document.text, HasSubstr("双方应当提前三十日书面通知对方。"))
        << "no blank at the line end";
    EXPECT_EQ(checkDocument(document, "scripts"), 0U);
    const std::size_t at = document.text.find("三年");
    const auto boxes = boxesOf(document, {at, at + 6});
    ASSERT_EQ(boxes.size(), 1U);
    EXPECT_NEAR((boxes[0].box.right - boxes[0].box.left) * 595, 24, 0.5);
}

namespace {

/// As a PDF prints it: the characters from left to right as they stand on the page.
std::string backwards(const std::string& text) {
    std::string result;
    for (std::size_t at = text.size(); at > 0;) {
        const std::size_t end = at;
        while (utf8::isContinuation(text[--at])) {
        }
        result += text.substr(at, end - at);
    }
    return result;
}

} // namespace

TEST(PdfOrder, ReadsHebrewAndArabicFromRightToLeft) {
    PdfBuilder builder;
    builder.text(72, 700, backwards("חוזה השכירות ייכנס לתוקף"), 10, Font::Wide);
    builder.text(72, 660, backwards(" הישראלי.") + "2,024.50" + backwards("ההסכם )כפוף( לדין "), 10,
                 Font::Wide);
    builder.text(72, 620, backwards(" מחייב.") + "Acme Widgets 7" + backwards("העקד של הקונים "),
                 10, Font::Wide);
    builder.text(72, 540, "\uFEAA\uFED8\uFECC\uFEFB\uFE8D", 10, Font::Wide);
    builder.page();
    builder.text(72, 700,
                 "The words " + backwards("שלום, עולם") + " mean (" + backwards("צורב") +
                     ") end here.",
                 10, Font::Wide);
    builder.page();
    const Document document = read(builder);
    EXPECT_EQ(document.text, "חוזה השכירות ייכנס לתוקף ההסכם (כפוף) לדין 2,024.50 הישראלי.\n\n"
                             "העקד של הקונים Acme Widgets 7 מחייב.\n\n"
                             "الاعقد\n\nThe words שלום, עולם mean (צורב) end here.");
    EXPECT_EQ(checkDocument(document, "right to left"), 0U);
}

TEST(PdfOrder, BoxesOfRightToLeftTextStandWhereItIsPrinted) {
    PdfBuilder builder;
    builder.text(100, 700, backwards("שלום עולם"), 10, Font::Wide); // nine characters of 10 points
    builder.page();
    const Document document = read(builder);
    ASSERT_EQ(document.text, "שלום עולם");
    EXPECT_EQ(document.words[0].direction, Direction::Left);
    const auto first = boxesOf(document, {0, 2}).at(0).box; // the letter that is read first
    EXPECT_NEAR(first.left * 595, 180, 0.5);
    EXPECT_NEAR(first.right * 595, 190, 0.5);
    const auto both = boxesOf(document, {0, document.text.size()});
    ASSERT_EQ(both.size(), 1U);
    EXPECT_NEAR(both[0].box.left * 595, 100, 0.5);
    EXPECT_NEAR(both[0].box.right * 595, 190, 0.5);
    const auto second = rangeIn(document, 0, {0.16F, 0, 0.24F, 1});
    ASSERT_TRUE(second.has_value());
    EXPECT_EQ(textOf(document, *second), "עולם");
}

TEST(PdfOrder, ReadsFontsWithAPredefinedCharacterMap) {
    if (!havePopplerData()) {
        GTEST_SKIP() << "the package poppler-data is not installed";
    }
    EXPECT_EQ(readBytes("a.pdf", japanesePdf()).text, "賃料1");
}

TEST(PdfOrder, CharactersEqualByDefinitionAreWrittenTheUsualWay) {
    PdfBuilder builder;
    builder.text(72, 700, "one\u037E two \u212B", 10, Font::Wide);
    builder.page();
    EXPECT_EQ(read(builder).text, "one; two \u00C5");
}

TEST(PdfOrder, NumberedClausesSetApartAreNoTable) {
    PdfBuilder builder;
    for (int i = 0; i < 3; ++i) {
        const double y = 700 - 40 * i;
        builder.text(72, y, "2." + std::to_string(i + 1));
        lines(builder, 130, y,
              {"During the term the seller delivers all goods that the buyer has ordered",
               "in writing."});
    }
    builder.page();
    const Document document = read(builder);
    EXPECT_THAT(blocksOf(document, BlockKind::TableRow), IsEmpty());
    EXPECT_THAT(document.text, HasSubstr("2.2 During the term the seller delivers all goods that "
                                         "the buyer has ordered in writing."));
}

} // namespace dossier::ingest
