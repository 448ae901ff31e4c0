// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/unread.h"

#include <algorithm>
#include <cstdio>

#include "app/cli/terminal_text.h"
#include "engine/base/grouped.h"

namespace dossier::app::cli {
namespace {

const Job* runningJob(const Session& session) {
    const auto& jobs = session.jobs();
    const auto job = std::find_if(jobs.begin(), jobs.end(), [](const Job& one) {
        return one.kind == JobKind::AddSources && one.state == JobState::Running;
    });
    return job == jobs.end() ? nullptr : &*job;
}

} // namespace

std::uint64_t finishReading(Session& session, ProgressLine& line) {
    waitUntil(
        [&] {
            const Job* job = runningJob(session);
            if (job != nullptr && !job->item.empty()) {
                line.show("Reading " + printable(job->item), job->progress);
            }
            return job == nullptr;
        },
        [&] {
            if (const Job* job = runningJob(session)) {
                session.cancelJob(job->id);
            }
        });
    line.clear();
    std::uint64_t read = 0;
    for (const Job& job : session.jobs()) {
        read += job.kind == JobKind::AddSources ? job.succeeded : 0;
    }
    return read;
}

void tellUnread(const Session& session) {
    const auto unread =
        std::count_if(session.sources().begin(), session.sources().end(),
                      [](const Source& source) { return source.state == SourceState::Queued; });
    if (unread > 0) {
        complain((unread == 1 ? std::string("1 source is")
                              : grouped(static_cast<std::uint64_t>(unread)) + " sources are") +
                     " not read yet",
                 "Add them again or open the window");
    }
}

} // namespace dossier::app::cli
