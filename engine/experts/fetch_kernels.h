// SPDX-License-Identifier: Apache-2.0
// Kernels that bring experts from pinned RAM into VRAM while answering: which ones is known on the
// GPU only, so that a whole token is one piece of recorded work, without the host in between.
#pragma once

#include "engine/kernels/cuda/expert_kernels.h"
#include "engine/kernels/cuda/launch.h"

namespace dossier::engine::cuda {

/// Copies `bytes` (a multiple of 16) from pinned RAM with `blocks` blocks of threads: few of them
/// saturate the bus, and they leave the others to compute.
void copyBlock(const Queue&, const std::byte* from, std::byte* to, std::uint64_t bytes,
               unsigned blocks);

/// How experts come over the bus while answering.
enum class FetchWay {
    Kernel, ///< a kernel reads those in RAM; the host is asked only for those on disk
    Copies  ///< the host is asked for all of them and uses the copy engine: 8 % faster on PCIe 5,
            ///< but a thread of the host has to be quick
};

/// What is asked of the host; pinned RAM, written by one side each.
struct FetchMail {
    // GPU -> host: `number` last.
    std::uint32_t number = 0; ///< of the request; counts up
    std::uint32_t layer = 0, count = 0;
    std::uint32_t expert[kMaxAnswerTasks] = {};
    std::uint64_t ring = 0; ///< copies: where the first of them goes, the others behind it
    std::uint32_t rows = 0; ///< that CpuMail holds; 0: nothing of this can be computed on the host
    // Host -> GPU, copies: number of a request that will not be fulfilled.
    std::uint32_t abandoned = 0;
    // Host -> GPU, kernel: `answered` last.
    std::uint64_t address[kMaxAnswerTasks] = {};  ///< of the block in pinned RAM; 0: it failed
    std::uint32_t answered[kMaxAnswerTasks] = {}; ///< = number
};

/// What goes beside FetchMail where the host computes some of the experts itself; pinned RAM.
struct CpuMail {
    static constexpr std::uint32_t kOnBus = ~0U;
    // GPU -> host, before FetchMail::number.
    std::uint32_t rowMask[kMaxAnswerTasks] = {}; ///< rows that chose the expert
    float weight[kMaxAnswerTasks][kAnswerRows] = {};
    std::uint32_t busNanoseconds = 0; ///< of the request before, until its copies had arrived
    // Host -> GPU: `computed` last.
    std::uint32_t result[kMaxAnswerTasks] = {}; ///< first row of its results, or kOnBus
    std::uint32_t computed = 0;                 ///< = number: nothing more will be computed
};

/// Pinned RAM, too.
struct CpuSite {
    CpuMail* mail = nullptr;       ///< null: the host computes nothing
    QuantRows x;                   ///< [kAnswerRows] activations, written by the GPU
    const Bf16* results = nullptr; ///< [kAnswerRows * experts a token][hidden], by the host
    std::uint32_t hidden = 0;
};

/// The experts of one layer that are being fetched; in device memory.
struct FetchList {
    std::uint32_t count = 0;
    std::uint32_t number = 0;   ///< of the request to the host, if there is one
    std::uint32_t finished = 0; ///< blocks that are done; left as zero
    unsigned long long begin = 0;
    std::uint32_t expert[kMaxAnswerTasks];
    const std::uint8_t* from[kMaxAnswerTasks]; ///< pinned RAM; null: the host is asked
    std::uint32_t asked[kMaxAnswerTasks];      ///< place in the request
    std::uint32_t task[kMaxAnswerTasks];       ///< of the plan; not of lists made beforehand
};

/// Counted per layer while answering; in device memory.
struct FetchCounts {
    unsigned long long batches = 0;
    unsigned long long choices = 0, hits = 0; ///< rows times chosen experts; those found in VRAM
    unsigned long long distinct = 0;          ///< experts, every batch counted for itself
    unsigned long long fromRam = 0, fromDisk = 0; ///< over the bus
    unsigned long long onCpu = 0;                 ///< computed by the host
    unsigned long long busNanoseconds = 0;        ///< from the plan to the last byte
    unsigned long long nanoseconds = 0;           ///< the same, or to the host's last result
};

struct FetchSite {
    std::uint32_t layer = 0, experts = 0;
    std::uint64_t blockBytes = 0;
    const std::uint8_t* const* source = nullptr; ///< [experts] pinned RAM; null: on disk
    std::uint8_t* ring = nullptr;                ///< slots that this layer may fill
    FetchList* list = nullptr;
    FetchWay way = FetchWay::Kernel;
    FetchMail* mail = nullptr;           ///< null: nothing is ever asked
    std::uint32_t* mailNumber = nullptr; ///< device memory: of the last request
    std::uint32_t* arrived = nullptr;    ///< device memory: of the last one that was fulfilled
    FetchCounts* counts = nullptr;
    std::uint32_t* usage = nullptr; ///< [experts]: how often chosen
    CpuSite cpu;
};

/// The batch whose experts are listed, for a host that computes some of them.
struct FetchRows {
    QuantRows x; ///< [rows, hidden]
    std::uint32_t rows = 0;
};

/// The experts that `plan` lacks, each with its slot, into list and plan; asks the host.
void listMisses(const Queue&, const FetchSite&, const FetchRows&, AnswerPlan* plan);
/// The same for a hash layer before its turn: the experts of these tokens that are not in VRAM.
void listHashed(const Queue&, const FetchSite&, const std::int64_t* tokenExperts,
                const std::int32_t* tokens, std::uint32_t rows, std::uint32_t top,
                ExpertTable table);
/// Slots of a list that was made beforehand into the plan.
void adoptList(const Queue&, const FetchSite&, AnswerPlan* plan);
/// Brings everything on the list into its slots; what the host computed instead is told to `plan`
/// (null: of a list that was made beforehand).
void fetchListed(const Queue&, const FetchSite&, AnswerPlan* plan, unsigned blocks);

} // namespace dossier::engine::cuda
