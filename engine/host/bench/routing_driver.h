// SPDX-License-Identifier: Apache-2.0
// Which experts tokens choose in a benchmark: a synthetic model's own router knows no topics.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace dossier::engine::bench {

/// The locality driver. In every layer experts have popularities 1/rank^zipf, in an order of the
/// layer's own. A token keeps each expert of the token before with probability `persistence`; the
/// rest are drawn by popularity, all different. Branches that answer about one document choose
/// alike: each place is taken from a choice common to the batch with probability `agreement`.
///
/// Frozen 2026-11-24, fitted to published measurements of this model family (hit rate of the most
/// popular experts at a share of resident ones; in brackets the driver's): 500, 700 and 900 of
/// 11,008 slots: 40, 46, 52 % (33, 39, 43); 15 %: 54 % (55); 42 to 48.5 %: 81 % (79 to 82); LRU
/// with 700 slots: 8 to 18 % (21); experts of a layer alive in a long text: 240 to 248 of 256
/// (251); union over five related tokens: 17.5 of 30 (17.7).
struct Locality {
    double zipf = 0.8, persistence = 0.02, agreement = 0.56;
};

class RoutingDriver {
  public:
    struct Shape {
        std::uint32_t layers = 0, experts = 0, top = 0;
    };
    /// Uniform: any experts, independently. `seed` decides the draws, not the popularities.
    static RoutingDriver uniform(const Shape&, std::uint64_t seed);
    static RoutingDriver local(const Shape&, std::uint64_t seed, const Locality& = {});

    /// The next token of `rows` branches: [layers][kAnswerRows][top], as CudaControl::forceRouting
    /// takes it.
    std::vector<std::int64_t> next(std::uint32_t rows);

    /// How often each expert is chosen in `tokens` tokens: what a usage profile would hold.
    static std::vector<std::uint64_t> profile(RoutingDriver driver, std::uint64_t tokens);

  private:
    RoutingDriver(const Shape&, std::uint64_t seed, const Locality&);
    std::uint32_t draw(std::uint32_t layer);
    void fill(std::uint32_t layer, std::vector<std::uint32_t>& chosen);

    Shape m_shape;
    Locality m_locality;
    std::mt19937_64 m_random;
    std::vector<double> m_cumulative;                 ///< of the popularities
    std::vector<std::vector<std::uint32_t>> m_order;  ///< [layers]: expert of a rank
    std::vector<std::vector<std::uint32_t>> m_before; ///< [layers * rows]
};

} // namespace dossier::engine::bench
