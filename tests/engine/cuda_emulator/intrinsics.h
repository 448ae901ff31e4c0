// SPDX-License-Identifier: Apache-2.0
// Emulations of engine/kernels/cuda/intrinsics.cuh; put in front of every kernel source.
#pragma once

#define DOSSIER_CUDA_EMULATED

#include <array>
#include <cstdint>
#include <cstring>

#include "engine/model/formats.h"
#include "tests/engine/cuda_emulator/emulator.h"

namespace dossier::engine::cuda {

template<class T>
T* dynamicShared() {
    return reinterpret_cast<T*>(::cuda_emulator::g_dynamicShared);
}

using SharedAddress = std::uintptr_t;
inline SharedAddress sharedAddress(const void* p) {
    return reinterpret_cast<SharedAddress>(p);
}
inline void* atShared(SharedAddress at) {
    return reinterpret_cast<void*>(at); // NOLINT(performance-no-int-to-ptr)
}
template<class T>
T held(T v) {
    return v;
}
template<class T>
void loadShared(T& v, SharedAddress at) {
    if (at % sizeof(T) != 0) {
        __builtin_trap();
    }
    std::memcpy(&v, atShared(at), sizeof(T));
}

inline std::uint32_t packBf16(float low, float high) {
    return floatToBf16(low) | static_cast<std::uint32_t>(floatToBf16(high)) << 16;
}
inline std::uint32_t packBf16Relu(float low, float high) {
    return packBf16(low > 0 ? low : 0.0F, high > 0 ? high : 0.0F);
}
inline std::uint32_t multiplyBf16(std::uint32_t a, std::uint32_t b) {
    const auto half = [](std::uint32_t v, int i) {
        return bf16ToFloat(static_cast<Bf16>(v >> (16 * i)));
    };
    return packBf16(half(a, 0) * half(b, 0), half(a, 1) * half(b, 1));
}

inline float roughInverse(float v) {
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(1 / v) + 1); // rough on purpose
}

inline float f16ToFloat(std::uint16_t bits) {
    const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
    const std::uint32_t magnitude = bits & 0x7fffU;
    if (magnitude < 0x400U) { // subnormal: a multiple of 2^-24
        const float v = static_cast<float>(magnitude) * 0x1p-24F;
        return sign != 0 ? -v : v;
    }
    if (magnitude >= 0x7c00U) {
        return std::bit_cast<float>(sign | 0x7f800000U | (magnitude & 0x3ffU) << 13);
    }
    return std::bit_cast<float>(sign | ((magnitude << 13) + (112U << 23)));
}
inline std::uint16_t floatToF16(float value) {
    const auto v = static_cast<_Float16>(value);
    std::uint16_t bits = 0;
    std::memcpy(&bits, &v, 2);
    return bits;
}
inline std::uint32_t packF16(float low, float high) {
    return floatToF16(low) | static_cast<std::uint32_t>(floatToF16(high)) << 16;
}
inline std::uint32_t multiplyF16(std::uint32_t a, std::uint32_t b) {
    const auto half = [](std::uint32_t v, int i) {
        return f16ToFloat(static_cast<std::uint16_t>(v >> (16 * i)));
    };
    return packF16(half(a, 0) * half(b, 0), half(a, 1) * half(b, 1));
}
inline std::uint32_t halvesFromE4m3(std::uint32_t two) {
    static const auto table = [] {
        std::array<std::uint16_t, 256> codes{};
        for (unsigned i = 0; i < 256; ++i) {
            codes[i] = floatToF16(e4m3ToFloat(static_cast<std::uint8_t>(i)));
        }
        return codes;
    }();
    return table[two & 0xff] | static_cast<std::uint32_t>(table[two >> 8 & 0xff]) << 16;
}

