// SPDX-License-Identifier: GPL-3.0-or-later
// The program `dossier` as a process of its own, with what it printed.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/temp_folder.h"

extern char** environ;

namespace dossier::test {

class DossierProgram {
  public:
    /// Its output goes to files in `folder`.
    explicit DossierProgram(std::filesystem::path folder) : m_folder(std::move(folder)) {}

    pid_t start(std::vector<std::string> words) const {
        words.insert(words.begin(), DOSSIER_BIN_DIR "/dossier");
        std::vector<char*> arguments;
        for (std::string& word : words) {
            arguments.push_back(word.data());
        }
        arguments.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        if (!input.empty()) {
            posix_spawn_file_actions_addopen(&actions, 0, input.c_str(), O_RDONLY, 0);
        }
        posix_spawn_file_actions_addopen(&actions, 1,
                                         (output.empty() ? m_folder / "out" : output).c_str(),
                                         O_WRONLY | O_CREAT | O_TRUNC, 0600);
        posix_spawn_file_actions_addopen(&actions, 2, (m_folder / "err").c_str(),
                                         O_WRONLY | O_CREAT | O_TRUNC, 0600);
        pid_t pid = -1;
        const int failed =
            posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        if (failed != 0) {
            throw std::runtime_error("cannot start dossier");
        }
        return pid;
    }
    /// The exit status, or the signal's number, negative.
    int wait(pid_t pid) {
        int status = 0;
        waitpid(pid, &status, 0);
        out = output.empty() ? contents(m_folder / "out") : std::string();
        err = contents(m_folder / "err");
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    int run(const std::vector<std::string>& words) { return wait(start(words)); }

    /// A process that starts the reading of a dossier as the window does, in a session of its own,
    /// and lives on without a care for it. Returns when the reading was started; ends with SIGKILL.
    pid_t startReadingClient(const std::string& dossier) {
        int ends[2];
        if (pipe(ends) != 0) {
            throw std::runtime_error("no pipe");
        }
        const pid_t client = fork();
        if (client == 0) {
            setsid();
            const int status = run({"read", "-d", dossier, "--background"});
            [[maybe_unused]] const auto n = write(ends[1], &status, sizeof status);
            for (;;) {
                pause();
            }
        }
        close(ends[1]);
        int status = -1;
        const auto n = read(ends[0], &status, sizeof status);
        close(ends[0]);
        if (n != static_cast<ssize_t>(sizeof status) || status != 0) {
            throw std::runtime_error("the reading was not started");
        }
        return client;
    }

    static std::vector<pid_t> childrenOf(pid_t pid) {
        std::vector<pid_t> children;
        std::ifstream in("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) +
                         "/children");
        for (pid_t child = 0; in >> child;) {
            children.push_back(child);
        }
        return children;
    }

    std::filesystem::path input;  ///< the standard input; empty: this program's
    std::filesystem::path output; ///< where the standard output goes instead
    std::string out, err;         ///< of the last one that was waited for

  private:
    std::filesystem::path m_folder;
};

} // namespace dossier::test
