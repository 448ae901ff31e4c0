// SPDX-License-Identifier: Apache-2.0
#include "engine/client/child_process.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/error.h"

extern char** environ;

namespace dossier::engine {
namespace {

constexpr std::size_t kKeptErrors = 4096;

struct Pipe {
    int read = -1, write = -1;
};

Pipe makePipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        throw systemError("open a pipe", errno);
    }
    return {ends[0], ends[1]};
}

void closeAll(std::initializer_list<int> descriptors) {
    for (const int fd : descriptors) {
        if (fd >= 0) {
            close(fd);
        }
    }
}

/// The child does not hear Ctrl+C, which the terminal sends to every process of its group, nor the
/// SIGTERM that a group is ended with: its owner decides what stops, and the child ends with its
/// input. Blocked rather than in a group of its own, so that Ctrl+Z still holds both.
class Spawning {
  public:
    Spawning() {
        sigset_t blocked;
        pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
        sigaddset(&blocked, SIGINT);
        sigaddset(&blocked, SIGTERM);
        posix_spawnattr_init(&m_attributes);
        posix_spawnattr_setsigmask(&m_attributes, &blocked);
        posix_spawnattr_setflags(&m_attributes, POSIX_SPAWN_SETSIGMASK);
    }
    ~Spawning() { posix_spawnattr_destroy(&m_attributes); }
    Spawning(const Spawning&) = delete;
    Spawning& operator=(const Spawning&) = delete;
    const posix_spawnattr_t* get() const { return &m_attributes; }

  private:
    posix_spawnattr_t m_attributes{};
};

} // namespace

ChildProcess::ChildProcess(const std::filesystem::path& program,
                           const std::vector<std::string>& arguments) {
    // A write to a child that has died must be an error here, not the end of this process.
    static const bool ignored = [] { return std::signal(SIGPIPE, SIG_IGN) != SIG_ERR; }();
    static_cast<void>(ignored);
    if (access(program.c_str(), X_OK) != 0) {
        throw systemError("start " + program.string(), errno);
    }
    const Pipe in = makePipe(), out = makePipe(), errors = makePipe();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in.read, 0);
    posix_spawn_file_actions_adddup2(&actions, out.write, 1);
    posix_spawn_file_actions_adddup2(&actions, errors.write, 2);
    std::vector<std::string> strings{program.string()};
    strings.insert(strings.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& s : strings) {
        argv.push_back(s.data());
    }
    argv.push_back(nullptr);
    const Spawning spawning;
    const int failed =
        posix_spawn(&m_pid, program.c_str(), &actions, spawning.get(), argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    closeAll({in.read, out.write, errors.write});
    if (failed != 0) {
        closeAll({in.write, out.read, errors.read});
        throw systemError("start " + program.string(), failed);
    }
    m_input = in.write;
    m_output = out.read;
    m_errors = errors.read;
    m_errorReader = std::jthread([this] {
        std::array<char, 4096> buffer;
        for (;;) {
            const ssize_t n = read(m_errors, buffer.data(), buffer.size());
            if (n < 0 && errno == EINTR) {
                continue;
            }
            if (n <= 0) {
                return;
            }
            const std::lock_guard lock(m_errorMutex);
            m_errorText.append(buffer.data(), static_cast<std::size_t>(n));
            if (m_errorText.size() > kKeptErrors) {
                m_errorText.erase(0, m_errorText.size() - kKeptErrors);
            }
        }
    });
}

ChildProcess::~ChildProcess() {
    closeInput();
    if (!waitFor(2000)) {
        kill(m_pid, SIGKILL);
        waitFor(2000);
    }
    m_errorReader.join();
    closeAll({m_output, m_errors});
}

bool ChildProcess::waitFor(int milliseconds) {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    for (;;) {
        {
            const std::lock_guard lock(m_waitMutex);
            if (!m_ended && waitpid(m_pid, &m_status, WNOHANG) == m_pid) {
                m_ended = true;
            }
            if (m_ended) {
                return true;
            }
        }
        if (std::chrono::steady_clock::now() >= deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

void ChildProcess::write(std::string_view bytes) {
    const std::lock_guard lock(m_inputMutex);
    while (!bytes.empty()) {
        const ssize_t n = m_input < 0 ? -1 : ::write(m_input, bytes.data(), bytes.size());
        if (n < 0 && m_input >= 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            throw Error(ErrorCode::ProcessDied, "The engine process is gone",
                        "It can be started again; nothing that was saved is lost");
        }
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

void ChildProcess::closeInput() {
    const std::lock_guard lock(m_inputMutex);
    closeAll({m_input});
    m_input = -1;
}

std::string ChildProcess::lastErrors() const {
    const std::lock_guard lock(m_errorMutex);
    return m_errorText;
}

std::string ChildProcess::ending() {
    if (!waitFor(1000)) {
        return {};
    }
    if (WIFSIGNALED(m_status)) {
        return "was killed by signal " + std::to_string(WTERMSIG(m_status)) + " (" +
               strsignal(WTERMSIG(m_status)) + ")";
    }
    return "ended with status " + std::to_string(WEXITSTATUS(m_status));
}

} // namespace dossier::engine
