// SPDX-License-Identifier: Apache-2.0
#include "engine/base/aligned_buffer.h"

#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include <sys/mman.h>

#include "engine/base/error.h"

namespace dossier {
namespace {

constexpr std::uint64_t kLine = 64;
constexpr std::uint64_t kHuge = 2ULL << 20;

Error refused(std::string_view owner, std::uint64_t bytes) {
    return {ErrorCode::OutOfMemory,
            "The system refused " + formatBytes(bytes) + " of memory for \"" + std::string(owner) +
                "\"",
            "Close other programs, allow this one less memory, or choose a shorter context"};
}

/// Pages aligned to 2 MiB: maps a little more and gives the ends back.
std::byte* mapHuge(std::uint64_t length) {
    void* raw =
        mmap(nullptr, length + kHuge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) {
        return nullptr;
    }
    const auto start = reinterpret_cast<std::uintptr_t>(raw);
    const std::uintptr_t aligned = (start + kHuge - 1) & ~(kHuge - 1);
    if (aligned > start) {
        munmap(raw, aligned - start);
    }
    const std::uintptr_t tail = aligned + length;
    if (start + length + kHuge > tail) {
        munmap(reinterpret_cast<void*>(tail), start + length + kHuge - tail);
    }
    auto* data = reinterpret_cast<std::byte*>(aligned);
    madvise(data, length, MADV_HUGEPAGE);
    return data;
}

} // namespace

AlignedBuffer::AlignedBuffer(MemoryLedger& ledger, std::string_view owner, std::uint64_t bytes,
                             Fill fill, HugePages hugePages)
    : m_size(bytes) {
    if (bytes == 0) {
        return;
    }
    const std::uint64_t unit = hugePages == HugePages::Yes ? kHuge : kLine;
    if (bytes > UINT64_MAX / 4) {
        throw refused(owner, bytes);
    }
    const std::uint64_t length = (bytes + unit - 1) / unit * unit;
    m_entry = ledger.take(owner, MemoryPlace::Ram, length);
    if (hugePages == HugePages::Yes) {
        m_data = mapHuge(length);
        m_mapped = length;
    } else {
        m_data = static_cast<std::byte*>(std::aligned_alloc(kLine, length));
    }
    if (m_data == nullptr) {
        throw refused(owner, bytes);
    }
    if (fill == Fill::Zero && m_mapped == 0) {
        std::memset(m_data, 0, length);
    }
}

AlignedBuffer::AlignedBuffer(AlignedBuffer&& other) noexcept
    : m_entry(std::move(other.m_entry)),
      m_data(std::exchange(other.m_data, nullptr)),
      m_size(std::exchange(other.m_size, 0)),
      m_mapped(std::exchange(other.m_mapped, 0)) {}

AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& other) noexcept {
    if (this != &other) {
        release();
        m_entry = std::move(other.m_entry);
        m_data = std::exchange(other.m_data, nullptr);
        m_size = std::exchange(other.m_size, 0);
        m_mapped = std::exchange(other.m_mapped, 0);
    }
    return *this;
}

AlignedBuffer::~AlignedBuffer() {
    release();
}

void AlignedBuffer::release() noexcept {
    if (m_mapped > 0) {
        munmap(m_data, m_mapped);
    } else {
        std::free(m_data);
    }
    m_data = nullptr;
    m_size = m_mapped = 0;
    m_entry.release();
}

} // namespace dossier
