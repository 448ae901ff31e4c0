// SPDX-License-Identifier: Apache-2.0
// One block of threads attends with kHeads heads of one query to blocks of kEntries rows, which are
// key and value at once: rows are unpacked to bf16 in shared memory, scores and sums run on the
// tensor cores, the softmax goes along block by block against the running maximum.
#pragma once

#include "engine/kernels/cuda/attend_kernels.h"
#include "engine/kernels/cuda/numeric.cuh"

namespace dossier::engine::cuda {

constexpr unsigned kAttendThreads = 256, kAttendWarps = kAttendThreads / 32;

struct AttendArguments {
    BatchView batch;
    const LayerState* states;
    AttendShape shape;
    AttendInput in;
    float* partials; ///< answering: see attendSplitKernel
    unsigned splits; ///< most parts of a query
};

/// What a query sees: window rows, oldest first, then compressed entries.
struct QueryView {
    unsigned row, position, windowCount, total;
    DeviceSegment segment;
    const LayerState* state;

    __device__ QueryView(const AttendArguments& p, unsigned row_) : row(row_) {
        const unsigned index = p.batch.segmentOfRow[row];
        position = p.batch.positions[row];
        segment = p.batch.segments[index];
        state = p.states + index;
        windowCount = min(position + 1, p.shape.window);
        unsigned entries = p.shape.ratio != 0 ? (position + 1) / p.shape.ratio : 0;
        if (p.in.ids) {
            entries = min(entries, p.shape.topk);
        }
        total = windowCount + entries;
    }
    /// Address of the i-th row, i < total.
    __device__ const std::byte* at(const AttendArguments& p, unsigned i) const {
        const std::size_t bytes = p.shape.layout.bytes;
        if (i < windowCount) {
            const unsigned t = position + 1 - windowCount + i;
            return t >= segment.position
                       ? p.in.packed + (segment.row + (t - segment.position)) * bytes
                       : state->window + (t % p.shape.window) * bytes;
        }
        std::uint64_t j = i - windowCount;
        if (p.in.ids) {
            j = static_cast<std::uint64_t>(p.in.ids[std::size_t{row} * p.shape.topk + j]);
        }
        const RowExtent& entries = state->entries;
        return j < entries.sharedRows ? entries.shared + j * bytes
                                      : entries.own + (j - entries.sharedRows) * bytes;
    }
};

/// Eight e4m3 codes times a scale as bf16.
__device__ __forceinline__ uint4 unpackCodes(std::uint64_t codes, std::uint32_t scale) {
    uint4 out;
    auto* pairs = reinterpret_cast<std::uint32_t*>(&out);
    const std::uint32_t words[2] = {static_cast<std::uint32_t>(codes),
                                    static_cast<std::uint32_t>(codes >> 32)};
    // Bits in place mean the value times 2^-120; one factor brings that and the scale.
    const std::uint32_t exponent = min(scale + 120u, 254u) << 7;
    const std::uint32_t factor = exponent | exponent << 16;
#pragma unroll
    for (unsigned i = 0; i < 4; ++i) {
        const std::uint32_t spread = __byte_perm(words[i / 2], 0, i % 2 == 0 ? 0x1404 : 0x3424);
        pairs[i] = multiplyBf16((spread & 0x80008000u) | ((spread & 0x7F007F00u) >> 4), factor);
    }
    if (scale > 134) { // a factor beyond bf16: the rest of it, exactly
        const std::uint32_t rest = (127 + scale - 134) << 7;
        for (unsigned i = 0; i < 4; ++i) {
            pairs[i] = multiplyBf16(pairs[i], rest | rest << 16);
        }
    }
    return out;
}

/// Dims at the end of a head that rotate, at most: bf16 in a row, FP8 before.
constexpr unsigned kMostRotated = 64;

/// kCompensated: scores and the sum of the weights are kept with twice the precision; costs issue
/// slots that only the widest tiles, which keep the tensor cores busy, need.
template<unsigned kDims, unsigned kTiles, unsigned kEntries, bool kCompensated = kTiles == 1>
struct AttendTile {
    static constexpr unsigned kHeads = 16 * kTiles;
    static constexpr unsigned kPitch = kDims + 8; ///< values of a row in shared memory
    static constexpr unsigned kScorePitch = kEntries + 4, kWeightPitch = kEntries + 8;
    static constexpr unsigned kDimTiles = kDims / kAttendWarps / 8; ///< of 8 dims, of a warp
    static_assert(kDimTiles % 2 == 0 && kEntries % 32 == 0);
    static constexpr unsigned kGroups = kEntries / 16; ///< of entries, for a warp each
    /// Single tiles leave warps over: those take parts of the dims.
    static constexpr unsigned kParts = kTiles == 1 ? kAttendWarps / kGroups : 1;
    static_assert(kParts <= 2);
    using Sum = std::conditional_t<kCompensated, WideFloat, float>;
    static constexpr unsigned kRowsPerWarp = kEntries / kAttendWarps;
    /// Words of eight bytes of a row, of a lane: eight codes or four rotated values each.
    static constexpr unsigned kWords = (kDims / 8 + kMostRotated / 8 + 31) / 32;
    /// Rows of a warp that are on their way at once: wide tiles have no registers to spare.
    static constexpr unsigned kRowsAtOnce = kTiles == 1 ? kRowsPerWarp : 2;
    static_assert(kRowsPerWarp % kRowsAtOnce == 0 && kRowsPerWarp <= 32);

