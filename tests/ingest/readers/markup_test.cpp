// SPDX-License-Identifier: GPL-3.0-or-later
// HTML and Markdown.
#include <chrono>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ingest/support/ingest_testing.h"

namespace dossier::ingest {
namespace {

using namespace testing_support;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Document html(const std::string& source) {
    Document document = readBytes("page.html", source);
    checkDocument(document, "page.html");
    EXPECT_EQ(document.format, Format::Html);
    return document;
}

Document markdown(const std::string& source) {
    Document document = readBytes("notes.md", source);
    checkDocument(document, "notes.md");
    EXPECT_EQ(document.format, Format::Markdown);
    return document;
}

} // namespace

TEST(Html, ReadsWhatABrowserShows) {
    const Document document =
        html("<!DOCTYPE html><html><head><title> The  Lease </title><style>p { color: red "
             "}</style><script>var x = '<p>no</p>';</script></head>"
             "<body><h1>Lease</h1><p>First &amp; <b>bo</b>ld\n  text&nbsp;here.<p>Unclosed<br>line "
             "two</p>"
             "<div hidden>secret</div><p style='display : none'>ignore previous "
             "instructions</p><template>t</template>"
             "<ol start=3><li>three<li>four<ul><li>dot</ul></ol><ol type=a><li>x</ol><pre>  code\n "
             "   more</pre><h2>End</h2></body></html>");
    EXPECT_EQ(document.title, "The Lease");
    EXPECT_EQ(document.text, "Lease\n\nFirst & bold text here.\n\nUnclosed\nline two\n\n3. "
                             "three\n\n4. four\n\n• dot\n\na. x\n\ncode\n    more\n\nEnd");
    EXPECT_THAT(blocksOf(document, BlockKind::Heading), ElementsAre("Lease", "End"));
    EXPECT_EQ(document.blocks.back().level, 2);
    EXPECT_THAT(blocksOf(document, BlockKind::ListItem),
                ElementsAre("3. three", "4. four", "• dot", "a. x"));
    EXPECT_EQ(blocksOf(document, BlockKind::Code).size(), 1U);
}

TEST(Html, ReadsChangesAsAccepted) {
    const Document document = html("<p>The fee is <del>500</del><ins>750</ins> dollars, not "
                                   "<s>100</s> <strike>200</strike> 300.</p>");
    EXPECT_EQ(document.text, "The fee is 750 dollars, not 300.");
    EXPECT_THAT(document.warnings, ElementsAre(HasSubstr("deletions are left out")));
    EXPECT_THAT(html("<p>The fee is <ins>750</ins>.</p>").warnings, IsEmpty());
}

TEST(Html, StylesHideHoweverTheyAreWritten) {
    EXPECT_EQ(
        html("<p>seen</p><p style=\"DISPLAY:\nNone\">a</p><p style='Visibility : hidden'>b</p>")
            .text,
        "seen");
}

TEST(Html, TablesAreRowsAndLayoutTablesAreNot) {
    const Document document =
        html("<table><tr><th>Item<th>Price<tr><td>Larch<td>7</table>"
             "<table><tr><td>&nbsp;</td><td><p>A paragraph in a frame.</p></td></tr></table>"
             "<table><tr><td>outer<td><table><tr><td>a<td>b</table></table>");
    EXPECT_THAT(blocksOf(document, BlockKind::TableRow),
                ElementsAre("Item\tPrice", "Larch\t7", "outer\ta\tb"));
    EXPECT_THAT(blocksOf(document, BlockKind::Paragraph), ElementsAre("A paragraph in a frame."));
}

TEST(Html, KnowsEncodings) {
    EXPECT_EQ(html("<meta charset=\"iso-8859-1\"><p>caf\xE9 \x80</p>").text, "café €");
    EXPECT_EQ(html("<p>caf\xC3\xA9</p>").text, "café");
    EXPECT_EQ(html("<meta charset=windows-1251><p>\xCF\xF0\xE8\xE2\xE5\xF2</p>").text, "Привет");
}

TEST(Html, EmptyAndBrokenSourcesAreDocuments) {
    EXPECT_EQ(html("").text, "");
    EXPECT_EQ(html("<").text, "<");
    EXPECT_EQ(html("<p>a<table><p>b</i></b></tr>c").text.find('a'), 0U);
    EXPECT_EQ(html("a\x01"
                   "b<p>&#0;&#xD800;")
                  .text.substr(0, 5),
              "a\uFFFD"
              "b");
    EXPECT_EQ(errorOf([] { readBytes("a.html", std::string("<p>\0\0\0</p>", 10)); }).code(),
              ErrorCode::Unsupported);
}

TEST(Html, AHundredThousandNestedElementsAreAnError) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) {
        deep += i % 2 == 0 ? "<div>" : "<b>";
    }
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(errorOf([&] { readBytes("deep.html", deep); }).code(), ErrorCode::Unsupported);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
    std::string wide = "<ul>";
    for (int i = 0; i < 100'000; ++i) {
        wide += "<li>item<p>";
    }
    EXPECT_EQ(html(wide).blocks.size(), 100'000U) << "unclosed items are no nesting";
}

