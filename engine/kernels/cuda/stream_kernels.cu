// SPDX-License-Identifier: Apache-2.0
// Residual streams: embedding, hyper-connections (mHC), the head's mix. Four streams.
#include "engine/kernels/cuda/launch.h"
#include "engine/kernels/cuda/numeric.cuh"
#include "engine/kernels/cuda/stream_kernels.h"

namespace dossier::engine::cuda {
namespace {

constexpr unsigned kStreams = 4;
constexpr unsigned kMix = kStreams * (2 + kStreams); ///< mixing values of a site, 24
constexpr unsigned kSliceDims = 64;                  ///< dims of a stream that one block mixes

__global__ void embedKernel(const std::int32_t* tokens, const Bf16* embedding, unsigned d,
                            Bf16* streams) {
    waitForPrevious();
    const Bf16* row = embedding + static_cast<std::size_t>(tokens[blockIdx.x]) * d;
    Bf16* out = streams + std::size_t{blockIdx.x} * kStreams * d;
    for (unsigned i = threadIdx.x * 8; i < d; i += blockDim.x * 8) {
        const uint4 v = *reinterpret_cast<const uint4*>(row + i);
        for (unsigned k = 0; k < kStreams; ++k) {
            *reinterpret_cast<uint4*>(out + std::size_t{k} * d + i) = v;
        }
    }
}

/// streams'[t] = bf16(post[t] * y + sum_j comb[j][t] * streams[j]) of two neighbouring dims.
struct StreamUpdate {
    float post[kStreams], comb[kStreams][kStreams];
    __device__ void load(const float* postRow, const float* combRow) {
#pragma unroll
        for (unsigned j = 0; j < kStreams; ++j) {
            post[j] = postRow[j];
#pragma unroll
            for (unsigned t = 0; t < kStreams; ++t) {
                comb[j][t] = combRow[j * kStreams + t];
            }
        }
    }
    __device__ void apply(std::uint32_t (&x)[kStreams], std::uint32_t y) const {
        std::uint32_t out[kStreams];
#pragma unroll
        for (unsigned t = 0; t < kStreams; ++t) {
            // In float64: a stream carries its roundings through all layers, and the work is small.
            double low = double{post[t]} * double{lowBf16(y)};
            double high = double{post[t]} * double{highBf16(y)};
#pragma unroll
            for (unsigned j = 0; j < kStreams; ++j) {
                low += double{comb[j][t]} * double{lowBf16(x[j])};
                high += double{comb[j][t]} * double{highBf16(x[j])};
            }
            out[t] = packBf16(static_cast<float>(low), static_cast<float>(high));
        }
#pragma unroll
        for (unsigned t = 0; t < kStreams; ++t) {
            x[t] = out[t];
        }
    }
};

/// Answering: a block updates kSliceDims dims of all streams of a row (when y is given) and adds up
/// their part of the mix and of the streams' squares: partial[row][slice][kMix + 1].
__global__ void __launch_bounds__(128)
    mixSliceKernel(RowList list, Bf16* streams, const Bf16* y, const float* post, const float* comb,
                   unsigned d, const float* fn, unsigned mixes, double* partial) {
    __shared__ float x[kStreams * kSliceDims];
    __shared__ double squares[kSliceDims / 64];
    const unsigned slice = blockIdx.x, row = blockIdx.y, base = slice * kSliceDims;
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    letNextStart();
    // The matrix does not depend on the kernel before: it is on its way while that one ends.
    float2 w[kMix / 4][kStreams];
#pragma unroll
    for (unsigned i = 0; i < kMix / 4; ++i) {
        const unsigned m = min(warp + 4 * i, mixes - 1);
#pragma unroll
        for (unsigned k = 0; k < kStreams; ++k) {
            w[i][k] = *reinterpret_cast<const float2*>(fn + (std::size_t{m} * kStreams + k) * d +
                                                       base + 2 * lane);
        }
    }
    waitForPrevious();
    const unsigned streamRow = list.count != 0 ? list.rows[row] : row;
    Bf16* mine = streams + std::size_t{streamRow} * kStreams * d;
    if (threadIdx.x < kSliceDims / 2) { // one warp
        const unsigned at = base + 2 * threadIdx.x;
        std::uint32_t v[kStreams];
#pragma unroll
        for (unsigned k = 0; k < kStreams; ++k) {
            v[k] = *reinterpret_cast<const std::uint32_t*>(mine + std::size_t{k} * d + at);
        }
        if (y) {
            StreamUpdate update;
            update.load(post + row * kStreams, comb + row * kStreams * kStreams);
            update.apply(v, *reinterpret_cast<const std::uint32_t*>(y + std::size_t{row} * d + at));
#pragma unroll
            for (unsigned k = 0; k < kStreams; ++k) {
                *reinterpret_cast<std::uint32_t*>(mine + std::size_t{k} * d + at) = v[k];
            }
        }
        double square = 0;
#pragma unroll
        for (unsigned k = 0; k < kStreams; ++k) {
            const float low = lowBf16(v[k]), high = highBf16(v[k]);
            x[k * kSliceDims + 2 * threadIdx.x] = low;
            x[k * kSliceDims + 2 * threadIdx.x + 1] = high;
            square += double{low * low} + double{high * high}; // exact in FP32
        }
        square = warpSum(square);
        if (lane == 0) {
            squares[0] = square;
        }
    }
    __syncthreads();
    double* out = partial + (std::size_t{row} * gridDim.x + slice) * (kMix + 1);
#pragma unroll
    for (unsigned i = 0; i < kMix / 4; ++i) {
        const unsigned m = warp + 4 * i;
        if (m < mixes) { // a whole warp
            double sum = 0;
#pragma unroll
            for (unsigned k = 0; k < kStreams; ++k) {
                sum += double{x[k * kSliceDims + 2 * lane]} * double{w[i][k].x} +
                       double{x[k * kSliceDims + 2 * lane + 1]} * double{w[i][k].y};
            }
            sum = warpSum(sum);
            if (lane == 0) {
                out[m] = sum;
            }
        }
    }
    if (threadIdx.x == 0) {
        out[kMix] = squares[0];
    }
}

__device__ double sigmoid(double v) {
    return 1.0 / (1.0 + exp(-v));
}

/// The Sinkhorn part by lanes 0..15 of a warp, lane 4j+t holding C[j][t]; the others compute along.
/// All that happens to the matrix is that its rows and columns get factors, and a pass takes back
/// the errors in the factors of the passes before. So the first passes look for the factors in
/// FP32, and the last ones start from the exact matrix with them: the streams carry the roundings
/// of the result through all layers.
__device__ void sinkhorn(const float* mix, const float* scale, const float* base,
                         unsigned iterations, float eps, float* comb) {
    constexpr unsigned kWidePasses = 3;
    const unsigned lane = threadIdx.x % 32, cell = lane % 16;
    const auto sumOver = [](float v, int first, int second) {
        v += __shfl_xor_sync(kAllLanes, v, first);
        return v + __shfl_xor_sync(kAllLanes, v, second);
    };
    const auto wideSum = [](WideFloat v, int first, int second) {
        v.add(fromLane(v, first));
        v.add(fromLane(v, second));
        return v;
    };
    const double mixed =
        double{mix[2 * kStreams + cell]} * double{scale[2]} + double{base[2 * kStreams + cell]};
    float top = static_cast<float>(mixed);
    top = fmaxf(top, __shfl_xor_sync(kAllLanes, top, 1));
    top = fmaxf(top, __shfl_xor_sync(kAllLanes, top, 2));
    const double below = mixed - double{top};
    const auto near = static_cast<float>(below);
    WideFloat start = wideExp(near);
    start.rest += start.value * static_cast<float>(below - double{near});
    start = wideSum(start, 1, 2).inverse() * start;
    start.add(eps);
    float c = start.value, rowFactor = 1, columnFactor = 1;
    const unsigned first = iterations > kWidePasses ? iterations - kWidePasses : 0;
    for (unsigned pass = 0; pass < first; ++pass) {
        if (pass > 0) {
            const float factor = roughInverse(sumOver(c, 1, 2) + eps);
            c *= factor;
            rowFactor *= factor;
        }
        const float factor = roughInverse(sumOver(c, 4, 8) + eps);
        c *= factor;
        columnFactor *= factor;
    }
    WideFloat wide = start * rowFactor * columnFactor;
    for (unsigned pass = first; pass < iterations; ++pass) {
        if (pass > 0) {
            WideFloat sum = wideSum(wide, 1, 2);
            sum.add(eps);
            wide = sum.inverse() * wide;
        }
        WideFloat sum = wideSum(wide, 4, 8);
        sum.add(eps);
        wide = sum.inverse() * wide;
    }
    if (lane < 16) {
        comb[cell] = wide.rounded();
    }
}

struct MixFinish {
    const Bf16* streams;
    RowList list;
    const double* partial; ///< of mixSliceKernel, or null
    const float* products; ///< fn . streams in three columns each [rows][3][mixes]
    unsigned slices;
    const float *base, *scale;
    const Bf16* norm;
    unsigned d, iterations;
    float hcEps, normEps;
    bool head; ///< only pre, one scale
    Bf16* h;
    std::uint8_t* q;
    float* qScales;
    float *post, *comb;
};

/// From the mix to h, its FP8 form, post and comb; one row a block, or two blocks: the second one
/// post and comb, which nobody needs before the sublayer has ended. Eight dims a thread and round.
template<unsigned kRounds>
__global__ void __launch_bounds__(512) finishMixKernel(const __grid_constant__ MixFinish p) {
    __shared__ double sums[32], parts[kMix + 1];
    __shared__ float mix[kMix], pre[kStreams];
    letNextStart();
    const bool second = blockIdx.y == 1, both = gridDim.y == 1;
    const unsigned row = blockIdx.x, mixes = p.head ? kStreams : kMix;
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    const unsigned dims = 8 * blockDim.x;
    uint4 weights[kRounds]; // of the norm: they do not depend on the kernel before
#pragma unroll
    for (unsigned r = 0; r < kRounds; ++r) {
        const unsigned at = 8 * threadIdx.x + r * dims;
        weights[r] =
            at < p.d ? *reinterpret_cast<const uint4*>(p.norm + at) : make_uint4(0, 0, 0, 0);
    }
    waitForPrevious();
    const unsigned streamRow = p.list.count != 0 ? p.list.rows[row] : row;
    const Bf16* x = p.streams + std::size_t{streamRow} * kStreams * p.d;
    uint4 v[kRounds][kStreams];
#pragma unroll
    for (unsigned r = 0; r < kRounds; ++r) {
        const unsigned at = 8 * threadIdx.x + r * dims;
#pragma unroll
        for (unsigned k = 0; k < kStreams; ++k) {
            v[r][k] = at < p.d ? *reinterpret_cast<const uint4*>(x + std::size_t{k} * p.d + at)
                               : make_uint4(0, 0, 0, 0);
        }
    }
    if (p.partial) { // a warp a mix value, a slice a lane
        for (unsigned m = warp; m <= kMix; m += warps) {
            double sum = 0;
            if (m < mixes || m == kMix) {
                for (unsigned s = lane; s < p.slices; s += 32) {
                    sum += p.partial[(std::size_t{row} * p.slices + s) * (kMix + 1) + m];
                }
            }
            sum = warpSum(sum);
            if (lane == 0) {
                parts[m] = sum;
            }
        }
        __syncthreads();
    } else {
        double square = 0;
#pragma unroll
        for (unsigned r = 0; r < kRounds; ++r) {
#pragma unroll
            for (unsigned k = 0; k < kStreams; ++k) {
                const std::uint32_t words[4] = {v[r][k].x, v[r][k].y, v[r][k].z, v[r][k].w};
#pragma unroll
                for (unsigned i = 0; i < 4; ++i) {
                    const float low = lowBf16(words[i]), high = highBf16(words[i]);
                    square += double{low * low} + double{high * high};
                }
            }
        }
        square = blockSum(square, sums);
        if (threadIdx.x < mixes) {
            const float* products = p.products + std::size_t{row} * 3 * mixes + threadIdx.x;
            parts[threadIdx.x] =
                double{products[0]} + double{products[mixes]} + double{products[2 * mixes]};
        }
        if (threadIdx.x == 0) {
            parts[kMix] = square;
        }
        __syncthreads();
    }
    if (threadIdx.x < mixes) {
        // The matrix product is an FP32 operation; the norm factor comes after it.
        const double factor = 1.0 / sqrt(parts[kMix] / double(kStreams * p.d) + double{p.normEps});
        const unsigned m = threadIdx.x;
        mix[m] = static_cast<float>(double{static_cast<float>(parts[m])} * factor);
        if (m < 2 * kStreams) {
            const bool isPost = m >= kStreams;
            const double s =
                sigmoid(double{mix[m]} * double{p.scale[isPost ? 1 : 0]} + double{p.base[m]});
            if (!isPost) {
                pre[m] = static_cast<float>(s + double{p.hcEps});
            } else if (both || second) {
                p.post[row * kStreams + m - kStreams] = static_cast<float>(2.0 * s);
            }
        }
    }
    __syncthreads();
    if (!p.head && (both || second) && warp == warps - 1) {
        sinkhorn(mix, p.scale, p.base, p.iterations, p.hcEps, p.comb + row * kStreams * kStreams);
    }
    if (second) {
        return;
    }
    // u = bf16(sum of pre * streams), kept where the first stream was.
    double square = 0;
    const double factors[kStreams] = {double{pre[0]}, double{pre[1]}, double{pre[2]},
                                      double{pre[3]}};
#pragma unroll
    for (unsigned r = 0; r < kRounds; ++r) {
        std::uint32_t* u = &v[r][0].x;
#pragma unroll
        for (unsigned i = 0; i < 4; ++i) {
            double low = 0, high = 0;
#pragma unroll
            for (unsigned k = 0; k < kStreams; ++k) {
                const std::uint32_t pair = (&v[r][k].x)[i];
                low += factors[k] * double{lowBf16(pair)};
                high += factors[k] * double{highBf16(pair)};
            }
            u[i] = packBf16(static_cast<float>(low), static_cast<float>(high));
            const float a = lowBf16(u[i]), b = highBf16(u[i]);
            square += double{a * a} + double{b * b};
        }
    }
    square = blockSum(square, sums);
    const double root = 1.0 / sqrt(square / double(p.d) + double{p.normEps});
#pragma unroll
    for (unsigned r = 0; r < kRounds; ++r) {
        const unsigned at = 8 * threadIdx.x + r * dims;
        const std::uint32_t* u = &v[r][0].x;
        const std::uint32_t* w = &weights[r].x;
        uint4 out;
        std::uint32_t* h = &out.x;
        float amax = 0;
#pragma unroll
        for (unsigned i = 0; i < 4; ++i) {
            h[i] = normPair(w[i], u[i], root);
            amax = fmaxf(amax, fmaxf(fabsf(lowBf16(h[i])), fabsf(highBf16(h[i]))));
        }
        if (p.q) { // sixteen lanes hold a block of 128
#pragma unroll
            for (int step = 8; step > 0; step /= 2) {
                amax = fmaxf(amax, __shfl_xor_sync(kAllLanes, amax, step));
            }
        }
        if (at >= p.d) {
            continue;
        }
        *reinterpret_cast<uint4*>(p.h + std::size_t{row} * p.d + at) = out;
        if (p.q) {
            const std::uint32_t byte = e4m3ScaleByte(amax);
            const float inverse = inverseE8m0(byte);
            uint2 codes;
            std::uint32_t* words = &codes.x;
#pragma unroll
            for (unsigned i = 0; i < 2; ++i) {
                words[i] =
                    floatToE4m3(lowBf16(h[2 * i]) * inverse) |
                    static_cast<std::uint32_t>(floatToE4m3(highBf16(h[2 * i]) * inverse)) << 8 |
                    static_cast<std::uint32_t>(floatToE4m3(lowBf16(h[2 * i + 1]) * inverse)) << 16 |
                    static_cast<std::uint32_t>(floatToE4m3(highBf16(h[2 * i + 1]) * inverse)) << 24;
            }
            *reinterpret_cast<uint2*>(p.q + std::size_t{row} * p.d + at) = codes;
            if (at % 128 == 0) {
                p.qScales[std::size_t{row} * (p.d / 128) + at / 128] = fromE8m0(byte);
            }
        }
    }
}

/// Reading: the update of the streams alone, two dims a thread.
__global__ void updateStreamsKernel(Bf16* streams, const Bf16* y, const float* post,
                                    const float* comb, unsigned d) {
    waitForPrevious();
    const unsigned row = blockIdx.x;
    StreamUpdate update;
    update.load(post + std::size_t{row} * kStreams, comb + std::size_t{row} * kStreams * kStreams);
    Bf16* mine = streams + std::size_t{row} * kStreams * d;
    for (unsigned at = 2 * threadIdx.x; at < d; at += 2 * blockDim.x) {
        std::uint32_t v[kStreams];
        for (unsigned k = 0; k < kStreams; ++k) {
            v[k] = *reinterpret_cast<const std::uint32_t*>(mine + std::size_t{k} * d + at);
        }
        update.apply(v, *reinterpret_cast<const std::uint32_t*>(y + std::size_t{row} * d + at));
        for (unsigned k = 0; k < kStreams; ++k) {
            *reinterpret_cast<std::uint32_t*>(mine + std::size_t{k} * d + at) = v[k];
        }
    }
}

/// An FP32 matrix as three bf16 terms that add up to it exactly: out[part][row][column].
__global__ void splitKernel(const float* in, std::size_t count, Bf16* out) {
    waitForPrevious();
    const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (i < count) {
        float rest = in[i];
        for (unsigned part = 0; part < 3; ++part) {
            const float term = rounded(rest);
            out[part * count + i] = toBf16(term);
            rest -= term;
        }
    }
}

constexpr unsigned kMostThreads = 512;

unsigned finishThreads(std::uint32_t d) {
    const unsigned wanted = (d / 8 + 31) / 32 * 32;
    return wanted < kMostThreads ? wanted : kMostThreads;
}

} // namespace

bool mixFits(std::uint32_t streams, std::uint32_t d) {
    return streams == kStreams && d % 128 == 0 && d <= 2 * 8 * kMostThreads;
}

std::uint64_t mixPartials(std::uint32_t d) {
    return std::uint64_t{d / kSliceDims} * (kMix + 1);
}

void embed(const Queue& queue, const BatchView& batch, const Bf16Weight& embedding, Bf16* streams) {
    launch(queue, "start the embedding", embedKernel, batch.rows, 128, 0, batch.tokens,
           embedding.values, embedding.in, streams);
}

void mixSlices(const Queue& queue, std::uint32_t rows, const RowList& list, Bf16* streams,
               const Bf16* y, const float* post, const float* comb, std::uint32_t d,
               const F32Weight& fn, double* partial) {
    launch(queue, "mix the streams", mixSliceKernel, dim3(d / kSliceDims, rows), 128, 0, list,
           streams, y, post, comb, d, fn.values, fn.out, partial);
}

void finishMix(const Queue& queue, std::uint32_t rows, const MixInput& in, const HyperSite& site,
               const MixNumbers& numbers, Bf16* h, QuantRows q, float* post, float* comb) {
    const std::uint32_t d = site.fn.in / kStreams;
    MixFinish p{};
    p.streams = in.streams;
    p.list = in.rows;
    p.partial = in.partial;
    p.products = in.products;
    p.slices = d / kSliceDims;
    p.base = site.base;
    p.scale = site.scale;
    p.norm = site.norm;
    p.d = d;
    p.iterations = numbers.iterations;
    p.hcEps = numbers.hcEps;
    p.normEps = numbers.normEps;
    p.head = site.fn.out == kStreams;
    p.h = h;
    p.q = q.values;
    p.qScales = q.scales;
    p.post = post;
    p.comb = comb;
    const dim3 grid(rows, in.partial && !p.head ? 2 : 1);
    if (d <= 8 * kMostThreads) {
        launch(queue, "finish the mix of the streams", finishMixKernel<1>, grid, finishThreads(d),
               0, p);
    } else {
        launch(queue, "finish the mix of the streams", finishMixKernel<2>, grid, finishThreads(d),
               0, p);
    }
}

void updateStreams(const Queue& queue, std::uint32_t rows, Bf16* streams, const Bf16* y,
                   const float* post, const float* comb, std::uint32_t d) {
    launch(queue, "update the streams", updateStreamsKernel, rows, d >= 512 ? 256 : 64, 0, streams,
           y, post, comb, d);
}

void splitF32(const Queue& queue, const float* in, std::uint64_t count, Bf16* out) {
    launch(queue, "split a matrix", splitKernel, static_cast<unsigned>((count + 255) / 256), 256, 0,
           in, count, out);
}

} // namespace dossier::engine::cuda