    struct Shared {
        alignas(16) Bf16 q[kHeads * kPitch];
        alignas(16) Bf16 rows[kEntries * kPitch];
        alignas(16) Bf16 weights[kHeads * kWeightPitch];
        float scores[kHeads * kScorePitch]; ///< before their factor
        Sum handed[kParts > 1 ? kHeads* kScorePitch : 1];
        float top[kHeads], rescale[kHeads];
        Sum sum[kHeads];
    };

    float o[kTiles][kDimTiles][4] = {};
    Shared& shared;

    __device__ explicit AttendTile(Shared& s) : shared(s) {}

    __device__ void loadQueries(const Bf16* q, unsigned heads) {
        for (unsigned i = threadIdx.x; i < kHeads * (kDims / 8); i += kAttendThreads) {
            const unsigned head = i / (kDims / 8), c = i % (kDims / 8);
            const uint4 v =
                head < heads
                    ? *reinterpret_cast<const uint4*>(q + std::size_t{head} * kDims + 8 * c)
                    : make_uint4(0, 0, 0, 0);
            *reinterpret_cast<uint4*>(shared.q + head * kPitch + 8 * c) = v;
        }
        for (unsigned i = threadIdx.x; i < kHeads; i += kAttendThreads) {
            shared.top[i] = __uint_as_float(0xff800000u);
            shared.sum[i] = {};
        }
    }

    /// Rows first .. first + kEntries of what the query sees; zeros beyond. Not synchronised.
    __device__ void loadRows(const AttendArguments& p, const QueryView& view, unsigned first) {
        const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
        const KvRowLayout& layout = p.shape.layout;
        const unsigned codeWords = layout.nope / 8, words = codeWords + layout.rope / 4;
        // Lane i finds the warp's i-th row, so that the look-ups of all rows run side by side, and
        // has its scales, eight at most.
        const unsigned wanted = first + warp * kRowsPerWarp + lane;
        const unsigned long long mine =
            lane < kRowsPerWarp && wanted < view.total
                ? reinterpret_cast<unsigned long long>(view.at(p, wanted))
                : 0;
        std::uint32_t scales[2] = {};
        if (mine != 0) {
            const auto* at = reinterpret_cast<const std::uint32_t*>(mine + layout.scaleOffset);
            scales[0] = at[0];
            scales[1] = layout.scales > 4 ? at[1] : 0;
        }
#pragma unroll
        for (unsigned begin = 0; begin < kRowsPerWarp; begin += kRowsAtOnce) {
            std::uint64_t v[kRowsAtOnce][kWords];
#pragma unroll
            for (unsigned r = 0; r < kRowsAtOnce; ++r) {
                const auto* row = reinterpret_cast<const std::uint64_t*>(
                    __shfl_sync(kAllLanes, mine, static_cast<int>(begin + r)));
#pragma unroll
                for (unsigned i = 0; i < kWords; ++i) {
                    const unsigned w = lane + 32 * i;
                    v[r][i] = row != nullptr && w < words ? row[w] : 0;
                }
            }
#pragma unroll
            for (unsigned r = 0; r < kRowsAtOnce; ++r) {
                Bf16* to = shared.rows + (warp * kRowsPerWarp + begin + r) * kPitch;
#pragma unroll
                for (unsigned i = 0; i < kWords; ++i) {
                    const unsigned w = lane + 32 * i;
                    const std::uint32_t four =
                        i < 2 ? __shfl_sync(kAllLanes, scales[i], static_cast<int>(begin + r)) : 0;
                    if (w < codeWords) {
                        const std::uint32_t scale = four >> lane / 8 * 8 & 0xffu;
                        *reinterpret_cast<uint4*>(to + 8 * w) = unpackCodes(v[r][i], scale);
                    } else if (w < words) {
                        *reinterpret_cast<std::uint64_t*>(to + layout.nope + 4 * (w - codeWords)) =
                            v[r][i];
                    }
                }
            }
        }
    }

