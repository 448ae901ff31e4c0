// SPDX-License-Identifier: Apache-2.0
#include "engine/lanes/lane_io.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/error.h"

namespace dossier::engine {
namespace {

/// What is called for the system's functions; empty: those.
struct Replaced {
    LaneHandle::WriteFn write;
    LaneHandle::FlushFn flush;
    LaneHandle::CutFn cut;
};
Replaced& replaced() {
    static Replaced functions;
    return functions;
}

/// At a limit on file sizes a write must fail, not end the process.
void ignoreSizeSignal() {
    static std::once_flag once;
    std::call_once(once, [] {
        struct sigaction now {};
        if (sigaction(SIGXFSZ, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
            std::signal(SIGXFSZ, SIG_IGN);
        }
    });
}

/// Whether the page cache has all of a piece (offset a multiple of the page size). Asking by a read
/// that may not wait would make the kernel read ahead what is about to be read past it.
bool isCached(int descriptor, std::uint64_t offset, std::size_t bytes) {
    void* const map =
        ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor, static_cast<off_t>(offset));
    if (map == MAP_FAILED) {
        return false;
    }
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    std::vector<unsigned char> resident((bytes + page - 1) / page);
    const bool known = ::mincore(map, bytes, resident.data()) == 0;
    ::munmap(map, bytes);
    return known && std::all_of(resident.begin(), resident.end(),
                                [](unsigned char flags) { return (flags & 1) != 0; });
}

} // namespace

void LaneHandle::setWriteFunction(WriteFn function) {
    replaced().write = std::move(function);
}
void LaneHandle::setFlushFunction(FlushFn function) {
    replaced().flush = std::move(function);
}
void LaneHandle::setCutFunction(CutFn function) {
    replaced().cut = std::move(function);
}

LaneHandle::LaneHandle(std::filesystem::path file, Mode mode) : m_file(std::move(file)) {
    ignoreSizeSignal();
    const int flags = mode == Mode::Read    ? O_RDONLY
                      : mode == Mode::Write ? O_RDWR | O_APPEND
                                            : O_RDWR | O_APPEND | O_CREAT | O_EXCL;
    m_descriptor = ::open(m_file.c_str(), flags | O_CLOEXEC, 0600);
    if (m_descriptor < 0) {
        throw systemError("open the lane " + m_file.string(), errno);
    }
    if (mode != Mode::Read && flock(m_descriptor, LOCK_EX | LOCK_NB) != 0) {
        const int error = errno;
        ::close(m_descriptor);
        if (error == EWOULDBLOCK) {
            throw Error(ErrorCode::Busy,
                        "The lane " + m_file.string() + " is being written by another process",
                        "Wait until its reading has finished, or pause it");
        }
        throw systemError("lock the lane " + m_file.string(), error);
    }
    m_direct = ::open(m_file.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
}

LaneHandle::~LaneHandle() {
    ::close(m_descriptor);
    if (m_direct >= 0) {
        ::close(m_direct);
    }
}

std::uint64_t LaneHandle::size() const {
    struct stat status {};
    if (fstat(m_descriptor, &status) != 0) {
        throw systemError("look at the lane " + m_file.string(), errno);
    }
    return static_cast<std::uint64_t>(status.st_size);
}

bool LaneHandle::readAt(std::uint64_t offset, std::span<std::byte> out) const {
    while (!out.empty()) {
        const ssize_t n = pread(m_descriptor, out.data(), out.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            throw systemError("read the lane " + m_file.string(), errno);
        }
        if (n == 0) {
            return false;
        }
        out = out.subspan(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
    return true;
}

bool LaneHandle::readAround(std::uint64_t offset, std::span<std::byte> out) const {
    if (m_direct < 0) {
        return readAt(offset, out);
    }
    // In one go: the kernel keeps the disk busy with all parts of a request at the same time.
    if (isCached(m_descriptor, offset, out.size()) ||
        pread(m_direct, out.data(), out.size(), static_cast<off_t>(offset)) !=
            static_cast<ssize_t>(out.size())) { // the file's end, or a refusal
        return readAt(offset, out);
    }
    return true;
}

void LaneHandle::append(std::span<const std::byte> data) {
    while (!data.empty()) {
        const auto& write = replaced().write;
        const long n = write ? write(m_descriptor, data.data(), data.size())
                             : ::write(m_descriptor, data.data(), data.size());
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            throw systemError("write the lane " + m_file.string(), n < 0 ? errno : ENOSPC);
        }
        data = data.subspan(static_cast<std::size_t>(n));
    }
}

void LaneHandle::cutTo(std::uint64_t size) {
    const auto& cut = replaced().cut;
    if ((cut ? cut(m_descriptor, size) : ftruncate(m_descriptor, static_cast<off_t>(size))) != 0) {
        throw systemError("shorten the lane " + m_file.string(), errno);
    }
}

void LaneHandle::flush() {
    const auto& flush = replaced().flush;
    if ((flush ? flush(m_descriptor) : fdatasync(m_descriptor)) != 0) {
        throw systemError("write the lane " + m_file.string() + " to the disk", errno);
    }
}

void flushFolderOf(const std::filesystem::path& file) {
    const std::filesystem::path folder =
        file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        fsync(descriptor); // file systems that cannot are as safe as they get
        ::close(descriptor);
    }
}

} // namespace dossier::engine
