// SPDX-License-Identifier: GPL-3.0-or-later
// The program's commands as a person in a terminal or a script has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include <nlohmann/json.hpp>

#include "engine/base/json_text.h"
#include "tests/support/dossier_program.h"
#include "tests/support/temp_folder.h"

namespace dossier::app {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

class Commands : public ::testing::Test {
  protected:
    int run(const std::vector<std::string>& words) { return program.run(words); }

    /// A dossier with one small document.
    std::string newDossier() {
        const std::string dossier = (folder.path() / "lease.dossier").string();
        const auto file = folder.write("lease.txt", "The Tenant shall pay a rent of 900 pounds.\n");
        EXPECT_EQ(run({"new", dossier}), 0) << err;
        EXPECT_EQ(run({"add", "-d", dossier, file.string()}), 0) << err;
        return dossier;
    }

    /// Whether a process that was started has said `what` on its error output within 20 s.
    bool untilSaid(const std::string& what) const {
        for (int i = 0; i < 2000; ++i) {
            if (test::contents(folder.path() / "err").find(what) != std::string::npos) {
                return true;
            }
            std::this_thread::sleep_for(10ms);
        }
        return false;
    }

    /// As a terminal does it: every process of the foreground hears it.
    static void pressInterrupt(pid_t pid) {
        for (const pid_t child : test::DossierProgram::childrenOf(pid)) {
            kill(child, SIGINT);
        }
        kill(pid, SIGINT);
    }

    test::TempFolder folder;
    test::DossierProgram program{folder.path()};
    std::string &out = program.out, &err = program.err;
};

TEST_F(Commands, SayWhenTheirOutputIsLost) {
    const std::string dossier = newDossier();
    program.output = "/dev/full";
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"sources", "-d", dossier},
          {"sources", "-d", dossier, "--json"},
          {"lanes", "-d", dossier},
          {"--help"},
          {"--version"}}) {
        EXPECT_EQ(run(words), 2) << words.front();
        EXPECT_THAT(err, HasSubstr("Could not write the results")) << words.front();
    }
}

TEST_F(Commands, AnswersOverWholeDocumentsShowNoNumbersOfPassages) {
    const std::string dossier = newDossier();
    ASSERT_EQ(run({"ask", "-d", dossier, "--whole", "--json", "What rent is paid?"}), 0) << err;
    const auto answer = parseJson(out);
    EXPECT_GT(answer.at("answer_tokens"), 3);
    EXPECT_THAT(answer.at("answer").get<std::string>(), ::testing::StartsWith("\""));
}

TEST_F(Commands, InterruptingAQuestionStopsIt) {
    std::string text;
    for (int i = 0; i < 1200; ++i) {
        text += std::to_string(i) + ". The Tenant shall pay on the first day of the month " +
                std::to_string(31 * i) + " pounds.\n";
    }
    const std::string dossier = newDossier();
    const auto file = folder.write("long.txt", text);
    ASSERT_EQ(run({"add", "-d", dossier, file.string()}), 0) << err;
    const pid_t pid = program.start({"ask", "-d", dossier, "--whole", "--json", "What is paid?"});
    ASSERT_TRUE(untilSaid("Reading"));
    pressInterrupt(pid);
    EXPECT_EQ(program.wait(pid), 2);
    EXPECT_THAT(err, HasSubstr("dossier: Stopped."));
    const auto answer = parseJson(out);
    EXPECT_EQ(answer.at("stopped"), true);
    EXPECT_EQ(answer.at("found"), false);
}

