// SPDX-License-Identifier: Apache-2.0
// Is there a GPU that this build can use, and if not, why. No CUDA types: anybody may include this.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace dossier::engine {

struct CudaProbe {
    bool usable = false;
    std::string whyNot; ///< one sentence for a person when not usable
    int device = 0;     ///< CUDA's number of the one with most memory
    std::string name;   ///< "NVIDIA H200 (driver 580.159.04)"
    std::string uuid;   ///< "GPU-1b2c..."
    int computeMajor = 0, computeMinor = 0;
    std::uint64_t totalBytes = 0, freeBytes = 0;
    std::string toolkit; ///< "CUDA 13.0 (driver allows 13.0)"
};

/// Looks for the best GPU. Never throws; creates a CUDA context in this process on success.
CudaProbe probeCuda();

struct CudaMemoryUse {
    std::uint64_t used = 0, total = 0; ///< bytes, by all programs together
};
/// Memory of the GPU that probeCuda found last; absent when it found none. Any thread.
std::optional<CudaMemoryUse> cudaMemoryUse();

/// Held while an engine uses a GPU: one engine a GPU, whatever process it is in.
class GpuLock {
  public:
    /// Error(Busy) naming the process that holds it.
    static std::unique_ptr<GpuLock> take(const std::string& uuid);
    ~GpuLock();
    GpuLock(const GpuLock&) = delete;
    GpuLock& operator=(const GpuLock&) = delete;

  private:
    explicit GpuLock(int fd) : m_fd(fd) {}
    int m_fd;
};

} // namespace dossier::engine
