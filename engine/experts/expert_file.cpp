// SPDX-License-Identifier: Apache-2.0
#include "engine/experts/expert_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "engine/base/aligned_buffer.h"
#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/experts/direct_read.h"

namespace dossier::engine {
namespace {

constexpr std::uint64_t kAlignment = 4096;

void writeBlock(int fd, const std::byte* data, std::uint64_t bytes, std::uint64_t offset,
                const std::filesystem::path& path) {
    while (bytes > 0) {
        const ssize_t done = pwrite(fd, data, bytes, static_cast<off_t>(offset));
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            throw systemError("write " + path.string(), done < 0 ? errno : EIO);
        }
        data += done;
        offset += static_cast<std::uint64_t>(done);
        bytes -= static_cast<std::uint64_t>(done);
    }
}

} // namespace

std::shared_ptr<ExpertFile> ExpertFile::write(const std::filesystem::path& path,
                                              std::shared_ptr<const ExpertSource> source,
                                              const ExpertLayout& layout, std::uint32_t layers,
                                              std::uint32_t experts, std::span<const Key> keys,
                                              ThreadPool& workers) {
    std::shared_ptr<ExpertFile> file(new ExpertFile());
    file->m_path = path;
    file->m_source = std::move(source);
    file->m_layout = layout;
    file->m_experts = experts;
    file->m_place.assign(std::size_t{layers} * experts, -1);
    constexpr int kFlags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC;
    file->m_fd = open(path.c_str(), kFlags | O_DIRECT, 0600);
    file->m_direct = file->m_fd >= 0;
    if (file->m_fd < 0 && errno == EINVAL) {
        file->m_fd = open(path.c_str(), kFlags, 0600);
    }
    if (file->m_fd < 0) {
        throw systemError("create " + path.string(), errno);
    }
    const double begin = steadySeconds();
    file->writeAll(keys, workers);
    file->m_secondsToWrite = steadySeconds() - begin;
    return file;
}

void ExpertFile::writeAll(std::span<const Key> keys, ThreadPool& workers) {
    MemoryLedger ledger;
    // A block for each thread, on page boundaries.
    AlignedBuffer blocks(ledger, "staging", workers.size() * m_layout.bytes,
                         AlignedBuffer::Fill::Zero, AlignedBuffer::HugePages::Yes);
    workers.parallelFor(keys.size(), 1, [&](std::size_t from, std::size_t to, unsigned worker) {
        std::byte* block = blocks.data() + worker * m_layout.bytes;
        for (std::size_t i = from; i < to; ++i) {
            m_source->read(keys[i].layer, keys[i].expert, block);
            writeBlock(m_fd, block, m_layout.bytes, i * m_layout.bytes, m_path);
        }
    });
    for (std::size_t i = 0; i < keys.size(); ++i) {
        m_place[std::size_t{keys[i].layer} * m_experts + keys[i].expert] =
            static_cast<std::int32_t>(i);
    }
    if (fdatasync(m_fd) != 0) {
        throw systemError("write " + m_path.string(), errno);
    }
}

ExpertFile::~ExpertFile() {
    if (m_fd >= 0) {
        close(m_fd);
        unlink(m_path.c_str());
    }
}

void ExpertFile::read(std::uint32_t layer, std::uint32_t expert, std::byte* block) const {
    const std::int32_t place = m_place[std::size_t{layer} * m_experts + expert];
    if (place < 0) {
        m_source->read(layer, expert, block);
        return;
    }
    if (m_direct && reinterpret_cast<std::uintptr_t>(block) % kAlignment != 0) {
        MemoryLedger ledger;
        AlignedBuffer bounce(ledger, "staging", m_layout.bytes + kAlignment);
        const auto address = reinterpret_cast<std::uintptr_t>(bounce.data());
        std::byte* aligned = bounce.data() + (kAlignment - address % kAlignment) % kAlignment;
        read(layer, expert, aligned);
        std::memcpy(block, aligned, m_layout.bytes);
        return;
    }
    readAll(m_fd, block, m_layout.bytes, static_cast<std::uint64_t>(place) * m_layout.bytes,
            m_path);
}

} // namespace dossier::engine
