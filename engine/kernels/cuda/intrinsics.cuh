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

// -- wgmma: tensor cores of compute capability 9.0 for four warps at a time

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define DOSSIER_HAVE_WGMMA 1

/// A tile as the instruction takes it: rows of 128 bytes, segments of 16 swapped by row, eight rows
/// after eight rows.
__device__ __forceinline__ std::uint64_t tileDescriptor(SharedAddress at) {
    constexpr std::uint64_t kSwapped128 = std::uint64_t{1} << 62, kEightRows = 1024 / 16;
    return kSwapped128 | kEightRows << 32 | std::uint64_t{1} << 16 | (at & 0x3FFFFu) / 16;
}
/// D[64,128] (+)= A[64,32] B[128,32]^T in e4m3, sums in FP32 registers: d[4j + 2h + i] of lane l is
/// row 16 * warp + l/4 + 8h, column 8j + l%4 * 2 + i. Ends with wgmmaWait.
__device__ __forceinline__ void wgmmaE4m3(float (&d)[64], SharedAddress a, SharedAddress b,
                                          bool add) {
    asm volatile("{ .reg .pred p; setp.ne.b32 p, %66, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n128k32.f32.e4m3.e4m3 {"
                 "%0,%1,%2,%3,%4,%5,%6,%7,"
                 "%8,%9,%10,%11,%12,%13,%14,%15,"
                 "%16,%17,%18,%19,%20,%21,%22,%23,"
                 "%24,%25,%26,%27,%28,%29,%30,%31,"
                 "%32,%33,%34,%35,%36,%37,%38,%39,"
                 "%40,%41,%42,%43,%44,%45,%46,%47,"
                 "%48,%49,%50,%51,%52,%53,%54,%55,"
                 "%56,%57,%58,%59,%60,%61,%62,%63"
                 "}, %64, %65, p, 1, 1; }"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]),
                   "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]),
                   "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]), "+f"(d[17]),
                   "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]),
                   "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]),
                   "+f"(d[30]), "+f"(d[31]), "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]),
                   "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]), "+f"(d[41]),
                   "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]),
                   "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]),
                   "+f"(d[54]), "+f"(d[55]), "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]),
                   "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
                 : "l"(tileDescriptor(a)), "l"(tileDescriptor(b)), "r"(static_cast<int>(add))
                 : "memory");
}
__device__ __forceinline__ void wgmmaFence() {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void wgmmaCommit() {
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
/// Until at most `N` committed groups are still running; `d` is what the others have written.
template<int N>
__device__ __forceinline__ void wgmmaWait(float (&d)[64]) {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(N) : "memory");
#pragma unroll
    for (float& v : d) {
        asm volatile("" : "+f"(v)::"memory");
    }
}
/// What this thread has written to shared memory becomes visible to wgmma (behind a barrier).
__device__ __forceinline__ void showToTensorCores() {
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
#endif

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
__device__ __forceinline__ void copyAsync(SharedAddress shared, const void* global, bool valid) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :
                 : "r"(shared), "l"(global), "r"(valid ? 16 : 0)
                 : "memory");
}
__device__ __forceinline__ void copyAsync(void* shared, const void* global, bool valid) {
    copyAsync(sharedAddress(shared), global, valid);
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
