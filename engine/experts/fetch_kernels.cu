// SPDX-License-Identifier: Apache-2.0
#include "engine/experts/fetch_kernels.h"

#include "engine/kernels/cuda/numeric.cuh"

namespace dossier::engine::cuda {
namespace {

constexpr unsigned kFetchThreads = 512, kInFlight = 8, kListThreads = 256;
static_assert(kMaxAnswerTasks <= kListThreads);

__device__ unsigned long long nanoseconds() {
#ifdef DOSSIER_CUDA_EMULATED
    return static_cast<unsigned long long>(clock64());
#else
    unsigned long long t;
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(t));
    return t;
#endif
}

/// Each block takes pieces of kFetchThreads * kInFlight * 16 bytes in turn; every thread has
/// kInFlight loads on their way.
__device__ void copyPieces(const uint4* from, uint4* to, std::size_t count) {
    constexpr std::size_t kPiece = std::size_t{kFetchThreads} * kInFlight;
    for (std::size_t piece = std::size_t{blockIdx.x} * kPiece; piece < count;
         piece += gridDim.x * kPiece) {
        uint4 v[kInFlight];
#pragma unroll
        for (unsigned i = 0; i < kInFlight; ++i) {
            const std::size_t at = piece + i * kFetchThreads + threadIdx.x;
            if (at < count) {
                v[i] = loadOnce(from + at);
            }
        }
#pragma unroll
        for (unsigned i = 0; i < kInFlight; ++i) {
            const std::size_t at = piece + i * kFetchThreads + threadIdx.x;
            if (at < count) {
                to[at] = v[i];
            }
        }
    }
}

__global__ void __launch_bounds__(kFetchThreads)
    copyBlockKernel(const uint4* from, uint4* to, std::size_t count) {
    waitForPrevious();
    copyPieces(from, to, count);
}

/// Threads whose `mine` holds, numbered in order of their index; the total in `total`.
__device__ unsigned numbered(bool mine, unsigned& total) {
    __shared__ unsigned before[kListThreads / 32];
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const unsigned ballot = __ballot_sync(kAllLanes, mine);
    __syncthreads(); // the values of the call before were read
    if (lane == 0) {
        before[warp] = static_cast<unsigned>(__popc(ballot));
    }
    __syncthreads();
    unsigned number = static_cast<unsigned>(__popc(ballot & ((1u << lane) - 1)));
    total = 0;
    for (unsigned w = 0; w < kListThreads / 32; ++w) {
        number += w < warp ? before[w] : 0;
        total += before[w];
    }
    return number;
}

/// What the host needs to compute missing experts itself.
__device__ void sendRows(const CpuSite& cpu, const FetchRows& from, const AnswerPlan& plan,
                         bool missing, unsigned place) {
    const unsigned values = from.rows * cpu.hidden / 16, scales = from.rows * (cpu.hidden / 128);
    for (unsigned i = threadIdx.x; i < values; i += blockDim.x) {
        reinterpret_cast<uint4*>(cpu.x.values)[i] =
            reinterpret_cast<const uint4*>(from.x.values)[i];
    }
    for (unsigned i = threadIdx.x; i < scales; i += blockDim.x) {
        cpu.x.scales[i] = from.x.scales[i];
    }
    if (missing) {
        cpu.mail->rowMask[place] = plan.rowMask[threadIdx.x];
        for (unsigned row = 0; row < from.rows; ++row) {
            cpu.mail->weight[place][row] = plan.weight[threadIdx.x][row];
        }
    }
    __threadfence_system();
}

/// One thread an expert that is missing (`missing`): list and request. `plan` null: the list is
/// made before the batch has come to the layer, and the host computes nothing of it.
__device__ void writeList(const FetchSite& site, bool missing, unsigned expert,
                          const FetchRows& rows, const AnswerPlan* plan, unsigned& place) {
    FetchList& list = *site.list;
    unsigned count = 0, onDisk = 0;
    place = numbered(missing, count);
    const std::uint8_t* from = missing ? site.source[expert] : nullptr;
    unsigned asked = numbered(missing && from == nullptr, onDisk);
    const bool all = site.way == FetchWay::Copies;
    const bool ask = missing && (all || from == nullptr);
    asked = all ? place : asked;
    if (missing) {
        list.expert[place] = expert;
        list.from[place] = from;
        list.asked[place] = asked;
        list.task[place] = threadIdx.x;
    }
    const bool send = plan != nullptr && site.cpu.mail != nullptr && count > 0;
    if (send) {
        sendRows(site.cpu, rows, *plan, missing, place);
    }
    if (ask) {
        site.mail->expert[asked] = expert;
        __threadfence_system();
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        list.count = count;
        list.begin = nanoseconds();
        if (onDisk > 0 || (all && count > 0)) {
            list.number = ++*site.mailNumber;
            site.mail->layer = site.layer;
            site.mail->count = all ? count : onDisk;
            site.mail->ring = reinterpret_cast<std::uint64_t>(site.ring);
            site.mail->rows = send ? rows.rows : 0;
            storeToHost(&site.mail->number, list.number);
        }
        site.counts->fromRam += count - onDisk;
        site.counts->fromDisk += onDisk;
    }
}

/// What the plan's tasks say of the layer; called by all threads.
__device__ void count(const FetchSite& site, const AnswerPlan& plan, bool task) {
    __shared__ unsigned choices, hits;
    if (threadIdx.x == 0) {
        choices = hits = 0;
    }
    __syncthreads();
    if (task) {
        const unsigned rows = static_cast<unsigned>(__popc(plan.rowMask[threadIdx.x]));
        atomicAdd(&choices, rows);
        if (plan.miss[threadIdx.x] == 0) {
            atomicAdd(&hits, rows);
        }
        site.usage[plan.expert[threadIdx.x]] += rows;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        FetchCounts& counts = *site.counts;
        ++counts.batches;
        counts.choices += choices;
        counts.hits += hits;
        counts.distinct += plan.count;
    }
}

__global__ void __launch_bounds__(kListThreads)
    missesKernel(FetchSite site, FetchRows rows, AnswerPlan* plan) {
    waitForPrevious();
    letNextStart();
    const bool task = threadIdx.x < plan->count;
    const bool missing = task && plan->miss[threadIdx.x] != 0;
    const unsigned expert = missing ? plan->expert[threadIdx.x] : 0;
    unsigned place = 0;
    writeList(site, missing, expert, rows, plan, place);
    if (missing) {
        plan->base[threadIdx.x] = site.ring + place * site.blockBytes;
    }
    count(site, *plan, task);
}

__global__ void __launch_bounds__(kListThreads)
    hashedKernel(FetchSite site, const std::int64_t* tokenExperts, const std::int32_t* tokens,
                 unsigned rows, unsigned top, ExpertTable table) {
    auto* wanted = dynamicShared<unsigned>(); // [experts], then the list
    unsigned* chosen = wanted + site.experts;
    __shared__ unsigned found;
    waitForPrevious();
    letNextStart();
    for (unsigned e = threadIdx.x; e < site.experts; e += blockDim.x) {
        wanted[e] = 0;
    }
    __syncthreads();
    for (unsigned i = threadIdx.x; i < rows * top; i += blockDim.x) {
        const auto token = static_cast<std::size_t>(tokens[i / top]);
        wanted[tokenExperts[token * top + i % top]] = 1;
    }
    __syncthreads();
    if (threadIdx.x == 0) { // ascending, as plans are
        found = 0;
        for (unsigned e = 0; e < site.experts; ++e) {
            if (wanted[e] != 0 && table.resident[e] == nullptr) {
                chosen[found++] = e;
            }
        }
    }
    __syncthreads();
    const bool missing = threadIdx.x < found;
    unsigned place = 0;
    writeList(site, missing, missing ? chosen[threadIdx.x] : 0, {}, nullptr, place);
}

__global__ void __launch_bounds__(kListThreads) adoptKernel(FetchSite site, AnswerPlan* plan) {
    waitForPrevious();
    letNextStart();
    const bool task = threadIdx.x < plan->count;
    if (task && plan->miss[threadIdx.x] != 0) {
        for (unsigned i = 0; i < site.list->count; ++i) {
            if (site.list->expert[i] == plan->expert[threadIdx.x]) {
                plan->base[threadIdx.x] = site.ring + i * site.blockBytes;
            }
        }
    }
    count(site, *plan, task);
}

/// Where an expert of the list lies in pinned RAM; waits for the host. Null: reading it failed.
__device__ const std::uint8_t* sourceOf(const FetchSite& site, unsigned i) {
    __shared__ const std::uint8_t* from;
    __syncthreads(); // the one before was read
    if (threadIdx.x == 0) {
        const FetchList& list = *site.list;
        from = list.from[i];
        if (from == nullptr) {
            const unsigned asked = list.asked[i];
            while (loadFromHost(&site.mail->answered[asked]) != list.number) {
                __nanosleep(1000);
            }
            from = reinterpret_cast<const std::uint8_t*>(
                *static_cast<volatile const std::uint64_t*>(&site.mail->address[asked]));
        }
    }
    __syncthreads();
    return from;
}

__global__ void __launch_bounds__(kFetchThreads) fetchKernel(FetchSite site) {
    waitForPrevious();
    letNextStart();
    FetchList& list = *site.list;
    const unsigned count = list.count;
    if (count == 0) {
        return;
    }
    // What is in RAM first; the host reads the others meanwhile.
    for (const bool onDisk : {false, true}) {
        for (unsigned i = 0; i < count; ++i) {
            if ((list.from[i] == nullptr) != onDisk) {
                continue;
            }
            const std::uint8_t* from = sourceOf(site, i);
            if (from != nullptr) {
                copyPieces(reinterpret_cast<const uint4*>(from),
                           reinterpret_cast<uint4*>(site.ring + i * site.blockBytes),
                           site.blockBytes / sizeof(uint4));
            }
        }
    }
    __syncthreads();
    if (threadIdx.x == 0 && atomicAdd(&list.finished, 1u) + 1 == gridDim.x) {
        list.finished = 0;
        site.counts->nanoseconds += nanoseconds() - list.begin;
    }
}

/// Looks at `word` until it is `number`; false when the host has given the request up.
__device__ bool awaitNumber(const FetchSite& site, const std::uint32_t* word,
                            std::uint32_t number) {
    for (unsigned look = 1; loadFromHost(word) != number; ++look) {
        if (look % 64 == 0 && loadFromHost(&site.mail->abandoned) == number) {
            return false;
        }
    }
    return true;
}

/// Copies: until the host says that everything has arrived, and that it has computed its part. One
/// warp.
__global__ void awaitKernel(FetchSite site, AnswerPlan* plan) {
    waitForPrevious();
    letNextStart();
    FetchList& list = *site.list;
    const unsigned count = list.count, lane = threadIdx.x;
    if (count == 0) {
        return;
    }
    const CpuSite& cpu = site.cpu;
    const bool shared = plan != nullptr && cpu.mail != nullptr;
    unsigned complete = 0;
    if (lane == 0) {
        bool here = awaitNumber(site, site.arrived, list.number);
        const unsigned long long bus = nanoseconds() - list.begin;
        site.counts->busNanoseconds += bus;
        if (shared) {
            here = here && awaitNumber(site, &cpu.mail->computed, list.number);
            cpu.mail->busNanoseconds = static_cast<std::uint32_t>(min(bus, 0xFFFFFFFFULL));
        }
        site.counts->nanoseconds += nanoseconds() - list.begin;
        complete = here ? 1 : 0;
    }
    if (!shared || __shfl_sync(kAllLanes, complete, 0) == 0) {
        return;
    }
    __syncwarp(); // what lane 0 saw, all see
    unsigned computed = 0;
    for (unsigned first = 0; first < count; first += 32) {
        const unsigned i = first + lane;
        std::uint32_t result = CpuMail::kOnBus;
        if (i < count) {
            result = *static_cast<volatile const std::uint32_t*>(&cpu.mail->result[list.asked[i]]);
        }
        if (result != CpuMail::kOnBus) {
            plan->miss[list.task[i]] = AnswerPlan::kComputed;
            plan->base[list.task[i]] = reinterpret_cast<const std::uint8_t*>(
                cpu.results + std::size_t{result} * cpu.hidden);
        }
        computed +=
            static_cast<unsigned>(__popc(__ballot_sync(kAllLanes, result != CpuMail::kOnBus)));
    }
    if (lane == 0) {
        site.counts->onCpu += computed;
        site.counts->fromRam -= computed;
    }
}

} // namespace

