// SPDX-License-Identifier: GPL-3.0-or-later
// The Reader of the application, with the real dossier-reader and with one that misbehaves.
#include <atomic>
#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poppler-annotation.h>
#include <poppler-qt6.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ingest/client/options.h"
#include "ingest/client/worker_process.h"
#include "tests/ingest/support/ingest_testing.h"
#include "tests/ingest/support/pdf_builder.h"

namespace dossier::ingest {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;

const std::filesystem::path kReader = std::filesystem::path(DOSSIER_BIN_DIR) / "dossier-reader";
const std::filesystem::path kRogue =
    std::filesystem::path(DOSSIER_BIN_DIR) / "../tests/ingest_rogue_reader";

std::string longPdf(int pages) {
    PdfBuilder builder;
    for (int page = 0; page < pages; ++page) {
        for (int line = 0; line < 40; ++line) {
            builder.text(72, 780 - 17 * line,
                         "Line " + std::to_string(line) +
                             " of a page with as many words as a page of a contract has.");
        }
        builder.page();
    }
    return builder.build();
}

bool haveQpdf() {
    return std::system("qpdf --version >/dev/null 2>&1") == 0;
}

bool qpdfAccepts(const std::filesystem::path& file, const std::string& options = "") {
    return std::system(
               ("qpdf --check " + options + " '" + file.string() + "' >/dev/null 2>&1").c_str()) ==
           0;
}

Box boxOfText(const Document& document, const std::string& text) {
    const std::size_t at = document.text.find(text);
    return boxesOf(document, {at, at + text.size()}).at(0).box;
}

std::vector<PdfMark> fourMarks(const Document& document) {
    const auto mark = [&](MarkKind kind, const std::string& text, const std::string& note) {
        const std::size_t at = document.text.find(text);
        EXPECT_NE(at, std::string::npos) << text;
        PdfMark result;
        result.kind = kind;
        result.boxes = boxesOf(document, {at, at + text.size()});
        result.author = "Ada Lärche";
        result.note = note;
        return result;
    };
    return {mark(MarkKind::Highlight, "continues for three years", "Laufzeit: drei Jahre – “ok”"),
            mark(MarkKind::Underline, "ninety (90) days", ""),
            mark(MarkKind::StrikeOut, "conflict of laws", ""),
            mark(MarkKind::Note, "GOVERNING LAW", "Check with counsel")};
}

} // namespace

TEST(Client, ReadsEveryFormatLikeTheReadersThemselves) {
    const TempFolder folder;
    const auto reader = makeReader(kReader);
    const auto code = folder.write("a.py", "import os\n\nprint(os)\n");
    EXPECT_EQ(reader->read(code, {}), readNow(code));
    EXPECT_EQ(reader->read(sample("contract.pdf"), {}), readNow(sample("contract.pdf")));
    EXPECT_EQ(reader->read(sample("password.pdf"), {"lärche 7"}),
              readNow(sample("password.pdf"), {"lärche 7"}));
}

TEST(Client, ItsConfinementLeavesTheCharacterMaps) {
    if (!havePopplerData()) {
        GTEST_SKIP() << "the package poppler-data is not installed";
    }
    const TempFolder folder;
    EXPECT_EQ(makeReader(kReader)->read(folder.write("a.pdf", japanesePdf()), {}).text, "賃料1");
}

TEST(Client, PassesOnWhatIsWrongWithAFile) {
    const TempFolder folder;
    const auto reader = makeReader(kReader);
    EXPECT_EQ(errorOf([&] { reader->read(folder.path() / "absent.pdf", {}); }).code(),
              ErrorCode::NotFound);
    EXPECT_EQ(errorOf([&] { reader->read(folder.path(), {}); }).code(), ErrorCode::Unsupported);
    EXPECT_EQ(errorOf([&] { reader->read(sample("password.pdf"), {}); }).code(),
              ErrorCode::Encrypted);
    const auto broken = folder.write("broken.pdf", "%PDF-1.7 broken");
    const Error error = errorOf([&] { reader->read(broken, {}); });
    EXPECT_EQ(error.code(), ErrorCode::Corrupt);
    EXPECT_THAT(error.what(), HasSubstr("broken.pdf"));
    ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
    EXPECT_EQ(errorOf([&] { reader->read(folder.path() / "pipe", {}); }).code(),
              ErrorCode::Unsupported);
    EXPECT_NO_THROW(reader->read(sample("contract.pdf"), {})) << "and the next file works";
}

