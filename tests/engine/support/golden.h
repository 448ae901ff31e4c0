// SPDX-License-Identifier: Apache-2.0
// Golden data for tests: committed under tests/golden, or beside the repository in
// ../shared/oracle/golden when that folder is there (the larger files).
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/safetensors.h"

namespace dossier::test {

/// "unit/fp4.safetensors" or "tiny/golden-run.json" -> where it lies, absent when nowhere.
/// Usage: const auto path = goldenPath("..."); if (!path) GTEST_SKIP() << missingGolden("...");
std::optional<std::filesystem::path> goldenPath(std::string_view relative);
std::string missingGolden(std::string_view relative);

/// A file or folder under ../shared, absent when that folder is not beside the repository.
std::optional<std::filesystem::path> sharedPath(std::string_view relative);

/// The folder of a tiny checkpoint ("tiny", "tiny-fp8", "tiny-pro"), complete with draft tensors.
/// It is not committed but written from its config.json by engine/model/synthetic.h, once per test
/// program, into a temporary folder that goes away at the end; a test compares its bytes with the
/// SHA-256 sums of the reference tool's files.
std::filesystem::path tinyCheckpoint(std::string_view name);

/// A new empty folder below the temporary one, removed with its contents at the end of the program.
std::filesystem::path temporaryFolder(std::string_view name);

/// The whole file as text. Throws Error when there is none.
std::string readText(const std::filesystem::path& path);

/// One safetensors file of goldens. Unlike raw files, its views are always aligned.
class GoldenFile {
  public:
    explicit GoldenFile(const std::filesystem::path& path);

    bool has(std::string_view name) const { return m_file.find(name) != nullptr; }
    std::vector<std::string> names() const;
    /// Throws Error(NotFound) for an unknown name.
    engine::TensorView view(std::string_view name) const;
    /// F32 or BF16 tensors as float, row-major.
    std::vector<float> floats(std::string_view name) const;
    /// Tensors of one-byte types.
    std::vector<std::uint8_t> bytes(std::string_view name) const;
    /// I32, I64, U8 or I8 tensors as integers.
    std::vector<std::int64_t> integers(std::string_view name) const;

  private:
    engine::SafetensorsFile m_file;
    mutable std::deque<std::vector<std::uint64_t>> m_copies; ///< of misaligned tensors
};

} // namespace dossier::test
