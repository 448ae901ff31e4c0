// SPDX-License-Identifier: Apache-2.0
// dossier-engine: the engine as a program.
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include <unistd.h>

#include "engine/base/standard_output.h"
#include "engine/engine.h"
#ifdef DOSSIER_HAVE_CUDA
#include "engine/host/bench/bench_command.h"
#endif
#include "engine/host/commands.h"
#include "engine/host/server.h"

namespace dossier::engine {
namespace {

constexpr const char* kUsage =
    "dossier-engine: inference for the DeepSeek-V4 architecture\n"
    "\n"
    "  dossier-engine serve                      JSON-RPC 2.0 on standard input and output\n"
    "  dossier-engine eval --model DIR --tokens ids.json [--top 8] [--out FILE] [--chunk N]\n"
    "                      [--device auto|cpu|cuda] [--kernels plain|avx2|avx512] [--threads N]\n"
    "                      [--fp8]               logits at every position\n"
    "  dossier-engine inspect --model DIR [--verify]\n"
    "  dossier-engine forecast --config CONFIG.json --context N [--vram BYTES] [--ram BYTES] "
    "--json\n"
    "  dossier-engine speed --model DIR [--prompt N] [--answer N] [--threads N]\n"
    "                       [--device auto|cpu|cuda] [--context N] [--fp8]\n"
    "                                            tokens per second beside this machine's bounds\n"
    "  dossier-engine bench [--part budgets,cut,products,bytes,cpu-experts]\n"
    "                       [--budgets 24,80,all] [--reading 80,all]\n"
    "                       [--cpu-experts off,on,auto] [--cpu-share PERCENT] [--cpu-threads N]\n"
    "                       [--layers N] [--fp8] [--out FILE]\n"
    "                                            the CUDA engine at full V4-Flash size, "
    "synthetic\n"
    "  dossier-engine bench-lanes --dir DIR [--tokens N] [--keep]\n"
    "                                            what a long lane costs on DIR's disk\n";

int run(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") {
        std::fputs(kUsage, arguments.empty() ? stderr : stdout);
        return arguments.empty() ? 2 : 0;
    }
    const Arguments options(arguments);
    if (arguments[0] == "serve") {
        const auto engine = makeInProcessEngine();
        // Answers go to a duplicate, so that a library that prints cannot break the protocol.
        const int output = dup(STDOUT_FILENO);
        dup2(STDERR_FILENO, STDOUT_FILENO);
        serve(*engine, STDIN_FILENO, output);
        return 0;
    }
    if (arguments[0] == "eval") {
        return evalCommand(options);
    }
    if (arguments[0] == "inspect") {
        return inspectCommand(options);
    }
    if (arguments[0] == "forecast") {
        return forecastCommand(options);
    }
    if (arguments[0] == "speed") {
        return speedCommand(options);
    }
    if (arguments[0] == "bench") {
#ifdef DOSSIER_HAVE_CUDA
        return benchCommand(options);
#else
        throw Error(ErrorCode::Unsupported, "This build has no CUDA engine to measure",
                    "Build with a CUDA toolkit; dossier-engine speed measures the CPU engine");
#endif
    }
    if (arguments[0] == "bench-lanes") {
        return laneBenchCommand(options);
    }
    throw Error(ErrorCode::InvalidArgument, "\"" + arguments[0] + "\" is not a command",
                "See dossier-engine --help");
}

} // namespace
} // namespace dossier::engine

int main(int argc, char** argv) {
    try {
        const int status = dossier::engine::run(argc, argv);
        dossier::flushStandardOutput();
        return status;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "dossier-engine: %s\n", error.what());
        return 2;
    }
}
