// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/walk/walk.h"

#include <chrono>
#include <cstdlib>
#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ingest/walk/classify.h"
#include "tests/ingest/support/ingest_testing.h"

namespace dossier::ingest {
namespace {

using namespace testing_support;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<WalkEntry> walk(const std::filesystem::path& folder, const WalkOptions& options = {}) {
    return walkFolder(folder, options, readers::Job({}, {}, {}));
}

std::vector<std::string> included(const std::vector<WalkEntry>& entries) {
    std::vector<std::string> paths;
    for (const WalkEntry& entry : entries) {
        if (entry.included) {
            paths.push_back(entry.path);
        }
    }
    return paths;
}

WalkEntry entryOf(const std::vector<WalkEntry>& entries, const std::string& path) {
    for (const WalkEntry& entry : entries) {
        if (entry.path == path) {
            return entry;
        }
    }
    ADD_FAILURE() << "no entry for " << path;
    return {};
}

bool run(const std::filesystem::path& folder, const std::string& command) {
    return std::system(
               ("cd '" + folder.string() + "' && (" + command + ") >/dev/null 2>&1").c_str()) == 0;
}

bool haveGit() {
    return std::system("git --version >/dev/null 2>&1") == 0;
}

const char* const kGitInit =
    "git init -q . && git config user.email a@b.c && git config user.name n";

} // namespace

TEST(Walk, ListsFilesSortedWithSizes) {
    const TempFolder folder;
    folder.write("b.txt", "two");
    folder.write("a/x.cpp", "int x;\n");
    folder.write("a.txt", "one");
    const auto entries = walk(folder.path());
    EXPECT_THAT(included(entries), ElementsAre("a.txt", "a/x.cpp", "b.txt"));
    EXPECT_EQ(entries[1].bytes, 7U);
    EXPECT_EQ(entries[1].kind, WalkReason::None);
}

TEST(Walk, HonoursNestedGitignoreWithNegationAndSaysWhichRule) {
    const TempFolder folder;
    folder.write(".gitignore", "*.log\n/out/\nsecret*\n");
    folder.write("sub/.gitignore", "!important.log\ngen/*\n!gen/keep.h\n");
    folder.write("a.log", "x");
    folder.write("sub/b.log", "x");
    folder.write("sub/important.log", "x");
    folder.write("sub/gen/drop.h", "x");
    folder.write("sub/gen/keep.h", "x");
    folder.write("sub/out/kept.txt", "x");
    folder.write("out/deep/file.txt", "x");
    const auto entries = walk(folder.path());
    EXPECT_THAT(included(entries), ElementsAre(".gitignore", "sub/.gitignore", "sub/gen/keep.h",
                                               "sub/important.log", "sub/out/kept.txt"));
    EXPECT_EQ(entryOf(entries, "sub/b.log").reason, "ignored by .gitignore:1 (*.log)");
    EXPECT_EQ(entryOf(entries, "sub/gen/drop.h").reason, "ignored by sub/.gitignore:2 (gen/*)");
    const WalkEntry out = entryOf(entries, "out");
    EXPECT_TRUE(out.folder);
    EXPECT_EQ(out.kind, WalkReason::IgnoreRule);
    EXPECT_EQ(out.reason, "ignored by .gitignore:2 (/out/)");
    WalkOptions all;
    all.honourGitignore = false;
    EXPECT_THAT(included(walk(folder.path(), all)), Contains("out/deep/file.txt"));
}

TEST(Walk, OwnIgnoreFilesComeFirst) {
    const TempFolder folder;
    folder.write(".gitignore", "*.dat.txt\n");
    folder.write(".ignore", "notes/\n");
    folder.write(".dossierignore", "!wanted.dat.txt\n*.md\n!yarn.lock\n");
    folder.write("wanted.dat.txt", "x");
    folder.write("other.dat.txt", "x");
    folder.write("notes/a.txt", "x");
    folder.write("README.md", "x");
    folder.write("yarn.lock", "x");
    const auto entries = walk(folder.path());
    EXPECT_TRUE(entryOf(entries, "wanted.dat.txt").included);
    EXPECT_FALSE(entryOf(entries, "other.dat.txt").included);
    EXPECT_EQ(entryOf(entries, "notes").reason, "ignored by .ignore:1 (notes/)");
    EXPECT_EQ(entryOf(entries, "README.md").reason, "ignored by .dossierignore:2 (*.md)");
    EXPECT_TRUE(entryOf(entries, "yarn.lock").included) << "taken in by name";
}

TEST(Walk, UsesWhatTheRepositoryKnows) {
    if (!haveGit()) {
        GTEST_SKIP() << "git is not installed";
    }
    const TempFolder folder;
    folder.write(".gitignore", "*.gen.txt\nbuild/\n");
    folder.write("forced.gen.txt", "x");
    folder.write("loose.gen.txt", "x");
    folder.write("build/kept.txt", "x");
    folder.write("build/loose.txt", "x");
    folder.write("private/plan.txt", "x");
    folder.write("sub/inner.gen.txt", "x");
    folder.write("sub/inner.txt", "x");
    ASSERT_TRUE(run(folder.path(), kGitInit));
    ASSERT_TRUE(run(folder.path(), "git add -f forced.gen.txt build/kept.txt .gitignore && echo "
                                   "'/private/' >> .git/info/exclude"));
    const auto entries = walk(folder.path());
    EXPECT_TRUE(entryOf(entries, "forced.gen.txt").included)
        << "tracked files are part of the source";
    EXPECT_FALSE(entryOf(entries, "loose.gen.txt").included);
    EXPECT_TRUE(entryOf(entries, "build/kept.txt").included);
    EXPECT_EQ(entryOf(entries, "build/loose.txt").reason, "ignored by .gitignore:2 (build/)");
    EXPECT_THAT(entryOf(entries, "private").reason, HasSubstr(".git/info/exclude"));
    EXPECT_EQ(entryOf(entries, ".git").kind, WalkReason::Repository);
    // A folder inside the repository obeys the rules above it.
    const auto inner = walk(folder.path() / "sub");
    EXPECT_THAT(included(inner), ElementsAre("inner.txt"));
    EXPECT_THAT(entryOf(inner, "inner.gen.txt").reason, HasSubstr(".gitignore:1 (*.gen.txt)"));
}

TEST(Walk, AgreesWithGitOnRandomTrees) {
    if (!haveGit()) {
        GTEST_SKIP() << "git is not installed";
    }
    std::mt19937 generator(5);
    const char* const rules[] = {"*.x",   "!a.x",   "/a",  "a/",     "**/b", "c/**", "!c/keep.y",
                                 "b/*.x", "[ab].y", "!b/", "a/**/c", "?.y",  "/c/*", "!/c/a.x"};
    const char* const names[] = {"a", "b", "c", "a.x", "b.x", "a.y", "keep.y", "b.y"};
    for (int round = 0; round < 12; ++round) {
        const TempFolder folder;
        ASSERT_TRUE(run(folder.path(), kGitInit));
        const auto randomRules = [&] {
            std::string text;
            for (std::uint32_t i = 0, n = 1 + generator() % 5; i < n; ++i) {
                text += std::string(rules[generator() % std::size(rules)]) + "\n";
            }
            return text;
        };
        std::vector<std::string> folders{""};
        for (int i = 0; i < 10; ++i) {
            folders.push_back(folders[generator() % folders.size()] + names[generator() % 3] + "/");
        }
        for (const std::string& below : folders) {
            std::error_code ignored;
            std::filesystem::create_directories(folder.path() / below, ignored);
            for (int i = 0; i < 4; ++i) {
                folder.write(below + names[3 + generator() % 5], "text");
            }
            if (below.empty() || generator() % 3 == 0) {
                folder.write(below + ".gitignore", randomRules());
            }
        }
        const auto listFile = folder.path() / ".git/listed";
        ASSERT_TRUE(run(folder.path(), "git ls-files --others --exclude-standard > .git/listed"));
        std::vector<std::string> expected;
        std::string listed = readFile(listFile);
        for (std::size_t at = 0; at < listed.size();) {
            const std::size_t end = listed.find('\n', at);
            expected.push_back(listed.substr(at, end - at));
            at = end + 1;
        }
        std::sort(expected.begin(), expected.end());
        EXPECT_EQ(included(walk(folder.path())), expected) << "round " << round;
    }
}

TEST(Walk, LeavesOutWhatNobodyWantsToReadAndSaysWhy) {
    const TempFolder folder;
    folder.write("package-lock.json", "{}");
    folder.write("logo.png", "x");
    folder.write("data.unknown", std::string("a\0b", 3));
    folder.write("app.min.js", "x");
    folder.write("bundle.js", std::string(5000, 'x'));
    folder.write("api.pb.go", "x");
    folder.write("gen.h", "// This file was automatically generated by a tool. DO NOT EDIT.\n");
    folder.write("plain.h",
                 "// We generate code here, do not edit the table by hand without care.\n");
    folder.write("node_modules/x/index.js", "x");
    folder.write("third_party/lib.c", "x");
    folder.write("__pycache__/a.py", "x");
    folder.write("empty.txt", "");
    folder.write("contract.pdf", "%PDF-1.7 and so on");
    folder.write("letter.docx", std::string("PK\x03\x04\0\0", 6));
    const auto entries = walk(folder.path());
    EXPECT_THAT(included(entries), ElementsAre("contract.pdf", "letter.docx", "plain.h"));
    EXPECT_EQ(entryOf(entries, "package-lock.json").kind, WalkReason::LockFile);
    EXPECT_EQ(entryOf(entries, "logo.png").kind, WalkReason::Binary);
    EXPECT_EQ(entryOf(entries, "data.unknown").kind, WalkReason::Binary);
    EXPECT_EQ(entryOf(entries, "app.min.js").kind, WalkReason::Minified);
    EXPECT_EQ(entryOf(entries, "bundle.js").kind, WalkReason::Minified);
    EXPECT_EQ(entryOf(entries, "api.pb.go").kind, WalkReason::Generated);
    EXPECT_EQ(entryOf(entries, "gen.h").kind, WalkReason::Generated);
    EXPECT_EQ(entryOf(entries, "node_modules").kind, WalkReason::Vendored);
    EXPECT_EQ(entryOf(entries, "third_party").kind, WalkReason::Vendored);
    EXPECT_EQ(entryOf(entries, "__pycache__").kind, WalkReason::Generated);
    EXPECT_EQ(entryOf(entries, "empty.txt").kind, WalkReason::Empty);
    for (const WalkEntry& entry : entries) {
        EXPECT_EQ(entry.included, entry.reason.empty()) << entry.path;
    }
}

TEST(Walk, KeepsSecretsOut) {
    const TempFolder folder;
    const std::string base64 = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    // Written in pieces, so that nobody takes these tests for a leak.
    folder.write("server.pem", "-----BEGIN "
                               "PRIVATE KEY-----\n" +
                                   base64 +
                                   "\n-----END "
                                   "PRIVATE KEY-----\n");
    folder.write("id_rsa", "x");
    folder.write(".env", "PASSWORD=x\n");
    folder.write(".env.example", "PASSWORD=\n");
    folder.write("deploy.sh", "export KEY=AKIA"
                              "IOSFODNN7EXAMPLE\n");
    folder.write("ci.yml", "token: gh"
                           "p_16C7e42F292c6912E7710c838347Ae178B4a\n");
    folder.write("doc.md", "Tokens look like gh"
                           "p_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx here.\n");
    folder.write("parser.c", "if (strstr(text, \"-----BEGIN "
                             "PRIVATE KEY-----\")) { return 1; }\n");
    folder.write("store.jks", "x");
    const auto entries = walk(folder.path());
    EXPECT_THAT(included(entries), ElementsAre(".env.example", "doc.md", "parser.c"));
    EXPECT_EQ(entryOf(entries, "server.pem").reason, "may hold a secret (private key)");
    EXPECT_EQ(entryOf(entries, "ci.yml").reason, "may hold a secret (GitHub token)");
    EXPECT_EQ(entryOf(entries, "deploy.sh").kind, WalkReason::Secret);
    EXPECT_EQ(entryOf(entries, ".env").kind, WalkReason::Secret);
    EXPECT_EQ(entryOf(entries, "id_rsa").kind, WalkReason::Secret);
}

TEST(Walk, LinksLoopsAndSpecialFilesAreHarmless) {
    const TempFolder folder;
    folder.write("real/a.txt", "x");
    std::filesystem::create_directory_symlink("..", folder.path() / "real/up");
    std::filesystem::create_symlink("self", folder.path() / "self");
    std::filesystem::create_symlink("/etc/passwd", folder.path() / "passwd");
    ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder.path() / "socket").string().copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const auto entries = walk(folder.path());
    ::close(socket);
    EXPECT_THAT(included(entries), ElementsAre("real/a.txt"));
    EXPECT_EQ(entryOf(entries, "real/up").kind, WalkReason::Link);
    EXPECT_EQ(entryOf(entries, "self").kind, WalkReason::Link);
    EXPECT_EQ(entryOf(entries, "passwd").kind, WalkReason::Link);
    EXPECT_EQ(entryOf(entries, "pipe").kind, WalkReason::Special);
    EXPECT_EQ(entryOf(entries, "socket").kind, WalkReason::Special);
}