TEST(Client, SaysWhenItsProgramIsMissing) {
    const auto reader = makeReader("/nonexistent/dossier-reader");
    const Error error = errorOf([&] { reader->read(sample("contract.pdf"), {}); });
    EXPECT_EQ(error.code(), ErrorCode::NotFound);
    EXPECT_THAT(error.what(), HasSubstr("/nonexistent/dossier-reader"));
    EXPECT_EQ(errorOf([&] { makeReader("/bin/true")->read(sample("contract.pdf"), {}); }).code(),
              ErrorCode::ProcessDied);
}

TEST(Client, SurvivesAReaderThatCrashesHangsOrLies) {
    const TempFolder folder;
    ClientOptions options;
    options.quietLimit = 300ms;
    options.fileLimit = 1500ms;
    options.memoryBytes = 256 << 20;
    const auto reader = makeReader(kRogue, options);
    const auto failing = [&](const char* name) {
        const auto file = folder.write(name, "x");
        return errorOf([&] { reader->read(file, {}); });
    };
    EXPECT_EQ(failing("crash.pdf").code(), ErrorCode::ProcessDied);
    EXPECT_THAT(failing("crash.pdf").what(), HasSubstr("crashed on crash.pdf"));
    EXPECT_EQ(failing("quit.pdf").code(), ErrorCode::ProcessDied);
    EXPECT_EQ(failing("hang.pdf").code(), ErrorCode::ProcessDied);
    EXPECT_THAT(failing("hang.pdf").what(), HasSubstr("one page of it took longer"));
    EXPECT_THAT(failing("busy.pdf").what(), HasSubstr("the file took longer"));
    EXPECT_EQ(failing("lie.pdf").code(), ErrorCode::ProcessDied);
    EXPECT_EQ(failing("other.pdf").code(), ErrorCode::Corrupt) << "what it sent is no document";
    const auto picture = folder.write("shrinking.pdf", "x");
    EXPECT_EQ(errorOf([&] {
                  reader->renderPage(picture, {}, 0, 10, {0, 0, 1, 1});
              }).code(),
              ErrorCode::Corrupt);
}

TEST(Client, ACrashWithMuchMemoryIsCalledByItsCause) {
    const TempFolder folder;
    ClientOptions options;
    options.memoryBytes = 256 << 20;
    const auto reader = makeReader(kRogue, options);
    const auto file = folder.write("greedy.pdf", "x");
    const Error error = errorOf([&] { reader->read(file, {}); });
    EXPECT_EQ(error.code(), ErrorCode::TooLarge) << error.what();
}

TEST(Client, CancellingStopsWithinAQuarterOfASecond) {
    const TempFolder folder;
    ClientOptions options;
    options.workers = 1;
    const auto rogue = makeReader(kRogue, options);
    const auto hanging = folder.write("hang.pdf", "x");
    std::stop_source source;
    std::chrono::steady_clock::time_point asked;
    std::thread stopper([&] {
        std::this_thread::sleep_for(300ms);
        asked = std::chrono::steady_clock::now();
        source.request_stop();
    });
    EXPECT_EQ(errorOf([&] { rogue->read(hanging, {}, {}, source.get_token()); }).code(),
              ErrorCode::Cancelled);
    EXPECT_LT(std::chrono::steady_clock::now() - asked, 250ms);
    stopper.join();

    // The same while waiting for a free process, and with real work.
    const auto reader = makeReader(kReader, options);
    const auto file = folder.write("long.pdf", longPdf(600));
    std::stop_source real;
    EXPECT_EQ(errorOf([&] {
                  reader->read(
                      file, {},
                      [&](std::uint64_t done, std::uint64_t) {
                          if (done >= 10) {
                              real.request_stop();
                          }
                      },
                      real.get_token());
              }).code(),
              ErrorCode::Cancelled);
    EXPECT_NO_THROW(reader->read(sample("contract.pdf"), {}));
}

TEST(Client, MemoryOverrunsAreErrorsOfTheFile) {
#ifdef DOSSIER_SANITIZED
    GTEST_SKIP() << "no memory limit in builds with sanitizers";
#endif
    const TempFolder folder;
    ClientOptions options;
    options.memoryBytes = 64 << 20;
    const auto reader = makeReader(kReader, options);
    const auto file = folder.write("big.txt", std::string(100 << 20, 'x'));
    const Error error = errorOf([&] { reader->read(file, {}); });
    EXPECT_EQ(error.code(), ErrorCode::TooLarge) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("big.txt needs more"));
    EXPECT_NO_THROW(reader->read(sample("contract.pdf"), {}));
}

