// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace dossier::engine {
namespace {

/// SplitMix64: a uniform number in [0, 1) from a counter.
double uniform(std::uint64_t seed, std::uint64_t step) {
    std::uint64_t z = seed * 0x9E3779B97F4A7C15u + (step + 1) * 0xD1B54A32D192ED03u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

struct Candidate {
    Token token = 0;
    double p = 0;
};

/// Candidates by falling probability, cut by top-k, top-p and min-p; not normalised.
std::vector<Candidate> candidates(std::span<const float> logits, std::vector<Token> allowed,
                                  const GenerateOptions& options) {
    const auto better = [&](Token a, Token b) {
        const float x = logits[static_cast<std::size_t>(a)],
                    y = logits[static_cast<std::size_t>(b)];
        return x != y ? x > y : a < b;
    };
    std::size_t kept = allowed.size();
    if (options.topK > 0 && options.topK < kept) {
        kept = options.topK;
        std::nth_element(allowed.begin(), allowed.begin() + static_cast<std::ptrdiff_t>(kept),
                         allowed.end(), better);
        allowed.resize(kept);
    }
    std::sort(allowed.begin(), allowed.end(), better);
    std::vector<Candidate> result;
    const double top = static_cast<double>(logits[static_cast<std::size_t>(allowed.front())]);
    double sum = 0;
    for (const Token token : allowed) {
        const double p =
            std::exp((static_cast<double>(logits[static_cast<std::size_t>(token)]) - top) /
                     options.temperature);
        result.push_back({token, p});
        sum += p;
    }
    std::size_t count = 0;
    for (double mass = 0; count < result.size(); ++count) {
        if (count > 0 && (mass >= options.topP * sum || result[count].p < options.minP)) {
            break; // minP is relative to the most probable token, whose p is 1 here
        }
        mass += result[count].p;
    }
    result.resize(count);
    return result;
}

Token draw(const std::vector<Candidate>& from, double u) {
    double sum = 0;
    for (const Candidate& c : from) {
        sum += c.p;
    }
    double at = u * sum;
    for (const Candidate& c : from) {
        at -= c.p;
        if (at < 0) {
            return c.token;
        }
    }
    return from.back().token;
}

} // namespace

double logSumExp(std::span<const float> logits) {
    const double top = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
    double sum = 0;
    for (const float x : logits) {
        sum += std::exp(static_cast<double>(x) - top);
    }
    return top + std::log(sum);
}

Token greedyToken(std::span<const float> logits) {
    return static_cast<Token>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

Token sampleToken(std::span<const float> logits, const GenerateOptions& options,
                  std::uint64_t step) {
    if (options.temperature <= 0) {
        return greedyToken(logits);
    }
    std::vector<Token> all(logits.size());
    std::iota(all.begin(), all.end(), 0);
    return draw(candidates(logits, std::move(all), options), uniform(options.seed, step));
}

std::optional<Token> sampleAccepted(std::span<const float> logits, const GenerateOptions& options,
                                    std::uint64_t step,
                                    const std::function<bool(Token)>& accepted) {
    std::vector<Token> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    if (options.temperature <= 0) {
        // Walk down in growing prefixes: a full sort of the vocabulary is rarely needed.
        const auto better = [&](Token a, Token b) {
            const float x = logits[static_cast<std::size_t>(a)];
            const float y = logits[static_cast<std::size_t>(b)];
            return x != y ? x > y : a < b;
        };
        for (std::size_t done = 0, part = 64; done < order.size(); part *= 8) {
            const std::size_t end = std::min(order.size(), done + part);
            std::partial_sort(order.begin() + static_cast<std::ptrdiff_t>(done),
                              order.begin() + static_cast<std::ptrdiff_t>(end), order.end(),
                              better);
            for (; done < end; ++done) {
                if (accepted(order[done])) {
                    return order[done];
                }
            }
        }
        return std::nullopt;
    }
    std::erase_if(order, [&](Token token) { return !accepted(token); });
    if (order.empty()) {
        return std::nullopt;
    }
    return draw(candidates(logits, std::move(order), options), uniform(options.seed, step));
}

} // namespace dossier::engine
