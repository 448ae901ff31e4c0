// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/cuda/launch_observer.h"

#include "engine/kernels/cuda/cuda_error.h"

namespace dossier::engine::cuda {

void LaunchProfile::begin(cudaStream_t stream) {
    check(cudaEventCreate(&m_begin), "create an event");
    check(cudaEventRecord(m_begin, stream), "record an event");
}

void LaunchProfile::end(const char* name, dim3 grid, cudaStream_t stream) {
    Launch launch{std::string(name) + " " + std::to_string(grid.x) + "x" + std::to_string(grid.y) +
                      "x" + std::to_string(grid.z),
                  m_begin, nullptr};
    check(cudaEventCreate(&launch.end), "create an event");
    check(cudaEventRecord(launch.end, stream), "record an event");
    m_launches.push_back(launch);
}

std::map<std::string, LaunchProfile::Row> LaunchProfile::rows() {
    std::map<std::string, Row> rows;
    check(cudaDeviceSynchronize(), "finish work on the GPU");
    for (const Launch& launch : m_launches) {
        float milliseconds = 0;
        check(cudaEventElapsedTime(&milliseconds, launch.begin, launch.end), "read a clock");
        Row& row = rows[launch.name];
        ++row.launches;
        row.milliseconds += static_cast<double>(milliseconds);
        cudaEventDestroy(launch.begin);
        cudaEventDestroy(launch.end);
    }
    m_launches.clear();
    return rows;
}

} // namespace dossier::engine::cuda
