// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/client/worker_process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace dossier::ingest {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kStartLimit{20'000};

/// Becomes readable when a stop is requested.
class StopSignal {
  public:
    explicit StopSignal(const std::stop_token& stop)
        : m_event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
          m_callback(stop, Wake{m_event.get()}) {}
    int descriptor() const { return m_event.get(); }

  private:
    struct Wake {
        int event;
        void operator()() const {
            const std::uint64_t one = 1;
            [[maybe_unused]] const ssize_t done = ::write(event, &one, sizeof one);
        }
    };
    Descriptor m_event;
    std::stop_callback<Wake> m_callback;
};

/// The reader needs no surroundings but the fonts of the person.
std::vector<std::string> environmentForReader() {
    std::vector<std::string> environment{"LC_ALL=C.UTF-8", "QT_QPA_PLATFORM=offscreen"};
    for (const char* name :
         {"HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "FONTCONFIG_FILE",
          "FONTCONFIG_PATH", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
        if (const char* value = std::getenv(name)) {
            environment.push_back(std::string(name) + "=" + value);
        }
    }
    return environment;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> result;
    for (std::string& string : strings) {
        result.push_back(string.data());
    }
    result.push_back(nullptr);
    return result;
}

struct SpawnSetup {
    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};

    explicit SpawnSetup(int socket) {
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, socket, STDOUT_FILENO);
        // What libraries print about a document could quote it: it goes nowhere.
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawnattr_init(&attributes);
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        // A process group of its own: Ctrl+C in the terminal is for the parent alone, which ends
        // its readers when it means to.
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                  POSIX_SPAWN_SETPGROUP);
    }
    ~SpawnSetup() {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
    }
    SpawnSetup(const SpawnSetup&) = delete;
    SpawnSetup& operator=(const SpawnSetup&) = delete;
};

[[noreturn]] void throwFailure(const Packet& packet) {
    wire::Decoder in(packet.payload);
    const ErrorCode code = errorCodeFromName(in.string());
    std::string failed = in.string();
    std::string remedy = in.string();
    in.end();
    throw Error(code, std::move(failed), std::move(remedy));
}

} // namespace

WorkerProcess::WorkerProcess(const std::filesystem::path& program, const ClientOptions& options,
                             const std::vector<std::filesystem::path>& folders)
    : m_options(options), m_channel(Descriptor()) {
    start(program, folders);
    try {
        if (m_channel.waitFor(kStartLimit, -1) != Channel::Wait::Ready) {
            throw Error(ErrorCode::ProcessDied, "The reader did not start within 20 seconds",
                        "Try again");
        }
        const Packet hello = m_channel.receive();
        m_layers = wire::decodeLayers(hello.payload);
    } catch (const Channel::Closed&) {
        end();
        throw Error(ErrorCode::ProcessDied,
                    "The reader " + program.string() + " ended right after its start",
                    "Install Dossier again, or start that program by hand to see what it says");
    } catch (...) {
        end();
        throw;
    }
}

WorkerProcess::~WorkerProcess() {
    end();
}

void WorkerProcess::start(const std::filesystem::path& program,
                          const std::vector<std::filesystem::path>& folders) {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        throw systemError("start the reader", errno);
    }
    Descriptor ours(ends[0]);
    const Descriptor theirs(ends[1]);
    std::vector<std::string> arguments{program.string(), "--serve", "--memory-mib",
                                       std::to_string(m_options.memoryBytes >> 20)};
    for (const auto& folder : folders) {
        arguments.emplace_back("--folder");
        arguments.push_back(folder.string());
    }
    std::vector<std::string> environment = environmentForReader();
    const SpawnSetup setup(theirs.get());
    const int failed = ::posix_spawn(&m_pid, program.c_str(), &setup.actions, &setup.attributes,
                                     pointers(arguments).data(), pointers(environment).data());
    if (failed != 0) {
        m_pid = -1;
        throw systemError("start the reader " + program.string(), failed);
    }
    m_channel = Channel(std::move(ours));
}

