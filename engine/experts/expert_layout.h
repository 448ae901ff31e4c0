// SPDX-License-Identifier: Apache-2.0
// A routed expert as one block of bytes: how it lies in VRAM slots, in pinned RAM and on disk.
//   w1 | w3 | w2 (values) | w1 | w3 | w2 (scales), each part padded to 256 bytes, the whole to
//   4096.
// For V4-Flash nothing is padded: 13,369,344 bytes.
#pragma once

#include "engine/kernels/types.h"
#include "engine/model/config.h"

namespace dossier::engine {

struct ExpertLayout {
    bool fp4 = true;
    std::uint32_t hidden = 0, inner = 0;
    std::uint64_t values[3] = {}; ///< offsets of w1, w3, w2
    std::uint64_t scales[3] = {};
    std::uint64_t valueBytes = 0;     ///< of each of the three
    std::uint64_t scaleBytes[3] = {}; ///< of w1, w3, w2
    std::uint64_t bytes = 0;

    /// The matrices of an expert whose block begins at `p`.
    constexpr ExpertParameters at(const std::uint8_t* p) const {
        ExpertParameters e;
        if (fp4) {
            e.w1 = {p + values[0], p + scales[0], inner, hidden};
            e.w3 = {p + values[1], p + scales[1], inner, hidden};
            e.w2 = {p + values[2], p + scales[2], hidden, inner};
        } else {
            e.w1Fp8 = {p + values[0], p + scales[0], inner, hidden};
            e.w3Fp8 = {p + values[1], p + scales[1], inner, hidden};
            e.w2Fp8 = {p + values[2], p + scales[2], hidden, inner};
        }
        return e;
    }
};

inline ExpertLayout expertLayout(std::uint32_t hidden, std::uint32_t inner, bool fp4) {
    ExpertLayout l;
    l.fp4 = fp4;
    l.hidden = hidden;
    l.inner = inner;
    const std::uint64_t count = std::uint64_t{hidden} * inner;
    const auto blocks = [](std::uint64_t n) { return (n + 127) / 128; };
    l.valueBytes = fp4 ? count / 2 : count;
    const std::uint64_t perMatrix = fp4 ? count / 32 : blocks(hidden) * blocks(inner);
    std::uint64_t at = 0;
    const auto place = [&](std::uint64_t bytes) {
        const std::uint64_t offset = at;
        at = (at + bytes + 255) / 256 * 256;
        return offset;
    };
    for (std::uint64_t& offset : l.values) {
        offset = place(l.valueBytes);
    }
    for (int i = 0; i < 3; ++i) {
        l.scaleBytes[i] = perMatrix;
        l.scales[i] = place(perMatrix);
    }
    l.bytes = (at + 4095) / 4096 * 4096;
    return l;
}
inline ExpertLayout expertLayout(const ModelConfig& c) {
    return expertLayout(c.hiddenSize, c.moeIntermediate,
                        c.expertFormat.value_or(ExpertFormat::Fp4) == ExpertFormat::Fp4);
}

} // namespace dossier::engine
