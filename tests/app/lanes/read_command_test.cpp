// SPDX-License-Identifier: GPL-3.0-or-later
// The programs themselves with the embedded model: dossier read, killed and gone on with, watched,
// asked meanwhile; dossier lanes and verify on what it left. DOSSIER_KILLS sets the kills (20; the
// long tests ask for 200).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <random>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "engine/base/grouped.h"
#include "engine/base/json_text.h"
#include "tests/engine/scheduler/lane_forgery.h"
#include "tests/support/dossier_program.h"
#include "tests/support/ordinary_user.h"
#include "tests/support/temp_folder.h"

namespace dossier::app {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

using test::contents;

class ReadCommandTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!std::filesystem::exists(DOSSIER_SOURCE_DIR "/resources/model/config.json")) {
            GTEST_SKIP() << "the embedded model is not in this tree";
        }
        std::string text;
        for (int i = 1; i <= 84; ++i) {
            text += std::to_string(i) + ". The Tenant shall pay on the first day of month " +
                    std::to_string(i) + " the rent of " + std::to_string(1000 + 7 * i) +
                    " pounds to the Landlord at the office.\n";
        }
        // Two thousand five hundred tokens: the second document takes a super-chunk and a bit.
        first = folder.write("in/a-lease.txt", text.substr(0, text.size() / 12));
        second = folder.write("in/b-rent.txt", text.substr(text.size() / 12));
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
    pid_t start(const std::vector<std::string>& words) { return program.start(words); }
    int wait(pid_t pid) { return program.wait(pid); }
    int run(const std::vector<std::string>& words) { return program.run(words); }
    /// Follows a reading that another process began until everything is read.
    bool untilRead(const std::string& dossier) {
        for (int i = 0; i < 600; ++i) {
            if (run({"read", "-d", dossier, "--watch"}) == 0) {
                return true;
            }
            std::this_thread::sleep_for(100ms); // it has not said anything yet
        }
        return false;
    }

    test::TempFolder folder;
    test::DossierProgram program{folder.path()};
    std::filesystem::path first, second;
    std::string &out = program.out, &err = program.err;
};

