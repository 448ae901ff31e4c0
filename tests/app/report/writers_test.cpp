// SPDX-License-Identifier: GPL-3.0-or-later
// The three writers: what other programs see in the files, what hostile text can(not) do, and files
// that appear whole or not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "app/report/build_report.h"
#include "app/report/report_writers.h"
#include "engine/base/json_text.h"
#include "tests/app/report/run_tool.h"
#include "tests/app/report/sample_dossier.h"
#include "tests/support/temp_folder.h"

namespace dossier::app::report {
namespace {

namespace fs = std::filesystem;
using test::contents;
using testing::HasSubstr;
using testing::Not;

Report harbourReport() {
    ReportOptions options;
    options.title = "Harbour Wharf, Unit 4: structural repairs";
    options.author = "M. K.";
    options.confidentiality = "Privileged and confidential";
    options.program = "Dossier 0.1.0";
    Report report = buildReport(test::harbourWharf(), options);
    report.sources[0].annotatedCopy = "sources/Lease Unit 4 (annotated).pdf";
    return report;
}

std::string collapsed(const std::string& text) {
    return std::regex_replace(text, std::regex("\\s+"), " ");
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
        ++n;
    return n;
}

const std::string kHostile =
    "<script>alert('x')</script> | a*b_c `d` [e](f) # &amp; \"q\" \u202Egnp.exe "
    "שלום عربى 漢字仮名 😀 \x01\x1b[31m end";

/// Puts hostile text into every place that comes from outside.
Report hostileReport() {
    Report report = harbourReport();
    report.title = report.author = report.recipient = report.subject = kHostile;
    report.confidentiality = kHostile;
    for (Section& section : report.sections) {
        section.title = kHostile;
        section.remarks.push_back(kHostile);
        for (Block& block : section.blocks) {
            for (Span& span : block.spans)
                span.text += kHostile;
        }
    }
    for (ReportCitation& citation : report.citations) {
        citation.quote = kHostile;
        citation.document = kHostile;
        citation.pageLabel = "<i>";
        citation.section = "|5|";
    }
    for (ReportSource& source : report.sources)
        source.name = kHostile;
    for (ReportNote& note : report.notes)
        note.note = note.quote = note.author = kHostile;
    report.production.model = kHostile;
    return report;
}

class Writers : public testing::Test {
  protected:
    fs::path file(const std::string& name) const { return m_folder.path() / name; }
    std::string pdfText(const fs::path& pdf) const {
        return collapsed(test::runTool("pdftotext -layout " + test::quoted(pdf) + " -").output);
    }
    nlohmann::json pdfJson(const fs::path& pdf) const {
        return parseJson(test::runTool("qpdf --json=1 " + test::quoted(pdf)).output);
    }
    std::size_t filesLeft() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(m_folder.path()), fs::directory_iterator{}));
    }
    test::TempFolder m_folder;
};

// ---------------------------------------------------------------- PDF

TEST_F(Writers, PdfIsWellFormedAndItsTextCanBeRead) {
    if (!test::haveTool("qpdf") || !test::haveTool("pdftotext"))
        GTEST_SKIP() << "qpdf or pdftotext is not installed";
    const fs::path pdf = file("report.pdf");
    const std::uint32_t pages = writePdf(harbourReport(), pdf, Existing::Keep);
    const auto check = test::runTool("qpdf --check " + test::quoted(pdf));
    EXPECT_EQ(check.status, 0) << check.output;
    const std::string text = pdfText(pdf);
    for (const char* expected :
         {"Harbour Wharf, Unit 4: structural repairs", "Who pays for structural repairs to Unit 4?",
          "shall bear the cost of doing so", "One statement was left out",
          "Lease Unit 4.pdf, p. 14, cl. 5.2. Verified.", "Verified after normalisation.",
          "Notes by source", "Ask for the same in the leases of Units 2 and 3.",
          "How this was made", "DeepSeek-V4-Flash", "produced offline",
          "Not found in the documents. Searched: 3 documents", "Nearest place, not an answer.",
          "Appendix A: quotations", "Appendix B: sources", "61,204 tokens",
          "Privileged and confidential", "Held to the source’s words."})
        EXPECT_THAT(text, HasSubstr(expected));
    EXPECT_THAT(text, HasSubstr(std::string(63, 'a') + "1")) << "SHA-256 of the first source";
    EXPECT_TRUE(std::regex_search(text, std::regex("1 ?/ ?" + std::to_string(pages))));
    EXPECT_THAT(text, Not(HasSubstr("withhold the rent")));
    const std::string info = test::runTool("pdfinfo " + test::quoted(pdf)).output;
    EXPECT_THAT(info, HasSubstr("Author:          M. K."));
    EXPECT_THAT(info, HasSubstr("Tagged:          yes"));
    EXPECT_THAT(info, HasSubstr("A4"));
}

