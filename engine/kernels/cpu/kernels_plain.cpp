// SPDX-License-Identifier: Apache-2.0
// The table of plain kernels, and the choice of a table at run time.
#include "engine/kernels/cpu/kernels.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "engine/base/error.h"

namespace dossier::engine {
namespace {

// Prepared rows: the codes, then their scales; or the bf16 values.
std::size_t scalesAt(std::uint32_t columns) {
    return (std::size_t{columns} + 3) / 4 * 4;
}

std::size_t preparedBytes(WeightForm, std::uint32_t columns) {
    const std::size_t scales = (std::size_t{columns} + 127) / 128;
    return std::max(scalesAt(columns) + scales * sizeof(float), columns * sizeof(Bf16));
}

void prepareQuantised(WeightForm, const std::uint8_t* values, const float* scales,
                      std::uint32_t columns, std::byte* row) {
    std::memcpy(row, values, columns);
    std::memcpy(row + scalesAt(columns), scales, (std::size_t{columns} + 127) / 128 * 4);
}

void prepareBf16(WeightForm, const Bf16* x, std::uint32_t columns, std::byte* row) {
    std::memcpy(row, x, columns * sizeof(Bf16));
}

const std::uint8_t* codesOf(const Operand& x, std::size_t i) {
    return reinterpret_cast<const std::uint8_t*>(x.row(i));
}
const float* scalesOf(const Operand& x, std::size_t i, std::uint32_t columns) {
    return reinterpret_cast<const float*>(x.row(i) + scalesAt(columns));
}
const Bf16* wordsOf(const Operand& x, std::size_t i) {
    return reinterpret_cast<const Bf16*>(x.row(i));
}

void linearFp8Rows(const Operand& x, LinearRange r, const Fp8Weight& w, Bf16* y,
                   std::size_t yStride) {
    for (std::size_t i = 0; i < r.n; ++i) {
        plain::linearFp8(codesOf(x, i), scalesOf(x, i, w.in), w, r.outBegin, r.outEnd,
                         y + i * yStride);
    }
}

void linearFp4Rows(const Operand& x, LinearRange r, const Fp4Weight& w, Bf16* y,
                   std::size_t yStride) {
    for (std::size_t i = 0; i < r.n; ++i) {
        plain::linearFp4(codesOf(x, i), scalesOf(x, i, w.in), w, r.outBegin, r.outEnd,
                         y + i * yStride);
    }
}

void linearFp8Bf16Rows(const Operand& x, LinearRange r, const Fp8Weight& w, Bf16* y,
                       std::size_t yStride) {
    for (std::size_t i = 0; i < r.n; ++i) {
        plain::linearFp8Bf16(wordsOf(x, i), w, r.outBegin, r.outEnd, y + i * yStride);
    }
}

void linearBf16Rows(const Operand& x, LinearRange r, const Bf16Weight& w, Bf16* y,
                    std::size_t yStride) {
    for (std::size_t i = 0; i < r.n; ++i) {
        plain::linearBf16(wordsOf(x, i), w, r.outBegin, r.outEnd, y + i * yStride);
    }
}

void linear32Rows(const Operand& x, LinearRange r, const Bf16Weight& w, float* y,
                  std::size_t yStride) {
    for (std::size_t i = 0; i < r.n; ++i) {
        plain::linear32(wordsOf(x, i), w, r.outBegin, r.outEnd, y + i * yStride);
    }
}

void hyperMix(const Bf16* streams, const F32Weight& fn, LinearRange r, double eps, float* m) {
    const F32Weight part{fn.values + std::size_t{r.outBegin} * fn.in, r.outEnd - r.outBegin, fn.in};
    for (std::size_t i = 0; i < r.n; ++i) {
        plain::hyperMix(streams + i * fn.in, part, eps, m + i * fn.out + r.outBegin);
    }
}

void indexScores(const Bf16* qi, const Bf16* w, const std::byte* keys, std::uint64_t count,
                 std::uint32_t heads, std::uint32_t dims, float* scores) {
    std::vector<Bf16> key(dims);
    for (std::uint64_t j = 0; j < count; ++j) {
        plain::unpackKey(keys + j * indexKeyBytes(dims), dims, key.data());
        scores[j] = plain::indexScore(qi, w, key.data(), heads, dims);
    }
}

void attend(const Bf16* q, std::uint32_t heads, AttentionRows kv, const float* sink, float scale,
            Bf16* o) {
    std::vector<Bf16> rows(std::size_t{kv.count} * kv.dims);
    for (std::uint32_t r = 0; r < kv.count; ++r) {
        std::copy_n(kv.rows[r], kv.dims, rows.data() + std::size_t{r} * kv.dims);
    }
    for (std::size_t h = 0; h < heads; ++h) {
        plain::attend(q + h * kv.dims, rows.data(), kv.count, kv.dims, sink[h], scale,
                      o + h * kv.dims);
    }
}

} // namespace

const CpuKernels& plainKernels() {
    static constexpr CpuKernels kTable{
        .name = "plain",
        .preparedBytes = preparedBytes,
        .prepareQuantised = prepareQuantised,
        .prepareBf16 = prepareBf16,
        .linearFp8 = linearFp8Rows,
        .linearFp4 = linearFp4Rows,
        .linearFp8Bf16 = linearFp8Bf16Rows,
        .linearBf16 = linearBf16Rows,
        .linear32 = linear32Rows,
        .hyperMix = hyperMix,
        .quantise = plain::quantise,
        .hyperCombine = plain::hyperCombine,
        .hyperOut = plain::hyperOut,
        .rmsNorm = plain::rmsNorm,
        .headNorm = plain::headNorm,
        .rotate = plain::rotate,
        .hadamard = plain::hadamard,
        .fp4Simulate = plain::fp4Simulate,
        .unpackRow = plain::unpackRow,
        .pool = plain::pool,
        .swiglu = plain::swiglu,
        .sumRows = plain::sumRows,
        .indexScores = indexScores,
        .selectLargest = plain::selectLargest,
        .attend = attend,
        .peakLoop = nullptr,
    };
    return kTable;
}

const CpuKernels& selectCpuKernels(std::string_view name) {
    const CpuKernels* fast = avx512Kernels();
    const CpuKernels* middle = avx2Kernels();
    if (name.empty()) {
        return fast ? *fast : middle ? *middle : plainKernels();
    }
    for (const CpuKernels* table : {&plainKernels(), middle, fast}) {
        if (table && table->name == name) {
            return *table;
        }
    }
    throw Error(
        ErrorCode::InvalidArgument,
        "CPU kernels \"" + std::string(name) + "\" are unknown or not supported here",
        "Use plain, avx2 or avx512 as the processor allows, or leave the choice to Dossier");
}

} // namespace dossier::engine
