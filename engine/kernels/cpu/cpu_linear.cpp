// SPDX-License-Identifier: Apache-2.0
// CPU operations: linear layers. Layers of one group share their prepared inputs and run as one
// parallel loop.
#include <algorithm>
#include <cmath>

#include "engine/kernels/cpu/cpu_operations.h"

namespace dossier::engine {

void CpuOperations::together(const std::function<void()>& work) {
    m_together = true;
    try {
        work();
    } catch (...) {
        m_together = false;
        m_linear.clear();
        m_prepared.clear();
        throw;
    }
    m_together = false;
    runLinear();
}

void CpuOperations::add(const LinearTask& task) {
    m_linear.add(task);
    if (!m_together) {
        runLinear();
    }
}

void CpuOperations::runLinear() {
    m_linear.run(m_kernels, m_pool);
    m_prepared.clear();
}

const Operand* CpuOperations::known(const void* x, WeightForm form, std::uint32_t columns) const {
    const auto found = std::find_if(m_prepared.begin(), m_prepared.end(), [&](const Prepared& p) {
        return p.x == x && p.form == form && p.columns == columns;
    });
    return found == m_prepared.end() ? nullptr : &found->rows;
}

std::byte* CpuOperations::preparedRows(const void* x, WeightForm form, std::uint32_t n,
                                       std::uint32_t columns, Operand& rows) {
    rows.stride = m_kernels.preparedBytes(form, columns);
    std::byte* bytes = scratch<std::byte>(Use::FirstPrepared, n * rows.stride, m_prepared.size());
    rows.rows = bytes;
    m_prepared.push_back({x, form, columns, rows});
    return bytes;
}

Operand CpuOperations::prepared(WeightForm form, const QuantRows& x, std::uint32_t columns) {
    if (const Operand* rows = known(x.values, form, columns)) {
        return *rows;
    }
    Operand rows;
    std::byte* to = preparedRows(x.values, form, m_batch.rows(), columns, rows);
    const std::size_t blocks = (columns + 127) / 128;
    m_pool.parallelFor(m_batch.rows(), 16, [&](std::size_t from, std::size_t end, unsigned) {
        for (std::size_t i = from; i < end; ++i) {
            m_kernels.prepareQuantised(form, x.values + i * columns, x.scales + i * blocks, columns,
                                       to + i * rows.stride);
        }
    });
    return rows;
}

Operand CpuOperations::prepared(WeightForm form, const Bf16* x, std::uint32_t n,
                                std::uint32_t columns) {
    if (const Operand* rows = known(x, form, columns)) {
        return *rows;
    }
    Operand rows;
    std::byte* to = preparedRows(x, form, n, columns, rows);
    m_pool.parallelFor(n, 16, [&](std::size_t from, std::size_t end, unsigned) {
        for (std::size_t i = from; i < end; ++i) {
            m_kernels.prepareBf16(form, x + i * columns, columns, to + i * rows.stride);
        }
    });
    return rows;
}

void CpuOperations::linear(const QuantRows& x, const Fp8Weight& w, Bf16* y) {
    LinearTask task;
    task.kind = LinearTask::Kind::Fp8;
    task.fp8 = w;
    task.x = prepared(WeightForm::Fp8, x, w.in);
    task.n = m_batch.rows();
    task.outEnd = w.out;
    task.y = y;
    task.yStride = w.out;
    add(task);
}

void CpuOperations::linear32(const Bf16* x, const Bf16Weight& w, float* y) {
    LinearTask task;
    task.kind = LinearTask::Kind::Float;
    task.bf16 = w;
    task.x = prepared(WeightForm::Bfloat16, x, m_batch.rows(), w.in);
    task.n = m_batch.rows();
    task.outEnd = w.out;
    task.floats = y;
    task.yStride = w.out;
    add(task);
}

void CpuOperations::indexWeights(const Bf16* h, const Bf16Weight& proj, Bf16* weights) {
    const double scale =
        std::pow(m_config.indexHeadDim, -0.5) * std::pow(m_config.indexHeads, -0.5);
    LinearTask task;
    task.kind = LinearTask::Kind::Bfloat16;
    task.bf16 = proj;
    task.x = prepared(WeightForm::Bfloat16, h, m_batch.rows(), proj.in);
    task.n = m_batch.rows();
    task.outEnd = proj.out;
    task.y = weights;
    task.yStride = proj.out;
    task.scale = static_cast<float>(scale);
    add(task);
}

void CpuOperations::linearGrouped(const Bf16* x, const Fp8Weight& w, std::uint32_t groups, Bf16* y,
                                  QuantRows q) {
    // Outputs of group g are rows g*out/groups.. of the weight and read inputs g*in.. of x: as rows
    // of one group, those of group g are g, g + groups, ..
    const Operand rows = prepared(WeightForm::Fp8, x, m_batch.rows() * groups, w.in);
    const std::uint32_t perGroup = w.out / groups;
    for (std::uint32_t group = 0; group < groups; ++group) {
        LinearTask task;
        task.kind = LinearTask::Kind::Fp8Bf16;
        task.fp8 = w;
        task.x = {rows.rows + group * rows.stride, groups * rows.stride};
        task.n = m_batch.rows();
        task.outBegin = group * perGroup;
        task.outEnd = task.outBegin + perGroup;
        task.y = y;
        task.yStride = w.out;
        m_linear.add(task);
    }
    runLinear();
    quantise(y, w.out, q);
}

} // namespace dossier::engine
