// SPDX-License-Identifier: GPL-3.0-or-later
// dossier read, lanes, verify: what the model has read of a dossier.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <thread>

#include <QStringList>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/environment.h"
#include "app/cli/headless.h"
#include "app/cli/terminal_text.h"
#include "app/lanes/lane_catalogue.h"
#include "app/lanes/reading_run.h"
#include "engine/base/grouped.h"
#include "engine/base/json_text.h"
#include "engine/base/memory_ledger.h"

namespace dossier::app::cli {
namespace {

using nlohmann::json;
using State = ReadingStatus::State;

void show(ProgressLine& line, const ReadingStatus& status) {
    std::string what(readingStateName(status.state));
    if (const double left = status.secondsLeft(); left > 0 && line.onTerminal()) {
        what += ", " + aboutTime(left) + " left";
    }
    line.show(what, {"", status.done, status.total, status.perSecond});
}

int exitOf(const ReadingStatus& status) {
    if (!status.note.empty()) {
        std::fprintf(stderr, "%s\n", printable(status.note).c_str());
    }
    if (status.failure) {
        complain(status.failure->failed, status.failure->remedy);
    } else if (status.state == State::Cancelled) {
        complain("Stopped", "What was read stays; reading goes on from there");
    } else if (status.state == State::Interrupted) {
        complain("The process that read ended unexpectedly",
                 "Start dossier read again; it goes on from the last record");
    } else if (status.state == State::None) {
        complain("Nothing was read yet", "Start dossier read");
    }
    return status.state == State::Done ? kAnswered : kFailed;
}

/// Follows another process until it has ended; interrupting only stops watching.
int watchReading(const ReadCommand& command) {
    ReadingBoard board(command.dossier);
    ProgressLine line;
    for (;;) {
        const ReadingStatus status = board.status();
        if (!status.active()) {
            line.clear();
            return exitOf(status);
        }
        show(line, status);
        if (interrupted()) {
            line.clear();
            return kAnswered;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
}

int leaveWish(const ReadCommand& command) {
    ReadingBoard board(command.dossier);
    if (!board.status().active()) {
        throw Error(ErrorCode::NotFound, "Nothing is being read", "Start dossier read");
    }
    board.wish(command.wish == "pause"    ? ReadingWish::Pause
               : command.wish == "resume" ? ReadingWish::Resume
                                          : ReadingWish::Cancel);
    return kAnswered;
}

int readInBackground(const ReadCommand& command) {
    QStringList words{"read", "--dossier", QString::fromStdString(command.dossier.string())};
    const auto add = [&](const char* option, const std::string& value) {
        if (!value.empty()) {
            words << option << QString::fromStdString(value);
        }
    };
    add("--depth", command.depth);
    add("--model", command.engine.model.empty()
                       ? ""
                       : std::filesystem::absolute(command.engine.model).string());
    add("--device", command.engine.device);
    add("--context", command.engine.context ? std::to_string(command.engine.context) : "");
    for (const auto& other : command.reuse) {
        add("--reuse", std::filesystem::absolute(other).string());
    }
    startDetached(words);
    return kAnswered;
}

std::string day(std::int64_t ms) {
    const std::time_t seconds = ms / 1000;
    std::tm parts{};
    localtime_r(&seconds, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts);
    return text;
}

std::string levelText(const engine::LaneFileInfo& info) {
    if (info.prefix.empty()) {
        return "levels without effort text";
    }
    return "effort text \"" + info.prefix.substr(0, info.prefix.find('\n')) + "\"";
}

std::string checkText(const LaneSelfCheck& check) {
    if (!check.skipped.empty()) {
        return "not tried: " + check.skipped;
    }
    const engine::LaneRestore& r = check.restored;
    std::string text;
    if (r.differing.empty()) {
        text = r.check == "equal"   ? "gives the same results as when it was read, bit for bit"
               : r.check == "close" ? "gives the same results as when it was read, but for rounding"
                                    : "nothing of it can be gone on from";
        text.append("; frontiers probed: ").append(grouped(r.probed));
    } else {
        constexpr std::size_t kNamed = 8;
        text = "gives other results than when it was read at ";
        text.append(grouped(r.differing.size())).append(" of ").append(grouped(r.probed));
        text += " frontiers probed (after";
        for (std::size_t i = 0; i < std::min(kNamed, r.differing.size()); ++i) {
            text.append(i ? ", " : " ").append(grouped(r.differing[i].position));
        }
        text += r.differing.size() > kNamed ? ", ... tokens)" : " tokens)";
    }
    return r.note.empty() ? text : text + ". " + r.note;
}

json toJson(const LaneEntry& entry) {
    json j{{"name", entry.name},
           {"file", entry.file.string()},
           {"elsewhere", entry.elsewhere.string()},
           {"used_ms", entry.usedMs},
           {"tokens", entry.info.tokens},
           {"bytes", entry.info.fileBytes},
           {"unused_bytes", entry.info.unusedBytes},
           {"damaged_bytes", entry.info.damagedBytes},
           {"frontiers", entry.info.contents.frontiers.size()},
           {"documents", entry.info.contents.marks.empty() ? std::size_t{0}
                                                           : entry.info.contents.marks.size() - 1},
           {"model", entry.info.modelName},
           {"fingerprint", entry.info.model},
           {"numerics", entry.info.numerics},
           {"effort", entry.info.prefix},
           {"state", entry.state()}};
    if (entry.failure) {
        j["remedy"] = entry.failure->remedy;
    }
    if (const auto& check = entry.selfCheck; check && !check->skipped.empty()) {
        j["self_check"] = {{"skipped", check->skipped}};
    } else if (check) {
        const engine::LaneRestore& r = check->restored;
        json differing = json::array();
        for (const engine::LaneMismatch& wrong : r.differing) {
            differing.push_back({{"frontier", wrong.position}, {"good_before", wrong.before}});
        }
        j["self_check"] = {{"result", r.check}, {"tokens", r.tokens},
                           {"reread", r.lost},  {"probed", r.probed},
                           {"note", r.note},    {"differing", std::move(differing)}};
    }
    return j;
}

void print(const std::vector<LaneEntry>& entries, bool asJson) {
    if (asJson) {
        json list = json::array();
        for (const LaneEntry& entry : entries) {
            list.push_back(toJson(entry));
        }
        std::printf("%s\n", jsonText(list, 1, BadUtf8::Replace).c_str());
        return;
    }
    if (entries.empty()) {
        std::printf("Nothing has been read into lanes yet.\n");
    }
    for (const LaneEntry& entry : entries) {
        const engine::LaneFileInfo& info = entry.info;
        std::printf("%s  %s tokens, %s, %zu frontiers, %s\n", printable(entry.name).c_str(),
                    grouped(info.tokens).c_str(), formatBytes(info.fileBytes).c_str(),
                    info.contents.frontiers.size(), printable(info.modelName).c_str());
        std::printf("    %s; last used %s; %s\n", printable(levelText(info)).c_str(),
                    day(entry.usedMs).c_str(), printable(entry.state()).c_str());
        if (entry.selfCheck) {
            std::printf("    self-check: %s\n", printable(checkText(*entry.selfCheck)).c_str());
        }
        if (!entry.elsewhere.empty()) {
            std::printf("    on %s\n", printable(entry.elsewhere.string()).c_str());
        }
        if (info.unusedBytes > 0 && !entry.failure) {
            std::printf("    %s of replaced records; --compact %s frees them\n",
                        formatBytes(info.unusedBytes).c_str(), printable(entry.name).c_str());
        }
        if (entry.failure && !entry.failure->remedy.empty()) {
            std::printf("    %s\n", printable(entry.failure->remedy).c_str());
        }
    }
}

std::uint64_t bytesOf(const std::string& text) {
    std::size_t end = 0;
    double value = -1;
    try {
        value = std::stod(text, &end);
    } catch (const std::exception&) {
        end = 0;
    }
    std::string unit = text.substr(end);
    std::erase(unit, ' ');
    const double factor = unit == "GB"                  ? 1e9
                          : unit == "MB"                ? 1e6
                          : unit == "B" || unit.empty() ? 1
                                                        : -1;
    if (end == 0 || value < 0 || factor < 0) {
        throw Error(ErrorCode::InvalidArgument, "\"" + text + "\" is not a size",
                    "Write it like \"20 GB\" or \"500 MB\"");
    }
    return static_cast<std::uint64_t>(value * factor);
}

/// Interrupting cancels; progress goes to the line.
struct Long {
    std::stop_source source;
    ProgressLine line;
    std::jthread interrupts{[this](const std::stop_token& end) {
        while (!end.stop_requested() && !interrupted()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        if (interrupted()) {
            source.request_stop();
        }
    }};
    engine::ProgressFn progress() {
        return [this](const engine::Progress& p) { line.show(p.phase, p); };
    }
};

/// The folder of a dossier that is named with or without .dossier, as Session::open takes it.
std::filesystem::path dossierFolder(const std::filesystem::path& named) {
    std::filesystem::path folder = std::filesystem::absolute(named).lexically_normal();
    if (!folder.has_filename()) {
        folder = folder.parent_path();
    }
    if (folder.extension() != ".dossier") {
        folder += ".dossier";
    }
    if (!std::filesystem::exists(folder / "dossier.db")) {
        throw Error(ErrorCode::NotFound, named.string() + " is not a dossier",
                    "Choose a folder that ends in .dossier");
    }
    return folder;
}

/// Tries the lanes of the chosen model; it is loaded when there are any.
void selfCheck(const VerifyCommand& command, engine::Engine& engine, const LaneCatalogue& lanes,
               std::vector<LaneEntry>& entries, Long& work) {
    const engine::LoadOptions options = loadOptions(command.engine);
    std::string why;
    try {
        const std::string model =
            engine.inspect(options.model, engine::Verify::Directory).fingerprint;
        if (std::any_of(entries.begin(), entries.end(), [&](const LaneEntry& entry) {
                return entry.info.model == model && entry.info.tokens > 0;
            })) {
            engine.load(options, work.progress(), work.source.get_token());
        }
    } catch (const Error& error) {
        if (error.code() == ErrorCode::Cancelled) {
            throw;
        }
        why = error.failed();
    }
    for (LaneEntry& entry : entries) {
        if (why.empty()) {
            lanes.selfCheck(entry, work.progress(), work.source.get_token());
        } else {
            entry.selfCheck.emplace().skipped = why;
        }
    }
}

} // namespace

int runRead(const ReadCommand& given) {
    ReadCommand command = given;
    command.dossier = dossierFolder(given.dossier);
    for (std::filesystem::path& other : command.reuse) {
        other = dossierFolder(other);
    }
    if (!command.wish.empty()) {
        return leaveWish(command);
    }
    if (command.watch) {
        return watchReading(command);
    }
    if (command.background) {
        return readInBackground(command);
    }
    ReadingOptions options;
    options.dossier = command.dossier;
    options.load = loadOptions(command.engine);
    options.level = command.depth;
    options.reuse = command.reuse;
    Long work;
    ReadingRun reading(options, engineFactory());
    if (command.forecast) {
        std::printf(
            "%s\n",
            printable(reading.forecast(work.source.get_token()).text(), Lines::Many).c_str());
        return kAnswered;
    }
    const ReadingStatus status =
        reading.run(work.source.get_token(), [&](const ReadingStatus& s) { show(work.line, s); });
    work.line.clear();
    if (status.state == State::Done) {
        std::printf("Read: %s tokens, %s of them before\n", grouped(status.total).c_str(),
                    grouped(status.kept).c_str());
    }
    return exitOf(status);
}

int runLanes(const LanesCommand& given) {
    LanesCommand command = given;
    command.dossier = dossierFolder(given.dossier);
    const auto engine = engineFactory()();
    LaneCatalogue lanes(command.dossier, *engine);
    Long work;
    if (!command.remove.empty()) {
        lanes.remove(command.remove);
    }
    if (!command.move.empty()) {
        lanes.move(command.move, command.to, work.progress(), work.source.get_token());
        work.line.clear();
    }
    if (!command.compact.empty()) {
        const std::uint64_t freed =
            lanes.compact(command.compact, work.progress(), work.source.get_token());
        work.line.clear();
        std::fprintf(stderr, "%s freed\n", formatBytes(freed).c_str());
    }
    if (!command.budget.empty()) {
        for (const LaneEntry& gone : lanes.keepWithin(bytesOf(command.budget))) {
            std::fprintf(stderr, "deleted %s, %s, last used %s\n", printable(gone.name).c_str(),
                         formatBytes(gone.info.fileBytes).c_str(), day(gone.usedMs).c_str());
        }
    }
    print(lanes.list(engine::Verify::Directory), command.json);
    return kAnswered;
}

int runVerify(const VerifyCommand& given) {
    VerifyCommand command = given;
    command.dossier = dossierFolder(given.dossier);
    const auto engine = engineFactory()();
    Long work;
    const LaneCatalogue lanes(command.dossier, *engine);
    auto entries = lanes.list(engine::Verify::Contents, work.progress(), work.source.get_token());
    if (!command.checksumsOnly) {
        selfCheck(command, *engine, lanes, entries, work);
    }
    work.line.clear();
    ReadingBoard board(command.dossier);
    for (const LaneEntry& entry : entries) {
        board.setLaneCheck(entry.name, entry.state());
    }
    print(entries, command.json);
    return std::all_of(entries.begin(), entries.end(), [](const auto& e) { return e.good(); })
               ? kAnswered
               : kFailed;
}

} // namespace dossier::app::cli
