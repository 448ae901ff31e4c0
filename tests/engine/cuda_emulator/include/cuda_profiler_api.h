// SPDX-License-Identifier: Apache-2.0
// Nobody profiles the emulator.
#pragma once

#include <cuda_runtime.h>

inline cudaError_t cudaProfilerStart() {
    return cudaSuccess;
}
inline cudaError_t cudaProfilerStop() {
    return cudaSuccess;
}
