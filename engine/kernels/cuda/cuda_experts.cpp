// SPDX-License-Identifier: Apache-2.0
// CUDA operations: router and mixture of experts.
#include <algorithm>

#include "engine/kernels/cuda/cuda_operations_impl.h"
#include "engine/kernels/cuda/row_kernels.h"

namespace dossier::engine::cuda {
namespace {

/// Rows of the shared expert, or of one routed expert, that go through at a time.
constexpr std::uint32_t kExpertSlice = 4096;

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
    const std::uint32_t n = rows(), top = m_config.expertsPerToken;
    const std::uint32_t d = m_config.hiddenSize, inner = m_config.moeIntermediate;
    const std::uint32_t experts = m_config.routedExperts;
    auto* counts = scratch<std::uint32_t>(Slot::ExpertCounts, experts);
    auto* lists = scratch<std::uint32_t>(Slot::ExpertLists, std::uint64_t{experts} * n);
    auto* sums = scratch<float>(Slot::ExpertSums, std::uint64_t{n} * d);
    sortByExpert(m_queue, n, top, experts, ids, counts, lists);
    zero(sums, std::uint64_t{n} * d * sizeof(float));
    std::vector<std::uint32_t> hostCounts(experts);
    download(hostCounts.data(), counts, experts * sizeof(std::uint32_t));
    m_experts->need(layer, hostCounts);

    const std::uint64_t weightValues = std::uint64_t{inner} * d;
    const std::uint32_t most =
        std::min(kExpertSlice, *std::max_element(hostCounts.begin(), hostCounts.end()));
    auto* gathered = scratch<Bf16>(Slot::ExpertRows, std::uint64_t{most} * d);
    auto* w = scratch<Bf16>(Slot::ExpertWeights, 3 * weightValues);
    auto* gateUp = scratch<Bf16>(Slot::ExpertGateUp, std::uint64_t{most} * 2 * inner);
    auto* products = scratch<Bf16>(Slot::ExpertProducts, std::uint64_t{most} * inner);
    auto* out = scratch<Bf16>(Slot::ExpertOutputs, std::uint64_t{most} * d);
    for (std::uint32_t e = 0; e < experts; ++e) {
        if (hostCounts[e] == 0) {
            continue;
        }
        const ExpertParameters p = m_expertLayout.at(m_experts->acquire(layer, e, m_queue.stream));
        if (p.fp4()) {
            dequantise(m_queue, p.w1, w);
            dequantise(m_queue, p.w3, w + weightValues);
            dequantise(m_queue, p.w2, w + 2 * weightValues);
        } else {
            dequantise(m_queue, p.w1Fp8, w);
            dequantise(m_queue, p.w3Fp8, w + weightValues);
            dequantise(m_queue, p.w2Fp8, w + 2 * weightValues);
        }
        m_experts->release(layer, e, m_queue.stream);
        for (std::uint32_t first = 0; first < hostCounts[e]; first += most) {
            const std::uint32_t count = std::min(most, hostCounts[e] - first);
            const std::uint32_t* list = lists + std::uint64_t{e} * n + first;
            gatherRows(m_queue, count, list, top, hq, d, gathered);
            gemm({count, 2 * inner, d, d, 2 * inner}, gathered, w, gateUp, false);
            gate(m_queue, count, list, weights, static_cast<float>(m_config.swigluLimit), gateUp,
                 inner, products);
            gemm({count, d, inner, inner, d}, products, w + 2 * weightValues, out, false);
            addRows(m_queue, count, list, top, out, d, sums);
        }
    }
    readSharedExpert(hq, shared, sums, y);
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
        gate(m_queue, count, nullptr, nullptr, static_cast<float>(m_config.swigluLimit), gateUp,
             inner, products);
        gemm({count, d, inner, inner, d}, products, w2, out, false);
        finishSums(m_queue, std::uint64_t{count} * d, sums + std::uint64_t{first} * d, out,
                   y + std::uint64_t{first} * d);
    }
}

} // namespace dossier::engine::cuda
