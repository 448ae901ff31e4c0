// SPDX-License-Identifier: GPL-3.0-or-later
// A thread that works off tasks one after another.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace dossier::app {

class WorkQueue {
  public:
    /// Tasks must not throw; they get the queue's stop token, requested when it is destroyed.
    using Task = std::function<void(std::stop_token)>;
    enum class AtEnd {
        Finish, ///< destroying works off what is queued (storage)
        Drop,   ///< destroying drops what has not begun
    };

    explicit WorkQueue(AtEnd atEnd);
    ~WorkQueue();
    WorkQueue(const WorkQueue&) = delete;
    WorkQueue& operator=(const WorkQueue&) = delete;

    void post(Task task); ///< any thread; dropped after shutDown
    void shutDown();      ///< what the destructor does, earlier
    void drain();         ///< blocks until everything posted so far is done; not from a task
    bool isIdle() const;

  private:
    void run(const std::stop_token& stop);

    AtEnd m_atEnd;
    mutable std::mutex m_mutex;
    std::condition_variable_any m_changed;
    std::deque<Task> m_tasks;
    bool m_busy = false;
    std::jthread m_thread; ///< last: joins before the rest goes
};

} // namespace dossier::app
