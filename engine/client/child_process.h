// SPDX-License-Identifier: Apache-2.0
// A child process with pipes on its three standard streams, which does not outlive this one.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace dossier::engine {

class ChildProcess {
  public:
    /// Throws Error(NotFound, Permission, Io).
    ChildProcess(const std::filesystem::path& program, const std::vector<std::string>& arguments);
    /// Closes the input, waits up to 2 s for the end, then kills.
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    int pid() const { return m_pid; }
    int output() const { return m_output; } ///< to read the child's standard output from
    /// Writes all bytes or throws Error(ProcessDied).
    void write(std::string_view bytes);
    void closeInput();
    /// The last 4 KiB of the child's error output.
    std::string lastErrors() const;
    /// How it ended ("was killed by signal 9", "ended with status 1"), waiting up to a second;
    /// empty while it runs.
    std::string ending();

  private:
    bool waitFor(int milliseconds);

    int m_pid = -1, m_input = -1, m_output = -1, m_errors = -1;
    int m_status = 0;
    bool m_ended = false;
    std::mutex m_inputMutex, m_waitMutex;
    mutable std::mutex m_errorMutex;
    std::string m_errorText;
    std::jthread m_errorReader;
};

} // namespace dossier::engine
