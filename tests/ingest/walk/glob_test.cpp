// SPDX-License-Identifier: GPL-3.0-or-later
#include <chrono>
#include <random>

#include <git2.h>
#include <git2/sys/repository.h>
#include <gtest/gtest.h>

#include "ingest/walk/glob.h"
#include "ingest/walk/ignore.h"
#include "tests/ingest/support/ingest_testing.h"

namespace dossier::ingest {

TEST(Glob, FollowsTheRulesOfGit) {
    struct Case {
        const char *pattern, *path;
        bool matches;
    };
    const Case cases[] = {
        {"foo", "foo", true},
        {"foo", "foobar", false},
        {"*.o", "a.o", true},
        {"*.o", "a/b.o", false},
        {"a/*.o", "a/b.o", true},
        {"a/*.o", "a/b/c.o", false},
        {"**/foo", "foo", true},
        {"**/foo", "a/b/foo", true},
        {"**/foo", "a/xfoo", false},
        {"foo/**", "foo/a/b", true},
        {"foo/**", "foo", false},
        {"foo/**", "foo/", false},
        {"a/**/b", "a/b", true},
        {"a/**/b", "a/x/y/b", true},
        {"a/**/b", "a/xb", false},
        {"a**b", "axxb", true},
        {"a**b", "a/b", false},
        {"?", "x", true},
        {"?", "/", false},
        {"[a-c]x", "bx", true},
        {"[!a-c]x", "bx", false},
        {"[^a-c]x", "dx", true},
        {"[]x]", "]", true},
        {"[a-]", "-", true},
        {"[[:digit:]]", "7", true},
        {"[[:digit:]]", "x", false},
        {"\\*", "*", true},
        {"\\*", "x", false},
        {"[a", "[a", false},
        {"a[/]b", "a/b", false},
        {"**", "a/b", true},
        {"*", "", true},
        {"a/**/", "a/b/", true},
        {"*a*b*c", "xxaxxbxxc", true},
        {"*a*b*c", "xxaxxcxxb", false},
        {"\\a", "a", true},
        {"abc\\", "abc", false},
        {"a/**/**/b", "a/b", true},
        {"**/a/**", "x/a/y", true},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(Glob(c.pattern).matches(c.path), c.matches) << c.pattern << " against " << c.path;
    }
}

TEST(Glob, TakesBoundedTime) {
    std::string pattern, path(4000, 'a');
    for (int i = 0; i < 60; ++i) {
        pattern += "*a";
    }
    pattern += "b";
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(Glob(pattern).matches(path));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(Ignore, TheLastRuleThatFitsDecides) {
    const IgnoreFile file(
        "sub/.gitignore", "sub/",
        "\xEF\xBB\xBF# comment\r\n*.o\r\n!keep.o\n/build\ndocs/\n\\#odd\n\\!odd\ntrail \\ \n  "
        "\nblank   \n");
    const auto verdict = [&](const char* path, EntryType type = EntryType::File) {
        const auto match = file.match(path, type);
        return !match ? "no" : match->ignored ? "ignored" : "kept";
    };
    EXPECT_STREQ(verdict("sub/a.o"), "ignored");
    EXPECT_STREQ(verdict("sub/deep/a.o"), "ignored");
    EXPECT_STREQ(verdict("sub/deep/keep.o"), "kept");
    EXPECT_STREQ(verdict("sub/build"), "ignored");
    EXPECT_STREQ(verdict("sub/deep/build"), "no") << "anchored";
    EXPECT_STREQ(verdict("sub/docs"), "no") << "folders only";
    EXPECT_STREQ(verdict("sub/docs", EntryType::Folder), "ignored");
    EXPECT_STREQ(verdict("sub/#odd"), "ignored");
    EXPECT_STREQ(verdict("sub/!odd"), "ignored");
    EXPECT_STREQ(verdict("sub/blank"), "ignored") << "blanks at the end do not count";
    EXPECT_EQ(file.match("sub/x/a.o", EntryType::File)->rule, "sub/.gitignore:2 (*.o)");
}

TEST(Ignore, AgreesWithLibgit2OnRandomRules) {
    const testing_support::TempFolder folder;
    git_libgit2_init();
    git_repository* repository = nullptr;
    ASSERT_EQ(git_repository_new(&repository), 0);
    git_config* config = nullptr;
    ASSERT_EQ(git_config_new(&config), 0);
    ASSERT_EQ(git_repository_set_config(repository, config), 0);
    ASSERT_EQ(git_repository_set_workdir(repository, folder.path().c_str(), 0), 0);
    std::mt19937 generator(11);
    const char* const parts[] = {"a", "b", "ab", "*", "*.c", "a*", "?", "[ab]", "**", "x.c"};
    const char* const names[] = {"a", "b", "ab", "x.c", "abc", "c"};
    int ignoredCount = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string rule;
        rule += generator() % 4 == 0 ? "/" : "";
        for (std::uint32_t i = 0, n = 1 + generator() % 3; i < n; ++i) {
            rule += (i > 0 ? "/" : "") + std::string(parts[generator() % std::size(parts)]);
        }
        std::string path;
        for (std::uint32_t i = 0, n = 1 + generator() % 3; i < n; ++i) {
            path += (i > 0 ? "/" : "") + std::string(names[generator() % std::size(names)]);
        }
        // As a walk does it: a folder that is ignored takes all below it with it.
        const IgnoreFile ours(".gitignore", "", rule);
        bool ignored = false;
        for (std::size_t slash = path.find('/'); !ignored && slash != std::string::npos;
             slash = path.find('/', slash + 1)) {
            const auto match = ours.match(path.substr(0, slash), EntryType::Folder);
            ignored = match && match->ignored;
        }
        if (!ignored) {
            const auto match = ours.match(path, EntryType::File);
            ignored = match && match->ignored;
        }
        ASSERT_EQ(git_ignore_clear_internal_rules(repository), 0);
        ASSERT_EQ(git_ignore_add_rule(repository, (rule + "\n").c_str()), 0);
        int theirs = 0;
        ASSERT_EQ(git_ignore_path_is_ignored(&theirs, repository, path.c_str()), 0);
        EXPECT_EQ(ignored, theirs == 1) << "rule " << rule << " path " << path;
        ignoredCount += theirs;
    }
    EXPECT_GT(ignoredCount, 2000) << "the rules must bite for the comparison to mean something";
    git_config_free(config);
    git_repository_free(repository);
}

} // namespace dossier::ingest
