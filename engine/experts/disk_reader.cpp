// SPDX-License-Identifier: Apache-2.0
#include "engine/experts/disk_reader.h"

#include <algorithm>

#include "engine/base/clock.h"

namespace dossier::engine::cuda {
DiskReader::DiskReader(std::shared_ptr<const ExpertSource> source, const ExpertLayout& layout,
                       MemoryLedger& ledger, std::uint32_t buffers, unsigned threads)
    : m_source(std::move(source)),
      m_blockBytes(layout.bytes),
      m_memory(ledger, kStaging, buffers * layout.bytes),
      m_buffers(buffers) {
    for (unsigned i = 0; i < threads; ++i) {
        m_threads.emplace_back([this] { work(); });
    }
}

DiskReader::~DiskReader() {
    {
        const std::lock_guard lock(m_mutex);
        m_stop = true;
    }
    m_asked.notify_all();
    for (std::thread& thread : m_threads) {
        thread.join();
    }
}

std::optional<std::uint32_t> DiskReader::request(std::uint32_t layer, std::uint32_t expert) {
    const std::lock_guard lock(m_mutex);
    const auto hold = [&](Buffer& buffer) {
        ++buffer.holds;
        buffer.used = ++m_clock;
        return static_cast<std::uint32_t>(&buffer - m_buffers.data());
    };
    Buffer* oldest = nullptr;
    for (Buffer& buffer : m_buffers) {
        const bool there =
            buffer.state != Buffer::State::Empty && buffer.state != Buffer::State::Failed;
        if (there && buffer.layer == layer && buffer.expert == expert) {
            ++m_counts.kept;
            return hold(buffer);
        }
        if (buffer.holds == 0 && buffer.state != Buffer::State::Waiting &&
            buffer.state != Buffer::State::Reading && (!oldest || buffer.used < oldest->used)) {
            oldest = &buffer;
        }
    }
    if (!oldest) {
        return std::nullopt;
    }
    oldest->state = Buffer::State::Waiting;
    oldest->layer = layer;
    oldest->expert = expert;
    oldest->failure = nullptr;
    m_asked.notify_one();
    return hold(*oldest);
}

bool DiskReader::ready(std::uint32_t buffer) const {
    const std::lock_guard lock(m_mutex);
    return m_buffers[buffer].state == Buffer::State::Ready ||
           m_buffers[buffer].state == Buffer::State::Failed;
}

const std::byte* DiskReader::wait(std::uint32_t buffer) {
    std::unique_lock lock(m_mutex);
    const Buffer& b = m_buffers[buffer];
    m_done.wait(
        lock, [&] { return b.state == Buffer::State::Ready || b.state == Buffer::State::Failed; });
    if (b.failure) {
        std::rethrow_exception(b.failure);
    }
    return m_memory.data() + buffer * m_blockBytes;
}

void DiskReader::release(std::uint32_t buffer) {
    const std::lock_guard lock(m_mutex);
    --m_buffers[buffer].holds;
}

DiskReader::Counts DiskReader::counts() const {
    const std::lock_guard lock(m_mutex);
    return m_counts;
}

void DiskReader::work() {
    std::unique_lock lock(m_mutex);
    while (true) {
        Buffer* next = nullptr; // asked for first
        m_asked.wait(lock, [&] {
            next = nullptr;
            for (Buffer& buffer : m_buffers) {
                if (buffer.state == Buffer::State::Waiting && (!next || buffer.used < next->used)) {
                    next = &buffer;
                }
            }
            return m_stop || next;
        });
        if (m_stop) {
            return;
        }
        next->state = Buffer::State::Reading;
        if (m_busy++ == 0) {
            m_busySince = steadySeconds();
        }
        std::byte* to =
            m_memory.data() + static_cast<std::uint64_t>(next - m_buffers.data()) * m_blockBytes;
        lock.unlock();
        std::exception_ptr failure;
        try {
            m_source->read(next->layer, next->expert, to);
        } catch (...) {
            failure = std::current_exception();
        }
        lock.lock();
        if (--m_busy == 0) {
            m_counts.seconds += steadySeconds() - m_busySince;
        }
        next->failure = failure;
        next->state = failure ? Buffer::State::Failed : Buffer::State::Ready;
        ++m_counts.reads;
        m_counts.bytes += m_blockBytes;
        m_done.notify_all();
    }
}

} // namespace dossier::engine::cuda
