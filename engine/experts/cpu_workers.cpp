// SPDX-License-Identifier: Apache-2.0
#include "engine/experts/cpu_workers.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <thread>
#include <vector>

#include "engine/base/error.h"
#include "engine/kernels/cpu/expert_batch.h"

namespace dossier::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kSpin{2};
constexpr std::chrono::seconds kFarewell{1};

unsigned threadsFor(unsigned wanted) {
    const unsigned cores = ThreadPool::availableCores();
    return wanted != 0 ? wanted : cores > 3 ? cores - 2 : 1;
}

void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/// Spins until `ready()` or `end`.
template<class Ready>
bool spinUntil(Clock::time_point end, Ready ready) {
    for (;;) {
        for (int i = 0; i < 64; ++i) {
            if (ready()) {
                return true;
            }
            relax();
        }
        if (Clock::now() >= end) {
            return ready();
        }
    }
}

} // namespace

/// Shared with the thread that leads the others, so that it can be left behind.
struct CpuWorkers::State {
    State(const ExpertLayout& expertLayout, float limit, const CpuKernels& cpuKernels,
          unsigned threads, MemoryLedger& ledger)
        : layout(expertLayout),
          kernels(cpuKernels),
          pool(threads, kSpin),
          batch({layout.hidden, layout.inner, limit}, kernels, pool, ledger) {
        form = layout.fp4 ? WeightForm::Fp4 : WeightForm::Fp8;
        preparedBytes = (kernels.preparedBytes(form, layout.hidden) + 63) / 64 * 64;
        prepared = AlignedBuffer(ledger, "scratch", kAnswerRows * preparedBytes);
    }

    void lead();
    void compute();

    const ExpertLayout layout;
    const CpuKernels& kernels;
    ThreadPool pool;
    ExpertBatch batch;
    WeightForm form{};
    std::size_t preparedBytes = 0;
    AlignedBuffer prepared; ///< [rows][preparedBytes]

    // Written by start() while no job is under way.
    QuantRows x;
    std::uint32_t rows = 0;
    std::vector<Expert> experts;
    Clock::time_point begin;

    alignas(64) std::atomic<std::uint32_t> started{0}; ///< jobs; quit counts as one
    std::atomic<bool> quit{false};
    alignas(64) std::atomic<std::uint32_t> finished{0};
    std::exception_ptr failure; ///< of the job that finished last
    double seconds = 0;

    // Of compute().
    std::vector<ExpertTask> tasks;
    std::vector<std::uint32_t> taskRows;
    std::vector<float> taskWeights;
};

void CpuWorkers::State::lead() {
    for (std::uint32_t done = 0;;) {
        const auto next = [&] { return started.load(std::memory_order_acquire) != done; };
        if (!spinUntil(Clock::now() + kSpin, next)) {
            started.wait(done, std::memory_order_acquire);
        }
        if (quit) {
            return;
        }
        try {
            compute();
            failure = nullptr;
        } catch (...) {
            failure = std::current_exception();
        }
        seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        finished.store(++done, std::memory_order_release);
        finished.notify_all();
    }
}

void CpuWorkers::State::compute() {
    const std::size_t hidden = layout.hidden, blocks = hidden / 128;
    pool.parallelFor(rows, 4, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t i = from; i < to; ++i) {
            kernels.prepareQuantised(form, x.values + i * hidden, x.scales + i * blocks,
                                     layout.hidden, prepared.data() + i * preparedBytes);
        }
    });
    taskRows.clear();
    taskWeights.clear();
    for (const Expert& expert : experts) {
        for (std::uint32_t mask = expert.rowMask; mask != 0; mask &= mask - 1) {
            const auto row = static_cast<std::uint32_t>(std::countr_zero(mask));
            taskRows.push_back(row);
            taskWeights.push_back(expert.weights[row]);
        }
    }
    tasks.clear();
    std::size_t slot = 0;
    for (const Expert& expert : experts) {
        const auto n = static_cast<std::uint32_t>(std::popcount(expert.rowMask));
        tasks.push_back({layout.at(expert.block), taskRows.data() + slot, taskWeights.data() + slot,
                         n, expert.y});
        slot += n;
    }
    batch.run(tasks, [&](WeightForm) { return Operand{prepared.data(), preparedBytes, nullptr}; });
}

CpuWorkers::CpuWorkers(const ExpertLayout& layout, float limit, const CpuKernels& kernels,
                       unsigned threads, MemoryLedger& ledger)
    : m_state(std::make_shared<State>(layout, limit, kernels, threadsFor(threads), ledger)) {
    m_leader = std::thread([state = m_state] { state->lead(); });
}

CpuWorkers::~CpuWorkers() {
    State& s = *m_state;
    const std::uint32_t jobs = s.started;
    const auto done = [&] { return s.finished.load(std::memory_order_acquire) == jobs; };
    for (const auto end = Clock::now() + kFarewell; !done() && Clock::now() < end;) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const bool stuck = !done();
    s.quit = true;
    ++s.started;
    s.started.notify_all();
    stuck ? m_leader.detach() : m_leader.join();
}

void CpuWorkers::start(const Job& job) {
    State& s = *m_state;
    if (s.started != s.finished.load(std::memory_order_acquire)) {
        throw Error(ErrorCode::Internal,
                    "Experts were given to a processor that is busy with some");
    }
    s.x = job.x;
    s.rows = job.rows;
    s.experts.assign(job.experts.begin(), job.experts.end());
    s.begin = Clock::now();
    s.started.fetch_add(1, std::memory_order_release);
    s.started.notify_all();
}

bool CpuWorkers::finish(std::chrono::milliseconds limit) {
    State& s = *m_state;
    const auto done = [&] {
        return s.finished.load(std::memory_order_acquire) == s.started.load();
    };
    if (!spinUntil(Clock::now() + limit, done)) {
        return false;
    }
    if (s.failure) {
        std::rethrow_exception(s.failure);
    }
    return true;
}

double CpuWorkers::seconds() const {
    return m_state->seconds;
}

unsigned CpuWorkers::threads() const {
    return m_state->pool.size();
}

std::string_view CpuWorkers::kernels() const {
    return m_state->kernels.name;
}

} // namespace dossier::engine
