// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/cuda/cuda_memory.h"

#include <algorithm>
#include <string>
#include <vector>

#include <cuda.h>
#include <cuda_runtime.h>

#include "engine/kernels/cuda/cuda_error.h"

namespace dossier::engine::cuda {
namespace {

std::string refused(std::uint64_t bytes, const char* what, const char* owner) {
    return "reserve " + formatBytes(bytes) + " of " + what + " for " + owner;
}

/// The driver's virtual memory calls; the program must start without a driver, so they are looked
/// up.
struct VirtualMemory {
    CUresult (*addressReserve)(CUdeviceptr*, std::size_t, std::size_t, CUdeviceptr,
                               unsigned long long) = nullptr;
    CUresult (*addressFree)(CUdeviceptr, std::size_t) = nullptr;
    CUresult (*create)(CUmemGenericAllocationHandle*, std::size_t, const CUmemAllocationProp*,
                       unsigned long long) = nullptr;
    CUresult (*map)(CUdeviceptr, std::size_t, std::size_t, CUmemGenericAllocationHandle,
                    unsigned long long) = nullptr;
    CUresult (*unmap)(CUdeviceptr, std::size_t) = nullptr;
    CUresult (*release)(CUmemGenericAllocationHandle) = nullptr;
    CUresult (*setAccess)(CUdeviceptr, std::size_t, const CUmemAccessDesc*, std::size_t) = nullptr;
    CUresult (*granularity)(std::size_t*, const CUmemAllocationProp*,
                            CUmemAllocationGranularity_flags) = nullptr;

    VirtualMemory() {
        find("cuMemAddressReserve", addressReserve);
        find("cuMemAddressFree", addressFree);
        find("cuMemCreate", create);
        find("cuMemMap", map);
        find("cuMemUnmap", unmap);
        find("cuMemRelease", release);
        find("cuMemSetAccess", setAccess);
        find("cuMemGetAllocationGranularity", granularity);
    }
    template<class Function>
    static void find(const char* name, Function& function) {
        void* address = nullptr;
        cudaDriverEntryPointQueryResult result{};
        constexpr unsigned kSince = 10020; // CUDA 10.2 brought virtual memory
        check(cudaGetDriverEntryPointByVersion(name, &address, kSince, cudaEnableDefault, &result),
              name);
        if (result != cudaDriverEntryPointSuccess || address == nullptr) {
            throw cudaFailure(cudaErrorNotSupported, std::string("find ") + name);
        }
        function = reinterpret_cast<Function>(address);
    }
    static const VirtualMemory& get() {
        static const VirtualMemory functions;
        return functions;
    }
};

CUmemAllocationProp properties(int device) {
    CUmemAllocationProp p{};
    p.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    p.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    p.location.id = device;
    return p;
}

void checkDriver(CUresult result, const std::string& what) {
    if (result == CUDA_SUCCESS) {
        return;
    }
    if (result == CUDA_ERROR_OUT_OF_MEMORY) {
        throw cudaFailure(cudaErrorMemoryAllocation, what);
    }
    // The driver numbers its errors as the runtime does.
    throw cudaFailure(static_cast<cudaError_t>(result), what);
}

class FixedMemory final : public DeviceMemory {
  public:
    FixedMemory(MemoryLedger& ledger, std::uint64_t bytes, const char* owner)
        : m_buffer(ledger, owner, bytes) {}
    std::byte* data() const override { return m_buffer.data(); }
    std::uint64_t bytes() const override { return m_buffer.bytes(); }
    void grow(std::uint64_t bytes) override {
        if (bytes > m_buffer.bytes()) {
            throw Error(ErrorCode::Internal, "A fixed buffer was asked to grow");
        }
    }

  private:
    VramBuffer m_buffer;
};

class GrowingMemory final : public DeviceMemory {
  public:
    GrowingMemory(MemoryLedger& ledger, std::uint64_t maxBytes, const char* owner, int device)
        : m_owner(owner), m_device(device), m_entry(ledger.take(owner, MemoryPlace::Vram, 0)) {
        const VirtualMemory& vm = VirtualMemory::get();
        const CUmemAllocationProp p = properties(device);
        std::size_t granule = 0;
        checkDriver(vm.granularity(&granule, &p, CU_MEM_ALLOC_GRANULARITY_MINIMUM),
                    "ask for the granularity of GPU memory");
        m_granule = granule;
        m_reserved = std::max<std::uint64_t>((maxBytes + granule - 1) / granule * granule, granule);
        checkDriver(vm.addressReserve(&m_address, m_reserved, 0, 0, 0),
                    "reserve GPU address space for " + m_owner);
    }
    ~GrowingMemory() override {
        const VirtualMemory& vm = VirtualMemory::get();
        if (m_mapped > 0) {
            vm.unmap(m_address, m_mapped);
        }
        for (const CUmemGenericAllocationHandle handle : m_handles) {
            vm.release(handle);
        }
        vm.addressFree(m_address, m_reserved);
    }
    GrowingMemory(const GrowingMemory&) = delete;
    GrowingMemory& operator=(const GrowingMemory&) = delete;

