// SPDX-License-Identifier: Apache-2.0
// Reading: completed entries of a batch, and the tokens that the next one needs.
#include "engine/kernels/cuda/compress_tile.cuh"

namespace dossier::engine::cuda {
namespace {

/// Reading: block (x, y) = (block counted from the first one that this batch may complete,
/// segment).
__global__ void compressKernel(CompressParameters p) {
    __shared__ double sums[32];
    waitForPrevious();
    const DeviceSegment segment = p.segments[blockIdx.y];
    const unsigned j = segment.position / p.ratio + blockIdx.x;
    if (j < (segment.position + segment.count) / p.ratio) {
        const LayerState& state = p.states[blockIdx.y];
        compressBlock(p, Tokens(p, segment, state), state, j, dynamicShared<Bf16>(), sums);
    }
}

__global__ void keepRingKernel(CompressParameters p) {
    waitForPrevious();
    const DeviceSegment segment = p.segments[blockIdx.y];
    const Tokens tokens(p, segment, p.states[blockIdx.y]);
    const unsigned kept = min(segment.count, tokens.ring);
    if (blockIdx.x < kept) {
        tokens.keep(segment.position + segment.count - kept + blockIdx.x);
    }
}

} // namespace

CompressParameters compressParameters(const BatchView& batch, std::uint32_t layer,
                                      const Compressor& compressor, Pool pool,
                                      const CompressInput& in) {
    CompressParameters p{};
    p.segments = batch.segments;
    p.states = batch.layer(layer);
    p.a = in.a;
    p.s = in.s;
    p.ape = compressor.ape;
    p.frequencies = in.frequencies;
    p.norm = compressor.norm;
    p.ratio = compressor.ratio;
    p.width = compressor.width;
    p.overlap = compressor.overlap();
    p.index = pool == Pool::Index;
    p.eps = in.eps;
    p.layout = in.layout;
    return p;
}

void compress(const Queue& queue, const BatchView& batch, std::uint32_t layer,
              const Compressor& compressor, Pool pool, const CompressInput& in) {
    const CompressParameters p = compressParameters(batch, layer, compressor, pool, in);
    const unsigned threads = compressor.width >= 256 ? 256 : 128;
    const std::size_t shared = compressor.width * sizeof(Bf16);
    launch(queue, "compress blocks", compressKernel,
           dim3(batch.rows / compressor.ratio + 1, batch.segmentCount), threads, shared, p);
    const unsigned ring = p.overlap * p.ratio;
    launch(queue, "keep the compressor's tokens", keepRingKernel,
           dim3(batch.rows < ring ? batch.rows : ring, batch.segmentCount), threads, 0, p);
}

} // namespace dossier::engine::cuda