TEST_F(ReadCommandTest, KilledAnywhereItGoesOnToTheSameLane) {
    const char* wanted = std::getenv("DOSSIER_KILLS");
    const int kills = wanted ? std::atoi(wanted) : 20;
    const auto copyTo = [&](const std::string& name) {
        std::filesystem::copy(path("m"), path(name), std::filesystem::copy_options::recursive);
    };
    copyTo("new");
    copyTo("killed");
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_EQ(run({"read", "-d", path("m")}), 0) << err;
    const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - begin;
    const std::string expected = contents(lane("m"));
    std::mt19937 random(11);
    const auto sleepSomewhere = [&] {
        std::this_thread::sleep_for(std::chrono::duration<double>(
            std::uniform_real_distribution<>(0.05, whole.count())(random)));
    };
    int done = 0;
    for (int tries = 0; done < kills && tries < 20 * kills; ++tries) {
        if (tries % 3 == 2) { // the program that started it, with all of its session
            const std::string dossier = path("client");
            std::filesystem::copy(path("new"), dossier, std::filesystem::copy_options::recursive);
            const pid_t client = program.startReadingClient(dossier);
            sleepSomewhere();
            kill(-client, SIGKILL);
            EXPECT_EQ(wait(client), -SIGKILL);
            EXPECT_TRUE(untilRead(dossier)) << err;
            EXPECT_TRUE(contents(lane("client")) == expected) << "after " << done << " kills";
            std::filesystem::remove_all(dossier);
            ++done;
            continue;
        }
        const pid_t pid = start({"read", "-d", path("killed")});
        sleepSomewhere();
        pid_t victim = pid; // or its engine
        if (const auto children = test::DossierProgram::childrenOf(pid);
            tries % 3 == 1 && !children.empty()) {
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
    for (int i = 0; i < 6000; ++i) {
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
    auto list = parseJson(out);
    ASSERT_EQ(list.size(), 1u);
    const std::string name = list[0]["name"];
    EXPECT_EQ(list[0]["documents"], 2);
    EXPECT_EQ(list[0]["state"], "good");
    const std::uint64_t tokens = list[0]["tokens"];
    ASSERT_EQ(run({"verify", "-d", path("m"), "--json"}), 0) << err;
    auto checked = parseJson(out)[0];
    EXPECT_EQ(checked["self_check"]["result"], "equal");
    EXPECT_EQ(checked["self_check"]["tokens"], tokens);
    EXPECT_EQ(checked["self_check"]["reread"], 0);
    EXPECT_EQ(checked["self_check"]["probed"], checked["frontiers"]);
    EXPECT_TRUE(checked["self_check"]["differing"].empty());
    ASSERT_EQ(run({"verify", "-d", path("m"), "--checksums-only", "--json"}), 0) << err;
    EXPECT_FALSE(parseJson(out)[0].contains("self_check"));

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
    list = parseJson(out);
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

    // Damage (to rows of the second document) is found, told, and read again.
    {
        const auto file = lane("other");
        std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
        bytes.seekp(static_cast<std::streamoff>(std::filesystem::file_size(file) / 3));
        bytes.put('\x55').put('\x33');
    }
    EXPECT_EQ(run({"verify", "-d", path("other")}), 2);
    EXPECT_THAT(out, HasSubstr("amaged"));
    EXPECT_EQ(run({"verify", "-d", path("other"), "--json"}), 2);
    checked = parseJson(out)[0];
    EXPECT_THAT(checked["state"].get<std::string>(), HasSubstr("read again"));
    EXPECT_GT(checked["self_check"]["reread"], 0);
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

TEST_F(ReadCommandTest, AStateThatGivesOtherResultsIsNamedAndReadAgain) {
    ASSERT_EQ(run({"read", "-d", path("m")}), 0) << err;
    std::vector<std::uint64_t> frontiers;
    {
        const engine::LaneHandle file(lane("m"), engine::LaneHandle::Mode::Read);
        const auto index = engine::scanLane(file);
        for (const engine::LaneFrontier& frontier : index->frontiers) {
            frontiers.push_back(frontier.position);
        }
    }
    const std::size_t count = frontiers.size();
    ASSERT_GE(count, 2u);
    ASSERT_EQ(run({"verify", "-d", path("m")}), 0) << err;
    EXPECT_THAT(out, HasSubstr("bit for bit; frontiers probed: " + std::to_string(count) + "\n"));

    engine::test_lanes::forgeFrontiers(lane("m"), {frontiers[count - 1]});
    ASSERT_EQ(run({"verify", "-d", path("m"), "--checksums-only"}), 0) << out; // they are right
    ASSERT_EQ(run({"verify", "-d", path("m")}), 2);
    EXPECT_THAT(out, HasSubstr("self-check: gives other results than when it was read at 1 of " +
                               std::to_string(count) + " frontiers probed (after " +
                               grouped(frontiers[count - 1]) + " tokens). The self-check after " +
                               grouped(frontiers[count - 1])));
    EXPECT_THAT(out, HasSubstr("so the lane ends after " + grouped(frontiers[count - 2])));
    ASSERT_EQ(run({"verify", "-d", path("m"), "--json"}), 2);
    const auto check = parseJson(out)[0]["self_check"];
    EXPECT_EQ(check["probed"], count);
    ASSERT_EQ(check["differing"].size(), 1u);
    EXPECT_EQ(check["differing"][0]["frontier"], frontiers[count - 1]);
    EXPECT_EQ(check["differing"][0]["good_before"], frontiers[count - 2]);
    EXPECT_EQ(check["tokens"], frontiers[count - 2]);
    EXPECT_GT(check["reread"], 0);

    ASSERT_EQ(run({"read", "-d", path("m")}), 0) << err;
    EXPECT_THAT(err, HasSubstr("gave other results"));
    ASSERT_EQ(run({"verify", "-d", path("m")}), 0) << out;
}

TEST_F(ReadCommandTest, ADiskThatTakesNoMoreIsToldAndReadingGoesOn) {
    std::filesystem::copy(path("m"), path("full"), std::filesystem::copy_options::recursive);
    ASSERT_EQ(run({"read", "-d", path("m")}), 0) << err;
    const std::string expected = contents(lane("m"));
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    rlimit little = before;
    little.rlim_cur = expected.size() * 2 / 3; // no file may grow beyond that
    setrlimit(RLIMIT_FSIZE, &little);
    const int status = run({"read", "-d", path("full")});
    setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_EQ(status, 2);
    EXPECT_THAT(err, HasSubstr("takes no larger files"));
    EXPECT_THAT(err, HasSubstr(".lane"));
    EXPECT_EQ(run({"read", "-d", path("full"), "--watch"}), 2); // the board says it, too
    EXPECT_THAT(err, HasSubstr(".lane"));
    ASSERT_EQ(run({"verify", "-d", path("full")}), 0) << out << err; // what is there is good
    ASSERT_EQ(run({"read", "-d", path("full")}), 0) << err;
    EXPECT_THAT(out, ::testing::Not(HasSubstr(", 0 of them before")));
    EXPECT_TRUE(contents(lane("full")) == expected);
}

TEST_F(ReadCommandTest, AFolderThatMayNotBeWrittenIsTold) {
    ASSERT_EQ(run({"read", "-d", path("m")}), 0) << err;
    const std::string before = contents(lane("m"));
    if (geteuid() == 0) { // the ordinary user's own, and where its output goes
        ASSERT_EQ(chown(folder.path().c_str(), test::kOrdinaryUser, test::kOrdinaryUser), 0);
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
            ASSERT_EQ(chown(entry.path().c_str(), test::kOrdinaryUser, test::kOrdinaryUser), 0);
        }
    }
    using std::filesystem::perms;
    const auto allow = [&](const std::filesystem::path& to, bool write) {
        for (const auto& entry : std::filesystem::directory_iterator(to)) {
            std::filesystem::permissions(entry.path(), entry.is_directory() ? perms::owner_all
                                                       : write
                                                           ? perms::owner_read | perms::owner_write
                                                           : perms::owner_read);
        }
        std::filesystem::permissions(to, write ? perms::owner_all
                                               : perms::owner_read | perms::owner_exec);
    };
    folder.write("in/b-rent.txt", "The rent is 500 pounds.\n");
    ASSERT_EQ(run({"add", "-d", path("m"), second.string()}), 0) << err; // something to read
    allow(path("m") + "/lanes", false);
    allow(path("m"), false);
    setenv("HOME", folder.path().c_str(), 1);
    const std::string told = test::asOrdinaryUser([&] {
        const int status = run({"read", "-d", path("m")});
        return std::to_string(status) + " " + err;
    });
    allow(path("m"), true);
    EXPECT_THAT(told, ::testing::StartsWith("2 "));
    EXPECT_THAT(told, HasSubstr("ermission"));
    EXPECT_THAT(told, HasSubstr("m.dossier"));
    EXPECT_TRUE(contents(lane("m")) == before);
    // Only the lanes may not be written: asking and listing go on.
    const std::string listed = test::asOrdinaryUser([&] {
        const int status = run({"lanes", "-d", path("m")});
        return std::to_string(status) + " " + out + err;
    });
    EXPECT_THAT(listed, ::testing::StartsWith("0 "));
    const std::string refused = test::asOrdinaryUser([&] {
        const int status = run({"read", "-d", path("m")});
        return std::to_string(status) + " " + err;
    });
    EXPECT_THAT(refused, ::testing::StartsWith("2 "));
    EXPECT_THAT(refused, HasSubstr("lanes"));
    allow(path("m") + "/lanes", true);
    EXPECT_TRUE(contents(lane("m")) == before);
    ASSERT_EQ(run({"read", "-d", path("m")}), 0) << err; // goes on when it may
}

} // namespace
} // namespace dossier::app
