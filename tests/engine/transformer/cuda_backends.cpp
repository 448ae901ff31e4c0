// SPDX-License-Identifier: Apache-2.0
// CUDA on a real GPU, or on the emulated one where this file is linked with it.
#include "engine/kernels/cuda/cuda_operations.h"
#include "engine/kernels/cuda/fp8_gemm_kernels.h"
#include "tests/engine/transformer/forward_fixture.h"

namespace dossier::engine {
namespace {

Backend cudaBackend(const std::string& name, const CudaOptions& options) {
    return {name,
            CUDA_EMULATED != 0 ? Backend::Speed::Emulated : Backend::Speed::Fast,
            [options](const ModelConfig& config, ThreadPool&, MemoryLedger& ledger) {
                return makeCudaOperations(config, probeCuda(), options, ledger);
            },
            {Path::Reading, Path::Answering}};
}

} // namespace

const std::vector<Backend>& backends() {
    static const std::vector<Backend> all = [] {
        std::vector<Backend> list;
        const CudaProbe probe = probeCuda();
        if (!probe.usable) {
            return list;
        }
        CudaOptions options;
        options.lock = false;
        options.superChunk = 512;
        list.push_back(cudaBackend("cuda", options));
        if (cuda::fp8ProductsFit(probe.computeMajor, probe.computeMinor)) {
            options.fp8 = true;
            list.push_back(cudaBackend("cuda_fp8", options));
            list.back().paths = {Path::Reading};
            list.back().goldens = CUDA_EMULATED != 0; // its tensor cores are exact
            list.back().equality = CUDA_EMULATED == 0;
            options.fp8 = false;
        }
        if (CUDA_EMULATED != 0) {
            return list;
        }
        options.cublas = false;
        list.push_back(cudaBackend("cuda_own", options));
        options.graphs = options.overlap = false;
        list.push_back(cudaBackend("cuda_direct", options));
        return list;
    }();
    return all;
}

} // namespace dossier::engine
