// SPDX-License-Identifier: Apache-2.0
// Attention and indexer over sixteen lanes V. Sums run over the list of rows in its order, so that
// a query's result depends only on the rows it sees.
#pragma once

#include "engine/kernels/cpu/vector_needs.h"

namespace dossier::engine::vector_attention {

struct Buffers {
    std::vector<float> scores; ///< [heads of a tile][padded count]
    std::vector<Bf16> weights; ///< the same, bf16(p)
    std::vector<Bf16> pairs;   ///< rows interleaved two by two: [count/2][dims][2]
    std::vector<Bf16> queries; ///< [dims/2][16 heads][2]
    std::vector<float> headWeights;
    std::vector<Bf16> key;
};

template<class V>
Buffers& buffers() {
    thread_local Buffers t_buffers;
    return t_buffers;
}

template<class T>
static T* sized(std::vector<T>& buffer, std::size_t count) {
    if (buffer.size() < count) {
        buffer.resize(count);
    }
    return buffer.data();
}

constexpr std::uint32_t kRows = 4; ///< rows of a score tile; V::kHeads heads go with them

/// scores[h][r] = q[h] . rows[r] * scale for `heads` <= V::kHeads heads and all rows; behind the
/// last row up to `padded` the lowest number. Lanes hold a few exact products each and are summed
/// in FP64, so that a score is nearly the correctly rounded one: bf16(p) then rarely falls on the
/// other side of a rounding boundary, and single flips of it are visible in the model's answers.
template<class V>
void scoreRows(const Bf16* q, std::uint32_t heads, AttentionRows kv, float scale, float* scores,
               std::uint32_t padded) {
    constexpr std::uint32_t kHeads = V::kHeads;
    const Bf16* query[kHeads];
    for (std::uint32_t h = 0; h < kHeads; ++h) {
        query[h] = q + std::size_t{std::min(h, heads - 1)} * kv.dims;
    }
    for (std::uint32_t first = 0; first < kv.count; first += kRows) {
        const Bf16* rows[kRows];
        for (std::uint32_t r = 0; r < kRows; ++r) {
            rows[r] = kv.rows[std::min(first + r, kv.count - 1)];
        }
        typename V::Floats sums[kHeads * kRows];
        for (auto& sum : sums) {
            sum = V::everywhere(0.0f);
        }
        for (std::uint32_t i = 0; i < kv.dims; i += 32) {
            typename V::Words values[kRows];
            for (std::uint32_t r = 0; r < kRows; ++r) {
                values[r] = V::loadWords(rows[r] + i);
            }
            for (std::uint32_t h = 0; h < kHeads; ++h) {
                const auto words = V::loadWords(query[h] + i);
                for (std::uint32_t r = 0; r < kRows; ++r) {
                    sums[h * kRows + r] = V::dot(sums[h * kRows + r], words, values[r]);
                }
            }
        }
        float totals[kHeads * kRows];
        V::wideSums(sums, totals);
        for (std::uint32_t h = 0; h < heads; ++h) {
            for (std::uint32_t r = 0; r < kRows; ++r) {
                scores[std::size_t{h} * padded + first + r] = totals[h * kRows + r] * scale;
            }
        }
    }
    for (std::uint32_t h = 0; h < heads; ++h) {
        float* row = scores + std::size_t{h} * padded;
        std::fill(row + kv.count, row + padded, std::numeric_limits<float>::lowest());
    }
}

/// weights = bf16(exp(scores - max)), zero behind the last row; returns
/// sum exp(scores - max) + exp(sink - max).
template<class V>
float softmax(const float* scores, std::uint32_t padded, float sink, Bf16* weights) {
    auto highest = V::load(scores);
    for (std::uint32_t r = 16; r < padded; r += 16) {
        highest = V::max(highest, V::load(scores + r));
    }
    const float top = V::maximum(highest);
    auto sum = V::everywhere(0.0f);
    for (std::uint32_t r = 0; r < padded; r += 16) {
        const auto p = V::exp(V::subtract(V::load(scores + r), V::everywhere(top)));
        sum = V::add(sum, p);
        V::storeBf16(weights + r, p);
    }
    return V::sum(sum) + static_cast<float>(std::exp(static_cast<double>(sink - top)));
}

/// o[h] = sum of weights[h] * rows / denominator[h] for `Heads` heads and 16 * `Groups` dims.
template<class V, std::uint32_t Heads, std::uint32_t Groups>
void combineTile(const Bf16* weights, std::uint32_t padded, const Bf16* pairs,
                 std::uint32_t pairCount, std::uint32_t dims, const float* denominators, Bf16* o) {
    typename V::Floats sums[Heads][Groups];
    for (auto& head : sums) {
        for (auto& sum : head) {
            sum = V::everywhere(0.0f);
        }
    }
    for (std::uint32_t r = 0; r < pairCount; ++r) {
        const Bf16* row = pairs + std::size_t{r} * dims * 2;
        typename V::Words values[Groups];
        for (std::uint32_t g = 0; g < Groups; ++g) {
            values[g] = V::loadWords(row + g * 32);
        }
        for (std::uint32_t h = 0; h < Heads; ++h) {
            const auto p = V::everyPair(weights + std::size_t{h} * padded + 2 * r);
            for (std::uint32_t g = 0; g < Groups; ++g) {
                sums[h][g] = V::dot(sums[h][g], p, values[g]);
            }
        }
    }
    for (std::uint32_t h = 0; h < Heads; ++h) {
        const auto divisor = V::everywhere(denominators[h]);
        for (std::uint32_t g = 0; g < Groups; ++g) {
            V::storeBf16(o + std::size_t{h} * dims + g * 16, V::divide(sums[h][g], divisor));
        }
    }
}

template<class V, std::uint32_t Heads>
void combine(const Bf16* weights, std::uint32_t padded, const Bf16* pairs, std::uint32_t pairCount,
             std::uint32_t dims, const float* denominators, Bf16* o) {
    std::uint32_t first = 0;
    for (; first + 16 * V::kGroups <= dims; first += 16 * V::kGroups) {
        combineTile<V, Heads, V::kGroups>(weights, padded, pairs + std::size_t{2} * first,
                                          pairCount, dims, denominators, o + first);
    }
    for (; first < dims; first += 16) {
        combineTile<V, Heads, 1>(weights, padded, pairs + std::size_t{2} * first, pairCount, dims,
                                 denominators, o + first);
    }
}

/// Rows two by two, values side by side in the order of the dims; an odd last row goes with zeros.
template<class V>
void pairRows(AttentionRows kv, Bf16* pairs) {
    static constexpr std::array<Bf16, 32> kZeros{};
    for (std::uint32_t r = 0; r < kv.count; r += 2) {
        const Bf16* second = r + 1 < kv.count ? kv.rows[r + 1] : nullptr;
        for (std::uint32_t i = 0; i < kv.dims; i += 32) {
            V::interleave(V::loadWords(kv.rows[r] + i),
                          V::loadWords(second ? second + i : kZeros.data()), pairs + 2 * i);
        }
        pairs += std::size_t{2} * kv.dims;
    }
}

template<class V>
void attend(const Bf16* q, std::uint32_t heads, AttentionRows kv, const float* sink, float scale,
            Bf16* o) {
    if (kv.dims % 32 != 0) {
        return plainKernels().attend(q, heads, kv, sink, scale, o);
    }
    constexpr std::uint32_t kHeads = V::kHeads;
    Buffers& use = buffers<V>();
    const std::uint32_t padded = (kv.count + 15) / 16 * 16, pairCount = (kv.count + 1) / 2;
    float* scores = sized(use.scores, std::size_t{kHeads} * padded);
    Bf16* weights = sized(use.weights, std::size_t{kHeads} * padded);
    Bf16* pairs = sized(use.pairs, std::size_t{pairCount} * kv.dims * 2);
    pairRows<V>(kv, pairs);
    for (std::uint32_t h = 0; h < heads; h += kHeads) {
        const std::uint32_t some = std::min(kHeads, heads - h);
        float denominators[kHeads];
        scoreRows<V>(q + std::size_t{h} * kv.dims, some, kv, scale, scores, padded);
        for (std::uint32_t i = 0; i < some; ++i) {
            denominators[i] = softmax<V>(scores + std::size_t{i} * padded, padded, sink[h + i],
                                         weights + std::size_t{i} * padded);
        }
        Bf16* out = o + std::size_t{h} * kv.dims;
        if (some == kHeads) {
            combine<V, kHeads>(weights, padded, pairs, pairCount, kv.dims, denominators, out);
            continue;
        }
        for (std::uint32_t i = 0; i < some; ++i) {
            combine<V, 1>(weights + std::size_t{i} * padded, padded, pairs, pairCount, kv.dims,
                          denominators + i, out + std::size_t{i} * kv.dims);
        }
    }
}

constexpr std::uint32_t kKeys = 2; ///< packed keys of a score tile

/// scores[n] of the packed keys first + n for n < Keys. Lanes are heads: queries [group of 16]
/// [dims/2][16][2] and weights [group][16], zero where there is no head. A key's score does not
/// depend on the tile that it is in.
template<class V, std::uint32_t Keys>
void scoreKeys(const Bf16* queries, const float* weights, const std::byte* keys,
               std::uint64_t first, std::uint32_t groups, std::uint32_t dims, float* scores) {
    const std::uint32_t pairs = dims / 2, bytes = indexKeyBytes(dims);
    Bf16* unpacked = sized(buffers<V>().key, std::size_t{Keys} * dims);
    for (std::uint32_t n = 0; n < Keys; ++n) {
        V::unpackKey(keys + (first + n) * bytes, dims, unpacked + std::size_t{n} * dims);
    }
    const auto zero = V::everywhere(0.0f);
    typename V::Floats total[Keys];
    for (auto& sum : total) {
        sum = zero;
    }
    for (std::uint32_t g = 0; g < groups; ++g) {
        typename V::Floats a[Keys], b[Keys];
        for (std::uint32_t n = 0; n < Keys; ++n) {
            a[n] = b[n] = zero;
        }
        const Bf16* q = queries + std::size_t{g} * pairs * 32;
        for (std::uint32_t i = 0; i < pairs; i += 2) {
            const auto q0 = V::loadWords(q + i * 32), q1 = V::loadWords(q + i * 32 + 32);
            for (std::uint32_t n = 0; n < Keys; ++n) {
                const Bf16* key = unpacked + std::size_t{n} * dims + 2 * i;
                a[n] = V::dot(a[n], q0, V::everyPair(key));
                b[n] = V::dot(b[n], q1, V::everyPair(key + 2));
            }
        }
        const auto weight = V::load(weights + g * 16);
        for (std::uint32_t n = 0; n < Keys; ++n) {
            const auto positive = V::max(V::roundBf16(V::add(a[n], b[n])), zero);
            total[n] = V::add(total[n], V::roundBf16(V::multiply(positive, weight)));
        }
    }
    for (std::uint32_t n = 0; n < Keys; ++n) {
        scores[n] = roundToBf16(V::sum(total[n]));
    }
}

template<class V>
void indexScores(const Bf16* qi, const Bf16* w, const std::byte* keys, std::uint64_t count,
                 std::uint32_t heads, std::uint32_t dims, float* scores) {
    if (dims % 32 != 0) {
        return plainKernels().indexScores(qi, w, keys, count, heads, dims, scores);
    }
    const std::uint32_t groups = (heads + 15) / 16, pairs = dims / 2;
    Buffers& use = buffers<V>();
    Bf16* queries = sized(use.queries, std::size_t{groups} * pairs * 32);
    float* weights = sized(use.headWeights, std::size_t{groups} * 16);
    std::fill_n(queries, std::size_t{groups} * pairs * 32, Bf16{0});
    std::fill_n(weights, std::size_t{groups} * 16, 0.0f);
    for (std::uint32_t h = 0; h < heads; ++h) {
        weights[h] = bf16ToFloat(w[h]);
        for (std::uint32_t i = 0; i < dims; i += 2) {
            Bf16* to = queries + ((std::size_t{h / 16} * pairs + i / 2) * 16 + h % 16) * 2;
            to[0] = qi[std::size_t{h} * dims + i];
            to[1] = qi[std::size_t{h} * dims + i + 1];
        }
    }
    std::uint64_t j = 0;
    for (; j + kKeys <= count; j += kKeys) {
        scoreKeys<V, kKeys>(queries, weights, keys, j, groups, dims, scores + j);
    }
    for (; j < count; ++j) {
        scoreKeys<V, 1>(queries, weights, keys, j, groups, dims, scores + j);
    }
}

} // namespace dossier::engine::vector_attention