WorkerProcess::End WorkerProcess::end() {
    End result;
    if (m_pid <= 0) {
        return result;
    }
    m_channel = Channel(Descriptor());
    ::kill(m_pid, SIGKILL);
    rusage used{};
    while (::wait4(m_pid, &result.status, 0, &used) < 0 && errno == EINTR) {
    }
    result.peakBytes = static_cast<std::uint64_t>(used.ru_maxrss) << 10;
    m_pid = -1;
    return result;
}

/// What to say about a process that is gone without having been asked to.
Error WorkerProcess::deathOf(const std::string& name) {
    // Let it finish dying, so that its own signal is seen and not ours.
    for (int i = 0; i < 100; ++i) {
        siginfo_t info{};
        if (::waitid(P_PID, static_cast<id_t>(m_pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid != 0) {
            break;
        }
        ::usleep(2000);
    }
    const End last = end();
    if (last.peakBytes > m_options.memoryBytes / 2) {
        return Error(ErrorCode::TooLarge,
                     name + " needs more than the " + std::to_string(m_options.memoryBytes >> 20) +
                         " MiB of memory that a file may use",
                     "Split the file and add the parts");
    }
    const std::string how = WIFSIGNALED(last.status)
                                ? std::string(" (") + ::strsignal(WTERMSIG(last.status)) + ")"
                                : std::string();
    return Error(ErrorCode::ProcessDied, "The reader crashed on " + name + how,
                 "The other files are not affected; open this one in another program, save it "
                 "again and add that copy");
}

Packet WorkerProcess::call(const Request& request, const ReadProgressFn& progress,
                           const std::stop_token& stop) {
    const StopSignal wake(stop);
    const auto cancelled = [&] {
        end();
        return Error(ErrorCode::Cancelled, "Reading " + request.name + " was stopped");
    };
    const auto tooSlow = [&](const char* what, std::chrono::milliseconds limit) {
        end();
        return Error(
            ErrorCode::ProcessDied,
            std::string("Reading ") + request.name + " was given up: " + what +
                " took longer than " + std::to_string(std::max<long>(1, limit.count() / 1000)) +
                " seconds",
            "Open the file in another program, save it again and add that copy, or split it");
    };
    const auto start = Clock::now();
    auto lastSign = start;
    try {
        m_channel.send(request.type, request.payload, request.descriptors);
        for (;;) {
            Packet packet;
            while (m_channel.poll(packet)) {
                lastSign = Clock::now();
                if (packet.type == wire::Message::Result) {
                    return packet;
                }
                if (packet.type == wire::Message::Failure) {
                    throwFailure(packet);
                }
                wire::Decoder in(packet.payload);
                const auto done = in.number<std::uint64_t>();
                const auto total = in.number<std::uint64_t>();
                if (progress) {
                    progress(done, total);
                }
                if (stop.stop_requested()) {
                    throw cancelled();
                }
            }
            const auto now = Clock::now();
            const auto left =
                std::min(start + m_options.fileLimit - now, lastSign + m_options.quietLimit - now);
            const auto wait = std::chrono::ceil<std::chrono::milliseconds>(left);
            switch (m_channel.waitFor(std::max(wait, std::chrono::milliseconds(0)),
                                      wake.descriptor())) {
            case Channel::Wait::Woken:
                throw cancelled();
            case Channel::Wait::TimedOut:
                if (Clock::now() - start >= m_options.fileLimit) {
                    throw tooSlow("the file", m_options.fileLimit);
                }
                if (Clock::now() - lastSign >= m_options.quietLimit) {
                    throw tooSlow("one page of it", m_options.quietLimit);
                }
                break; // woken a hair too early
            case Channel::Wait::Ready:
                break;
            }
        }
    } catch (const Channel::Closed&) {
        throw deathOf(request.name);
    }
}

} // namespace dossier::ingest
