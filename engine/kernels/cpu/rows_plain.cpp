// SPDX-License-Identifier: Apache-2.0
// Packed key/value rows and index keys: lossless, because their values were quantised before.
#include <cstring>

#include "engine/kernels/cpu/plain.h"
#include "engine/model/formats.h"

namespace dossier::engine::plain {
namespace {

constexpr std::uint32_t kRowBlock = 64, kKeyBlock = 32;

} // namespace

void packRow(const Bf16* x, const KvRowLayout& layout, std::byte* row) {
    const std::uint32_t plain = layout.nope;
    auto* bytes = reinterpret_cast<std::uint8_t*>(row);
    std::memset(bytes, 0, layout.bytes);
    std::uint8_t* scales = bytes + layout.scaleOffset;
    float block[kRowBlock];
    for (std::uint32_t b = 0; b < plain / kRowBlock; ++b) {
        for (std::uint32_t i = 0; i < kRowBlock; ++i) {
            block[i] = bf16ToFloat(x[b * kRowBlock + i]);
        }
        quantiseE4m3(block, kRowBlock, {bytes + b * kRowBlock, kRowBlock}, {scales + b, 1});
    }
    std::memcpy(bytes + plain, x + plain, std::size_t{2} * layout.rope);
}

void unpackRow(const std::byte* row, const KvRowLayout& layout, Bf16* x) {
    const std::uint32_t plain = layout.nope;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(row);
    const std::uint8_t* scales = bytes + layout.scaleOffset;
    for (std::uint32_t i = 0; i < plain; ++i) {
        x[i] = floatToBf16(e4m3ToFloat(bytes[i]) * e8m0ToFloat(scales[i / kRowBlock]));
    }
    std::memcpy(x + plain, bytes + plain, std::size_t{2} * layout.rope);
}

void packKey(const Bf16* x, std::uint32_t dims, std::byte* key) {
    auto* bytes = reinterpret_cast<std::uint8_t*>(key);
    float block[kKeyBlock];
    for (std::uint32_t b = 0; b < dims / kKeyBlock; ++b) {
        for (std::uint32_t i = 0; i < kKeyBlock; ++i) {
            block[i] = bf16ToFloat(x[b * kKeyBlock + i]);
        }
        quantiseE2m1(block, {bytes + b * kKeyBlock / 2, kKeyBlock / 2}, {bytes + dims / 2 + b, 1});
    }
}

void unpackKey(const std::byte* key, std::uint32_t dims, Bf16* x) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(key);
    for (std::uint32_t i = 0; i < dims; ++i) {
        const std::uint8_t nibble = (i % 2 ? bytes[i / 2] >> 4 : bytes[i / 2]) & 15;
        x[i] = floatToBf16(e2m1ToFloat(nibble) * e8m0ToFloat(bytes[dims / 2 + i / kKeyBlock]));
    }
}

void fp4Simulate(Bf16* x, std::uint32_t columns) {
    float block[kKeyBlock];
    for (std::uint32_t b = 0; b < columns / kKeyBlock; ++b) {
        Bf16* p = x + b * kKeyBlock;
        for (std::uint32_t i = 0; i < kKeyBlock; ++i) {
            block[i] = bf16ToFloat(p[i]);
        }
        simulateE2m1(block);
        for (std::uint32_t i = 0; i < kKeyBlock; ++i) {
            p[i] = floatToBf16(block[i]);
        }
    }
}

} // namespace dossier::engine::plain
