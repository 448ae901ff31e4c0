// SPDX-License-Identifier: Apache-2.0
#include "engine/base/mapped_file.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/error.h"

namespace dossier {
namespace {

// The table is read by the signal handler, so it is a plain array of lock-free atomics. A slot is
// in use while `begin` is non-zero; `end` is written before `begin` and cleared after it.
struct Guard {
    std::atomic<std::uintptr_t> begin{0}, end{0};
    std::atomic<bool> damaged{false};
};
constexpr int kGuards = 4096;
std::array<Guard, kGuards> g_guards;
std::atomic<int> g_guardsUsed{0}; ///< slots [0, n) have ever been in use
std::mutex g_guardMutex;
struct sigaction g_previous;
std::uintptr_t g_pageSize = 4096;

void passOn(int signal, siginfo_t* info, void* context) {
    if ((g_previous.sa_flags & SA_SIGINFO) != 0) {
        g_previous.sa_sigaction(signal, info, context);
    } else if (g_previous.sa_handler == SIG_DFL || g_previous.sa_handler == SIG_IGN) {
        ::signal(signal, SIG_DFL); // returning runs the instruction again and ends the process
    } else {
        g_previous.sa_handler(signal);
    }
}

// Replaces the missing page by a page of zeros. mmap is a bare system call on Linux, hence usable
// in a handler; the faulting instruction then runs again and succeeds.
void onBusError(int signal, siginfo_t* info, void* context) {
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    const int used = g_guardsUsed.load(std::memory_order_acquire);
    for (int i = 0; i < used; ++i) {
        Guard& guard = g_guards[static_cast<std::size_t>(i)];
        const std::uintptr_t begin = guard.begin.load(std::memory_order_acquire);
        if (begin == 0 || address < begin || address >= guard.end.load(std::memory_order_acquire)) {
            continue;
        }
        const int saved = errno;
        void* page = reinterpret_cast<void*>(address & ~(g_pageSize - 1));
        const void* mapped =
            mmap(page, g_pageSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        errno = saved;
        if (mapped == MAP_FAILED) {
            break;
        }
        guard.damaged.store(true, std::memory_order_release);
        return;
    }
    passOn(signal, info, context);
}

void installHandler() {
    g_pageSize = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    struct sigaction action {};
    action.sa_sigaction = onBusError;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &g_previous);
}

int guardRange(const void* data, std::uint64_t size) {
    static std::once_flag once;
    std::call_once(once, installHandler);
    const std::lock_guard lock(g_guardMutex);
    for (int i = 0; i < kGuards; ++i) {
        Guard& guard = g_guards[static_cast<std::size_t>(i)];
        if (guard.begin.load() != 0) {
            continue;
        }
        const auto begin = reinterpret_cast<std::uintptr_t>(data);
        guard.damaged.store(false);
        guard.end.store(begin + size, std::memory_order_release);
        guard.begin.store(begin, std::memory_order_release);
        g_guardsUsed.store(std::max(g_guardsUsed.load(), i + 1), std::memory_order_release);
        return i;
    }
    return -1;
}

struct FileDescriptor {
    int fd;
    ~FileDescriptor() {
        if (fd >= 0) {
            ::close(fd);
        }
    }
    int take() { return std::exchange(fd, -1); }
};

} // namespace

MappedFile MappedFile::open(const std::filesystem::path& path) {
    FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.fd < 0) {
        throw systemError("open " + path.string(), errno);
    }
    struct stat status {};
    if (fstat(file.fd, &status) != 0) {
        throw systemError("look at " + path.string(), errno);
    }
    if (!S_ISREG(status.st_mode)) {
        throw Error(ErrorCode::InvalidArgument, path.string() + " is not a regular file",
                    "Choose a file, not a folder or a device");
    }
    MappedFile result;
    result.m_path = path;
    result.m_size = static_cast<std::uint64_t>(status.st_size);
    if (result.m_size > 0) {
        void* data = mmap(nullptr, result.m_size, PROT_READ, MAP_SHARED, file.fd, 0);
        if (data == MAP_FAILED) {
            if (errno == ENOMEM) {
                throw Error(ErrorCode::TooLarge,
                            path.string() + " does not fit into this program's address space (" +
                                std::to_string(result.m_size) + " bytes)",
                            "Raise the limit on virtual memory (ulimit -v) and try again");
            }
            throw systemError("map " + path.string(), errno);
        }
        result.m_data = static_cast<const std::byte*>(data);
        result.m_guard = guardRange(data, result.m_size);
    }
    result.m_fd = file.take();
    return result;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : m_path(std::move(other.m_path)),
      m_data(std::exchange(other.m_data, nullptr)),
      m_size(std::exchange(other.m_size, 0)),
      m_fd(std::exchange(other.m_fd, -1)),
      m_guard(std::exchange(other.m_guard, -1)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    if (this != &other) {
        release();
        m_path = std::move(other.m_path);
        m_data = std::exchange(other.m_data, nullptr);
        m_size = std::exchange(other.m_size, 0);
        m_fd = std::exchange(other.m_fd, -1);
        m_guard = std::exchange(other.m_guard, -1);
    }
    return *this;
}

MappedFile::~MappedFile() {
    release();
}

void MappedFile::release() noexcept {
    if (m_guard >= 0) {
        g_guards[static_cast<std::size_t>(m_guard)].begin.store(0, std::memory_order_release);
        m_guard = -1;
    }
    if (m_data != nullptr) {
        munmap(const_cast<std::byte*>(m_data), m_size);
        m_data = nullptr;
    }
    if (m_fd >= 0) {
        ::close(m_fd);
        m_fd = -1;
    }
}

void MappedFile::advise(Pattern pattern, std::uint64_t offset,
                        std::uint64_t length) const noexcept {
    if (offset >= m_size) {
        return;
    }
    length = std::min(length, m_size - offset);
    const std::uint64_t start = offset & ~static_cast<std::uint64_t>(g_pageSize - 1);
    int advice = MADV_NORMAL;
    switch (pattern) {
    case Pattern::Normal:
        break;
    case Pattern::Sequential:
        advice = MADV_SEQUENTIAL;
        break;
    case Pattern::Random:
        advice = MADV_RANDOM;
        break;
    case Pattern::WillNeed:
        advice = MADV_WILLNEED;
        break;
    }
    madvise(const_cast<std::byte*>(m_data) + start, length + (offset - start), advice);
}

std::uint64_t MappedFile::residentBytes() const {
    const std::uint64_t page = g_pageSize;
    const std::uint64_t pages = (m_size + page - 1) / page;
    constexpr std::uint64_t kStep = 1U << 16;
    std::vector<unsigned char> present(std::min(pages, kStep));
    std::uint64_t count = 0;
    for (std::uint64_t first = 0; first < pages; first += kStep) {
        const std::uint64_t n = std::min(kStep, pages - first);
        const std::uint64_t length = std::min(n * page, m_size - first * page);
        if (mincore(const_cast<std::byte*>(m_data) + first * page, length, present.data()) != 0) {
            break;
        }
        count += static_cast<std::uint64_t>(
            std::count_if(present.begin(), present.begin() + static_cast<std::ptrdiff_t>(n),
                          [](unsigned char flags) { return (flags & 1) != 0; }));
    }
    return std::min(count * page, m_size);
}

void MappedFile::checkIntact() const {
    if (m_fd < 0) {
        return;
    }
    struct stat status {};
    const bool shorter =
        fstat(m_fd, &status) != 0 || static_cast<std::uint64_t>(status.st_size) < m_size;
    const bool damaged = m_guard >= 0 && g_guards[static_cast<std::size_t>(m_guard)].damaged.load(
                                             std::memory_order_acquire);
    if (shorter || damaged) {
        throw Error(ErrorCode::Corrupt,
                    m_path.string() + " was cut short or could not be read while it was in use",
                    "Restore the file (copy or download it again) and load it anew");
    }
}

} // namespace dossier
