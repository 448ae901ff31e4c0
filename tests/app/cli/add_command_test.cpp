// SPDX-License-Identifier: GPL-3.0-or-later
// dossier add and sources as a person runs them, with the real reader.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

#include <unistd.h>

#include "tests/support/dossier_program.h"
#include "tests/support/temp_folder.h"

namespace dossier::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

class AddCommandTest : public ::testing::Test {
  protected:
    AddCommandTest() {
        EXPECT_EQ(program.run({"new", dossier}), 0);
        EXPECT_EQ(program.out, dossier + "\n");
    }
    int add(const std::vector<std::filesystem::path>& files) {
        std::vector<std::string> words{"add", "-d", dossier};
        words.insert(words.end(), files.begin(), files.end());
        return program.run(words);
    }
    std::string sources() {
        EXPECT_EQ(program.run({"sources", "-d", dossier}), 0);
        return program.out;
    }
    /// Files that take long enough to be interrupted at.
    std::vector<std::string> addingMuch(long version = 0) {
        std::string text = "Version " + std::to_string(version) + "\n\n";
        for (int i = 0; text.size() < 400'000; ++i) {
            text += "Clause " + std::to_string(i) + ". The Tenant shall pay the rent.\n\n";
        }
        std::vector<std::string> words{"add", "-d", dossier};
        for (int i = 0; i < kMany; ++i) {
            words.push_back(folder.write("in/" + std::to_string(i) + ".txt", text).string());
        }
        return words;
    }
    /// The process that reads for a command, as soon as there is one: the files are copied then.
    static pid_t readerOf(pid_t command) {
        for (int i = 0; i < 500; ++i) {
            std::error_code ended;
            const auto tasks = "/proc/" + std::to_string(command) + "/task";
            for (const auto& task : std::filesystem::directory_iterator(tasks, ended)) {
                std::ifstream in(task.path() / "children");
                if (pid_t child = 0; in >> child) {
                    return child;
                }
            }
            std::this_thread::sleep_for(10ms);
        }
        return -1;
    }

    static constexpr int kMany = 8;
    test::TempFolder folder;
    test::DossierProgram program{folder.path()};
    std::string dossier = (folder.path() / "m.dossier").string();
};

TEST_F(AddCommandTest, CountsWhatIsNewFailedAndUnchanged) {
    const auto lease = folder.write("lease.txt", "The rent is 100 dollars.");
    EXPECT_EQ(add({lease}), 0);
    EXPECT_EQ(program.out, "1 added, 0 failed\n");
    EXPECT_EQ(add({lease}), 0) << "harmless";
    EXPECT_EQ(program.out, "0 added, 0 failed, 1 unchanged\n");
    const auto broken = folder.write("broken.pdf", "%PDF-1.4 and nothing else");
    const auto other = folder.write("other.txt", "Another text of the matter.");
    EXPECT_EQ(add({other, broken}), 3) << "partly";
    EXPECT_EQ(program.out, "1 added, 1 failed\n");
    EXPECT_THAT(program.err, HasSubstr("failed    broken.pdf"));
    EXPECT_EQ(add({broken}), 2) << "tried again, and nothing came of it";
}

TEST_F(AddCommandTest, NamesForgeNoLines) {
    const auto forged = folder.write("a\nready    b\x1b[2J.txt", "The rent is 100 dollars.");
    EXPECT_EQ(add({forged, folder.path() / "none\x1b.txt"}), 3);
    EXPECT_THAT(program.err, HasSubstr("none\\x1b.txt"));
    EXPECT_THAT(program.err, Not(HasSubstr("\x1b")));
    EXPECT_THAT(sources(), HasSubstr("a\\nready    b\\x1b[2J.txt\n"));
}

TEST_F(AddCommandTest, CtrlCIsForTheCommandAlone) {
    const pid_t pid = program.start(addingMuch());
    const pid_t reader = readerOf(pid);
    ASSERT_GT(reader, 0);
    EXPECT_NE(getpgid(reader), getpgid(pid)) << "a terminal interrupts a whole process group";
    kill(pid, SIGINT);
    EXPECT_EQ(program.wait(pid), 2);
    EXPECT_THAT(program.err, Not(HasSubstr("crashed")));
    EXPECT_THAT(sources(), Not(HasSubstr("failed")));
    EXPECT_EQ(program.run(addingMuch()), 0);
    const std::string all = sources();
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), kMany);
    EXPECT_THAT(all, Not(HasSubstr("queued")));
}

TEST_F(AddCommandTest, KilledAnywhereNothingThatWasCopiedIsLost) {
    for (const auto after : {0ms, 150ms}) {
        const pid_t pid = program.start(addingMuch(after.count()));
        ASSERT_GT(readerOf(pid), 0);
        std::this_thread::sleep_for(after);
        kill(pid, SIGKILL);
        program.wait(pid); // perhaps it was through already
        const std::string before = sources();
        const auto there = std::count(before.begin(), before.end(), '\n');
        if (before.find("queued") != std::string::npos) {
            EXPECT_THAT(program.err, HasSubstr("not read yet"));
        }
        const auto one = folder.write("one.txt", "The rent is 100 dollars.");
        EXPECT_EQ(add({one}), 0);
        const std::string later = sources();
        EXPECT_GE(std::count(later.begin(), later.end(), '\n'), there);
        EXPECT_THAT(later, Not(HasSubstr("queued"))) << "the next command read them first";
        EXPECT_THAT(later, Not(HasSubstr("failed")));
    }
}

} // namespace
} // namespace dossier::app
