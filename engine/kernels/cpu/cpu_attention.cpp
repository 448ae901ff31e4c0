// SPDX-License-Identifier: Apache-2.0
// CPU operations: queries, rows, attention over window and compressed entries.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/kernels/cpu/cpu_operations.h"

namespace dossier::engine {
namespace {

/// Entries are unpacked once for all rows of a segment up to this many values.
constexpr std::uint64_t kUnpackValues = 64u << 20;
/// Packed rows that a task unpacks.
constexpr std::uint64_t kRunRows = 32;

} // namespace

void CpuOperations::normQuantise(const Bf16* x, std::uint32_t columns, const Bf16* w, QuantRows q) {
    Bf16* normed = scratch<Bf16>(Use::PerWorker, m_pool.size() * std::size_t{columns});
    m_pool.parallelFor(m_batch.rows(), 8, [&](std::size_t from, std::size_t to, unsigned worker) {
        Bf16* y = normed + worker * std::size_t{columns};
        for (std::size_t i = from; i < to; ++i) {
            m_kernels.rmsNorm(x + i * columns, w, columns, m_config.rmsNormEps, y);
            m_kernels.quantise(y, columns, q.values + i * columns, q.scales + i * (columns / 128));
        }
    });
}

void CpuOperations::finishQueries(Bf16* q, Rope rope) {
    const std::size_t heads = m_config.heads;
    const std::uint32_t dims = m_config.headDim;
    m_pool.parallelFor(m_batch.rows(), 4, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t i = from * heads; i < to * heads; ++i) {
            m_kernels.headNorm(q + i * dims, dims, static_cast<float>(m_config.rmsNormEps));
            m_kernels.rotate(q + i * dims, dims,
                             cosSin(static_cast<std::uint32_t>(i / heads), rope),
                             m_config.ropeDim / 2, false);
        }
    });
}

void CpuOperations::finishRows(const Bf16* kv, const Bf16* norm, Rope rope, std::byte* rows) {
    const std::uint32_t dims = m_config.headDim;
    Bf16* normed = scratch<Bf16>(Use::PerWorker, m_pool.size() * std::size_t{dims});
    m_pool.parallelFor(m_batch.rows(), 8, [&](std::size_t from, std::size_t to, unsigned worker) {
        Bf16* y = normed + worker * std::size_t{dims};
        for (std::size_t i = from; i < to; ++i) {
            m_kernels.rmsNorm(kv + i * dims, norm, dims, m_config.rmsNormEps, y);
            m_kernels.rotate(y, dims, cosSin(static_cast<std::uint32_t>(i), rope),
                             m_config.ropeDim / 2, false);
            plain::packRow(y, m_rowLayout, rows + i * m_rowLayout.bytes);
        }
    });
}

/// Fills m_views and unpacks what they show: the window of every segment, and all visible entries
/// unless few of many are chosen. Branches of one lane share its entries.
void CpuOperations::unpackFor(const std::byte* rows, std::uint32_t layer, std::uint32_t ratio,
                              bool chosen) {
    const std::uint64_t window = m_config.slidingWindow;
    const std::size_t dims = m_config.headDim, bytes = m_rowLayout.bytes;
    m_views.clear();
    m_runs.clear();
    std::uint64_t total = 0; // rows; addresses follow when the memory is there
    const auto run = [&](const std::byte* from, std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; i += kRunRows) {
            m_runs.push_back({from + i * bytes, std::min(kRunRows, count - i), nullptr});
        }
        total += count;
    };
    constexpr std::uint64_t kNone = ~std::uint64_t{0};
    struct Offsets {
        std::uint64_t window = 0, shared = kNone, own = kNone;
    };
    std::vector<Offsets> offsets;
    for (const RowSpan& segment : m_batch.segments) {
        const LayerState& state = segment.layers[layer];
        View view;
        Offsets at{total};
        view.windowBegin = segment.position - std::min(segment.position, window - 1);
        const std::uint64_t old = segment.position - view.windowBegin;
        const std::uint64_t slot = view.windowBegin % window;
        const std::uint64_t straight = std::min(old, window - slot);
        run(state.window + slot * bytes, straight);
        run(state.window, old - straight);
        run(rows + segment.row * bytes, segment.count);

        const std::uint64_t visible = ratio ? (segment.position + segment.count) / ratio : 0;
        view.packed = state.entries;
        view.sharedCount = std::min(visible, state.entries.sharedRows);
        const bool perQuery =
            chosen && (visible * dims > kUnpackValues ||
                       visible > std::uint64_t{m_config.indexTopk} * segment.count);
        if (!perQuery) {
            for (std::size_t i = 0; i < offsets.size() && at.shared == kNone; ++i) {
                if (offsets[i].shared != kNone && view.sharedCount == m_views[i].sharedCount &&
                    state.entries.shared == m_views[i].packed.shared) {
                    at.shared = offsets[i].shared;
                }
            }
            if (at.shared == kNone) {
                at.shared = total;
                run(state.entries.shared, view.sharedCount);
            }
            at.own = total;
            run(state.entries.own, visible - view.sharedCount);
        }
        m_views.push_back(view);
        offsets.push_back(at);
    }
    Bf16* unpacked = scratch<Bf16>(Use::Unpacked, total * dims);
    for (std::size_t i = 0; i < m_views.size(); ++i) {
        m_views[i].window = unpacked + offsets[i].window * dims;
        if (offsets[i].shared != kNone) {
            m_views[i].shared = unpacked + offsets[i].shared * dims;
            m_views[i].own = unpacked + offsets[i].own * dims;
        }
    }
    for (UnpackRun& part : m_runs) {
        part.to = unpacked;
        unpacked += part.count * dims;
    }
    m_pool.parallelFor(m_runs.size(), 8, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t i = from; i < to; ++i) {
            for (std::uint64_t r = 0; r < m_runs[i].count; ++r) {
                m_kernels.unpackRow(m_runs[i].from + r * bytes, m_rowLayout,
                                    m_runs[i].to + r * dims);
            }
        }
    });
}

