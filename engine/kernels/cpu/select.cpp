// SPDX-License-Identifier: Apache-2.0
// The best entries of the indexer without sorting: scores are bf16 values, so a histogram of their
// order-preserving 16 bits finds the lowest score that is kept.
#include <algorithm>
#include <vector>

#include "engine/kernels/cpu/kernels.h"

namespace dossier::engine {

void selectByRank(const float* scores, std::uint64_t n, std::uint32_t count, std::int32_t* ids) {
    const auto rank = [](float score) {
        const Bf16 bits = floatToBf16(score == 0.0f ? 0.0f : score); // -0 ranks as +0
        return static_cast<std::uint16_t>(bits & 0x8000 ? ~bits : bits | 0x8000);
    };
    thread_local std::vector<std::uint32_t> t_histogram(65536);
    std::fill(t_histogram.begin(), t_histogram.end(), 0u);
    for (std::uint64_t j = 0; j < n; ++j) {
        ++t_histogram[rank(scores[j])];
    }
    std::uint32_t threshold = 65535, above = 0;
    while (above + t_histogram[threshold] < count) {
        above += t_histogram[threshold--];
    }
    std::uint32_t ties = count - above, taken = 0;
    for (std::uint64_t j = 0; j < n && taken < count; ++j) {
        const std::uint16_t r = rank(scores[j]);
        if (r > threshold || (r == threshold && ties > 0)) {
            ties -= r == threshold;
            ids[taken++] = static_cast<std::int32_t>(j);
        }
    }
}

} // namespace dossier::engine
