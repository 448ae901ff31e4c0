// SPDX-License-Identifier: Apache-2.0
// The indexer: for every query and key the sum over heads of bf16(relu(bf16(q.k)) * w), rounded to
// bf16; then the best entries.
#include <algorithm>

#include "engine/kernels/cuda/index_kernels.h"
#include "engine/kernels/cuda/numeric.cuh"
#include "engine/model/kv_layout.h"

namespace dossier::engine::cuda {
namespace {

constexpr unsigned kWarps = 4, kKeysPerWarp = 32, kKeys = kWarps * kKeysPerWarp;
constexpr unsigned kRowsPerBlock = 4; ///< queries that share expanded keys
/// Queries are scaled by 2^24 and keys by 2^-24, so that a key's scale stays a bf16 exponent.
constexpr float kQueryScale = 0x1p24f;
constexpr unsigned kKeyExponent = 102; ///< bf16 exponent of 2^(b - 1 - 24) is b + 102

/// Four bytes of a key; keys of 34 bytes begin at even addresses only.
template<unsigned kDims>
__device__ __forceinline__ std::uint32_t loadCodes(const std::uint8_t* p) {
    if (indexKeyBytes(kDims) % 4 == 0) {
        return *reinterpret_cast<const std::uint32_t*>(p);
    }
    const auto* halves = reinterpret_cast<const std::uint16_t*>(p);
    return halves[0] | static_cast<std::uint32_t>(halves[1]) << 16;
}

/// Keys of a lane as B fragments. Lane (g, t) holds values t*dims/4 .. of key g of every tile; two
/// steps of the product take eight of them, 0 4 1 5 and 2 6 3 7, since that is how nibbles come
/// apart.
template<unsigned kDims>
struct Keys {
    static constexpr unsigned kSteps = kDims / 16;
    std::uint32_t b[kKeysPerWarp / 8][kSteps][2];

