// SPDX-License-Identifier: Apache-2.0
// Brings what the GPU asks for while answering (FetchMail): experts on disk, or all that a layer
// lacks but for those that the processor computes.
#pragma once

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/experts/cpu_tier.h"
#include "engine/experts/disk_reader.h"
#include "engine/experts/fetch_kernels.h"
#include "engine/experts/layer_stream.h"
#include "engine/kernels/cuda/cuda_error.h"

namespace dossier::engine::cuda {

/// A thread that looks at the mail box while there may be mail. With FetchWay::Kernel it makes no
/// CUDA calls. With FetchWay::Copies it queues copies on a stream of its own: as long as the box is
/// open, nobody may make a CUDA call that waits for the whole device inside the driver
/// (cudaMalloc, cudaFree), or the two would wait for each other.
class MailService {
  public:
    struct Box {
        FetchWay way = FetchWay::Kernel;
        FetchMail* mail = nullptr;
        // Copies:
        SourceAddress source;
        std::uint64_t blockBytes = 0;
        std::uint32_t* arrived = nullptr; ///< device memory
        std::uint32_t* numbers = nullptr; ///< pinned RAM, two words
        CpuTier* cpu = nullptr;           ///< computes some of the experts; null: none
    };
    /// All that is named outlives this object; `reader` (null: nothing is on disk) has a buffer for
    /// every expert that one request may name.
    MailService(DiskReader* reader, Box box);
    ~MailService();
    MailService(const MailService&) = delete;
    MailService& operator=(const MailService&) = delete;

    /// Owner thread. Between open() and close() work is queued that may ask; all of it is done
    /// before close().
    void open();
    void close();
    /// What went wrong since the last call; null: nothing.
    std::exception_ptr takeFailure();

  private:
    void work();
    void answer();
    void answerCopies();
    void fail(std::exception_ptr);
    std::uint32_t hold(std::uint32_t layer, std::uint32_t expert);
    void releaseHeld();

    DiskReader* m_reader;
    const Box m_box;
    int m_device = 0;
    cudaStream_t m_copies = nullptr;
    std::atomic<bool> m_open{false}, m_stop{false};
    std::uint32_t m_answered = 0;       ///< number of the last request
    std::vector<std::uint32_t> m_inRam; ///< places of a request that name experts in RAM
    std::mutex m_mutex;                 ///< of the two below
    std::vector<std::uint32_t> m_held;  ///< buffers that the GPU may still read
    std::exception_ptr m_failure;
    std::thread m_thread;
};

} // namespace dossier::engine::cuda
