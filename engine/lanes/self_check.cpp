// SPDX-License-Identifier: Apache-2.0
#include "engine/lanes/self_check.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "engine/base/crc32c.h"

namespace dossier::engine {
namespace {

constexpr std::uint32_t kLargest = 8, kSpread = 120;

/// Root mean square of the differences over the deviation of the stored values, above which two
/// states are not the same. Between correct engines a position shows 0.03 on average and 0.2 at
/// worst (a flipped rounding decides for another expert); unrelated states show 1.4.
constexpr double kMostError = 0.5;

} // namespace

std::vector<float> probeLogits(Forward& forward, Operations& ops, Sequence& lane,
                               const Frontier& frontier, std::stop_token stop) {
    const auto fork = lane.forkAt(frontier.position);
    applyFrontier(ops, forward.config(), frontier, *fork);
    const Token token = forward.config().bosToken;
    const Forward::Piece piece{fork.get(), {&token, 1}};
    const std::uint32_t row = 0;
    return forward.run({&piece, 1}, {&row, 1}, {}, std::move(stop), Path::Answering);
}

Probe makeProbe(const ModelConfig& config, std::span<const float> logits) {
    Probe probe;
    probe.token = config.bosToken;
    probe.checksum = crc32c(std::as_bytes(logits));
    std::vector<std::uint32_t> ids(logits.size());
    std::iota(ids.begin(), ids.end(), 0u);
    const std::size_t largest = std::min<std::size_t>(kLargest, ids.size());
    std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(largest), ids.end(),
                      [&](std::uint32_t a, std::uint32_t b) {
                          return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
                      });
    for (std::size_t i = 0; i < largest; ++i) {
        probe.samples.push_back({ids[i], logits[ids[i]]});
    }
    const auto step =
        std::max<std::uint32_t>(1, static_cast<std::uint32_t>(logits.size()) / kSpread);
    for (std::uint32_t id = 0; id < logits.size(); id += step) {
        probe.samples.push_back({id, logits[id]});
    }
    return probe;
}

ProbeMatch compareProbe(const Probe& stored, std::span<const float> logits) {
    if (stored.checksum == crc32c(std::as_bytes(logits))) {
        return ProbeMatch::Equal;
    }
    double sum = 0, squares = 0, error = 0;
    std::size_t count = 0;
    for (const Probe::Sample& sample : stored.samples) {
        if (sample.id >= logits.size() || !std::isfinite(sample.logit) ||
            !std::isfinite(logits[sample.id])) {
            return ProbeMatch::Different;
        }
        const double difference = double{sample.logit} - double{logits[sample.id]};
        sum += double{sample.logit};
        squares += double{sample.logit} * double{sample.logit};
        error += difference * difference;
        ++count;
    }
    if (count == 0) {
        return ProbeMatch::Different;
    }
    const auto n = static_cast<double>(count);
    const double variance = squares / n - sum / n * (sum / n);
    return error / n <= kMostError * kMostError * std::max(variance, 1e-12) ? ProbeMatch::Close
                                                                            : ProbeMatch::Different;
}

} // namespace dossier::engine
