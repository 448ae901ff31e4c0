// SPDX-License-Identifier: GPL-3.0-or-later
// dossier report, inspect-model, bench.
#include <cstdio>
#include <mutex>

#include <nlohmann/json.hpp>

#include <cerrno>
#include <unistd.h>

#include "app/asking/profile.h"
#include "app/asking/text_encoder.h"
#include "app/cli/commands.h"
#include "app/cli/environment.h"
#include "app/cli/headless.h"
#include "app/cli/terminal_text.h"
#include "app/cli/unread.h"
#include "app/report/export_report.h"
#include "engine/base/json_text.h"
#include "engine/client/child_engine.h"

namespace dossier::app::cli {
namespace {

/// "NAME report" beside the dossier; with a number behind it when that is taken.
std::filesystem::path freeFolder(const std::filesystem::path& dossier, const std::string& name) {
    const std::filesystem::path parent = dossier.parent_path();
    std::filesystem::path folder = parent / (name + " report");
    for (int number = 2; std::filesystem::exists(folder); ++number) {
        folder = parent / (name + " report " + std::to_string(number));
    }
    return folder;
}

/// What --depth can be: a model may have been trained for more than its profile asks for.
std::vector<std::string> levelsOf(const engine::ModelInfo& info) {
    std::vector<std::string> names;
    for (const ProfileLevel& level : loadProfile(info).levels) {
        if (level.minContext <= info.maxContext) {
            names.push_back(level.name);
        }
    }
    return names;
}

} // namespace

int runReport(const ReportCommand& command) {
    SessionOptions options;
    options.reader = ingest::makeReader(readerProgram());
    const auto session = Session::open(command.dossier, options);
    ProgressLine line;
    finishReading(*session, line);
    report::ExportRequest request;
    request.folder = command.output.empty() ? freeFolder(session->folder(), session->name())
                                            : std::filesystem::absolute(command.output);
    request.existing = command.replace ? report::Existing::Replace : report::Existing::Keep;
    request.password = command.password;
    request.options.author = command.author;
    request.options.confidentiality = command.confidentiality;
    request.options.withUnverified = command.withUnverified;
    request.options.withThinking = command.withThinking;
    request.options.program = programName();

    std::mutex mutex; // the export runs on a thread of the session
    report::ExportResult result;
    const JobId id = session->runExport("Report", [&](const ExportContext& context) {
        report::ExportResult made = report::exportReport(context, request);
        const std::lock_guard lock(mutex);
        result = std::move(made);
    });
    const auto job = [&]() -> const Job* {
        for (const Job& candidate : session->jobs()) {
            if (candidate.id == id) {
                return &candidate;
            }
        }
        return nullptr;
    };
    QObject::connect(session.get(), &Session::jobChanged, session.get(), [&](JobId) {
        if (const Job* running = job(); running && running->state == JobState::Running) {
            line.show("Writing the report", running->progress);
        }
    });
    waitUntil([&] { return !job() || job()->state != JobState::Running; },
              [&] { session->cancelJob(id); });
    line.clear();
    const Job* ended = job();
    if (ended && ended->failure) {
        throw Error(ended->failure->code, ended->failure->failed, ended->failure->remedy);
    }
    if (ended && ended->state == JobState::Cancelled) {
        throw Error(ErrorCode::Cancelled, "Stopped, no report was written");
    }
    const std::lock_guard lock(mutex);
    for (const std::filesystem::path& file : {result.pdf, result.markdown, result.html}) {
        if (!file.empty()) {
            std::printf("%s\n", file.string().c_str());
        }
    }
    for (const std::filesystem::path& file : result.copies) {
        std::printf("%s\n", file.string().c_str());
    }
    for (const report::ExportResult::Problem& problem : result.problems) {
        std::fprintf(stderr, "failed    %s: %s. %s\n", printable(problem.source).c_str(),
                     printable(problem.failure.failed).c_str(),
                     printable(problem.failure.remedy).c_str());
    }
    return result.problems.empty() ? kAnswered : kFailed;
}

int runInspect(const InspectCommand& command) {
    const auto engine = engine::makeChildEngine(engineProgram());
    std::stop_source stop;
    ProgressLine line;
    const engine::ModelInfo info = engine->inspect(
        command.model, command.verify ? engine::Verify::Contents : engine::Verify::Directory,
        [&](const engine::Progress& progress) {
            line.show(progress.phase, progress);
            if (interrupted()) {
                stop.request_stop();
            }
        },
        stop.get_token());
    line.clear();
    if (command.verify) {
        loadEncoder(info.path); // what else a question needs of the folder
    }
    const std::vector<std::string> levels = levelsOf(info);
    if (command.json) {
        const nlohmann::json j{{"name", info.name},
                               {"release", info.release},
                               {"path", info.path.string()},
                               {"fingerprint", info.fingerprint},
                               {"expert_format", info.expertFormat},
                               {"parameters", info.parameters},
                               {"active_parameters", info.activeParameters},
                               {"tensors", info.tensors},
                               {"tensor_bytes", info.tensorBytes},
                               {"shards", info.shards},
                               {"layers", info.layers},
                               {"hidden_size", info.hiddenSize},
                               {"routed_experts", info.routedExperts},
                               {"experts_per_token", info.expertsPerToken},
                               {"vocabulary", info.vocabulary},
                               {"max_context", info.maxContext},
                               {"kv_bytes_per_token", info.kvBytesPerToken},
                               {"levels", levels},
                               {"notes", info.notes},
                               {"verified", command.verify}};
        std::printf("%s\n", jsonText(j, 1).c_str());
        return kAnswered;
    }
    std::string depth;
    for (const std::string& level : levels) {
        depth += (depth.empty() ? "" : ", ") + level;
    }
    std::printf("%s (release %s)\n"
                "  %.2f billion parameters, %.2f billion active for a token\n"
                "  %u layers of %u, %u experts a layer, %u for a token, stored as %s\n"
                "  %u tensors, %.2f GB in %u files\n"
                "  context up to %llu tokens, %.0f bytes of rows a token\n"
                "  depth: %s\n",
                printable(info.name).c_str(), info.release.c_str(),
                static_cast<double>(info.parameters) / 1e9,
                static_cast<double>(info.activeParameters) / 1e9, info.layers, info.hiddenSize,
                info.routedExperts, info.expertsPerToken, info.expertFormat.c_str(), info.tensors,
                static_cast<double>(info.tensorBytes) / 1e9, info.shards,
                static_cast<unsigned long long>(info.maxContext), info.kvBytesPerToken,
                depth.c_str());
    for (const std::string& note : info.notes) {
        std::printf("  note: %s\n", printable(note).c_str());
    }
    std::printf(command.verify
                    ? "  every scale and value and the tokenizer were checked\n"
                    : "  names, shapes and sizes are right; --verify checks every value\n");
    return kAnswered;
}

int runBench(const BenchCommand& command) {
    const std::string program = engineProgram().string();
    const std::string model = loadOptions(command.engine).model.string();
    const std::string context = std::to_string(command.engine.context);
    std::fflush(stdout);
    execl(program.c_str(), program.c_str(), "speed", "--model", model.c_str(), "--device",
          command.engine.device.c_str(), "--context", context.c_str(), nullptr);
    throw systemError("start " + program, errno);
}

} // namespace dossier::app::cli
