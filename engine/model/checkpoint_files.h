// SPDX-License-Identifier: Apache-2.0
// The files of a checkpoint directory: index, shards, and which tensor lies where. Knows nothing
// about the model's architecture.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/model/safetensors.h"

namespace dossier::engine {

/// What to do about a checkpoint whose files are incomplete or do not belong together.
inline constexpr const char* kIncompleteRemedy =
    "Copy or download the checkpoint again, completely, and do not mix files of two models";

class CheckpointFiles {
  public:
    /// Maps all shards that model.safetensors.index.json names, or model.safetensors where there is
    /// no index. A shard may be missing when every tensor that the index puts into it is
    /// `optional(name)`; notes() then says so.
    /// Errors: NotFound (no files, a missing shard), Corrupt (index and headers contradict each
    /// other, a tensor in two files, a file name with a path in it), as SafetensorsFile::open.
    static CheckpointFiles open(const std::filesystem::path& directory,
                                const std::function<bool(std::string_view)>& optional);

    const std::filesystem::path& directory() const { return m_directory; }
    const std::vector<std::filesystem::path>& paths() const { return m_paths; }
    const std::vector<std::string>& notes() const { return m_notes; }
    std::uint64_t totalBytes() const; ///< of all mapped files, headers included
    std::span<const std::byte> bytesOf(std::uint32_t shard) const {
        return m_files[shard].file().bytes();
    }
    const MappedFile& mapped(std::uint32_t shard) const { return m_files[shard].file(); }

    std::optional<TensorView> find(std::string_view name) const;
    void forEach(const std::function<void(const TensorView&)>& visit) const;
    void checkIntact() const;

  private:
    std::filesystem::path m_directory;
    std::vector<std::filesystem::path> m_paths;
    std::vector<SafetensorsFile> m_files;
    std::unordered_map<std::string_view, std::uint32_t> m_shardOf; ///< keys live in m_files
    std::vector<std::string> m_notes;
};

} // namespace dossier::engine
