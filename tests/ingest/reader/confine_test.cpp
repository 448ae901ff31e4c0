// SPDX-License-Identifier: GPL-3.0-or-later
// What a confined process can no longer do. Each attempt runs in a child of its own.
#include "ingest/reader/confine.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/ingest/support/ingest_testing.h"

namespace dossier::ingest {
namespace {

using namespace testing_support;

bool isActive(const std::vector<ConfinementLayer>& layers, const std::string& name) {
    for (const ConfinementLayer& layer : layers) {
        if (layer.name == name) {
            return layer.active;
        }
    }
    return false;
}

constexpr int kNoLayer = 77;

/// Confines a child, then tries; true if the attempt succeeded. nullopt: the layer is missing here.
std::optional<bool> succeeds(const std::string& layer, const std::function<bool()>& attempt,
                             const ConfineOptions& options = {}) {
    const pid_t child = ::fork();
    if (child == 0) {
        const bool active = isActive(confine(options), layer);
        ::_exit(!active ? kNoLayer : attempt() ? 1 : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
    if (WEXITSTATUS(status) == kNoLayer) {
        return std::nullopt;
    }
    return WEXITSTATUS(status) == 1;
}

#define EXPECT_REFUSED(layer, ...)                                                                 \
    do {                                                                                           \
        const auto result = succeeds(layer, [&] { return __VA_ARGS__; });                          \
        if (!result) {                                                                             \
            GTEST_SKIP() << "this computer has no layer for " << (layer);                          \
        }                                                                                          \
        EXPECT_FALSE(*result) << #__VA_ARGS__;                                                     \
    } while (false)

} // namespace

TEST(Confine, NoNetwork) {
    EXPECT_REFUSED("network", ::socket(AF_INET, SOCK_STREAM, 0) >= 0);
    EXPECT_REFUSED("network", ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}

TEST(Confine, NoOtherProcesses) {
    EXPECT_REFUSED("system calls", ::fork() >= 0);
    EXPECT_REFUSED("system calls", (::execl("/bin/true", "true", nullptr), false));
    EXPECT_REFUSED("system calls", ::kill(::getppid(), 0) == 0);
    EXPECT_REFUSED("system calls", ::ptrace(PTRACE_ATTACH, ::getppid(), 0, 0) == 0);
}

TEST(Confine, NoWritingOfFiles) {
    const TempFolder folder;
    const std::string existing = folder.write("a.txt", "x").string();
    EXPECT_REFUSED("system calls", ::open(existing.c_str(), O_WRONLY) >= 0);
    EXPECT_REFUSED("system calls",
                   ::open((folder.path() / "new").c_str(), O_CREAT | O_RDWR, 0600) >= 0);
    EXPECT_REFUSED("system calls", ::unlink(existing.c_str()) == 0);
    EXPECT_REFUSED("system calls", ::rename(existing.c_str(), (existing + "2").c_str()) == 0);
    EXPECT_REFUSED("system calls", ::mkdir((folder.path() / "new").c_str(), 0700) == 0);
    EXPECT_EQ(readFile(existing), "x");
}

TEST(Confine, NoReadingOfFilesThatWereNotHandedOver) {
    const TempFolder folder;
    const std::string file = folder.write("a.txt", "x").string();
    EXPECT_REFUSED("files", ::open("/etc/passwd", O_RDONLY) >= 0);
    EXPECT_REFUSED("files", ::open(file.c_str(), O_RDONLY) >= 0);
    ConfineOptions options;
    options.readable = {folder.path()};
    EXPECT_EQ(succeeds(
                  "files", [&] { return ::open(file.c_str(), O_RDONLY) >= 0; }, options)
                  .value_or(true),
              true);
    const int handed = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT_EQ(succeeds("files",
                       [&] {
                           char c = 0;
                           return ::read(handed, &c, 1) == 1 && c == 'x';
                       })
                  .value_or(true),
              true);
    ::close(handed);
}

TEST(Confine, NoNewCode) {
    EXPECT_REFUSED("system calls", ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    EXPECT_REFUSED("system calls", [] {
        void* page =
            ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return ::mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
    }());
}

TEST(Confine, MemoryIsBounded) {
    ConfineOptions options;
    options.memoryBytes = 128 << 20;
    const auto result = succeeds(
        "memory",
        [] {
            void* block = std::malloc(256 << 20);
            const bool got = block != nullptr;
            std::free(block);
            return got;
        },
        options);
    if (!result) {
        GTEST_SKIP() << "no memory limit in builds with sanitizers";
    }
    EXPECT_FALSE(*result);
}

TEST(Confine, OrdinaryWorkGoesOn) {
    const auto result = succeeds("system calls", [] {
        int value = 0;
        std::thread worker([&] { value = 7; }); // threads are allowed
        worker.join();
        std::vector<char> memory(10 << 20, 1);
        return value == 7 && memory.back() == 1 && ::open("/dev/null", O_RDONLY) >= 0;
    });
    if (!result) {
        GTEST_SKIP() << "this computer has no seccomp";
    }
    EXPECT_TRUE(*result);
}

TEST(Confine, ProcessorTimeIsBounded) {
    const pid_t child = ::fork();
    if (child == 0) {
        confine({});
        limitProcessorTime(1);
        std::atomic<unsigned> work{0};
        for (;;) {
            ++work;
        }
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU);
}

} // namespace dossier::ingest
