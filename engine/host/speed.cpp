// SPDX-License-Identifier: Apache-2.0
// dossier-engine speed: how fast the engine reads and answers, beside what this machine could do at
// most: reading the weights of a token from where they lie (cache, memory or GPU memory), and, on
// the CPU, the products.
#include <algorithm>
#include <cstdio>
#include <numeric>

#include "engine/base/aligned_buffer.h"
#include "engine/base/clock.h"
#include "engine/engine.h"
#include "engine/forecast/costs.h"
#ifdef DOSSIER_HAVE_CUDA
#include "engine/host/bench/bench_rates.h"
#endif
#include "engine/host/commands.h"
#include "engine/kernels/cpu/kernels.h"
#include "engine/scheduler/runtime.h"
#include "engine/scheduler/sampler.h"

namespace dossier::engine {
namespace {

constexpr int kRuns = 7;

template<class Fn>
double medianSeconds(int runs, Fn fn) {
    std::vector<double> seconds;
    for (int i = 0; i < runs; ++i) {
        const double start = steadySeconds();
        fn();
        seconds.push_back(steadySeconds() - start);
    }
    std::sort(seconds.begin(), seconds.end());
    return seconds[seconds.size() / 2];
}

/// Bytes a second at which all threads together read a buffer again and again.
double readRate(ThreadPool& pool, MemoryLedger& ledger, std::uint64_t bytes) {
    AlignedBuffer buffer(ledger, "scratch", bytes, AlignedBuffer::Fill::Zero);
    const auto words = buffer.as<std::uint64_t>();
    std::vector<std::uint64_t> sums(pool.size() * 8);
    const double seconds = medianSeconds(31, [&] {
        pool.parallelFor(
            words.size() / 1024, 1,
            [&](std::size_t from, std::size_t to, unsigned worker) {
                std::uint64_t a = 0, b = 0, c = 0, d = 0;
                for (std::size_t i = from * 1024; i < to * 1024; i += 32) {
                    for (std::size_t k = 0; k < 32; k += 4) {
                        a += words[i + k];
                        b += words[i + k + 1];
                        c += words[i + k + 2];
                        d += words[i + k + 3];
                    }
                }
                sums[worker * 8] += a + b + c + d;
            },
            ThreadPool::Schedule::Static);
    });
    return static_cast<double>(bytes) / seconds + static_cast<double>(sums[0] & 1) * 1e-9;
}

/// Multiply-adds a second of all threads together, from registers.
double peakRate(ThreadPool& pool, const CpuKernels& kernels) {
    if (!kernels.peakLoop) {
        return 0;
    }
    constexpr std::uint64_t kSteps = 2'000'000;
    std::uint64_t products = 0;
    const double seconds = medianSeconds(kRuns, [&] {
        std::vector<std::uint64_t> done(pool.size());
        pool.parallelFor(pool.size(), 1, [&](std::size_t from, std::size_t to, unsigned) {
            for (std::size_t i = from; i < to; ++i) {
                done[i] = kernels.peakLoop(kSteps);
            }
        });
        products = std::accumulate(done.begin(), done.end(), std::uint64_t{0});
    });
    return static_cast<double>(products) / seconds;
}

struct Bounds {
    double rate = 0, peak = 0; ///< bytes and operations a second; peak 0 = not measured
};
Bounds bounds(LoadedModel& model, const std::string& kernels, MemoryLedger& ledger,
              std::uint64_t bytes) {
#ifdef DOSSIER_HAVE_CUDA
    if (model.device.device == Device::Cuda) {
        return {bench::hbmReadRate(), 0};
    }
#endif
    return {readRate(*model.pool, ledger, bytes),
            2 * peakRate(*model.pool, selectCpuKernels(kernels))};
}

std::vector<Token> someTokens(const ModelConfig& config, std::size_t count) {
    std::vector<Token> tokens(count);
    std::uint32_t state = 1;
    for (Token& token : tokens) {
        state = state * 1664525u + 1013904223u;
        token = static_cast<Token>((state >> 8) % config.vocabSize);
    }
    return tokens;
}

} // namespace

int speedCommand(const Arguments& arguments) {
    LoadOptions options;
    options.model = arguments.required("model");
    options.threads = static_cast<std::uint32_t>(arguments.number("threads", 0));
    options.device = deviceOption(arguments);
    options.kernels = arguments.value("kernels").value_or("");
    options.fp8Experts = arguments.flag("fp8");
    const std::size_t prompt = std::max<std::uint64_t>(arguments.number("prompt", 2048), 2);
    const std::size_t answer = std::max<std::uint64_t>(arguments.number("answer", 64), 1);
    options.contextTokens = arguments.number("context", 0);
    arguments.finish();
    if (options.contextTokens != 0 && prompt + answer > options.contextTokens) {
        throw Error(ErrorCode::InvalidArgument,
                    "A context of " + std::to_string(options.contextTokens) +
                        " tokens does not hold the " + std::to_string(prompt + answer) +
                        " that are measured",
                    "Give a larger one");
    }

    MemoryLedger ledger;
    Runtime runtime(ledger);
    runtime.setModel(loadModel(options, ledger, {}));
    LoadedModel& model = runtime.model();
    const std::vector<Token> tokens = someTokens(model.config(), prompt);

    const std::uint64_t bytes =
        weightBytesPerToken(model.config()).total() + kvBytesReadPerToken(model.config(), prompt);
    const double flops = decodeFlops(model.config(), prompt).total();
    const auto [rate, peak] = bounds(model, options.kernels, ledger, bytes);

    std::vector<double> reading;
    std::vector<double> answering;
    for (int run = 0; run < kRuns; ++run) {
        Timeline timeline;
        timeline.sequence =
            std::make_unique<Sequence>(*model.ops, model.config(), prompt + answer + 1);
        const double start = steadySeconds();
        for (std::size_t t = 0; t < prompt; t += model.superChunk) {
            runtime.feed(
                timeline,
                std::span(tokens).subspan(t, std::min<std::size_t>(model.superChunk, prompt - t)),
                {}, {});
        }
        const double read = steadySeconds();
        for (std::size_t i = 0; i < answer; ++i) {
            const Token next = greedyToken(timeline.logits);
            Timeline* one = &timeline;
            runtime.step({&one, 1}, {&next, 1});
        }
        reading.push_back(static_cast<double>(prompt) / (read - start));
        answering.push_back(static_cast<double>(answer) / (steadySeconds() - read));
    }
    std::sort(reading.begin(), reading.end());
    std::sort(answering.begin(), answering.end());
    const double readSpeed = reading[kRuns / 2], answerSpeed = answering[kRuns / 2];
    const double prefillFlop =
        prefillFlops(model.config(), prompt).total() / static_cast<double>(prompt);

    std::printf("%s on %s, prompt %zu, answer %zu, medians of %d\n", model.info.name.c_str(),
                describeDevice(model.device).c_str(), prompt, answer, kRuns);
    std::printf("machine    reads %.1f GB/s from a buffer of %.1f MB", rate / 1e9,
                static_cast<double>(bytes) / 1e6);
    if (peak > 0) {
        std::printf(", multiplies %.0f GFLOP/s (bf16)", peak / 1e9);
    }
    std::printf(
        "\nanswering  %.1f tokens/s (%.1f..%.1f), %.1f MB and %.0f MFLOP a token: %.0f %% of "
        "the read rate",
        answerSpeed, answering.front(), answering.back(), static_cast<double>(bytes) / 1e6,
        flops / 1e6, 100 * answerSpeed * static_cast<double>(bytes) / rate);
    if (peak > 0) {
        std::printf(", %.0f %% of the peak", 100 * answerSpeed * flops / peak);
    }
    std::printf("\nreading    %.0f tokens/s (%.0f..%.0f), %.0f MFLOP a token", readSpeed,
                reading.front(), reading.back(), prefillFlop / 1e6);
    if (peak > 0) {
        std::printf(": %.0f %% of the peak", 100 * readSpeed * prefillFlop / peak);
    }
    std::printf("\n");
    return 0;
}

} // namespace dossier::engine
