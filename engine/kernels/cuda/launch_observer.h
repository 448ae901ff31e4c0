// SPDX-License-Identifier: Apache-2.0
// Times kernels one by one with events, for the benchmark: where a token's time goes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <cuda_runtime.h>

namespace dossier::engine::cuda {

/// Nothing is observed while no profile is active. Owner thread only; not while work is recorded.
class LaunchProfile {
  public:
    struct Row {
        std::uint64_t launches = 0;
        double milliseconds = 0;
    };

    void begin(cudaStream_t stream);
    void end(const char* name, dim3 grid, cudaStream_t stream);
    /// Waits for everything; by kernel and grid.
    std::map<std::string, Row> rows();

    static LaunchProfile*& active() {
        static LaunchProfile* profile = nullptr;
        return profile;
    }

  private:
    struct Launch {
        std::string name;
        cudaEvent_t begin, end;
    };
    cudaEvent_t m_begin = nullptr;
    std::vector<Launch> m_launches;
};

} // namespace dossier::engine::cuda
