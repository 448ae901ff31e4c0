// SPDX-License-Identifier: Apache-2.0
// Starts kernels. Private to engine/kernels/cuda and engine/experts.
#pragma once

#include <utility>

#include <cuda_runtime.h>

#include "engine/kernels/cuda/cuda_error.h"
#include "engine/kernels/cuda/launch_observer.h"

namespace dossier::engine::cuda {

/// Which kernels may start while the one before them still runs; every kernel waits
/// (intrinsics.cuh, waitForPrevious) before it reads what another one wrote.
enum class Overlap {
    None,
    ReadAhead, ///< those that have weights to read meanwhile (launchAhead)
    All,
};

/// Where kernels are queued.
struct Queue {
    cudaStream_t stream = nullptr;
    Overlap overlap = Overlap::None;
    std::size_t sharedLimit = 99 << 10; ///< bytes of shared memory that a block may have
    std::size_t sharedPerMultiprocessor = 100 << 10;
    unsigned multiprocessors = 80;
};

template<class... P, class... A>
void launchWhere(Overlap least, const Queue& queue, const char* name, void (*kernel)(P...),
                 dim3 grid, unsigned threads, std::size_t sharedBytes, A&&... args) {
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) {
        return;
    }
    if (sharedBytes > 48 << 10) {
        check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                   static_cast<int>(sharedBytes)),
              name);
    }
    cudaLaunchAttribute overlap{};
    overlap.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    overlap.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config{};
    config.gridDim = grid;
    config.blockDim = dim3(threads);
    config.dynamicSmemBytes = sharedBytes;
    config.stream = queue.stream;
    config.attrs = &overlap;
    config.numAttrs = queue.overlap >= least ? 1 : 0;
    LaunchProfile* profile = LaunchProfile::active();
    if (profile) {
        profile->begin(queue.stream);
    }
    check(cudaLaunchKernelEx(&config, kernel, std::forward<A>(args)...), name);
    if (profile) {
        profile->end(name, grid, queue.stream);
    }
}

template<class... A>
void launch(const Queue& queue, A&&... args) {
    launchWhere(Overlap::All, queue, std::forward<A>(args)...);
}
/// A kernel that starts to read weights before it waits for the one before it.
template<class... A>
void launchAhead(const Queue& queue, A&&... args) {
    launchWhere(Overlap::ReadAhead, queue, std::forward<A>(args)...);
}

} // namespace dossier::engine::cuda
