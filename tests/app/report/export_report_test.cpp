// SPDX-License-Identifier: GPL-3.0-or-later
// The exported folder, with the sample lease and the real reader process: annotated copies that
// other programs can read, links that lead to them, nothing overwritten, nothing half-written.
#include "app/report/export_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/base/json_text.h"
#include "engine/base/sha256.h"
#include "tests/app/report/run_tool.h"
#include "tests/app/report/sample_dossier.h"
#include "tests/support/fake_reader.h"
#include "tests/support/temp_folder.h"

namespace dossier::app::report {
namespace {

namespace fs = std::filesystem;
using test::contents;
using testing::ElementsAre;
using testing::HasSubstr;

const fs::path kLease = DOSSIER_SOURCE_DIR "/resources/sample/harbour-wharf/Lease Unit 4.pdf";
const std::string kBreak =
    "by giving the Landlord not less than six (6) months’ prior written notice";
const std::string kLaw =
    "governed by and construed in accordance with the laws of England and Wales";

/// Words of the quotation in the document, whatever white space stands between them.
ingest::TextRange find(const ingest::Document& document, const std::string& quote) {
    const std::string& text = document.text;
    for (std::size_t begin = 0; begin < text.size(); ++begin) {
        std::size_t at = begin, q = 0;
        while (q < quote.size() && at < text.size()) {
            if (quote[q] == text[at]) {
                ++q, ++at;
            } else if (quote[q] == ' ' && text[at] == '\n') {
                ++q, ++at;
            } else {
                break;
            }
        }
        if (q == quote.size())
            return {begin, at};
    }
    return {};
}

class ExportReport : public testing::Test {
  protected:
    void SetUp() override {
        m_reader = ingest::makeReader(fs::path(DOSSIER_BIN_DIR) / "dossier-reader", 1);
        m_document = std::make_shared<ingest::Document>(m_reader->read(kLease, {}));
        m_dossier.name = "Harbour Wharf";
        m_dossier.takenMs = 1'795'430'000'000;
        m_dossier.sources = {test::source(1, "Lease Unit 4.pdf", ingest::Format::Pdf),
                             test::source(2, "Deed of variation.docx", ingest::Format::Docx)};
        store(kLease);
        Answer& answer = test::addQuestion(m_dossier, "When may the tenant end the lease early?",
                                           "At any time, “" + kBreak + "”. English law applies: “" +
                                               kLaw + "”.");
        cite(answer, kBreak);
        cite(answer, kLaw);
        Mark mark;
        mark.id = MarkId{1};
        mark.source = SourceId{1};
        mark.range = find(*m_document, "The Landlord has no right to terminate this Lease");
        mark.kind = ingest::MarkKind::Underline;
        mark.rgb = {46, 125, 50};
        mark.note = "Good for us.";
        mark.author = "M. K.";
        mark.quote = "The Landlord has no right to terminate this Lease";
        m_dossier.marks = {mark};
        m_request.folder = m_folder.path() / "Harbour report";
    }

    void cite(Answer& answer, const std::string& quote) {
        const ingest::TextRange range = find(*m_document, quote);
        ASSERT_FALSE(range.empty()) << quote;
        test::QuoteSpec spec;
        spec.quote = quote;
        test::cite(answer, spec);
        Place& place = *answer.citations.back().place;
        place.range = range;
        place.page = ingest::pageOf(*m_document, range.begin);
        place.pageLabel = m_document->pages[*place.page].label;
    }

    /// The dossier's first source is this file, as it is now.
    void store(const fs::path& file) {
        m_original = file;
        m_dossier.sources[0].sha256 = Sha256::hexOfFile(file);
    }

    /// Exports, expects that the copy fails, that the report is there without a link to it and says
    /// why, and returns why.
    std::string whyNoCopy() {
        m_request.existing = Existing::Replace;
        const ExportResult result = exportReport(context(), m_request);
        EXPECT_TRUE(result.copies.empty());
        EXPECT_FALSE(fs::exists(m_request.folder / "sources"));
        EXPECT_TRUE(fs::exists(result.pdf));
        if (result.problems.size() != 1)
            return "not one problem";
        EXPECT_EQ(result.problems[0].source, "Lease Unit 4.pdf");
        const std::string why = result.problems[0].failure.failed;
        EXPECT_THAT(contents(result.html), HasSubstr("No annotated copy: " + why + "."));
        EXPECT_THAT(contents(result.markdown), HasSubstr("**No annotated copy: "));
        EXPECT_EQ(contents(result.markdown).find("annotated%29.pdf"), std::string::npos);
        return why;
    }

    ExportContext context() {
        m_lastDone = 0;
        return {m_dossier,
                [this](SourceId) -> DocumentPtr { return m_document; },
                [this](SourceId) { return m_original; },
                *m_reader,
                [this](std::uint64_t done, std::uint64_t total, const std::string&) {
                    EXPECT_LE(done, total);
                    EXPECT_GE(done, m_lastDone);
                    m_lastDone = done;
                    if (m_stopAt > 0 && done >= m_stopAt)
                        m_stop.request_stop();
                },
                m_stop.get_token()};
    }

