// SPDX-License-Identifier: Apache-2.0
// dossier-engine bench-lanes: what a long lane costs on this computer. The model has the layers,
// rows and frontiers of V4-Flash (so lanes have their full size) and everything else small, so that
// it runs anywhere; the lane repeats rows that the model has really read.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "engine/base/aligned_buffer.h"
#include "engine/base/clock.h"
#include "engine/host/commands.h"
#include "engine/lanes/lane_copy.h"
#include "engine/lanes/restore.h"
#include "engine/model/synthetic.h"
#include "engine/scheduler/jobs.h"
#include "engine/scheduler/sampler.h"

namespace dossier::engine {
namespace {

/// Tokens that are really read, twice what is repeated behind them: whole super-chunks.
std::uint64_t repeatedTokens(const LoadedModel& model) {
    return std::max<std::uint64_t>(4096, model.superChunk);
}
std::uint64_t readTokens(const LoadedModel& model) {
    return 2 * repeatedTokens(model);
}

std::string configText() {
    std::string ratios = "0, 0";
    for (int layer = 2; layer < 44; ++layer) { // the last is the draft block's
        ratios += layer == 43 ? ", 0" : layer % 2 == 0 ? ", 4" : ", 128";
    }
    return R"({"architectures": ["DeepseekV4ForCausalLM"], "model_type": "deepseek_v4",
 "bos_token_id": 0, "eos_token_id": 1, "vocab_size": 512, "hidden_size": 128,
 "num_hidden_layers": 43, "num_hash_layers": 3, "num_nextn_predict_layers": 1,
 "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 512, "qk_rope_head_dim": 64,
 "q_lora_rank": 128, "o_lora_rank": 64, "o_groups": 2, "sliding_window": 128,
 "compress_ratios": [)" +
           ratios + R"(], "index_n_heads": 4, "index_head_dim": 128, "index_topk": 512,
 "moe_intermediate_size": 128, "n_routed_experts": 6, "n_shared_experts": 1,
 "num_experts_per_tok": 2, "scoring_func": "sqrtsoftplus", "topk_method": "noaux_tc",
 "norm_topk_prob": true, "routed_scaling_factor": 1.5, "swiglu_limit": 10.0, "hidden_act": "silu",
 "hc_mult": 4, "hc_sinkhorn_iters": 20, "hc_eps": 1e-06, "rms_norm_eps": 1e-06,
 "rope_theta": 10000, "compress_rope_theta": 160000, "rope_scaling": {"type": "yarn",
 "factor": 16, "beta_fast": 32, "beta_slow": 1, "original_max_position_embeddings": 65536},
 "max_position_embeddings": 1048576, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
 "quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "scale_fmt": "ue8m0",
 "activation_scheme": "dynamic", "weight_block_size": [128, 128]}, "expert_dtype": "fp4"})";
}

/// Makes the lane one super-chunk longer without reading: every layer's rows and the window repeat.
void repeat(LoadedModel& model, Lane& lane, const Frontier& state) {
    const ModelConfig& config = model.config();
    const std::uint64_t repeated = repeatedTokens(model), read = readTokens(model);
    const std::uint64_t from = lane.log->size(), to = from + repeated;
    Sequence& sequence = *lane.timeline.sequence;
    sequence.prepare(repeated);
    const auto source = rowSlices(config, sequence, read - repeated, read);
    const auto target = rowSlices(config, sequence, from, to);
    for (std::size_t i = 0; i < source.size(); ++i) {
        model.ops->copy(target[i].device, source[i].device, source[i].bytes);
    }
    model.ops->synchronise();
    sequence.advance(repeated);
    const std::vector<Token> tokens(lane.log->end() - static_cast<std::ptrdiff_t>(repeated),
                                    lane.log->end());
    std::vector<Frontier> taken;
    for (std::uint64_t at = from; at < to; at += model.superChunk) {
        taken.push_back({at + model.superChunk, state.state});
    }
    lane.record(tokens, std::move(taken));
}

void wait(Lane& lane) {
    while (!lane.settled(std::chrono::milliseconds(100))) {
    }
}

struct Written {
    std::uint64_t fileBytes = 0, useful = 0, records = 0, frontiers = 0;
};

Written contentsOf(const std::filesystem::path& file) {
    const LaneHandle handle(file, LaneHandle::Mode::Read);
    const auto index = scanLane(handle);
    Written written{handle.size(), 0, index->records.size(), index->frontiers.size()};
    for (const LaneRecord& record : index->records) {
        for (const lane::Section& section : record.sections) {
            const bool counted = section.kind == lane::SectionKind::Entries ||
                                 section.kind == lane::SectionKind::Keys ||
                                 section.kind == lane::SectionKind::Frontier;
            written.useful += counted ? section.bytes : 0;
        }
    }
    return written;
}

