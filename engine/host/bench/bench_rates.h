// SPDX-License-Identifier: Apache-2.0
// What this machine can do: the rates that the benchmark's bounds are computed from, measured in
// the same run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/thread_pool.h"

namespace dossier::engine::bench {

/// Medians of several runs, bytes per second.

/// Grid-stride sum over `bytes` of GPU memory.
double hbmReadRate(std::uint64_t bytes = std::uint64_t{8} << 30);
/// Copies of pinned blocks of `bytes` each, one call a block, to the GPU.
double busCopyRate(const std::vector<const std::byte*>& pieces, std::uint64_t bytes);
/// The same by a kernel of `blocks` blocks.
double busKernelRate(const std::vector<const std::byte*>& pieces, std::uint64_t bytes,
                     unsigned blocks);

struct DiskRates {
    double write = 0, read = 0;
    bool direct = false; ///< past the page cache
};
/// A file of `blocks` blocks in `folder`, written, then read in another order by `readers` threads.
DiskRates diskRates(const std::filesystem::path& folder, std::uint64_t blockBytes,
                    std::uint32_t blocks, unsigned readers);

} // namespace dossier::engine::bench
