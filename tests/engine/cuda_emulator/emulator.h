// SPDX-License-Identifier: Apache-2.0
// Runs CUDA C++ kernels on the CPU, one block after another, one fiber a thread, so that their
// logic is tested on machines without a GPU: barriers, warp exchange, tensor-core fragments,
// graphs, out-of-memory. Kernel sources are compiled as C++ with this in place of the CUDA headers.
//
// Not emulated: timing, memory consistency between blocks that run at the same time (they never
// do), and blocks that wait for each other. Warp operations need all 32 lanes.
#pragma once

#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__
#define __shared__ static thread_local
#define __constant__ static
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) alignas(n)

struct dim3 {
    unsigned x = 1, y = 1, z = 1;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
inline uint2 make_uint2(unsigned x, unsigned y) {
    return {x, y};
}
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) {
    return {x, y, z, w};
}
inline int4 make_int4(int x, int y, int z, int w) {
    return {x, y, z, w};
}
inline float2 make_float2(float x, float y) {
    return {x, y};
}
inline float4 make_float4(float x, float y, float z, float w) {
    return {x, y, z, w};
}

namespace cuda_emulator {

/// One warp's meeting point. Values are kept for two generations, so that a fast lane cannot
/// overwrite what a slow one still has to read.
struct Warp {
    std::uint64_t generation = 0;
    unsigned arrived = 0;
    alignas(64) unsigned char values[2][32][64];
};

/// Asynchronous copies of a thread; done when it waits for them, not before.
struct AsyncCopy {
    void* to;
    const void* from; ///< null: zeros
    std::size_t bytes;
};

struct Thread {
    dim3 index, block, blockSize, gridSize;
    unsigned lane = 0;
    Warp* warp = nullptr;
    std::vector<AsyncCopy> open;               ///< not committed yet
    std::deque<std::vector<AsyncCopy>> groups; ///< committed
};

extern Thread* g_thread;               ///< the one that runs
extern unsigned char* g_dynamicShared; ///< of the running block

void blockBarrier();
/// Counts 1 for every thread whose predicate holds.
int blockBarrierCount(bool predicate);
/// Waits until all lanes of the warp are here; returns the generation that was completed.
std::uint64_t warpBarrier();

/// Gives every lane the values of all lanes.
template<class T>
struct Exchanged {
    const Warp& warp;
    unsigned parity;
    T operator[](unsigned lane) const {
        T value;
        std::memcpy(&value, warp.values[parity][lane & 31], sizeof(T));
        return value;
    }
    /// The value in place, until the warp's next exchange but one.
    const T& at(unsigned lane) const {
        return *reinterpret_cast<const T*>(warp.values[parity][lane & 31]);
    }
};
template<class T>
Exchanged<T> exchange(const T& value) {
    static_assert(sizeof(T) <= 64 && std::is_trivially_copyable_v<T>);
    Warp& warp = *g_thread->warp;
    const unsigned parity = static_cast<unsigned>(warp.generation & 1);
    std::memcpy(warp.values[parity][g_thread->lane], &value, sizeof(T));
    warpBarrier();
    return {warp, parity};
}

/// Runs one kernel to its end.
void runGrid(dim3 grid, dim3 block, std::size_t dynamicShared, const std::function<void()>& body);

} // namespace cuda_emulator

namespace cuda_emulator {
/// One of the built-in variables, of the thread that runs.
template<dim3 Thread::*member>
struct BuiltIn {
    template<unsigned dim3::*axis>
    struct Axis {
        operator unsigned() const { return (*g_thread).*member.*axis; }
    };
    Axis<&dim3::x> x;
    Axis<&dim3::y> y;
    Axis<&dim3::z> z;
};
} // namespace cuda_emulator
inline const cuda_emulator::BuiltIn<&cuda_emulator::Thread::index> threadIdx;
inline const cuda_emulator::BuiltIn<&cuda_emulator::Thread::block> blockIdx;
inline const cuda_emulator::BuiltIn<&cuda_emulator::Thread::blockSize> blockDim;
inline const cuda_emulator::BuiltIn<&cuda_emulator::Thread::gridSize> gridDim;

inline void __syncthreads() {
    ::cuda_emulator::blockBarrier();
}
inline int __syncthreads_count(int predicate) {
    return ::cuda_emulator::blockBarrierCount(predicate != 0);
}
inline int __syncthreads_or(int predicate) {
    return ::cuda_emulator::blockBarrierCount(predicate != 0) > 0;
}
inline void __syncwarp(unsigned = 0xffffffffu) {
    ::cuda_emulator::warpBarrier();
}
inline void __threadfence() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
}
inline void __threadfence_system() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
}
inline void __threadfence_block() {}
inline void __nanosleep(unsigned) {}
inline long long clock64() {
    return __builtin_ia32_rdtsc();
}

