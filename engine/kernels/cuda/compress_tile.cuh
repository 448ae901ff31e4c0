// SPDX-License-Identifier: Apache-2.0
// Softmax pooling of a block of tokens into one row or index key, by a block of threads.
#pragma once

#include "engine/kernels/cuda/compress_kernels.h"
#include "engine/kernels/cuda/packing.cuh"

namespace dossier::engine::cuda {

/// Projections of the token at position t: in this batch, or in the ring.
struct Tokens {
    const float *batchA, *batchS, *ape;
    float *ringA, *ringS;
    unsigned first, columns, ring, ratio;

    __device__ Tokens(const CompressParameters& p, const DeviceSegment& segment,
                      const LayerState& state)
        : batchA(p.a + std::size_t{segment.row} * p.overlap * p.width),
          batchS(p.s + std::size_t{segment.row} * p.overlap * p.width),
          ape(p.ape),
          ringA(p.index ? state.indexA : state.mainA),
          ringS(p.index ? state.indexS : state.mainS),
          first(segment.position),
          columns(p.overlap * p.width),
          ring(p.overlap * p.ratio),
          ratio(p.ratio) {}

    __device__ float a(unsigned t, unsigned column) const {
        return t >= first ? batchA[std::size_t{t - first} * columns + column]
                          : ringA[std::size_t{t % ring} * columns + column];
    }
    __device__ float s(unsigned t, unsigned column) const {
        return t >= first ? batchS[std::size_t{t - first} * columns + column] +
                                ape[std::size_t{t % ratio} * columns + column]
                          : ringS[std::size_t{t % ring} * columns + column];
    }
    __device__ void keep(unsigned t) const {
        for (unsigned c = threadIdx.x; c < columns; c += blockDim.x) {
            const float value = a(t, c), gate = s(t, c);
            ringA[std::size_t{t % ring} * columns + c] = value;
            ringS[std::size_t{t % ring} * columns + c] = gate;
        }
    }
};

/// The softmax-weighted mean of value(k) by score(k), k < slots. In float64: an entry is read by
/// all later tokens, and the work is small.
template<class Score, class Value>
__device__ __forceinline__ double pool(unsigned slots, Score score, Value value) {
    constexpr unsigned kFew = 8;
    double weights = 0, sum = 0;
    const auto add = [&](float s, float v, float top) {
        const double w = exp(double{s} - double{top});
        weights += w;
        sum += w * double{v};
    };
    float top = __uint_as_float(0xff800000u);
    if (slots <= kFew) { // all at once: a single token waits for every one of these loads
        float s[kFew], v[kFew];
#pragma unroll
        for (unsigned k = 0; k < kFew; ++k) {
            s[k] = k < slots ? score(k) : top;
            v[k] = k < slots ? value(k) : 0;
        }
#pragma unroll
        for (unsigned k = 0; k < kFew; ++k) {
            top = fmaxf(top, s[k]);
        }
#pragma unroll
        for (unsigned k = 0; k < kFew; ++k) {
            if (k < slots) {
                add(s[k], v[k], top);
            }
        }
    } else {
#pragma unroll 4
        for (unsigned k = 0; k < slots; ++k) {
            top = fmaxf(top, score(k));
        }
#pragma unroll 4
        for (unsigned k = 0; k < slots; ++k) {
            add(score(k), value(k), top);
        }
    }
    return sum / weights;
}

/// Pools block j into `values` (shared), normed and rotated.
__device__ __forceinline__ void poolBlock(const CompressParameters& p, const Tokens& tokens,
                                          unsigned j, Bf16* values, double* sums) {
    const unsigned begin = j * p.ratio;
    const unsigned before = p.overlap == 2 && j > 0 ? p.ratio : 0;
    double square = 0;
    for (unsigned i = threadIdx.x; i < p.width; i += blockDim.x) {
        // Of the previous block the first half of the columns, of this one the last.
        const unsigned own = p.overlap * p.width - p.width + i;
        const auto time = [&](unsigned k) { return begin + k - before; };
        const auto column = [&](unsigned k) { return k < before ? i : own; };
        const double mean = pool(
            before + p.ratio, [&](unsigned k) { return tokens.s(time(k), column(k)); },
            [&](unsigned k) { return tokens.a(time(k), column(k)); });
        const float e = rounded(static_cast<float>(mean));
        square += double{e * e};
        values[i] = toBf16(e);
    }
    square = blockSum(square, sums);
    const double root = 1.0 / sqrt(square / double(p.width) + double{p.eps});
    __syncthreads();
    const unsigned rope = p.layout.rope, first = (p.width - rope) / 2;
    for (unsigned i = threadIdx.x; i < p.width / 2; i += blockDim.x) {
        const std::uint32_t w = reinterpret_cast<const std::uint32_t*>(p.norm)[i];
        std::uint32_t pair = normPair(w, reinterpret_cast<std::uint32_t*>(values)[i], root);
        if (i >= first) {
            const float2 turn = cosSin(static_cast<float>(begin), p.frequencies[i - first]);
            pair = rotatePair(pair, turn.x, turn.y);
        }
        reinterpret_cast<std::uint32_t*>(values)[i] = pair;
    }
    __syncthreads();
}

/// Hadamard, FP4 and packing of an index key by one warp.
__device__ __forceinline__ void packKey(const Bf16* values, unsigned dims, std::byte* out) {
    constexpr unsigned kMaxIndexValues = 8; // index_head_dim / 32
    const unsigned lane = threadIdx.x % 32, n = dims / 32;
    float v[kMaxIndexValues];
#pragma unroll
    for (unsigned i = 0; i < kMaxIndexValues; ++i) {
        v[i] = i < n ? fromBf16(values[lane * n + i]) : 0.0f;
    }
    hadamard(v, dims);
    const std::uint32_t byte = e2m1Scale(v, dims);
    const float inverse = inverseE8m0(byte);
    auto* bytes = reinterpret_cast<std::uint8_t*>(out);
    if (n == 1) { // two lanes share a byte
        const std::uint32_t code = toE2m1(v[0] * inverse);
        const std::uint32_t next = __shfl_xor_sync(kAllLanes, code, 1);
        if (lane % 2 == 0) {
            bytes[lane / 2] = static_cast<std::uint8_t>(code | next << 4);
        }
    } else {
#pragma unroll
        for (unsigned i = 0; i < kMaxIndexValues; i += 2) {
            if (i < n) {
                bytes[(lane * n + i) / 2] = static_cast<std::uint8_t>(
                    toE2m1(v[i] * inverse) | toE2m1(v[i + 1] * inverse) << 4);
            }
        }
    }
    if (lane * n % 32 == 0) {
        bytes[dims / 2 + lane * n / 32] = static_cast<std::uint8_t>(byte);
    }
}

__device__ __forceinline__ void compressBlock(const CompressParameters& p, const Tokens& tokens,
                                              const LayerState& state, unsigned j, Bf16* values,
                                              double* sums) {
    poolBlock(p, tokens, j, values, sums);
    const RowExtent& extent = p.index ? state.keys : state.entries;
    const std::uint64_t own = j - extent.sharedRows;
    if (p.index) {
        if (threadIdx.x < 32) {
            packKey(values, p.width, extent.own + own * indexKeyBytes(p.width));
        }
    } else {
        packRow(values, p.layout, extent.own + own * p.layout.bytes);
    }
}

/// Answering: the entry that a segment's only token completes, if any; the ring is written when its
/// old tokens have been read.
__device__ __forceinline__ void compressOne(const CompressParameters& p, unsigned segmentIndex,
                                            Bf16* values, double* sums) {
    const DeviceSegment segment = p.segments[segmentIndex];
    const LayerState& state = p.states[segmentIndex];
    const Tokens tokens(p, segment, state);
    if ((segment.position + 1) % p.ratio == 0) {
        compressBlock(p, tokens, state, segment.position / p.ratio, values, sums);
        __syncthreads();
    }
    tokens.keep(segment.position);
}

} // namespace dossier::engine::cuda