/// The fragment layouts of m16n8k16 as the PTX manual gives them. `toFloat` is a function object,
/// so that it is inlined: most of the time of the emulated tests is spent here.
template<class ToFloat>
void mmaEmulated(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1,
                 ToFloat toFloat) {
    using Pair __attribute__((vector_size(16))) = double;
    struct Fragments { // as floats: the lower half of a register first
        float a[8], b[4];
        std::uint32_t bits = 0; // of all of a but the signs
        bool finite = true;     // all of b: zero times what is not a number is none
    };
    Fragments mine;
    for (int i = 0; i < 4; ++i) {
        mine.bits |= a[i] & 0x7FFF7FFFu;
        mine.a[2 * i] = toFloat(static_cast<std::uint16_t>(a[i]));
        mine.a[2 * i + 1] = toFloat(static_cast<std::uint16_t>(a[i] >> 16));
    }
    mine.b[0] = toFloat(static_cast<std::uint16_t>(b0));
    mine.b[1] = toFloat(static_cast<std::uint16_t>(b0 >> 16));
    mine.b[2] = toFloat(static_cast<std::uint16_t>(b1));
    mine.b[3] = toFloat(static_cast<std::uint16_t>(b1 >> 16));
    for (const float b : mine.b) {
        mine.finite = mine.finite && b - b == 0;
    }
    const auto all = ::cuda_emulator::exchange(mine);
    const unsigned lane = ::cuda_emulator::g_thread->lane, g = lane / 4, t = lane % 4;
    std::uint32_t bits = 0;
    bool finite = true;
    for (unsigned q = 0; q < 4; ++q) {
        bits |= all.at(g * 4 + q).bits;
        finite = finite && all.at(2 * t * 4 + q).finite && all.at((2 * t + 1) * 4 + q).finite;
    }
    if (bits == 0 && finite) { // most of a tile that few rows are in
        return;
    }
    // Two columns side by side; [k] in the order of the sum.
    Pair rowLow[16], rowHigh[16], columns[16];
    for (unsigned q = 0; q < 4; ++q) {
        const Fragments& f = all.at(g * 4 + q);
        const Fragments &first = all.at(2 * t * 4 + q), &second = all.at((2 * t + 1) * 4 + q);
        for (unsigned i = 0; i < 2; ++i) {
            const unsigned k = 2 * q + i;
            rowLow[k] = Pair{f.a[i], f.a[i]};
            rowHigh[k] = Pair{f.a[2 + i], f.a[2 + i]};
            rowLow[8 + k] = Pair{f.a[4 + i], f.a[4 + i]};
            rowHigh[8 + k] = Pair{f.a[6 + i], f.a[6 + i]};
            columns[k] = Pair{first.b[i], second.b[i]};
            columns[8 + k] = Pair{first.b[2 + i], second.b[2 + i]};
        }
    }
    Pair low{d[0], d[1]}, high{d[2], d[3]};
    for (int k = 0; k < 16; ++k) {
        low += rowLow[k] * columns[k];
        high += rowHigh[k] * columns[k];
    }
    for (int i = 0; i < 2; ++i) {
        d[i] = static_cast<float>(low[i]);
        d[2 + i] = static_cast<float>(high[i]);
    }
}
inline void mmaF16(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
    mmaEmulated(d, a, b0, b1, [](std::uint16_t bits) { return f16ToFloat(bits); });
}
inline void mmaF16First(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                        std::uint32_t b1) {
    d[0] = d[1] = d[2] = d[3] = 0;
    mmaF16(d, a, b0, b1);
}
inline void mmaBf16(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                    std::uint32_t b1) {
    mmaEmulated(d, a, b0, b1, [](std::uint16_t bits) { return bf16ToFloat(bits); });
}

#define DOSSIER_HAVE_WGMMA 1
constexpr std::uintptr_t kSwapAlignment = 1024;

/// 32 bytes of a row of a tile whose segments of 16 are swapped by row (128-byte swizzle of the PTX
/// manual); `at` is the tile, which begins at a multiple of 1024, plus the first byte in the row.
inline void swappedRow(std::uint8_t (&bytes)[32], SharedAddress at, unsigned row) {
    const SharedAddress tile = at / kSwapAlignment * kSwapAlignment;
    const auto segment = static_cast<unsigned>(at % kSwapAlignment) / 16;
    for (unsigned i = 0; i < 2; ++i) {
        std::memcpy(bytes + 16 * i, atShared(tile + row * 128 + ((segment + i) ^ (row & 7)) * 16),
                    16);
    }
}
/// The layout of D as the PTX manual gives it. A real one reads the tiles later, until it is waited
/// for.
inline void wgmmaE4m3(float (&d)[64], SharedAddress a, SharedAddress b, bool add) {
    static const auto values = [] {
        std::array<float, 256> table{};
        for (unsigned i = 0; i < 256; ++i) {
            table[i] = e4m3ToFloat(static_cast<std::uint8_t>(i));
        }
        return table;
    }();
    if (a % kSwapAlignment % 32 != 0 || a % kSwapAlignment > 96 ||
        b % kSwapAlignment != a % kSwapAlignment) {
        __builtin_trap();
    }
    const unsigned lane = ::cuda_emulator::g_thread->lane;
    const unsigned warp = threadIdx.x / 32 % 4;
    double rows[2][32];
    unsigned bits = 0; // of the rows but their signs: most of a tile may be zeros
    for (unsigned h = 0; h < 2; ++h) {
        std::uint8_t bytes[32];
        swappedRow(bytes, a, 16 * warp + lane / 4 + 8 * h);
        for (unsigned k = 0; k < 32; ++k) {
            bits |= bytes[k] & 0x7FU;
            rows[h][k] = double{values[bytes[k]]};
        }
    }
    for (unsigned j = 0; j < 16; ++j) {
        for (unsigned i = 0; i < 2; ++i) {
            std::uint8_t bytes[32];
            swappedRow(bytes, b, 8 * j + lane % 4 * 2 + i);
            bool number = true; // zero times what is not a number is none
            for (const std::uint8_t byte : bytes) {
                number = number && (byte & 0x7FU) != 0x7FU;
            }
            float* to = d + 4 * j + i;
            double sums[2] = {add ? double{to[0]} : 0.0, add ? double{to[2]} : 0.0};
            if (bits != 0 || !number) {
                for (unsigned k = 0; k < 32; ++k) {
                    const double w = double{values[bytes[k]]};
                    sums[0] += rows[0][k] * w;
                    sums[1] += rows[1][k] * w;
                }
            }
            to[0] = static_cast<float>(sums[0]);
            to[2] = static_cast<float>(sums[1]);
        }
    }
}
inline void wgmmaFence() {}
inline void wgmmaCommit() {}
template<int N>
void wgmmaWait(float (&)[64]) {}
inline void showToTensorCores() {}

