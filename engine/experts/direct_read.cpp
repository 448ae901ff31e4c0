// SPDX-License-Identifier: Apache-2.0
#include "engine/experts/direct_read.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <linux/aio_abi.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/error.h"

namespace dossier::engine {
namespace {

constexpr std::uint64_t kPart = std::uint64_t{1} << 20;
constexpr unsigned kDepth = 16;

/// The kernel's queue of one thread; it lives as long as the thread, since giving one back is slow.
class Queue {
  public:
    Queue() { m_usable = syscall(SYS_io_setup, kDepth, &m_context) == 0; }
    ~Queue() {
        if (m_usable) {
            syscall(SYS_io_destroy, m_context);
        }
    }
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    bool usable() const { return m_usable; }

    /// Length that was read; less than `bytes` where a part came short. Negative: -errno.
    std::int64_t read(int fd, std::byte* to, std::uint64_t bytes, std::uint64_t offset) {
        std::array<iocb, kDepth> parts{};
        std::array<iocb*, kDepth> list{};
        const std::uint64_t count = (bytes + kPart - 1) / kPart;
        for (std::uint64_t i = 0; i < count; ++i) {
            parts[i].aio_fildes = static_cast<std::uint32_t>(fd);
            parts[i].aio_lio_opcode = IOCB_CMD_PREAD;
            parts[i].aio_buf = reinterpret_cast<std::uint64_t>(to + i * kPart);
            parts[i].aio_nbytes = std::min(kPart, bytes - i * kPart);
            parts[i].aio_offset = static_cast<std::int64_t>(offset + i * kPart);
            parts[i].aio_data = i;
            list[i] = &parts[i];
        }
        const long begun = syscall(SYS_io_submit, m_context, static_cast<long>(count), list.data());
        if (begun <= 0) {
            return begun < 0 ? -errno : 0;
        }
        std::array<io_event, kDepth> events{};
        std::array<std::int64_t, kDepth> lengths{};
        for (long done = 0; done < begun;) { // all of them, whatever happens: they write to `to`
            const long some = syscall(SYS_io_getevents, m_context, 1L, static_cast<long>(kDepth),
                                      events.data(), nullptr);
            for (long i = 0; i < some; ++i) {
                const io_event& event = events[static_cast<std::size_t>(i)];
                lengths[event.data] = event.res;
            }
            done += std::max(some, 0L);
            if (some < 0 && errno != EINTR) {
                return -errno;
            }
        }
        std::uint64_t length = 0;
        for (long i = 0; i < begun; ++i) {
            const std::int64_t got = lengths[static_cast<std::size_t>(i)];
            if (got < 0) {
                return length > 0 ? static_cast<std::int64_t>(length) : got;
            }
            length += static_cast<std::uint64_t>(got);
            if (static_cast<std::uint64_t>(got) < parts[static_cast<std::size_t>(i)].aio_nbytes) {
                break;
            }
        }
        return static_cast<std::int64_t>(length);
    }

  private:
    aio_context_t m_context = 0;
    bool m_usable = false;
};

} // namespace

void readAll(int fd, std::byte* to, std::uint64_t bytes, std::uint64_t offset,
             const std::filesystem::path& path) {
    thread_local Queue queue;
    bool together = queue.usable();
    while (bytes > 0) {
        std::int64_t count = 0;
        if (together) {
            count = queue.read(fd, to, std::min(bytes, kDepth * kPart), offset);
            if (count < 0 && count != -EIO && count != -EINTR) { // refused: the plain way
                together = false;
                continue;
            }
        } else {
            count = pread(fd, to, bytes, static_cast<off_t>(offset));
            count = count < 0 ? -errno : count;
        }
        if (count == -EINTR) {
            continue;
        }
        if (count < 0) {
            throw systemError("read from " + path.string(), static_cast<int>(-count));
        }
        if (count == 0) {
            throw Error(ErrorCode::Corrupt, path.string() + " is shorter than it was",
                        "Copy the model again, then load it");
        }
        to += count;
        offset += static_cast<std::uint64_t>(count);
        bytes -= static_cast<std::uint64_t>(count);
    }
}

} // namespace dossier::engine