TEST_F(Commands, NothingOfAFileReachesTheTerminalAsACommand) {
    const std::string dossier = (folder.path() / "evil\x1b[2J.dossier").string();
    const auto file = folder.write("a\x1b[31m.txt",
                                   "The Tenant shall pay\x1b]0;mine\x07 a rent of 900 pounds.\n");
    ASSERT_EQ(run({"new", dossier}), 0) << err;
    ASSERT_EQ(run({"add", "-d", dossier, file.string()}), 0) << err;
    ASSERT_EQ(run({"ask", "-d", dossier, "What rent does the Tenant pay?"}), 0) << err;
    EXPECT_THAT(out, HasSubstr("a\\x1b[31m.txt"));
    EXPECT_EQ((out + err).find('\x1b'), std::string::npos) << out << err;
    EXPECT_EQ(run({"ask", "-d", dossier, "--depth", "\x1b[2J", "What rent?"}), 2);
    EXPECT_THAT(err, HasSubstr("\\x1b[2J"));
    EXPECT_EQ(err.find('\x1b'), std::string::npos) << err;
    EXPECT_EQ(run({"ask", "-d", dossier, "--\x1b[2J", "What rent?"}), 2);
    EXPECT_EQ(err.find('\x1b'), std::string::npos) << err;
}

TEST_F(Commands, RefuseWhatTheyDoNotUnderstand) {
    const std::string dossier = newDossier();
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"foo"},
          {"bench", "--device", "bogus"},
          {"bench", "--context", "100"},
          {"ask", "-d", dossier, "--context", "-5", "What rent?"},
          {"read", "-d", dossier, "--context", "-5"}}) {
        EXPECT_EQ(run(words), 2) << words.front();
        EXPECT_THAT(err, ::testing::Not(::testing::IsEmpty())) << words.front();
    }
    EXPECT_EQ(run({"foo"}), 2);
    EXPECT_THAT(err, HasSubstr("\"foo\" is neither a command nor a file"));
}

TEST_F(Commands, TakeADossierWithAndWithoutItsSuffix) {
    const std::filesystem::path dossier = newDossier();
    for (const std::string& name :
         {dossier.string(), dossier.string() + "/", (folder.path() / "lease").string()}) {
        EXPECT_EQ(run({"lanes", "-d", name}), 0) << name << err;
        EXPECT_EQ(run({"verify", "-d", name, "--checksums-only"}), 0) << name << err;
        EXPECT_EQ(run({"read", "-d", name, "--pause"}), 2) << name;
        EXPECT_THAT(err, HasSubstr("Nothing is being read")) << name;
    }
    EXPECT_EQ(run({"lanes", "-d", (folder.path() / "other").string()}), 2);
    EXPECT_THAT(err, HasSubstr("other is not a dossier"));
}

TEST_F(Commands, AskReadsItsQuestionFromTheStandardInput) {
    const std::string dossier = newDossier();
    program.input = folder.write("question", "What rent does\nthe Tenant pay?\n");
    ASSERT_EQ(run({"ask", "-d", dossier, "-"}), 0) << err;
    EXPECT_THAT(out, HasSubstr("900 pounds"));
    program.input = "/dev/null";
    EXPECT_EQ(run({"ask", "-d", dossier, "-"}), 2);
    EXPECT_THAT(err, HasSubstr("holds no question"));
}

TEST_F(Commands, InspectingAModelFindsWhatCannotBeLoaded) {
    namespace fs = std::filesystem;
    const fs::path model = folder.path() / "model";
    fs::create_directory(model);
    for (const auto& entry : fs::directory_iterator(DOSSIER_SOURCE_DIR "/resources/model")) {
        const fs::path copy = model / entry.path().filename();
        if (entry.path().extension() == ".json") {
            fs::copy_file(entry.path(), copy);
        } else {
            fs::create_symlink(entry.path(), copy);
        }
    }
    const std::vector<std::string> words{"inspect-model", "--verify", model.string()};
    ASSERT_EQ(run(words), 0) << err;
    EXPECT_THAT(out, HasSubstr("depth: none\n")) << "the levels that ask takes";
    for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
        const std::string whole = test::contents(model / name);
        folder.write(std::string("model/") + name, whole.substr(0, whole.size() / 2));
        EXPECT_EQ(run(words), 2) << name;
        EXPECT_THAT(err, HasSubstr((model / name).string())) << name;
        folder.write(std::string("model/") + name, whole);
    }
    fs::remove(model / "tokenizer.json");
    EXPECT_EQ(run(words), 2);
    EXPECT_THAT(err, HasSubstr((model / "tokenizer.json").string()));
}

} // namespace
} // namespace dossier::app
