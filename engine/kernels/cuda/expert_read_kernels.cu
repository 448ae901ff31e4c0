// SPDX-License-Identifier: Apache-2.0
// What reading needs around the experts' matrix products: rows sorted by expert, gathered, gated,
// added up.
#include "engine/kernels/cuda/expert_kernels.h"
#include "engine/kernels/cuda/numeric.cuh"

namespace dossier::engine::cuda {
namespace {

constexpr unsigned kSortThreads = 256;

/// A block an expert: goes through all choices in order.
__global__ void __launch_bounds__(kSortThreads)
    sortKernel(unsigned choices, unsigned rows, const std::int32_t* ids, std::uint32_t* counts,
               std::uint32_t* lists) {
    __shared__ unsigned found[kSortThreads / 32];
    waitForPrevious();
    const auto expert = static_cast<std::int32_t>(blockIdx.x);
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    std::uint32_t* list = lists + std::size_t{blockIdx.x} * rows;
    unsigned count = 0;
    for (unsigned first = 0; first < choices; first += kSortThreads) {
        const unsigned i = first + threadIdx.x;
        const bool mine = i < choices && ids[i] == expert;
        const unsigned ballot = __ballot_sync(kAllLanes, mine);
        if (lane == 0) {
            found[warp] = static_cast<unsigned>(__popc(ballot));
        }
        __syncthreads();
        unsigned at = count + static_cast<unsigned>(__popc(ballot & ((1u << lane) - 1)));
        for (unsigned w = 0; w < kSortThreads / 32; ++w) {
            at += w < warp ? found[w] : 0;
            count += found[w];
        }
        if (mine) {
            list[at] = i;
        }
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        counts[blockIdx.x] = count;
    }
}

/// Which choice row `row` of the pieces is.
__device__ __forceinline__ std::uint32_t choiceOf(const ExpertPieces& pieces, unsigned row) {
    unsigned p = 0;
    while (p + 1 < pieces.count && row >= pieces.piece[p + 1].firstRow) {
        ++p;
    }
    return pieces.piece[p].list[row - pieces.piece[p].firstRow];
}

/// Sixteen values a thread, a row a block.
template<bool kCodes>
__global__ void gatherKernel(const __grid_constant__ ExpertPieces pieces, unsigned top, QuantRows q,
                             unsigned columns, QuantRows codesTo, Bf16* valuesTo) {
    letNextStart();
    waitForPrevious();
    const std::size_t from = choiceOf(pieces, blockIdx.x) / top, to = blockIdx.x;
    const unsigned blocks = columns / 128;
    for (unsigned i = threadIdx.x * 16; i < columns; i += blockDim.x * 16) {
        const uint4 codes = *reinterpret_cast<const uint4*>(q.values + from * columns + i);
        const float scale = q.scales[from * blocks + i / 128];
        if (kCodes) {
            *reinterpret_cast<uint4*>(codesTo.values + to * columns + i) = codes;
            if (i % 128 == 0) {
                codesTo.scales[to * blocks + i / 128] = scale;
            }
            continue;
        }
        const std::uint32_t words[4] = {codes.x, codes.y, codes.z, codes.w};
        uint4 out[2];
        auto* pairs = reinterpret_cast<std::uint32_t*>(out);
#pragma unroll
        for (unsigned k = 0; k < 8; ++k) {
            const std::uint32_t two = words[k / 2] >> (16 * (k % 2));
            pairs[k] = packBf16(e4m3ToFloat(static_cast<std::uint8_t>(two)) * scale,
                                e4m3ToFloat(static_cast<std::uint8_t>(two >> 8)) * scale);
        }
        auto* values = reinterpret_cast<uint4*>(valuesTo + to * columns + i);
        values[0] = out[0];
        values[1] = out[1];
    }
}

/// A warp takes 128 products of a row.
template<bool kCodes>
__global__ void gateKernel(const __grid_constant__ ExpertPieces pieces, const float* weights,
                           float limit, const Bf16* gateUp, unsigned inner, QuantRows codesTo,
                           Bf16* valuesTo) {
    letNextStart();
    waitForPrevious();
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    const std::size_t row = blockIdx.x;
    const float weight = weights ? weights[choiceOf(pieces, blockIdx.x)] : 1.0f;
    const Bf16* gates = gateUp + row * 2 * inner;
    for (unsigned b = warp; b < inner / 128; b += warps) {
        const unsigned at = 128 * b + 4 * lane;
        const uint2 gPairs = *reinterpret_cast<const uint2*>(gates + at);
        const uint2 uPairs = *reinterpret_cast<const uint2*>(gates + inner + at);
        const float g[4] = {lowBf16(gPairs.x), highBf16(gPairs.x), lowBf16(gPairs.y),
                            highBf16(gPairs.y)};
        const float u[4] = {lowBf16(uPairs.x), highBf16(uPairs.x), lowBf16(uPairs.y),
                            highBf16(uPairs.y)};
        float v[4], amax = 0;
#pragma unroll
        for (unsigned i = 0; i < 4; ++i) {
            const float gated = fminf(g[i], limit), up = fminf(fmaxf(u[i], -limit), limit);
            v[i] = rounded(gatedProduct(gated, up, weight));
            amax = fmaxf(amax, fabsf(v[i]));
        }
        const std::uint32_t byte = e4m3ScaleByte(warpMax(amax));
        const float scale = fromE8m0(byte), inverse = inverseE8m0(byte);
        std::uint8_t codes[4];
#pragma unroll
        for (unsigned i = 0; i < 4; ++i) {
            codes[i] = floatToE4m3(v[i] * inverse);
        }
        if (kCodes) {
            *reinterpret_cast<std::uint32_t*>(codesTo.values + row * inner + at) =
                codes[0] | static_cast<std::uint32_t>(codes[1]) << 8 |
                static_cast<std::uint32_t>(codes[2]) << 16 |
                static_cast<std::uint32_t>(codes[3]) << 24;
            if (lane == 0) {
                codesTo.scales[row * (inner / 128) + b] = scale;
            }
        } else {
            *reinterpret_cast<uint2*>(valuesTo + row * inner + at) =
                make_uint2(packBf16(e4m3ToFloat(codes[0]) * scale, e4m3ToFloat(codes[1]) * scale),
                           packBf16(e4m3ToFloat(codes[2]) * scale, e4m3ToFloat(codes[3]) * scale));
        }
    }
}

__global__ void addRowsKernel(const std::uint32_t* list, unsigned top, const Bf16* out,
                              unsigned columns, float* sums) {
    letNextStart();
    waitForPrevious();
    const std::size_t row = list[blockIdx.x] / top;
    for (unsigned i = threadIdx.x * 4; i < columns; i += blockDim.x * 4) {
        const uint2 pairs =
            *reinterpret_cast<const uint2*>(out + std::size_t{blockIdx.x} * columns + i);
        auto* to = reinterpret_cast<float4*>(sums + row * columns + i);
        float4 v = *to;
        v.x += lowBf16(pairs.x);
        v.y += highBf16(pairs.x);
        v.z += lowBf16(pairs.y);
        v.w += highBf16(pairs.y);
        *to = v;
    }
}

__global__ void finishSumsKernel(std::size_t count, const float* sums, const Bf16* shared,
                                 Bf16* y) {
    letNextStart();
    waitForPrevious();
    const std::size_t i = (std::size_t{blockIdx.x} * blockDim.x + threadIdx.x) * 4;
    if (i < count) {
        const float4 v = *reinterpret_cast<const float4*>(sums + i);
        const uint2 s = *reinterpret_cast<const uint2*>(shared + i);
        *reinterpret_cast<uint2*>(y + i) =
            make_uint2(packBf16(v.x + lowBf16(s.x), v.y + highBf16(s.x)),
                       packBf16(v.z + lowBf16(s.y), v.w + highBf16(s.y)));
    }
}

} // namespace

void sortByExpert(const Queue& queue, std::uint32_t rows, std::uint32_t top, std::uint32_t experts,
                  const std::int32_t* ids, std::uint32_t* counts, std::uint32_t* lists) {
    launch(queue, "sort rows by expert", sortKernel, experts, kSortThreads, 0, rows * top, rows,
           ids, counts, lists);
}

void gatherRows(const Queue& queue, const ExpertPieces& pieces, std::uint32_t top,
                const QuantRows& q, std::uint32_t columns, const QuantRows& x) {
    launch(queue, "gather rows", gatherKernel<true>, pieces.rows, 128, 0, pieces, top, q, columns,
           x, nullptr);
}

void gatherRows(const Queue& queue, const ExpertPieces& pieces, std::uint32_t top,
                const QuantRows& q, std::uint32_t columns, Bf16* x) {
    launch(queue, "gather rows", gatherKernel<false>, pieces.rows, 128, 0, pieces, top, q, columns,
           QuantRows{}, x);
}

void gate(const Queue& queue, const ExpertPieces& pieces, const float* weights, float limit,
          const Bf16* gateUp, std::uint32_t inner, const QuantRows& products) {
    launch(queue, "gate products", gateKernel<true>, pieces.rows, 128, 0, pieces, weights, limit,
           gateUp, inner, products, nullptr);
}

void gate(const Queue& queue, const ExpertPieces& pieces, const float* weights, float limit,
          const Bf16* gateUp, std::uint32_t inner, Bf16* products) {
    launch(queue, "gate products", gateKernel<false>, pieces.rows, 128, 0, pieces, weights, limit,
           gateUp, inner, QuantRows{}, products);
}

void addRows(const Queue& queue, std::uint32_t count, const std::uint32_t* list, std::uint32_t top,
             const Bf16* out, std::uint32_t columns, float* sums) {
    launch(queue, "add experts", addRowsKernel, count, 128, 0, list, top, out, columns, sums);
}

void finishSums(const Queue& queue, std::uint64_t count, const float* sums, const Bf16* shared,
                Bf16* y) {
    launch(queue, "add the shared expert", finishSumsKernel,
           static_cast<unsigned>((count / 4 + 255) / 256), 256, 0, std::size_t{count}, sums, shared,
           y);
}

} // namespace dossier::engine::cuda
