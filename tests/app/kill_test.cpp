// SPDX-License-Identifier: GPL-3.0-or-later
// A dossier whose program is killed at random points opens with everything that was shown as saved.
#include <gtest/gtest.h>

#include <QCoreApplication>
#include <chrono>
#include <cstdlib>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/session.h"
#include "tests/support/fake_reader.h"
#include "tests/support/temp_folder.h"

namespace dossier::app {
namespace {

using Clock = std::chrono::steady_clock;

/// A streaming answer is stored about once a second; what was shown longer ago is on disk.
constexpr std::chrono::milliseconds kStreamSlack{2000};

/// What was shown as saved, by id.
struct Shown {
    std::map<long long, std::string> sources, questions, marks;
    std::map<long long, std::size_t> answers, streamed; ///< least length of the text
    std::size_t lines = 0;
};

struct Line {
    Clock::time_point when;
    std::string text;
};

void note(const Line& line, Clock::time_point killed, Shown& shown) {
    std::istringstream in(line.text);
    std::string kind, rest;
    long long id = 0;
    in >> kind >> id;
    std::getline(in >> std::ws, rest);
    ++shown.lines;
    if (kind == "source") {
        shown.sources[id] = rest;
    } else if (kind == "question") {
        shown.questions[id] = rest;
    } else if (kind == "mark") {
        shown.marks[id] = rest;
    } else if (kind == "answer") {
        shown.answers[id] = std::stoul(rest);
    } else if (kind == "streamed" && killed - line.when > kStreamSlack) {
        shown.streamed[id] = std::stoul(rest);
    }
}

/// Starts the writer, kills it that long after its first line (or its start), and returns its
/// lines.
std::vector<Line> writeUntilKilled(const std::filesystem::path& dossier,
                                   const std::filesystem::path& files,
                                   std::chrono::microseconds after, bool fromStart) {
    int ends[2];
    if (pipe(ends) != 0) {
        throw std::runtime_error("pipe");
    }
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        ::close(ends[0]);
        ::close(ends[1]);
        execl(DOSSIER_KILL_WRITER, DOSSIER_KILL_WRITER, dossier.c_str(), files.c_str(), nullptr);
        _exit(127);
    }
    ::close(ends[1]);
    std::vector<Line> lines;
    std::string pending;
    auto killAt = fromStart ? Clock::now() + after : Clock::time_point::max();
    const auto giveUp = Clock::now() + std::chrono::seconds(30);
    bool killed = false;
    for (;;) {
        if (!killed && Clock::now() >= std::min(killAt, giveUp)) {
            kill(child, SIGKILL);
            killed = true;
        }
        pollfd wait{ends[0], POLLIN, 0};
        poll(&wait, 1, 1);
        if (wait.revents == 0) {
            continue;
        }
        char buffer[65536];
        const ssize_t got = read(ends[0], buffer, sizeof buffer);
        if (got <= 0) {
            break;
        }
        pending.append(buffer, static_cast<std::size_t>(got));
        for (std::size_t end; (end = pending.find('\n')) != std::string::npos;) {
            lines.push_back({Clock::now(), pending.substr(0, end)});
            pending.erase(0, end + 1);
        }
        if (!lines.empty() && killAt == Clock::time_point::max()) {
            killAt = Clock::now() + after;
        }
    }
    ::close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        << "the writer ended by itself, status " << status;
    return lines;
}

void expectEverythingThere(const std::filesystem::path& dossier, const Shown& shown) {
    SessionOptions options;
    options.reader = std::make_shared<test::FakeReader>();
    options.profiles = DOSSIER_SOURCE_DIR "/resources/profiles";
    const auto session = Session::open(dossier, options);
    for (const auto& [id, name] : shown.sources) {
        const Source* source = session->source(SourceId{id});
        ASSERT_NE(source, nullptr) << name;
        EXPECT_EQ(source->name, name);
        EXPECT_EQ(source->state, SourceState::Ready) << name;
        EXPECT_TRUE(std::filesystem::exists(session->originalFile(SourceId{id}))) << name;
    }
    for (const auto& [id, text] : shown.questions) {
        const Question* question = session->question(QuestionId{id});
        ASSERT_NE(question, nullptr) << text;
        EXPECT_EQ(question->text, text);
        for (const AnswerId answer : question->answers) {
            EXPECT_TRUE(isFinal(session->answer(answer)->state)) << "nothing is left in flight";
        }
    }
    for (const auto& [id, length] : shown.answers) {
        const Answer* answer = session->answer(AnswerId{id});
        ASSERT_NE(answer, nullptr);
        EXPECT_EQ(answer->text.size(), length);
    }
    for (const auto& [id, length] : shown.streamed) {
        const Answer* answer = session->answer(AnswerId{id});
        ASSERT_NE(answer, nullptr);
        EXPECT_GE(answer->text.size(), length) << "of answer " << id;
    }
    std::map<long long, std::string> marks;
    for (const Mark& mark : session->marks()) {
        marks[static_cast<long long>(mark.id)] = mark.note;
    }
    for (const auto& [id, text] : shown.marks) {
        EXPECT_EQ(marks[id], text);
    }
}

TEST(Kill, WhatWasShownAsSavedIsThereAfterKillsAtRandomPoints) {
    static int argc = 1;
    static char name[] = "test";
    static char* argv[] = {name, nullptr};
    const QCoreApplication application(argc, argv);
    const char* wanted = std::getenv("DOSSIER_KILLS");
    const int kills = wanted ? std::atoi(wanted) : 20;
    test::TempFolder folder;
    const auto files = folder.path() / "files";
    std::filesystem::create_directories(files);
    std::mt19937 random(20);
    Shown shown;
    for (int i = 0; i < kills; ++i) {
        SCOPED_TRACE("kill " + std::to_string(i));
        // A fresh dossier now and then: making one is a moment to be killed in as well.
        const auto dossier = folder.path() / std::to_string(i / 8).append(".dossier");
        if (i % 8 == 0) {
            shown = {};
        }
        const bool early = i % 4 == 0;
        const auto after = std::chrono::microseconds(
            std::uniform_int_distribution<int>(0, early ? 150'000 : 2'600'000)(random));
        const auto lines = writeUntilKilled(dossier, files, after, early);
        const auto killed = Clock::now();
        for (const Line& line : lines) {
            note(line, killed, shown);
        }
        if (shown.lines == 0 && !std::filesystem::exists(dossier)) {
            continue; // killed before it had made anything
        }
        ASSERT_NO_FATAL_FAILURE(expectEverythingThere(dossier, shown));
    }
    EXPECT_FALSE(shown.sources.empty());
    EXPECT_FALSE(shown.questions.empty());
    EXPECT_FALSE(shown.answers.empty());
    EXPECT_FALSE(shown.marks.empty());
}

} // namespace
} // namespace dossier::app
