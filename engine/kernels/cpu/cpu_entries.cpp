// SPDX-License-Identifier: Apache-2.0
// CPU operations: compressed entries and index keys, and the choice among them.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "engine/kernels/cpu/cpu_operations.h"

namespace dossier::engine {

/// Projections of a segment's tokens: in the batch from `first` on, before that in the rings.
struct CpuOperations::PoolInput {
    std::uint64_t first = 0, ring = 0;
    std::size_t columns = 0;
    const float *a = nullptr, *s = nullptr, *ringA = nullptr, *ringS = nullptr;

    plain::PoolSlot slot(std::uint64_t t, std::size_t offset) const {
        const std::size_t at = (t >= first ? t - first : t % ring) * columns + offset;
        return {(t >= first ? a : ringA) + at, (t >= first ? s : ringS) + at};
    }
};

namespace {

constexpr std::size_t kMostSlots = 256;  ///< 2 * 4, or 128; the configuration allows no other
constexpr std::size_t kScorePiece = 512; ///< keys that a thread scores at a time, some 50 us

} // namespace

void CpuOperations::poolBlock(const Compressor& compressor, Pool pool, std::uint64_t block,
                              const PoolInput& in, const RowExtent& to) const {
    const std::uint64_t ratio = compressor.ratio, begin = block * ratio;
    const std::uint32_t width = compressor.width;
    thread_local std::vector<plain::PoolSlot> t_slots(kMostSlots);
    thread_local std::vector<Bf16> t_rows;
    thread_local std::vector<float> t_table;
    t_slots.clear();
    t_rows.resize(std::size_t{2} * width);
    t_table.resize(m_config.ropeDim);
    if (compressor.overlap() == 2) { // first halves of the previous block, then second halves
        for (std::uint64_t i = 0; i < ratio; ++i) {
            t_slots.push_back(block ? in.slot(begin - ratio + i, 0) : plain::PoolSlot{});
        }
    }
    for (std::uint64_t i = 0; i < ratio; ++i) {
        t_slots.push_back(in.slot(begin + i, in.columns - width));
    }
    Bf16 *pooled = t_rows.data(), *e = pooled + width;
    m_kernels.pool(t_slots, width, pooled);
    m_kernels.rmsNorm(pooled, compressor.norm, width, m_config.rmsNormEps, e);
    plain::ropeTable(begin, m_compressedFrequencies, t_table.data());
    m_kernels.rotate(e, width, t_table.data(), m_config.ropeDim / 2, false);
    const std::uint64_t own = block - to.sharedRows;
    if (pool == Pool::Main) {
        plain::packRow(e, m_rowLayout, to.own + own * m_rowLayout.bytes);
    } else {
        m_kernels.hadamard(e, width);
        plain::packKey(e, width, to.own + own * indexKeyBytes(width));
    }
}

void CpuOperations::compress(const Compressor& compressor, Pool pool, std::uint32_t layer,
                             const float* a, float* s) {
    const std::uint64_t ratio = compressor.ratio;
    const std::size_t columns = std::size_t{compressor.overlap()} * compressor.width;
    m_pool.parallelFor(m_batch.rows(), 16, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t i = from; i < to; ++i) {
            const float* ape = compressor.ape + (m_positions[i] % ratio) * columns;
            for (std::size_t c = 0; c < columns; ++c) {
                s[i * columns + c] += ape[c];
            }
        }
    });
    const auto inputOf = [&](const RowSpan& segment) {
        const LayerState& state = segment.layers[layer];
        const bool main = pool == Pool::Main;
        return PoolInput{segment.position,
                         compressor.overlap() * ratio,
                         columns,
                         a + segment.row * columns,
                         s + segment.row * columns,
                         main ? state.mainA : state.indexA,
                         main ? state.mainS : state.indexS};
    };
    // A block belongs to the row that completes it.
    m_pool.parallelFor(m_batch.rows(), ratio, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t i = from; i < to; ++i) {
            if ((m_positions[i] + 1) % ratio == 0) {
                const RowSpan& segment = *m_segmentOf[i];
                const LayerState& state = segment.layers[layer];
                poolBlock(compressor, pool, m_positions[i] / ratio, inputOf(segment),
                          pool == Pool::Main ? state.entries : state.keys);
            }
        }
    });
    m_pool.parallelFor(m_batch.segments.size(), 1, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t i = from; i < to; ++i) {
            const RowSpan& segment = m_batch.segments[i];
            const PoolInput in = inputOf(segment);
            const std::uint64_t end = segment.position + segment.count;
            for (std::uint64_t t = end - std::min<std::uint64_t>(segment.count, in.ring); t < end;
                 ++t) {
                const std::size_t source = (t - in.first) * columns;
                const std::size_t target = (t % in.ring) * columns;
                std::copy_n(in.a + source, columns, const_cast<float*>(in.ringA) + target);
                std::copy_n(in.s + source, columns, const_cast<float*>(in.ringS) + target);
            }
        }
    });
}