TEST(Walk, NamesThatAreNoUtf8CanStillBeOpened) {
    const TempFolder folder;
    folder.write("caf\xE9.txt", "coffee");
    const auto entries = walk(folder.path());
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries[0].path, "caf\uFFFD.txt");
    EXPECT_EQ(readFile(folder.path() / entries[0].file), "coffee");
}

TEST(Walk, LargeFilesAndDeepFoldersAreReported) {
    const TempFolder folder;
    folder.write("big.txt", std::string(5000, 'x'));
    std::string deep;
    for (int i = 0; i < 300; ++i) {
        deep += "d/";
    }
    folder.write(deep + "a.txt", "x");
    WalkOptions options;
    options.maxFileBytes = 4000;
    const auto entries = walk(folder.path(), options);
    EXPECT_EQ(entryOf(entries, "big.txt").kind, WalkReason::TooLarge);
    EXPECT_THAT(included(entries), ElementsAre());
    EXPECT_THAT(entries.back().reason, HasSubstr("folders deep"));
}

TEST(Walk, RefusesWhatIsNoFolder) {
    const TempFolder folder;
    const auto file = folder.write("a.txt", "x");
    EXPECT_EQ(errorOf([&] { walk(file); }).code(), ErrorCode::Unsupported);
    EXPECT_EQ(errorOf([&] { walk(folder.path() / "absent"); }).code(), ErrorCode::NotFound);
}

