// SPDX-License-Identifier: GPL-3.0-or-later
// The programs themselves with the embedded model: dossier read, killed and gone on with, watched,
// asked meanwhile; dossier lanes and verify on what it left. DOSSIER_KILLS sets the kills (5).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <random>
#include <thread>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/support/temp_folder.h"

extern char** environ;

namespace dossier::app {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

std::string contents(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class ReadCommandTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!std::filesystem::exists(DOSSIER_SOURCE_DIR "/resources/model/config.json")) {
            GTEST_SKIP() << "the embedded model is not in this tree";
        }
        std::string text;
        for (int i = 1; i <= 130; ++i) {
            text += std::to_string(i) + ". The Tenant shall pay on the first day of month " +
                    std::to_string(i) + " the rent of " + std::to_string(1000 + 7 * i) +
                    " pounds to the Landlord at the office.\n";
        }
        first = folder.write("in/a-lease.txt", text.substr(0, text.size() / 3));
        second = folder.write("in/b-rent.txt", text.substr(text.size() / 3));
        ASSERT_EQ(run({"new", path("m")}), 0);
        ASSERT_EQ(run({"add", "-d", path("m"), first.string(), second.string()}), 0);
    }

    std::string path(const std::string& name) const {
        return (folder.path() / (name + ".dossier")).string();
    }
    /// A lane of a dossier; the only one.
    std::filesystem::path lane(const std::string& name) const {
        for (const auto& entry : std::filesystem::directory_iterator(path(name) + "/lanes")) {
            if (entry.path().extension() == ".lane") {
                return entry.path();
            }
        }
        return {};
    }
    pid_t start(std::vector<std::string> words) {
        words.insert(words.begin(), DOSSIER_BIN_DIR "/dossier");
        std::vector<char*> arguments;
        for (std::string& word : words) {
            arguments.push_back(word.data());
        }
        arguments.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 1, (folder.path() / "out").c_str(),
                                         O_WRONLY | O_CREAT | O_TRUNC, 0600);
        posix_spawn_file_actions_addopen(&actions, 2, (folder.path() / "err").c_str(),
                                         O_WRONLY | O_CREAT | O_TRUNC, 0600);
        pid_t pid = -1;
        EXPECT_EQ(posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ), 0);
        posix_spawn_file_actions_destroy(&actions);
        return pid;
    }
    int wait(pid_t pid) {
        int status = 0;
        waitpid(pid, &status, 0);
        out = contents(folder.path() / "out");
        err = contents(folder.path() / "err");
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    int run(const std::vector<std::string>& words) { return wait(start(words)); }
    static std::vector<pid_t> childrenOf(pid_t pid) {
        std::vector<pid_t> children;
        std::ifstream in("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) +
                         "/children");
        for (pid_t child = 0; in >> child;) {
            children.push_back(child);
        }
        return children;
    }

    test::TempFolder folder;
    std::filesystem::path first, second;
    std::string out, err;
};

TEST_F(ReadCommandTest, KilledAnywhereItGoesOnToTheSameLane) {
    const char* wanted = std::getenv("DOSSIER_KILLS");
    const int kills = wanted ? std::atoi(wanted) : 5;
    std::filesystem::copy(path("m"), path("killed"), std::filesystem::copy_options::recursive);
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_EQ(run({"read", "-d", path("m")}), 0) << err;
    const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - begin;
    const std::string expected = contents(lane("m"));
    std::mt19937 random(11);
    int done = 0;
    for (int tries = 0; done < kills && tries < 20 * kills; ++tries) {
        const pid_t pid = start({"read", "-d", path("killed")});
        std::this_thread::sleep_for(std::chrono::duration<double>(
            std::uniform_real_distribution<>(0.05, whole.count())(random)));
        pid_t victim = pid; // or its engine
        if (const auto children = childrenOf(pid); tries % 2 == 1 && !children.empty()) {
            victim = children.front();
        }
        kill(victim, SIGKILL);
        const int status = wait(pid);
        if (status == 0) { // it was quicker: begin again
            EXPECT_TRUE(contents(lane("killed")) == expected) << "after " << done << " kills";
            std::filesystem::remove(lane("killed"));
            continue;
        }
        EXPECT_TRUE(status == -SIGKILL || status == 2) << status << " " << err;
        if (victim != pid) {
            EXPECT_THAT(err, HasSubstr("was killed"));
        }
        ++done;
    }
    EXPECT_EQ(done, kills);
    ASSERT_EQ(run({"read", "-d", path("killed")}), 0) << err;
    EXPECT_TRUE(contents(lane("killed")) == expected);
    ASSERT_EQ(run({"verify", "-d", path("killed")}), 0) << out << err;
}

TEST_F(ReadCommandTest, OneCanAskWatchAndCancelWhileItReads) {
    const pid_t reader = start({"read", "-d", path("m")});
    // Wait until the first document is on the disk, or all of it on a fast computer.
    for (int i = 0; i < 600; ++i) {
        std::error_code error;
        const auto file = std::filesystem::exists(path("m") + "/lanes", error)
                              ? lane("m")
                              : std::filesystem::path();
        if (!file.empty() && std::filesystem::file_size(file, error) > 100'000) {
            break;
        }
        std::this_thread::sleep_for(50ms);
    }
    const bool stillReading = kill(reader, 0) == 0;
    const int asked = run({"ask", "-d", path("m"), "--whole", "What is the rent?"});
    EXPECT_TRUE(asked == 0 || asked == 1) << err;
    EXPECT_EQ(run({"ask", "-d", path("m"), "--whole", "--json", "Who pays?"}) < 2, true) << err;
    run({"read", "-d", path("m"), "--cancel"});
    const int watched = run({"read", "-d", path("m"), "--watch"});
    EXPECT_TRUE(watched == 0 || watched == 2);
    const int ended = wait(reader);
    EXPECT_TRUE(ended == 0 || (stillReading && ended == 2));
    ASSERT_EQ(run({"read", "-d", path("m")}), 0) << err;
    EXPECT_THAT(out, HasSubstr("Read: "));
    EXPECT_EQ(run({"read", "-d", path("m"), "--pause"}), 2); // nothing is being read
    EXPECT_THAT(err, HasSubstr("Nothing is being read"));
}

