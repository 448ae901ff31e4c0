// SPDX-License-Identifier: GPL-3.0-or-later
// One dossier-reader process, as its parent sees it.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include <sys/types.h>

#include "ingest/client/options.h"
#include "ingest/reader/channel.h"

namespace dossier::ingest {

/// Used by one thread at a time. The process dies with the object.
class WorkerProcess {
  public:
    /// Starts the program. `folders` may be read by it, for walking. Throws NotFound, Io,
    /// ProcessDied.
    WorkerProcess(const std::filesystem::path& program, const ClientOptions& options,
                  const std::vector<std::filesystem::path>& folders = {});
    ~WorkerProcess();
    WorkerProcess(const WorkerProcess&) = delete;
    WorkerProcess& operator=(const WorkerProcess&) = delete;

    struct Request {
        wire::Message type{};
        std::string payload;
        std::vector<int> descriptors;
        std::string name; ///< of the file, for messages
    };

    /// Sends the request and waits for its result. An error that the reader reports is thrown as it
    /// is; after Cancelled, ProcessDied and TooLarge by memory the process is gone.
    Packet call(const Request& request, const ReadProgressFn& progress,
                const std::stop_token& stop);

    bool alive() const { return m_pid > 0; }
    const std::vector<ConfinementLayer>& layers() const { return m_layers; }

  private:
    void start(const std::filesystem::path& program,
               const std::vector<std::filesystem::path>& folders);
    /// Kills and reaps; returns how it ended, as waitpid says, and the memory that it had at most.
    struct End {
        int status = 0;
        std::uint64_t peakBytes = 0;
    };
    End end();
    Error deathOf(const std::string& name);

    ClientOptions m_options;
    pid_t m_pid = -1;
    Channel m_channel;
    std::vector<ConfinementLayer> m_layers;
};

} // namespace dossier::ingest
