// SPDX-License-Identifier: Apache-2.0
// The runtime's calls, with limits on memory and injected faults.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "tests/engine/cuda_emulator/include/cuda.h"
#include "tests/engine/cuda_emulator/include/cuda_runtime.h"

struct FakeGraph {
    std::vector<std::function<void()>> nodes;
    std::set<FakeStream*> streams;
    bool broken = false;
};
struct FakeStream {
    FakeGraph* capture = nullptr;
};
struct FakeEvent {
    FakeGraph* capture = nullptr;
    std::chrono::steady_clock::time_point time;
};

namespace {

struct State {
    std::mutex mutex;
    std::vector<cuda_emulator::Fault> faults;
    cudaError_t sticky = cudaSuccess, last = cudaSuccess;
    std::size_t vramTotal = std::size_t{4} << 30, pinnedTotal = std::size_t{4} << 30;
    std::size_t vramUsed = 0, pinnedUsed = 0, foreign = 0;
    std::map<void*, std::size_t> vram, pinned;
    std::map<unsigned long long, std::size_t> handles;
    unsigned long long nextHandle = 1;
    std::uint64_t launches = 0, graphLaunches = 0;
    int driver = 13000, major = 9, minor = 0;

    ~State() { // the engine's lock on this process's own GPU
        char name[64];
        std::snprintf(name, sizeof name, "dossier-GPU-%08x-0506-0708-090a-0b0c0d0e0f10.lock",
                      static_cast<unsigned>(getpid()));
        std::error_code ignored;
        std::filesystem::remove(std::filesystem::path("/run/lock") / name, ignored);
        std::filesystem::remove(std::filesystem::temp_directory_path(ignored) / name, ignored);
    }
};
State& state() {
    static State s;
    return s;
}

/// The injected result of a call; cudaSuccess when it may go on.
cudaError_t enter(const char* call) {
    State& s = state();
    const std::lock_guard lock(s.mutex);
    if (s.sticky != cudaSuccess) {
        return s.last = s.sticky;
    }
    for (std::size_t i = 0; i < s.faults.size(); ++i) {
        cuda_emulator::Fault& fault = s.faults[i];
        if (std::string(fault.call) != call) {
            continue;
        }
        if (fault.after-- == 0) {
            const cudaError_t error = fault.error;
            if (fault.sticky) {
                s.sticky = error;
            }
            s.faults.erase(s.faults.begin() + static_cast<std::ptrdiff_t>(i));
            return s.last = error;
        }
    }
    return cudaSuccess;
}

#define ENTER(name)                                                                                \
    if (const cudaError_t injected = enter(name); injected != cudaSuccess) {                       \
        return injected;                                                                           \
    }

FakeStream g_defaultStream;

} // namespace

namespace cuda_emulator {

void inject(const Fault& fault) {
    state().faults.push_back(fault);
}
void clearFaults() {
    State& s = state();
    s.faults.clear();
    s.sticky = s.last = cudaSuccess;
    s.foreign = 0;
    s.driver = 13000;
    s.major = 9;
    s.minor = 0;
    setMemory(std::size_t{4} << 30, std::size_t{4} << 30);
}
void setMemory(std::size_t vram, std::size_t pinned) {
    state().vramTotal = vram;
    state().pinnedTotal = pinned;
}
std::size_t vramUsed() {
    return state().vramUsed;
}
std::size_t pinnedUsed() {
    return state().pinnedUsed;
}
std::uint64_t launches() {
    return state().launches;
}
std::uint64_t graphLaunches() {
    return state().graphLaunches;
}
void setForeignVram(std::size_t bytes) {
    state().foreign = bytes;
}
void setDriverVersion(int version) {
    state().driver = version;
}
void setDevice(int major, int minor) {
    state().major = major;
    state().minor = minor;
}

cudaError_t submit(cudaStream_t stream, const char* call, std::function<void()> work) {
    ENTER(call);
    FakeStream* on = stream ? stream : &g_defaultStream;
    ++state().launches;
    if (on->capture) {
        on->capture->nodes.push_back(std::move(work));
    } else {
        work();
    }
    return cudaSuccess;
}

} // namespace cuda_emulator

const char* cudaGetErrorName(cudaError_t error) {
    switch (error) {
    case cudaSuccess:
        return "cudaSuccess";
    case cudaErrorMemoryAllocation:
        return "cudaErrorMemoryAllocation";
    case cudaErrorInsufficientDriver:
        return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice:
        return "cudaErrorNoDevice";
    case cudaErrorIllegalAddress:
        return "cudaErrorIllegalAddress";
    default:
        return "cudaError";
    }
}
const char* cudaGetErrorString(cudaError_t error) {
    return cudaGetErrorName(error);
}
cudaError_t cudaGetLastError() {
    const cudaError_t error = state().last;
    state().last = state().sticky;
    return error;
}
cudaError_t cudaPeekAtLastError() {
    return state().last;
}