TEST_F(ReadCommandTest, LanesAreListedCheckedMovedCompactedReusedAndDeleted) {
    ASSERT_EQ(run({"read", "-d", path("m")}), 0) << err;
    ASSERT_EQ(run({"lanes", "-d", path("m"), "--json"}), 0);
    auto list = nlohmann::json::parse(out);
    ASSERT_EQ(list.size(), 1u);
    const std::string name = list[0]["name"];
    EXPECT_EQ(list[0]["documents"], 2);
    EXPECT_EQ(list[0]["state"], "good");
    const std::uint64_t tokens = list[0]["tokens"];

    // Another dossier with the same documents takes over what is read.
    ASSERT_EQ(run({"new", path("other")}), 0);
    ASSERT_EQ(run({"add", "-d", path("other"), first.string(), second.string()}), 0);
    ASSERT_EQ(run({"read", "-d", path("other"), "--reuse", path("m")}), 0) << err;
    EXPECT_THAT(out, HasSubstr(", "));
    EXPECT_THAT(err, HasSubstr("taken over"));

    // A changed document: the first one stays, what was replaced can be freed.
    folder.write("in/b-rent.txt", "The rent is 500 pounds.\n");
    ASSERT_EQ(run({"add", "-d", path("m"), second.string()}), 0) << err;
    ASSERT_EQ(run({"read", "-d", path("m"), "--forecast"}), 0) << err;
    EXPECT_THAT(out, HasSubstr("keeps "));
    ASSERT_EQ(run({"read", "-d", path("m")}), 0) << err;
    ASSERT_EQ(run({"lanes", "-d", path("m"), "--compact", name, "--json"}), 0) << err;
    list = nlohmann::json::parse(out);
    EXPECT_EQ(list[0]["unused_bytes"], 0);
    EXPECT_LT(list[0]["tokens"], tokens);

    // To another disk and away with it.
    const auto disk = folder.path() / "disk";
    std::filesystem::create_directory(disk);
    ASSERT_EQ(run({"lanes", "-d", path("m"), "--move", name, "--to", disk.string()}), 0) << err;
    EXPECT_THAT(out, HasSubstr(disk.string()));
    EXPECT_EQ(run({"verify", "-d", path("m")}), 0);
    EXPECT_LT(run({"ask", "-d", path("m"), "--whole", "What is the rent?"}), 2) << err;
    std::filesystem::rename(disk, folder.path() / "unplugged");
    EXPECT_EQ(run({"ask", "-d", path("m"), "--whole", "What is the rent?"}), 2);
    EXPECT_THAT(err, HasSubstr("which is not there"));
    EXPECT_EQ(run({"verify", "-d", path("m")}), 2);
    std::filesystem::rename(folder.path() / "unplugged", disk);

    // Damage is found, told, and read again.
    {
        const auto file = lane("other");
        std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
        bytes.seekp(static_cast<std::streamoff>(std::filesystem::file_size(file) / 2));
        bytes.put('\x55').put('\x33');
    }
    EXPECT_EQ(run({"verify", "-d", path("other")}), 2);
    EXPECT_THAT(out, HasSubstr("damaged"));
    ASSERT_EQ(run({"read", "-d", path("other")}), 0) << err;
    EXPECT_THAT(err, HasSubstr("damaged"));
    ASSERT_EQ(run({"read", "-d", path("other")}), 0) << err;
    EXPECT_THAT(err, ::testing::Not(HasSubstr("damaged")));

    EXPECT_EQ(run({"lanes", "-d", path("m"), "--delete", "nonsense"}), 2);
    EXPECT_THAT(err, HasSubstr(name));
    EXPECT_EQ(run({"lanes", "-d", path("m"), "--budget", "a lot"}), 2);
    ASSERT_EQ(run({"lanes", "-d", path("m"), "--budget", "1 GB"}), 0);
    EXPECT_THAT(out, HasSubstr(name));
    ASSERT_EQ(run({"lanes", "-d", path("m"), "--budget", "1 B"}), 0);
    EXPECT_THAT(out, HasSubstr("Nothing has been read"));
    EXPECT_TRUE(std::filesystem::is_empty(disk));
}

TEST_F(ReadCommandTest, AFolderThatMayNotBeWrittenIsTold) {
    if (geteuid() == 0) {
        GTEST_SKIP() << "the administrator may write everywhere";
    }
    std::filesystem::permissions(path("m"), std::filesystem::perms::owner_read |
                                                std::filesystem::perms::owner_exec);
    EXPECT_EQ(run({"read", "-d", path("m")}), 2);
    EXPECT_THAT(err, HasSubstr("ermission"));
    std::filesystem::permissions(path("m"), std::filesystem::perms::owner_all);
}

} // namespace
} // namespace dossier::app