    __device__ void load(const RowExtent& extent, unsigned first, unsigned count) {
        const unsigned lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
        constexpr unsigned kBytes = indexKeyBytes(kDims);
#pragma unroll
        for (unsigned tile = 0; tile < kKeysPerWarp / 8; ++tile) {
            const std::uint64_t j = min(first + 8 * tile + g, count - 1);
            const auto* key = reinterpret_cast<const std::uint8_t*>(
                j < extent.sharedRows ? extent.shared + j * kBytes
                                      : extent.own + (j - extent.sharedRows) * kBytes);
#pragma unroll
            for (unsigned word = 0; word < kDims / 32; ++word) { // eight values a word
                const std::uint32_t codes = loadCodes<kDims>(key + t * (kDims / 8) + 4 * word);
                const unsigned scale =
                    min(unsigned{key[kDims / 2 + (t * (kDims / 4) + 8 * word) / 32]}, 152u);
                const std::uint32_t factor = (scale + kKeyExponent) << 7;
                const std::uint32_t both = factor | factor << 16;
#pragma unroll
                for (unsigned h = 0; h < 4; ++h) {
                    // Nibbles h and h+4: the sign, then exponent and mantissa where bf16 has its
                    // lowest exponents: the value times 2^-126.
                    const std::uint32_t up = codes << (12 - 4 * h);
                    const std::uint32_t pair = (up & 0x80008000u) | (up >> 6 & 0x01C001C0u);
                    b[tile][2 * word + h / 2][h % 2] = multiplyBf16(pair, both);
                }
            }
        }
    }
};

/// The eight values at q[head * dims] in the order of the keys, scaled.
__device__ __forceinline__ uint4 queryValues(const Bf16* q, unsigned head, unsigned heads,
                                             unsigned dims) {
    if (head >= heads) {
        return make_uint4(0, 0, 0, 0);
    }
    const uint4 v = *reinterpret_cast<const uint4*>(q + std::size_t{head} * dims);
    const std::uint32_t factor = packBf16(kQueryScale, kQueryScale);
    return make_uint4(multiplyBf16(__byte_perm(v.x, v.z, 0x5410), factor),
                      multiplyBf16(__byte_perm(v.x, v.z, 0x7632), factor),
                      multiplyBf16(__byte_perm(v.y, v.w, 0x5410), factor),
                      multiplyBf16(__byte_perm(v.y, v.w, 0x7632), factor));
}

/// Scores of a warp's keys for one query: scores[kKeysPerWarp].
template<unsigned kDims>
__device__ __forceinline__ void scoreKeys(const Keys<kDims>& keys, const uint4* fragments,
                                          const float* headWeights, unsigned tiles, Bf16* scores) {
    constexpr unsigned kSteps = Keys<kDims>::kSteps;
    const unsigned lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    float sums[kKeysPerWarp / 8][2] = {};
    for (unsigned m = 0; m < tiles; ++m) {
        float d[kKeysPerWarp / 8][4] = {};
#pragma unroll
        for (unsigned s = 0; s < kSteps; ++s) {
            const uint4 f = fragments[(m * kSteps + s) * 32 + lane];
            const std::uint32_t a[4] = {f.x, f.y, f.z, f.w};
#pragma unroll
            for (unsigned tile = 0; tile < kKeysPerWarp / 8; ++tile) {
                mmaBf16(d[tile], a, keys.b[tile][s][0], keys.b[tile][s][1]);
            }
        }
        const float top = headWeights[16 * m + g], bottom = headWeights[16 * m + g + 8];
        const std::uint32_t topPair = packBf16(top, top), bottomPair = packBf16(bottom, bottom);
#pragma unroll
        for (unsigned tile = 0; tile < kKeysPerWarp / 8; ++tile) {
            const std::uint32_t p = multiplyBf16(packBf16Relu(d[tile][0], d[tile][1]), topPair);
            sums[tile][0] += lowBf16(p);
            sums[tile][1] += highBf16(p);
            const std::uint32_t q = multiplyBf16(packBf16Relu(d[tile][2], d[tile][3]), bottomPair);
            sums[tile][0] += lowBf16(q);
            sums[tile][1] += highBf16(q);
        }
    }
#pragma unroll
    for (unsigned tile = 0; tile < kKeysPerWarp / 8; ++tile) {
#pragma unroll
        for (int step = 4; step < 32; step *= 2) {
            sums[tile][0] += __shfl_xor_sync(kAllLanes, sums[tile][0], step);
            sums[tile][1] += __shfl_xor_sync(kAllLanes, sums[tile][1], step);
        }
        if (g == 0) {
            *reinterpret_cast<std::uint32_t*>(scores + 8 * tile + 2 * t) =
                packBf16(sums[tile][0], sums[tile][1]);
        }
    }
}

template<unsigned kDims>
__global__ void __launch_bounds__(32 * kWarps)
    indexScoresKernel(BatchView batch, const LayerState* states, unsigned heads, unsigned firstRow,
                      unsigned rows, const Bf16* qi, const Bf16* weights, Bf16* scores,
                      unsigned pitch) {
    // Fragments of the queries: [tile of 16 heads][step][lane] of 16 bytes, then the head weights.
    constexpr unsigned kSteps = Keys<kDims>::kSteps;
    auto* fragments = dynamicShared<uint4>();
    const unsigned tiles = (heads + 15) / 16;
    auto* headWeights = reinterpret_cast<float*>(fragments + tiles * kSteps * 32);
    const unsigned warp = threadIdx.x / 32;
    letNextStart();
    waitForPrevious();
    Keys<kDims> keys;
    unsigned loaded = ~0u, loadedFirst = 0; // segment and place of the keys that are held
    for (unsigned i = 0; i < kRowsPerBlock; ++i) {
        const unsigned local = blockIdx.y * kRowsPerBlock + i;
        if (local >= rows) {
            break;
        }
        const unsigned row = firstRow + local, segment = batch.segmentOfRow[row];
        const unsigned visible = (batch.positions[row] + 1) / 4;
        if (blockIdx.x * kKeys >= visible) {
            continue; // the same for the whole block
        }
        __syncthreads();
        for (unsigned f = threadIdx.x; f < tiles * (kSteps / 2) * 32; f += blockDim.x) {
            const unsigned head = f / 32 / (kSteps / 2) * 16 + f % 32 / 4;
            const unsigned steps = f / 32 % (kSteps / 2); // a pair of them
            const Bf16* q = qi + std::size_t{row} * heads * kDims + f % 4 * (kDims / 4) + steps * 8;
            const uint4 top = queryValues(q, head, heads, kDims);
            const uint4 bottom = queryValues(q, head + 8, heads, kDims);
            uint4* to = fragments + (f / 32 * 2) * 32 + f % 32;
            to[0] = make_uint4(top.x, bottom.x, top.y, bottom.y);
            to[32] = make_uint4(top.z, bottom.z, top.w, bottom.w);
        }
        for (unsigned h = threadIdx.x; h < tiles * 16; h += blockDim.x) {
            headWeights[h] = h < heads ? fromBf16(weights[std::size_t{row} * heads + h]) : 0.0f;
        }
        __syncthreads();
        // With few rows a block takes several groups of keys, so that laying out queries pays.
        for (unsigned group = blockIdx.x; group * kKeys < visible; group += gridDim.x) {
            const unsigned firstKey = group * kKeys + warp * kKeysPerWarp;
            if (firstKey >= visible) {
                break; // a whole warp; it meets the others again above
            }
            if (segment != loaded || firstKey != loadedFirst) {
                // Keys beyond those that exist are not read, whatever their scores will be.
                const DeviceSegment& s = batch.segments[segment];
                keys.load(states[segment].keys, firstKey, (s.position + s.count) / 4);
                loaded = segment;
                loadedFirst = firstKey;
            }
            scoreKeys<kDims>(keys, fragments, headWeights, tiles,
                             scores + std::size_t{local} * pitch + firstKey);
        }
    }
}

/// Scores in an unsigned order: larger is better; zeros of both signs are equal.
__device__ unsigned orderOf(unsigned bits) {
    if ((bits & 0x7fffu) == 0) {
        return 0x8000u;
    }
    return (bits & 0x8000u) != 0 ? ~bits & 0xffffu : bits | 0x8000u;
}

constexpr unsigned kSelectThreads = 512, kPerThread = 8, kBins = 4096;
static_assert(kSelectThreads * kPerThread == kSelectChunk);

/// Sum over the threads before this one; `total` over all. Packed counts: no half may overflow.
__device__ unsigned scanBlock(unsigned value, unsigned* shared, unsigned& total) {
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    unsigned inclusive = value;
#pragma unroll
    for (unsigned step = 1; step < 32; step *= 2) {
        const unsigned other = __shfl_up_sync(kAllLanes, inclusive, step);
        inclusive += lane >= step ? other : 0;
    }
    __syncthreads();
    if (lane == 31) {
        shared[warp] = inclusive;
    }
    __syncthreads();
    unsigned before = 0;
    total = 0;
    for (unsigned i = 0; i < kSelectThreads / 32; ++i) {
        before += i < warp ? shared[i] : 0;
        total += shared[i];
    }
    return before + inclusive - value;
}

/// Finds the bin, from the top, in which the `wanted`-th best value lies: at most kBins bins.
__device__ void findBin(const unsigned* bins, unsigned count, unsigned wanted, unsigned* shared,
                        unsigned* result) {
    const unsigned per = (count + kSelectThreads - 1) / kSelectThreads;
    const unsigned first = threadIdx.x * per; // counted from the best bin down
    unsigned mine = 0;
    for (unsigned i = first; i < min(first + per, count); ++i) {
        mine += bins[count - 1 - i];
    }
    unsigned total = 0;
    unsigned before = scanBlock(mine, shared, total);
    for (unsigned i = first; i < min(first + per, count); ++i) {
        const unsigned here = bins[count - 1 - i];
        if (before < wanted && before + here >= wanted) {
            result[0] = count - 1 - i;
            result[1] = before; // better ones in higher bins
        }
        before += here;
    }
    __syncthreads();
}

/// One row a block.
__global__ void __launch_bounds__(kSelectThreads)
    selectKernel(BatchView batch, unsigned topk, unsigned firstRow, const Bf16* scores,
                 unsigned pitch, std::int32_t* ids) {
    __shared__ unsigned bins[kBins], shared[32], found[2];
    letNextStart();
    waitForPrevious();
    const unsigned row = firstRow + blockIdx.x;
    const unsigned visible = (batch.positions[row] + 1) / 4;
    std::int32_t* out = ids + std::size_t{row} * topk;
    if (visible <= topk) {
        for (unsigned i = threadIdx.x; i < topk; i += blockDim.x) {
            out[i] = i < visible ? static_cast<std::int32_t>(i) : -1;
        }
        return;
    }
    const Bf16* mine = scores + std::size_t{blockIdx.x} * pitch;
    const auto forEach = [&](unsigned chunk, auto use) {
        const unsigned at = (chunk * kSelectThreads + threadIdx.x) * kPerThread;
        if (at < visible) {
            const uint4 packed = *reinterpret_cast<const uint4*>(mine + at);
            const std::uint32_t words[4] = {packed.x, packed.y, packed.z, packed.w};
#pragma unroll
            for (unsigned i = 0; i < kPerThread; ++i) {
                if (at + i < visible) {
                    use(at + i, orderOf(words[i / 2] >> (16 * (i % 2)) & 0xffffu));
                }
            }
        }
    };
    const unsigned chunks =
        (visible + kSelectThreads * kPerThread - 1) / (kSelectThreads * kPerThread);
    for (unsigned i = threadIdx.x; i < kBins; i += blockDim.x) {
        bins[i] = 0;
    }
    __syncthreads();
    for (unsigned c = 0; c < chunks; ++c) {
        forEach(c, [&](unsigned, unsigned order) { atomicAdd(&bins[order >> 4], 1u); });
    }
    __syncthreads();
    findBin(bins, kBins, topk, shared, found);
    const unsigned high = found[0], better = found[1];
    __syncthreads();
    if (threadIdx.x < 16) {
        bins[threadIdx.x] = 0;
    }
    __syncthreads();
    for (unsigned c = 0; c < chunks; ++c) {
        forEach(c, [&](unsigned, unsigned order) {
            if (order >> 4 == high) {
                atomicAdd(&bins[order & 15u], 1u);
            }
        });
    }
    __syncthreads();
    findBin(bins, 16, topk - better, shared, found);
    const unsigned limit = high << 4 | found[0]; // the order of the last one kept
    const unsigned equalKept = topk - better - found[1];
    __syncthreads();
    // In order of the index: better ones always, equal ones while there is room.
    unsigned betterBefore = 0, equalBefore = 0;
    for (unsigned c = 0; c < chunks; ++c) {
        unsigned counts = 0;
        forEach(c, [&](unsigned, unsigned order) {
            counts += order > limit ? 1u << 16 : order == limit ? 1u : 0u;
        });
        unsigned total = 0;
        const unsigned before = scanBlock(counts, shared, total);
        unsigned above = betterBefore + (before >> 16), equal = equalBefore + (before & 0xffffu);
        if (counts != 0) {
            forEach(c, [&](unsigned index, unsigned order) {
                if (order > limit || (order == limit && equal < equalKept)) {
                    out[above + min(equal, equalKept)] = static_cast<std::int32_t>(index);
                }
                above += order > limit ? 1 : 0;
                equal += order == limit ? 1 : 0;
            });
        }
        betterBefore += total >> 16;
        equalBefore += total & 0xffffu;
    }
}

/// The scores of one chunk of a row, for a block of kSelectThreads.
struct Chunk {
    unsigned row, visible, count; ///< chunks that hold visible keys
    unsigned order[kPerThread];   ///< of this thread's keys
    unsigned first, mine;         ///< this thread's first key, and how many it has

