// SPDX-License-Identifier: Apache-2.0
// One large read past the page cache as many requests at once: a disk is as fast as its queue is
// deep.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace dossier::engine {

/// Reads exactly `bytes` at `offset` of `fd`; with O_DIRECT all three numbers and `to` are
/// multiples of 4096. Uses the kernel's asynchronous reads where they are allowed, else one after
/// the other. Thread-safe. Errors: Io; Corrupt when the file ends before.
void readAll(int fd, std::byte* to, std::uint64_t bytes, std::uint64_t offset,
             const std::filesystem::path& path);

} // namespace dossier::engine