TEST_F(Writers, PdfHasOutlineAndLinksBothWays) {
    if (!test::haveTool("qpdf"))
        GTEST_SKIP() << "qpdf is not installed";
    const fs::path pdf = file("report.pdf");
    writePdf(harbourReport(), pdf, Existing::Keep);
    const nlohmann::json json = pdfJson(pdf);
    std::vector<std::string> titles;
    for (const auto& entry : json.at("outlines"))
        titles.push_back(entry.at("title"));
    EXPECT_THAT(titles, testing::Contains("1  Who pays for structural repairs to Unit 4?"));
    EXPECT_THAT(titles, testing::Contains("Appendix B: sources"));
    std::size_t internal = 0, toFile = 0;
    std::string fileLink;
    for (const auto& [key, object] : json.at("objects").items()) {
        if (!object.is_object() || object.value("/Subtype", "") != "/Link")
            continue;
        if (object.contains("/Dest"))
            ++internal;
        else if (object.contains("/A") && object["/A"].value("/S", "") == "/GoTo")
            ++internal;
        else if (object.contains("/A") && object["/A"].value("/S", "") == "/GoToR") {
            ++toFile;
            fileLink = jsonText(object["/A"]);
        }
    }
    // Each quotation: from its number to the list, from the note to the list, from the list back,
    // to its source, from the source.
    EXPECT_GE(internal, 5U * 8U);
    // Eight quotations: in note and list; two shown as blocks; the copy itself in the sources.
    EXPECT_EQ(toFile, 2U * 8U + 2U + 1U);
    EXPECT_THAT(fileLink, HasSubstr("sources/Lease Unit 4 (annotated).pdf"));
}

TEST_F(Writers, LinksToCopiesNameThePage) {
    if (!test::haveTool("qpdf"))
        GTEST_SKIP() << "qpdf is not installed";
    Report report = harbourReport();
    report.sources[0].annotatedCopy = "sources/Mietvertrag Büro (annotated).pdf";
    const fs::path pdf = file("report.pdf");
    writePdf(report, pdf, Existing::Keep);
    bool found = false;
    const nlohmann::json json = pdfJson(pdf);
    for (const auto& [key, object] : json.at("objects").items()) {
        if (object.is_object() && object.contains("/A") &&
            object["/A"].value("/S", "") == "/GoToR" && object["/A"]["/D"][0] == 13) {
            found = true;
            EXPECT_EQ(object["/A"]["/F"]["/UF"], "sources/Mietvertrag Büro (annotated).pdf");
        }
    }
    EXPECT_TRUE(found) << "page 14 is page 13 from 0";
}

TEST_F(Writers, PdfSurvivesHostileText) {
    if (!test::haveTool("qpdf") || !test::haveTool("pdftotext"))
        GTEST_SKIP() << "qpdf or pdftotext is not installed";
    const fs::path pdf = file("report.pdf");
    writePdf(hostileReport(), pdf, Existing::Keep);
    EXPECT_EQ(test::runTool("qpdf --check " + test::quoted(pdf)).status, 0);
    const std::string text = pdfText(pdf);
    EXPECT_THAT(text, HasSubstr("<script>alert('x')</script>"));
    EXPECT_THAT(text, HasSubstr("漢字仮名"));
}

