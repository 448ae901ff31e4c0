// SPDX-License-Identifier: Apache-2.0
// Plain router and the experts' activation.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/kernels/cpu/plain.h"
#include "engine/model/formats.h"

namespace dossier::engine::plain {

void route(const float* logits, const float* bias, const std::int64_t* fixedIds,
           std::uint32_t experts, std::uint32_t top, double scale, std::int32_t* ids,
           float* weights) {
    std::vector<float> score(experts);
    for (std::uint32_t e = 0; e < experts; ++e) {
        const double x = static_cast<double>(logits[e]);
        score[e] = static_cast<float>(std::sqrt(x > 20 ? x : std::log1p(std::exp(x))));
    }
    if (fixedIds) {
        std::copy_n(fixedIds, top, ids);
    } else {
        std::vector<std::int32_t> order(experts);
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
            return score[static_cast<std::size_t>(a)] + bias[a] >
                   score[static_cast<std::size_t>(b)] + bias[b];
        });
        std::copy_n(order.begin(), top, ids);
    }
    double sum = 0;
    for (std::uint32_t i = 0; i < top; ++i) {
        sum += static_cast<double>(score[static_cast<std::size_t>(ids[i])]);
    }
    for (std::uint32_t i = 0; i < top; ++i) {
        weights[i] = static_cast<float>(
            static_cast<double>(score[static_cast<std::size_t>(ids[i])]) / sum * scale);
    }
}

void swiglu(const Bf16* g, const Bf16* u, std::uint32_t columns, float weight, float limit,
            Bf16* a) {
    const double lim = static_cast<double>(limit);
    for (std::uint32_t i = 0; i < columns; ++i) {
        const double gate = std::min(static_cast<double>(bf16ToFloat(g[i])), lim);
        const double up = std::clamp(static_cast<double>(bf16ToFloat(u[i])), -lim, lim);
        const double silu = gate / (1 + std::exp(-gate));
        a[i] = floatToBf16(static_cast<float>(static_cast<double>(weight) * (silu * up)));
    }
}

void sumRows(const Bf16* const* rows, std::uint32_t count, std::uint32_t columns, Bf16* y) {
    for (std::uint32_t i = 0; i < columns; ++i) {
        float sum = 0; // FP32 in this order is what the model does
        for (std::uint32_t r = 0; r < count; ++r) {
            sum += bf16ToFloat(rows[r][i]);
        }
        y[i] = floatToBf16(sum);
    }
}

} // namespace dossier::engine::plain