    /// Scores of the loaded rows.
    __device__ void score() {
        const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
        // Warps are laid out over groups of 16 entries and over head tiles, or parts of the dims.
        constexpr unsigned kRowsOfWarps = kAttendWarps / kGroups;
        constexpr unsigned kTilesPerWarp =
            kParts > 1 ? 1 : (kTiles + kRowsOfWarps - 1) / kRowsOfWarps;
        constexpr unsigned kPartDims = kDims / kParts;
        const unsigned entries = warp % kGroups * 16;
        const unsigned part = kParts > 1 ? warp / kGroups : 0;
        const unsigned firstTile = kParts > 1 ? 0 : warp / kGroups * kTilesPerWarp;
        if (firstTile >= kTiles) {
            return; // a whole warp
        }
        // Errors of a score act through its exponential. The tensor cores add up kChunk dims; of
        // sixteen products of bf16 and FP8 values no bits are lost, and none of bf16 with the upper
        // or the lower half of a bf16 value's bits.
        constexpr unsigned kChunk = kCompensated ? 16 : 64;
        Sum d[kTilesPerWarp][2][4] = {};
        const unsigned m = lane / 8;
        const Bf16* b =
            shared.rows + (entries + m / 2 * 8 + lane % 8) * kPitch + m % 2 * 8 + part * kPartDims;
        const Bf16* a = shared.q + (firstTile * 16 + m % 2 * 8 + lane % 8) * kPitch + m / 2 * 8 +
                        part * kPartDims;
        for (unsigned chunk = 0; chunk < kPartDims; chunk += kChunk) {
            float chunkSums[kTilesPerWarp][2][4] = {};
#pragma unroll
            for (unsigned k = chunk; k < chunk + kChunk; k += 16) {
                std::uint32_t fb[4];
                ldmatrix4(fb, b + k);
#pragma unroll
                for (unsigned i = 0; i < kTilesPerWarp; ++i) {
                    std::uint32_t fa[4];
                    ldmatrix4(fa, a + i * 16 * kPitch + k);
                    if (kCompensated && part == kParts - 1 && k + kMostRotated >= kPartDims) {
                        std::uint32_t low[4];
                        splitBf16(fa, low);
                        float lowSums[2][4] = {};
                        mmaBf16(lowSums[0], low, fb[0], fb[1]);
                        mmaBf16(lowSums[1], low, fb[2], fb[3]);
                        for (unsigned c = 0; c < 8; ++c) {
                            addTo(d[i][c / 4][c % 4], lowSums[c / 4][c % 4]);
                        }
                    }
                    mmaBf16(chunkSums[i][0], fa, fb[0], fb[1]);
                    mmaBf16(chunkSums[i][1], fa, fb[2], fb[3]);
                }
            }
#pragma unroll
            for (unsigned i = 0; i < kTilesPerWarp; ++i) {
#pragma unroll
                for (unsigned c = 0; c < 8; ++c) {
                    addTo(d[i][c / 4][c % 4], chunkSums[i][c / 4][c % 4]);
                }
            }
        }
        const auto forScores = [&](auto use) {
#pragma unroll
            for (unsigned i = 0; i < kTilesPerWarp; ++i) {
#pragma unroll
                for (unsigned c = 0; c < 8; ++c) {
                    const unsigned head = (firstTile + i) * 16 + c % 4 / 2 * 8 + g;
                    const unsigned entry = entries + 8 * (c / 4) + 2 * t + c % 2;
                    use(head * kScorePitch + entry, d[i][c / 4][c % 4]);
                }
            }
        };
        if constexpr (kParts > 1) { // added up before they are rounded
            if (part > 0) {
                forScores([&](unsigned at, Sum& sum) { shared.handed[at] = sum; });
            }
            __syncthreads();
            if (part > 0) {
                return;
            }
            forScores([&](unsigned at, Sum& sum) { addTo(sum, shared.handed[at]); });
        }
        forScores([&](unsigned at, Sum& sum) { shared.scores[at] = narrow(sum); });
    }

    __device__ static float weightOf(float below) {
        return kCompensated ? wideExp(below).value : expf(below);
    }

