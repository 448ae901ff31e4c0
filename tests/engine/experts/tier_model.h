// SPDX-License-Identifier: Apache-2.0
// A tiny model on the CUDA operations with a budget in experts.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/experts/expert_layout.h"
#include "engine/kernels/cuda/cuda_operations.h"
#include "tests/engine/support/golden.h"
#include "tests/engine/transformer/forward_fixture.h"

namespace dossier::engine {

inline std::vector<std::int32_t> someTokens(const ModelConfig& config, std::size_t count) {
    std::vector<std::int32_t> ids(count);
    std::uint32_t state = 4711;
    for (std::int32_t& id : ids) {
        state = state * 1664525u + 1013904223u;
        id = static_cast<std::int32_t>((state >> 8) % config.vocabSize);
    }
    return ids;
}

/// A budget in experts.
struct Tiers {
    std::optional<std::uint64_t> vram, ram;
};

class TierModel {
  public:
    explicit TierModel(const char* name, bool graphs = true, bool copyEngine = true)
        : checkpoint(Checkpoint::open(test::tinyCheckpoint(name))) {
        CudaOptions options;
        options.lock = false;
        options.superChunk = 512;
        options.graphs = graphs;
        options.cublas = false;
        options.copyEngine = copyEngine;
        ops = makeCudaOperations(config(), probeCuda(), options, ledger);
        forward = std::make_unique<Forward>(
            *ops, config(), placeParameters(*ops, config(), checkpoint.weights(ledger)), 64);
    }
    const ModelConfig& config() const { return checkpoint.config(); }
    /// Slots that experts outside the core pass through.
    std::uint64_t ring() const {
        return std::min(config().routedExperts, kAnswerRows * config().expertsPerToken);
    }
    std::uint64_t experts() const {
        return std::uint64_t{config().layers} * config().routedExperts;
    }
    void load(const Tiers& tiers) {
        const std::uint64_t bytes = expertLayout(config()).bytes;
        ExpertBudget budget;
        budget.vram = tiers.vram ? std::optional(*tiers.vram * bytes) : std::nullopt;
        budget.ram = tiers.ram ? std::optional(*tiers.ram * bytes) : std::nullopt;
        budget.keepFree = 64 << 20;
        ops->loadExperts(budget);
    }
    /// Reads some tokens, then answers some; all logits.
    std::vector<float> run(std::size_t read, std::size_t answer, std::size_t branches = 1) {
        const auto ids = someTokens(config(), read + answer + branches);
        Sequence lane(*ops, config(), 4096);
        const Forward::Piece piece{&lane, std::span(ids).first(read)};
        const auto last = static_cast<std::uint32_t>(read - 1);
        std::vector<float> all = forward->run({&piece, 1}, {&last, 1});
        std::vector<std::unique_ptr<Sequence>> sequences;
        std::vector<std::uint32_t> rows;
        for (std::size_t b = 0; b < branches; ++b) {
            sequences.push_back(lane.fork());
            rows.push_back(static_cast<std::uint32_t>(b));
        }
        for (std::size_t i = 0; i < answer; ++i) {
            std::vector<Forward::Piece> pieces;
            for (std::size_t b = 0; b < branches; ++b) {
                pieces.push_back({sequences[b].get(), std::span(ids).subspan(read + i + b, 1)});
            }
            const auto some = forward->run(pieces, rows, {}, {}, Path::Answering);
            all.insert(all.end(), some.begin(), some.end());
        }
        return all;
    }

    MemoryLedger ledger;
    Checkpoint checkpoint;
    std::unique_ptr<Operations> ops;
    std::unique_ptr<Forward> forward;
};

} // namespace dossier::engine