inline void ldmatrix4(std::uint32_t (&r)[4], const void* row) {
    if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0) {
        __builtin_trap();
    }
    const auto rows = ::cuda_emulator::exchange(row);
    const unsigned lane = ::cuda_emulator::g_thread->lane;
    for (unsigned i = 0; i < 4; ++i) {
        const auto* from = static_cast<const unsigned char*>(rows[8 * i + lane / 4]);
        std::memcpy(&r[i], from + lane % 4 * 4, 4);
    }
    ::cuda_emulator::warpBarrier(); // nobody writes the rows before everybody has read them
}
inline void ldmatrix4(std::uint32_t (&r)[4], SharedAddress row) {
    ldmatrix4(r, atShared(row));
}
inline void ldmatrix4Transposed(std::uint32_t (&r)[4], const void* row) {
    if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0) {
        __builtin_trap();
    }
    const auto rows = ::cuda_emulator::exchange(row);
    const unsigned lane = ::cuda_emulator::g_thread->lane;
    for (unsigned i = 0; i < 4; ++i) {
        std::uint16_t pair[2];
        for (unsigned c = 0; c < 2; ++c) {
            const auto* from = static_cast<const unsigned char*>(rows[8 * i + lane % 4 * 2 + c]);
            std::memcpy(&pair[c], from + lane / 4 * 2, 2);
        }
        r[i] = pair[0] | static_cast<std::uint32_t>(pair[1]) << 16;
    }
    ::cuda_emulator::warpBarrier();
}

inline void copyAsync(void* shared, const void* global, bool valid) {
    if ((reinterpret_cast<std::uintptr_t>(shared) | reinterpret_cast<std::uintptr_t>(global)) %
            16 !=
        0) {
        __builtin_trap();
    }
    std::memset(shared, 0xff, 16); // nobody may look before the copy has been waited for
    ::cuda_emulator::g_thread->open.push_back({shared, valid ? global : nullptr, 16});
}
inline void copyAsync(void* shared, const void* global) {
    copyAsync(shared, global, true);
}
inline void copyAsync(SharedAddress shared, const void* global) {
    copyAsync(atShared(shared), global);
}
inline void copyAsync(SharedAddress shared, const void* global, bool valid) {
    copyAsync(atShared(shared), global, valid);
}
inline void copyAsync4(SharedAddress at, const void* global) {
    void* shared = atShared(at);
    if ((at | reinterpret_cast<std::uintptr_t>(global)) % 4 != 0) {
        __builtin_trap();
    }
    std::memset(shared, 0xff, 4);
    ::cuda_emulator::g_thread->open.push_back({shared, global, 4});
}
inline void copyCommit() {
    auto& thread = *::cuda_emulator::g_thread;
    thread.groups.push_back(std::move(thread.open));
    thread.open.clear();
}
template<int N>
void copyWait() {
    auto& groups = ::cuda_emulator::g_thread->groups;
    while (groups.size() > N) {
        for (const auto& copy : groups.front()) {
            if (copy.from) {
                std::memcpy(copy.to, copy.from, copy.bytes);
            } else {
                std::memset(copy.to, 0, copy.bytes);
            }
        }
        groups.pop_front();
    }
}

inline uint4 loadOnce(const void* p) {
    uint4 v;
    std::memcpy(&v, p, 16);
    return v;
}
inline void waitForPrevious() {}
inline void letNextStart() {}
inline std::uint32_t loadFromHost(const std::uint32_t* p) {
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}
inline void storeToHost(std::uint32_t* p, std::uint32_t v) {
    __atomic_store_n(p, v, __ATOMIC_RELEASE);
}

} // namespace dossier::engine::cuda
