// SPDX-License-Identifier: GPL-3.0-or-later
// A deque and a condition variable.
#include "app/work_queue.h"

namespace dossier::app {

WorkQueue::WorkQueue(AtEnd atEnd)
    : m_atEnd(atEnd), m_thread([this](const std::stop_token& stop) { run(stop); }) {}

WorkQueue::~WorkQueue() {
    shutDown();
}

void WorkQueue::shutDown() {
    if (m_thread.joinable()) {
        m_thread.request_stop();
        m_thread.join();
    }
}

void WorkQueue::post(Task task) {
    {
        const std::lock_guard lock(m_mutex);
        m_tasks.push_back(std::move(task));
    }
    m_changed.notify_all();
}

void WorkQueue::drain() {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [this] { return m_tasks.empty() && !m_busy; });
}

bool WorkQueue::isIdle() const {
    const std::lock_guard lock(m_mutex);
    return m_tasks.empty() && !m_busy;
}

void WorkQueue::run(const std::stop_token& stop) {
    std::unique_lock lock(m_mutex);
    for (;;) {
        m_changed.wait(lock, stop, [this] { return !m_tasks.empty(); });
        if (m_tasks.empty() || (stop.stop_requested() && m_atEnd == AtEnd::Drop)) {
            m_tasks.clear();
            return;
        }
        const Task task = std::move(m_tasks.front());
        m_tasks.pop_front();
        m_busy = true;
        lock.unlock();
        task(stop);
        lock.lock();
        m_busy = false;
        m_changed.notify_all();
    }
}

} // namespace dossier::app
