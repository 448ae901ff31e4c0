// SPDX-License-Identifier: Apache-2.0
// CPU operations: router and mixture of experts. Rows are sorted by expert, so that a weight is
// read once for all rows that chose it; sums run over experts in ascending order.
#include <algorithm>

#include "engine/kernels/cpu/cpu_operations.h"

namespace dossier::engine {

void CpuOperations::route(const Bf16* h, std::uint32_t, const RouterParameters& router,
                          std::int32_t* ids, float* weights) {
    const std::uint32_t experts = router.gate.out, top = m_config.expertsPerToken;
    float* logits = scratch<float>(Use::RouterLogits, std::size_t{m_batch.rows()} * experts);
    linear32(h, router.gate, logits);
    m_pool.parallelFor(m_batch.rows(), 8, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t i = from; i < to; ++i) {
            const std::int64_t* fixed =
                router.tokenExperts
                    ? router.tokenExperts + static_cast<std::size_t>(m_batch.tokens[i]) * top
                    : nullptr;
            plain::route(logits + i * experts, router.bias, fixed, experts, top,
                         m_config.routedScale, ids + i * top, weights + i * top);
        }
    });
}

/// Slots: first the shared expert's n rows, then each row's choices by expert.
void CpuOperations::sortByExpert(const std::int32_t* ids, const float* weights,
                                 std::uint32_t layer) {
    const std::uint32_t n = m_batch.rows(), top = m_config.expertsPerToken;
    const std::uint32_t routed = m_config.routedExperts, choices = n * top;
    m_nextSlot.assign(routed + 1, 0); // [e + 1] = rows of expert e, then their first slot
    for (std::uint32_t i = 0; i < choices; ++i) {
        ++m_nextSlot[static_cast<std::size_t>(ids[i]) + 1];
    }
    m_groups.assign(1, {routed, 0, n});
    std::uint32_t begin = m_nextSlot[0] = n;
    for (std::uint32_t e = 0; e < routed; ++e) {
        const std::uint32_t rows = m_nextSlot[e + 1];
        if (rows > 0) {
            if (m_scaleChecks) {
                m_scaleChecks->expert(layer, e);
            }
            m_groups.push_back({e, begin, begin + rows});
        }
        m_nextSlot[e] = begin;
        begin += rows;
    }
    m_slotRow.resize(n + choices);
    m_slotWeight.resize(n + choices);
    m_slotOfChoice.resize(choices);
    for (std::uint32_t i = 0; i < n; ++i) {
        m_slotRow[i] = i;
        m_slotWeight[i] = 1.0f;
    }
    for (std::uint32_t i = 0; i < choices; ++i) {
        const std::uint32_t slot = m_nextSlot[static_cast<std::size_t>(ids[i])]++;
        m_slotRow[slot] = i / top;
        m_slotWeight[slot] = weights[i];
        m_slotOfChoice[i] = slot;
    }
}

void CpuOperations::experts(const QuantRows& hq, std::uint32_t layer, const std::int32_t* ids,
                            const float* weights, const ExpertParameters& shared, Bf16* y) {
    const std::uint32_t n = m_batch.rows(), top = m_config.expertsPerToken;
    const std::uint32_t d = m_config.hiddenSize;
    sortByExpert(ids, weights, layer);
    Bf16* out = scratch<Bf16>(Use::ExpertOut, std::size_t{n} * (top + 1) * d);
    m_expertTasks.clear();
    for (const Group& group : m_groups) {
        const bool isShared = group.expert == m_config.routedExperts;
        m_expertTasks.push_back({isShared ? shared : m_experts[layer][group.expert],
                                 m_slotRow.data() + group.begin, m_slotWeight.data() + group.begin,
                                 group.end - group.begin, out + std::size_t{group.begin} * d});
    }
    m_expertBatch.run(m_expertTasks, [&](WeightForm form) { return prepared(form, hq, d); });
    m_prepared.clear();

    const Bf16** lists = scratch<const Bf16*>(Use::Pointers, m_pool.size() * std::size_t{top + 1});
    m_pool.parallelFor(n, 8, [&](std::size_t from, std::size_t to, unsigned worker) {
        const Bf16** rows = lists + worker * std::size_t{top + 1};
        for (std::size_t i = from; i < to; ++i) {
            std::uint32_t* chosen = &m_slotOfChoice[i * top];
            std::sort(chosen, chosen + top); // slots are sorted by expert
            for (std::uint32_t c = 0; c < top; ++c) {
                rows[c] = out + std::size_t{chosen[c]} * d;
            }
            rows[top] = out + i * d; // the shared expert comes last
            m_kernels.sumRows(rows, top + 1, d, y + i * d);
        }
    });
}

} // namespace dossier::engine
