// SPDX-License-Identifier: GPL-3.0-or-later
// dossier new, add, sources: what is in a dossier.
#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/environment.h"
#include "app/cli/headless.h"
#include "app/cli/terminal_text.h"
#include "app/cli/unread.h"
#include "engine/base/json_text.h"

namespace dossier::app::cli {
namespace {

using nlohmann::json;

SessionOptions withReader() {
    SessionOptions options;
    options.reader = ingest::makeReader(readerProgram());
    return options;
}

const char* stateName(SourceState state) {
    switch (state) {
    case SourceState::Queued:
        return "queued";
    case SourceState::Reading:
        return "reading";
    case SourceState::Ready:
        return "ready";
    case SourceState::Failed:
        break;
    }
    return "failed";
}

bool finished(const Session& session, JobId id) {
    for (const Job& job : session.jobs()) {
        if (job.id == id) {
            return job.state != JobState::Running;
        }
    }
    return true;
}

const Job* jobOf(const Session& session, JobId id) {
    for (const Job& job : session.jobs()) {
        if (job.id == id) {
            return &job;
        }
    }
    return nullptr;
}

void printOutcome(const Job& job) {
    constexpr std::size_t kShown = 20;
    for (std::size_t i = 0; i < job.leftOut.size() && i < kShown; ++i) {
        std::fprintf(stderr, "left out  %s: %s\n", printable(job.leftOut[i].path).c_str(),
                     printable(job.leftOut[i].reason).c_str());
    }
    if (job.leftOut.size() > kShown) {
        std::fprintf(stderr, "left out  %zu more\n", job.leftOut.size() - kShown);
    }
    for (const Job::Problem& problem : job.problems) {
        std::fprintf(stderr, "failed    %s: %s. %s\n", printable(problem.path).c_str(),
                     printable(problem.failure.failed).c_str(),
                     printable(problem.failure.remedy).c_str());
    }
}

} // namespace

int runNew(const NewCommand& command) {
    const auto session = Session::create(command.dossier, {});
    std::printf("%s\n", printable(session->folder().string()).c_str());
    return kAnswered;
}

int runAdd(const AddCommand& command) {
    const auto session = Session::open(command.dossier, withReader());
    AddRequest request;
    for (const std::filesystem::path& path : command.paths) {
        request.paths.push_back(std::filesystem::absolute(path));
    }
    request.password = command.password;
    request.walk.honourGitignore = !command.everything;
    ProgressLine line;
    finishReading(*session, line);
    const JobId id = session->addSources(request);
    QObject::connect(session.get(), &Session::jobChanged, session.get(), [&](JobId changed) {
        if (const Job* job = jobOf(*session, changed); job && job->state == JobState::Running) {
            line.show("Reading " + printable(job->item), job->progress);
        }
    });
    waitUntil([&] { return finished(*session, id); }, [&] { session->cancelJob(id); });
    line.clear();
    session->flush();
    const Job* job = jobOf(*session, id);
    if (!job) {
        return kFailed;
    }
    printOutcome(*job);
    std::printf("%llu added", static_cast<unsigned long long>(job->succeeded));
    if (!job->problems.empty()) {
        std::printf(", %zu failed", job->problems.size());
    }
    if (!job->leftOut.empty()) {
        std::printf(", %zu left out", job->leftOut.size());
    }
    std::printf("\n");
    if (job->state == JobState::Cancelled) {
        complain("Stopped", "What was copied stays in the dossier and is read at the next opening");
        return kFailed;
    }
    if (job->failure) {
        complain(job->failure->failed, job->failure->remedy);
        return kFailed;
    }
    return job->succeeded == 0 && !job->problems.empty() ? kFailed : kAnswered;
}

int runSources(const SourcesCommand& command) {
    const auto session = Session::open(command.dossier, {});
    json list = json::array();
    for (const Source& source : session->sources()) {
        if (command.json) {
            json entry{{"name", source.path()},       {"state", stateName(source.state)},
                       {"title", source.title},       {"sha256", source.sha256},
                       {"bytes", source.fileBytes},   {"pages", source.pages},
                       {"lines", source.lines},       {"included", source.included},
                       {"warnings", source.warnings}, {"tokens", json()}};
            if (source.tokens) {
                entry["tokens"] = *source.tokens;
            }
            list.push_back(std::move(entry));
            continue;
        }
        std::printf("%-8s  %10llu bytes  %s\n", stateName(source.state),
                    static_cast<unsigned long long>(source.fileBytes),
                    printable(source.path()).c_str());
        if (source.failure) {
            std::printf("          %s. %s\n", printable(source.failure->failed).c_str(),
                        printable(source.failure->remedy).c_str());
        }
    }
    if (command.json) {
        std::printf("%s\n", jsonText(list, 1, BadUtf8::Replace).c_str());
    }
    tellUnread(*session);
    return kAnswered;
}

} // namespace dossier::app::cli