/// Writes a lane of `tokens` tokens; prints what it took.
void write(Runtime& runtime, const std::filesystem::path& file, std::uint64_t tokens) {
    LoadedModel& model = runtime.model();
    static std::atomic<std::uint64_t> bytes;
    bytes = 0;
    LaneHandle::setWriteFunction([](int descriptor, const void* data, std::size_t count) -> long {
        const long n = ::write(descriptor, data, count);
        bytes += n > 0 ? static_cast<std::uint64_t>(n) : 0;
        return n;
    });
    Lane lane(model,
              std::make_unique<LaneStore>(file, laneKey(model, ""), false, runtime.ledger()));
    std::vector<Token> read(readTokens(model));
    for (std::size_t i = 0; i < read.size(); ++i) {
        read[i] = static_cast<Token>(2 + (i * 2654435761u >> 7) % 500);
    }
    double computing = steadySeconds(), copying = 0;
    std::vector<Frontier> last;
    for (std::uint64_t at = 0; at < read.size(); at += model.superChunk) {
        const auto part = std::span(read).subspan(at, model.superChunk);
        auto taken =
            runtime.feed(lane.timeline, part, {}, {}, lane.captures(at, at + part.size(), false));
        last = taken;
        lane.record(part, std::move(taken));
        wait(lane);
        lane.save(model);
    }
    computing = steadySeconds() - computing;
    const double start = steadySeconds();
    while (lane.log->size() < tokens) {
        const double before = steadySeconds();
        repeat(model, lane, last.back());
        copying += steadySeconds() - before;
        wait(lane);
        lane.save(model);
    }
    wait(lane);
    const double seconds = steadySeconds() - start - copying;
    const Written written = contentsOf(file);
    const auto total = static_cast<double>(lane.log->size());
    std::printf("written   %llu tokens in %llu records with %llu frontiers of %.2f MB\n",
                static_cast<unsigned long long>(lane.log->size()),
                static_cast<unsigned long long>(written.records),
                static_cast<unsigned long long>(written.frontiers),
                static_cast<double>(last.back().state.size()) / 1e6);
    std::printf("          %.1f bytes a token on disk, of these %.1f rows; written %.4f times what "
                "rows and frontiers hold\n",
                static_cast<double>(written.fileBytes) / total,
                static_cast<double>(model.info.kvBytesPerToken),
                static_cast<double>(bytes) / static_cast<double>(written.useful));
    std::printf("          %.2f GB in %.1f s, %.0f MB/s with the probes of all frontiers\n",
                static_cast<double>(written.fileBytes) / 1e9, seconds,
                static_cast<double>(written.fileBytes) / 1e6 / std::max(seconds, 1e-9));
    std::fflush(stdout);
}

/// Takes a file out of the page cache.
void forget(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        fdatasync(descriptor);
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
        ::close(descriptor);
    }
}

/// Bytes a second at which the file comes from the disk, past the cache, with as many threads and
/// as large pieces as restoring uses. Nothing is done with the bytes.
double diskRate(const std::filesystem::path& file, MemoryLedger& ledger) {
    forget(file);
    const LaneHandle handle(file, LaneHandle::Mode::Read);
    const std::uint64_t size = handle.size() / kRestorePiece * kRestorePiece;
    std::atomic<std::uint64_t> next = 0;
    const double start = steadySeconds();
    {
        std::vector<std::jthread> threads;
        for (unsigned t = 0; t < kRestoreThreads; ++t) {
            threads.emplace_back([&] {
                AlignedBuffer buffer(ledger, "scratch", kRestorePiece, AlignedBuffer::Fill::Zero);
                for (std::uint64_t at = next.fetch_add(kRestorePiece); at < size;
                     at = next.fetch_add(kRestorePiece)) {
                    handle.readAround(at, {buffer.data(), kRestorePiece});
                }
            });
        }
    }
    return static_cast<double>(size) / (steadySeconds() - start);
}

/// Opens the lane as Engine::openLane does; the file comes from the disk.
/// `loading`: the part of it from the first rows to the last.
LaneInfo restore(Runtime& runtime, const std::filesystem::path& file, double& seconds,
                 double& loading) {
    forget(file);
    const double start = steadySeconds();
    double first = 0, last = 0;
    RestoreJob job(
        std::make_unique<LaneStore>(file, laneKey(runtime.model(), ""), false, runtime.ledger()),
        LaneOptions{},
        [&](const Progress&) {
            last = steadySeconds();
            first = first > 0 ? first : last;
        },
        {});
    auto result = job.finished.get_future();
    while (!job.step(runtime)) {
    }
    seconds = steadySeconds() - start;
    loading = last - first;
    return result.get();
}