    std::byte* data() const override {
        return reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(m_address));
    }
    std::uint64_t bytes() const override { return m_used; }
    void grow(std::uint64_t bytes) override {
        if (bytes > m_reserved) {
            throw Error(ErrorCode::TooLarge,
                        "The context is full: it was opened for " + formatBytes(m_reserved) +
                            " of " + m_owner,
                        "Load the model with a larger context");
        }
        if (bytes > m_mapped) {
            map((bytes + m_granule - 1) / m_granule * m_granule - m_mapped);
        }
        m_used = std::max(m_used, bytes);
    }

  private:
    void map(std::uint64_t more) {
        const VirtualMemory& vm = VirtualMemory::get();
        const std::string what = refused(more, "GPU memory", m_owner.c_str());
        m_entry.resize(m_mapped + more);
        CUmemGenericAllocationHandle handle{};
        const CUmemAllocationProp p = properties(m_device);
        try {
            checkDriver(vm.create(&handle, more, &p, 0), what);
        } catch (...) {
            m_entry.resize(m_mapped);
            throw;
        }
        m_handles.push_back(handle);
        checkDriver(vm.map(m_address + m_mapped, more, 0, handle, 0), what);
        m_mapped += more;
        CUmemAccessDesc access{};
        access.location = p.location;
        access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
        checkDriver(vm.setAccess(m_address, m_mapped, &access, 1), what);
    }

    std::string m_owner;
    int m_device;
    LedgerEntry m_entry;
    CUdeviceptr m_address = 0;
    std::uint64_t m_granule = 0, m_reserved = 0, m_mapped = 0, m_used = 0;
    std::vector<CUmemGenericAllocationHandle> m_handles;
};

} // namespace

VramBuffer::VramBuffer(MemoryLedger& ledger, const char* owner, std::uint64_t bytes)
    : m_entry(ledger.take(owner, MemoryPlace::Vram, bytes)) {
    void* data = nullptr;
    const cudaError_t status = cudaMalloc(&data, std::max<std::uint64_t>(bytes, 1));
    if (status != cudaSuccess) {
        throw cudaFailure(status, refused(bytes, "GPU memory", owner));
    }
    m_data = static_cast<std::byte*>(data);
}
VramBuffer::VramBuffer(VramBuffer&& other) noexcept
    : m_entry(std::move(other.m_entry)), m_data(std::exchange(other.m_data, nullptr)) {}
VramBuffer& VramBuffer::operator=(VramBuffer&& other) noexcept {
    std::swap(m_entry, other.m_entry);
    std::swap(m_data, other.m_data);
    return *this;
}
VramBuffer::~VramBuffer() {
    if (m_data) {
        cudaFree(m_data);
    }
}

PinnedBuffer::PinnedBuffer(MemoryLedger& ledger, const char* owner, std::uint64_t bytes)
    : m_entry(ledger.take(owner, MemoryPlace::Pinned, bytes)) {
    void* data = nullptr;
    const cudaError_t status = cudaHostAlloc(&data, std::max<std::uint64_t>(bytes, 1),
                                             cudaHostAllocPortable | cudaHostAllocMapped);
    if (status != cudaSuccess) {
        throw cudaFailure(status, refused(bytes, "pinned memory", owner));
    }
    m_data = static_cast<std::byte*>(data);
}
PinnedBuffer::PinnedBuffer(PinnedBuffer&& other) noexcept
    : m_entry(std::move(other.m_entry)), m_data(std::exchange(other.m_data, nullptr)) {}
PinnedBuffer& PinnedBuffer::operator=(PinnedBuffer&& other) noexcept {
    std::swap(m_entry, other.m_entry);
    std::swap(m_data, other.m_data);
    return *this;
}
PinnedBuffer::~PinnedBuffer() {
    if (m_data) {
        cudaFreeHost(m_data);
    }
}

namespace {

class PinnedMemory final : public DeviceMemory {
  public:
    PinnedMemory(MemoryLedger& ledger, std::uint64_t bytes, const char* owner)
        : m_buffer(ledger, owner, bytes) {}

    std::byte* data() const override { return m_buffer.data(); }
    std::uint64_t bytes() const override { return m_buffer.bytes(); }
    void grow(std::uint64_t bytes) override {
        if (bytes > m_buffer.bytes()) {
            throw Error(ErrorCode::Internal, "Staging memory has a fixed size");
        }
    }

  private:
    PinnedBuffer m_buffer;
};

} // namespace

std::unique_ptr<DeviceMemory> allocatePinned(MemoryLedger& ledger, std::uint64_t bytes,
                                             const char* owner) {
    return std::make_unique<PinnedMemory>(ledger, bytes, owner);
}

std::unique_ptr<DeviceMemory> allocateVram(MemoryLedger& ledger, std::uint64_t bytes,
                                           const char* owner) {
    return std::make_unique<FixedMemory>(ledger, bytes, owner);
}

std::unique_ptr<DeviceMemory> reserveVram(MemoryLedger& ledger, std::uint64_t maxBytes,
                                          const char* owner, int device) {
    return std::make_unique<GrowingMemory>(ledger, maxBytes, owner, device);
}

} // namespace dossier::engine::cuda
