// SPDX-License-Identifier: Apache-2.0
// Plain norms, rotary embedding and Hadamard transform.
#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "engine/kernels/cpu/plain.h"
#include "engine/model/formats.h"

namespace dossier::engine::plain {
namespace {

double value(Bf16 x) {
    return static_cast<double>(bf16ToFloat(x));
}
Bf16 rounded(double x) {
    return floatToBf16(static_cast<float>(x));
}

} // namespace

void rmsNorm(const Bf16* x, const Bf16* w, std::uint32_t columns, double eps, Bf16* y) {
    double square = 0;
    for (std::uint32_t i = 0; i < columns; ++i) {
        square += value(x[i]) * value(x[i]);
    }
    const double root = std::sqrt(square / columns + eps);
    for (std::uint32_t i = 0; i < columns; ++i) {
        y[i] = rounded(value(w[i]) * (value(x[i]) / root));
    }
}

void headNorm(Bf16* q, std::uint32_t columns, float eps) {
    double sum = 0;
    for (std::uint32_t i = 0; i < columns; ++i) {
        sum += value(rounded(value(q[i]) * value(q[i])));
    }
    const Bf16 mean = rounded(sum / columns);
    const Bf16 shifted = floatToBf16(bf16ToFloat(mean) + eps);
    const Bf16 factor = rounded(1 / std::sqrt(value(shifted)));
    for (std::uint32_t i = 0; i < columns; ++i) {
        q[i] = rounded(value(q[i]) * value(factor));
    }
}

void rotate(Bf16* x, std::uint32_t columns, const float* cosSin, std::uint32_t pairs,
            bool inverse) {
    Bf16* p = x + columns - std::size_t{2} * pairs;
    for (std::uint32_t i = 0; i < pairs; ++i) {
        const double c = static_cast<double>(cosSin[2 * i]);
        const double s = static_cast<double>(cosSin[2 * i + 1]) * (inverse ? -1 : 1);
        const double a = value(p[2 * i]), b = value(p[2 * i + 1]);
        p[2 * i] = rounded(a * c - b * s);
        p[2 * i + 1] = rounded(a * s + b * c);
    }
}

std::vector<float> ropeFrequencies(double theta, std::uint32_t ropeDims) {
    std::vector<float> f(ropeDims / 2);
    for (std::uint32_t i = 0; i < f.size(); ++i) {
        const float exponent = static_cast<float>(2 * i) / static_cast<float>(ropeDims);
        f[i] = 1.0f / static_cast<float>(std::pow(theta, static_cast<double>(exponent)));
    }
    return f;
}

std::vector<float> yarnFrequencies(double theta, std::uint32_t ropeDims, double factor,
                                   double betaFast, double betaSlow, double originalPositions) {
    std::vector<float> f = ropeFrequencies(theta, ropeDims);
    const auto correction = [&](double rotations) {
        return ropeDims * std::log(originalPositions / (rotations * 2 * std::numbers::pi)) /
               (2 * std::log(theta));
    };
    const double low = std::max(std::floor(correction(betaFast)), 0.0);
    double high = std::min(std::ceil(correction(betaSlow)), ropeDims - 1.0);
    if (low == high) {
        high += 0.001;
    }
    for (std::uint32_t i = 0; i < f.size(); ++i) {
        const float ramp = std::clamp((static_cast<float>(i) - static_cast<float>(low)) /
                                          static_cast<float>(high - low),
                                      0.0f, 1.0f);
        const float keep = 1.0f - ramp;
        f[i] = f[i] / static_cast<float>(factor) * (1.0f - keep) + f[i] * keep;
    }
    return f;
}

void ropeTable(std::uint64_t position, const std::vector<float>& frequencies, float* cosSin) {
    for (std::size_t i = 0; i < frequencies.size(); ++i) {
        // The FP32 product is part of the model: at a million tokens it has its own granularity.
        const float angle = static_cast<float>(position) * frequencies[i];
        cosSin[2 * i] = static_cast<float>(std::cos(static_cast<double>(angle)));
        cosSin[2 * i + 1] = static_cast<float>(std::sin(static_cast<double>(angle)));
    }
}

void hadamard(Bf16* x, std::uint32_t n) {
    std::vector<double> v(n);
    for (std::uint32_t i = 0; i < n; ++i) {
        v[i] = value(x[i]);
    }
    for (std::uint32_t half = 1; half < n; half *= 2) {
        for (std::uint32_t i = 0; i < n; i += 2 * half) {
            for (std::uint32_t j = i; j < i + half; ++j) {
                const double a = v[j], b = v[j + half];
                v[j] = a + b;
                v[j + half] = a - b;
            }
        }
    }
    const double scale = static_cast<double>(static_cast<float>(1 / std::sqrt(double{1} * n)));
    for (std::uint32_t i = 0; i < n; ++i) {
        x[i] = rounded(v[i] * scale);
    }
}

} // namespace dossier::engine::plain