TEST(Walk, StopsWhenAsked) {
    const TempFolder folder;
    for (int i = 0; i < 50; ++i) {
        folder.write("d" + std::to_string(i) + "/a.txt", "x");
    }
    std::stop_source source;
    const readers::Job job(
        {},
        [&](std::uint64_t done, std::uint64_t) {
            if (done > 5) {
                source.request_stop();
            }
        },
        source.get_token());
    EXPECT_EQ(errorOf([&] { walkFolder(folder.path(), {}, job); }).code(), ErrorCode::Cancelled);
}

TEST(Walk, TwoHundredThousandPathsTakeSeconds) {
    const TempFolder folder;
    folder.write(".gitignore", "*.o\n*.tmp\n/cache/\nbuild/\n!keep.o\n*.swp\n**/gen/*.c\n");
    std::string content = "int answer(void);\n";
    for (int d = 0; d < 500; ++d) {
        const auto below =
            folder.path() / ("module" + std::to_string(d % 25)) / ("part" + std::to_string(d));
        std::filesystem::create_directories(below);
        // Hard links are made faster than files; for the walk they are files.
        const auto first = folder.write(below.lexically_relative(folder.path()) / "f0.c", content);
        for (int f = 1; f < 400; ++f) {
            const auto name = below / ("f" + std::to_string(f) + (f % 4 == 0 ? ".o" : ".c"));
            ASSERT_EQ(::link(first.c_str(), name.c_str()), 0);
        }
    }
    const auto start = std::chrono::steady_clock::now();
    const auto entries = walk(folder.path());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(entries.size(), 200'001U);
    RecordProperty("paths_per_second", static_cast<int>(200'000 / seconds.count()));
    EXPECT_LT(seconds.count(), 20.0) << "5 on an idle machine";
}

} // namespace dossier::ingest
