// SPDX-License-Identifier: Apache-2.0
// Plain hyper-connections (mHC): mixing coefficients by Sinkhorn, combination of the streams.
#include <algorithm>
#include <array>
#include <cmath>

#include "engine/kernels/cpu/plain.h"
#include "engine/model/formats.h"

namespace dossier::engine::plain {
namespace {

double sigmoid(double x) {
    return 1 / (1 + std::exp(-x));
}

} // namespace

void hyperMix(const Bf16* streams, const F32Weight& fn, double eps, float* m) {
    double square = 0;
    for (std::uint32_t i = 0; i < fn.in; ++i) {
        const double x = static_cast<double>(bf16ToFloat(streams[i]));
        square += x * x;
    }
    const double norm = 1 / std::sqrt(square / fn.in + eps);
    for (std::uint32_t r = 0; r < fn.out; ++r) {
        const float* row = fn.values + std::size_t{r} * fn.in;
        double sum = 0;
        for (std::uint32_t i = 0; i < fn.in; ++i) {
            sum += static_cast<double>(bf16ToFloat(streams[i])) * static_cast<double>(row[i]);
        }
        // The linear layer itself is an FP32 operation; the norm factor comes after it.
        m[r] = static_cast<float>(static_cast<double>(static_cast<float>(sum)) * norm);
    }
}

void sinkhornSplit(const float* m, const float* scale, const float* base, std::uint32_t k,
                   std::uint32_t iterations, float eps32, float* pre, float* post, float* comb) {
    const double eps = static_cast<double>(eps32);
    const auto affine = [&](std::uint32_t i, std::uint32_t group) {
        return static_cast<double>(m[i]) * static_cast<double>(scale[group]) +
               static_cast<double>(base[i]);
    };
    for (std::uint32_t i = 0; i < k; ++i) {
        pre[i] = static_cast<float>(sigmoid(affine(i, 0)) + eps);
        post[i] = static_cast<float>(2 * sigmoid(affine(k + i, 1)));
    }
    std::array<double, 256> c;              // k <= 16
    for (std::uint32_t j = 0; j < k; ++j) { // softmax over the targets of source j
        double* row = c.data() + std::size_t{j} * k;
        for (std::uint32_t t = 0; t < k; ++t) {
            row[t] = affine(2 * k + j * k + t, 2);
        }
        const double top = *std::max_element(row, row + k);
        double sum = 0;
        for (std::uint32_t t = 0; t < k; ++t) {
            sum += row[t] = std::exp(row[t] - top);
        }
        for (std::uint32_t t = 0; t < k; ++t) {
            row[t] = row[t] / sum + eps;
        }
    }
    const auto normalise = [&](std::uint32_t first, std::uint32_t step) {
        double sum = 0;
        for (std::uint32_t i = 0; i < k; ++i) {
            sum += c[first + i * step];
        }
        for (std::uint32_t i = 0; i < k; ++i) {
            c[first + i * step] /= sum + eps;
        }
    };
    for (std::uint32_t pass = 0; pass < iterations; ++pass) {
        for (std::uint32_t j = 0; pass > 0 && j < k; ++j) {
            normalise(j * k, 1);
        }
        for (std::uint32_t t = 0; t < k; ++t) {
            normalise(t, k);
        }
    }
    std::transform(c.begin(), c.begin() + k * k, comb,
                   [](double v) { return static_cast<float>(v); });
}

void hyperCombine(const Bf16* streams, const float* pre, std::uint32_t k, std::uint32_t d,
                  Bf16* u) {
    for (std::uint32_t i = 0; i < d; ++i) {
        double sum = 0;
        for (std::uint32_t j = 0; j < k; ++j) {
            sum += static_cast<double>(pre[j]) *
                   static_cast<double>(bf16ToFloat(streams[std::size_t{j} * d + i]));
        }
        u[i] = floatToBf16(static_cast<float>(sum));
    }
}

void hyperOut(Bf16* streams, const Bf16* y, const float* post, const float* comb, std::uint32_t k,
              std::uint32_t d) {
    std::vector<double> x(k);
    for (std::uint32_t i = 0; i < d; ++i) {
        for (std::uint32_t j = 0; j < k; ++j) {
            x[j] = static_cast<double>(bf16ToFloat(streams[std::size_t{j} * d + i]));
        }
        for (std::uint32_t t = 0; t < k; ++t) {
            double sum = static_cast<double>(post[t]) * static_cast<double>(bf16ToFloat(y[i]));
            for (std::uint32_t j = 0; j < k; ++j) {
                sum += static_cast<double>(comb[std::size_t{j} * k + t]) * x[j];
            }
            streams[std::size_t{t} * d + i] = floatToBf16(static_cast<float>(sum));
        }
    }
}

void headMix(const float* m, float scale, const float* base, std::uint32_t k, float eps,
             float* pre) {
    for (std::uint32_t i = 0; i < k; ++i) {
        pre[i] = static_cast<float>(sigmoid(static_cast<double>(m[i]) * static_cast<double>(scale) +
                                            static_cast<double>(base[i])) +
                                    static_cast<double>(eps));
    }
}

} // namespace dossier::engine::plain
