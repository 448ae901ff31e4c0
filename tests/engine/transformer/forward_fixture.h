// SPDX-License-Identifier: Apache-2.0
// A tiny model loaded for the forward pass on a chosen device with chosen kernels.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "engine/base/memory_ledger.h"
#include "engine/base/thread_pool.h"
#include "engine/model/checkpoint.h"
#include "engine/transformer/forward.h"

namespace dossier::engine {

/// The model that comes with the program; a checkout may be without it.
inline const std::filesystem::path kEmbeddedModel = DOSSIER_SOURCE_DIR "/resources/model";

/// What the forward pass runs on.
struct Backend {
    std::string name;
    /// Tests take smaller samples where it is slow, and very small ones on the emulated GPU.
    enum class Speed { Fast, Slow, Emulated } speed = Speed::Fast;
    std::function<std::unique_ptr<Operations>(const ModelConfig&, ThreadPool&, MemoryLedger&)> make;
    std::vector<Path> paths{Path::Reading}; ///< those that differ
    /// What it is held against. Goldens: not what adds up less exactly than they allow. Equality of
    /// bits: not a variant that would take another half minute on the emulated GPU.
    bool goldens = true, equality = true;
    bool slow() const { return speed != Speed::Fast; }
    bool emulated() const { return speed == Speed::Emulated; }
};

/// All that this program tests; each program (CPU, CUDA, emulated CUDA) has its own list.
const std::vector<Backend>& backends();
inline std::vector<Backend> backendsFor(bool Backend::*purpose) {
    std::vector<Backend> list = backends();
    std::erase_if(list, [purpose](const Backend& backend) { return !(backend.*purpose); });
    return list;
}

struct LoadedModel {
    LoadedModel(const std::filesystem::path& directory, const Backend& backend,
                unsigned threads = 2, std::uint32_t batchRows = 4096)
        : checkpoint(Checkpoint::open(directory)),
          pool(threads),
          operations(backend.make(checkpoint.config(), pool, ledger)),
          ops(*operations),
          forward(ops, checkpoint.config(),
                  placeParameters(ops, checkpoint.config(), checkpoint.weights(ledger)),
                  batchRows) {
        ops.loadExperts({});
    }

    const ModelConfig& config() const { return checkpoint.config(); }
    std::unique_ptr<Sequence> sequence(std::uint64_t maxTokens = 65536) {
        return std::make_unique<Sequence>(ops, config(), maxTokens);
    }
    /// Feeds tokens in chunks; logits of every position, [tokens, vocabulary].
    std::vector<float> logits(Sequence& sequence, std::span<const std::int32_t> tokens,
                              std::size_t chunk, Path path = Path::Reading) {
        std::vector<float> all;
        for (std::size_t i = 0; i < tokens.size(); i += chunk) {
            const auto part = tokens.subspan(i, std::min(chunk, tokens.size() - i));
            const Forward::Piece piece{&sequence, part};
            std::vector<std::uint32_t> rows(part.size());
            std::iota(rows.begin(), rows.end(), 0u);
            const std::vector<float> some = forward.run({&piece, 1}, rows, {}, {}, path);
            all.insert(all.end(), some.begin(), some.end());
        }
        return all;
    }

    MemoryLedger ledger;
    Checkpoint checkpoint;
    ThreadPool pool;
    std::unique_ptr<Operations> operations;
    Operations& ops;
    Forward forward;
};

inline std::string backendName(const Backend& backend, Path path) {
    return backend.name + (path == Path::Answering ? "_answering" : "");
}

} // namespace dossier::engine
