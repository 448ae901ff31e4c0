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
#include "engine/base/grouped.h"
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

/// "18 added, 1 failed, 2 unchanged, 3 left out"
std::string summary(const Job& job) {
    std::string text =
        grouped(job.succeeded) + " added, " + grouped(job.problems.size()) + " failed";
    if (job.unchanged > 0) {
        text += ", " + grouped(job.unchanged) + " unchanged";
    }
    if (!job.leftOut.empty()) {
        text += ", " + grouped(job.leftOut.size()) + " left out";
    }
    return text;
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
    if (const std::uint64_t read = finishReading(*session, line); read > 0) {
        std::printf("%s read that an interrupted command had left\n", grouped(read).c_str());
    }
    const JobId id = session->addSources(request);
    QObject::connect(session.get(), &Session::jobChanged, session.get(), [&](JobId changed) {
        const Job* job = jobOf(*session, changed);
        if (job != nullptr && job->state == JobState::Running && !job->item.empty()) {
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
    std::printf("%s\n", summary(*job).c_str());
    if (job->state == JobState::Cancelled) {
        complain("Stopped", "What was copied stays in the dossier and is read at the next opening");
        return kFailed;
    }
    if (job->failure) {
        complain(job->failure->failed, job->failure->remedy);
        return kFailed;
    }
    if (job->problems.empty()) {
        return kAnswered;
    }
    return job->succeeded + job->unchanged == 0 ? kFailed : kPartly;
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
