// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <sstream>

#include "app/cli/commands.h"
#include "app/cli/environment.h"
#include "app/cli/headless.h"
#include "app/cli/terminal_text.h"
#include "engine/base/standard_output.h"

namespace dossier::app::cli {
namespace {

constexpr const char* kCommands[] = {"new",   "add",    "sources", "ask",           "read",
                                     "lanes", "verify", "report",  "inspect-model", "bench"};

void addEngineOptions(CLI::App& command, EngineChoice& choice) {
    command.add_option("--model", choice.model,
                       "Folder of a checkpoint; default: the embedded model");
    command.add_option("--device", choice.device, "auto, cpu or cuda");
    command.add_option("--context", choice.context, "Room for so many tokens")
        ->check(CLI::NonNegativeNumber);
}

void addReadOptions(CLI::App& command, ReadCommand& read) {
    command.add_option("--dossier,-d", read.dossier, "The dossier's folder")->required();
    command.add_option("--depth", read.depth, "Reasoning level: none, low, high, max");
    command.add_flag("--watch", read.watch, "Show how the process that reads is getting on");
    command.add_flag("--background", read.background, "Read in a process that goes on by itself");
    command.add_flag("--forecast", read.forecast, "Say what would be read and what it takes");
    for (const char* wish : {"pause", "resume", "cancel"}) {
        command.add_flag_callback(
            std::string("--").append(wish), [&read, wish] { read.wish = wish; },
            std::string("Ask the process that reads to ").append(wish));
    }
    command.add_option("--reuse", read.reuse,
                       "Other dossiers; what they have read of the same documents is taken over");
    addEngineOptions(command, read.engine);
}

void addLanesOptions(CLI::App& command, LanesCommand& lanes) {
    command.add_option("--dossier,-d", lanes.dossier, "The dossier's folder")->required();
    command.add_flag("--json", lanes.json, "Print JSON");
    command.add_option("--delete", lanes.remove, "Delete the lane of this name");
    CLI::Option* to = command.add_option("--to", lanes.to, "Folder on the other disk");
    command.add_option("--move", lanes.move, "Move the lane of this name to another disk")
        ->needs(to);
    command.add_option("--compact", lanes.compact, "Write a lane anew without replaced records");
    command.add_option("--budget", lanes.budget,
                       "Delete the longest unused lanes beyond this size (\"20 GB\")");
}

int runCommand(int argc, char** argv) {
    CLI::App app{"Dossier reads whole contracts, case files and code, and answers with quotations "
                 "that it has checked against the source. Nothing leaves this computer.\n"
                 "Without a subcommand it opens the window: dossier [NAME.dossier | files and "
                 "folders ...]",
                 "dossier"};
    app.set_version_flag("--version", programName());
    app.require_subcommand(1);
    app.footer(
        "Exit status: 0 done or answered, 1 not found in the documents, 2 or more an error.");

    NewCommand create;
    CLI::App* newCommand = app.add_subcommand("new", "Make an empty dossier");
    newCommand->add_option("dossier", create.dossier, "Folder; .dossier is appended")->required();

    AddCommand add;
    CLI::App* addCommand = app.add_subcommand("add", "Add files and folders to a dossier");
    addCommand->add_option("--dossier,-d", add.dossier, "The dossier's folder")->required();
    addCommand->add_option("paths", add.paths, "Files and folders")->required();
    addCommand->add_option("--password", add.password, "For encrypted files");
    addCommand->add_flag("--no-ignore", add.everything, "Do not honour .gitignore");
    addCommand->footer(
        "Files that are in the dossier already, unchanged, are left as they are; those "
        "that could not be read are tried again.\n"
        "Exit status: 0 all files are in the dossier, 3 some of them could not be "
        "read, 2 nothing was added.");

    SourcesCommand sources;
    CLI::App* sourcesCommand = app.add_subcommand("sources", "List what is in a dossier");
    sourcesCommand->add_option("--dossier,-d", sources.dossier, "The dossier's folder")->required();
    sourcesCommand->add_flag("--json", sources.json, "Print JSON");

    AskCommand ask;
    bool whole = false, passages = false;
    CLI::App* askCommand = app.add_subcommand("ask", "Ask a question about the documents");
    askCommand->add_option("--dossier,-d", ask.dossier, "The dossier's folder")->required();
    askCommand
        ->add_option("question", ask.question, "The question; - reads it from the standard input")
        ->required();
    askCommand->add_option("--depth", ask.depth, "Reasoning level: none, low, high, max");
    askCommand->add_flag("--json", ask.json, "Print one JSON object");
    CLI::Option* wholeFlag = askCommand->add_flag("--whole", whole, "Read all documents whole");
    askCommand->add_flag("--passages", passages, "Read passages that a search selects")
        ->excludes(wholeFlag);
    addEngineOptions(*askCommand, ask.engine);
    askCommand->footer(
        "Ctrl+C stops the question: what was written until then is printed and kept, with --json "
        "as the object with \"stopped\": true, and the exit status is 2. Before the question was "
        "asked nothing is printed. A second Ctrl+C ends the program at once.");

    ReadCommand read;
    CLI::App* readCommand =
        app.add_subcommand("read", "Read the documents whole, once, so that they stay read");
    addReadOptions(*readCommand, read);

    LanesCommand lanes;
    CLI::App* lanesCommand =
        app.add_subcommand("lanes", "List, delete, move what the model has read");
    addLanesOptions(*lanesCommand, lanes);

    VerifyCommand verify;
    CLI::App* verifyCommand =
        app.add_subcommand("verify", "Check what the model has read: checksums, and whether it "
                                     "still gives the same results");
    verifyCommand->add_option("--dossier,-d", verify.dossier, "The dossier's folder")->required();
    addEngineOptions(*verifyCommand, verify.engine);
    verifyCommand->add_flag("--checksums-only", verify.checksumsOnly,
                            "Load no model: compare checksums alone");
    verifyCommand->add_flag("--json", verify.json, "Print JSON");

    ReportCommand report;
    CLI::App* reportCommand =
        app.add_subcommand("report", "Write the report and annotated copies of the sources");
    reportCommand->add_option("--dossier,-d", report.dossier, "The dossier's folder")->required();
    reportCommand->add_option("--output,-o", report.output, "Folder for the report");
    reportCommand->add_option("--author", report.author, "Printed on the title page");
    reportCommand->add_option("--confidentiality", report.confidentiality,
                              "Printed at the foot of every page");
    reportCommand->add_option("--password", report.password, "For encrypted sources");
    reportCommand->add_flag("--with-unverified", report.withUnverified,
                            "Keep statements whose quotation was not verified");
    reportCommand->add_flag("--with-thinking", report.withThinking, "Print the reasoning");
    reportCommand->add_flag("--replace", report.replace, "Replace files of the same names");
    reportCommand->footer("Exit status: 0 when everything was written, 2 also when the report was "
                          "written without the annotated copy of some source; the error output and "
                          "the report say why.");

    InspectCommand inspect;
    CLI::App* inspectCommand =
        app.add_subcommand("inspect-model", "Describe and check a checkpoint");
    inspectCommand->add_option("model", inspect.model, "Folder of the checkpoint")->required();
    inspectCommand->add_flag("--verify", inspect.verify,
                             "Read everything and check every value and the tokenizer");
    inspectCommand->add_flag("--json", inspect.json, "Print JSON");

    BenchCommand bench;
    CLI::App* benchCommand = app.add_subcommand("bench", "Measure reading and answering speed");
    addEngineOptions(*benchCommand, bench.engine);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        std::ostringstream wrong; // quotes what was typed
        const int status = app.exit(error, std::cout, wrong);
        std::fputs(printable(wrong.str(), Lines::Many).c_str(), stderr);
        return status == 0 ? kAnswered : kFailed;
    }
    catchInterrupts();
    if (*newCommand) {
        return runNew(create);
    }
    if (*addCommand) {
        return runAdd(add);
    }
    if (*sourcesCommand) {
        return runSources(sources);
    }
    if (*askCommand) {
        ask.whole = whole ? std::optional(true) : passages ? std::optional(false) : std::nullopt;
        return runAsk(ask);
    }
    if (*readCommand) {
        return runRead(read);
    }
    if (*lanesCommand) {
        return runLanes(lanes);
    }
    if (*verifyCommand) {
        return runVerify(verify);
    }
    if (*reportCommand) {
        return runReport(report);
    }
    if (*inspectCommand) {
        return runInspect(inspect);
    }
    return runBench(bench);
}

} // namespace

bool isCommandLine(int argc, char** argv) {
    if (argc < 2) {
        return false;
    }
    for (const char* word : {"--help", "-h", "--version", "help"}) {
        if (std::strcmp(argv[1], word) == 0) {
            return true;
        }
    }
    for (const char* command : kCommands) {
        if (std::strcmp(argv[1], command) == 0) {
            return true;
        }
    }
    return false;
}

bool isUnknownWord(int argc, char** argv) {
    if (argc < 2 || isCommandLine(argc, argv)) {
        return false;
    }
    const std::filesystem::path word = argv[1];
    std::error_code error;
    return !word.string().starts_with("-") && word.extension() != ".dossier" &&
           !std::filesystem::exists(word, error);
}

int run(int argc, char** argv) {
    try {
        const int status = runCommand(argc, argv);
        flushStandardOutput();
        return status;
    } catch (const Error& error) {
        complain(error.failed(), error.remedy());
    } catch (const std::exception& error) {
        complain(error.what(), {});
    }
    return kFailed;
}

} // namespace dossier::app::cli
