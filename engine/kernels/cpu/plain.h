// SPDX-License-Identifier: Apache-2.0
// The plain operations: one row, one obvious loop, sums in float64 rounded once where the model
// rounds. They are the reference that every fast kernel, on the CPU and on CUDA, is held against.
// Pure functions on host memory; any thread.
#pragma once

#include <vector>

#include "engine/kernels/types.h"
#include "engine/model/kv_layout.h"

namespace dossier::engine::plain {

// -- linear: y[o] for outBegin <= o < outEnd of one row x
void linearFp8(const std::uint8_t* q, const float* scales, const Fp8Weight&, std::uint32_t outBegin,
               std::uint32_t outEnd, Bf16* y);
void linearFp4(const std::uint8_t* q, const float* scales, const Fp4Weight&, std::uint32_t outBegin,
               std::uint32_t outEnd, Bf16* y);
/// x and the dequantised weight in BF16, no activation quantisation.
void linearFp8Bf16(const Bf16* x, const Fp8Weight&, std::uint32_t outBegin, std::uint32_t outEnd,
                   Bf16* y);
void linearBf16(const Bf16* x, const Bf16Weight&, std::uint32_t outBegin, std::uint32_t outEnd,
                Bf16* y);
void linear32(const Bf16* x, const Bf16Weight&, std::uint32_t outBegin, std::uint32_t outEnd,
              float* y);

// -- quantisers of one row
/// FP8, block 128.
void quantise(const Bf16* x, std::uint32_t columns, std::uint8_t* q, float* scales);

// -- hyper-connections of one token; k streams of d
/// m[r] = fn[r].x * rsqrt(mean(x^2) + eps), x = the k*d stream values.
void hyperMix(const Bf16* streams, const F32Weight& fn, double eps, float* m);
/// m [(2+k)k] -> pre [k], post [k], comb [k,k] (source, target).
void sinkhornSplit(const float* m, const float* scale, const float* base, std::uint32_t k,
                   std::uint32_t iterations, float eps, float* pre, float* post, float* comb);
void hyperCombine(const Bf16* streams, const float* pre, std::uint32_t k, std::uint32_t d, Bf16* u);
void hyperOut(Bf16* streams, const Bf16* y, const float* post, const float* comb, std::uint32_t k,
              std::uint32_t d);

// -- norms and rotation of one row
void rmsNorm(const Bf16* x, const Bf16* w, std::uint32_t columns, double eps, Bf16* y);
/// Weightless RMS norm, every operation rounded to bf16.
void headNorm(Bf16* q, std::uint32_t columns, float eps);
/// Rotates the last 2*pairs columns as interleaved pairs; cosSin [pairs][2].
void rotate(Bf16* x, std::uint32_t columns, const float* cosSin, std::uint32_t pairs, bool inverse);
/// Frequencies [R/2].
std::vector<float> ropeFrequencies(double theta, std::uint32_t ropeDims);
/// The same with YaRN interpolation.
std::vector<float> yarnFrequencies(double theta, std::uint32_t ropeDims, double factor,
                                   double betaFast, double betaSlow, double originalPositions);
/// cosSin [freqs][2] of one position: FP32 angle, accurate cos and sin.
void ropeTable(std::uint64_t position, const std::vector<float>& frequencies, float* cosSin);
/// Natural-order Hadamard transform / sqrt(n), n a power of two.
void hadamard(Bf16* x, std::uint32_t n);

// -- packed rows and index keys, layout in engine/model/kv_layout.h
/// x [dims] bf16 -> FP8 (block 64) of the unrotated part, rope part as it is.
void packRow(const Bf16* x, const KvRowLayout&, std::byte* row);
void unpackRow(const std::byte* row, const KvRowLayout&, Bf16* x);
/// x is quantised to FP4, block 32.
void packKey(const Bf16* x, std::uint32_t dims, std::byte* key);
void unpackKey(const std::byte* key, std::uint32_t dims, Bf16* x);
/// x <- its FP4 value (block 32), in place.
void fp4Simulate(Bf16* x, std::uint32_t columns);

// -- compressor: softmax pooling of `slots` rows a, s [slots][stride] into e [width]
/// rows[i] = pointers to width values of a and s; s null = empty slot (block 0 of ratio 4).
struct PoolSlot {
    const float* a = nullptr;
    const float* s = nullptr;
};
void pool(std::span<const PoolSlot> slots, std::uint32_t width, Bf16* e);

// -- indexer of one query: qi [heads*dims], w [heads], key [dims] -> score (a bf16 value)
float indexScore(const Bf16* qi, const Bf16* w, const Bf16* key, std::uint32_t heads,
                 std::uint32_t dims);
/// Indices of the `count` <= n largest scores (bf16 values), ascending; equal scores: the lowest
/// index wins.
void selectLargest(const float* scores, std::uint64_t n, std::uint32_t count, std::int32_t* ids);

// -- attention of one query head over `count` rows [dims] bf16 that are K and V
void attend(const Bf16* q, const Bf16* rows, std::uint32_t count, std::uint32_t dims, float sink,
            float scale, Bf16* o);

// -- mixture of experts, one token
void route(const float* logits, const float* bias, const std::int64_t* fixedIds,
           std::uint32_t experts, std::uint32_t top, double scale, std::int32_t* ids,
           float* weights);
/// a = bf16(weight * silu(min(g, limit)) * clamp(u, +-limit)).
void swiglu(const Bf16* g, const Bf16* u, std::uint32_t columns, float weight, float limit,
            Bf16* a);

/// y = bf16(sum of `count` rows in their order).
void sumRows(const Bf16* const* rows, std::uint32_t count, std::uint32_t columns, Bf16* y);

// -- head: pre of the head's mix; m [k]
void headMix(const float* m, float scale, const float* base, std::uint32_t k, float eps,
             float* pre);

} // namespace dossier::engine::plain
