// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/cuda/nvml.h"

#include <array>

#include <dlfcn.h>

namespace dossier::engine::cuda {
namespace {

struct NvmlMemory {
    unsigned long long total, free, used;
};

/// NVML's stable C interface; its header is not part of every toolkit.
class Nvml {
  public:
    static const Nvml& get() {
        static const Nvml nvml;
        return nvml;
    }
    bool usable() const { return m_ready; }
    int (*driverVersion)(char*, unsigned) = nullptr;
    int (*handleByBusId)(const char*, void**) = nullptr;
    int (*memoryInfo)(void*, NvmlMemory*) = nullptr;

  private:
    Nvml() {
        void* library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) {
            return;
        }
        int (*init)() = nullptr;
        const auto find = [&](const char* name, auto& function) {
            function =
                reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
            return function != nullptr;
        };
        m_ready = find("nvmlInit_v2", init) && find("nvmlSystemGetDriverVersion", driverVersion) &&
                  find("nvmlDeviceGetHandleByPciBusId_v2", handleByBusId) &&
                  find("nvmlDeviceGetMemoryInfo", memoryInfo) && init() == 0;
    }
    bool m_ready = false;
};

} // namespace

std::optional<std::string> nvmlDriverVersion() {
    std::array<char, 96> text{};
    const Nvml& nvml = Nvml::get();
    if (!nvml.usable() || nvml.driverVersion(text.data(), text.size()) != 0) {
        return std::nullopt;
    }
    return std::string(text.data());
}

std::optional<GpuMemory> nvmlMemory(const std::string& pciBusId) {
    const Nvml& nvml = Nvml::get();
    void* device = nullptr;
    NvmlMemory memory{};
    if (!nvml.usable() || nvml.handleByBusId(pciBusId.c_str(), &device) != 0 ||
        nvml.memoryInfo(device, &memory) != 0) {
        return std::nullopt;
    }
    return GpuMemory{memory.total, memory.free, memory.used};
}

} // namespace dossier::engine::cuda
