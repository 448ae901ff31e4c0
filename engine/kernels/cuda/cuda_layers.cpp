// SPDX-License-Identifier: Apache-2.0
// CUDA operations: streams, linear layers, attention, head.
#include <algorithm>
#include <cmath>

#include "engine/kernels/cuda/compress_kernels.h"
#include "engine/kernels/cuda/cuda_operations_impl.h"
#include "engine/kernels/cuda/row_kernels.h"

namespace dossier::engine::cuda {
namespace {

/// Index scores of a reading batch are computed in tiles of rows of at most this size, whatever the
/// context.
constexpr std::uint64_t kScoreBytes = std::uint64_t{512} << 20;

/// Answering: with more keys than this, a row's selection is spread over many blocks.
constexpr std::uint32_t kSplitSelection = 2 * kSelectChunk;

/// Rows that every block of a linear layer quantises for itself; with more of them a launch of its
/// own takes less. The bits are the same.
constexpr std::uint32_t kRawRows = 4;
constexpr std::uint32_t kMaxRawBlocks = 128; ///< of 128 inputs

std::uint32_t roundedUp(std::uint32_t n, std::uint32_t step) {
    return (n + step - 1) / step * step;
}

} // namespace

void CudaOperations::embed(const Bf16Weight& embedding, Bf16* streams) {
    cuda::embed(m_queue, m_view, embedding, streams);
}

void CudaOperations::hyperIn(const HyperSite& site, const Bf16* streams, Bf16* h, QuantRows hq,
                             float* post, float* comb) {
    const std::uint32_t d = m_config.hiddenSize;
    const MixNumbers numbers{m_config.hcSinkhornIters, static_cast<float>(m_config.hcEps),
                             static_cast<float>(m_config.rmsNormEps)};
    MixInput in;
    in.streams = streams;
    if (answering()) {
        auto* partial = scratch<double>(Slot::MixPartials, rows() * mixPartials(d));
        mixSlices(m_queue, rows(), {}, const_cast<Bf16*>(streams), nullptr, nullptr, nullptr, d,
                  site.fn, partial);
        in.partial = partial;
    } else {
        const std::uint64_t count = std::uint64_t{site.fn.out} * site.fn.in;
        auto* parts = scratch<Bf16>(Slot::SplitWeights, 3 * count);
        auto* mixes = scratch<float>(Slot::MixProducts, std::uint64_t{rows()} * 3 * site.fn.out);
        splitF32(m_queue, site.fn.values, count, parts);
        gemmBf16(m_queue, {rows(), 3 * site.fn.out, site.fn.in, site.fn.in, 3 * site.fn.out},
                 streams, parts, mixes, true);
        in.products = mixes;
    }
    finishMix(m_queue, rows(), in, site, numbers, h, hq, post, comb);
}

void CudaOperations::hyperOut(Bf16* streams, const Bf16* y, const float* post, const float* comb) {
    updateStreams(m_queue, rows(), streams, y, post, comb, m_config.hiddenSize);
}

void CudaOperations::hyperOutIn(Bf16* streams, const Bf16* y, const HyperSite& next, Bf16* h,
                                QuantRows hq, float* post, float* comb) {
    if (!answering()) {
        hyperOut(streams, y, post, comb);
        hyperIn(next, streams, h, hq, post, comb);
        return;
    }
    const std::uint32_t d = m_config.hiddenSize;
    auto* partial = scratch<double>(Slot::MixPartials, rows() * mixPartials(d));
    mixSlices(m_queue, rows(), {}, streams, y, post, comb, d, next.fn, partial);
    MixInput in;
    in.streams = streams;
    in.partial = partial;
    finishMix(m_queue, rows(), in, next,
              {m_config.hcSinkhornIters, static_cast<float>(m_config.hcEps),
               static_cast<float>(m_config.rmsNormEps)},
              h, hq, post, comb);
}

void CudaOperations::quantise(const Bf16* x, std::uint32_t columns, QuantRows q) {
    cuda::normQuantise(m_queue, rows(), x, columns, nullptr, 0, q);
}

void CudaOperations::addGemv(const GemvTask& task) {
    m_gemvs.push_back(task);
    if (!m_grouped || m_gemvs.size() == kMaxGemvTasks) {
        flushGemvs();
    }
}

void CudaOperations::flushGemvs() {
    if (!m_gemvs.empty()) {
        gemv(m_queue, rows(), m_gemvs);
        m_gemvs.clear();
    }
}

void CudaOperations::gemm(const GemmShape& shape, const Bf16* x, const Bf16* w, void* y, bool f32) {
    if (shape.rows == 0) {
        return;
    }
    if (!m_library || !m_library->gemm(m_queue, shape, x, w, y, f32)) {
        gemmBf16(m_queue, shape, x, w, y, f32);
    }
}

const Bf16* CudaOperations::expanded(const Fp8Weight& weight) {
    const auto known = m_expanded.find(weight.values);
    if (known != m_expanded.end()) {
        return known->second;
    }
    if (m_expandArena.bytes() == 0) {
        // Room for the largest layer: all dense FP8 weights that one may have.
        const ModelConfig& c = m_config;
        const std::uint64_t d = c.hiddenSize;
        const std::uint64_t values =
            (c.qLoraRank + c.headDim) * d +
            (c.qWidth() + std::uint64_t{c.indexHeads} * c.indexHeadDim) * c.qLoraRank +
            std::uint64_t{c.oRank()} * c.oGroupInput() + d * c.oRank() + 3 * d * c.moeIntermediate;
        m_expandArena = VramBuffer(m_ledger, kScratch, values * sizeof(Bf16) + (1U << 20));
    }
    const std::uint64_t bytes = std::uint64_t{weight.out} * weight.in * sizeof(Bf16);
    if (m_expandUsed + bytes > m_expandArena.bytes()) {
        m_expanded.clear(); // weights of several layers in turn, outside a run
        m_expandUsed = 0;
    }
    auto* to = reinterpret_cast<Bf16*>(m_expandArena.data() + m_expandUsed);
    m_expandUsed += (bytes + 255) / 256 * 256;
    dequantise(m_queue, weight, to);
    m_expanded.emplace(weight.values, to);
    return to;
}

void CudaOperations::linear(const QuantRows& x, const Fp8Weight& w, Bf16* y) {
    if (answering()) {
        GemvTask task{GemvKind::Fp8, w.values, w.scales};
        task.y = y;
        task.out = w.out;
        task.in = w.in;
        if (const auto raw = m_raw.find(x.values); raw != m_raw.end()) {
            task.raw = raw->second.x;
            task.norm = raw->second.norm;
            task.eps = static_cast<float>(m_config.rmsNormEps);
        } else {
            task.x = x.values;
            task.xScales = x.scales;
        }
        addGemv(task);
        return;
    }
    auto* expandedRows = scratch<Bf16>(Slot::Rows16, std::uint64_t{rows()} * w.in);
    dequantiseRows(m_queue, rows(), x, w.in, expandedRows);
    gemm({rows(), w.out, w.in, w.in, w.out}, expandedRows, expanded(w), y, false);
}

void CudaOperations::linear32(const Bf16* x, const Bf16Weight& w, float* y) {
    if (answering()) {
        GemvTask task{GemvKind::Bf16F32, w.values, nullptr, x};
        task.y = y;
        task.out = w.out;
        task.in = w.in;
        addGemv(task);
        return;
    }
    gemm({rows(), w.out, w.in, w.in, w.out}, x, w.values, y, true);
}

void CudaOperations::linearGrouped(const Bf16* x, const Fp8Weight& w, std::uint32_t groups, Bf16* y,
                                   QuantRows q) {
    if (answering()) {
        GemvTask task{GemvKind::Fp8Bf16, w.values, w.scales, x};
        task.y = y;
        task.out = w.out;
        task.in = w.in;
        task.groups = groups;
        addGemv(task);
    } else {
        GemmShape shape{rows(), w.out / groups, w.in, groups * w.in, w.out, groups};
        shape.xStep = w.in;
        shape.wStep = std::uint64_t{w.out / groups} * w.in;
        shape.yStep = w.out / groups;
        gemm(shape, x, expanded(w), y, false);
    }
    quantise(y, w.out, q);
}

bool CudaOperations::leaveRaw(const Bf16* x, const Bf16* norm, std::uint32_t columns,
                              const QuantRows& q) {
    if (!answering() || rows() > kRawRows || columns > 128 * kMaxRawBlocks) {
        return false;
    }
    m_raw[q.values] = {x, norm};
    return true;
}

void CudaOperations::normQuantise(const Bf16* x, std::uint32_t columns, const Bf16* w,
                                  QuantRows q) {
    if (leaveRaw(x, w, columns, q)) {
        return;
    }
    cuda::normQuantise(m_queue, rows(), x, columns, w, static_cast<float>(m_config.rmsNormEps), q);
}

void CudaOperations::flushFinish() {
    if (m_finishPending && !m_grouped) {
        finishAnswer(m_queue, m_view, m_finish);
        m_finish = {};
        m_finishPending = false;
    }
}

void CudaOperations::finishQueries(Bf16* q, Rope rope) {
    const QueryTask task{q,
                         m_config.heads,
                         m_config.headDim,
                         m_config.ropeDim,
                         static_cast<float>(m_config.rmsNormEps),
                         ropeTable(rope)};
    if (!answering()) {
        cuda::finishQueries(m_queue, rows(), task);
        return;
    }
    m_finish.queries = task;
    m_finishPending = true;
    flushFinish();
}

void CudaOperations::finishRows(const Bf16* kv, const Bf16* norm, Rope rope, std::byte* packed) {
    const auto eps = static_cast<float>(m_config.rmsNormEps);
    if (!answering()) {
        cuda::finishRows(m_queue, rows(), kv, norm, eps, m_rowLayout, ropeTable(rope), packed);
        return;
    }
    m_finish.kv = kv;
    m_finish.kvNorm = norm;
    m_finish.kvEps = eps;
    m_finish.layout = m_rowLayout;
    m_finish.table = ropeTable(rope);
    m_finish.packed = packed;
    m_finishPending = true;
    flushFinish();
}

void CudaOperations::compress(const Compressor& compressor, Pool pool, std::uint32_t layer,
                              const float* a, float* s) {
    const CompressInput in{a, s, m_compressedFrequencies, m_rowLayout,
                           static_cast<float>(m_config.rmsNormEps)};
    if (!answering()) {
        cuda::compress(m_queue, m_view, layer, compressor, pool, in);
        return;
    }
    (pool == Pool::Main ? m_finish.main : m_finish.index) =
        compressParameters(m_view, layer, compressor, pool, in);
    m_finishPending = true;
    flushFinish();
}

void CudaOperations::indexWeights(const Bf16* h, const Bf16Weight& proj, Bf16* weights) {
    const float factor = static_cast<float>(std::pow(m_config.indexHeadDim, -0.5) *
                                            std::pow(m_config.indexHeads, -0.5));
    if (answering()) {
        GemvTask task{GemvKind::Bf16, proj.values, nullptr, h};
        task.y = weights;
        task.out = proj.out;
        task.in = proj.in;
        task.factor = factor;
        addGemv(task);
        return;
    }
    gemm({rows(), proj.out, proj.in, proj.in, proj.out}, h, proj.values, weights, false);
    scaleRows(m_queue, std::uint64_t{rows()} * proj.out, weights, factor);
}

void CudaOperations::finishIndexQueries(Bf16* qi) {
    const QueryTask task{qi,   m_config.indexHeads,   m_config.indexHeadDim, m_config.ropeDim,
                         0.0F, m_view.compressedTable};
    if (!answering()) {
        cuda::finishIndexQueries(m_queue, rows(), task);
        return;
    }
    m_finish.indexQueries = task;
    m_finishPending = true;
    flushFinish();
}

void CudaOperations::selectEntries(const Bf16* qi, const Bf16* weights, std::uint32_t layer,
                                   std::int32_t* ids) {
    const IndexShape shape{m_config.indexHeads, m_config.indexHeadDim, m_config.indexTopk};
    // Answering: for any context up to the limit that the work is recorded for.
    const auto keys =
        static_cast<std::uint32_t>((answering() ? m_contextLimit : m_lastPosition + 1) / 4);
    const std::uint32_t pitch = roundedUp(std::max(keys, 1U), 128);
    std::uint32_t tile = rows();
    Bf16* scores = nullptr;
    if (keys > shape.topk) {
        if (!answering()) {
            const std::uint64_t most = kScoreBytes / (pitch * sizeof(Bf16)) / 4 * 4;
            tile = static_cast<std::uint32_t>(
                std::clamp<std::uint64_t>(most, 4, std::max(rows(), 4U)));
        }
        scores = scratch<Bf16>(Slot::Scores, std::uint64_t{std::min(tile, rows())} * pitch);
    }
    for (std::uint32_t first = 0; first < rows(); first += tile) {
        const std::uint32_t count = std::min(tile, rows() - first);
        if (scores) {
            indexScores(m_queue, m_view, layer, shape, first, count, keys, qi, weights, scores,
                        pitch);
        }
        if (answering() && keys > kSplitSelection) {
            selectSplit(m_queue, m_view, shape, keys, scores, pitch, m_selectBuffers, ids);
        } else {
            cuda::selectEntries(m_queue, m_view, shape, first, count, scores, pitch, ids);
        }
    }
}

void CudaOperations::attend(const Bf16* q, const std::byte* packed, const float* sink,
                            std::uint32_t layer, std::uint32_t ratio, const std::int32_t* ids,
                            Rope rope, Bf16* o) {
    const AttendShape shape{m_config.heads,
                            m_config.headDim,
                            m_config.slidingWindow,
                            ratio,
                            ids ? m_config.indexTopk : 0,
                            m_rowLayout,
                            static_cast<float>(std::pow(m_config.headDim, -0.5))};
    const AttendInput in{q, packed, sink, ids, ropeTable(rope), o};
    if (answering()) {
        attendSplit(
            m_queue, m_view, layer, shape, in, m_contextLimit,
            scratch<float>(Slot::AttendPartials, attendPartials(shape, rows(), m_contextLimit)));
        return;
    }
    cuda::attend(m_queue, m_view, layer, shape, in);
    keepWindow(m_queue, m_view, layer, packed, m_rowLayout.bytes, m_config.slidingWindow);
}

void CudaOperations::head(const HeadParameters& head, const Bf16* streams,
                          std::span<const std::uint32_t> wanted, float* logits) {
    const std::uint32_t d = m_config.hiddenSize;
    // The same kernels on both paths: up to 16 rows at a time.
    for (std::size_t first = 0; first < wanted.size(); first += kAnswerRows) {
        const auto part =
            wanted.subspan(first, std::min<std::size_t>(kAnswerRows, wanted.size() - first));
        const auto n = static_cast<std::uint32_t>(part.size());
        RowList list;
        list.count = n;
        std::copy(part.begin(), part.end(), list.rows);
        auto* partial = scratch<double>(Slot::MixPartials, kAnswerRows * mixPartials(d));
        auto* h = scratch<Bf16>(Slot::HeadRows, std::uint64_t{kAnswerRows} * d);
        mixSlices(m_queue, n, list, const_cast<Bf16*>(streams), nullptr, nullptr, nullptr, d,
                  head.site.fn, partial);
        MixInput in;
        in.streams = streams;
        in.partial = partial;
        in.rows = list;
        finishMix(m_queue, n, in, head.site,
                  {0, static_cast<float>(m_config.hcEps), static_cast<float>(m_config.rmsNormEps)},
                  h, {}, nullptr, nullptr);
        GemvTask task{GemvKind::Bf16F32, head.head.values, nullptr, h};
        task.y = logits + first * head.head.out;
        task.out = head.head.out;
        task.in = head.head.in;
        gemv(m_queue, n, {&task, 1});
    }
}

} // namespace dossier::engine::cuda