void CpuOperations::finishIndexQueries(Bf16* qi) {
    const std::uint32_t heads = m_config.indexHeads, dims = m_config.indexHeadDim;
    m_pool.parallelFor(m_batch.rows(), 4, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t i = from; i < to; ++i) {
            for (std::uint32_t head = 0; head < heads; ++head) {
                Bf16* q = qi + (i * heads + head) * dims;
                m_kernels.rotate(q, dims, cosSin(static_cast<std::uint32_t>(i), Rope::Compressed),
                                 m_config.ropeDim / 2, false);
                m_kernels.hadamard(q, dims);
                m_kernels.fp4Simulate(q, dims);
            }
        }
    });
}

void CpuOperations::scoreEntries(std::size_t row, const Bf16* qi, const Bf16* weights,
                                 const RowExtent& keys, std::uint64_t begin, std::uint64_t end,
                                 float* scores) const {
    const std::uint32_t heads = m_config.indexHeads, dims = m_config.indexHeadDim;
    const std::size_t bytes = indexKeyBytes(dims);
    const Bf16* q = qi + row * heads * dims;
    const Bf16* w = weights + row * heads;
    const auto part = [&](const std::byte* from, std::uint64_t first, std::uint64_t count) {
        m_kernels.indexScores(q, w, from + first * bytes, count, heads, dims, scores);
        scores += count;
    };
    const std::uint64_t border = std::clamp(keys.sharedRows, begin, end);
    if (begin < border) {
        part(keys.shared, begin, border - begin);
    }
    if (border < end) {
        part(keys.own, border - keys.sharedRows, end - border);
    }
}

void CpuOperations::selectEntries(const Bf16* qi, const Bf16* weights, std::uint32_t layer,
                                  std::int32_t* ids) {
    const std::size_t topk = m_config.indexTopk, n = m_batch.rows();
    const std::uint64_t last = *std::max_element(m_positions.begin(), m_positions.end());
    const std::size_t most = (last + 1) / 4;
    const auto keysOf = [&](std::size_t row) -> const RowExtent& {
        return m_segmentOf[row]->layers[layer].keys;
    };
    // Few rows share their keys out among the threads, many are a thread's each.
    const bool split = n < m_pool.size() && most > topk;
    float* scores = most > topk
                        ? scratch<float>(Use::IndexScores, (split ? n : m_pool.size()) * most)
                        : nullptr;
    if (split) {
        const std::size_t pieces = (most + kScorePiece - 1) / kScorePiece;
        m_pool.parallelFor(n * pieces, 1, [&](std::size_t from, std::size_t to, unsigned) {
            for (std::size_t task = from; task < to; ++task) {
                const std::size_t row = task / pieces;
                const std::uint64_t visible = (m_positions[row] + 1) / 4;
                const std::uint64_t begin = task % pieces * kScorePiece;
                const std::uint64_t end = std::min(visible, begin + kScorePiece);
                if (visible > topk && begin < end) {
                    scoreEntries(row, qi, weights, keysOf(row), begin, end,
                                 scores + row * most + begin);
                }
            }
        });
    }
    m_pool.parallelFor(n, 1, [&](std::size_t from, std::size_t to, unsigned worker) {
        for (std::size_t row = from; row < to; ++row) {
            const std::uint64_t visible = (m_positions[row] + 1) / 4;
            std::int32_t* chosen = ids + row * topk;
            if (visible <= topk) { // all of them
                std::iota(chosen, chosen + visible, 0);
                continue;
            }
            float* own = scores + (split ? row : worker) * most;
            if (!split) {
                scoreEntries(row, qi, weights, keysOf(row), 0, visible, own);
            }
            m_kernels.selectLargest(own, visible, m_config.indexTopk, chosen);
        }
    });
}

} // namespace dossier::engine