    /// Softmax weights of the `count` rows that exist against the running maximum; all threads,
    /// `kHeads` groups of lanes.
    __device__ void weigh(unsigned count, float scale) {
        constexpr unsigned kLanes = kAttendThreads / kHeads < 16 ? kAttendThreads / kHeads : 16;
        constexpr unsigned kPer = kEntries / kLanes;
        const unsigned head = threadIdx.x / kLanes, part = threadIdx.x % kLanes;
        const bool active = head < kHeads; // whole warps
        if (!active) {
            return;
        }
        float scores[kPer], top = __uint_as_float(0xff800000u);
#pragma unroll
        for (unsigned i = 0; i < kPer; ++i) {
            const unsigned entry = part + i * kLanes, at = head * kScorePitch + entry;
            scores[i] = entry < count ? shared.scores[at] * scale : __uint_as_float(0xff800000u);
            top = fmaxf(top, scores[i]);
        }
#pragma unroll
        for (unsigned step = 1; step < kLanes; step *= 2) {
            top = fmaxf(top, __shfl_xor_sync(kAllLanes, top, static_cast<int>(step)));
        }
        const float old = shared.top[head];
        const float now = fmaxf(old, top);
        Sum sum{};
#pragma unroll
        for (unsigned i = 0; i < kPer; ++i) {
            const float p = weightOf(scores[i] - now);
            addTo(sum, p);
            shared.weights[head * kWeightPitch + part + i * kLanes] = toBf16(p);
        }
#pragma unroll
        for (unsigned step = 1; step < kLanes; step *= 2) {
            addTo(sum, fromLane(sum, static_cast<int>(step)));
        }
        __syncwarp(); // everybody has read `top`
        if (part == 0) {
            const float rescale = weightOf(old - now);
            shared.rescale[head] = rescale;
            addTo(sum, shared.sum[head] * rescale);
            shared.sum[head] = sum;
            shared.top[head] = now;
        }
    }

    /// o += weights . rows; each warp its dims, all heads.
    __device__ void accumulate() {
        const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4;
        const unsigned m = lane / 8, firstDim = warp * kDimTiles * 8;
#pragma unroll
        for (unsigned i = 0; i < kTiles; ++i) {
            const float low = shared.rescale[16 * i + g], high = shared.rescale[16 * i + 8 + g];
            if (__any_sync(kAllLanes, low != 1.0f || high != 1.0f)) {
#pragma unroll
                for (unsigned j = 0; j < kDimTiles; ++j) {
                    o[i][j][0] *= low;
                    o[i][j][1] *= low;
                    o[i][j][2] *= high;
                    o[i][j][3] *= high;
                }
            }
        }
        const Bf16* a = shared.weights + (m % 2 * 8 + lane % 8) * kWeightPitch + m / 2 * 8;
        const Bf16* b = shared.rows + (m % 2 * 8 + lane % 8) * kPitch + firstDim + m / 2 * 8;
#pragma unroll
        for (unsigned k = 0; k < kEntries; k += 16) {
            std::uint32_t fa[kTiles][4];
#pragma unroll
            for (unsigned i = 0; i < kTiles; ++i) {
                ldmatrix4(fa[i], a + i * 16 * kWeightPitch + k);
            }
#pragma unroll
            for (unsigned j = 0; j < kDimTiles; j += 2) {
                std::uint32_t fb[4];
                ldmatrix4Transposed(fb, b + k * kPitch + 8 * j);
#pragma unroll
                for (unsigned i = 0; i < kTiles; ++i) {
                    mmaBf16(o[i][j], fa[i], fb[0], fb[1]);
                    mmaBf16(o[i][j + 1], fa[i], fb[2], fb[3]);
                }
            }
        }
    }

    /// Blocks [begin, end) of what the query sees.
    __device__ void run(const AttendArguments& p, const QueryView& view, unsigned begin,
                        unsigned end) {
        for (unsigned block = begin; block < end; ++block) {
            loadRows(p, view, block * kEntries);
            __syncthreads();
            score();
            __syncthreads();
            weigh(min(view.total - block * kEntries, kEntries), p.shape.scale);
            __syncthreads();
            accumulate();
            __syncthreads();
        }
    }

    /// use(head, dim, first, second): neighbouring dims of the sums, even dim.
    template<class Use>
    __device__ void forOutputs(Use use) const {
        const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
#pragma unroll
        for (unsigned i = 0; i < kTiles; ++i) {
#pragma unroll
            for (unsigned j = 0; j < kDimTiles; ++j) {
                const unsigned dim = warp * kDimTiles * 8 + 8 * j + 2 * t;
                use(16 * i + g, dim, o[i][j][0], o[i][j][1]);
                use(16 * i + 8 + g, dim, o[i][j][2], o[i][j][3]);
            }
        }
    }
};

} // namespace dossier::engine::cuda
