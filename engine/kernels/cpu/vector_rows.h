// SPDX-License-Identifier: Apache-2.0
// Per-row operations over sixteen lanes V (lanes_avx512.h, lanes_avx2.h): norms, hyper-connections,
// quantisers, rotation, pooling. Sums run in 16 lanes along the row and end in a fixed tree. Rows
// whose length is no multiple of the lanes take the plain version.
#pragma once

#include "engine/kernels/cpu/vector_needs.h"

namespace dossier::engine::vector_rows {

constexpr std::uint32_t kLanes = 16;

template<class V>
double sumOfSquares(const Bf16* x, std::uint32_t columns) {
    auto total = V::everywhere(0.0);
    for (std::uint32_t i = 0; i < columns; i += kLanes) {
        const auto v = V::wide(V::loadBf16(x + i));
        total = V::fma(v, v, total);
    }
    return V::sum(total);
}

template<class V>
void quantise(const Bf16* x, std::uint32_t columns, std::uint8_t* q, float* scales) {
    for (std::uint32_t b = 0; b < columns / 128; ++b) {
        const Bf16* p = x + b * 128;
        const float amax = std::max(V::largest128(p), 1e-4f);
        const float scale = e8m0ToFloat(ceilToE8m0(amax * (1.0f / 448)));
        scales[b] = scale;
        const auto inverse = V::everywhere(1.0f / scale); // exact: a power of two
        for (std::uint32_t i = 0; i < 128; i += kLanes) {
            V::encodeE4m3(V::multiply(V::loadBf16(p + i), inverse), q + b * 128 + i);
        }
    }
}

template<class V>
void fp4Simulate(Bf16* x, std::uint32_t columns) {
    if (columns % 32 != 0) {
        return plain::fp4Simulate(x, columns);
    }
    for (std::uint32_t b = 0; b < columns; b += 32) {
        const auto low = V::loadBf16(x + b), high = V::loadBf16(x + b + kLanes);
        const float amax =
            std::max(V::maximum(V::max(V::absolute(low), V::absolute(high))), 6 * 0x1p-126f);
        const float scale = e8m0ToFloat(ceilToE8m0(amax * (1.0f / 6)));
        const auto inverse = V::everywhere(1.0f / scale), times = V::everywhere(scale);
        V::storeBf16(x + b, V::multiply(V::roundE2m1(V::multiply(low, inverse)), times));
        V::storeBf16(x + b + kLanes, V::multiply(V::roundE2m1(V::multiply(high, inverse)), times));
    }
}

/// `Rows` rows of x in FP64 against `Outs` rows of fn: m[row * mStride + o], before the norm
/// factor.
template<class V, std::uint32_t Rows, std::uint32_t Outs>
void mixTile(const double* x, const F32Weight& fn, std::uint32_t out, float* m,
             std::size_t mStride) {
    decltype(V::everywhere(0.0)) sums[Rows][Outs];
    for (auto& row : sums) {
        for (auto& sum : row) {
            sum = V::everywhere(0.0);
        }
    }
    const float* w = fn.values + std::size_t{out} * fn.in;
    for (std::uint32_t i = 0; i < fn.in; i += kLanes) {
        for (std::uint32_t o = 0; o < Outs; ++o) {
            const auto weight = V::wide(V::load(w + std::size_t{o} * fn.in + i));
            for (std::uint32_t r = 0; r < Rows; ++r) {
                sums[r][o] = V::fma(V::load(x + std::size_t{r} * fn.in + i), weight, sums[r][o]);
            }
        }
    }
    for (std::uint32_t r = 0; r < Rows; ++r) {
        for (std::uint32_t o = 0; o < Outs; ++o) {
            m[r * mStride + out + o] = static_cast<float>(V::sum(sums[r][o]));
        }
    }
}

template<class V>
std::vector<double>& wideRows() {
    thread_local std::vector<double> t_rows;
    return t_rows;
}

template<class V, std::uint32_t Rows>
void mixRows(const Bf16* streams, const F32Weight& fn, LinearRange range, double eps, float* m) {
    std::vector<double>& buffer = wideRows<V>();
    if (buffer.size() < std::size_t{Rows} * fn.in) {
        buffer.resize(std::size_t{Rows} * fn.in);
    }
    double* x = buffer.data();
    for (std::size_t i = 0; i < std::size_t{Rows} * fn.in; i += kLanes) {
        V::store(x + i, V::wide(V::loadBf16(streams + i)));
    }
    std::uint32_t out = range.outBegin;
    for (; out + 3 <= range.outEnd; out += 3) {
        mixTile<V, Rows, 3>(x, fn, out, m, fn.out);
    }
    for (; out < range.outEnd; ++out) {
        mixTile<V, Rows, 1>(x, fn, out, m, fn.out);
    }
    for (std::uint32_t r = 0; r < Rows; ++r) {
        const double square = sumOfSquares<V>(streams + std::size_t{r} * fn.in, fn.in);
        const double factor = 1 / std::sqrt(square / fn.in + eps);
        for (out = range.outBegin; out < range.outEnd; ++out) {
            float& value = m[std::size_t{r} * fn.out + out];
            value = static_cast<float>(static_cast<double>(value) * factor);
        }
    }
}

template<class V>
void hyperMix(const Bf16* streams, const F32Weight& fn, LinearRange range, double eps, float* m) {
    if (fn.in % kLanes != 0) {
        return plainKernels().hyperMix(streams, fn, range, eps, m);
    }
    std::uint32_t row = 0;
    for (; row + V::kMixRows <= range.n; row += V::kMixRows) {
        mixRows<V, V::kMixRows>(streams + std::size_t{row} * fn.in, fn, range, eps,
                                m + std::size_t{row} * fn.out);
    }
    for (; row < range.n; ++row) {
        mixRows<V, 1>(streams + std::size_t{row} * fn.in, fn, range, eps,
                      m + std::size_t{row} * fn.out);
    }
}

template<class V>
void hyperCombine(const Bf16* streams, const float* pre, std::uint32_t k, std::uint32_t d,
                  Bf16* u) {
    if (d % kLanes != 0) {
        return plain::hyperCombine(streams, pre, k, d, u);
    }
    for (std::uint32_t i = 0; i < d; i += kLanes) {
        auto total = V::everywhere(0.0);
        for (std::uint32_t j = 0; j < k; ++j) {
            total = V::fma(V::everywhere(static_cast<double>(pre[j])),
                           V::wide(V::loadBf16(streams + std::size_t{j} * d + i)), total);
        }
        V::storeBf16(u + i, V::narrow(total));
    }
}

template<class V>
void hyperOut(Bf16* streams, const Bf16* y, const float* post, const float* comb, std::uint32_t k,
              std::uint32_t d) {
    constexpr std::uint32_t kMost = 8;
    if (k > kMost || d % kLanes != 0) {
        return plain::hyperOut(streams, y, post, comb, k, d);
    }
    for (std::uint32_t i = 0; i < d; i += kLanes) {
        const auto out = V::wide(V::loadBf16(y + i));
        decltype(V::everywhere(0.0)) x[kMost];
        for (std::uint32_t j = 0; j < k; ++j) {
            x[j] = V::wide(V::loadBf16(streams + std::size_t{j} * d + i));
        }
        for (std::uint32_t t = 0; t < k; ++t) {
            auto total = V::multiply(V::everywhere(static_cast<double>(post[t])), out);
            for (std::uint32_t j = 0; j < k; ++j) {
                total = V::fma(V::everywhere(static_cast<double>(comb[j * k + t])), x[j], total);
            }
            V::storeBf16(streams + std::size_t{t} * d + i, V::narrow(total));
        }
    }
}

template<class V>
void rmsNorm(const Bf16* x, const Bf16* w, std::uint32_t columns, double eps, Bf16* y) {
    if (columns % kLanes != 0) {
        return plain::rmsNorm(x, w, columns, eps, y);
    }
    const auto factor = V::everywhere(1 / std::sqrt(sumOfSquares<V>(x, columns) / columns + eps));
    for (std::uint32_t i = 0; i < columns; i += kLanes) {
        V::storeBf16(y + i,
                     V::narrow(V::multiply(V::wide(V::loadBf16(w + i)),
                                           V::multiply(V::wide(V::loadBf16(x + i)), factor))));
    }
}

template<class V>
void headNorm(Bf16* q, std::uint32_t columns, float eps) {
    if (columns % kLanes != 0) {
        return plain::headNorm(q, columns, eps);
    }
    auto sum = V::everywhere(0.0f);
    for (std::uint32_t i = 0; i < columns; i += kLanes) {
        const auto v = V::loadBf16(q + i);
        sum = V::add(sum, V::roundBf16(V::multiply(v, v)));
    }
    const float mean = roundToBf16(V::sum(sum) / static_cast<float>(columns));
    const float shifted = roundToBf16(mean + eps);
    const float root = static_cast<float>(1 / std::sqrt(static_cast<double>(shifted)));
    const auto factor = V::everywhere(roundToBf16(root));
    for (std::uint32_t i = 0; i < columns; i += kLanes) {
        V::storeBf16(q + i, V::multiply(V::loadBf16(q + i), factor));
    }
}

/// In FP64, where the products are exact: (a, b) cos + (b, a) (-sin, sin).
template<class V>
void rotate(Bf16* x, std::uint32_t columns, const float* cosSin, std::uint32_t pairs,
            bool inverse) {
    if (2 * pairs % kLanes != 0) {
        return plain::rotate(x, columns, cosSin, pairs, inverse);
    }
    alignas(64) static constexpr float kSigns[kLanes + 1] = {-1, 1,  -1, 1,  -1, 1,  -1, 1, -1,
                                                             1,  -1, 1,  -1, 1,  -1, 1,  -1};
    const auto signs = V::load(kSigns + inverse);
    Bf16* p = x + columns - std::size_t{2} * pairs;
    for (std::uint32_t i = 0; i < 2 * pairs; i += kLanes) {
        const auto ab = V::loadBf16(p + i), table = V::load(cosSin + i);
        const auto sines = V::multiply(V::oddTwice(table), signs);
        const auto turned = V::multiply(V::wide(ab), V::wide(V::evenTwice(table)));
        V::storeBf16(p + i, V::narrow(V::fma(V::wide(V::swapPairs(ab)), V::wide(sines), turned)));
    }
}

template<class V>
void hadamard(Bf16* x, std::uint32_t n) {
    constexpr std::uint32_t kMost = 256;
    if (n < 2 * kLanes || n > kMost) {
        return plain::hadamard(x, n);
    }
    alignas(64) float v[kMost];
    for (std::uint32_t i = 0; i < n; ++i) {
        v[i] = bf16ToFloat(x[i]);
    }
    std::uint32_t half = 1;
    for (; half < kLanes; half *= 2) {
        for (std::uint32_t i = 0; i < n; i += 2 * half) {
            for (std::uint32_t j = i; j < i + half; ++j) {
                const float a = v[j], b = v[j + half];
                v[j] = a + b;
                v[j + half] = a - b;
            }
        }
    }
    for (; half < n; half *= 2) {
        for (std::uint32_t i = 0; i < n; i += 2 * half) {
            for (std::uint32_t j = i; j < i + half; j += kLanes) {
                const auto a = V::load(v + j), b = V::load(v + j + half);
                V::store(v + j, V::add(a, b));
                V::store(v + j + half, V::subtract(a, b));
            }
        }
    }
    const auto scale = V::everywhere(static_cast<float>(1 / std::sqrt(static_cast<double>(n))));
    for (std::uint32_t i = 0; i < n; i += kLanes) {
        V::storeBf16(x + i, V::multiply(V::load(v + i), scale));
    }
}

template<class V>
void unpackRow(const std::byte* row, const KvRowLayout& layout, Bf16* x) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(row);
    const std::uint8_t* scales = bytes + layout.scaleOffset;
    for (std::uint32_t i = 0; i < layout.nope; i += kLanes) { // a multiple of 64
        const auto scale = V::everywhere(e8m0ToFloat(scales[i / 64]));
        V::storeBf16(x + i, V::multiply(V::decodeE4m3(bytes + i), scale));
    }
    std::memcpy(x + layout.nope, bytes + layout.ropeOffset, std::size_t{2} * layout.rope);
}

