// SPDX-License-Identifier: Apache-2.0
// The PTX instructions that the kernels use, one function each. Tests on machines without a GPU
// compile the kernels as C++ with emulations in place of this file (tests/engine/cuda_emulator).
#pragma once

#ifndef DOSSIER_CUDA_EMULATED

#include <cstdint>

#include <cuda_runtime.h>

namespace dossier::engine::cuda {

/// Dynamic shared memory of the block, 128-byte aligned.
template<class T>
__device__ __forceinline__ T* dynamicShared() {
    extern __shared__ __align__(128) unsigned char dossierDynamicShared[];
    return reinterpret_cast<T*>(dossierDynamicShared);
}

/// An address in shared memory as the instructions take it.
using SharedAddress = std::uint32_t;
__device__ __forceinline__ SharedAddress sharedAddress(const void* p) {
    return static_cast<SharedAddress>(__cvta_generic_to_shared(p));
}
/// The same value, kept in a register: the compiler does not compute it again where it is used.
__device__ __forceinline__ std::uint32_t held(std::uint32_t v) {
    asm volatile("" : "+r"(v));
    return v;
}
/// 4, 8 or 16 bytes.
__device__ __forceinline__ void loadShared(float& v, SharedAddress at) {
    asm volatile("ld.shared.f32 %0, [%1];" : "=f"(v) : "r"(at) : "memory");
}
__device__ __forceinline__ void loadShared(std::uint32_t& v, SharedAddress at) {
    asm volatile("ld.shared.u32 %0, [%1];" : "=r"(v) : "r"(at) : "memory");
}
__device__ __forceinline__ void loadShared(uint2& v, SharedAddress at) {
    asm volatile("ld.shared.v2.u32 {%0,%1}, [%2];" : "=r"(v.x), "=r"(v.y) : "r"(at) : "memory");
}
__device__ __forceinline__ void loadShared(uint4& v, SharedAddress at) {
    asm volatile("ld.shared.v4.u32 {%0,%1,%2,%3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "r"(at)
                 : "memory");
}

// -- formats

/// Two floats to bf16, `low` in the lower half; round to nearest even.
__device__ __forceinline__ std::uint32_t packBf16(float low, float high) {
    std::uint32_t r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
}
/// The same with negative values set to zero first.
__device__ __forceinline__ std::uint32_t packBf16Relu(float low, float high) {
    std::uint32_t r;
    asm("cvt.rn.relu.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
}
/// Products of bf16 pairs, each rounded once.
__device__ __forceinline__ std::uint32_t multiplyBf16(std::uint32_t a, std::uint32_t b) {
    std::uint32_t r;
    // a*b + (-0): the fused form rounds once and keeps the sign of zero.
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(r) : "r"(a), "r"(b), "r"(0x80008000u));
    return r;
}
__device__ __forceinline__ std::uint32_t multiplyF16(std::uint32_t a, std::uint32_t b) {
    std::uint32_t r;
    asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(r) : "r"(a), "r"(b));
    return r;
}
__device__ __forceinline__ std::uint32_t packF16(float low, float high) {
    std::uint32_t r;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
}

/// About 1 / v, off by a few units in the last place.
__device__ __forceinline__ float roughInverse(float v) {
    float r;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(v));
    return r;
}

/// The two e4m3 codes in the low 16 bits to f16, exactly.
__device__ __forceinline__ std::uint32_t halvesFromE4m3(std::uint32_t two) {
#if __CUDA_ARCH__ >= 890
    std::uint32_t r;
    asm("{ .reg .b16 t; cvt.u16.u32 t, %1; cvt.rn.f16x2.e4m3x2 %0, t; }" : "=r"(r) : "r"(two));
    return r;
#else
    // Sign, then exponent and mantissa into place: the value times 2^-8, which f16 holds exactly.
    const std::uint32_t spread = __byte_perm(two, 0, 0x1404);
    return multiplyF16((spread & 0x80008000u) | ((spread & 0x7F007F00u) >> 1), 0x5C005C00u);
#endif
}

// -- tensor cores: D[16,8] += A[16,16] B[16,8], FP32 sums

__device__ __forceinline__ void mmaF16(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                                       std::uint32_t b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
/// D = A B.
__device__ __forceinline__ void mmaF16First(float (&d)[4], const std::uint32_t (&a)[4],
                                            std::uint32_t b0, std::uint32_t b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%10,%10,%10};"
        : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "f"(0.0f));
}
__device__ __forceinline__ void mmaBf16(float (&d)[4], const std::uint32_t (&a)[4],
                                        std::uint32_t b0, std::uint32_t b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
/// Four 8x8 matrices of 16-bit values; lane 8*i + r gives the address of row r of matrix i.
__device__ __forceinline__ void ldmatrix4(std::uint32_t (&r)[4], SharedAddress row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(row)
                 : "memory");
}
__device__ __forceinline__ void ldmatrix4(std::uint32_t (&r)[4], const void* row) {
    ldmatrix4(r, sharedAddress(row));
}
__device__ __forceinline__ void ldmatrix4Transposed(std::uint32_t (&r)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(sharedAddress(row))
                 : "memory");
}

// -- asynchronous copies of 16 bytes into shared memory

__device__ __forceinline__ void copyAsync(SharedAddress shared, const void* global) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;"
                 :
                 : "r"(shared), "l"(global)
                 : "memory");
}
__device__ __forceinline__ void copyAsync(void* shared, const void* global) {
    copyAsync(sharedAddress(shared), global);
}
/// Zeros instead when not `valid`; `global` must be a readable address all the same.
__device__ __forceinline__ void copyAsync(void* shared, const void* global, bool valid) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :
                 : "r"(sharedAddress(shared)), "l"(global), "r"(valid ? 16 : 0)
                 : "memory");
}
/// 4 bytes.
__device__ __forceinline__ void copyAsync4(SharedAddress shared, const void* global) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;"
                 :
                 : "r"(shared), "l"(global)
                 : "memory");
}
__device__ __forceinline__ void copyCommit() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}
/// Until at most `N` committed groups of this thread are still on their way.
template<int N>
__device__ __forceinline__ void copyWait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

/// 16 bytes that are read once: not kept in L1.
__device__ __forceinline__ uint4 loadOnce(const void* p) {
    uint4 v;
    asm volatile("ld.global.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(p));
    return v;
}

// -- order between kernels and with the host

/// Waits until the kernel before this one in the stream has ended. Everything that another kernel
/// wrote may only be read behind it; weights may be read before.
__device__ __forceinline__ void waitForPrevious() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
/// Lets the next kernel of the stream start its prologue.
__device__ __forceinline__ void letNextStart() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;");
#endif
}
/// A word in host memory that the CPU and the GPU both look at.
__device__ __forceinline__ std::uint32_t loadFromHost(const std::uint32_t* p) {
    std::uint32_t v;
    asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(v) : "l"(p) : "memory");
    return v;
}
__device__ __forceinline__ void storeToHost(std::uint32_t* p, std::uint32_t v) {
    asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(p), "r"(v) : "memory");
}

} // namespace dossier::engine::cuda

#endif
