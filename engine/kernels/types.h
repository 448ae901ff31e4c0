// SPDX-License-Identifier: Apache-2.0
// Plain structs that kernels take: weights, quantised rows, the state of a sequence. All pointers
// are addresses on the device that computes (host memory for the CPU, VRAM for CUDA).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/model/formats.h"

namespace dossier::engine {

/// FP8 weight, row-major [out, in] e4m3, one e8m0 scale per 128 x 128 block
/// ([ceil(out/128), ceil(in/128)]).
struct Fp8Weight {
    const std::uint8_t* values = nullptr;
    const std::uint8_t* scales = nullptr;
    std::uint32_t out = 0, in = 0;
};

/// FP4 weight, [out, in/2] bytes (low nibble = even element), one e8m0 scale per 32 elements of a
/// row ([out, in/32]).
struct Fp4Weight {
    const std::uint8_t* values = nullptr;
    const std::uint8_t* scales = nullptr;
    std::uint32_t out = 0, in = 0;
};

/// Row-major [out, in].
struct Bf16Weight {
    const Bf16* values = nullptr;
    std::uint32_t out = 0, in = 0;
};
struct F32Weight {
    const float* values = nullptr;
    std::uint32_t out = 0, in = 0;
};

/// Activations quantised to FP8: values [n, c] e4m3, scales [n, c/128], powers of two.
/// x = value * scale.
struct QuantRows {
    std::uint8_t* values = nullptr;
    float* scales = nullptr;
};

/// One hyper-connection site (attention or feed-forward) of a layer; k streams of d dims.
struct HyperSite {
    F32Weight fn;                 ///< [(2+k)k, k*d]; the head's has [k, k*d]
    const float* base = nullptr;  ///< [(2+k)k]
    const float* scale = nullptr; ///< [3]
    const Bf16* norm = nullptr;   ///< [d] RMSNorm weight behind the mix
};

/// Pools `ratio` tokens into one entry of `width` dims; ratio 4 overlaps with the previous block.
struct Compressor {
    std::uint32_t ratio = 0, width = 0;
    Bf16Weight wkv, wgate;      ///< [c*width, d], c = 2 for ratio 4, else 1
    const float* ape = nullptr; ///< [ratio, c*width]
    const Bf16* norm = nullptr; ///< [width]
    std::uint32_t overlap() const { return ratio == 4 ? 2 : 1; }
};

struct AttentionParameters {
    Fp8Weight wqA, wqB, wkv, woA, woB;
    const Bf16* qNorm = nullptr;
    const Bf16* kvNorm = nullptr;
    const float* sink = nullptr; ///< [heads]
    Compressor main;             ///< ratio 0: sliding window only
    Compressor index;            ///< ratio 0 unless main.ratio == 4
    Fp8Weight indexWqB;
    Bf16Weight indexProj; ///< [index heads, d]
};

struct RouterParameters {
    Bf16Weight gate;                            ///< [experts, d]
    const float* bias = nullptr;                ///< [experts]; null in hash layers
    const std::int64_t* tokenExperts = nullptr; ///< [vocabulary, experts per token]; hash layers
};

/// Experts come as FP4 (V4) or FP8 (Base); one of each pair is set.
struct ExpertParameters {
    Fp4Weight w1, w2, w3;
    Fp8Weight w1Fp8, w2Fp8, w3Fp8;
    bool fp4() const { return w1.values != nullptr; }
};

struct LayerParameters {
    HyperSite attentionSite, ffnSite;
    AttentionParameters attention;
    RouterParameters router;
    ExpertParameters shared; ///< always FP8
};

struct HeadParameters {
    HyperSite site;       ///< fn [k, k*d], base [k], scale [1], norm = final norm
    Bf16Weight head;      ///< [vocabulary, d]
    Bf16Weight embedding; ///< [vocabulary, d]
};

/// Rows of one layer that grow with the sequence: the first `sharedRows` belong to the lane that
/// the sequence was forked from, the others are its own.
struct RowExtent {
    const std::byte* shared = nullptr;
    std::uint64_t sharedRows = 0;
    std::byte* own = nullptr;
};

/// Everything of one sequence that a layer needs to continue at position t, keyed to absolute
/// positions. Rings hold position p in slot p mod length.
struct LayerState {
    std::byte* window = nullptr; ///< ring of `sliding_window` packed rows
    RowExtent entries;           ///< packed compressed rows, entry j covers tokens j*ratio..
    RowExtent keys;              ///< packed index keys, ratio 4 only
    float* mainA = nullptr;      ///< ring of overlap*ratio projections [c*width]
    float* mainS = nullptr;      ///< the same for the gate, position row added
    float* indexA = nullptr;
    float* indexS = nullptr;
};

/// Rows row .. row+count of a batch: consecutive tokens of one sequence from `position` on.
struct RowSpan {
    std::uint64_t position = 0;
    std::uint32_t row = 0, count = 0;
    LayerState* layers = nullptr; ///< [layers], host memory
};

/// Two ways through the same layers: many rows at a time, or one row each for a few sequences.
/// Devices may sum in a different order on each; inside one path bits never depend on batching.
enum class Path { Reading, Answering };

/// Most rows of a batch on the answering path.
constexpr std::uint32_t kAnswerRows = 16;

/// Tokens that go through the layers together; host memory.
struct Batch {
    std::span<const std::int32_t> tokens;
    std::span<const RowSpan> segments; ///< cover all rows in order; one row each when answering
    Path path = Path::Reading;
    std::uint32_t rows() const { return static_cast<std::uint32_t>(tokens.size()); }
};

} // namespace dossier::engine
