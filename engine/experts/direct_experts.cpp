// SPDX-License-Identifier: Apache-2.0
#include "engine/experts/direct_experts.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/aligned_buffer.h"
#include "engine/base/error.h"
#include "engine/experts/direct_read.h"

namespace dossier::engine {
namespace {

constexpr std::uint64_t kPage = 4096;

/// Memory on page boundaries that each reading thread keeps.
std::byte* bounceMemory(std::uint64_t bytes) {
    thread_local MemoryLedger ledger;
    thread_local AlignedBuffer buffer;
    if (buffer.size() < bytes + kPage) {
        buffer = AlignedBuffer(ledger, "staging", bytes + kPage);
    }
    const auto address = reinterpret_cast<std::uintptr_t>(buffer.data());
    return buffer.data() + (kPage - address % kPage) % kPage;
}

} // namespace

DirectExperts::DirectExperts(const Checkpoint& checkpoint, const ModelWeights& weights,
                             MappedExperts::Check check)
    : m_layout(expertLayout(checkpoint.config())),
      m_experts(checkpoint.config().routedExperts),
      m_check(std::move(check)) {
    try {
        for (const std::filesystem::path& path : checkpoint.shards()) {
            open(path);
        }
    } catch (...) {
        close();
        throw;
    }
    for (const LayerWeights& layer : weights.layers) {
        for (const ExpertWeights& e : layer.ffn.experts) {
            const ScaledMatrix* matrices[3] = {&e.w1, &e.w3, &e.w2};
            std::array<Part, 6>& parts = m_parts.emplace_back();
            for (std::size_t i = 0; i < 3; ++i) {
                const TensorView& values = matrices[i]->weight;
                const TensorView& scales = matrices[i]->scale;
                parts[i] = {values.shard, checkpoint.fileOffset(values)};
                parts[3 + i] = {scales.shard, checkpoint.fileOffset(scales)};
            }
        }
    }
}

DirectExperts::~DirectExperts() {
    close();
}

void DirectExperts::open(const std::filesystem::path& path) {
    File& file = m_files.emplace_back();
    file.path = path;
    file.cached = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (file.cached < 0 || fstat(file.cached, &status) != 0) {
        throw systemError("open " + path.string(), errno);
    }
    file.bytes = static_cast<std::uint64_t>(status.st_size);
    file.direct = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT); // some cannot
}

void DirectExperts::close() noexcept {
    for (const File& file : m_files) {
        for (const int fd : {file.direct, file.cached}) {
            if (fd >= 0) {
                ::close(fd);
            }
        }
    }
    m_files.clear();
}

void DirectExperts::readPart(const Part& part, std::byte* to, std::uint64_t bytes) const {
    const File& file = m_files[part.file];
    const std::uint64_t begin = part.offset / kPage * kPage;
    const std::uint64_t end = (part.offset + bytes + kPage - 1) / kPage * kPage;
    if (file.direct < 0 || end > file.bytes) { // the last page of a file is not whole
        readAll(file.cached, to, bytes, part.offset, file.path);
        return;
    }
    std::byte* pages = bounceMemory(end - begin);
    readAll(file.direct, pages, end - begin, begin, file.path);
    std::memcpy(to, pages + (part.offset - begin), bytes);
}

void DirectExperts::read(std::uint32_t layer, std::uint32_t expert, std::byte* block) const {
    if (m_check) {
        m_check(layer, expert);
    }
    const std::array<Part, 6>& parts = m_parts[std::size_t{layer} * m_experts + expert];
    for (std::size_t i = 0; i < 3; ++i) {
        readPart(parts[i], block + m_layout.values[i], m_layout.valueBytes);
        readPart(parts[3 + i], block + m_layout.scales[i], m_layout.scaleBytes[i]);
    }
}

} // namespace dossier::engine
