// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/cuda/cuda_error.h"

namespace dossier::engine::cuda {

bool isSticky(cudaError_t error) {
    switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorECCUncorrectable:
    case cudaErrorUnknown:
        return true;
    default:
        // The other errors of running kernels: misaligned address, illegal instruction, assert,
        // timeout, lost device. The runtime numbers them 700 to 722 and 46.
        return (error >= 700 && error < 800 && error != cudaErrorHostMemoryAlreadyRegistered) ||
               error == cudaErrorDevicesUnavailable;
    }
}

Error cudaFailure(cudaError_t error, const std::string& what) {
    const std::string reason =
        std::string(cudaGetErrorString(error)) + " (" + cudaGetErrorName(error) + ")";
    cudaGetLastError(); // a refused request must not be reported again by a later check
    if (error == cudaErrorMemoryAllocation) {
        return {ErrorCode::OutOfMemory, "The GPU driver refused to " + what + ": " + reason,
                "Close other programs that use the GPU, choose a smaller context, or give the "
                "engine a smaller memory budget"};
    }
    if (isSticky(error)) {
        return {ErrorCode::ProcessDied,
                "The GPU stopped working while trying to " + what + ": " + reason,
                "Start the engine again; nothing that was saved is lost. If it happens again, "
                "restart the computer or use the CPU"};
    }
    return {ErrorCode::Internal, "Failed to " + what + ": " + reason,
            "Start the engine again, or use the CPU"};
}

} // namespace dossier::engine::cuda
