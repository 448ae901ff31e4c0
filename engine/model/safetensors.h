// SPDX-License-Identifier: Apache-2.0
// Reading of the safetensors file format, also when the file is hostile.
//
// A file is: 8 bytes little-endian length n of the header, n bytes of JSON
// {"name": {"dtype": "BF16", "shape": [..], "data_offsets": [begin, end]}, ..., "__metadata__":
// {..}}, then the data that the offsets refer to. The tensors must fill the data without gap or
// overlap.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/mapped_file.h"
#include "engine/model/tensor.h"

namespace dossier::engine {

struct SafetensorsEntry {
    std::string name;
    DType dtype = DType::U8;
    Shape shape;
    std::uint64_t begin = 0, end = 0; ///< bytes from the start of the data
};

/// Parses and checks the header text of a file that has `dataBytes` of data behind it. Sorted by
/// `begin`. Errors name `origin` and the tensor: Corrupt (grammar, types, a name twice, a shape
/// that does not match its offsets, gaps, overlaps, data missing = "truncated", data left over),
/// Unsupported (unknown dtype, more than 4 dimensions).
std::vector<SafetensorsEntry>
parseSafetensorsHeader(std::string_view header, std::uint64_t dataBytes, std::string_view origin);

/// One mapped file. Move-only; views stay valid across moves.
class SafetensorsFile {
  public:
    static constexpr std::uint64_t kMaxHeaderBytes = 100'000'000; ///< as the reference reader

    /// Errors: as MappedFile::open and parseSafetensorsHeader.
    static SafetensorsFile open(const std::filesystem::path& path);

    const std::vector<SafetensorsEntry>& entries() const { return m_entries; }
    const MappedFile& file() const { return m_file; }

    /// nullptr when there is no such tensor.
    const SafetensorsEntry* find(std::string_view name) const;
    /// The tensor in the mapped file. Its data may be misaligned for its type (the format does not
    /// promise alignment): `isAligned` tells.
    TensorView view(const SafetensorsEntry& entry, std::uint32_t shard = 0) const;
    static bool isAligned(const TensorView& view);

    /// Where the data of this entry starts in the file (for direct reads).
    std::uint64_t fileOffset(const SafetensorsEntry& entry) const {
        return m_dataStart + entry.begin;
    }

  private:
    MappedFile m_file;
    std::vector<SafetensorsEntry> m_entries;
    std::unordered_map<std::string_view, std::size_t> m_index;
    std::uint64_t m_dataStart = 0;
};

} // namespace dossier::engine
