// SPDX-License-Identifier: Apache-2.0
// Batches on their way to the device.
#include <algorithm>
#include <cstring>

#include "engine/kernels/cuda/cuda_operations_impl.h"
#include "engine/kernels/cuda/row_kernels.h"

namespace dossier::engine::cuda {
namespace {

/// Offsets of the parts of a batch in its buffer; the tables are computed on the device.
struct Layout {
    std::uint64_t tokens, positions, segmentOfRow, segments, states, uploaded, windowTable,
        compressedTable, bytes;
    Layout(std::uint64_t rows, std::uint64_t segmentCount, std::uint64_t layers,
           std::uint64_t ropeDims) {
        std::uint64_t at = 0;
        const auto place = [&](std::uint64_t size) {
            const std::uint64_t offset = at;
            at = (at + size + 255) / 256 * 256;
            return offset;
        };
        tokens = place(rows * sizeof(std::int32_t));
        positions = place(rows * sizeof(std::uint32_t));
        segmentOfRow = place(rows * sizeof(std::uint32_t));
        segments = place(segmentCount * sizeof(DeviceSegment));
        states = place(layers * segmentCount * sizeof(LayerState));
        uploaded = at;
        windowTable = place(rows * ropeDims * sizeof(float));
        compressedTable = place(rows * ropeDims * sizeof(float));
        bytes = at;
    }
};

} // namespace

BatchBuffer::BatchBuffer(MemoryLedger& ledger, std::uint32_t rows, std::uint32_t segments,
                         std::uint32_t layers, std::uint32_t ropeDims)
    : m_rows(rows), m_segments(segments), m_layers(layers), m_ropeDims(ropeDims) {
    const Layout layout(rows, segments, layers, ropeDims);
    m_device = VramBuffer(ledger, kScratch, layout.bytes);
    m_host = PinnedBuffer(ledger, kStaging, layout.uploaded);
}

void BatchBuffer::set(const Batch& batch, const Queue& queue, const float* windowFrequencies,
                      const float* compressedFrequencies) {
    // Offsets are those of the full size, so that addresses stay when batches get smaller.
    const Layout layout(m_rows, m_segments, m_layers, m_ropeDims);
    if (m_pending) {
        m_uploaded.wait();
    }
    std::byte* host = m_host.data();
    auto* positions = reinterpret_cast<std::uint32_t*>(host + layout.positions);
    auto* segmentOfRow = reinterpret_cast<std::uint32_t*>(host + layout.segmentOfRow);
    auto* segments = reinterpret_cast<DeviceSegment*>(host + layout.segments);
    auto* states = reinterpret_cast<LayerState*>(host + layout.states);
    std::memcpy(host + layout.tokens, batch.tokens.data(), batch.tokens.size_bytes());
    m_lastPosition = 0;
    const std::size_t count = batch.segments.size();
    for (std::size_t s = 0; s < count; ++s) {
        const RowSpan& segment = batch.segments[s];
        segments[s] = {static_cast<std::uint32_t>(segment.position), segment.row, segment.count};
        for (std::uint32_t i = 0; i < segment.count; ++i) {
            positions[segment.row + i] = static_cast<std::uint32_t>(segment.position) + i;
            segmentOfRow[segment.row + i] = static_cast<std::uint32_t>(s);
        }
        for (std::uint32_t layer = 0; layer < m_layers; ++layer) {
            states[layer * count + s] = segment.layers[layer];
        }
        m_lastPosition = std::max(m_lastPosition, segment.position + segment.count - 1);
    }
    check(cudaMemcpyAsync(m_device.data(), host, layout.uploaded, cudaMemcpyHostToDevice,
                          queue.stream),
          "upload a batch");
    m_uploaded.record(queue.stream);
    m_pending = true;

    std::byte* device = m_device.data();
    m_view.rows = batch.rows();
    m_view.segmentCount = static_cast<std::uint32_t>(count);
    m_view.tokens = reinterpret_cast<const std::int32_t*>(device + layout.tokens);
    m_view.positions = reinterpret_cast<const std::uint32_t*>(device + layout.positions);
    m_view.segmentOfRow = reinterpret_cast<const std::uint32_t*>(device + layout.segmentOfRow);
    m_view.segments = reinterpret_cast<const DeviceSegment*>(device + layout.segments);
    m_view.states = reinterpret_cast<const LayerState*>(device + layout.states);
    auto* windowTable = reinterpret_cast<float*>(device + layout.windowTable);
    auto* compressedTable = reinterpret_cast<float*>(device + layout.compressedTable);
    m_view.windowTable = windowTable;
    m_view.compressedTable = compressedTable;
    if (count > 0) {
        ropeTables(queue, m_view.rows, m_view.positions, windowFrequencies, compressedFrequencies,
                   m_ropeDims, windowTable, compressedTable);
    }
}

} // namespace dossier::engine::cuda
