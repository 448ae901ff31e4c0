// SPDX-License-Identifier: Apache-2.0
// cuBLAS, loaded when the program runs: fast matrix products for reading. Without it the engine
// uses its own kernel.
#pragma once

#include <memory>
#include <string>

#include "engine/kernels/cuda/gemm_kernels.h"

namespace dossier::engine::cuda {

class MatrixLibrary {
  public:
    virtual ~MatrixLibrary() = default;
    /// "cuBLAS 13.1.0".
    virtual std::string name() const = 0;
    /// As gemmBf16, with one algorithm for each weight shape, whatever the number of rows, and
    /// without splitting sums. False: this shape is not supported, use the own kernel.
    virtual bool gemm(const Queue&, const GemmShape&, const Bf16* x, const Bf16* w, void* y,
                      bool f32) = 0;
};

/// Looks beside the program, in the toolkit, on the system's path and in a Python environment.
/// Null with the reason in `whyNot`. `workspace` lies in VRAM.
std::unique_ptr<MatrixLibrary> openMatrixLibrary(void* workspace, std::size_t workspaceBytes,
                                                 std::string& whyNot);

} // namespace dossier::engine::cuda