TEST(Client, ServesManyThreads) {
    const TempFolder folder;
    for (int i = 0; i < 40; ++i) {
        folder.write("f" + std::to_string(i) + ".c", "int f" + std::to_string(i) + "(void);\n");
    }
    const auto reader = makeReader(kReader, 2);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            for (int i = t; i < 40; i += 8) {
                const auto name = "f" + std::to_string(i);
                const Document document = reader->read(folder.path() / (name + ".c"), {});
                wrong += document.text != "int " + name + "(void);\n" ? 1 : 0;
            }
            const PageImage image = reader->renderPage(
                sample("contract.pdf"), {}, 0, 200 + static_cast<std::uint32_t>(t), {0, 0, 1, 1});
            wrong += image.width != 200U + static_cast<std::uint32_t>(t) ? 1 : 0;
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(wrong, 0);
}

TEST(Client, RendersIntoSharedMemory) {
    const auto reader = makeReader(kReader);
    const PageImage image = reader->renderPage(sample("contract.pdf"), {}, 1, 600, {0, 0, 1, 0.5F});
    EXPECT_EQ(image.width, 600U);
    EXPECT_NEAR(image.height, 425, 2);
    std::size_t ink = 0;
    for (std::size_t i = 0; i < std::size_t{image.width} * image.height; ++i) {
        EXPECT_EQ(image.pixels[i] >> 24, 0xFFU);
        ink += (image.pixels[i] & 0xFF) < 0x80 ? 1U : 0U;
    }
    EXPECT_GT(ink, 500U);
    EXPECT_EQ(errorOf([&] {
                  reader->renderPage(sample("contract.pdf"), {}, 9, 600, {0, 0, 1, 1});
              }).code(),
              ErrorCode::InvalidArgument);
    EXPECT_EQ(errorOf([&] {
                  reader->renderPage(sample("contract.pdf"), {}, 0, 4'000'000, {0, 0, 1, 1});
              }).code(),
              ErrorCode::TooLarge);
}

TEST(Client, WalksAFolder) {
    const TempFolder folder;
    folder.write(".gitignore", "*.o\n");
    folder.write("a.c", "int a;\n");
    folder.write("a.o", "x");
    folder.write("caf\xE9.txt", "x");
    const auto reader = makeReader(kReader);
    const auto entries = reader->walk(folder.path(), {});
    ASSERT_EQ(entries.size(), 4U);
    EXPECT_EQ(entries[2].reason, "ignored by .gitignore:1 (*.o)");
    EXPECT_EQ(entries[2].kind, WalkReason::IgnoreRule);
    EXPECT_EQ(entries[3].file, std::filesystem::path("caf\xE9.txt"));
    EXPECT_EQ(errorOf([&] { reader->walk(folder.path() / "absent", {}); }).code(),
              ErrorCode::NotFound);
}

TEST(Client, WalkSeesTheRepositoryAroundAFolder) {
    if (std::system("git --version >/dev/null 2>&1") != 0) {
        GTEST_SKIP() << "git is not installed";
    }
    const TempFolder folder;
    folder.write(".gitignore", "*.gen\n");
    folder.write("sub/a.gen", "x");
    folder.write("sub/b.gen", "x");
    ASSERT_EQ(
        std::system(("cd '" + folder.path().string() + "' && git init -q . && git add -f sub/b.gen")
                        .c_str()),
        0);
    const auto entries = makeReader(kReader)->walk(folder.path() / "sub", {});
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_FALSE(entries[0].included);
    EXPECT_TRUE(entries[1].included) << "tracked";
}

TEST(Client, ReportsItsConfinement) {
    const auto reader = makeReader(kReader);
    const auto layers = reader->confinement();
    std::vector<std::string> names;
    for (const ConfinementLayer& layer : layers) {
        names.push_back(layer.name);
        EXPECT_FALSE(layer.detail.empty()) << layer.name;
    }
    EXPECT_THAT(
        names, testing::UnorderedElementsAre("memory", "time", "files", "system calls", "network"));
}

