// SPDX-License-Identifier: Apache-2.0
// Models without training: exact names, shapes and formats of a real checkpoint, values from a
// seed. Two kinds: a directory on disk for tests (equal to the reference tool's, byte for byte),
// and full-size weights filled straight into memory for benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "engine/base/aligned_buffer.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/thread_pool.h"
#include "engine/model/config.h"
#include "engine/model/tensor_plan.h"
#include "engine/model/weights.h"

namespace dossier::engine {

// ------------------------------------------------------------------------------- on disk

struct SyntheticCheckpointOptions {
    std::uint64_t seed = 1;
    std::uint64_t shardBytes = 1'000'000; ///< most tensor bytes in a file, unless one is larger
};

/// Writes config.json (the given text), shards and index into `directory`, which is made when it
/// does not exist. Experts are FP8 when the configuration says so, else FP4; one mtp.0 block when
/// num_nextn_predict_layers > 0. Returns the tensor bytes.
/// Every value is a function of (seed, tensor name, index): splitmix64 over an FNV-1a key, four
/// 16-bit fields added to a near-Gaussian value; FP8 and FP4 weights are quantised for real.
/// Errors: as parseModelConfig; Io, DiskFull, Permission.
std::uint64_t writeSyntheticCheckpoint(std::string_view configJson,
                                       const std::filesystem::path& directory,
                                       const SyntheticCheckpointOptions& options = {});

// ------------------------------------------------------------------------------- in memory

/// Values of a model of any size, computed where they are needed: any part of any tensor, on any
/// thread, always the same bytes. About as fast as one core writes to memory, since benchmarks fill
/// 150 GB with it: codes are random bits without the codes that are not numbers, scales are powers
/// of two chosen so that a matrix of `in` columns has a deviation near 1/sqrt(in).
class SyntheticModel {
  public:
    /// config.expertFormat decides the experts (FP4 when absent).
    SyntheticModel(ModelConfig config, std::uint64_t seed);

    const ModelConfig& config() const { return m_config; }
    ExpertFormat expertFormat() const { return *m_config.expertFormat; }
    const std::vector<TensorSpec>& tensors() const { return m_tensors; }

    /// Bytes [begin, begin + out.size()) of tensors()[tensor]. Thread-safe.
    void fill(std::size_t tensor, std::uint64_t begin, std::span<std::byte> out) const;

    struct Target {
        std::size_t tensor = 0;
        std::byte* data = nullptr; ///< tensors()[tensor].bytes() bytes
    };
    /// Fills whole tensors with all threads, in pieces, so that one large tensor is shared out too.
    /// Returns false when `stop` was requested (the contents are then unspecified).
    bool fillAll(ThreadPool& pool, std::span<const Target> targets,
                 std::stop_token stop = {}) const;

  private:
    struct Recipe;
    Recipe recipeFor(const TensorSpec& spec) const;

    ModelConfig m_config;
    std::uint64_t m_seed;
    std::vector<TensorSpec> m_tensors;
};

/// A whole synthetic model in RAM: for benchmarks and tests of the CPU engine. Move-only.
class SyntheticWeights {
  public:
    /// Allocates under "dense weights" and "routed experts" (ram) and fills with all threads.
    /// Errors: OutOfMemory.
    SyntheticWeights(const SyntheticModel& model, MemoryLedger& ledger, ThreadPool& pool);

    const ModelWeights& weights() const { return m_weights; }

  private:
    std::vector<AlignedBuffer> m_buffers;
    std::vector<TensorSpec> m_tensors; ///< keeps the names that the views point to
    ModelWeights m_weights;
};

/// The same model with its first `layers` layers only (at least 1, at most config.layers).
ModelConfig firstLayers(const ModelConfig& config, std::uint32_t layers);

} // namespace dossier::engine
