// SPDX-License-Identifier: Apache-2.0
// Experts in a file of their own, one aligned block each, read past the page cache: what the disk
// tier reads fastest.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/thread_pool.h"
#include "engine/experts/expert_source.h"

namespace dossier::engine {

class ExpertFile final : public ExpertSource {
  public:
    struct Key {
        std::uint32_t layer = 0, expert = 0;
    };

    /// Takes the blocks of `keys` from `source` into a new file at `path`, with all threads, and
    /// reads those from the file from now on, all others from `source`. The file goes away with
    /// this object. Errors: Io, DiskFull, Permission, and what the source throws.
    static std::shared_ptr<ExpertFile> write(const std::filesystem::path& path,
                                             std::shared_ptr<const ExpertSource> source,
                                             const ExpertLayout& layout, std::uint32_t layers,
                                             std::uint32_t experts, std::span<const Key> keys,
                                             ThreadPool& workers);
    ~ExpertFile() override;
    ExpertFile(const ExpertFile&) = delete;
    ExpertFile& operator=(const ExpertFile&) = delete;

    /// `block` aligned to 4096 bytes is read into directly, any other through a buffer.
    void read(std::uint32_t layer, std::uint32_t expert, std::byte* block) const override;

    /// Whether reads go past the page cache; some file systems refuse.
    bool direct() const { return m_direct; }
    double secondsToWrite() const { return m_secondsToWrite; }

  private:
    ExpertFile() = default;
    void writeAll(std::span<const Key> keys, ThreadPool& workers);

    std::filesystem::path m_path;
    std::shared_ptr<const ExpertSource> m_source;
    ExpertLayout m_layout;
    std::uint32_t m_experts = 0;
    std::vector<std::int32_t> m_place; ///< [layers * experts]: block in the file, -1: not there
    int m_fd = -1;
    bool m_direct = false;
    double m_secondsToWrite = 0;
};

} // namespace dossier::engine
