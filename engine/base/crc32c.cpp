// SPDX-License-Identifier: Apache-2.0
#include "engine/base/crc32c.h"

#include <array>
#include <cstring>

namespace dossier {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;

constexpr std::array<std::uint32_t, 256> makeByteTable() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) {
            crc = crc & 1 ? crc >> 1 ^ kPolynomial : crc >> 1;
        }
        table[i] = crc;
    }
    return table;
}
constexpr std::array<std::uint32_t, 256> kByteTable = makeByteTable();

/// The register (not inverted) after `data`.
std::uint32_t updatePlain(std::uint32_t state, std::span<const std::byte> data) {
    for (const std::byte byte : data) {
        state = state >> 8 ^ kByteTable[(state ^ std::to_integer<std::uint32_t>(byte)) & 0xFF];
    }
    return state;
}

#if defined(__x86_64__)

/// Three independent runs of this length hide the instruction's latency of three cycles.
constexpr std::size_t kRun = 2048;

/// What kRun zero bytes make of a register: linear, so one table for each of its bytes.
struct ShiftTable {
    std::array<std::array<std::uint32_t, 256>, 4> of;

    ShiftTable() {
        std::array<std::uint32_t, 32> column;
        static constexpr std::array<std::byte, kRun> zeros{};
        for (std::uint32_t bit = 0; bit < 32; ++bit) {
            column[bit] = updatePlain(std::uint32_t{1} << bit, zeros);
        }
        for (std::uint32_t byte = 0; byte < 4; ++byte) {
            for (std::uint32_t value = 0; value < 256; ++value) {
                std::uint32_t sum = 0;
                for (std::uint32_t bit = 0; bit < 8; ++bit) {
                    sum ^= value >> bit & 1 ? column[byte * 8 + bit] : 0;
                }
                of[byte][value] = sum;
            }
        }
    }
    std::uint32_t operator()(std::uint32_t state) const {
        return of[0][state & 0xFF] ^ of[1][state >> 8 & 0xFF] ^ of[2][state >> 16 & 0xFF] ^
               of[3][state >> 24];
    }
};

__attribute__((target("sse4.2"))) std::uint32_t updateFast(std::uint32_t state,
                                                           std::span<const std::byte> data) {
    static const ShiftTable shift;
    const auto word = [](const std::byte* at) {
        std::uint64_t value;
        std::memcpy(&value, at, sizeof value);
        return value;
    };
    const std::byte* at = data.data();
    const std::byte* const end = at + data.size();
    std::uint64_t a = state;
    while (static_cast<std::size_t>(end - at) >= 3 * kRun) {
        std::uint64_t b = 0, c = 0;
        for (const std::byte* const stop = at + kRun; at != stop; at += 8) {
            a = __builtin_ia32_crc32di(a, word(at));
            b = __builtin_ia32_crc32di(b, word(at + kRun));
            c = __builtin_ia32_crc32di(c, word(at + 2 * kRun));
        }
        at += 2 * kRun;
        a = shift(static_cast<std::uint32_t>(a)) ^ b;
        a = shift(static_cast<std::uint32_t>(a)) ^ c;
    }
    for (; end - at >= 8; at += 8) {
        a = __builtin_ia32_crc32di(a, word(at));
    }
    return updatePlain(static_cast<std::uint32_t>(a), {at, end});
}

std::uint32_t update(std::uint32_t state, std::span<const std::byte> data) {
    static const bool fast = __builtin_cpu_supports("sse4.2") != 0;
    return fast ? updateFast(state, data) : updatePlain(state, data);
}

#else

std::uint32_t update(std::uint32_t state, std::span<const std::byte> data) {
    return updatePlain(state, data);
}

#endif

} // namespace

std::uint32_t crc32c(std::span<const std::byte> data, std::uint32_t before) {
    return ~update(~before, data);
}

std::uint32_t detail::crc32cPlain(std::span<const std::byte> data, std::uint32_t before) {
    return ~updatePlain(~before, data);
}

} // namespace dossier
