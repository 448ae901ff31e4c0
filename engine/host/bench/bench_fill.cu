// SPDX-License-Identifier: Apache-2.0
// Rows of a sequence from a seed.
#include <algorithm>

#include "engine/host/bench/bench_model.h"

#include "engine/kernels/cuda/launch.h"
#include "engine/kernels/cuda/numeric.cuh"

namespace dossier::engine::bench {
namespace {

__device__ unsigned noise(unsigned seed, std::size_t i) {
    unsigned v = static_cast<unsigned>(i) * 2654435761u ^ seed * 2246822519u ^
                 static_cast<unsigned>(i >> 32) * 3266489917u;
    v ^= v >> 15;
    v *= 2246822519u;
    v ^= v >> 13;
    v *= 3266489917u;
    return v ^ v >> 16;
}

__global__ void rowsKernel(std::uint8_t* rows, std::size_t count, unsigned nope, unsigned rope,
                           unsigned rowBytes, unsigned seed) {
    for (std::size_t row = blockIdx.x; row < count; row += gridDim.x) {
        std::uint8_t* to = rows + row * rowBytes;
        for (unsigned i = threadIdx.x; i < rowBytes; i += blockDim.x) {
            const unsigned v = noise(seed, row * rowBytes + i);
            if (i < nope) { // e4m3 magnitudes up to 448, never NaN
                to[i] = static_cast<std::uint8_t>((v & 0x80u) | (v >> 8) % 0x7fu);
            } else if (i < nope + 2 * rope) { // bf16 in (-2, 2): the high byte decides
                to[i] = static_cast<std::uint8_t>(
                    (i - nope) % 2 == 0 ? v : (v & 0x80u) | (v >> 8) % 2 + 0x3eu);
            } else {
                to[i] =
                    i < nope + 2 * rope + nope / 64 ? static_cast<std::uint8_t>(117 + v % 3) : 0;
            }
        }
    }
}

__global__ void keysKernel(std::uint8_t* keys, std::size_t count, unsigned dims, unsigned seed) {
    const unsigned bytes = dims / 2 + dims / 32;
    const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
    for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count * bytes;
         i += step) {
        const unsigned v = noise(seed, i);
        keys[i] = static_cast<std::uint8_t>(i % bytes < dims / 2 ? v : 125 + v % 4);
    }
}

__global__ void floatsKernel(float* values, std::size_t count, unsigned seed) {
    const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
    for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
        values[i] = static_cast<float>(noise(seed, i)) * 0x1p-31f - 1.0f;
    }
}

unsigned blocksFor(std::uint64_t work, std::uint64_t most) {
    return static_cast<unsigned>(std::clamp<std::uint64_t>(work, 1, most));
}

} // namespace

void fillRows(std::byte* rows, std::uint64_t count, std::uint32_t nope, std::uint32_t rope,
              std::uint32_t rowBytes, std::uint32_t seed) {
    if (count > 0) {
        cuda::launch({}, "fill rows", rowsKernel, blocksFor(count, 1024), 128, 0,
                     reinterpret_cast<std::uint8_t*>(rows), count, nope, rope, rowBytes, seed);
    }
}
void fillKeys(std::byte* keys, std::uint64_t count, std::uint32_t dims, std::uint32_t seed) {
    if (count > 0) {
        cuda::launch({}, "fill keys", keysKernel, blocksFor(count, 1024), 256, 0,
                     reinterpret_cast<std::uint8_t*>(keys), count, dims, seed);
    }
}
void fillFloats(float* values, std::uint64_t count, std::uint32_t seed) {
    if (count > 0) {
        cuda::launch({}, "fill values", floatsKernel, blocksFor(count / 256, 256), 256, 0, values,
                     count, seed);
    }
}

} // namespace dossier::engine::bench
