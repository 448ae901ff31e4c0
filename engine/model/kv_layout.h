// SPDX-License-Identifier: Apache-2.0
// How key/value rows and index keys are packed: lossless, because the model itself rounds them to
// these formats before it uses them.
//
// KV row of a head of D = nope + rope values (584 bytes at D = 512, rope 64):
//   [0, nope)                       e4m3 codes of the values that do not rotate
//   [nope, nope + 2*rope)           bf16, little-endian, the rotated values
//   [.., + nope/64)                 e8m0 scales, one per 64 codes
//   zeros up to the next multiple of 8
// Index key of w values (68 bytes at w = 128): w/2 bytes of e2m1 pairs (low nibble first), then
// w/32 e8m0 scales; not padded.
#pragma once

#include <cstdint>

#include "engine/model/config.h"

namespace dossier::engine {

struct KvRowLayout {
    std::uint32_t nope = 0, rope = 0;
    std::uint32_t ropeOffset = 0, scaleOffset = 0;
    std::uint32_t scales = 0;
    std::uint32_t bytes = 0; ///< of a row, padded
};
constexpr KvRowLayout kvRowLayout(std::uint32_t headDim, std::uint32_t ropeDim) {
    KvRowLayout row;
    row.nope = headDim - ropeDim;
    row.rope = ropeDim;
    row.ropeOffset = row.nope;
    row.scaleOffset = row.nope + 2 * ropeDim;
    row.scales = row.nope / 64;
    row.bytes = (row.scaleOffset + row.scales + 7) / 8 * 8;
    return row;
}
inline KvRowLayout kvRowLayout(const ModelConfig& c) {
    return kvRowLayout(c.headDim, c.ropeDim);
}

constexpr std::uint32_t indexKeyBytes(std::uint32_t indexHeadDim) {
    return indexHeadDim / 2 + indexHeadDim / 32;
}

static_assert(kvRowLayout(512, 64).bytes == 584 && indexKeyBytes(128) == 68);

} // namespace dossier::engine
