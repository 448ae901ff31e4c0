// SPDX-License-Identifier: Apache-2.0
// CUDA operations: router and mixture of experts.
#include <algorithm>

#include "engine/kernels/cuda/cuda_operations_impl.h"
#include "engine/kernels/cuda/fp8_gemm_kernels.h"
#include "engine/kernels/cuda/row_kernels.h"

namespace dossier::engine::cuda {
namespace {

/// Rows of the shared expert, or of one routed expert, that go through at a time.
constexpr std::uint32_t kExpertSlice = 4096;

/// Rows of a routed expert that go through together.
struct ReadPiece {
    std::uint32_t expert = 0, first = 0, count = 0;
};
struct ReadGroup {
    std::vector<ReadPiece> pieces;
    std::uint32_t rows = 0;
};
struct GroupLimit {
    std::uint32_t pieces = 1, rows = kExpertSlice;
};
constexpr GroupLimit kBf16Group{};
/// Several experts a launch: the rows of one would leave part of the GPU without work.
constexpr GroupLimit kFp8Group{kMaxExpertPieces, 2 * kExpertSlice};

std::vector<ReadGroup> readGroups(std::span<const std::uint32_t> counts, GroupLimit limit) {
    std::vector<ReadGroup> groups;
    for (std::uint32_t e = 0; e < counts.size(); ++e) {
        for (std::uint32_t first = 0; first < counts[e]; first += kExpertSlice) {
            const std::uint32_t count = std::min(kExpertSlice, counts[e] - first);
            if (groups.empty() || groups.back().pieces.size() == limit.pieces ||
                groups.back().rows + count > limit.rows) {
                groups.emplace_back();
            }
            groups.back().pieces.push_back({e, first, count});
            groups.back().rows += count;
        }
    }
    return groups;
}

} // namespace

void CudaOperations::route(const Bf16* h, std::uint32_t layer, const RouterParameters& router,
                           std::int32_t* ids, float* weights) {
    auto* logits =
        scratch<float>(Slot::RouterLogits, std::uint64_t{rows()} * m_config.routedExperts);
    linear32(h, router.gate, logits);
    RouterParameters used = router;
    const std::int32_t* tokens = m_view.tokens;
    if (forced()) {
        used.tokenExperts = forcedTable(layer);
        tokens = m_rowNumbers.as<std::int32_t>();
    }
    const RouteTask task{
        logits, used,   m_config.expertsPerToken, static_cast<float>(m_config.routedScale), tokens,
        ids,    weights};
    if (answering()) {
        m_route = task; // one launch with the plan of the experts
    } else {
        cuda::route(m_queue, rows(), task);
    }
}

void CudaOperations::expectExperts(std::uint32_t layer, const RouterParameters& router) {
    m_experts->prefetch(m_queue, layer, forced() ? forcedTable(layer) : router.tokenExperts,
                        forced() ? m_rowNumbers.as<std::int32_t>() : m_view.tokens, rows());
}

void CudaOperations::experts(const QuantRows& hq, std::uint32_t layer, const std::int32_t* ids,
                             const float* weights, const ExpertParameters& shared, Bf16* y) {
    if (answering()) {
        if (m_route.ids != ids) { // somebody else's choice
            m_route = {};
            m_route.router.gate.out = m_config.routedExperts;
            m_route.top = m_config.expertsPerToken;
            m_route.ids = const_cast<std::int32_t*>(ids);
            m_route.weights = const_cast<float*>(weights);
        }
        answerExperts(hq, layer, shared, y);
        m_route = {};
    } else {
        readExperts(hq, layer, ids, weights, shared, y);
    }
}

void CudaOperations::answerExperts(const QuantRows& hq, std::uint32_t layer,
                                   const ExpertParameters& shared, Bf16* y) {
    AnswerBuffers buffers = m_answerBuffers;
    buffers.tasks = std::min(m_config.routedExperts, rows() * m_config.expertsPerToken);
    const AnswerShape shape{m_expertLayout, rows(), m_config.expertsPerToken,
                            m_config.routedExperts, static_cast<float>(m_config.swigluLimit)};
    planAnswer(m_queue, rows(), m_route, m_experts->table(layer), buffers);
    if (m_experts->complete()) {
        answerUp(m_queue, shape, AnswerPart::All, hq, shared, buffers);
        answerDown(m_queue, shape, AnswerPart::All, shared, buffers, y);
        return;
    }
    // What lies in VRAM runs while the rest is fetched.
    m_experts->beginFetch(m_queue, layer, {hq, rows()}, buffers.plan);
    answerUp(m_queue, shape, AnswerPart::First, hq, shared, buffers);
    answerDown(m_queue, shape, AnswerPart::First, shared, buffers, y);
    m_experts->endFetch(m_queue, layer, buffers.plan);
    Queue behind = m_queue;
    behind.overlap = Overlap::None; // behind an event
    answerUp(behind, shape, AnswerPart::Second, hq, shared, buffers);
    answerDown(m_queue, shape, AnswerPart::Second, shared, buffers, y);
}

void CudaOperations::readExperts(const QuantRows& hq, std::uint32_t layer, const std::int32_t* ids,
                                 const float* weights, const ExpertParameters& shared, Bf16* y) {
    const std::uint32_t n = rows(), top = m_config.expertsPerToken, d = m_config.hiddenSize;
    const std::uint32_t experts = m_config.routedExperts;
    auto* counts = scratch<std::uint32_t>(Slot::ExpertCounts, experts);
    auto* lists = scratch<std::uint32_t>(Slot::ExpertLists, std::uint64_t{experts} * n);
    auto* sums = scratch<float>(Slot::ExpertSums, std::uint64_t{n} * d);
    sortByExpert(m_queue, n, top, experts, ids, counts, lists);
    zero(sums, std::uint64_t{n} * d * sizeof(float));
    std::vector<std::uint32_t> hostCounts(experts);
    download(hostCounts.data(), counts, experts * sizeof(std::uint32_t));
    m_experts->need(layer, hostCounts);

    const std::vector<ReadGroup> groups = readGroups(hostCounts, m_fp8 ? kFp8Group : kBf16Group);
    std::uint32_t most = 0;
    for (const ReadGroup& group : groups) {
        most = std::max(most, group.rows);
    }
    const std::uint8_t* block = nullptr;
    for (const ReadGroup& group : groups) {
        ExpertPieces pieces;
        for (const ReadPiece& piece : group.pieces) {
            if (piece.first == 0) {
                block = m_experts->acquire(layer, piece.expert, m_queue.stream);
            }
            expandExpert(m_expertLayout.at(block), pieces.count);
            if (piece.first + piece.count == hostCounts[piece.expert]) {
                m_experts->release(layer, piece.expert, m_queue.stream);
            }
            pieces.add(lists + std::uint64_t{piece.expert} * n + piece.first, piece.count);
        }
        const Bf16* out = m_fp8 ? multiplyPiecesFp8(pieces, hq, weights, most)
                                : multiplyPiece(pieces, hq, weights, most);
        for (std::uint32_t p = 0; p < pieces.count; ++p) { // a row may be in several
            const ExpertPieces::Piece& piece = pieces.piece[p];
            addRows(m_queue, piece.rows, piece.list, top, out + std::uint64_t{piece.firstRow} * d,
                    d, sums);
        }
    }
    readSharedExpert(hq, shared, sums, y);
}

void CudaOperations::expandExpert(const ExpertParameters& p, std::uint32_t place) {
    const std::uint64_t count = std::uint64_t{m_config.moeIntermediate} * m_config.hiddenSize;
    const Fp4Weight* fp4[3] = {&p.w1, &p.w3, &p.w2};
    const Fp8Weight* fp8[3] = {&p.w1Fp8, &p.w3Fp8, &p.w2Fp8};
    if (!m_fp8) {
        auto* to = scratch<Bf16>(Slot::ExpertWeights, 3 * count);
        for (std::uint64_t i = 0; i < 3; ++i) {
            if (p.fp4()) {
                dequantise(m_queue, *fp4[i], to + i * count);
            } else {
                dequantise(m_queue, *fp8[i], to + i * count);
            }
        }
        return;
    }
    for (std::uint32_t i = 0; i < 3; ++i) {
        const Fp8Place to = fp8Place(3 * place + i);
        if (p.fp4()) {
            expandToFp8(m_queue, *fp4[i], to.values, to.scales);
        } else {
            copy(to.values, fp8[i]->values, count);
            copy(to.scales, fp8[i]->scales, count / (128 * 128));
        }
    }
}

CudaOperations::Fp8Place CudaOperations::fp8Place(std::uint64_t matrix) {
    const std::uint64_t count = std::uint64_t{m_config.moeIntermediate} * m_config.hiddenSize;
    const std::uint64_t blocks = count / (128 * 128);
    return {scratch<std::uint8_t>(Slot::ExpertWeights, kMaxExpertPieces * 3 * count) +
                matrix * count,
            scratch<std::uint8_t>(Slot::ExpertWeightScales, kMaxExpertPieces * 3 * blocks) +
                matrix * blocks};
}

const Bf16* CudaOperations::multiplyPiece(const ExpertPieces& pieces, const QuantRows& hq,
                                          const float* weights, std::uint32_t most) {
    const std::uint32_t d = m_config.hiddenSize, inner = m_config.moeIntermediate;
    const std::uint64_t count = std::uint64_t{inner} * d;
    const auto* w = scratch<Bf16>(Slot::ExpertWeights, 3 * count);
    auto* x = scratch<Bf16>(Slot::ExpertRows, std::uint64_t{most} * d);
    auto* gateUp = scratch<Bf16>(Slot::ExpertGateUp, std::uint64_t{most} * 2 * inner);
    auto* products = scratch<Bf16>(Slot::ExpertProducts, std::uint64_t{most} * inner);
    auto* out = scratch<Bf16>(Slot::ExpertOutputs, std::uint64_t{most} * d);
    gatherRows(m_queue, pieces, m_config.expertsPerToken, hq, d, x);
    gemm({pieces.rows, 2 * inner, d, d, 2 * inner}, x, w, gateUp, false);
    gate(m_queue, pieces, weights, static_cast<float>(m_config.swigluLimit), gateUp, inner,
         products);
    gemm({pieces.rows, d, inner, inner, d}, products, w + 2 * count, out, false);
    return out;
}

QuantRows CudaOperations::scratchRows(Slot values, Slot scales, std::uint64_t rows,
                                      std::uint32_t columns) {
    return {scratch<std::uint8_t>(values, rows * columns),
            scratch<float>(scales, rows * (columns / 128))};
}

const Bf16* CudaOperations::multiplyPiecesFp8(const ExpertPieces& pieces, const QuantRows& hq,
                                              const float* weights, std::uint32_t most) {
    const std::uint32_t d = m_config.hiddenSize, inner = m_config.moeIntermediate;
    const QuantRows x = scratchRows(Slot::ExpertRows, Slot::ExpertRowScales, most, d);
    auto* gateUp = scratch<Bf16>(Slot::ExpertGateUp, std::uint64_t{most} * 2 * inner);
    const QuantRows products =
        scratchRows(Slot::ExpertProducts, Slot::ExpertProductScales, most, inner);
    auto* out = scratch<Bf16>(Slot::ExpertOutputs, std::uint64_t{most} * d);
    // From each expert's matrix of that number on: w1 and w3 lie beside each other.
    const auto product = [&](std::uint32_t outs, std::uint32_t ins, std::uint64_t matrix) {
        Fp8Products p{outs, ins, outs, pieces.count};
        for (std::uint32_t i = 0; i < pieces.count; ++i) {
            const Fp8Place w = fp8Place(3 * i + matrix);
            p.parts[i] = {w.values, w.scales, pieces.piece[i].firstRow, pieces.piece[i].rows};
        }
        return p;
    };
    gatherRows(m_queue, pieces, m_config.expertsPerToken, hq, d, x);
    gemmFp8(m_queue, product(2 * inner, d, 0), x, gateUp);
    gate(m_queue, pieces, weights, static_cast<float>(m_config.swigluLimit), gateUp, inner,
         products);
    gemmFp8(m_queue, product(d, inner, 2), products, out);
    return out;
}

void CudaOperations::readSharedExpert(const QuantRows& hq, const ExpertParameters& shared,
                                      const float* sums, Bf16* y) {
    const std::uint32_t d = m_config.hiddenSize, inner = m_config.moeIntermediate;
    const std::uint32_t most = std::min(kExpertSlice, rows());
    auto* x = scratch<Bf16>(Slot::ExpertRows, std::uint64_t{most} * d);
    auto* gateUp = scratch<Bf16>(Slot::ExpertGateUp, std::uint64_t{most} * 2 * inner);
    auto* products = scratch<Bf16>(Slot::ExpertProducts, std::uint64_t{most} * inner);
    auto* out = scratch<Bf16>(Slot::ExpertOutputs, std::uint64_t{most} * d);
    const Bf16* w1 = expanded(shared.w1Fp8);
    const Bf16* w3 = expanded(shared.w3Fp8);
    const Bf16* w2 = expanded(shared.w2Fp8);
    for (std::uint32_t first = 0; first < rows(); first += most) {
        const std::uint32_t count = std::min(most, rows() - first);
        dequantiseRows(
            m_queue, count,
            {hq.values + std::uint64_t{first} * d, hq.scales + std::uint64_t{first} * (d / 128)}, d,
            x);
        gemm({count, inner, d, d, 2 * inner}, x, w1, gateUp, false);
        gemm({count, inner, d, d, 2 * inner}, x, w3, gateUp + inner, false);
        ExpertPieces pieces;
        pieces.add(nullptr, count);
        gate(m_queue, pieces, nullptr, static_cast<float>(m_config.swigluLimit), gateUp, inner,
             products);
        gemm({count, d, inner, inner, d}, products, w2, out, false);
        finishSums(m_queue, std::uint64_t{count} * d, sums + std::uint64_t{first} * d, out,
                   y + std::uint64_t{first} * d);
    }
}

} // namespace dossier::engine::cuda