/// Lists what a row sees, oldest first: its window, then entries. Those that are not unpacked yet
/// go to `own`. Returns their number.
std::uint32_t CpuOperations::visibleRows(std::size_t row, const View& view, std::uint32_t ratio,
                                         const std::int32_t* chosen, Bf16* own,
                                         const Bf16** list) const {
    const std::uint64_t t = m_positions[row], window = m_config.slidingWindow;
    const std::size_t dims = m_config.headDim;
    std::uint32_t count = 0;
    for (std::uint64_t p = t - std::min(t, window - 1); p <= t; ++p) {
        list[count++] = view.window + (p - view.windowBegin) * dims;
    }
    const std::uint64_t visible = ratio ? (t + 1) / ratio : 0;
    const std::uint64_t wanted =
        chosen ? std::min<std::uint64_t>(visible, m_config.indexTopk) : visible;
    for (std::uint64_t j = 0; j < wanted; ++j) {
        const std::uint64_t id = chosen ? static_cast<std::uint64_t>(chosen[j]) : j;
        const bool shared = id < view.sharedCount;
        const std::uint64_t place = shared ? id : id - view.sharedCount;
        if (view.own) {
            list[count++] = (shared ? view.shared : view.own) + place * dims;
            continue;
        }
        const std::byte* packed = shared ? view.packed.shared : view.packed.own;
        m_kernels.unpackRow(packed + place * m_rowLayout.bytes, m_rowLayout, own + j * dims);
        list[count++] = own + j * dims;
    }
    return count;
}

void CpuOperations::attend(const Bf16* q, const std::byte* rows, const float* sink,
                           std::uint32_t layer, std::uint32_t ratio, const std::int32_t* ids,
                           Rope rope, Bf16* o) {
    const std::size_t dims = m_config.headDim, heads = m_config.heads, n = m_batch.rows();
    const std::size_t topk = m_config.indexTopk;
    const float scale = static_cast<float>(std::pow(m_config.headDim, -0.5));
    unpackFor(rows, layer, ratio, ids != nullptr);
    std::uint64_t entries = 0;
    for (const RowSpan& segment : m_batch.segments) {
        entries = std::max(entries, ratio ? (segment.position + segment.count) / ratio : 0);
    }
    const std::size_t most = m_config.slidingWindow + (ids ? topk : entries);
    const Bf16** pointers = scratch<const Bf16*>(Use::Pointers, m_pool.size() * most);
    const bool gather =
        std::any_of(m_views.begin(), m_views.end(), [](const View& view) { return !view.own; });
    Bf16* gathered =
        gather && ids ? scratch<Bf16>(Use::Gathered, m_pool.size() * topk * dims) : nullptr;

    // A task is a row, or some heads of it when there are few rows.
    std::size_t parts = 1;
    while (n * parts < m_pool.size() && heads % (2 * parts) == 0 && heads / (2 * parts) >= 4) {
        parts *= 2;
    }
    const std::size_t partHeads = heads / parts;
    m_pool.parallelFor(n * parts, 1, [&](std::size_t from, std::size_t to, unsigned worker) {
        const Bf16** list = pointers + worker * most;
        Bf16* own = gathered ? gathered + worker * topk * dims : nullptr;
        for (std::size_t task = from; task < to; ++task) {
            const std::size_t row = task / parts, head = task % parts * partHeads;
            const View& view =
                m_views[static_cast<std::size_t>(m_segmentOf[row] - m_batch.segments.data())];
            const std::uint32_t count =
                visibleRows(row, view, ratio, ids ? ids + row * topk : nullptr, own, list);
            Bf16* out = o + (row * heads + head) * dims;
            m_kernels.attend(q + (row * heads + head) * dims, static_cast<std::uint32_t>(partHeads),
                             {list, count, m_config.headDim}, sink + head, scale, out);
            for (std::size_t h = 0; h < partHeads; ++h) {
                m_kernels.rotate(out + h * dims, m_config.headDim,
                                 cosSin(static_cast<std::uint32_t>(row), rope),
                                 m_config.ropeDim / 2, true);
            }
        }
    });
    keepWindow(rows, layer);
}

void CpuOperations::keepWindow(const std::byte* rows, std::uint32_t layer) {
    const std::uint64_t window = m_config.slidingWindow, bytes = m_rowLayout.bytes;
    for (const RowSpan& segment : m_batch.segments) {
        const LayerState& state = segment.layers[layer];
        const auto kept =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(segment.count, window));
        for (std::uint32_t i = segment.count - kept; i < segment.count; ++i) {
            std::memcpy(state.window + ((segment.position + i) % window) * bytes,
                        rows + (segment.row + i) * bytes, bytes);
        }
    }
}

} // namespace dossier::engine
