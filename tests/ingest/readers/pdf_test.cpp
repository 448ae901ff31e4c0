// SPDX-License-Identifier: GPL-3.0-or-later
// PDF files as wholes: real contracts, labels, passwords, damage, rendering, marks.
#include <chrono>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/readers/direct.h"
#include "ingest/readers/pdf/pdf.h"
#include "tests/ingest/support/ingest_testing.h"
#include "tests/ingest/support/pdf_builder.h"

namespace dossier::ingest {
namespace {

using namespace testing_support;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string simplePdf(int pages = 1) {
    PdfBuilder builder;
    for (int i = 1; i <= pages; ++i) {
        builder.text(72, 700, "This is page number " + std::to_string(i) + " of the file.");
        builder.page();
    }
    return builder.build();
}

readers::PdfFile open(const std::string& bytes, const std::string& password = {}) {
    return readers::PdfFile({"sample.pdf", bytes}, password);
}

} // namespace

TEST(Contracts, WordsAndBoxesAgreeInAllOfThem) {
    const auto files = contracts();
    if (files.empty()) {
        GTEST_SKIP() << "no contracts beside the repository (../shared/contracts)";
    }
    EXPECT_EQ(files.size(), 32U);
#ifdef DOSSIER_SANITIZED
    constexpr std::size_t kEvery = 4; // half a minute otherwise
#else
    constexpr std::size_t kEvery = 1;
#endif
    std::size_t words = 0, overlaid = 0;
    for (std::size_t i = 0; i < files.size(); i += kEvery) {
        const Document document = readNow(files[i]);
        overlaid += checkDocument(document, files[i].filename().string());
        words += document.words.size();
        EXPECT_THAT(document.text, testing::Not(HasSubstr("\uFFFD")));
    }
    EXPECT_GT(words, 200000U / (2 * kEvery - 1)); // they differ in length
    // Trade marks and brackets printed over the end of a word: its box holds both.
    EXPECT_LE(overlaid, 10U) << "of " << words;
}

TEST(Contracts, KnowTheirTitles) {
    if (contracts().empty()) {
        GTEST_SKIP() << "no contracts beside the repository (../shared/contracts)";
    }
    const std::pair<std::size_t, const char*> expected[] = {
        {1, "ENDORSEMENT AGREEMENT"},         {3, "JOINT FILING AGREEMENT"},
        {6, "WHOLESALE MARKETING AGREEMENT"}, {13, "INTELLECTUAL PROPERTY AGREEMENT"},
        {21, "CONSULTING AGREEMENT"},         {31, "SUPPLY AGREEMENT"}};
    for (const auto& [index, title] : expected) {
        EXPECT_EQ(readNow(contracts().at(index)).title, title);
    }
}

TEST(Pdf, HasPageLabelsAndSizes) {
    PdfBuilder builder;
    for (int i = 0; i < 3; ++i) {
        builder.text(72, 700, "text");
        builder.page({420, 595, 0, ""});
    }
    builder.catalogEntry("/PageLabels<</Nums[0<</S/r/St 4>>2<</S/D/P(A-)>>]>>");
    const Document document = readBytes("labels.pdf", builder.build());
    ASSERT_EQ(document.pages.size(), 3U);
    EXPECT_EQ(document.pages[0].label, "iv");
    EXPECT_EQ(document.pages[1].label, "v");
    EXPECT_EQ(document.pages[2].label, "A-1");
    EXPECT_NEAR(document.pages[0].widthPt, 420, 0.01);
    EXPECT_NEAR(document.pages[0].heightPt, 595, 0.01);
}

TEST(Pdf, ReportsPagesWithoutTextLayer) {
    PdfBuilder builder;
    builder.text(72, 700, "The first page has text.");
    builder.page();
    builder.draw("0 0 1 rg 100 100 300 300 re f\n");
    builder.page();
    builder.draw("0 0 1 rg 100 100 300 300 re f\n");
    builder.page();
    builder.text(72, 700, "So has the last one.");
    builder.page();
    const Document document = readBytes("mixed.pdf", builder.build());
    EXPECT_TRUE(document.pages[0].hasText);
    EXPECT_FALSE(document.pages[1].hasText);
    EXPECT_THAT(document.warnings, Contains(HasSubstr("Pages 2-3 have no text layer")));
    EXPECT_EQ(pageOf(document, document.text.find("So has")), 3U);
    checkDocument(document, "mixed");
}

TEST(Pdf, SaysWhenNothingCanBeRead) {
    PdfBuilder builder;
    builder.draw("0 0 1 rg 100 100 300 300 re f\n");
    builder.page();
    const Document document = readBytes("scan.pdf", builder.build());
    EXPECT_EQ(document.text, "");
    EXPECT_THAT(document.warnings, Contains(HasSubstr("No page has a text layer")));
}

TEST(Pdf, TitleComesFromMetadataUnlessItIsJunk) {
    const auto titled = [](const std::string& title) {
        PdfBuilder builder;
        builder.text(72, 700, "LEASE AGREEMENT");
        builder.page();
        builder.setInfo("<</Title(" + title + ")>>");
        return readBytes("x.pdf", builder.build()).title;
    };
    EXPECT_EQ(titled("Lease of the Old Mill"), "Lease of the Old Mill");
    EXPECT_EQ(titled("Microsoft Word - draft3.doc"), "LEASE AGREEMENT");
    EXPECT_EQ(titled("untitled"), "LEASE AGREEMENT");
    EXPECT_EQ(titled(""), "LEASE AGREEMENT");
}

TEST(Pdf, NeedsThePasswordOfAnEncryptedFile) {
    const auto file = sample("password.pdf"); // AES-256, made with qpdf; the password is "lärche 7"
    EXPECT_EQ(errorOf([&] { readNow(file); }).code(), ErrorCode::Encrypted);
    EXPECT_THAT(errorOf([&] { readNow(file); }).what(), HasSubstr("is protected by a password"));
    EXPECT_THAT(errorOf([&] { readNow(file, {"wrong"}); }).what(), HasSubstr("is wrong"));
    EXPECT_THAT(readNow(file, {"lärche 7"}).text, HasSubstr("kept under lock"));
    const auto old = sample("password-rc4.pdf"); // 128-bit RC4, Latin-1 password "lärche 7"
    EXPECT_EQ(errorOf([&] { readNow(old); }).code(), ErrorCode::Encrypted);
    EXPECT_THAT(readNow(old, {"lärche 7"}).text, HasSubstr("kept under lock"));
}

TEST(Pdf, RefusesWhatIsNoPdf) {
    EXPECT_EQ(errorOf([] { readBytes("a.pdf", ""); }).code(), ErrorCode::Corrupt);
    EXPECT_THAT(errorOf([] { readBytes("a.pdf", ""); }).what(), HasSubstr("a.pdf is empty"));
    EXPECT_EQ(errorOf([] { readBytes("a.pdf", "%PDF-1.7\n"); }).code(), ErrorCode::Corrupt);
    EXPECT_EQ(errorOf([] { readBytes("a.pdf", std::string(5000, 'x')); }).code(),
              ErrorCode::Corrupt);
    const std::string whole = simplePdf(3);
    const Error cut = errorOf([&] { readBytes("a.pdf", whole.substr(0, 200)); });
    EXPECT_EQ(cut.code(), ErrorCode::Corrupt);
    EXPECT_FALSE(cut.remedy().empty());
}

TEST(Pdf, SurvivesHostileStructures) {
    PdfBuilder loop;
    loop.text(72, 700, "text");
    loop.page();
    std::string bytes = loop.build();
    const std::size_t kids = bytes.find("/Kids[");
    bytes.replace(kids, 7, "/Kids[2"); // the tree contains itself
    errorOf([&] { readBytes("loop.pdf", bytes); });

    PdfBuilder many;
    many.text(72, 700, "text");
    many.page();
    many.lieAboutCount("999999999");
    const Error count = errorOf([&] { readBytes("count.pdf", many.build()); });
    EXPECT_THAT(count.code(),
                testing::AnyOf(ErrorCode::TooLarge, ErrorCode::Corrupt, ErrorCode::Internal));

    PdfBuilder negative;
    negative.page();
    negative.lieAboutCount("-5");
    errorOf([&] { readBytes("negative.pdf", negative.build()); });

    PdfBuilder huge;
    huge.text(72, 700, "small text on a huge page");
    huge.page({1e9, 1e9, 0, ""});
    const auto file = open(huge.build());
    EXPECT_THAT(errorOf([&] {
                    std::uint32_t pixel = 0;
                    file.render(0, 100'000, {0, 0, 1, 1}, &pixel, {});
                }).code(),
                ErrorCode::TooLarge);
}

TEST(Pdf, ChangedBytesGiveADocumentOrAnError) {
    const std::string original = readFile(sample("contract.pdf"));
    ASSERT_GT(original.size(), 1000U);
    std::mt19937 generator(7);
    for (int round = 0; round < 300; ++round) {
        std::string bytes = original;
        if (round % 10 == 0) {
            bytes.resize(generator() % bytes.size());
        }
        for (std::uint32_t i = 0, n = 1 + generator() % 40; i < n && !bytes.empty(); ++i) {
            bytes[generator() % bytes.size()] = static_cast<char>(generator());
        }
        try {
            checkDocument(readBytes("flipped.pdf", bytes), "round " + std::to_string(round));
        } catch (const Error& error) {
            EXPECT_NE(error.code(), ErrorCode::Internal) << error.what();
            EXPECT_FALSE(error.remedy().empty());
        }
    }
}

TEST(Pdf, ReadsFifteenHundredPagesQuickly) {
    PdfBuilder builder;
    for (int page = 0; page < 1500; ++page) {
        for (int line = 0; line < 40; ++line) {
            builder.text(72, 780 - 17 * line,
                         "Line " + std::to_string(line) +
                             " of a page with as many words as a page of a contract has.");
        }
        builder.page();
    }
    const std::string bytes = builder.build();
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t last = 0;
    const Document document = readers::readSource(
        {"long.pdf", bytes}, readers::Job({},
                                          [&](std::uint64_t done, std::uint64_t total) {
                                              EXPECT_EQ(total, 1500U);
                                              EXPECT_GE(done, last);
                                              last = done;
                                          },
                                          {}));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(document.pages.size(), 1500U);
    EXPECT_EQ(last, 1500U);
    EXPECT_EQ(document.words.size(), 1500U * 40 * 16);
    RecordProperty("pages_per_second", static_cast<int>(1500 / seconds.count()));
    EXPECT_LT(seconds.count(), 120.0);
}

TEST(Pdf, StopsWithinAQuarterOfASecond) {
    std::stop_source source;
    const std::string bytes = simplePdf(400);
    std::chrono::steady_clock::time_point asked;
    const readers::Job job(
        {},
        [&](std::uint64_t done, std::uint64_t) {
            if (done == 20) {
                asked = std::chrono::steady_clock::now();
                source.request_stop();
            }
        },
        source.get_token());
    EXPECT_EQ(errorOf([&] {
                  readers::readSource({"a.pdf", bytes}, job);
              }).code(),
              ErrorCode::Cancelled);
    EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::milliseconds(250));
}

TEST(Pdf, RendersAPartOfAPage) {
    PdfBuilder builder;
    builder.draw("1 0 0 rg 0 421 297.5 421 re f\n"); // the upper left quarter is red
    builder.page();
    const auto file = open(builder.build());
    const auto size = file.pixelSize(0, 400, {0, 0, 1, 1});
    EXPECT_EQ(size.width, 400U);
    EXPECT_NEAR(size.height, 566, 1);
    std::vector<std::uint32_t> pixels(std::size_t{size.width} * size.height);
    file.render(0, 400, {0, 0, 1, 1}, pixels.data(), {});
    EXPECT_EQ(pixels[10 * 400 + 10], 0xFFFF0000U);
    EXPECT_EQ(pixels[10 * 400 + 390], 0xFFFFFFFFU);
    const Box right{0.5F, 0.0F, 1.0F, 0.5F};
    const auto part = file.pixelSize(0, 400, right);
    std::vector<std::uint32_t> half(std::size_t{part.width} * part.height);
    file.render(0, 400, right, half.data(), {});
    EXPECT_EQ(part.width, 200U);
    EXPECT_EQ(half[100 * 200 + 100], 0xFFFFFFFFU);
    EXPECT_EQ(errorOf([&] { (void)file.pixelSize(3, 400, right); }).code(),
              ErrorCode::InvalidArgument);
    EXPECT_EQ(errorOf([&] {
                  (void)file.pixelSize(0, 400, {0.5F, 0, 0.5F, 1});
              }).code(),
              ErrorCode::InvalidArgument);
}

TEST(Pdf, RenderingStandsWhereTheWordsSayTheyAre) {
    const auto file = open(readFile(sample("contract.pdf")));
    const Document document = file.read(readers::Job({}, {}, {}));
    constexpr std::uint32_t width = 1200;
    const auto size = file.pixelSize(0, width, {0, 0, 1, 1});
    std::vector<std::uint32_t> pixels(std::size_t{size.width} * size.height);
    file.render(0, width, {0, 0, 1, 1}, pixels.data(), {});
    std::size_t inked = 0, words = 0;
    for (const Word& word : document.words) {
        if (word.page != 0) {
            continue;
        }
        ++words;
        bool ink = false;
        for (auto y = static_cast<std::uint32_t>(word.box.top * static_cast<float>(size.height));
             y < static_cast<std::uint32_t>(word.box.bottom * static_cast<float>(size.height));
             ++y) {
            for (auto x = static_cast<std::uint32_t>(word.box.left * width);
                 x < static_cast<std::uint32_t>(word.box.right * width); ++x) {
                ink = ink || (pixels[std::size_t{y} * width + x] & 0xFF) < 0x80;
            }
        }
        inked += ink ? 1U : 0U;
    }
    EXPECT_GT(words, 20U);
    EXPECT_EQ(inked, words) << "every word's box has ink in it";
}

TEST(Pdf, HasAnOutline) {
    PdfBuilder builder;
    for (int i = 0; i < 3; ++i) {
        builder.text(72, 700, "text");
        builder.page();
    }
    // Objects so far: 5 fixed, 3 of the wide font, 2 a page.
    builder.add("<</Type/Outlines/First 16 0 R/Last 17 0 R/Count 2>>"); // 15
    builder.add("<</Title(One)/Parent 15 0 R/Next 17 0 R/First 18 0 R/Last 18 0 R/Count 1/Dest[10 "
                "0 R/Fit]>>");                                                   // 16
    builder.add("<</Title(Three)/Parent 15 0 R/Prev 16 0 R/Dest[14 0 R/Fit]>>"); // 17
    builder.add("<</Title(One.a)/Parent 16 0 R/Dest[12 0 R/XYZ 0 500 0]>>");     // 18
    builder.catalogEntry("/Outlines 15 0 R");
    const auto entries = open(builder.build()).outline();
    ASSERT_EQ(entries.size(), 3U);
    EXPECT_EQ(entries[0].title, "One");
    EXPECT_EQ(entries[0].page, 0U);
    EXPECT_EQ(entries[1].title, "One.a");
    EXPECT_EQ(entries[1].level, 1U);
    EXPECT_EQ(entries[1].page, 1U);
    EXPECT_EQ(entries[2].page, 2U);
    EXPECT_THAT(open(simplePdf()).outline(), IsEmpty());
}

} // namespace dossier::ingest
