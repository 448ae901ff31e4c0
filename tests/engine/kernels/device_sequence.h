// SPDX-License-Identifier: Apache-2.0
// A batch of rows of a few sequences, with their states on the device, for kernel tests.
#pragma once

#include "engine/kernels/cuda/batch_view.h"
#include "tests/engine/kernels/device_buffer.h"

namespace dossier::engine::cuda {

/// Positions, segments and one layer's states of a batch.
struct DeviceBatch {
    DeviceBatch(const std::vector<DeviceSegment>& segments, const std::vector<LayerState>& states)
        : deviceSegments(segments), deviceStates(states) {
        std::vector<std::uint32_t> positions, ofRow;
        for (std::uint32_t s = 0; s < segments.size(); ++s) {
            for (std::uint32_t i = 0; i < segments[s].count; ++i) {
                positions.push_back(segments[s].position + i);
                ofRow.push_back(s);
            }
        }
        devicePositions = DeviceArray<std::uint32_t>(positions);
        segmentOfRow = DeviceArray<std::uint32_t>(ofRow);
        view.rows = static_cast<std::uint32_t>(positions.size());
        view.segmentCount = static_cast<std::uint32_t>(segments.size());
        view.positions = devicePositions.get();
        view.segmentOfRow = segmentOfRow.get();
        view.segments = deviceSegments.get();
        view.states = deviceStates.get();
    }
    DeviceArray<DeviceSegment> deviceSegments;
    DeviceArray<LayerState> deviceStates;
    DeviceArray<std::uint32_t> devicePositions, segmentOfRow;
    BatchView view;
};

} // namespace dossier::engine::cuda