cudaError_t cudaGetDeviceCount(int* count) {
    ENTER("cudaGetDeviceCount");
    *count = 1;
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int) {
    ENTER("cudaSetDevice");
    return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
    *device = 0;
    return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) {
    ENTER("cudaGetDeviceProperties");
    *p = {};
    std::snprintf(p->name, sizeof p->name, "Emulated GPU");
    for (int i = 0; i < 16; ++i) {
        p->uuid.bytes[i] = static_cast<char>(i + 1);
    }
    for (int i = 0; i < 4; ++i) { // every process has a GPU of its own: tests run side by side
        p->uuid.bytes[i] = static_cast<char>(static_cast<unsigned>(getpid()) >> (24 - 8 * i));
    }
    p->totalGlobalMem = state().vramTotal;
    p->sharedMemPerBlockOptin = 227 << 10;
    p->sharedMemPerMultiprocessor = 228 << 10;
    p->major = state().major;
    p->minor = state().minor;
    p->multiProcessorCount = 4;
    p->l2CacheSize = 1 << 20;
    return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
    *version = state().driver;
    return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
    *version = 13000;
    return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
    ENTER("cudaMemGetInfo");
    const State& s = state();
    const std::size_t used = s.vramUsed + s.foreign;
    *total = s.vramTotal;
    *free = used < s.vramTotal ? s.vramTotal - used : 0;
    return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
    ENTER("cudaDeviceSynchronize");
    return cudaSuccess;
}

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
    ENTER("cudaMalloc");
    State& s = state();
    const std::lock_guard lock(s.mutex);
    if (s.vramUsed + s.foreign + bytes > s.vramTotal) {
        return s.last = cudaErrorMemoryAllocation;
    }
    *pointer = std::aligned_alloc(512, (bytes + 511) / 512 * 512 + 512);
    std::memset(*pointer, 0xff, bytes); // NaN until written
    s.vram[*pointer] = bytes;
    s.vramUsed += bytes;
    return cudaSuccess;
}
cudaError_t cudaFree(void* pointer) {
    State& s = state();
    const std::lock_guard lock(s.mutex);
    if (const auto it = s.vram.find(pointer); it != s.vram.end()) {
        s.vramUsed -= it->second;
        s.vram.erase(it);
        std::free(pointer);
    }
    return s.sticky;
}
cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned) {
    ENTER("cudaHostAlloc");
    State& s = state();
    const std::lock_guard lock(s.mutex);
    if (s.pinnedUsed + bytes > s.pinnedTotal) {
        return s.last = cudaErrorMemoryAllocation;
    }
    *pointer = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    s.pinned[*pointer] = bytes;
    s.pinnedUsed += bytes;
    return cudaSuccess;
}
cudaError_t cudaFreeHost(void* pointer) {
    State& s = state();
    const std::lock_guard lock(s.mutex);
    if (const auto it = s.pinned.find(pointer); it != s.pinned.end()) {
        s.pinnedUsed -= it->second;
        s.pinned.erase(it);
        std::free(pointer);
    }
    return s.sticky;
}
cudaError_t cudaHostRegister(void* pointer, std::size_t bytes, unsigned) {
    ENTER("cudaHostRegister");
    State& s = state();
    const std::lock_guard lock(s.mutex);
    if (s.pinnedUsed + bytes > s.pinnedTotal) {
        return s.last = cudaErrorMemoryAllocation;
    }
    s.pinned[pointer] = bytes;
    s.pinnedUsed += bytes;
    return cudaSuccess;
}
cudaError_t cudaHostUnregister(void* pointer) {
    State& s = state();
    const std::lock_guard lock(s.mutex);
    if (const auto it = s.pinned.find(pointer); it != s.pinned.end()) {
        s.pinnedUsed -= it->second;
        s.pinned.erase(it);
    }
    return s.sticky;
}
cudaError_t cudaHostGetDevicePointer(void** device, void* host, unsigned) {
    *device = host;
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
    ENTER("cudaStreamCreate");
    *stream = new FakeStream;
    return cudaSuccess;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
    return cudaStreamCreateWithFlags(stream, flags);
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
    *least = 0;
    *greatest = -5;
    return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    delete stream;
    return state().sticky;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) {
    ENTER("cudaStreamSynchronize");
    return cudaSuccess;
}
cudaError_t cudaStreamQuery(cudaStream_t) {
    return state().sticky;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    if (event->capture && !stream->capture) {
        stream->capture = event->capture;
        stream->capture->streams.insert(stream);
    }
    return state().sticky;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
    *event = new FakeEvent;
    return state().sticky;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) {
    return cudaEventCreateWithFlags(event, 0);
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete event;
    return state().sticky;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    event->capture = stream ? stream->capture : nullptr;
    event->time = std::chrono::steady_clock::now();
    return state().sticky;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) {
    ENTER("cudaEventSynchronize");
    return cudaSuccess;
}
cudaError_t cudaEventQuery(cudaEvent_t) {
    return state().sticky;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
    *milliseconds = std::chrono::duration<float, std::milli>(end->time - begin->time).count();
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind,
                            cudaStream_t stream) {
    return cuda_emulator::submit(stream, "cudaMemcpyAsync", [=] { std::memmove(to, from, bytes); });
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind) {
    ENTER("cudaMemcpy");
    std::memmove(to, from, bytes);
    return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
    return cuda_emulator::submit(stream, "cudaMemsetAsync", [=] { std::memset(to, value, bytes); });
}
cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
    std::memset(to, value, bytes);
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
    ENTER("cudaStreamBeginCapture");
    stream->capture = new FakeGraph;
    stream->capture->streams.insert(stream);
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
    FakeGraph* captured = stream->capture;
    for (FakeStream* one : captured->streams) {
        one->capture = nullptr;
    }
    captured->streams.clear();
    *graph = captured;
    return state().sticky;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
    ENTER("cudaGraphInstantiate");
    *exec = new FakeGraph(*graph);
    return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t) {
    ENTER("cudaGraphLaunch");
    ++state().graphLaunches;
    for (const auto& node : exec->nodes) {
        node();
    }
    return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete graph;
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
    delete exec;
    return cudaSuccess;
}