    std::vector<std::string> namesIn(const fs::path& folder) const {
        std::vector<std::string> names;
        for (const auto& entry : fs::recursive_directory_iterator(folder))
            names.push_back(fs::relative(entry.path(), folder));
        std::sort(names.begin(), names.end());
        return names;
    }

    test::TempFolder m_folder;
    std::unique_ptr<ingest::Reader> m_reader;
    DocumentPtr m_document;
    DossierSnapshot m_dossier;
    ExportRequest m_request;
    fs::path m_original = kLease;
    std::stop_source m_stop;
    std::uint64_t m_lastDone = 0, m_stopAt = 0;
};

TEST_F(ExportReport, WritesReportAndAnnotatedCopies) {
    const ExportResult result = exportReport(context(), m_request);
    EXPECT_TRUE(result.problems.empty());
    EXPECT_GE(result.pages, 2U);
    EXPECT_THAT(namesIn(m_request.folder),
                ElementsAre("report.html", "report.md", "report.pdf", "sources",
                            "sources/Lease Unit 4 (annotated).pdf"));
    EXPECT_THAT(namesIn(m_folder.path()).front(), HasSubstr("Harbour report")) << "no part folder";
    ASSERT_EQ(result.copies.size(), 1U);
    EXPECT_THAT(contents(result.markdown),
                HasSubstr("(sources/Lease%20Unit%204%20%28annotated%29.pdf#page=9)"));
    EXPECT_EQ(m_lastDone, 100U + 100U + 2U);
}

TEST_F(ExportReport, CopiesHoldTheMarksAndTheOriginalIsUntouched) {
    if (!test::haveTool("qpdf"))
        GTEST_SKIP() << "qpdf is not installed";
    const std::string before = contents(kLease);
    const fs::path copy = exportReport(context(), m_request).copies.at(0);
    EXPECT_EQ(contents(kLease), before);
    EXPECT_EQ(test::runTool("qpdf --check " + test::quoted(copy)).status, 0);
    const auto json = parseJson(test::runTool("qpdf --json=1 " + test::quoted(copy)).output);
    std::vector<std::string> highlights, underlines;
    for (const auto& [key, object] : json.at("objects").items()) {
        if (!object.is_object() || !object.contains("/Subtype"))
            continue;
        if (object["/Subtype"] == "/Highlight")
            highlights.push_back(object.value("/Contents", ""));
        if (object["/Subtype"] == "/Underline")
            underlines.push_back(object.value("/Contents", ""));
    }
    std::sort(highlights.begin(), highlights.end());
    ASSERT_EQ(highlights.size(), 2U);
    EXPECT_THAT(highlights[0], HasSubstr("[1] When may the tenant end the lease early?"));
    EXPECT_THAT(highlights[0], HasSubstr("Verified."));
    EXPECT_THAT(highlights[1], HasSubstr("[2]"));
    EXPECT_THAT(underlines, ElementsAre("N1: Good for us."));
}

TEST_F(ExportReport, AnExistingFolderIsKeptUnlessToBeReplaced) {
    m_folder.write("Harbour report/report.md", "mine");
    m_folder.write("Harbour report/other.txt", "also mine");
    try {
        exportReport(context(), m_request);
        FAIL() << "the folder was written into without being asked";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    }
    EXPECT_EQ(contents(m_request.folder / "report.md"), "mine");
    EXPECT_EQ(namesIn(m_request.folder).size(), 2U);

    m_request.existing = Existing::Replace;
    exportReport(context(), m_request);
    EXPECT_NE(contents(m_request.folder / "report.md"), "mine");
    EXPECT_EQ(contents(m_request.folder / "other.txt"), "also mine");
    EXPECT_EQ(namesIn(m_request.folder).size(), 6U);
    exportReport(context(), m_request); // and once more over its own
    EXPECT_EQ(namesIn(m_request.folder).size(), 6U);
}

TEST_F(ExportReport, AnEmptyFolderMayBeFilled) {
    fs::create_directory(m_request.folder);
    exportReport(context(), m_request);
    EXPECT_TRUE(fs::exists(m_request.folder / "report.pdf"));
}

TEST_F(ExportReport, StoppingLeavesNothing) {
    for (const std::uint64_t at : {1U, 100U, 150U, 201U}) {
        m_stop = {};
        m_stopAt = at;
        m_lastDone = 0;
        try {
            exportReport(context(), m_request);
            FAIL() << "stopped at " << at << " and yet done";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::Cancelled);
        }
        EXPECT_TRUE(namesIn(m_folder.path()).empty()) << "stopped at " << at;
    }
}

TEST_F(ExportReport, ACopyThatFailsIsAProblemAndHasNoLink) {
    store(m_folder.write("broken.pdf", "%PDF-1.5 and nothing more"));
    EXPECT_THAT(whyNoCopy(), HasSubstr("Lease Unit 4.pdf")) << "named as the person knows it";
}

TEST_F(ExportReport, AnOriginalThatIsNotTheFileThatWasAddedIsNotCopied) {
    m_original = m_folder.write("other.pdf", contents(kLease) + " ");
    EXPECT_THAT(whyNoCopy(), HasSubstr("was changed after it was added"));
    m_original = m_folder.path() / "gone.pdf";
    EXPECT_THAT(whyNoCopy(), HasSubstr("is missing"));
}

TEST_F(ExportReport, AnEncryptedSourceIsCopiedWithItsPassword) {
    if (!test::haveTool("qpdf"))
        GTEST_SKIP() << "qpdf is not installed";
    const fs::path file = m_folder.path() / "f2572e.pdf";
    ASSERT_EQ(test::runTool("qpdf --encrypt wharf wharf 256 -- " + test::quoted(kLease) + " " +
                            test::quoted(file))
                  .status,
              0);
    store(file);
    EXPECT_EQ(whyNoCopy(), "Lease Unit 4.pdf is protected by a password");
    m_request.password = "quay";
    EXPECT_EQ(whyNoCopy(), "The password for Lease Unit 4.pdf is wrong");
    m_request.password = "wharf";
    const ExportResult result = exportReport(context(), m_request);
    EXPECT_TRUE(result.problems.empty());
    EXPECT_EQ(result.copies.size(), 1U);
}

TEST_F(ExportReport, AReaderThatGivesUpNamesTheSource) {
    m_reader = std::make_unique<test::FakeReader>();
    store(m_folder.write("f2572e.pdf", "FAIL one page of it took longer than 20 seconds"));
    EXPECT_EQ(whyNoCopy(), "Reading Lease Unit 4.pdf was given up: one page of it took longer than "
                           "20 seconds");
}

TEST_F(ExportReport, OnlyWhatWasAskedFor) {
    m_request.pdf = m_request.html = m_request.annotatedSources = false;
    const ExportResult result = exportReport(context(), m_request);
    EXPECT_THAT(namesIn(m_request.folder), ElementsAre("report.md"));
    EXPECT_TRUE(result.pdf.empty());
}

TEST_F(ExportReport, AMissingParentFolderIsSaid) {
    m_request.folder = m_folder.path() / "no" / "such";
    try {
        exportReport(context(), m_request);
        FAIL() << "there is no such folder";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::NotFound);
    }
}