void copyBlock(const Queue& queue, const std::byte* from, std::byte* to, std::uint64_t bytes,
               unsigned blocks) {
    launch(queue, "fetch an expert", copyBlockKernel, blocks, kFetchThreads, 0,
           reinterpret_cast<const uint4*>(from), reinterpret_cast<uint4*>(to),
           static_cast<std::size_t>(bytes / 16));
}

void listMisses(const Queue& queue, const FetchSite& site, const FetchRows& rows,
                AnswerPlan* plan) {
    launch(queue, "list missing experts", missesKernel, 1, kListThreads, 0, site, rows, plan);
}

void listHashed(const Queue& queue, const FetchSite& site, const std::int64_t* tokenExperts,
                const std::int32_t* tokens, std::uint32_t rows, std::uint32_t top,
                ExpertTable table) {
    launch(queue, "list missing experts", hashedKernel, 1, kListThreads,
           (site.experts + rows * top) * sizeof(unsigned), site, tokenExperts, tokens, rows, top,
           table);
}

void adoptList(const Queue& queue, const FetchSite& site, AnswerPlan* plan) {
    launch(queue, "list missing experts", adoptKernel, 1, kListThreads, 0, site, plan);
}

void fetchListed(const Queue& queue, const FetchSite& site, AnswerPlan* plan, unsigned blocks) {
    if (site.way == FetchWay::Copies) {
        launch(queue, "await experts", awaitKernel, 1, 32, 0, site, plan);
    } else {
        launch(queue, "fetch experts", fetchKernel, blocks, kFetchThreads, 0, site);
    }
}

} // namespace dossier::engine::cuda
