// SPDX-License-Identifier: Apache-2.0
// Plain compressor pooling, indexer and attention.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/kernels/cpu/plain.h"
#include "engine/model/formats.h"

namespace dossier::engine::plain {
namespace {

double value(Bf16 x) {
    return static_cast<double>(bf16ToFloat(x));
}

} // namespace

void pool(std::span<const PoolSlot> slots, std::uint32_t width, Bf16* e) {
    for (std::uint32_t i = 0; i < width; ++i) {
        double top = -std::numeric_limits<double>::infinity();
        for (const PoolSlot& slot : slots) {
            if (slot.s) {
                top = std::max(top, static_cast<double>(slot.s[i]));
            }
        }
        double weights = 0, sum = 0;
        for (const PoolSlot& slot : slots) {
            if (slot.s) {
                const double p = std::exp(static_cast<double>(slot.s[i]) - top);
                weights += p;
                sum += p * static_cast<double>(slot.a[i]);
            }
        }
        e[i] = floatToBf16(static_cast<float>(sum / weights));
    }
}

float indexScore(const Bf16* qi, const Bf16* w, const Bf16* key, std::uint32_t heads,
                 std::uint32_t dims) {
    double total = 0;
    for (std::uint32_t h = 0; h < heads; ++h) {
        double sum = 0;
        for (std::uint32_t i = 0; i < dims; ++i) {
            sum += value(qi[std::size_t{h} * dims + i]) * value(key[i]);
        }
        const float rounded = bf16ToFloat(floatToBf16(static_cast<float>(sum)));
        const float positive = std::max(rounded, 0.0f);
        total += value(floatToBf16(positive * bf16ToFloat(w[h])));
    }
    return bf16ToFloat(floatToBf16(static_cast<float>(total)));
}

void selectLargest(const float* scores, std::uint64_t n, std::uint32_t count, std::int32_t* ids) {
    std::vector<std::int32_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int32_t a, std::int32_t b) { return scores[a] > scores[b]; });
    std::copy_n(order.begin(), count, ids);
    std::sort(ids, ids + count);
}

void attend(const Bf16* q, const Bf16* rows, std::uint32_t count, std::uint32_t dims, float sink,
            float scale, Bf16* o) {
    std::vector<float> p(count);
    float top = -std::numeric_limits<float>::infinity();
    for (std::uint32_t r = 0; r < count; ++r) {
        double sum = 0;
        for (std::uint32_t i = 0; i < dims; ++i) {
            sum += value(q[i]) * value(rows[std::size_t{r} * dims + i]);
        }
        p[r] = static_cast<float>(sum) * scale;
        top = std::max(top, p[r]);
    }
    double denominator = std::exp(static_cast<double>(sink) - static_cast<double>(top));
    std::vector<double> numerator(dims);
    for (std::uint32_t r = 0; r < count; ++r) {
        const float weight = static_cast<float>(std::exp(static_cast<double>(p[r] - top)));
        denominator += static_cast<double>(weight);
        const double rounded = value(floatToBf16(weight));
        for (std::uint32_t i = 0; i < dims; ++i) {
            numerator[i] += rounded * value(rows[std::size_t{r} * dims + i]);
        }
    }
    for (std::uint32_t i = 0; i < dims; ++i) {
        o[i] = floatToBf16(static_cast<float>(
            static_cast<double>(static_cast<float>(numerator[i])) / denominator));
    }
}

} // namespace dossier::engine::plain
