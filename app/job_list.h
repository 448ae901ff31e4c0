// SPDX-License-Identifier: GPL-3.0-or-later
// The jobs of a session or of the engine host, as the window thread keeps them, and the view of one
// that its worker changes.
#pragma once

#include <QObject>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

#include "app/model_types.h"

namespace dossier::app {

/// A running job as its worker sees it. Thread-safe.
class RunningJob {
  public:
    explicit RunningJob(Job job);

    std::stop_token stop() const { return m_stop.get_token(); }
    void cancel() { m_stop.request_stop(); }
    void update(const std::function<void(Job&)>& change);
    /// A copy if it changed since the last call.
    std::optional<Job> take();
    Job copy() const;

  private:
    mutable std::mutex m_mutex;
    Job m_job;
    bool m_changed = true;
    std::stop_source m_stop;
};

/// Jobs of the window thread: copies for showing, coalesced by a timer of the owner.
class JobList {
  public:
    std::shared_ptr<RunningJob> start(JobKind kind, const std::string& title);
    /// Ends a job: to be called by its worker as the last thing it does with it.
    static void end(RunningJob& job, const std::optional<Error>& error);
    /// Takes over changes; returns the ids of the jobs that changed.
    std::vector<JobId> refresh();
    void cancel(JobId id);
    void dismiss(JobId id);
    void cancelAll();
    bool running() const; ///< some job is not finished
    const std::vector<Job>& jobs() const { return m_jobs; }

  private:
    std::vector<Job> m_jobs;
    std::map<JobId, std::shared_ptr<RunningJob>> m_running;
};

std::int64_t nowMs();

} // namespace dossier::app
