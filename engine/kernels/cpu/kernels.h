// SPDX-License-Identifier: Apache-2.0
// The CPU kernels that exist in several versions, as a table chosen once at run time. Every version
// computes the same function as the plain one up to the order of FP32 sums; inside a version each
// result depends only on its own row, so splitting work never changes bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/kernels/cpu/plain.h"
#include "engine/kernels/types.h"

namespace dossier::engine {

/// The form of a linear layer's weights; fixes the form in which kernels want its activations.
enum class WeightForm { Fp8, Fp4, Bfloat16 };

/// Activations prepared for a linear layer (CpuKernels::prepare..): row i is the index[i]-th
/// prepared one, or the i-th without an index.
struct Operand {
    const std::byte* rows = nullptr;
    std::size_t stride = 0; ///< bytes from one prepared row to the next
    const std::uint32_t* index = nullptr;
    const std::byte* row(std::size_t i) const { return rows + (index ? index[i] : i) * stride; }
};

/// A block of a linear layer: rows [0, n) of x, outputs [outBegin, outEnd) of y.
struct LinearRange {
    std::uint32_t n = 0, outBegin = 0, outEnd = 0;
};

/// Keys and values of one query: `count` rows of `dims` bf16, addressed one by one.
struct AttentionRows {
    const Bf16* const* rows = nullptr;
    std::uint32_t count = 0, dims = 0;
};

struct CpuKernels {
    std::string_view name; ///< "plain", "avx2", "avx512"

    /// Bytes of a prepared row of `columns` activations.
    std::size_t (*preparedBytes)(WeightForm, std::uint32_t columns);
    /// One row of FP8 activations with scales per 128, for linearFp8 and linearFp4.
    void (*prepareQuantised)(WeightForm, const std::uint8_t* values, const float* scales,
                             std::uint32_t columns, std::byte* row);
    /// One row of bf16 activations: Fp8 for linearFp8Bf16, Bfloat16 for the last two.
    void (*prepareBf16)(WeightForm, const Bf16* x, std::uint32_t columns, std::byte* row);

    // y[row * yStride + output]
    void (*linearFp8)(const Operand& x, LinearRange, const Fp8Weight&, Bf16* y,
                      std::size_t yStride);
    void (*linearFp4)(const Operand& x, LinearRange, const Fp4Weight&, Bf16* y,
                      std::size_t yStride);
    /// The weight dequantised to bf16, activations not quantised.
    void (*linearFp8Bf16)(const Operand& x, LinearRange, const Fp8Weight&, Bf16* y,
                          std::size_t yStride);
    void (*linearBf16)(const Operand& x, LinearRange, const Bf16Weight&, Bf16* y,
                       std::size_t yStride);
    void (*linear32)(const Operand& x, LinearRange, const Bf16Weight&, float* y,
                     std::size_t yStride);

    /// Rows and rows of fn as in `range`; m [n, fn.out].
    void (*hyperMix)(const Bf16* streams, const F32Weight& fn, LinearRange, double eps, float* m);

    // one row or token each; see plain.h
    void (*quantise)(const Bf16* x, std::uint32_t columns, std::uint8_t* q, float* scales);
    void (*hyperCombine)(const Bf16* streams, const float* pre, std::uint32_t k, std::uint32_t d,
                         Bf16* u);
    void (*hyperOut)(Bf16* streams, const Bf16* y, const float* post, const float* comb,
                     std::uint32_t k, std::uint32_t d);
    void (*rmsNorm)(const Bf16* x, const Bf16* w, std::uint32_t columns, double eps, Bf16* y);
    void (*headNorm)(Bf16* q, std::uint32_t columns, float eps);
    void (*rotate)(Bf16* x, std::uint32_t columns, const float* cosSin, std::uint32_t pairs,
                   bool inverse);
    void (*hadamard)(Bf16* x, std::uint32_t n);
    void (*fp4Simulate)(Bf16* x, std::uint32_t columns);
    void (*unpackRow)(const std::byte* row, const KvRowLayout&, Bf16* x);
    void (*pool)(std::span<const plain::PoolSlot> slots, std::uint32_t width, Bf16* e);
    void (*swiglu)(const Bf16* g, const Bf16* u, std::uint32_t columns, float weight, float limit,
                   Bf16* a);
    void (*sumRows)(const Bf16* const* rows, std::uint32_t count, std::uint32_t columns, Bf16* y);

    /// Scores of `count` packed keys for one query: scores[j] a bf16 value.
    void (*indexScores)(const Bf16* qi, const Bf16* w, const std::byte* keys, std::uint64_t count,
                        std::uint32_t heads, std::uint32_t dims, float* scores);
    /// See plain::selectLargest.
    void (*selectLargest)(const float* scores, std::uint64_t n, std::uint32_t count,
                          std::int32_t* ids);
    /// All heads of one query: q [heads, dims] -> o [heads, dims]; sink [heads].
    void (*attend)(const Bf16* q, std::uint32_t heads, AttentionRows, const float* sink,
                   float scale, Bf16* o);

    /// Runs products from registers for `steps` and says how many multiply-adds that were: the
    /// arithmetic peak of one thread, for benchmarks. Null where that is not of interest.
    std::uint64_t (*peakLoop)(std::uint64_t steps);
};

/// plain::selectLargest in two passes over the scores.
void selectByRank(const float* scores, std::uint64_t n, std::uint32_t count, std::int32_t* ids);

const CpuKernels& plainKernels();
/// Null when this processor lacks AVX2 + FMA + F16C.
const CpuKernels* avx2Kernels();
/// Null when it lacks AVX-512 F, BW, VL, DQ, VBMI or BF16.
const CpuKernels* avx512Kernels();

/// The fastest version for this processor, or the one named ("plain", "avx2", "avx512").
/// Error(InvalidArgument) when the name is unknown or the processor lacks it.
const CpuKernels& selectCpuKernels(std::string_view name);

} // namespace dossier::engine