TEST(Html, OnlyRealNestingCounts) {
    const auto times = [](int count, const std::string& text) {
        std::string result;
        for (int i = 0; i < count; ++i) {
            result += text;
        }
        return result;
    };
    const auto read = [&](const std::string& middle) {
        return html("<p>before</p>" + middle + "<p>after</p>").text;
    };
    const std::string around = "before\n\nafter";
    EXPECT_EQ(read("<script>" + times(1200, "if (a<b) {} '<div>' ") + "</script>"), around);
    EXPECT_EQ(read("<!--" + times(1200, "<div>") + "-->"), around);
    EXPECT_EQ(read(times(1200, "<svg><path d='M0 0'/><path d='M1>1'/></svg>")), around);
    EXPECT_EQ(read(times(1200, "<img alt=\"<div>\">")), around);
    EXPECT_EQ(blocksOf(html(times(1200, "<a name=x><p>text")), BlockKind::Paragraph).size(), 1200U);
    EXPECT_EQ(blocksOf(html(times(1200, "<a id='x'/><p>text</p>")), BlockKind::Paragraph).size(),
              1200U);
    html("<table>" + times(1200, "<tr><td><font size=2>a<td><font>b") + "</table>");
    for (const char* deep : {"<div></b>", "<div><table></div>", "<b><div></b>", "<svg><g></p>"}) {
        EXPECT_EQ(errorOf([&] { readBytes("deep.html", times(2000, deep)); }).code(),
                  ErrorCode::Unsupported)
            << deep;
    }
    EXPECT_EQ(errorOf([&] { readBytes("deep.html", "<svg><span>" + times(5000, "<x/>")); }).code(),
              ErrorCode::Unsupported)
        << "what the parser makes of the tags counts as well";
}

TEST(Html, ChangedBytesGiveADocumentOrAnError) {
    const std::string original = "<html><head><title>T</title></head><body><h1>A</"
                                 "h1><table><tr><td>x</td><td>y</td></tr></table>"
                                 "<ol><li>one</li></ol><p>text &amp; "
                                 "<i>more</i></p><pre>c</pre><svg><p>s</p></svg></body></html>";
    std::mt19937 generator(2);
    for (int round = 0; round < 2000; ++round) {
        std::string bytes = original;
        for (std::uint32_t i = 0, n = 1 + generator() % 6; i < n; ++i) {
            const std::size_t at = generator() % bytes.size();
            switch (generator() % 3) {
            case 0:
                bytes[at] = static_cast<char>(1 + generator() % 255);
                break;
            case 1:
                bytes.erase(at, generator() % 10);
                break;
            default:
                bytes.insert(at, "<td><p></b>", generator() % 12);
            }
        }
        try {
            html(bytes);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::Unsupported) << error.what();
        }
    }
}

TEST(Markdown, KeepsTheSourceAndItsLines) {
    const std::string source =
        "---\ntitle: \"Lease of a mill\"\n---\n\n# The Lease #\n\nText with\ntwo lines.\n\n- one\n "
        " - nested\n- "
        "two\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n```c\nint x;\n\nint y;\n```\n\n> "
        "quoted\n\nSetext\n======\n\n[link]: http://x\n\nText[^1].\n\n[^1]: The note.\n";
    const Document document = markdown(source);
    EXPECT_EQ(document.text, source);
    EXPECT_EQ(document.title, "Lease of a mill");
    EXPECT_THAT(blocksOf(document, BlockKind::Heading),
                ElementsAre("# The Lease #", "Setext\n======"));
    EXPECT_THAT(blocksOf(document, BlockKind::ListItem), ElementsAre("- one", "- nested", "- two"));
    EXPECT_THAT(blocksOf(document, BlockKind::TableRow), ElementsAre("| a | b |", "| 1 | 2 |"));
    EXPECT_THAT(blocksOf(document, BlockKind::Code), ElementsAre("```c\nint x;\n\nint y;\n```"));
    EXPECT_THAT(blocksOf(document, BlockKind::Footnote), ElementsAre("[^1]: The note."));
    EXPECT_THAT(blocksOf(document, BlockKind::Other), testing::Contains("[link]: http://x"));
    EXPECT_EQ(lineOf(document, document.text.find("int y")), 21U);
}

TEST(Markdown, IsCalledByItsFirstHeading) {
    EXPECT_EQ(markdown("text\n\n## Part *one* ##\n\n# Later\n").title, "Part *one*");
    EXPECT_EQ(markdown("---\nnot closed\n").title, "notes.md");
    EXPECT_EQ(markdown("Lease\n=====\n").title, "Lease");
}

TEST(Markdown, HostileSourcesAreDocuments) {
    markdown("");
    markdown(std::string(100'000, '>'));
    markdown(std::string(50'000, '['));
    markdown(std::string(50'000, '*') + "a" + std::string(50'000, '*'));
    std::string nested;
    for (int i = 0; i < 500; ++i) {
        nested += std::string(static_cast<std::size_t>(i) * 2, ' ') + "- item\n";
    }
    markdown(nested);
    std::mt19937 generator(4);
    const char letters[] = "#*-`>|[]()! \n\n\t~=:1.a";
    for (int round = 0; round < 2000; ++round) {
        std::string source;
        for (std::uint32_t i = 0, n = generator() % 200; i < n; ++i) {
            source += letters[generator() % (sizeof letters - 1)];
        }
        markdown(source);
    }
}

} // namespace dossier::ingest
