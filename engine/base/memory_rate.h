// SPDX-License-Identifier: Apache-2.0
// How fast this machine reads memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/thread_pool.h"

namespace dossier {

/// Bytes a second at which all threads of `workers` together read [data, data + bytes), with the
/// widest vectors that the processor has: the median of `runs` passes. `data` is aligned to 64
/// bytes; `bytes` is several times the caches, or it is they that are measured.
double memoryReadRate(ThreadPool& workers, const std::byte* data, std::uint64_t bytes,
                      unsigned runs = 7);

} // namespace dossier
