// SPDX-License-Identifier: Apache-2.0
#include "engine/host/bench/routing_driver.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/kernels/types.h"

namespace dossier::engine::bench {
namespace {

/// The same on every machine, unlike the distributions of the standard library.
double unit(std::mt19937_64& random) {
    return static_cast<double>(random() >> 11) * 0x1p-53;
}

} // namespace

RoutingDriver::RoutingDriver(const Shape& shape, std::uint64_t seed, const Locality& locality)
    : m_shape(shape), m_locality(locality), m_random(seed) {
    double sum = 0;
    for (std::uint32_t rank = 1; rank <= shape.experts; ++rank) {
        sum += std::pow(rank, -locality.zipf);
        m_cumulative.push_back(sum);
    }
    std::mt19937_64 orders(20261124); // popularities are the model's, not the text's
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
        std::vector<std::uint32_t> order(shape.experts);
        std::iota(order.begin(), order.end(), 0U);
        for (std::size_t i = order.size(); i > 1; --i) {
            std::swap(order[i - 1], order[orders() % i]);
        }
        m_order.push_back(std::move(order));
    }
    m_before.resize(std::size_t{shape.layers} * kAnswerRows);
}

RoutingDriver RoutingDriver::uniform(const Shape& shape, std::uint64_t seed) {
    return {shape, seed, {0, 0, 0}};
}

RoutingDriver RoutingDriver::local(const Shape& shape, std::uint64_t seed,
                                   const Locality& locality) {
    return {shape, seed, locality};
}

std::uint32_t RoutingDriver::draw(std::uint32_t layer) {
    const double at = unit(m_random) * m_cumulative.back();
    const auto found = std::lower_bound(m_cumulative.begin(), m_cumulative.end(), at);
    const auto rank = std::min<std::size_t>(static_cast<std::size_t>(found - m_cumulative.begin()),
                                            m_shape.experts - 1);
    return m_order[layer][rank];
}

void RoutingDriver::fill(std::uint32_t layer, std::vector<std::uint32_t>& chosen) {
    while (chosen.size() < m_shape.top) {
        const std::uint32_t expert = draw(layer);
        if (std::find(chosen.begin(), chosen.end(), expert) == chosen.end()) {
            chosen.push_back(expert);
        }
    }
}

std::vector<std::int64_t> RoutingDriver::next(std::uint32_t rows) {
    std::vector<std::int64_t> ids(std::size_t{m_shape.layers} * kAnswerRows * m_shape.top);
    std::vector<std::uint32_t> chosen, common;
    for (std::uint32_t layer = 0; layer < m_shape.layers; ++layer) {
        common.clear();
        if (rows > 1 && m_locality.agreement > 0) {
            fill(layer, common);
        }
        for (std::uint32_t row = 0; row < rows; ++row) {
            chosen.clear();
            const auto take = [&](const std::vector<std::uint32_t>& from, double probability) {
                for (const std::uint32_t expert : from) {
                    if (chosen.size() < m_shape.top && unit(m_random) < probability &&
                        std::find(chosen.begin(), chosen.end(), expert) == chosen.end()) {
                        chosen.push_back(expert);
                    }
                }
            };
            std::vector<std::uint32_t>& before = m_before[std::size_t{layer} * kAnswerRows + row];
            take(common, m_locality.agreement);
            take(before, m_locality.persistence);
            fill(layer, chosen);
            before = chosen;
            for (std::uint32_t k = 0; k < m_shape.top; ++k) {
                ids[(std::size_t{layer} * kAnswerRows + row) * m_shape.top + k] = chosen[k];
            }
        }
    }
    return ids;
}

std::vector<std::uint64_t> RoutingDriver::profile(RoutingDriver driver, std::uint64_t tokens) {
    const Shape& shape = driver.m_shape;
    std::vector<std::uint64_t> usage(std::size_t{shape.layers} * shape.experts);
    for (std::uint64_t token = 0; token < tokens; ++token) {
        const std::vector<std::int64_t> ids = driver.next(1);
        for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
            for (std::uint32_t k = 0; k < shape.top; ++k) {
                const std::int64_t expert = ids[std::size_t{layer} * kAnswerRows * shape.top + k];
                ++usage[std::size_t{layer} * shape.experts + static_cast<std::size_t>(expert)];
            }
        }
    }
    return usage;
}

} // namespace dossier::engine::bench
