// SPDX-License-Identifier: Apache-2.0
// The little that is asked of the driver's management library, which is loaded when it is there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace dossier::engine::cuda {

struct GpuMemory {
    std::uint64_t total = 0, free = 0, used = 0;
};

/// "580.159.04"; absent without the library.
std::optional<std::string> nvmlDriverVersion();
/// Memory of the GPU at a PCI bus id ("0000:1b:00.0"), asked without creating a CUDA context.
std::optional<GpuMemory> nvmlMemory(const std::string& pciBusId);

} // namespace dossier::engine::cuda
