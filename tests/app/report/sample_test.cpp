// SPDX-License-Identifier: GPL-3.0-or-later
// The sample dossier: its answers stand where sample.json says, and its documents are what their
// sources in the tree produce.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "engine/base/json_text.h"
#include "tests/app/report/run_tool.h"
#include "tests/support/temp_folder.h"

namespace dossier {
namespace {

namespace fs = std::filesystem;
using test::contents;

const fs::path kSample = DOSSIER_SOURCE_DIR "/resources/sample";
const fs::path kLease = kSample / "harbour-wharf" / "Lease Unit 4.pdf";
const fs::path kDeed = kSample / "harbour-wharf" / "Deed of variation.docx";

std::string collapse(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == ' ' || c == '\n' || c == '\f' || c == '\r') {
            if (!out.empty() && out.back() != ' ')
                out += ' ';
        } else {
            out += c;
        }
    }
    return out;
}

nlohmann::json sample() {
    return parseJson(contents(kSample / "sample.json"));
}

std::string pageText(const fs::path& pdf, int page) {
    const std::string number = std::to_string(page);
    return collapse(
        test::runTool("pdftotext -f " + number + " -l " + number + " " + test::quoted(pdf) + " -")
            .output);
}

TEST(Sample, QuestionsPointAtTheirAnswers) {
    if (!test::haveTool("pdftotext"))
        GTEST_SKIP() << "pdftotext (poppler-utils) is not installed";
    int headless = 0;
    const nlohmann::json json = sample();
    for (const auto& question : json.at("questions")) {
        SCOPED_TRACE(question.at("text"));
        headless += question.value("headless", false) ? 1 : 0;
        const std::string quote = question.at("quote");
        if (question.contains("page")) {
            EXPECT_NE(pageText(kLease, question.at("page")).find(quote), std::string::npos);
        } else {
            std::istringstream file(contents(kSample / question.at("document").get<std::string>()));
            std::string line;
            for (int n = question.at("line"); n > 0; --n)
                ASSERT_TRUE(std::getline(file, line));
            EXPECT_NE(line.find(quote), std::string::npos) << line;
        }
    }
    EXPECT_EQ(headless, 1) << "exactly one question is asked where there is no display";
}

TEST(Sample, SourcesAreThereAndUnchanged) {
    const nlohmann::json json = sample();
    for (const auto& source : json.at("sources")) {
        const fs::path path = kSample / source.at("path").get<std::string>();
        SCOPED_TRACE(path);
        ASSERT_TRUE(fs::exists(path));
        if (source.at("kind") == "folder" || !test::haveTool("sha256sum"))
            continue;
        const std::string sum = test::runTool("sha256sum " + test::quoted(path)).output;
        EXPECT_EQ(sum.substr(0, 64), source.at("sha256"));
    }
}

TEST(Sample, LeaseHasTwelveLabelledPages) {
    if (!test::haveTool("qpdf"))
        GTEST_SKIP() << "qpdf is not installed";
    EXPECT_EQ(test::runTool("qpdf --check " + test::quoted(kLease)).status, 0);
    const auto json = parseJson(
        test::runTool("qpdf --json --json-key=pages --json-key=pagelabels --json-key=outlines " +
                      test::quoted(kLease))
            .output);
    EXPECT_EQ(json.at("pages").size(), 12U);
    EXPECT_GE(json.at("outlines").size(), 15U);
    EXPECT_GE(json.at("pagelabels").size(), 2U) << "roman front matter, then arabic numbers";
}

TEST(Sample, LeaseIsWhatItsSourceTypesets) {
    if (!test::haveTool("pdftotext") || !test::haveTool("fc-list") ||
        test::runTool("fc-list 'TeX Gyre Termes'").output.empty())
        GTEST_SKIP() << "pdftotext or the TeX Gyre fonts are not installed";
    const test::TempFolder folder;
    const fs::path again = folder.path() / "lease.pdf";
    const auto made =
        test::runTool(test::quoted(DOSSIER_MAKE_SAMPLE_LEASE) + " " +
                      test::quoted(kSample / "src" / "lease.txt") + " " + test::quoted(again));
    ASSERT_EQ(made.status, 0) << made.output;
    for (int page = 1; page <= 12; ++page)
        EXPECT_EQ(pageText(again, page), pageText(kLease, page)) << "page " << page;
}

TEST(Sample, DeedIsWhatItsScriptWrites) {
    if (!test::haveTool("python3"))
        GTEST_SKIP() << "python3 is not installed";
    const test::TempFolder folder;
    const fs::path again = folder.path() / "deed.docx";
    const auto made = test::runTool("python3 " + test::quoted(kSample / "src" / "make_deed.py") +
                                    " " + test::quoted(again));
    ASSERT_EQ(made.status, 0) << made.output;
    EXPECT_EQ(contents(again), contents(kDeed));
}

TEST(Sample, CodeBaseHoldsWhatAWalkLeavesOut) {
    const fs::path code = kSample / "quillstore";
    EXPECT_TRUE(fs::exists(code / "conan.lock"));
    EXPECT_NE(contents(code / "src" / "crc32c_table.h").find("DO NOT EDIT"), std::string::npos);
    std::uintmax_t bytes = fs::file_size(kLease) + fs::file_size(kDeed);
    int files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(code)) {
        if (entry.is_regular_file()) {
            ++files;
            bytes += entry.file_size();
        }
    }
    EXPECT_GE(files, 40);
    EXPECT_LT(bytes, 600'000U);
}

} // namespace
} // namespace dossier
