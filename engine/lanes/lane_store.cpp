// SPDX-License-Identifier: Apache-2.0
#include "engine/lanes/lane_store.h"

#include <utility>

#include "engine/base/error.h"

namespace dossier::engine {

LaneStore::LaneStore(const std::filesystem::path& path, const LaneKey& key, bool readOnly,
                     MemoryLedger& ledger) {
    open(path, key, readOnly);
    if (!m_new) {
        const auto index = scanLane(file());
        if (index) {
            checkLaneKey(index->key, key, path);
            m_index = std::move(*index);
        } else if (m_writer) {
            m_writer->writeHeaders(key); // it was never finished
            m_new = true;
        } else {
            throw Error(ErrorCode::Corrupt, path.string() + " is empty", "Read the sources again");
        }
    }
    if (m_new) {
        m_index.key = key;
        m_index.fileBytes = m_index.end;
    }
    m_entry = ledger.take("lane files", MemoryPlace::Disk, m_index.fileBytes);
}

void LaneStore::open(const std::filesystem::path& path, const LaneKey& key, bool readOnly) {
    std::error_code failed;
    const bool there = std::filesystem::exists(path, failed);
    if (!there && !readOnly) {
        m_writer = LaneWriter::create(path, key);
        m_new = true;
        return;
    }
    if (!readOnly) {
        try {
            m_writer = LaneWriter::open(path);
            return;
        } catch (const Error& error) {
            if (error.code() != ErrorCode::Permission) {
                throw;
            }
            m_whyReadOnly = error; // answering from it is still possible
        }
    } else {
        m_whyReadOnly.emplace(ErrorCode::Permission,
                              "The lane " + path.string() + " was opened for reading only",
                              "Open it for writing");
    }
    m_reader = std::make_unique<LaneHandle>(path, LaneHandle::Mode::Read);
}

LaneStore::~LaneStore() {
    if (m_thread.joinable()) {
        m_thread.request_stop();
        m_wake.notify_all();
        m_thread.join();
    }
}

void LaneStore::requireWritable() const {
    if (!m_writer) {
        throw Error(*m_whyReadOnly);
    }
}

std::optional<StoredFrontier> LaneStore::frontier(std::uint64_t position) const {
    for (const LaneFrontier& place : m_index.frontiers) {
        if (place.position != position) {
            continue;
        }
        const LaneRecord& record = m_index.records[place.record];
        const auto bytes = readSection(file(), record, record.sections[place.section]);
        auto stored = bytes ? decodeFrontier(*bytes) : std::nullopt;
        return stored && stored->position == position ? std::move(stored) : std::nullopt;
    }
    return std::nullopt;
}

void LaneStore::write(LaneDraft draft) {
    requireWritable();
    if (!m_thread.joinable()) {
        m_thread = std::jthread([this](const std::stop_token& stop) { work(stop); });
    }
    {
        const std::lock_guard lock(m_mutex);
        if (m_draft) {
            throw Error(ErrorCode::Internal, "A second record was handed over to a lane's writer");
        }
        m_draft = std::move(draft);
        m_written = false;
    }
    m_wake.notify_all();
}

bool LaneStore::settled(std::chrono::milliseconds most) {
    std::unique_lock lock(m_mutex);
    if (!m_draft) {
        return true;
    }
    if (!m_wake.wait_for(lock, most, [&] { return m_written; })) {
        return false;
    }
    LaneDraft draft = std::move(*m_draft);
    m_draft.reset();
    if (m_error) {
        std::rethrow_exception(std::exchange(m_error, nullptr));
    }
    m_index.add(std::move(m_record), draft.tokens, std::move(draft.marks));
    m_entry.resize(m_index.fileBytes);
    return true;
}

void LaneStore::work(const std::stop_token& stop) {
    std::unique_lock lock(m_mutex);
    while (m_wake.wait(lock, stop, [&] { return m_draft && !m_written; })) {
        const std::uint64_t end = m_index.end, number = m_index.records.size();
        const std::uint32_t chain = m_index.chain();
        lock.unlock();
        LaneRecord record;
        std::exception_ptr error;
        try {
            record = m_writer->append(*m_draft, end, number, chain);
        } catch (...) {
            error = std::current_exception();
        }
        lock.lock();
        m_record = std::move(record);
        m_error = error;
        m_written = true;
        m_wake.notify_all();
    }
}

} // namespace dossier::engine
