// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/docx/docx.h"

#include <chrono>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/readers/docx/numbering.h"
#include "tests/ingest/support/docx_builder.h"
#include "tests/ingest/support/ingest_testing.h"

namespace dossier::ingest {
namespace {

using namespace testing_support;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Document read(const std::string& body, std::map<std::string, std::string> parts = {}) {
    Document document = readBytes("a.docx", docxOf(body, std::move(parts)));
    checkDocument(document, "a.docx");
    EXPECT_EQ(document.format, Format::Docx);
    return document;
}

const char* const kStyles =
    "<w:style w:type=\"paragraph\" w:default=\"1\" w:styleId=\"Normal\"><w:name "
    "w:val=\"Normal\"/></w:style>"
    "<w:style w:type=\"paragraph\" w:styleId=\"T\"><w:name w:val=\"Title\"/></w:style>"
    "<w:style w:type=\"paragraph\" w:styleId=\"H1\"><w:name w:val=\"heading 1\"/></w:style>"
    "<w:style w:type=\"paragraph\" w:styleId=\"Own\"><w:name w:val=\"Clause\"/><w:basedOn "
    "w:val=\"H2\"/></w:style>"
    "<w:style w:type=\"paragraph\" w:styleId=\"H2\"><w:name w:val=\"Custom\"/><w:pPr><w:outlineLvl "
    "w:val=\"1\"/>"
    "<w:numPr><w:ilvl w:val=\"1\"/><w:numId w:val=\"1\"/></w:numPr></w:pPr></w:style>"
    "<w:style w:type=\"paragraph\" w:styleId=\"Loop\"><w:name w:val=\"x\"/><w:basedOn "
    "w:val=\"Loop\"/></w:style>";

const char* const kNumbering =
    "<w:abstractNum w:abstractNumId=\"7\">"
    "<w:lvl w:ilvl=\"0\"><w:start w:val=\"1\"/><w:numFmt w:val=\"decimal\"/><w:lvlText "
    "w:val=\"%1.\"/></w:lvl>"
    "<w:lvl w:ilvl=\"1\"><w:start w:val=\"1\"/><w:numFmt w:val=\"decimal\"/><w:lvlText "
    "w:val=\"%1.%2\"/></w:lvl>"
    "<w:lvl w:ilvl=\"2\"><w:start w:val=\"1\"/><w:numFmt w:val=\"lowerLetter\"/><w:lvlText "
    "w:val=\"(%3)\"/></w:lvl>"
    "</w:abstractNum><w:abstractNum w:abstractNumId=\"8\"><w:lvl w:ilvl=\"0\"><w:numFmt "
    "w:val=\"bullet\"/>"
    "<w:lvlText w:val=\"\xEF\x82\xB7\"/></w:lvl></w:abstractNum>"
    "<w:num w:numId=\"1\"><w:abstractNumId w:val=\"7\"/></w:num>"
    "<w:num w:numId=\"2\"><w:abstractNumId w:val=\"8\"/></w:num>"
    "<w:num w:numId=\"3\"><w:abstractNumId w:val=\"7\"/><w:lvlOverride "
    "w:ilvl=\"0\"><w:startOverride w:val=\"5\"/></w:lvlOverride></w:num>";

std::string item(const std::string& text, int level, int list = 1) {
    return paragraph(text, "<w:numPr><w:ilvl w:val=\"" + std::to_string(level) +
                               "\"/><w:numId w:val=\"" + std::to_string(list) + "\"/></w:numPr>");
}

} // namespace

TEST(Docx, ReadsParagraphsBreaksAndSpecialCharacters) {
    const Document document =
        read("<w:p><w:r><w:t>Ha</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t "
             "xml:space=\"preserve\">lf &amp; </w:t></w:r><w:r><w:t>whole</w:t></w:r></w:p>"
             "<w:p><w:r><w:t>one</w:t><w:br/><w:t>two</w:t><w:tab/><w:t>three</"
             "w:t><w:noBreakHyphen/><w:t>four</w:t><w:softHyphen/><w:t>five</w:t></w:r></w:p>"
             "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r><w:r><w:rPr><w:vanish "
             "w:val=\"0\"/></w:rPr><w:t>shown</w:t></w:r></w:p>"
             "<w:p/>"
             "<w:p><w:r><w:fldChar w:fldCharType=\"begin\"/><w:instrText>PAGEREF "
             "x</w:instrText><w:fldChar w:fldCharType=\"separate\"/><w:t>7</w:t><w:fldChar "
             "w:fldCharType=\"end\"/></w:r></w:p>");
    EXPECT_EQ(document.text, "Half & whole\n\none\ntwo three-fourfive\n\nshown\n\n7");
}

TEST(Docx, HeadingsComeFromStylesAndOutlineLevels) {
    const Document document =
        read(paragraph("Supply of Larch", "<w:pStyle w:val=\"T\"/>") +
                 paragraph("First", "<w:pStyle w:val=\"H1\"/>") +
                 paragraph("Nested", "<w:pStyle w:val=\"Own\"/>") +
                 paragraph("Direct", "<w:outlineLvl w:val=\"2\"/>") +
                 paragraph("Loop", "<w:pStyle w:val=\"Loop\"/>") + paragraph("GOVERNING LAW"),
             {{"word/styles.xml", wordPart("w:styles", kStyles)},
              {"word/numbering.xml", wordPart("w:numbering", kNumbering)}});
    EXPECT_THAT(blocksOf(document, BlockKind::Heading),
                ElementsAre("Supply of Larch", "First", "1.1 Nested", "Direct", "GOVERNING LAW"));
    EXPECT_EQ(document.blocks[1].level, 1);
    EXPECT_EQ(document.blocks[2].level, 2);
    EXPECT_EQ(document.blocks[3].level, 3);
    EXPECT_EQ(document.title, "Supply of Larch");
}

TEST(Docx, NumbersListsAsWordPrintsThem) {
    const Document document =
        read(item("a", 0) + item("b", 1) + item("c", 1) + item("d", 2) + item("e", 2) +
                 item("f", 1) + item("g", 2) + item("h", 0) + item("i", 1) + item("bullet", 0, 2) +
                 item("restart", 0, 3) + item("on", 0, 3),
             {{"word/numbering.xml", wordPart("w:numbering", kNumbering)}});
    EXPECT_EQ(document.text, "1. a\n\n1.1 b\n\n1.2 c\n\n(a) d\n\n(b) e\n\n1.3 f\n\n(a) g\n\n2. "
                             "h\n\n2.1 i\n\n• bullet\n\n5. restart\n\n6. on");
    EXPECT_EQ(document.blocks[3].kind, BlockKind::ListItem);
    EXPECT_EQ(document.blocks[3].level, 2);
}

TEST(Docx, LegalNumbersAreDecimal) {
    const Document document =
        read(item("Definitions", 0) + item("Terms", 1),
             {{"word/numbering.xml",
               wordPart("w:numbering",
                        "<w:abstractNum w:abstractNumId=\"1\"><w:lvl w:ilvl=\"0\"><w:numFmt "
                        "w:val=\"upperRoman\"/><w:lvlText w:val=\"Article %1\"/></w:lvl>"
                        "<w:lvl w:ilvl=\"1\"><w:numFmt w:val=\"decimal\"/><w:isLgl/><w:lvlText "
                        "w:val=\"Section %1.%2\"/></w:lvl></w:abstractNum>"
                        "<w:num w:numId=\"1\"><w:abstractNumId w:val=\"1\"/></w:num>")}});
    EXPECT_EQ(document.text, "Article I Definitions\n\nSection 1.1 Terms");
}

TEST(Docx, TheNumberingSaysWhichLevelAStyleHas) {
    const auto style = [](const std::string& id) {
        return "<w:style w:type=\"paragraph\" w:styleId=\"" + id +
               "\"><w:pPr><w:numPr><w:numId w:val=\"1\"/></w:numPr></w:pPr></w:style>";
    };
    const auto level = [](const std::string& index, const std::string& id,
                          const std::string& text) {
        return "<w:lvl w:ilvl=\"" + index + "\"><w:pStyle w:val=\"" + id +
               "\"/><w:lvlText w:val=\"" + text + "\"/></w:lvl>";
    };
    const Document document =
        read(paragraph("Term", "<w:pStyle w:val=\"A\"/>") +
                 paragraph("Start", "<w:pStyle w:val=\"B\"/>") +
                 paragraph("End", "<w:pStyle w:val=\"B\"/>"),
             {{"word/styles.xml", wordPart("w:styles", style("A") + style("B"))},
              {"word/numbering.xml",
               wordPart("w:numbering", "<w:abstractNum w:abstractNumId=\"1\">" +
                                           level("0", "A", "%1.") + level("1", "B", "%1.%2") +
                                           "</w:abstractNum><w:num w:numId=\"1\"><w:abstractNumId "
                                           "w:val=\"1\"/></w:num>")}});
    EXPECT_EQ(document.text, "1. Term\n\n1.1 Start\n\n1.2 End");
}

TEST(Docx, CharacterStylesCanHideText) {
    const auto run = [](const std::string& properties, const std::string& text) {
        return "<w:r><w:rPr><w:rStyle w:val=\"Hid\"/>" + properties + "</w:rPr><w:t>" + text +
               "</w:t></w:r>";
    };
    const Document document =
        read("<w:p>" + run("", "hidden") + run("<w:vanish w:val=\"0\"/>", "shown") + "</w:p>",
             {{"word/styles.xml",
               wordPart("w:styles", "<w:style w:type=\"character\" w:styleId=\"Hid\"><w:rPr>"
                                    "<w:vanish/></w:rPr></w:style>")}});
    EXPECT_EQ(document.text, "shown");
}

TEST(Docx, CellsMayBeWrapped) {
    const std::string cell = "<w:tc>" + paragraph("7") + "</w:tc>";
    EXPECT_EQ(read("<w:tbl><w:tr><w:customXml>" + cell + "</w:customXml><w:sdt><w:sdtContent>" +
                   cell + cell + "</w:sdtContent></w:sdt></w:tr></w:tbl>")
                  .text,
              "7\t7\t7");
}

TEST(Docx, AnyPrefixNamesTheSameElements) {
    const std::string space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
    const auto text = [](const std::string& xml) {
        return readBytes("a.docx", zipOf({{"word/document.xml", xml}})).text;
    };
    EXPECT_EQ(text("<ns0:document xmlns:ns0=\"" + space +
                   "\"><ns0:body><ns0:p><ns0:pPr><ns0:outlineLvl ns0:val=\"0\"/></ns0:pPr><ns0:r>"
                   "<ns0:t>Rent</ns0:t></ns0:r></ns0:p></ns0:body></ns0:document>"),
              "Rent");
    EXPECT_EQ(
        text("<document xmlns=\"" + space + "\"><body><p><r><t>Rent</t></r></p></body></document>"),
        "Rent");
}

TEST(Docx, NumberFormats) {
    using readers::formatNumber;
    EXPECT_EQ(formatNumber(4, "lowerRoman"), "iv");
    EXPECT_EQ(formatNumber(1994, "upperRoman"), "MCMXCIV");
    EXPECT_EQ(formatNumber(27, "lowerLetter"), "aa");
    EXPECT_EQ(formatNumber(3, "upperLetter"), "C");
    EXPECT_EQ(formatNumber(7, "decimalZero"), "07");
    EXPECT_EQ(formatNumber(7, "chicago"), "7");
    EXPECT_EQ(formatNumber(0, "lowerLetter"), "");
    EXPECT_LE(formatNumber(4'000'000'000U, "lowerRoman").size(), 40U);
}

TEST(Docx, TracksChangesAsAccepted) {
    const Document document =
        read("<w:p><w:r><w:t xml:space=\"preserve\">The price is </w:t></w:r><w:del "
             "w:id=\"1\"><w:r><w:delText>100</w:delText></w:r></w:del>"
             "<w:ins w:id=\"2\"><w:r><w:t>120</w:t></w:r></w:ins><w:r><w:t xml:space=\"preserve\"> "
             "euros.</w:t></w:r></w:p>"
             "<w:p><w:pPr><w:rPr><w:del w:id=\"3\"/></w:rPr></w:pPr><w:r><w:t "
             "xml:space=\"preserve\">Joined </w:t></w:r></w:p>"
             "<w:p><w:r><w:t>paragraphs.</w:t></w:r></w:p>"
             "<w:moveFrom w:id=\"4\"><w:p><w:r><w:t>Gone</w:t></w:r></w:p></w:moveFrom>");
    EXPECT_EQ(document.text, "The price is 120 euros.\n\nJoined paragraphs.");
    EXPECT_THAT(document.warnings, Contains(HasSubstr("tracked changes")));
}

TEST(Docx, ReadsTablesRowByRow) {
    const auto cell = [](const std::string& content) { return "<w:tc>" + content + "</w:tc>"; };
    const Document document =
        read(paragraph("before") + "<w:tbl><w:tr>" + cell(paragraph("Item")) +
             cell(paragraph("Price")) + "</w:tr><w:tr>" +
             cell(paragraph("Larch") + paragraph("sawn")) + cell(paragraph("7")) + "</w:tr><w:tr>" +
             cell("") + cell(paragraph("nothing left")) + "</w:tr></w:tbl><w:tbl><w:tr>" +
             cell(paragraph("framed text")) + "</w:tr></w:tbl>" + paragraph("after"));
    EXPECT_THAT(blocksOf(document, BlockKind::TableRow),
                ElementsAre("Item\tPrice", "Larch\nsawn\t7", "nothing left"));
    EXPECT_THAT(blocksOf(document, BlockKind::Paragraph),
                ElementsAre("before", "framed text", "after"));
}

TEST(Docx, PutsFootnotesAtTheEnd) {
    const Document document =
        read("<w:p><w:r><w:t>Text</w:t></w:r><w:r><w:footnoteReference w:id=\"4\"/></w:r><w:r><w:t "
             "xml:space=\"preserve\"> goes on</w:t></w:r>"
             "<w:r><w:endnoteReference w:id=\"2\"/></w:r></w:p>",
             {{"word/footnotes.xml",
               wordPart("w:footnotes",
                        "<w:footnote w:id=\"4\">" + paragraph("The note.") + "</w:footnote>")},
              {"word/endnotes.xml",
               wordPart("w:endnotes",
                        "<w:endnote w:id=\"2\">" + paragraph("The end.") + "</w:endnote>")}});
    EXPECT_EQ(document.text, "Text[^1] goes on[^2]\n\n[^1]: The note.\n\n[^2]: The end.");
    EXPECT_EQ(blocksOf(document, BlockKind::Footnote).size(), 2U);
}

TEST(Docx, HeadersCommentsTextBoxesAndFallbacks) {
    const Document document = read(
        "<w:p><w:r><w:t>Body</w:t></w:r><w:r><w:commentReference "
        "w:id=\"1\"/></w:r><w:r><mc:AlternateContent><mc:Choice><w:txbxContent>" +
            paragraph("In a box") + "</w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>" +
            paragraph("In a box") +
            "</w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>",
        {{"word/header1.xml", wordPart("w:hdr", paragraph("DRAFT 3"))},
         {"word/header2.xml", wordPart("w:hdr", paragraph("DRAFT 3"))},
         {"word/footer1.xml", wordPart("w:ftr", paragraph("Page"))}});
    EXPECT_EQ(document.text, "Body\n\nIn a box\n\nPage\n\nDRAFT 3");
    EXPECT_THAT(blocksOf(document, BlockKind::Running), ElementsAre("Page", "DRAFT 3"));
    EXPECT_THAT(document.warnings, Contains(HasSubstr("1 comment is")));
}

TEST(Docx, FindsTheMainPartByItsRelation) {
    const Document document =
        readBytes("odd.docx",
                  zipOf({{"_rels/.rels",
                          "<Relationships><Relationship Id=\"r\" Type=\"http://x/officeDocument\" "
                          "Target=\"/docs/main.xml\"/></Relationships>"},
                         {"docs/main.xml",
                          wordPart("w:document", "<w:body>" + paragraph("Found") + "</w:body>")}}));
    EXPECT_EQ(document.text, "Found");
}

TEST(Docx, RefusesWhatIsNoWordDocument) {
    EXPECT_EQ(errorOf([] { readBytes("a.docx", "no zip at all"); }).code(), ErrorCode::Corrupt);
    EXPECT_EQ(errorOf([] { readBytes("a.docx", ""); }).code(), ErrorCode::Corrupt);
    EXPECT_THAT(errorOf([] { readBytes("a.docx", ""); }).what(), HasSubstr("a.docx is empty"));
    EXPECT_EQ(errorOf([] {
                  readBytes("a.docx", zipOf({{"other.txt", "x"}}));
              }).code(),
              ErrorCode::Corrupt);
    EXPECT_THAT(errorOf([] {
                    readBytes("a.docx", zipOf({{"other.txt", "x"}}));
                }).what(),
                HasSubstr("no Word document"));
    EXPECT_EQ(errorOf([] {
                  readBytes("a.docx", zipOf({{"word/document.xml", "<w:document><w:body>"}}));
              }).code(),
              ErrorCode::Corrupt);
    const std::string whole = docxOf(paragraph("text"));
    EXPECT_EQ(errorOf([&] { readBytes("a.docx", whole.substr(0, whole.size() / 2)); }).code(),
              ErrorCode::Corrupt);
    const std::string ole = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
    EXPECT_EQ(errorOf([&] { readBytes("a.doc", ole + std::string(600, '\0')); }).code(),
              ErrorCode::Unsupported);
    std::string encrypted = ole + std::string(600, '\0');
    for (const char c : std::string("EncryptedPackage")) {
        encrypted += c;
        encrypted += '\0';
    }
    EXPECT_EQ(errorOf([&] { readBytes("a.docx", encrypted); }).code(), ErrorCode::Encrypted);
}

TEST(Docx, ZipBombsAndDeepXmlAreErrors) {
    const Error bomb = errorOf([] {
        readBytes("bomb.docx", zipOf({{"word/document.xml", std::string(200 << 20, ' ')}}));
    });
    EXPECT_EQ(bomb.code(), ErrorCode::TooLarge);
    EXPECT_THAT(bomb.what(), HasSubstr("would unpack to 200.0 MiB"));
    // Ids that do not pack well: this is to be refused for its depth, not as a bomb.
    std::mt19937 generator(1);
    std::string deep;
    for (int i = 0; i < 200'000; ++i) {
        deep += "<w:ins w:id=\"" + std::to_string(generator()) + "\">";
    }
    deep += paragraph("deep");
    for (int i = 0; i < 200'000; ++i) {
        deep += "</w:ins>";
    }
    EXPECT_EQ(errorOf([&] { readBytes("deep.docx", docxOf(deep)); }).code(),
              ErrorCode::Unsupported);
}

TEST(Docx, ChangedBytesGiveADocumentOrAnError) {
    const std::string original =
        docxOf(item("a", 0) + paragraph("text &amp; more") + "<w:tbl><w:tr><w:tc>" +
                   paragraph("x") + "</w:tc></w:tr></w:tbl>",
               {{"word/numbering.xml", wordPart("w:numbering", kNumbering)},
                {"word/styles.xml", wordPart("w:styles", kStyles)}});
    std::mt19937 generator(9);
    const std::string xml =
        wordPart("w:document", "<w:body>" + item("a", 0) + paragraph("text") + "</w:body>");
    int documents = 0;
    for (int round = 0; round < 1500; ++round) {
        std::string bytes = original;
        if (round % 2 == 0) {
            bytes[generator() % bytes.size()] = static_cast<char>(generator());
        } else {
            std::string changed = xml;
            for (int i = 0; i < 3; ++i) {
                changed[generator() % changed.size()] = static_cast<char>(generator());
            }
            bytes = zipOf({{"word/document.xml", changed},
                           {"word/numbering.xml", wordPart("w:numbering", kNumbering)}});
        }
        try {
            checkDocument(readBytes("x.docx", bytes), "round " + std::to_string(round));
            ++documents;
        } catch (const Error& error) {
            EXPECT_NE(error.code(), ErrorCode::Internal) << error.what();
        }
    }
    EXPECT_GT(documents, 100);
}

TEST(Docx, ReadsTwoHundredThousandParagraphsQuickly) {
    std::string body;
    for (int i = 0; i < 200'000; ++i) {
        body += paragraph("Paragraph " + std::to_string(i) + " has some words in it, as they do.");
    }
    const std::string bytes = docxOf(body);
    const auto start = std::chrono::steady_clock::now();
    const Document document = readBytes("long.docx", bytes);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(document.blocks.size(), 200'000U);
    EXPECT_LT(seconds.count(), 10.0);
}

} // namespace dossier::ingest
