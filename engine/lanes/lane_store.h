// SPDX-License-Identifier: Apache-2.0
// The file behind a lane: what it holds, frontiers on demand, and records that are written by a
// thread of its own while the next super-chunk is computed.
//
// Threads: the engine's owner thread; only the writing itself happens elsewhere.
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/base/memory_ledger.h"
#include "engine/lanes/lane_writer.h"

namespace dossier::engine {

class LaneStore {
  public:
    /// Opens the file, or makes it when it is not there. `readOnly`, or a file that may not be
    /// written: appending is refused then. Enters its bytes in the ledger ("lane files", disk).
    /// Errors: as scanLane, checkLaneKey and LaneHandle.
    LaneStore(const std::filesystem::path&, const LaneKey&, bool readOnly, MemoryLedger&);
    /// Waits for the record that is being written.
    ~LaneStore();

    LaneIndex& index() { return m_index; }
    const LaneHandle& file() const { return m_writer ? m_writer->file() : *m_reader; }
    bool isNew() const { return m_new; }
    bool writable() const { return m_writer != nullptr; }
    /// Throws Error(Permission) when the file may not be written.
    void requireWritable() const;

    /// The frontier at a position of the index; absent when its section is damaged.
    std::optional<StoredFrontier> frontier(std::uint64_t position) const;

    /// Hands a record to the writing thread. Nothing may be in flight.
    void write(LaneDraft);
    /// True when nothing is in flight (any more); waits up to `most`. Throws what writing threw,
    /// once; the record is then not in the file.
    bool settled(std::chrono::milliseconds most);

  private:
    void open(const std::filesystem::path&, const LaneKey&, bool readOnly);
    void work(const std::stop_token&);

    LaneIndex m_index;
    std::unique_ptr<LaneWriter> m_writer; ///< null: read only
    std::unique_ptr<LaneHandle> m_reader; ///< when there is no writer
    std::optional<Error> m_whyReadOnly;
    bool m_new = false;
    LedgerEntry m_entry;

    std::mutex m_mutex; ///< guards what follows
    std::condition_variable_any m_wake;
    std::optional<LaneDraft> m_draft; ///< in flight
    bool m_written = false;           ///< the thread is done with it
    LaneRecord m_record;
    std::exception_ptr m_error;
    std::jthread m_thread; ///< last
};

} // namespace dossier::engine