    /// False, in all threads, when there is nothing to choose from here.
    __device__ bool load(const BatchView& batch, unsigned topk, const Bf16* scores,
                         unsigned pitch) {
        row = blockIdx.y;
        visible = (batch.positions[row] + 1) / 4;
        count = (visible + kSelectChunk - 1) / kSelectChunk;
        if (visible <= topk || blockIdx.x >= count) {
            return false;
        }
        first = blockIdx.x * kSelectChunk + threadIdx.x * kPerThread;
        mine = first < visible ? min(visible - first, kPerThread) : 0;
        if (mine > 0) {
            const uint4 packed =
                *reinterpret_cast<const uint4*>(scores + std::size_t{row} * pitch + first);
            const std::uint32_t words[4] = {packed.x, packed.y, packed.z, packed.w};
#pragma unroll
            for (unsigned i = 0; i < kPerThread; ++i) {
                order[i] = orderOf(words[i / 2] >> (16 * (i % 2)) & 0xffffu);
            }
        }
        return true;
    }
};

/// Selection by many blocks, first step: how many scores fall into each bin.
__global__ void __launch_bounds__(kSelectThreads)
    countBinsKernel(BatchView batch, unsigned topk, const Bf16* scores, unsigned pitch,
                    SelectBuffers buffers) {
    __shared__ unsigned bins[kBins];
    letNextStart();
    for (unsigned i = threadIdx.x; i < kBins; i += kSelectThreads) {
        bins[i] = 0;
    }
    waitForPrevious();
    Chunk chunk;
    if (!chunk.load(batch, topk, scores, pitch)) {
        return;
    }
    __syncthreads();
#pragma unroll
    for (unsigned i = 0; i < kPerThread; ++i) {
        if (i < chunk.mine) {
            atomicAdd(&bins[chunk.order[i] >> 4], 1u);
        }
    }
    __syncthreads();
    for (unsigned i = threadIdx.x; i < kBins; i += kSelectThreads) {
        if (bins[i] != 0) {
            atomicAdd(buffers.bins + std::size_t{chunk.row} * kBins + i, bins[i]);
        }
    }
}

constexpr unsigned kChunkCounts = 20; ///< 16 of the bin of the last one kept, better ones; padded

/// Second step: how many of a chunk's scores are better than the bin in which the last one kept
/// lies, and how many are in each sixteenth of that bin.
__global__ void __launch_bounds__(kSelectThreads)
    countChunkKernel(BatchView batch, unsigned topk, const Bf16* scores, unsigned pitch,
                     SelectBuffers buffers) {
    __shared__ unsigned bins[kBins], shared[32], found[2], counts[kChunkCounts];
    letNextStart();
    if (threadIdx.x < kChunkCounts) {
        counts[threadIdx.x] = 0;
    }
    waitForPrevious();
    Chunk chunk;
    if (!chunk.load(batch, topk, scores, pitch)) {
        return;
    }
    for (unsigned i = threadIdx.x; i < kBins; i += kSelectThreads) {
        bins[i] = buffers.bins[std::size_t{chunk.row} * kBins + i];
    }
    __syncthreads();
    findBin(bins, kBins, topk, shared, found);
    const unsigned high = found[0];
#pragma unroll
    for (unsigned i = 0; i < kPerThread; ++i) {
        if (i < chunk.mine && chunk.order[i] >> 4 >= high) {
            atomicAdd(&counts[chunk.order[i] >> 4 == high ? chunk.order[i] & 15u : 16u], 1u);
        }
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        counts[17] = high;
        counts[18] = found[1]; // better ones in all chunks
    }
    __syncthreads();
    if (threadIdx.x < kChunkCounts) {
        buffers.counts[(std::size_t{chunk.row} * buffers.chunks + blockIdx.x) * kChunkCounts +
                       threadIdx.x] = counts[threadIdx.x];
    }
}

/// Third step: every chunk knows what the others hold and writes its ids in order.
__global__ void __launch_bounds__(kSelectThreads)
    writeChunkKernel(BatchView batch, unsigned topk, const Bf16* scores, unsigned pitch,
                     SelectBuffers buffers, std::int32_t* ids) {
    __shared__ unsigned bins[16], shared[32], found[2], before[2];
    letNextStart();
    waitForPrevious();
    Chunk chunk;
    if (!chunk.load(batch, topk, scores, pitch)) {
        if (blockIdx.x == 0 && chunk.visible <= topk) {
            for (unsigned i = threadIdx.x; i < topk; i += kSelectThreads) {
                ids[std::size_t{chunk.row} * topk + i] =
                    i < chunk.visible ? static_cast<std::int32_t>(i) : -1;
            }
        }
        return;
    }
    const unsigned* counts =
        buffers.counts + std::size_t{chunk.row} * buffers.chunks * kChunkCounts;
    if (threadIdx.x < 16) {
        unsigned sum = 0;
        for (unsigned c = 0; c < chunk.count; ++c) {
            sum += counts[c * kChunkCounts + threadIdx.x];
        }
        bins[threadIdx.x] = sum;
    }
    const unsigned high = counts[17], better = counts[18];
    __syncthreads();
    findBin(bins, 16, topk - better, shared, found);
    const unsigned last = found[0], limit = high << 4 | last;
    const unsigned equalKept = topk - better - found[1];
    // What the chunks before this one hold: better ones, and equal ones. A warp, two chunks a lane.
    if (threadIdx.x < 32) {
        unsigned above = 0, equal = 0;
        for (unsigned c = threadIdx.x; c < blockIdx.x; c += 32) {
            const unsigned* of = counts + c * kChunkCounts;
            above += of[16];
            equal += of[last];
            for (unsigned i = last + 1; i < 16; ++i) {
                above += of[i];
            }
        }
#pragma unroll
        for (int step = 16; step > 0; step /= 2) {
            above += __shfl_xor_sync(kAllLanes, above, step);
            equal += __shfl_xor_sync(kAllLanes, equal, step);
        }
        if (threadIdx.x == 0) {
            before[0] = above;
            before[1] = equal;
        }
    }
    unsigned mine = 0;
#pragma unroll
    for (unsigned i = 0; i < kPerThread; ++i) {
        if (i < chunk.mine) {
            mine += chunk.order[i] > limit ? 1u << 16 : chunk.order[i] == limit ? 1u : 0u;
        }
    }
    unsigned total = 0;
    const unsigned inBlock = scanBlock(mine, shared, total); // synchronises
    unsigned above = before[0] + (inBlock >> 16), equal = before[1] + (inBlock & 0xffffu);
    std::int32_t* out = ids + std::size_t{chunk.row} * topk;
#pragma unroll
    for (unsigned i = 0; i < kPerThread; ++i) {
        if (i < chunk.mine) {
            const unsigned order = chunk.order[i];
            if (order > limit || (order == limit && equal < equalKept)) {
                out[above + min(equal, equalKept)] = static_cast<std::int32_t>(chunk.first + i);
            }
            above += order > limit ? 1 : 0;
            equal += order == limit ? 1 : 0;
        }
    }
    // For the next time: zeros, each chunk its share.
    unsigned* global = buffers.bins + std::size_t{chunk.row} * kBins;
    for (unsigned i = blockIdx.x * kSelectThreads + threadIdx.x; i < kBins;
         i += chunk.count * kSelectThreads) {
        global[i] = 0;
    }
}

} // namespace

std::uint64_t SelectBuffers::binCount(std::uint32_t rows) {
    return std::uint64_t{rows} * kBins;
}
std::uint64_t SelectBuffers::countCount(std::uint32_t rows, std::uint32_t chunks) {
    return std::uint64_t{rows} * chunks * kChunkCounts;
}

void selectSplit(const Queue& queue, const BatchView& batch, const IndexShape& shape,
                 std::uint32_t keys, const Bf16* scores, std::uint32_t pitch,
                 const SelectBuffers& buffers, std::int32_t* ids) {
    const dim3 grid((keys + kSelectChunk - 1) / kSelectChunk, batch.rows);
    launch(queue, "count scores", countBinsKernel, grid, kSelectThreads, 0, batch, shape.topk,
           scores, pitch, buffers);
    launch(queue, "count scores of chunks", countChunkKernel, grid, kSelectThreads, 0, batch,
           shape.topk, scores, pitch, buffers);
    launch(queue, "select entries", writeChunkKernel, grid, kSelectThreads, 0, batch, shape.topk,
           scores, pitch, buffers, ids);
}

bool indexFits(std::uint32_t dims) {
    return dims == 64 || dims == 128 || dims == 256;
}

void indexScores(const Queue& queue, const BatchView& batch, std::uint32_t layer,
                 const IndexShape& shape, std::uint32_t firstRow, std::uint32_t rows,
                 std::uint32_t keys, const Bf16* qi, const Bf16* weights, Bf16* scores,
                 std::uint32_t pitch) {
    const unsigned tiles = (shape.heads + 15) / 16;
    const std::size_t shared =
        std::size_t{tiles} * shape.dims / 16 * 32 * sizeof(uint4) + tiles * 16 * sizeof(float);
    dim3 grid((keys + kKeys - 1) / kKeys, (rows + kRowsPerBlock - 1) / kRowsPerBlock);
    if (rows <= kAnswerRows) { // as many blocks as run beside each other; they go on to other keys
        constexpr unsigned kBlocksAtOnce = 4; // of a multiprocessor
        grid.x = std::min(grid.x, std::max(kBlocksAtOnce * queue.multiprocessors / grid.y, 1U));
    }
    const auto run = [&](auto kernel) {
        launch(queue, "score index keys", kernel, grid, 32 * kWarps, shared, batch,
               batch.layer(layer), shape.heads, firstRow, rows, qi, weights, scores, pitch);
    };
    switch (shape.dims) {
    case 64:
        return run(indexScoresKernel<64>);
    case 128:
        return run(indexScoresKernel<128>);
    default:
        return run(indexScoresKernel<256>);
    }
}

void selectEntries(const Queue& queue, const BatchView& batch, const IndexShape& shape,
                   std::uint32_t firstRow, std::uint32_t rows, const Bf16* scores,
                   std::uint32_t pitch, std::int32_t* ids) {
    launch(queue, "select entries", selectKernel, rows, kSelectThreads, 0, batch, shape.topk,
           firstRow, scores, pitch, ids);
}

} // namespace dossier::engine::cuda