namespace {

// Virtual memory: address space by mmap; a mapping only counts.
CUresult memAddressReserve(CUdeviceptr* at, std::size_t bytes, std::size_t, CUdeviceptr,
                           unsigned long long) {
    void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    *at = reinterpret_cast<CUdeviceptr>(p);
    return p == MAP_FAILED ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS;
}
CUresult memAddressFree(CUdeviceptr at, std::size_t bytes) {
    munmap(reinterpret_cast<void*>(at), bytes);
    return CUDA_SUCCESS;
}
CUresult memCreate(CUmemGenericAllocationHandle* handle, std::size_t bytes,
                   const CUmemAllocationProp*, unsigned long long) {
    if (const cudaError_t injected = enter("cuMemCreate"); injected != cudaSuccess) {
        return injected;
    }
    State& s = state();
    const std::lock_guard lock(s.mutex);
    if (s.vramUsed + s.foreign + bytes > s.vramTotal) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    *handle = s.nextHandle++;
    s.handles[*handle] = bytes;
    s.vramUsed += bytes;
    return CUDA_SUCCESS;
}
CUresult memMap(CUdeviceptr, std::size_t, std::size_t, CUmemGenericAllocationHandle,
                unsigned long long) {
    return CUDA_SUCCESS;
}
CUresult memUnmap(CUdeviceptr, std::size_t) {
    return CUDA_SUCCESS;
}
CUresult memRelease(CUmemGenericAllocationHandle handle) {
    State& s = state();
    const std::lock_guard lock(s.mutex);
    s.vramUsed -= s.handles[handle];
    s.handles.erase(handle);
    return CUDA_SUCCESS;
}
CUresult memSetAccess(CUdeviceptr, std::size_t, const CUmemAccessDesc*, std::size_t) {
    return CUDA_SUCCESS;
}
CUresult memGranularity(std::size_t* bytes, const CUmemAllocationProp*,
                        CUmemAllocationGranularity_flags) {
    *bytes = 64 << 10;
    return CUDA_SUCCESS;
}

} // namespace

cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** function, unsigned,
                                             unsigned long long,
                                             cudaDriverEntryPointQueryResult* result) {
    ENTER("cudaGetDriverEntryPointByVersion");
    static const std::map<std::string, void*> kFunctions{
        {"cuMemAddressReserve", reinterpret_cast<void*>(&memAddressReserve)},
        {"cuMemAddressFree", reinterpret_cast<void*>(&memAddressFree)},
        {"cuMemCreate", reinterpret_cast<void*>(&memCreate)},
        {"cuMemMap", reinterpret_cast<void*>(&memMap)},
        {"cuMemUnmap", reinterpret_cast<void*>(&memUnmap)},
        {"cuMemRelease", reinterpret_cast<void*>(&memRelease)},
        {"cuMemSetAccess", reinterpret_cast<void*>(&memSetAccess)},
        {"cuMemGetAllocationGranularity", reinterpret_cast<void*>(&memGranularity)},
    };
    const auto found = kFunctions.find(symbol);
    *function = found == kFunctions.end() ? nullptr : found->second;
    *result = cudaDriverEntryPointSuccess;
    return found == kFunctions.end() ? cudaErrorNotSupported : cudaSuccess;
}