TEST_F(Writers, PdfCutsALongQuotationOverPages) {
    if (!test::haveTool("pdftotext"))
        GTEST_SKIP() << "pdftotext is not installed";
    Report report = harbourReport();
    std::string quote;
    for (int i = 0; quote.size() < 10'000; ++i)
        quote += "word" + std::to_string(i) + " ";
    report.sections[1].blocks[1].spans = {{quote, false, false, false, {}}};
    report.citations[2].quote = quote;
    report.citations[3].quote = std::string(10'000, 'W'); // no place to break a line
    const fs::path pdf = file("report.pdf");
    const std::uint32_t pages = writePdf(report, pdf, Existing::Keep);
    EXPECT_GT(pages, 7U);
    EXPECT_LT(pages, 30U);
    const std::string text = pdfText(pdf);
    EXPECT_THAT(text, HasSubstr("word0 "));
    EXPECT_THAT(text, HasSubstr("word1200 "));
}

TEST_F(Writers, PdfHoldsAVeryLongQuestionWhole) {
    if (!test::haveTool("pdftotext"))
        GTEST_SKIP() << "pdftotext is not installed";
    Report report = harbourReport();
    std::string question;
    for (int i = 0; question.size() < 99'000; ++i)
        question += "word" + std::to_string(i) + " ";
    report.sections[1].title = question;
    const fs::path pdf = file("report.pdf");
    writePdf(report, pdf, Existing::Keep);
    const std::string text = pdfText(pdf);
    for (int i = 0; i < 10'000; i += 100)
        EXPECT_THAT(text, HasSubstr("word" + std::to_string(i) + " "));
}

TEST_F(Writers, PdfTakesWordsOfAnyLength) {
    Report report = harbourReport();
    report.sections[0].title = std::string(100'000, 'W');
    Block block;
    block.spans = {{std::string(100'000, 'x'), false, false, false, {}}};
    report.sections[0].blocks.push_back(block);
    const auto begin = std::chrono::steady_clock::now();
    writePdf(report, file("report.pdf"), Existing::Keep);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
    EXPECT_LT(spent.count(), 20); // took minutes when it grew with the square
    if (test::haveTool("pdftotext")) {
        const std::string text =
            test::runTool("pdftotext " + test::quoted(file("report.pdf")) + " -").output;
        EXPECT_GE(std::count(text.begin(), text.end(), 'x'), 100'000);
        EXPECT_GE(std::count(text.begin(), text.end(), 'W'), 100'000);
    }
}

TEST_F(Writers, ManyQuotationsInOneLineDoNotLoseTheirNotes) {
    if (!test::haveTool("pdftotext"))
        GTEST_SKIP() << "pdftotext is not installed";
    Report report = harbourReport();
    Span span{"crowded", false, false, false, {}};
    for (int i = 0; i < 300; ++i) {
        ReportCitation citation = report.citations[0];
        citation.number = static_cast<std::uint32_t>(report.citations.size() + 1);
        citation.document = "Note" + std::to_string(i) + ".pdf";
        report.citations.push_back(citation);
        span.citations.push_back(citation.number);
    }
    Block block;
    block.spans = {span};
    report.sections.back().blocks.push_back(block);
    const fs::path pdf = file("report.pdf");
    writePdf(report, pdf, Existing::Keep);
    const std::string text = pdfText(pdf);
    for (int i = 0; i < 300; ++i)
        EXPECT_GE(count(text, "Note" + std::to_string(i) + ".pdf"), 2U) << "note and list";
}

Report largeReport(int citations) {
    DossierSnapshot dossier = test::harbourWharf();
    for (int q = 0; q < citations / 10; ++q) {
        std::string text;
        for (int i = 0; i < 10; ++i)
            text += "Statement " + std::to_string(i) + " rests on “words number " +
                    std::to_string(q * 10 + i) + " of the agreement between the parties”. ";
        Answer& answer = test::addQuestion(dossier, "Question " + std::to_string(q), text);
        for (int i = 0; i < 10; ++i)
            test::cite(answer, {"words number " + std::to_string(q * 10 + i) +
                                " of the agreement between the parties"});
    }
    return buildReport(dossier, {});
}

TEST_F(Writers, TwoThousandQuotationsInBoundedTime) {
    const Report report = largeReport(2000);
    ASSERT_GT(report.citations.size(), 2000U);
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t last = 0, calls = 0;
    const auto progress = [&](std::uint64_t done, std::uint64_t total) {
        EXPECT_LE(last, done);
        EXPECT_LE(done, total);
        last = done;
        ++calls;
    };
    const std::uint32_t pages = writePdf(report, file("large.pdf"), Existing::Keep, progress);
    writeMarkdown(report, file("large.md"), Existing::Keep);
    writeHtml(report, file("large.html"), Existing::Keep);
    const auto seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    RecordProperty("seconds", std::to_string(seconds));
    RecordProperty("pages", static_cast<int>(pages));
    EXPECT_LT(seconds, 60); // about 4 s on one core; generous for sanitizers
    EXPECT_GT(calls, 2000U);
    if (test::haveTool("qpdf")) {
        EXPECT_EQ(test::runTool("qpdf --check " + test::quoted(file("large.pdf"))).status, 0);
    }
}

TEST_F(Writers, StoppingLeavesNothingBehind) {
    std::stop_source stop;
    int calls = 0;
    const auto progress = [&](std::uint64_t, std::uint64_t) {
        if (++calls == 5)
            stop.request_stop();
    };
    try {
        writePdf(harbourReport(), file("report.pdf"), Existing::Keep, progress, stop.get_token());
        FAIL() << "a stopped export must not come back as done";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Cancelled);
    }
    EXPECT_EQ(calls, 5);
    EXPECT_EQ(filesLeft(), 0U);
}

TEST_F(Writers, StoppingWhilePagesAreDrawnLeavesNothingBehind) {
    std::stop_source stop;
    const auto progress = [&](std::uint64_t done, std::uint64_t total) {
        if (done + 2 >= total)
            stop.request_stop();
    };
    EXPECT_THROW(
        writePdf(harbourReport(), file("r.pdf"), Existing::Keep, progress, stop.get_token()),
        Error);
    EXPECT_EQ(filesLeft(), 0U);
}

TEST_F(Writers, WhatIsNotVerifiedSaysSoInTheText) {
    DossierSnapshot dossier = test::harbourWharf();
    dossier.answers[0].citations[0].verdict = Verdict::Partial;
    dossier.answers[0].citations[1].verdict = Verdict::OtherDocument;
    ReportOptions options;
    options.withUnverified = true;
    const Report report = buildReport(dossier, options);
    const std::string html = toHtml(report), markdown = toMarkdown(report);
    EXPECT_THAT(html, HasSubstr("7 <span class=\"bad\">not found</span></a></sup>"));
    EXPECT_THAT(html, HasSubstr("1 <span class=\"bad\">partial</span></a></sup>"));
    EXPECT_THAT(markdown, HasSubstr("“shall bear the cost of doing so”[^1] (partial)"));
    EXPECT_THAT(markdown, HasSubstr("”,[^2] (found elsewhere) unless"));
    EXPECT_THAT(markdown, HasSubstr("”.[^7] (not found)"));
    if (!test::haveTool("pdftotext"))
        GTEST_SKIP() << "pdftotext is not installed";
    writePdf(report, file("r.pdf"), Existing::Keep);
    const std::string text = pdfText(file("r.pdf"));
    EXPECT_TRUE(std::regex_search(text, std::regex("so” ?1.{1,3}partial"))) << text;
    EXPECT_TRUE(std::regex_search(text, std::regex("7.{1,3}not found"))) << text;
}

// ---------------------------------------------------------------- files

TEST_F(Writers, AnExistingFileIsKeptUnlessToBeReplaced) {
    const fs::path path = m_folder.write("report.md", "mine");
    for (const auto& write : std::vector<std::function<void()>>{
             [&] { writeMarkdown(harbourReport(), path, Existing::Keep); },
             [&] { writeHtml(harbourReport(), path, Existing::Keep); },
             [&] { writePdf(harbourReport(), path, Existing::Keep); }}) {
        try {
            write();
            FAIL() << "the file was replaced without being asked";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
            EXPECT_THAT(error.failed(), HasSubstr("report.md exists already"));
        }
        EXPECT_EQ(contents(path), "mine");
    }
    writeMarkdown(harbourReport(), path, Existing::Replace);
    EXPECT_NE(contents(path), "mine");
    EXPECT_EQ(filesLeft(), 1U);
}

TEST_F(Writers, AFolderInTheWayIsRefused) {
    fs::create_directory(file("report.pdf"));
    EXPECT_THROW(writePdf(harbourReport(), file("report.pdf"), Existing::Replace), Error);
    EXPECT_TRUE(fs::is_directory(file("report.pdf")));
}

TEST_F(Writers, AMissingFolderIsSaid) {
    try {
        writeHtml(harbourReport(), file("no/such/folder/r.html"), Existing::Keep);
        FAIL() << "there is no such folder";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::NotFound);
        EXPECT_FALSE(error.remedy().empty());
    }
}

TEST_F(Writers, AFileThatAppearsMeanwhileIsKept) {
    OutputFile output(file("a.txt"), Existing::Keep);
    output.write("new");
    m_folder.write("a.txt", "somebody else's");
    EXPECT_THROW(output.commit(), Error);
    EXPECT_EQ(contents(file("a.txt")), "somebody else's");
}

TEST_F(Writers, AFullDiskIsAnErrorAndLeavesNothing) {
    if (!fs::exists("/dev/full"))
        GTEST_SKIP() << "/dev/full is not here";
    // /dev/shm of this process cannot be filled safely: a file size limit has the same effect.
    const std::string command = "sh -c 'ulimit -f 8; trap \"\" XFSZ; exec " +
                                std::string(DOSSIER_OUTPUT_FILE_PROBE) + " " +
                                test::quoted(file("big.bin")) + "'";
    const auto result = test::runTool(command);
    EXPECT_EQ(result.status, 3) << result.output;
    EXPECT_EQ(filesLeft(), 0U);
}

// ---------------------------------------------------------------- Markdown

TEST_F(Writers, MarkdownHasTheWholeReport) {
    const std::string text = toMarkdown(harbourReport());
    for (const char* expected :
         {"# Harbour Wharf, Unit 4: structural repairs", "## 1\\. Who pays for structural repairs",
          "“shall bear the cost of doing so”[^1]", "> The Landlord shall keep the Structure",
          "| Unit 2 | Landlord | **10** |", "1. Keep a dated copy", "One statement was left out",
          "[^1]: [Lease Unit 4.pdf, p. 14, cl. 5.2]"
          "(sources/Lease%20Unit%204%20%28annotated%29.pdf#page=14). Verified.",
          "SHA-256 `aaaa", "61,204 tokens", "**N1**", "produced offline"})
        EXPECT_THAT(text, HasSubstr(expected));
    EXPECT_THAT(text, Not(HasSubstr("withhold the rent")));
}

TEST_F(Writers, MarkdownEscapesWhatComesFromOutside) {
    const std::string text = toMarkdown(hostileReport());
    EXPECT_THAT(text, Not(testing::ContainsRegex("[^\\\\]<script")));
    EXPECT_THAT(text, HasSubstr("\\<script\\>"));
    EXPECT_THAT(text, Not(HasSubstr("\u202E")));
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    // Table rows keep their number of cells.
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind("| From |", 0) == 0) {
            EXPECT_EQ(count(line, "|") - count(line, "\\|"), 3U) << line;
        }
    }
}

TEST_F(Writers, MarkdownCodeCannotBreakOutOfItsFence) {
    Report report = harbourReport();
    Block block;
    block.kind = BlockKind::Code;
    block.spans = {{"a\n````\n# not a heading\n", false, false, true, {}}};
    report.sections[0].blocks = {block};
    EXPECT_THAT(toMarkdown(report), HasSubstr("`````\na\n````\n# not a heading\n"));
}

// ---------------------------------------------------------------- HTML

TEST_F(Writers, HtmlHasTheWholeReportAndLinksBothWays) {
    const std::string text = toHtml(harbourReport());
    for (const char* expected :
         {"<!DOCTYPE html>", "<h1 dir=\"auto\">Harbour Wharf, Unit 4", "prefers-color-scheme:dark",
          "id=\"r1\"", "href=\"#c1\"", "id=\"c1\"", "href=\"#r1\"", "href=\"#s1\"", "id=\"s1\"",
          "One statement was left out", "Lease%20Unit%204%20%28annotated%29.pdf#page=14",
          "Verified after normalisation."})
        EXPECT_THAT(text, HasSubstr(expected));
}

TEST_F(Writers, HtmlRunsNothingAndLoadsNothing) {
    const std::string text = toHtml(hostileReport());
    EXPECT_THAT(text, Not(HasSubstr("<script")));
    EXPECT_THAT(text, HasSubstr("&lt;script&gt;alert(&#39;x&#39;)"));
    EXPECT_THAT(text, HasSubstr("default-src 'none'"));
    for (const char* loading : {"src=", "url(", "@import", "<link", "<iframe", "<img",
                                "http:", "https:", "javascript:", " onload", " onerror"})
        EXPECT_THAT(text, Not(HasSubstr(loading)));
    EXPECT_THAT(text, Not(HasSubstr("\u202E")));
    EXPECT_THAT(text, Not(HasSubstr("\x01")));
}

TEST_F(Writers, HtmlIsBalancedXml) {
    if (!test::haveTool("python3"))
        GTEST_SKIP() << "python3 is not installed";
    writeHtml(hostileReport(), file("r.html"), Existing::Keep);
    const std::string script =
        "import sys; from html.parser import HTMLParser\n"
        "class P(HTMLParser):\n"
        "    s=[]; ids=set(); refs=set()\n"
        "    def handle_starttag(self,t,a):\n"
        "        d=dict(a)\n"
        "        if 'id' in d: assert d['id'] not in self.ids, d['id']; self.ids.add(d['id'])\n"
        "        if d.get('href','').startswith('#'): self.refs.add(d['href'][1:])\n"
        "        if t not in ('meta','br'): self.s.append(t)\n"
        "    def handle_endtag(self,t):\n"
        "        assert self.s and self.s[-1]==t,(t,self.s[-3:],self.getpos()); self.s.pop()\n"
        "p=P(); p.feed(open(sys.argv[1],encoding='utf-8').read()); assert not p.s,p.s\n"
        "assert p.refs<=p.ids, p.refs-p.ids\n";
    const fs::path check = m_folder.write("check.py", script);
    const auto result =
        test::runTool("python3 " + test::quoted(check) + " " + test::quoted(file("r.html")));
    EXPECT_EQ(result.status, 0) << result.output;
}

} // namespace
} // namespace dossier::app::report
