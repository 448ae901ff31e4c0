// SPDX-License-Identifier: Apache-2.0
// Experts of a checkpoint read from its files past the page cache: for models larger than memory,
// whose pages would only push out what is needed.
#pragma once

#include <array>
#include <filesystem>
#include <vector>

#include "engine/experts/expert_source.h"
#include "engine/model/checkpoint.h"

namespace dossier::engine {

class DirectExperts final : public ExpertSource {
  public:
    /// `weights`: of this checkpoint. `check` as in MappedExperts. The files stay open.
    /// Errors: Io, Permission, NotFound.
    DirectExperts(const Checkpoint& checkpoint, const ModelWeights& weights,
                  MappedExperts::Check check = {});
    ~DirectExperts() override;
    DirectExperts(const DirectExperts&) = delete;
    DirectExperts& operator=(const DirectExperts&) = delete;

    void read(std::uint32_t layer, std::uint32_t expert, std::byte* block) const override;

  private:
    struct File {
        std::filesystem::path path;
        int direct = -1, cached = -1; ///< direct: where the file system has it
        std::uint64_t bytes = 0;
    };
    struct Part {
        std::uint32_t file = 0;
        std::uint64_t offset = 0;
    };
    void open(const std::filesystem::path& path);
    void close() noexcept;
    void readPart(const Part&, std::byte* to, std::uint64_t bytes) const;

    const ExpertLayout m_layout;
    const std::uint32_t m_experts;
    const MappedExperts::Check m_check;
    std::vector<File> m_files;
    /// [layers * experts]: values of w1, w3, w2, then their scales.
    std::vector<std::array<Part, 6>> m_parts;
};

} // namespace dossier::engine
