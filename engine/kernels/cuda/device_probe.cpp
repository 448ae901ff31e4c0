// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/cuda/device_probe.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cuda_runtime.h>

#include "engine/base/error.h"
#include "engine/base/memory_ledger.h"
#include "engine/kernels/cuda/cuda_error.h"
#include "engine/kernels/cuda/nvml.h"

namespace dossier::engine {
namespace {

/// Oldest GPU whose tensor cores know bf16; smaller memories cannot hold the buffers of any model.
constexpr int kLeastMajor = 8;
constexpr std::uint64_t kLeastBytes = std::uint64_t{2} << 30;

std::string version(int number) {
    return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
}

std::string uuidText(const cudaUUID_t& uuid) {
    std::string text = "GPU-";
    for (int i = 0; i < 16; ++i) {
        std::array<char, 4> byte{};
        std::snprintf(byte.data(), byte.size(), "%02x", static_cast<unsigned char>(uuid.bytes[i]));
        text += byte.data();
        text += i == 3 || i == 5 || i == 7 || i == 9 ? "-" : "";
    }
    return text;
}

std::string whyNoDevice(cudaError_t error, int driver) {
    switch (error) {
    case cudaErrorNoDevice:
        return "No NVIDIA GPU was found";
    case cudaErrorInsufficientDriver:
        return driver == 0 ? "No NVIDIA driver is installed"
                           : "The NVIDIA driver is too old: it supports CUDA " + version(driver) +
                                 ", and CUDA " + version(CUDART_VERSION) + " is needed";
    default:
        return std::string("The NVIDIA driver does not work: ") + cudaGetErrorString(error);
    }
}

std::filesystem::path lockFolder() {
    // Shared by all users of the machine: the GPU is, too.
    std::error_code ignored;
    const std::filesystem::path run = "/run/lock";
    return std::filesystem::is_directory(run, ignored) && access(run.c_str(), W_OK) == 0
               ? run
               : std::filesystem::temp_directory_path(ignored);
}

/// The GPU that was found last.
struct Found {
    std::mutex mutex;
    int device = -1;
    std::string busId;
};
Found& found() {
    static Found instance;
    return instance;
}

void remember(int device, const cudaDeviceProp& p) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%04x:%02x:%02x.0",
                  static_cast<unsigned>(p.pciDomainID), static_cast<unsigned>(p.pciBusID),
                  static_cast<unsigned>(p.pciDeviceID));
    const std::lock_guard lock(found().mutex);
    found().device = device;
    found().busId = text.data();
}

} // namespace

CudaProbe probeCuda() {
    CudaProbe probe;
    int driver = 0, count = 0;
    if (cudaDriverGetVersion(&driver) != cudaSuccess) {
        driver = 0;
    }
    probe.toolkit = "CUDA " + version(CUDART_VERSION) +
                    (driver ? " (driver allows " + version(driver) + ")" : "");
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess || count == 0) {
        cudaGetLastError();
        probe.whyNot = whyNoDevice(status == cudaSuccess ? cudaErrorNoDevice : status, driver);
        return probe;
    }
    for (int i = 0; i < count; ++i) {
        cudaDeviceProp p{};
        if (cudaGetDeviceProperties(&p, i) != cudaSuccess) {
            cudaGetLastError();
            continue;
        }
        if (p.major < kLeastMajor) {
            probe.whyNot = std::string(p.name) + " is too old: compute capability " +
                           std::to_string(p.major) + "." + std::to_string(p.minor) +
                           ", and 8.0 (Ampere) is needed";
            continue;
        }
        if (p.totalGlobalMem < kLeastBytes) {
            probe.whyNot = std::string(p.name) +
                           " has too little memory: " + formatBytes(p.totalGlobalMem) + ", and " +
                           formatBytes(kLeastBytes) + " is the least";
            continue;
        }
        if (p.totalGlobalMem > probe.totalBytes) {
            probe.usable = true;
            probe.device = i;
            probe.name = p.name;
            probe.uuid = uuidText(p.uuid);
            remember(i, p);
            probe.computeMajor = p.major;
            probe.computeMinor = p.minor;
            probe.totalBytes = p.totalGlobalMem;
        }
    }
    if (!probe.usable) {
        return probe;
    }
    std::size_t free = 0, total = 0;
    cudaError_t opened = cudaSetDevice(probe.device);
    if (opened == cudaSuccess) {
        opened = cudaMemGetInfo(&free, &total); // creates the context
    }
    if (opened != cudaSuccess) {
        cudaGetLastError();
        probe.usable = false;
        probe.whyNot = probe.name + " cannot be used: " + cudaGetErrorString(opened);
        return probe;
    }
    probe.freeBytes = free;
    probe.totalBytes = total;
    probe.whyNot.clear();
    if (const auto text = cuda::nvmlDriverVersion()) {
        probe.name += " (driver " + *text + ")";
    }
    return probe;
}

std::optional<CudaMemoryUse> cudaMemoryUse() {
    const std::lock_guard lock(found().mutex);
    if (found().device < 0) {
        return std::nullopt;
    }
    if (const auto memory = cuda::nvmlMemory(found().busId)) {
        return CudaMemoryUse{memory->used, memory->total};
    }
    std::size_t free = 0, total = 0;
    if (cudaSetDevice(found().device) != cudaSuccess ||
        cudaMemGetInfo(&free, &total) != cudaSuccess) {
        return std::nullopt;
    }
    return CudaMemoryUse{total - free, total};
}

std::unique_ptr<GpuLock> GpuLock::take(const std::string& uuid) {
    const std::filesystem::path path = lockFolder() / ("dossier-" + uuid + ".lock");
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        throw systemError("open " + path.string(), errno);
    }
    fchmod(fd, 0666); // whatever the umask: the next user must be able to lock it, too
    std::array<char, 32> text{};
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const ssize_t length = pread(fd, text.data(), text.size() - 1, 0);
        close(fd);
        throw Error(
            ErrorCode::Busy,
            "The GPU is used by another Dossier engine" +
                (length > 0 ? " (process " + std::string(text.data()) + ")" : std::string()),
            "Close the other program or wait until it has finished, or use the CPU");
    }
    const int length = std::snprintf(text.data(), text.size(), "%d", getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text.data(), static_cast<std::size_t>(length), 0) < 0) {
        // The name of the holder is a courtesy; the lock itself holds.
        return std::unique_ptr<GpuLock>(new GpuLock(fd));
    }
    return std::unique_ptr<GpuLock>(new GpuLock(fd));
}

GpuLock::~GpuLock() {
    close(m_fd);
}

} // namespace dossier::engine