template<class T>
T __shfl_sync(unsigned, T value, int source, int = 32) {
    return ::cuda_emulator::exchange(value)[static_cast<unsigned>(source)];
}
template<class T>
T __shfl_xor_sync(unsigned, T value, int mask, int = 32) {
    const unsigned lane = ::cuda_emulator::g_thread->lane;
    return ::cuda_emulator::exchange(value)[lane ^ static_cast<unsigned>(mask)];
}
template<class T>
T __shfl_up_sync(unsigned, T value, unsigned delta, int = 32) {
    const unsigned lane = ::cuda_emulator::g_thread->lane;
    return ::cuda_emulator::exchange(value)[lane >= delta ? lane - delta : lane];
}
template<class T>
T __shfl_down_sync(unsigned, T value, unsigned delta, int = 32) {
    const unsigned lane = ::cuda_emulator::g_thread->lane;
    return ::cuda_emulator::exchange(value)[lane + delta < 32 ? lane + delta : lane];
}
inline unsigned __ballot_sync(unsigned, int predicate) {
    const auto all = ::cuda_emulator::exchange<int>(predicate != 0);
    unsigned bits = 0;
    for (unsigned i = 0; i < 32; ++i) {
        bits |= static_cast<unsigned>(all[i]) << i;
    }
    return bits;
}
inline int __any_sync(unsigned mask, int predicate) {
    return __ballot_sync(mask, predicate) != 0;
}
inline int __all_sync(unsigned mask, int predicate) {
    return __ballot_sync(mask, predicate) == 0xffffffffu;
}

template<class T>
T atomicAdd(T* at, T value) {
    if constexpr (std::is_floating_point_v<T>) {
        return std::atomic_ref<T>(*at).fetch_add(value);
    } else {
        return __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);
    }
}
template<class T>
T atomicOr(T* at, T value) {
    return __atomic_fetch_or(at, value, __ATOMIC_SEQ_CST);
}
template<class T>
T atomicMax(T* at, T value) {
    T old = __atomic_load_n(at, __ATOMIC_SEQ_CST);
    while (old < value && !__atomic_compare_exchange_n(at, &old, value, false, __ATOMIC_SEQ_CST,
                                                       __ATOMIC_SEQ_CST)) {
    }
    return old;
}
template<class T>
T atomicExch(T* at, T value) {
    return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);
}
template<class T>
T atomicCAS(T* at, T expected, T value) {
    __atomic_compare_exchange_n(at, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}

inline int __popc(unsigned v) {
    return std::popcount(v);
}
inline int __clz(int v) {
    return std::countl_zero(static_cast<unsigned>(v));
}
inline int __ffs(int v) {
    return v == 0 ? 0 : std::countr_zero(static_cast<unsigned>(v)) + 1;
}
inline unsigned __float_as_uint(float v) {
    return std::bit_cast<unsigned>(v);
}
inline float __uint_as_float(unsigned v) {
    return std::bit_cast<float>(v);
}
inline int __float_as_int(float v) {
    return std::bit_cast<int>(v);
}
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
    const std::uint64_t both = x | static_cast<std::uint64_t>(y) << 32;
    unsigned result = 0;
    for (int i = 0; i < 4; ++i) {
        const unsigned s = selector >> (4 * i) & 0xf;
        unsigned byte = static_cast<unsigned>(both >> (8 * (s & 7))) & 0xff;
        if ((s & 8) != 0) {
            byte = (byte & 0x80) != 0 ? 0xff : 0;
        }
        result |= byte << (8 * i);
    }
    return result;
}
inline unsigned __funnelshift_r(unsigned lo, unsigned hi, unsigned shift) {
    return static_cast<unsigned>((lo | static_cast<std::uint64_t>(hi) << 32) >> (shift & 31));
}
inline float __fdividef(float a, float b) {
    return a / b;
}
inline float __expf(float v) {
    return std::exp(v);
}
inline float rsqrtf(float v) {
    return 1 / std::sqrt(v);
}
inline float __frsqrt_rn(float v) {
    return static_cast<float>(1 / std::sqrt(static_cast<double>(v)));
}
inline float __fmul_rn(float a, float b) {
    return a * b;
}
inline float __fadd_rn(float a, float b) {
    return a + b;
}
inline float __fsqrt_rn(float v) {
    return std::sqrt(v);
}
inline float __fdiv_rn(float a, float b) {
    return a / b;
}
inline double __dmul_rn(double a, double b) {
    return a * b;
}
template<class T>
T __ldg(const T* at) {
    return *at;
}
template<class T>
T __ldcg(const T* at) {
    return *at;
}
template<class T>
void __stcg(T* at, T value) {
    *at = value;
}
template<class T>
T min(T a, T b) {
    return b < a ? b : a;
}
template<class T>
T max(T a, T b) {
    return a < b ? b : a;
}