template<class V>
void pool(std::span<const plain::PoolSlot> slots, std::uint32_t width, Bf16* e) {
    if (width % kLanes != 0) {
        return plain::pool(slots, width, e);
    }
    for (std::uint32_t i = 0; i < width; i += kLanes) {
        auto top = V::everywhere(-std::numeric_limits<float>::infinity());
        for (const plain::PoolSlot& slot : slots) {
            top = slot.s ? V::max(top, V::load(slot.s + i)) : top;
        }
        auto weights = V::everywhere(0.0f), sum = V::everywhere(0.0f);
        for (const plain::PoolSlot& slot : slots) {
            if (slot.s) {
                const auto p = V::exp(V::subtract(V::load(slot.s + i), top));
                weights = V::add(weights, p);
                sum = V::fma(p, V::load(slot.a + i), sum);
            }
        }
        V::storeBf16(e + i, V::divide(sum, weights));
    }
}

template<class V>
void swiglu(const Bf16* g, const Bf16* u, std::uint32_t columns, float weight, float limit,
            Bf16* a) {
    if (columns % kLanes != 0) {
        return plain::swiglu(g, u, columns, weight, limit, a);
    }
    const auto top = V::everywhere(limit), bottom = V::everywhere(-limit);
    const auto one = V::everywhere(1.0f), zero = V::everywhere(0.0f);
    for (std::uint32_t i = 0; i < columns; i += kLanes) {
        const auto gate = V::min(V::loadBf16(g + i), top);
        const auto up = V::max(V::min(V::loadBf16(u + i), top), bottom);
        // exp overflows to infinity from 89 on and is not made for arguments far beyond.
        const auto power = V::exp(V::min(V::subtract(zero, gate), V::everywhere(128.0f)));
        const auto silu = V::divide(gate, V::add(one, power));
        V::storeBf16(a + i, V::multiply(V::everywhere(weight), V::multiply(silu, up)));
    }
}

/// y = bf16(sum of `count` rows in their order).
template<class V>
void sumRows(const Bf16* const* rows, std::uint32_t count, std::uint32_t columns, Bf16* y) {
    if (columns % kLanes != 0) {
        return plain::sumRows(rows, count, columns, y);
    }
    for (std::uint32_t i = 0; i < columns; i += kLanes) {
        auto sum = V::everywhere(0.0f);
        for (std::uint32_t r = 0; r < count; ++r) {
            sum = V::add(sum, V::loadBf16(rows[r] + i));
        }
        V::storeBf16(y + i, sum);
    }
}

} // namespace dossier::engine::vector_rows
