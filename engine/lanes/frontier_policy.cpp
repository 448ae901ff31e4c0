// SPDX-License-Identifier: Apache-2.0
#include "engine/lanes/frontier_policy.h"

#include <algorithm>
#include <cmath>

namespace dossier::engine {
namespace {

/// Document ends may add this much to the bytes of the rows.
constexpr double kShareOfRows = 0.25;

} // namespace

FrontierPolicy::FrontierPolicy(std::uint64_t superChunk, std::uint64_t frontierBytes,
                               double rowBytesPerToken)
    : m_superChunk(superChunk), m_documentSpacing(kFrontierSpacing) {
    const double tokens =
        static_cast<double>(frontierBytes) / std::max(kShareOfRows * rowBytesPerToken, 1e-9);
    m_documentSpacing =
        std::max(kFrontierSpacing,
                 lane::aligned(static_cast<std::uint64_t>(std::min(tokens, 1e9)), kFrontierStep));
}

std::uint64_t FrontierPolicy::chunkEnd(std::uint64_t position) const {
    return (position / m_superChunk + 1) * m_superChunk;
}

bool FrontierPolicy::wanted(std::uint64_t position, std::uint64_t last) const {
    const std::uint64_t distance = position - last;
    return distance >= m_documentSpacing ||
           (position % m_superChunk == 0 && distance >= kFrontierSpacing);
}

std::vector<std::uint64_t> FrontierPolicy::select(std::uint64_t begin,
                                                  std::span<const std::uint64_t> captured) const {
    std::vector<std::uint64_t> kept;
    std::uint64_t last = begin;
    for (const std::uint64_t position : captured) {
        if (position > last && wanted(position, last)) {
            kept.push_back(position);
            last = position;
        }
    }
    return kept;
}

std::vector<std::uint64_t> FrontierPolicy::captures(std::uint64_t begin,
                                                    std::span<const std::uint64_t> captured,
                                                    std::uint64_t from, std::uint64_t to,
                                                    std::span<const LaneMark> marks) const {
    const std::vector<std::uint64_t> kept = select(begin, captured);
    std::uint64_t last = kept.empty() ? begin : kept.back();
    std::vector<std::uint64_t> result;
    const auto consider = [&](std::uint64_t position) {
        if (position > from && position <= to && position > last && wanted(position, last)) {
            result.push_back(position);
            last = position;
        }
    };
    for (const LaneMark& mark : marks) {
        consider(mark.end / kFrontierStep * kFrontierStep);
    }
    if (to % m_superChunk == 0) {
        consider(to);
    }
    return result;
}

bool FrontierPolicy::due(std::uint64_t begin, std::uint64_t position) const {
    const std::uint64_t end = lane::aligned(begin + kFrontierSpacing, m_superChunk);
    return position >= end;
}

} // namespace dossier::engine
