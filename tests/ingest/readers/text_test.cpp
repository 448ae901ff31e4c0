// SPDX-License-Identifier: GPL-3.0-or-later
#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/readers/headings.h"
#include "ingest/readers/text/encoding.h"
#include "ingest/readers/text/language.h"
#include "tests/ingest/support/ingest_testing.h"

namespace dossier::ingest {
namespace {

using namespace testing_support;
using readers::decodeText;
using readers::headingLevel;
using readers::languageOf;
using readers::listMarker;
using readers::looksBinary;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

} // namespace

TEST(Encoding, ByteOrderMarksDecide) {
    EXPECT_EQ(decodeText("\xEF\xBB\xBFhällo").text, "hällo");
    EXPECT_EQ(decodeText(std::string_view("\xFF\xFEh\0\xE4\0", 6)).text, "hä");
    EXPECT_EQ(decodeText(std::string_view("\xFE\xFF\0h\0\xE4", 6)).text, "hä");
    EXPECT_EQ(decodeText(std::string_view("\xFF\xFE\0\0h\0\0\0", 8)).text, "h");
    EXPECT_EQ(decodeText(std::string_view("\xFF\xFEh\0", 4)).encoding, "UTF-16LE");
}

TEST(Encoding, Utf16WithoutAMarkIsRecognised) {
    std::string bytes;
    for (const char c : std::string("int main() { return 0; }\r\n")) {
        bytes += c;
        bytes += '\0';
    }
    EXPECT_FALSE(looksBinary(bytes));
    EXPECT_EQ(decodeText(bytes).text, "int main() { return 0; }\n");
}

TEST(Encoding, GuessesOldOnes) {
    const auto latin = decodeText("Der Schl\xFCssel f\xFCr die T\xFCr h\xE4ngt \xFC"
                                  "ber dem Br\xF6tchen. Gr\xFC\xDF"
                                  "e aus K\xF6ln und M\xFCnchen.");
    EXPECT_THAT(latin.text, HasSubstr("Schlüssel für die Tür hängt über"));
    EXPECT_NE(latin.encoding, "UTF-8");
    const auto koi =
        decodeText("\xF0\xD2\xC9\xD7\xC5\xD4 \xCD\xC9\xD2, \xFC\xD4\xCF \xD4\xC5\xD3\xD4 "
                   "\xCB\xCF\xC4\xC9\xD2\xCF\xD7\xCB\xC9 \xD4\xC5\xCB\xD3\xD4\xC1 \xCE\xC1 "
                   "\xD2\xD5\xD3\xD3\xCB\xCF\xCD \xD1\xDA\xD9\xCB\xC5.");
    EXPECT_THAT(koi.text, HasSubstr("Привет мир"));
}

TEST(Encoding, NearlyValidUtf8StaysUtf8) {
    std::string text;
    for (int i = 0; i < 50; ++i) {
        text += "größer über Straße ";
    }
    text += "\xFF end";
    const auto decoded = decodeText(text);
    EXPECT_EQ(decoded.encoding, "UTF-8");
    EXPECT_TRUE(decoded.replaced);
    EXPECT_THAT(decoded.text, HasSubstr("größer über Straße \uFFFD end"));
    const Document document = readBytes("a.txt", text);
    EXPECT_THAT(document.warnings, Contains(HasSubstr("not valid UTF-8")));
}

TEST(Encoding, LineEndsKeepTheLines) {
    EXPECT_EQ(decodeText("a\r\nb\r\n").text, "a\nb\n");
    EXPECT_EQ(decodeText("a\rb\rc").text, "a\nb\nc") << "old Macintosh";
    EXPECT_EQ(decodeText("a\rb\nc").text, "a b\nc")
        << "a lone CR is no line for editors and compilers";
    EXPECT_EQ(decodeText("a\r\r\nb").text, "a \nb");
}

TEST(Binary, IsRefusedAsText) {
    EXPECT_TRUE(looksBinary(std::string("abc\0def", 7)));
    EXPECT_TRUE(looksBinary("\x7F"
                            "ELF\x02\x01\x01\x03\x04\x05"));
    EXPECT_FALSE(looksBinary(""));
    EXPECT_FALSE(looksBinary("plain\ttext\r\n\f with \x1B[31mcolour\x1B[0m"));
    const Error error = errorOf([] { readBytes("a.bin", std::string("abc\0def", 7)); });
    EXPECT_EQ(error.code(), ErrorCode::Unsupported);
    EXPECT_THAT(error.what(), HasSubstr("a.bin is a binary file"));
}

TEST(Binary, RichTextIsRefused) {
    const Error error = errorOf([] { readBytes("a.rtf", "{\\rtf1\\ansi The rent is 900.}"); });
    EXPECT_EQ(error.code(), ErrorCode::Unsupported);
    EXPECT_THAT(error.remedy(), testing::HasSubstr("DOCX or PDF"));
}

TEST(Language, ComesFromNameSuffixOrInterpreter) {
    EXPECT_EQ(languageOf("a.cpp", ""), "cpp");
    EXPECT_EQ(languageOf("A.CPP", ""), "cpp");
    EXPECT_EQ(languageOf("a.C", ""), "cpp");
    EXPECT_EQ(languageOf("a.c", ""), "c");
    EXPECT_EQ(languageOf("x.tar.gz", ""), "");
    EXPECT_EQ(languageOf("kernel.cu", ""), "cuda");
    EXPECT_EQ(languageOf("config.h.in", ""), "c");
    EXPECT_EQ(languageOf("CMakeLists.txt", ""), "cmake");
    EXPECT_EQ(languageOf("Makefile", ""), "make");
    EXPECT_EQ(languageOf("run", "#!/bin/sh\nset -e"), "shell");
    EXPECT_EQ(languageOf("run", "#!/usr/bin/env -S python3.11 -u\n"), "python");
    EXPECT_EQ(languageOf("run", "#!/usr/bin/env FOO=1 node\n"), "javascript");
    EXPECT_EQ(languageOf("README", "text"), "");
    EXPECT_EQ(languageOf(".gitignore", ""), "ignore");
}

TEST(Language, KnowsEveryoneOfItsSuffixes) {
    // Binary search needs the order; a suffix out of place would not be found.
    int known = 0;
    for (const char* suffix :
         {"ada", "asm",   "bash",  "bat",  "c",      "cc",      "clj", "cmake",  "cpp",
          "cs",  "css",   "cu",    "d",    "dart",   "diff",    "el",  "erl",    "ex",
          "f90", "fs",    "glsl",  "go",   "gradle", "graphql", "h",   "hpp",    "hs",
          "ini", "java",  "jl",    "js",   "json",   "jsx",     "kt",  "less",   "lisp",
          "lua", "m",     "m4",    "mk",   "ml",     "nim",     "nix", "pas",    "php",
          "pl",  "po",    "proto", "ps1",  "py",     "qml",     "r",   "rb",     "rs",
          "s",   "scala", "scm",   "scss", "sh",     "sol",     "sql", "svelte", "swift",
          "tcl", "tex",   "tf",    "toml", "ts",     "tsx",     "v",   "vala",   "vhdl",
          "vim", "vue",   "xml",   "xslt", "y",      "yaml",    "yml", "zig",    "zsh"}) {
        EXPECT_FALSE(languageOf(std::string("a.") + suffix, "").empty()) << suffix;
        ++known;
    }
    EXPECT_GE(known, 60);
}

TEST(Headings, AreToldFromSentences) {
    EXPECT_EQ(headingLevel("ARTICLE IV"), 1);
    EXPECT_EQ(headingLevel("Section 4.2 Payment Terms"), 2);
    EXPECT_EQ(headingLevel("2. TERM AND TERMINATION"), 1);
    EXPECT_EQ(headingLevel("4.2.1 Late Payment"), 3);
    EXPECT_EQ(headingLevel("IV. Governing Law"), 1);
    EXPECT_EQ(headingLevel("CONFIDENTIALITY"), 1);
    EXPECT_EQ(headingLevel("Exhibit A"), 1);
    EXPECT_EQ(headingLevel("Article 5 of the Agreement applies to this"), std::nullopt);
    EXPECT_EQ(headingLevel("1. The buyer pays the price within thirty days of the invoice."),
              std::nullopt);
    EXPECT_EQ(headingLevel("12 months after the Effective Date"), std::nullopt);
    EXPECT_EQ(headingLevel("1999. That Was The Year"), std::nullopt);
    EXPECT_EQ(headingLevel("WHEREAS, the parties wish"), std::nullopt);
    EXPECT_EQ(headingLevel("US"), std::nullopt);
    EXPECT_EQ(headingLevel(""), std::nullopt);
}

TEST(Lists, HaveMarkers) {
    EXPECT_EQ(listMarker("(a) text"), 4U);
    EXPECT_EQ(listMarker("1. text"), 3U);
    EXPECT_EQ(listMarker("iv) text"), 4U);
    EXPECT_EQ(listMarker("• text"), 4U);
    EXPECT_EQ(listMarker("- text"), 2U);
    EXPECT_EQ(listMarker("10.2.3 text"), 7U);
    EXPECT_EQ(listMarker("text"), 0U);
    EXPECT_EQ(listMarker("(see above) text"), 0U);
    EXPECT_EQ(listMarker("-5 degrees"), 0U);
    EXPECT_EQ(listMarker("12 months"), 0U);
    EXPECT_EQ(listMarker(""), 0U);
}

TEST(Text, HasBlocksAndALineIndex) {
    const Document document = readBytes(
        "notes.txt",
        "LEASE AGREEMENT\r\n\r\nThe first paragraph\r\nhas two lines.\r\n\r\n- one\r\n- two\r\n");
    EXPECT_EQ(document.format, Format::Text);
    EXPECT_EQ(document.title, "LEASE AGREEMENT");
    EXPECT_THAT(blocksOf(document, BlockKind::Heading), ElementsAre("LEASE AGREEMENT"));
    EXPECT_THAT(blocksOf(document, BlockKind::Paragraph),
                ElementsAre("The first paragraph\nhas two lines."));
    EXPECT_THAT(blocksOf(document, BlockKind::ListItem), ElementsAre("- one", "- two"));
    EXPECT_EQ(lineOf(document, document.text.find("two lines")), 4U);
    checkDocument(document, "notes.txt");
}

TEST(Text, CodeIsDividedAtEmptyLines) {
    const Document document =
        readBytes("a.py", "import os\n\ndef f():\n    return 1\n\n\nprint(f())\n");
    EXPECT_EQ(document.format, Format::Code);
    EXPECT_EQ(document.language, "python");
    EXPECT_EQ(document.title, "a.py");
    EXPECT_THAT(blocksOf(document, BlockKind::Code),
                ElementsAre("import os", "def f():\n    return 1", "print(f())"));
    checkDocument(document, "a.py");
}

TEST(Text, TheEmptyFileIsADocument) {
    const Document document = readBytes("empty.txt", "");
    EXPECT_EQ(document.text, "");
    EXPECT_EQ(document.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    checkDocument(document, "empty");
}

TEST(Text, AMillionLinesAreQuick) {
    std::string text;
    for (int i = 0; i < 1'000'000; ++i) {
        text += "    value[" + std::to_string(i) + "] = compute(value[" + std::to_string(i) +
                " - 1]);\n";
    }
    const auto start = std::chrono::steady_clock::now();
    const Document document = readBytes("big.c", text);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(document.lineStarts.size(), 1'000'000U);
    EXPECT_EQ(lineOf(document, document.lineStarts[654'320] + 5), 654'321U);
    RecordProperty("megabytes_per_second",
                   static_cast<int>(static_cast<double>(text.size()) / 1e6 / seconds.count()));
    EXPECT_LT(seconds.count(), 5.0);
}

TEST(Files, OtherThanRegularOnesAreRefused) {
    const TempFolder folder;
    EXPECT_EQ(errorOf([&] { readNow(folder.path()); }).code(), ErrorCode::Unsupported);
    EXPECT_EQ(errorOf([&] { readNow(folder.path() / "absent.txt"); }).code(), ErrorCode::NotFound);
    const auto pipe = folder.path() / "pipe";
    ASSERT_EQ(std::system(("mkfifo '" + pipe.string() + "'").c_str()), 0);
    EXPECT_EQ(errorOf([&] { readNow(pipe); }).code(), ErrorCode::Unsupported)
        << "and does not hang";
    EXPECT_EQ(errorOf([&] { readNow("/dev/zero"); }).code(), ErrorCode::Unsupported);
}

} // namespace dossier::ingest
