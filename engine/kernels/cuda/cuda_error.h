// SPDX-License-Identifier: Apache-2.0
// Turns results of CUDA calls into dossier::Error. Private to engine/kernels/cuda and
// engine/experts.
#pragma once

#include <cuda_runtime.h>

#include "engine/base/error.h"

namespace dossier::engine::cuda {

/// Whether the context is lost: every later call fails too, only a new process helps.
bool isSticky(cudaError_t);

/// The Error for a failed call; `what` like "reserve 3 GiB of video memory for lane rows".
/// OutOfMemory for refused memory, ProcessDied for a lost context or device, else Internal.
Error cudaFailure(cudaError_t, const std::string& what);

inline void check(cudaError_t status, const char* what) {
    if (status != cudaSuccess) {
        throw cudaFailure(status, what);
    }
}

} // namespace dossier::engine::cuda