TEST(CopyNames, UniqueSafeAndOnlyForMarkedPdfs) {
    Report report;
    for (const char* name : {"a/Lease.pdf", "b/lease.PDF", "plan.pdf", "notes.docx", "a?b.pdf"}) {
        ReportSource source;
        source.name = name;
        source.pdf = std::string(name).find(".docx") == std::string::npos;
        report.sources.push_back(source);
    }
    for (const std::size_t index : {0U, 1U, 3U, 4U}) {
        ReportCitation citation;
        citation.number = static_cast<std::uint32_t>(report.citations.size() + 1);
        citation.source = index;
        report.citations.push_back(citation);
    }
    EXPECT_THAT(copyNames(report),
                ElementsAre("sources/Lease (annotated).pdf", "sources/lease 2 (annotated).pdf", "",
                            "", "sources/a-b (annotated).pdf"));
}

TEST(MarksFor, CitationsOfOneRangeAreOneMark) {
    ingest::Document document;
    document.text = "one two";
    document.pages = {{{0, 7}, "1", 595, 842, true, 0, 2}};
    document.words.resize(2);
    document.words[0].range = {0, 3};
    document.words[0].box = {0.1F, 0.1F, 0.2F, 0.12F};
    document.words[1].range = {4, 7};
    document.words[1].box = {0.25F, 0.1F, 0.35F, 0.12F};
    Report report;
    report.sources.resize(1);
    report.sections.resize(2);
    report.sections[0].title = "First?";
    report.sections[1].title = "Second?";
    for (std::size_t i = 0; i < 3; ++i) {
        ReportCitation citation;
        citation.number = static_cast<std::uint32_t>(i + 1);
        citation.source = 0;
        citation.question = i == 2 ? 1 : i;
        citation.range = i == 2 ? ingest::TextRange{4, 7} : ingest::TextRange{0, 3};
        citation.verdict = Verdict::Verified;
        report.citations.push_back(citation);
    }
    report.citations.push_back(report.citations[0]);
    report.citations.back().range = {4, 900}; // beyond the text: another version of the file
    const auto marks = marksFor(report, 0, document);
    ASSERT_EQ(marks.size(), 2U);
    EXPECT_THAT(marks[0].note, HasSubstr("[1] First?"));
    EXPECT_THAT(marks[0].note, HasSubstr("[2] Second?"));
    EXPECT_THAT(marks[1].note, HasSubstr("[3] Second?"));
}

} // namespace
} // namespace dossier::app::report