void report(Runtime& runtime, const std::filesystem::path& file, const char* what) {
    const double disk = diskRate(file, runtime.ledger());
    double seconds = 0, loading = 0;
    const LaneInfo info = restore(runtime, file, seconds, loading);
    const LaneRestore& restored = *info.restored;
    const double rate = static_cast<double>(restored.bytesRead) / seconds;
    std::printf(
        "%-9s %llu tokens, %.2f GB of rows in %.2f s = %.0f MB/s, %.0f %% of the disk's %.0f; "
        "self-check %s, %llu replayed; %.2f s of it for the rows\n",
        what, static_cast<unsigned long long>(info.tokens),
        static_cast<double>(restored.bytesRead) / 1e9, seconds, rate / 1e6, 100 * rate / disk,
        disk / 1e6, restored.check.c_str(), static_cast<unsigned long long>(restored.replayed),
        loading);
    if (!restored.note.empty()) {
        std::printf("          %s\n", restored.note.c_str());
    }
    const std::vector<Token> question{11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    const double asked = steadySeconds();
    const BranchInfo branch = runtime.addBranch(runtime.startBranch(info.id, {}));
    const auto timeline = runtime.branch(branch.id);
    runtime.feed(*timeline, question, {}, {});
    greedyToken(timeline->logits);
    std::printf("          first token %.3f s after that (question of %zu tokens)\n",
                steadySeconds() - asked, question.size());
    // A branch owns its window, its compressors and what is said on it: all 50 are kept.
    constexpr int kBranches = 50, kSaid = 200;
    std::uint64_t bytes = 0;
    double forking = 0;
    for (int i = 0; i < kBranches; ++i) {
        const double before = steadySeconds();
        const BranchInfo made = runtime.addBranch(runtime.startBranch(info.id, {}));
        forking += steadySeconds() - before;
        const auto one = runtime.branch(made.id);
        one->sequence->prepare(kSaid); // as a question of so many tokens does
        bytes += one->sequence->bytes();
    }
    std::printf("          %d branches with room for %d tokens each: %.1f MB each, fork %.2f ms\n",
                kBranches, kSaid, static_cast<double>(bytes) / kBranches / 1e6,
                1e3 * forking / kBranches);
    std::fflush(stdout);
}

/// A kill in the middle of a record at two thirds: a copy that ends inside it.
void tear(const std::filesystem::path& from, const std::filesystem::path& to,
          std::uint64_t tokens) {
    copyLaneFile(from, to, tokens, {}, {});
    const LaneHandle source(from, LaneHandle::Mode::Read);
    const auto index = scanLane(source);
    std::vector<std::byte> begun(index->records.back().header.bytes / 2);
    source.readAt(index->records.back().offset, begun);
    std::ofstream out(to, std::ios::binary | std::ios::app);
    out.write(reinterpret_cast<const char*>(begun.data()),
              static_cast<std::streamsize>(begun.size()));
}

} // namespace

int laneBenchCommand(const Arguments& arguments) {
    const std::filesystem::path folder = arguments.required("dir");
    const std::uint64_t tokens =
        std::clamp<std::uint64_t>(arguments.number("tokens", 1'000'000), 8192, 980'000 + 32'768);
    LoadOptions options;
    options.kernels = arguments.value("kernels").value_or("");
    const bool keep = arguments.flag("keep"); // the long lane, for the next time
    arguments.finish();

    options.model = folder / "model";
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (!std::filesystem::exists(options.model / "config.json")) {
        writeSyntheticCheckpoint(configText(), options.model);
    }
    MemoryLedger ledger;
    const auto fresh = [&] { // every measurement with nothing else in memory
        auto runtime = std::make_unique<Runtime>(ledger);
        runtime->setModel(loadModel(options, ledger, {}));
        return runtime;
    };
    const auto file = folder / "bench.lane", torn = folder / "torn.lane";
    if (!keep) {
        std::filesystem::remove(file, failed);
    }
    std::filesystem::remove(torn, failed);
    std::uint64_t step = 0;
    {
        const auto runtime = fresh();
        step = repeatedTokens(runtime->model());
        if (std::filesystem::exists(file, failed)) {
            std::printf("%s, the lane of the last time\n", runtime->model().device.name.c_str());
            runtime->setModel(nullptr);
        }
    }
    if (!std::filesystem::exists(file, failed)) {
        const auto runtime = fresh();
        std::printf("%s, rows and frontiers of V4-Flash, files in %s\n",
                    runtime->model().device.name.c_str(), folder.c_str());
        write(*runtime, file, tokens);
        runtime->setModel(nullptr);
    }
    for (const auto& [name, at] : {std::pair{"restored", std::uint64_t{UINT64_MAX}},
                                   {"killed", tokens * 7 / 10 / step * step},
                                   {"shorter", tokens / 10 / step * step}}) {
        if (at != UINT64_MAX) {
            std::filesystem::remove(torn, failed);
            tear(file, torn, at);
        }
        const auto runtime = fresh();
        report(*runtime, at == UINT64_MAX ? file : torn, name);
        runtime->setModel(nullptr);
    }
    if (!keep) {
        std::filesystem::remove(file, failed);
    }
    std::filesystem::remove(torn, failed);
    return 0;
}

} // namespace dossier::engine
