// SPDX-License-Identifier: Apache-2.0
// A batch as kernels see it: everything that changes from token to token lies in device memory at
// fixed addresses, so that recorded work can be replayed.
#pragma once

#include "engine/kernels/types.h"

namespace dossier::engine::cuda {

struct DeviceSegment {
    std::uint32_t position = 0, row = 0, count = 0;
};

struct BatchView {
    std::uint32_t rows = 0, segmentCount = 0;
    const std::int32_t* tokens = nullptr;                           ///< [rows]
    const std::uint32_t* positions = nullptr;                       ///< [rows]
    const std::uint32_t* segmentOfRow = nullptr;                    ///< [rows]
    const DeviceSegment* segments = nullptr;                        ///< [segmentCount]
    const LayerState* states = nullptr;                             ///< [layers][segmentCount]
    const float *windowTable = nullptr, *compressedTable = nullptr; ///< [rows][rope dims] cos, sin

    const LayerState* layer(std::uint32_t index) const {
        return states + std::size_t{index} * segmentCount;
    }
};

} // namespace dossier::engine::cuda
