// SPDX-License-Identifier: GPL-3.0-or-later
// Figures, wording and the cleaning of foreign text.
#include "app/report/words.h"

#include <gtest/gtest.h>

namespace dossier::app::report {
namespace {

TEST(Words, PrintableTakesOutWhatHidesOrReorders) {
    EXPECT_EQ(printable("a\x01"
                        "b\x7f"
                        "c\u202Ed\u2066e\u0085f"),
              "abcdef");
    EXPECT_EQ(printable("tab\there\nline"), "tab here\nline");
    EXPECT_EQ(printable("שלום 漢字 😀 é"), "שלום 漢字 😀 é");
    EXPECT_EQ(printable("bad \xff\xc3 bytes"), "bad \uFFFD\uFFFD bytes");
    EXPECT_EQ(printable("\U000F0000x\U0010FFFF"), "x");
}

TEST(Words, OneLineAndElision) {
    EXPECT_EQ(oneLine("  a \n\n b\t c "), "a b c");
    EXPECT_EQ(elided("short", 10), "short");
    const std::string cut = elided(std::string(500, 'a') + "END", 30);
    EXPECT_EQ(cut.size(), 29 + std::string("…").size());
    EXPECT_EQ(cut.substr(cut.size() - 3), "END");
    EXPECT_EQ(elided("äöüäöüäöüäöü", 5), "äö…öü") << "cut between characters, not bytes";
}

TEST(Words, Figures) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(812344), "812,344");
    EXPECT_EQ(grouped(1234567890), "1,234,567,890");
    EXPECT_EQ(sizeText(999), "999 bytes");
    EXPECT_EQ(sizeText(96'500), "96 kB");
    EXPECT_EQ(sizeText(1'234'567), "1.2 MB");
    EXPECT_EQ(counted(1, "page", "pages"), "1 page");
    EXPECT_EQ(isoDate(1'795'430'000'000), "2026-11-23T10:33:20Z");
}

TEST(Words, PlacesByPrintedLabelOrIndex) {
    ReportCitation citation;
    EXPECT_EQ(placeText(citation, true), "");
    citation.page = 5;
    citation.pageLabel = "iv";
    citation.section = "5.2";
    EXPECT_EQ(placeText(citation, true), "p. iv, cl. 5.2");
    EXPECT_EQ(placeText(citation, false), "p. 6, cl. 5.2");
    EXPECT_EQ(placeText(citation, true, true), "page iv, clause 5.2");
    citation.page.reset();
    citation.section.clear();
    citation.line = 1033;
    EXPECT_EQ(placeText(citation, true), "line 1,033");
}

TEST(Words, OnlyVerifiedQuotationsSoundVerified) {
    ReportCitation citation;
    for (const Verdict verdict : {Verdict::Partial, Verdict::OtherDocument, Verdict::NotFound}) {
        citation.verdict = verdict;
        EXPECT_FALSE(looksVerified(verdict));
        EXPECT_EQ(verdictText(citation).find("Verified"), std::string::npos);
    }
    citation.verdict = Verdict::Partial;
    citation.percent = 89;
    EXPECT_EQ(verdictText(citation), "Partial: 89 % stand in the source.");
    citation.verdict = Verdict::Verified;
    citation.forced = true;
    EXPECT_EQ(verdictText(citation), "Verified. Held to the source’s words.");
}

TEST(Words, CountsAndWhatWasLeftOut) {
    Counts counts;
    EXPECT_EQ(countsText(counts), "none");
    EXPECT_EQ(leftOutText(counts), "");
    counts.verified = 20;
    counts.normalised = 3;
    EXPECT_EQ(countsText(counts), "23: 20 verified, 3 after normalisation");
    counts.statementsLeftOut = 1;
    EXPECT_NE(leftOutText(counts).find("One statement was left out"), std::string::npos);
    counts.statementsLeftOut = 1200;
    EXPECT_NE(leftOutText(counts).find("1,200 statements"), std::string::npos);
}

TEST(Words, FileNamesAreSafe) {
    EXPECT_EQ(safeFileName("Lease: Unit 4/5?"), "Lease- Unit 4-5-");
    EXPECT_EQ(safeFileName("../../etc/passwd"), "-..-etc-passwd");
    EXPECT_EQ(safeFileName(".hidden"), "hidden");
    EXPECT_EQ(safeFileName("..."), "untitled");
    EXPECT_EQ(safeFileName(""), "untitled");
    EXPECT_EQ(safeFileName("trailing. . "), "trailing");
    const std::string name = safeFileName(std::string(200, 'x') + "ü", 120);
    EXPECT_LE(name.size(), 120U);
    std::string umlauts;
    for (int i = 0; i < 100; ++i)
        umlauts += "ü";
    EXPECT_EQ(safeFileName(umlauts, 121).size(), 120U) << "not in the middle of a character";
}

} // namespace
} // namespace dossier::app::report
