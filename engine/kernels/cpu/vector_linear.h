// SPDX-License-Identifier: Apache-2.0
// Linear layers over one instruction set L (linear_avx512.h, linear_avx2.h).
//
// All scales of the model are powers of two, so FP8 and FP4 values times their scales are exact in
// bf16: every kind of linear layer is the same dot product of bf16 vectors with FP32 sums. Sums run
// along K in 16 lanes of pairs, chunk (32 values) after chunk, the odd value of a pair first, and
// end in the tree of V::sum: an order that depends on the weight's form alone, so one row and many
// rows, AVX2 and AVX-512 give the same bits. Weights are read as they lie in the file; activations
// are brought beforehand into the order in which unpacking the weights leaves them:
//
//   Fp8   per 64 values, pieces of 8 in the order 0 2 4 6, 1 3 5 7
//   Fp4   per 128 values, every fourth: 0 4 8 .., 1 5 9 .., 2 6 10 .., 3 7 11 ..
//   Bfloat16  as they are
//
// A chunk of activations or unpacked weights is kParts registers; sums of one output are kSums.
#pragma once

#include "engine/kernels/cpu/vector_needs.h"

namespace dossier::engine::vector_linear {

/// Rows that fill whole steps of unpacking; others take the plain version, activations included.
static constexpr bool fits(WeightForm form, std::uint32_t columns) {
    return columns % (form == WeightForm::Fp8 ? 64 : form == WeightForm::Fp4 ? 128 : 32) == 0;
}

struct Buffers {
    std::vector<std::byte> panel, row;
};

template<class L>
Buffers& buffers() {
    thread_local Buffers t_buffers;
    return t_buffers;
}

static std::byte* aligned(std::vector<std::byte>& buffer, std::size_t bytes) {
    if (buffer.size() < bytes + 64) {
        buffer.resize(bytes + 64);
    }
    const auto address = reinterpret_cast<std::uintptr_t>(buffer.data());
    return buffer.data() + (64 - address % 64) % 64;
}

/// `Rows` rows of activations against `Outs` rows of unpacked weights.
template<class L, std::uint32_t Rows, std::uint32_t Outs, class Out>
void tile(const std::byte* const* x, const std::byte* w, std::size_t wStride, std::uint32_t chunks,
          Out* y, std::size_t yStride) {
    typename L::Sum sums[Rows][Outs][L::kSums];
    for (auto& row : sums) {
        for (auto& out : row) {
            for (auto& sum : out) {
                sum = L::zero();
            }
        }
    }
    for (std::size_t at = 0; at < std::size_t{chunks} * L::kChunkBytes; at += L::kChunkBytes) {
        for (std::uint32_t p = 0; p < L::kParts; ++p) {
            const std::size_t here = at + p * L::kChunkBytes / L::kParts;
            typename L::Part weights[Outs];
            for (std::uint32_t o = 0; o < Outs; ++o) {
                weights[o] = L::load(w + o * wStride + here);
            }
            for (std::uint32_t r = 0; r < Rows; ++r) {
                const typename L::Part values = L::load(x[r] + here);
                for (std::uint32_t o = 0; o < Outs; ++o) {
                    auto& sum = sums[r][o][p * L::kSums / L::kParts];
                    sum = L::multiplyAdd(sum, values, weights[o]);
                }
            }
        }
    }
    L::finish(sums, y, yStride);
}

/// Fewer rows than a full tile has.
template<class L, std::uint32_t Rows, std::uint32_t Outs, class Out>
void tileOf(std::uint32_t rows, const std::byte* const* x, const std::byte* w, std::size_t wStride,
            std::uint32_t chunks, Out* y, std::size_t yStride) {
    if (rows == Rows) {
        tile<L, Rows, Outs>(x, w, wStride, chunks, y, yStride);
    } else if constexpr (Rows > 1) {
        tileOf<L, Rows - 1, Outs>(rows, x, w, wStride, chunks, y, yStride);
    }
}

/// Bytes that weights are fetched ahead of their use. Rows are short and change page every few
/// steps, where the processor's own prefetching starts anew.
constexpr std::size_t kAhead = 4096;

/// One row of activations against `Outs` consecutive rows of weights unpacked on the fly.
template<class L, std::uint32_t Outs, class Row, class Weight, class Out>
void single(const std::byte* x, const Weight& w, std::uint32_t out, Out* y) {
    constexpr std::uint32_t kParts = Row::kStep / 32 * L::kParts;
    constexpr std::size_t kStepBytes = std::size_t{Row::kStep} / 32 * L::kChunkBytes;
    typename L::Sum sums[1][Outs][L::kSums];
    for (auto& o : sums[0]) {
        for (auto& sum : o) {
            sum = L::zero();
        }
    }
    const Row first(w, out);
    const std::size_t rowBytes = first.bytes();
    for (std::uint32_t k = 0; k < w.in; k += Row::kStep, x += kStepBytes) {
        const std::uint8_t* ahead = first.address() + Outs * first.offset(k) + kAhead;
        for (std::size_t line = 0; line < Outs * first.offset(Row::kStep); line += 64) {
            _mm_prefetch(reinterpret_cast<const char*>(ahead + line), _MM_HINT_T0);
        }
        for (std::uint32_t o = 0; o < Outs; ++o) {
            typename L::Part parts[kParts];
            first.template unpack<Row::kScaleInX>(k, o, rowBytes, parts);
            for (std::uint32_t p = 0; p < kParts; ++p) {
                auto& sum = sums[0][o][p % L::kParts * L::kSums / L::kParts];
                sum = L::multiplyAdd(sum, L::load(x + p * L::kChunkBytes / L::kParts), parts[p]);
            }
        }
    }
    L::finish(sums, y, 0);
}

template<class L, class Row, class Weight, class Out>
void oneRow(const std::byte* x, LinearRange range, const Weight& w, Out* y) {
    const std::byte* row = x;
    std::uint32_t block = ~0u, outs = 0;
    for (std::uint32_t out = range.outBegin; out < range.outEnd; out += outs) {
        outs = out + L::kSingle <= range.outEnd ? L::kSingle : 1;
        if constexpr (Row::kScaleInX) { // once for the 128 outputs that share scales
            if (out / 128 != (out + outs - 1) / 128) {
                outs = 1;
            }
            if (out / 128 != block) {
                block = out / 128;
                std::byte* scaled = aligned(buffers<L>().row, w.in / 32 * L::kChunkBytes);
                Row::scaleRow(x, w, block, scaled);
                row = scaled;
            }
        }
        if (outs == L::kSingle) {
            single<L, L::kSingle, Row>(row, w, out, y + out);
        } else {
            single<L, 1, Row>(row, w, out, y + out);
        }
    }
}

/// y[row * yStride + output] for rows [0, n) of x. Weights times their scales are unpacked once for
/// all rows, unless scales so small or large stand there that activations had better take them.
template<class L, class Row, class Weight, class Out>
void product(const Operand& x, LinearRange range, const Weight& w, Out* y, std::size_t yStride) {
    if (range.n == 1 || !Row::ordinary(w, range)) {
        for (std::size_t r = 0; r < range.n; ++r) {
            oneRow<L, Row>(x.row(r), range, w, y + r * yStride);
        }
        return;
    }
    const std::uint32_t chunks = w.in / 32;
    const std::size_t rowBytes = std::size_t{chunks} * L::kChunkBytes;
    // Weights of a panel stay in the first-level cache while all rows pass by.
    constexpr std::size_t kPanelBytes = 16384;
    const auto most = static_cast<std::uint32_t>(
        std::clamp<std::size_t>(kPanelBytes / rowBytes / L::kOuts, 1, 8) * L::kOuts);
    std::uint32_t outs = 0;
    for (std::uint32_t out = range.outBegin; out < range.outEnd; out += outs) {
        outs = std::min(most, range.outEnd - out);
        const std::byte* panel;
        if constexpr (Row::kAsIs) {
            panel = reinterpret_cast<const std::byte*>(w.values + std::size_t{out} * w.in);
        } else {
            std::byte* to = aligned(buffers<L>().panel, most * rowBytes);
            panel = to;
            const Row row(w, out);
            for (std::uint32_t o = 0; o < outs; ++o) {
                for (std::uint32_t k = 0; k < w.in; k += Row::kStep) {
                    typename L::Part parts[Row::kStep / 32 * L::kParts];
                    row.template unpack<false>(k, o, row.bytes(), parts);
                    for (const auto& part : parts) {
                        L::store(to, part);
                        to += L::kChunkBytes / L::kParts;
                    }
                }
            }
        }
        for (std::uint32_t r = 0; r < range.n; r += L::kRows) {
            const std::uint32_t rows = std::min(L::kRows, range.n - r);
            const std::byte* xs[L::kRows];
            for (std::uint32_t i = 0; i < rows; ++i) {
                xs[i] = x.row(r + i);
            }
            Out* to = y + r * yStride + out;
            std::uint32_t o = 0;
            for (; o + L::kOuts <= outs; o += L::kOuts) {
                tileOf<L, L::kRows, L::kOuts>(rows, xs, panel + o * rowBytes, rowBytes, chunks,
                                              to + o, yStride);
            }
            for (; o < outs; ++o) {
                tileOf<L, L::kRows, 1>(rows, xs, panel + o * rowBytes, rowBytes, chunks, to + o,
                                       yStride);
            }
        }
    }
}

template<class L>
std::size_t preparedBytes(WeightForm form, std::uint32_t columns) {
    return fits(form, columns) ? std::size_t{columns} / 32 * L::kChunkBytes
                               : plainKernels().preparedBytes(form, columns);
}

template<class L>
void prepareQuantised(WeightForm form, const std::uint8_t* q, const float* scales,
                      std::uint32_t columns, std::byte* row) {
    fits(form, columns) ? L::prepareQuantised(form, q, scales, columns, row)
                        : plainKernels().prepareQuantised(form, q, scales, columns, row);
}

template<class L>
void prepareBf16(WeightForm form, const Bf16* x, std::uint32_t columns, std::byte* row) {
    fits(form, columns) ? L::prepareBf16(form, x, columns, row)
                        : plainKernels().prepareBf16(form, x, columns, row);
}

template<class L>
void linearFp8(const Operand& x, LinearRange range, const Fp8Weight& w, Bf16* y,
               std::size_t yStride) {
    fits(WeightForm::Fp8, w.in) ? product<L, typename L::Fp8Rows>(x, range, w, y, yStride)
                                : plainKernels().linearFp8(x, range, w, y, yStride);
}

template<class L>
void linearFp8Bf16(const Operand& x, LinearRange range, const Fp8Weight& w, Bf16* y,
                   std::size_t yStride) {
    fits(WeightForm::Fp8, w.in) ? product<L, typename L::Fp8Rows>(x, range, w, y, yStride)
                                : plainKernels().linearFp8Bf16(x, range, w, y, yStride);
}

template<class L>
void linearFp4(const Operand& x, LinearRange range, const Fp4Weight& w, Bf16* y,
               std::size_t yStride) {
    fits(WeightForm::Fp4, w.in) ? product<L, typename L::Fp4Rows>(x, range, w, y, yStride)
                                : plainKernels().linearFp4(x, range, w, y, yStride);
}

template<class L>
void linearBf16(const Operand& x, LinearRange range, const Bf16Weight& w, Bf16* y,
                std::size_t yStride) {
    fits(WeightForm::Bfloat16, w.in) ? product<L, typename L::Bf16Rows>(x, range, w, y, yStride)
                                     : plainKernels().linearBf16(x, range, w, y, yStride);
}

template<class L>
void linear32(const Operand& x, LinearRange range, const Bf16Weight& w, float* y,
              std::size_t yStride) {
    fits(WeightForm::Bfloat16, w.in) ? product<L, typename L::Bf16Rows>(x, range, w, y, yStride)
                                     : plainKernels().linear32(x, range, w, y, yStride);
}

} // namespace dossier::engine::vector_linear
