// SPDX-License-Identifier: GPL-3.0-or-later
// Ids count through the whole run of the program.
#include "app/job_list.h"

#include <algorithm>
#include <atomic>
#include <chrono>

namespace dossier::app {

std::int64_t nowMs() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

RunningJob::RunningJob(Job job) : m_job(std::move(job)) {}

void RunningJob::update(const std::function<void(Job&)>& change) {
    const std::lock_guard lock(m_mutex);
    change(m_job);
    m_changed = true;
}

std::optional<Job> RunningJob::take() {
    const std::lock_guard lock(m_mutex);
    if (!m_changed) {
        return std::nullopt;
    }
    m_changed = false;
    return m_job;
}

Job RunningJob::copy() const {
    const std::lock_guard lock(m_mutex);
    return m_job;
}

std::shared_ptr<RunningJob> JobList::start(JobKind kind, const std::string& title) {
    static std::atomic<long long> next{1};
    Job job;
    job.id = JobId{next++};
    job.kind = kind;
    job.title = title;
    job.startedMs = nowMs();
    auto running = std::make_shared<RunningJob>(job);
    m_jobs.push_back(std::move(job));
    m_running[m_jobs.back().id] = running;
    return running;
}

void JobList::end(RunningJob& job, const std::optional<Error>& error) {
    job.update([&](Job& j) {
        j.endedMs = nowMs();
        if (!error) {
            j.state = JobState::Done;
        } else if (error->code() == ErrorCode::Cancelled) {
            j.state = JobState::Cancelled;
        } else {
            j.state = JobState::Failed;
            j.failure = failureOf(*error);
        }
    });
}

std::vector<JobId> JobList::refresh() {
    std::vector<JobId> changed;
    for (auto it = m_running.begin(); it != m_running.end();) {
        const std::optional<Job> job = it->second->take();
        if (job) {
            const auto shown = std::find_if(m_jobs.begin(), m_jobs.end(),
                                            [&](const Job& j) { return j.id == job->id; });
            if (shown != m_jobs.end()) {
                *shown = *job;
            }
            changed.push_back(job->id);
        }
        it = job && job->state != JobState::Running ? m_running.erase(it) : std::next(it);
    }
    return changed;
}

void JobList::cancel(JobId id) {
    if (const auto it = m_running.find(id); it != m_running.end()) {
        it->second->cancel();
    }
}

void JobList::dismiss(JobId id) {
    if (!m_running.contains(id)) {
        std::erase_if(m_jobs, [id](const Job& job) { return job.id == id; });
    }
}

void JobList::cancelAll() {
    for (const auto& [id, job] : m_running) {
        job->cancel();
    }
}

bool JobList::running() const {
    return !m_running.empty();
}

} // namespace dossier::app
