// SPDX-License-Identifier: Apache-2.0
// No cuBLAS on the emulated GPU.
#include "engine/kernels/cuda/matrix_library.h"

namespace dossier::engine::cuda {

std::unique_ptr<MatrixLibrary> openMatrixLibrary(void*, std::size_t, std::string& whyNot) {
    whyNot = "the emulated GPU has no cuBLAS";
    return nullptr;
}

} // namespace dossier::engine::cuda