TEST(Annotate, WritesRealAnnotationsIntoACopy) {
    const TempFolder folder;
    const auto reader = makeReader(kReader);
    const auto original = sample("contract.pdf");
    const std::string before = readFile(original);
    const Document document = reader->read(original, {});
    const auto marks = fourMarks(document);
    const auto copy = folder.path() / "copy.pdf";
    reader->writeAnnotatedCopy(original, {}, marks, copy);
    EXPECT_EQ(readFile(original), before) << "the original is as it was";
    EXPECT_EQ(readFile(copy).substr(0, before.size()), before) << "the copy begins with its bytes";
    EXPECT_EQ(reader->read(copy, {}).text, document.text);

    const auto opened = Poppler::Document::load(QString::fromStdString(copy.string()));
    ASSERT_TRUE(opened);
    std::vector<Poppler::Annotation::SubType> kinds;
    for (int i = 0; i < opened->numPages(); ++i) {
        const auto page = opened->page(i);
        for (const auto& annotation : page->annotations()) {
            kinds.push_back(annotation->subType());
            EXPECT_EQ(annotation->author(), QStringLiteral("Ada Lärche"));
            if (const auto* highlight =
                    dynamic_cast<const Poppler::HighlightAnnotation*>(annotation.get());
                highlight != nullptr &&
                highlight->highlightType() == Poppler::HighlightAnnotation::Highlight) {
                EXPECT_EQ(annotation->contents(), QStringLiteral("Laufzeit: drei Jahre – “ok”"));
                const Box box = marks[0].boxes[0].box;
                const QRectF at = annotation->boundary();
                EXPECT_NEAR(at.left(), box.left, 0.01);
                EXPECT_NEAR(at.top(), box.top, 0.01);
                EXPECT_NEAR(at.right(), box.right, 0.01);
                EXPECT_EQ(annotation->style().color(), QColor(255, 224, 127));
            }
        }
    }
    EXPECT_THAT(kinds, testing::UnorderedElementsAre(
                           Poppler::Annotation::AHighlight, Poppler::Annotation::AHighlight,
                           Poppler::Annotation::AHighlight, Poppler::Annotation::AText));
    const std::string bytes = readFile(copy);
    EXPECT_THAT(bytes, HasSubstr("/Underline"));
    EXPECT_THAT(bytes, HasSubstr("/StrikeOut"));
    if (haveQpdf()) {
        EXPECT_TRUE(qpdfAccepts(copy));
    }
}

TEST(Annotate, HighlightsAreVisible) {
    const TempFolder folder;
    const auto reader = makeReader(kReader);
    const auto original = sample("contract.pdf");
    const Document document = reader->read(original, {});
    const auto copy = folder.path() / "copy.pdf";
    reader->writeAnnotatedCopy(original, {}, fourMarks(document), copy);
    const Box box = boxOfText(document, "continues for three years");
    const auto yellow = [&](const std::filesystem::path& file) {
        const PageImage image = reader->renderPage(file, {}, 0, 1000, box);
        std::size_t count = 0;
        for (std::size_t i = 0; i < std::size_t{image.width} * image.height; ++i) {
            const std::uint32_t p = image.pixels[i];
            count += ((p >> 16) & 0xFF) > 200 && (p & 0xFF) < 200 ? 1U : 0U;
        }
        return static_cast<double>(count) / (image.width * image.height);
    };
    EXPECT_EQ(yellow(original), 0.0);
    EXPECT_GT(yellow(copy), 0.5);
}

TEST(Annotate, KeepsTheEncryptionOfTheOriginal) {
    const TempFolder folder;
    const auto reader = makeReader(kReader);
    const auto copy = folder.path() / "copy.pdf";
    const Document document = reader->read(sample("password.pdf"), {"lärche 7"});
    reader->writeAnnotatedCopy(sample("password.pdf"), {"lärche 7"}, fourMarks(document), copy);
    EXPECT_EQ(errorOf([&] { reader->read(copy, {}); }).code(), ErrorCode::Encrypted);
    EXPECT_EQ(reader->read(copy, {"lärche 7"}).text, document.text);
    EXPECT_EQ(errorOf([&] {
                  reader->writeAnnotatedCopy(sample("password.pdf"), {}, {},
                                             folder.path() / "x.pdf");
              }).code(),
              ErrorCode::Encrypted);
    if (haveQpdf()) {
        EXPECT_TRUE(qpdfAccepts(copy, "--password='lärche 7'"));
    }
}

TEST(Annotate, RespectsTheOwnersRestrictions) {
    const TempFolder folder;
    const auto reader = makeReader(kReader);
    const Document document = reader->read(sample("restricted.pdf"), {});
    EXPECT_THAT(document.text, HasSubstr("SUPPLY AGREEMENT")) << "may be read";
    EXPECT_THAT(document.warnings, Contains(HasSubstr("forbids adding notes")));
    const auto copy = folder.path() / "copy.pdf";
    const Error error = errorOf([&] {
        reader->writeAnnotatedCopy(sample("restricted.pdf"), {}, fourMarks(document), copy);
    });
    EXPECT_EQ(error.code(), ErrorCode::Permission);
    EXPECT_THAT(error.what(), HasSubstr("forbids adding annotations"));
    EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "nothing half-written stays";
}

