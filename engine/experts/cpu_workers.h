// SPDX-License-Identifier: Apache-2.0
// Threads that compute routed experts on the processor, straight from their blocks in RAM, beside a
// GPU that computes the others. No CUDA.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <span>
#include <string_view>
#include <thread>

#include "engine/base/memory_ledger.h"
#include "engine/experts/expert_layout.h"
#include "engine/kernels/cpu/kernels.h"

namespace dossier::engine {

class CpuWorkers {
  public:
    struct Expert {
        const std::uint8_t* block = nullptr; ///< laid out as ExpertLayout
        std::uint32_t rowMask = 0;           ///< rows that chose it, at most kAnswerRows
        const float* weights = nullptr;      ///< [kAnswerRows], by row
        Bf16* y = nullptr;                   ///< [rows of the mask, ascending][hidden]
    };
    /// What is named stays as it is until finish() has returned true.
    struct Job {
        QuantRows x; ///< of `rows` rows
        std::uint32_t rows = 0;
        std::span<const Expert> experts;
    };

    /// `threads`: 0 = all cores but two, which drive the GPU. `kernels` and `ledger` outlive this
    /// object; working memory is entered under "scratch". Between jobs the threads spin for up to
    /// two milliseconds, longer than a GPU takes from one layer's experts to the next one's.
    CpuWorkers(const ExpertLayout&, float limit, const CpuKernels& kernels, unsigned threads,
               MemoryLedger& ledger);
    /// Waits a second for a job that is still under way; then its threads are left behind with all
    /// that they use but the experts' blocks, and the process should end.
    ~CpuWorkers();
    CpuWorkers(const CpuWorkers&) = delete;
    CpuWorkers& operator=(const CpuWorkers&) = delete;

    /// One job at a time, from one thread.
    void start(const Job&);
    /// Waits for the job. False: it was not done after `limit`, and no other may be started until
    /// it is. Throws what computing threw.
    bool finish(std::chrono::milliseconds limit);
    /// How long the job that finished last took.
    double seconds() const;

    unsigned threads() const;
    std::string_view kernels() const;

  private:
    struct State;
    std::shared_ptr<State> m_state;
    std::thread m_leader;
};

} // namespace dossier::engine
