// SPDX-License-Identifier: Apache-2.0
// The protocol of dossier-engine as a foreign client would see it, and its commands.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/base/json_text.h"
#include "engine/client/child_engine.h"
#include "engine/client/child_process.h"
#include "tests/engine/support/golden.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dossier::engine {
namespace {

using nlohmann::json;

const std::filesystem::path kProgram = DOSSIER_BIN_DIR "/dossier-engine";

/// Talks to a running engine line by line.
class Talk {
  public:
    Talk() : m_process(kProgram, {"serve"}) {}
    void say(const std::string& line) { m_process.write(line + "\n"); }
    json hear() {
        for (;;) {
            if (const auto end = m_text.find('\n'); end != std::string::npos) {
                const json message = parseJson(m_text.substr(0, end));
                m_text.erase(0, end + 1);
                return message;
            }
            char buffer[4096];
            const ssize_t n = read(m_process.output(), buffer, sizeof buffer);
            if (n <= 0) {
                return json();
            }
            m_text.append(buffer, static_cast<std::size_t>(n));
        }
    }
    ChildProcess& process() { return m_process; }

  private:
    ChildProcess m_process;
    std::string m_text;
};

TEST(Server, SpeaksJsonRpc) {
    Talk talk;
    talk.say(R"({"jsonrpc":"2.0","id":1,"method":"telemetry"})");
    const json answer = talk.hear();
    EXPECT_EQ(answer["jsonrpc"], "2.0");
    EXPECT_EQ(answer["id"], 1);
    EXPECT_EQ(answer["result"]["activity"], "idle");
}

TEST(Server, SurvivesNonsense) {
    Talk talk;
    for (const char* line :
         {"nonsense", "{}", "[]", "null", R"({"method":5,"id":1})", R"({"method":"load"})",
          R"({"jsonrpc":"2.0","id":-3,"method":"telemetry"})", "{\"method\":\"\xff\xfe\"}",
          R"({"jsonrpc":"2.0","method":"cancel","params":{"id":12345}})"}) {
        talk.say(line);
    }
    talk.say(R"({"jsonrpc":"2.0","id":7,"method":"dance"})");
    talk.say(R"({"jsonrpc":"2.0","id":8,"method":"append","params":{"lane":"x","tokens":[1]}})");
    talk.say(std::string(100000, '['));
    talk.say(R"({"jsonrpc":"2.0","id":9,"method":"model"})");
    // Requests run side by side: their answers come in any order.
    bool unknown = false, badParams = false, model = false;
    while (!unknown || !badParams || !model) {
        const json answer = talk.hear();
        ASSERT_TRUE(answer.is_object());
        if (answer["id"] == 7) {
            unknown = true;
            EXPECT_EQ(answer["error"]["data"]["code"], "unsupported");
        } else if (answer["id"] == 8) {
            badParams = true;
            EXPECT_EQ(answer["error"]["code"], -32602);
        } else if (answer["id"] == 9) {
            model = true;
            EXPECT_TRUE(answer["result"].is_null());
        } else {
            EXPECT_TRUE(answer.contains("error")) << answer;
        }
    }
}

TEST(Server, EndsWhenItsInputEnds) {
    Talk talk;
    talk.say(R"({"jsonrpc":"2.0","id":1,"method":"telemetry"})");
    talk.hear();
    talk.process().closeInput();
    EXPECT_EQ(talk.process().ending(), "ended with status 0");
}

TEST(Server, EndsWithItsInputAlsoWhenNobodyHearsItsAnswers) {
    Talk talk;
    for (int id = 1; id < 300; ++id) { // more answers than the pipe holds
        talk.say(R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":"telemetry"})");
    }
    talk.process().closeInput();
    std::string ending;
    for (int seconds = 0; seconds < 10 && ending.empty(); ++seconds) {
        ending = talk.process().ending(); // waits for one
    }
    EXPECT_EQ(ending, "ended with status 0");
}

/// Has an engine of its own read again and again, and tells that engine's process id through
/// `pipe` once it is at work. For a process of its own.
[[noreturn]] void readForever(int pipe) {
    const auto engine = makeChildEngine(kProgram);
    LoadOptions options;
    options.model = test::tinyCheckpoint("tiny");
    options.device = Device::Cpu;
    engine->load(options);
    const int id = childProcessId(*engine);
    bool told = false;
    const auto tell = [&](const Progress&) {
        told = told || write(pipe, &id, sizeof id) == static_cast<ssize_t>(sizeof id);
    };
    for (;;) {
        const LaneId lane = engine->openLane().id;
        engine->append(lane, std::vector<Token>(1000, 7), tell);
        engine->closeLane(lane);
    }
}

TEST(ChildEngine, EndsInTheMiddleOfReadingWhenItsApplicationIsKilled) {
    ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); // whom the engine is left to
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const pid_t application = fork();
    if (application == 0) {
        readForever(ends[1]);
    }
    close(ends[1]);
    int engine = 0;
    ASSERT_EQ(read(ends[0], &engine, sizeof engine), static_cast<ssize_t>(sizeof engine));
    close(ends[0]);
    kill(application, SIGKILL);
    waitpid(application, nullptr, 0);
    bool ended = false;
    for (int i = 0; i < 200 && !ended; ++i) {
        ended = waitpid(engine, nullptr, WNOHANG) == engine;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_TRUE(ended) << "it must not go on for nobody";
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST(ChildEngine, OutlivesTheThreadThatStartedIt) {
    std::unique_ptr<Engine> engine;
    std::thread([&] { engine = makeChildEngine(kProgram); }).join();
    std::this_thread::sleep_for(std::chrono::milliseconds(100)); // of the thread in the kernel
    EXPECT_EQ(engine->telemetry().activity, "idle");
}

std::string output(const std::string& command, int* status = nullptr) {
    FILE* pipe = popen((command + " 2>&1").c_str(), "r");
    std::string text;
    char buffer[4096];
    while (const std::size_t n = fread(buffer, 1, sizeof buffer, pipe)) {
        text.append(buffer, n);
    }
    const int ended = pclose(pipe);
    if (status) {
        *status = ended;
    }
    return text;
}

TEST(Server, EndsWithItsInputAndNotWithTheSignalsOfItsGroup) {
    Talk talk;
    for (const int signal : {SIGINT, SIGTERM}) {
        kill(talk.process().pid(), signal);
        // An id of its own: that of a request is free only some time after its answer.
        talk.say(R"({"jsonrpc":"2.0","id":)" + std::to_string(signal) +
                 R"(,"method":"telemetry"})");
        EXPECT_EQ(talk.hear()["result"]["activity"], "idle");
    }
    talk.process().closeInput();
    EXPECT_EQ(talk.process().ending(), "ended with status 0");
}

TEST(Commands, SayWhenTheirOutputIsLost) {
    int status = 0;
    const std::string text = output("(" + kProgram.string() + " inspect --model " +
                                        test::tinyCheckpoint("tiny").string() + " 2>&1 >/dev/full)",
                                    &status);
    EXPECT_EQ(WEXITSTATUS(status), 2);
    EXPECT_NE(text.find("Could not write the results"), std::string::npos) << text;
}

TEST(Commands, EvalPrintsEveryPositionAndWritesAllLogits) {
    const auto folder =
        std::filesystem::temp_directory_path() / ("dossier-eval-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "ids.json") << "[3, 1, 4, 1, 5, 9, 2, 6]";
    const std::string text =
        output(kProgram.string() + " eval --model " + test::tinyCheckpoint("tiny").string() +
               " --tokens " + (folder / "ids.json").string() + " --top 3 --chunk 3 --out " +
               (folder / "logits.bin").string());
    std::istringstream lines(text);
    std::string line;
    std::size_t position = 0;
    std::ifstream file(folder / "logits.bin", std::ios::binary);
    for (; std::getline(lines, line); ++position) {
        const json row = parseJson(line);
        EXPECT_EQ(row["position"], position);
        ASSERT_EQ(row["ids"].size(), 3u);
        std::vector<float> logits(512);
        ASSERT_TRUE(file.read(reinterpret_cast<char*>(logits.data()), 512 * 4));
        EXPECT_FLOAT_EQ(row["logits"][0].get<float>(), logits[row["ids"][0].get<std::size_t>()]);
        EXPECT_GE(row["logsumexp"].get<double>(), row["logits"][0].get<double>());
    }
    EXPECT_EQ(position, 8u);
    EXPECT_EQ(file.peek(), std::ifstream::traits_type::eof());
    std::filesystem::remove_all(folder);
}

TEST(Commands, RefuseWhatTheyDoNotUnderstand) {
    for (const char* arguments : {"", "dance", "eval", "eval --model /nonexistent --tokens x.json",
                                  "inspect --model /nonexistent", "inspect --model . --colour red",
                                  "forecast --config /nonexistent --context ten"}) {
        int status = 0;
        const std::string text = output(kProgram.string() + " " + arguments, &status);
        EXPECT_EQ(WEXITSTATUS(status), 2) << arguments;
        EXPECT_NE(text.find("dossier-engine"), std::string::npos) << text;
    }
}

} // namespace
} // namespace dossier::engine