TEST(Annotate, NeverWritesOverTheOriginal) {
    const TempFolder folder;
    const auto reader = makeReader(kReader);
    const auto file = folder.write("a.pdf", readFile(sample("contract.pdf")));
    std::filesystem::create_hard_link(file, folder.path() / "hard.pdf");
    std::filesystem::create_symlink(file, folder.path() / "soft.pdf");
    for (const char* name : {"a.pdf", "hard.pdf", "soft.pdf"}) {
        EXPECT_EQ(
            errorOf([&] { reader->writeAnnotatedCopy(file, {}, {}, folder.path() / name); }).code(),
            ErrorCode::InvalidArgument)
            << name;
    }
    EXPECT_EQ(readFile(file), readFile(sample("contract.pdf")));
    PdfMark outside;
    outside.boxes = {{77, {0, 0, 1, 1}}};
    EXPECT_EQ(errorOf([&] {
                  reader->writeAnnotatedCopy(file, {}, {outside}, folder.path() / "b.pdf");
              }).code(),
              ErrorCode::InvalidArgument);
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "b.pdf"));
    EXPECT_EQ(errorOf([&] {
                  reader->writeAnnotatedCopy(file, {}, {}, folder.path() / "no/such/b.pdf");
              }).code(),
              ErrorCode::NotFound);
}

TEST(Annotate, WorksOnRealContracts) {
    const auto files = contracts();
    if (files.empty()) {
        GTEST_SKIP() << "no contracts beside the repository (../shared/contracts)";
    }
    const TempFolder folder;
    const auto reader = makeReader(kReader);
    for (const std::size_t index : {0U, 9U, 30U}) {
        const Document document = reader->read(files.at(index), {});
        std::vector<PdfMark> marks(20);
        for (std::size_t i = 0; i < marks.size(); ++i) {
            const Block& block = document.blocks[(i + 1) * document.blocks.size() / 22];
            marks[i].boxes = boxesOf(document, block.range);
            marks[i].note = "note " + std::to_string(i);
        }
        const auto copy = folder.path() / files.at(index).filename();
        reader->writeAnnotatedCopy(files.at(index), {}, marks, copy);
        const auto opened = Poppler::Document::load(QString::fromStdString(copy.string()));
        int annotations = 0;
        for (int i = 0; i < opened->numPages(); ++i) {
            annotations += static_cast<int>(opened->page(i)->annotations().size());
        }
        EXPECT_GE(annotations, 20) << files.at(index);
        if (haveQpdf()) {
            EXPECT_TRUE(qpdfAccepts(copy)) << files.at(index);
        }
    }
}

TEST(ReaderProgram, EndsWithItsInput) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], STDIN_FILENO);
        ::dup2(ends[1], STDOUT_FILENO);
        ::execl(kReader.c_str(), kReader.c_str(), "--serve", nullptr);
        ::_exit(127);
    }
    ::close(ends[1]);
    {
        Channel channel{Descriptor(ends[0])};
        EXPECT_EQ(channel.receive().type, wire::Message::Hello);
        const TempFolder folder;
        const auto file = folder.write("long.pdf", longPdf(500));
        std::FILE* opened = std::fopen(file.c_str(), "rb");
        wire::Encoder out;
        out.string("long.pdf");
        out.string("");
        channel.send(wire::Message::Read, out.bytes(), {::fileno(opened)});
        std::fclose(opened);
        EXPECT_EQ(channel.receive().type, wire::Message::Progress) << "it is at work";
    }
    int status = -1;
    for (int i = 0; i < 200 && ::waitpid(child, &status, WNOHANG) == 0; ++i) {
        std::this_thread::sleep_for(10ms);
    }
    EXPECT_TRUE(WIFEXITED(status)) << "it must not go on for nobody";
}

TEST(ReaderProgram, TellsPeopleWhatItIs) {
    EXPECT_EQ(WEXITSTATUS(std::system((kReader.string() + " </dev/null >/dev/null 2>&1").c_str())),
              2);
    EXPECT_EQ(WEXITSTATUS(
                  std::system((kReader.string() + " --serve </dev/null >/dev/null 2>&1").c_str())),
              2);
}

} // namespace dossier::ingest
