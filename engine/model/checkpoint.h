// SPDX-License-Identifier: Apache-2.0
// A checkpoint directory in the official Hugging Face layout (config.json, an index, shards),
// validated against its own configuration and mapped into memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/memory_ledger.h"
#include "engine/engine.h"
#include "engine/model/config.h"
#include "engine/model/release.h"
#include "engine/model/weights.h"

namespace dossier::engine {

/// Move-only; views stay valid until it is destroyed, also across moves. Reading is thread-safe.
class Checkpoint {
  public:
    /// Opens and validates the directory: every trunk tensor that the configuration calls for is
    /// there with exactly its shape and dtype, there is no other one, and all files have the sizes
    /// that their headers say. `mtp.*` is skipped (see notes()). Reads headers only: a third of a
    /// second for the 69,000 tensors of a full-size model. Errors name file and tensor and say what
    /// to do: NotFound (no config.json, a missing shard), Corrupt (truncated, wrong shape or dtype,
    /// lying header, missing or unknown tensor), Unsupported (another architecture), Io,
    /// Permission.
    static Checkpoint open(const std::filesystem::path& directory);

    Checkpoint(Checkpoint&&) noexcept;
    Checkpoint& operator=(Checkpoint&&) noexcept;
    ~Checkpoint();

    const ModelConfig& config() const; ///< expertFormat is always set
    ExpertFormat expertFormat() const;
    Release release() const;
    const std::filesystem::path& directory() const;
    const std::vector<std::filesystem::path>& shards() const; ///< TensorView::shard counts here
    const std::vector<std::string>& notes() const;            ///< for ModelInfo::notes

    /// A trunk tensor in its mapped file, nullptr when there is none of that name. Unlike
    /// weights(), its data may be misaligned for its type.
    const TensorView* find(std::string_view name) const;
    /// Position of a tensor's data in its shard, for direct reads.
    std::uint64_t fileOffset(const TensorView& view) const;

    /// Everything the forward pass needs. Enters the mapped files in the ledger ("model files",
    /// mapped); tensors that lie misaligned in their file are copied once ("dense weights", ram).
    /// Call once. Errors: OutOfMemory.
    ModelWeights weights(MemoryLedger& ledger);

    /// Reads the whole model: no e8m0 scale may be 255 (NaN), no F32 or BF16 value and no e4m3
    /// code may be NaN or infinite, no expert id in a hash table out of range. Errors: Corrupt,
    /// naming file and tensor; Cancelled. Progress in bytes.
    void verifyContents(const ProgressFn& progress = {}, std::stop_token stop = {}) const;

    /// Throws Error(Corrupt) when a file was cut short since open(), or a read hit a missing page.
    /// A few microseconds: call after loading and after every step that read weights.
    void checkIntact() const;

    ModelInfo info() const;

  private:
    struct State;
    explicit Checkpoint(std::unique_ptr<State> state);
    std::unique_ptr<State> m_state;
};

/// What Engine::inspect does: open, optionally verify the contents, describe.
ModelInfo inspectModel(const std::filesystem::path& directory, Verify verify = Verify::Directory,
                       const ProgressFn& progress = {}, std::stop_token stop = {});

} // namespace dossier::engine
