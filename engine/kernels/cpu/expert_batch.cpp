// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/cpu/expert_batch.h"

#include <algorithm>

namespace dossier::engine {
namespace {

WeightForm formOf(const ExpertParameters& e) {
    return e.fp4() ? WeightForm::Fp4 : WeightForm::Fp8;
}

std::size_t aligned(std::size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

} // namespace

ExpertBatch::ExpertBatch(const Shape& shape, const CpuKernels& kernels, ThreadPool& pool,
                         MemoryLedger& ledger)
    : m_shape(shape), m_kernels(kernels), m_pool(pool), m_ledger(ledger) {}

/// Adds w1, w2 or w3 of a task's expert; rows of x are the task's own or named by an index.
void ExpertBatch::project(const ExpertTask& of, int which, const Operand& x, Bf16* y) {
    LinearTask task;
    const ExpertParameters& e = of.expert;
    if (e.fp4()) {
        task.kind = LinearTask::Kind::Fp4;
        task.fp4 = which == 1 ? e.w1 : which == 2 ? e.w2 : e.w3;
        task.outEnd = task.fp4.out;
    } else {
        task.kind = LinearTask::Kind::Fp8;
        task.fp8 = which == 1 ? e.w1Fp8 : which == 2 ? e.w2Fp8 : e.w3Fp8;
        task.outEnd = task.fp8.out;
    }
    task.x = x;
    task.n = of.n;
    task.y = y;
    task.yStride = task.outEnd;
    m_linear.add(task);
}

void ExpertBatch::run(std::span<const ExpertTask> tasks,
                      const std::function<Operand(WeightForm)>& activations) {
    m_linear.clear(); // left by a run that failed
    m_taskOfSlot.clear();
    m_firstSlot.clear();
    for (std::uint32_t i = 0; i < tasks.size(); ++i) {
        m_firstSlot.push_back(static_cast<std::uint32_t>(m_taskOfSlot.size()));
        m_taskOfSlot.insert(m_taskOfSlot.end(), tasks[i].n, i);
    }
    const std::size_t slots = m_taskOfSlot.size(), inner = m_shape.inner;
    const std::size_t activationBytes =
        aligned(std::max(m_kernels.preparedBytes(WeightForm::Fp8, m_shape.inner),
                         m_kernels.preparedBytes(WeightForm::Fp4, m_shape.inner)));
    const std::size_t projected = aligned(slots * inner * sizeof(Bf16));
    const std::size_t codeBytes = aligned(inner), scaleBytes = aligned(inner / 128 * sizeof(float));
    const std::size_t bytes =
        2 * projected + slots * activationBytes + m_pool.size() * (codeBytes + scaleBytes);
    if (m_memory.size() < bytes) {
        m_memory = AlignedBuffer(); // give the old one back before taking the new one
        m_memory = AlignedBuffer(m_ledger, "scratch", bytes * 5 / 4);
    }
    std::byte* at = m_memory.data();
    auto* gate = reinterpret_cast<Bf16*>(at);
    auto* up = reinterpret_cast<Bf16*>(at += projected);
    std::byte* prepared = at += projected;
    std::byte* perWorker = at += slots * activationBytes;

    for (std::size_t i = 0; i < tasks.size(); ++i) {
        Operand x = activations(formOf(tasks[i].expert));
        x.index = tasks[i].rows;
        project(tasks[i], 1, x, gate + m_firstSlot[i] * inner);
        project(tasks[i], 3, x, up + m_firstSlot[i] * inner);
    }
    m_linear.run(m_kernels, m_pool);

    const std::size_t grain = std::clamp<std::size_t>(slots / (4 * m_pool.size()), 1, 8);
    m_pool.parallelFor(slots, grain, [&](std::size_t from, std::size_t to, unsigned worker) {
        std::byte* own = perWorker + worker * (codeBytes + scaleBytes);
        auto* codes = reinterpret_cast<std::uint8_t*>(own);
        auto* scales = reinterpret_cast<float*>(own + codeBytes);
        for (std::size_t i = from; i < to; ++i) {
            const ExpertTask& task = tasks[m_taskOfSlot[i]];
            Bf16* a = gate + i * inner; // in place
            m_kernels.swiglu(a, up + i * inner, m_shape.inner,
                             task.weights[i - m_firstSlot[m_taskOfSlot[i]]], m_shape.limit, a);
            m_kernels.quantise(a, m_shape.inner, codes, scales);
            m_kernels.prepareQuantised(formOf(task.expert), codes, scales, m_shape.inner,
                                       prepared + i * activationBytes);
        }
    });

    for (std::size_t i = 0; i < tasks.size(); ++i) {
        project(tasks[i], 2, {prepared + m_firstSlot[i] * activationBytes, activationBytes},
                tasks[i].y);
    }
    m_linear.run(m_kernels, m_pool);
}

} // namespace dossier::engine
