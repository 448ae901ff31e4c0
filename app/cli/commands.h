// SPDX-License-Identifier: GPL-3.0-or-later
// The subcommands, each with its options as a value. They throw dossier::Error.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace dossier::app::cli {

constexpr int kAnswered = 0, kNotFound = 1, kFailed = 2;
constexpr int kPartly = 3; ///< of add: some files could not be read, the others were added

struct EngineChoice {
    std::filesystem::path model; ///< empty = the embedded one
    std::string device = "auto"; ///< auto, cpu, cuda
    std::uint64_t context = 0;   ///< tokens; 0 = the model's own
};

struct NewCommand {
    std::filesystem::path dossier;
};
int runNew(const NewCommand&);

struct AddCommand {
    std::filesystem::path dossier;
    std::vector<std::filesystem::path> paths;
    std::string password;
    bool everything = false; ///< also what the walk would leave out
};
int runAdd(const AddCommand&);

struct SourcesCommand {
    std::filesystem::path dossier;
    bool json = false;
};
int runSources(const SourcesCommand&);

struct AskCommand {
    std::filesystem::path dossier;
    std::string question, depth;
    bool json = false;
    std::optional<bool> whole;
    EngineChoice engine;
};
int runAsk(const AskCommand&);

struct ReadCommand {
    std::filesystem::path dossier;
    std::string depth;
    bool watch = false, background = false, forecast = false;
    std::string wish; ///< "pause", "resume", "cancel"; empty = read
    std::vector<std::filesystem::path> reuse;
    EngineChoice engine;
};
/// Reads the sources into the lane of a level, or watches and directs the process that does.
int runRead(const ReadCommand&);

struct LanesCommand {
    std::filesystem::path dossier;
    bool json = false;
    std::string remove, move, compact; ///< names of lanes
    std::filesystem::path to;          ///< of move
    std::string budget;                ///< "20 GB": deletes the longest unused beyond it
};
int runLanes(const LanesCommand&);

struct VerifyCommand {
    std::filesystem::path dossier;
    EngineChoice engine;
    bool checksumsOnly = false, json = false;
};
/// Compares every checksum of every lane, and tries those of the model.
int runVerify(const VerifyCommand&);

struct ReportCommand {
    std::filesystem::path dossier, output; ///< output empty = "NAME report" beside the dossier
    std::string author, confidentiality, password;
    bool withUnverified = false, withThinking = false, replace = false;
};
int runReport(const ReportCommand&);

struct InspectCommand {
    std::filesystem::path model;
    bool verify = false, json = false;
};
int runInspect(const InspectCommand&);

engine::LoadOptions loadOptions(const EngineChoice&); ///< Error(InvalidArgument)

struct BenchCommand {
    EngineChoice engine;
};
int runBench(const BenchCommand&);

} // namespace dossier::app::cli
