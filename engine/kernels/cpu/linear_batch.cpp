// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/cpu/linear_batch.h"

#include <algorithm>

namespace dossier::engine {
namespace {

/// Rows and outputs of a tile, the unit of parallel work. Results do not depend on them. Unpacking
/// a tile's weights pays with many rows; smaller tiles keep more threads busy.
constexpr std::uint32_t kMostRows = 128, kFewestRows = 32, kOuts = 32;
/// Of FP4 weights for few rows, which are as fast as memory: the shorter the last tile that all
/// threads wait for, the better.
constexpr std::uint32_t kFp4Outs = 16, kFewRows = 4;
constexpr std::size_t kTilesPerThread = 4;

void runTile(const CpuKernels& kernels, const LinearTask& t, std::uint32_t row, LinearRange range) {
    Operand x = t.x;
    if (x.index) {
        x.index += row;
    } else {
        x.rows += row * x.stride;
    }
    const std::size_t to = row * t.yStride;
    switch (t.kind) {
    case LinearTask::Kind::Fp8:
        return kernels.linearFp8(x, range, t.fp8, t.y + to, t.yStride);
    case LinearTask::Kind::Fp8Bf16:
        return kernels.linearFp8Bf16(x, range, t.fp8, t.y + to, t.yStride);
    case LinearTask::Kind::Fp4:
        return kernels.linearFp4(x, range, t.fp4, t.y + to, t.yStride);
    case LinearTask::Kind::Float:
        return kernels.linear32(x, range, t.bf16, t.floats + to, t.yStride);
    case LinearTask::Kind::Bfloat16:
        kernels.linearBf16(x, range, t.bf16, t.y + to, t.yStride);
        for (std::size_t i = 0; t.scale != 0 && i < range.n; ++i) {
            for (std::uint32_t o = range.outBegin; o < range.outEnd; ++o) {
                Bf16& y = t.y[to + i * t.yStride + o];
                y = floatToBf16(bf16ToFloat(y) * t.scale);
            }
        }
    }
}

} // namespace

void LinearBatch::cut(std::uint32_t rowTile) {
    m_tiles.clear();
    for (std::uint32_t i = 0; i < m_tasks.size(); ++i) {
        const LinearTask& t = m_tasks[i];
        const std::uint32_t outs =
            t.kind == LinearTask::Kind::Fp4 && t.n <= kFewRows ? kFp4Outs : kOuts;
        for (std::uint32_t row = 0; row < t.n; row += rowTile) {
            for (std::uint32_t out = t.outBegin; out < t.outEnd; out += outs) {
                m_tiles.push_back({i, row, out, std::min(out + outs, t.outEnd)});
            }
        }
    }
}

void LinearBatch::run(const CpuKernels& kernels, ThreadPool& pool) {
    std::uint32_t rowTile = kMostRows;
    cut(rowTile);
    while (rowTile > kFewestRows && m_tiles.size() < kTilesPerThread * pool.size()) {
        cut(rowTile /= 2);
    }
    pool.parallelFor(m_tiles.size(), 1, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t i = from; i < to; ++i) {
            const Tile& tile = m_tiles[i];
            const LinearTask& t = m_tasks[tile.task];
            runTile(kernels, t, tile.row,
                    {std::min(rowTile, t.n - tile.row), tile.out, tile.outEnd});
        }
    });
    m_tasks.clear();
}

} // namespace dossier::engine
