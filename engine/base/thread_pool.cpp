// SPDX-License-Identifier: Apache-2.0
#include "engine/base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sched.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "engine/base/error.h"

namespace dossier {
namespace {

thread_local bool t_insideLoop = false;

void relax() noexcept {
#if defined(__x86_64__)
    _mm_pause();
#else
    std::this_thread::yield();
#endif
}

/// Spins until `ready()`; false when it took longer than `most`.
template<typename Ready>
bool spinFor(std::chrono::microseconds most, Ready ready) {
    const auto start = std::chrono::steady_clock::now();
    do {
        for (int i = 0; i < 64; ++i) {
            if (ready()) {
                return true;
            }
            relax();
        }
    } while (std::chrono::steady_clock::now() - start < most);
    return false;
}

} // namespace

// One loop ("region") at a time. `state` holds [number of the region:32][open:1][workers
// inside:31]. A worker enters by raising the count while the region is open, so the caller never
// waits for a worker that did not wake up in time: it closes the region and waits only for those
// inside.
struct ThreadPool::Impl {
    static constexpr std::uint64_t kOpen = 1ULL << 31;
    static constexpr std::uint64_t kInside = kOpen - 1;

    std::chrono::microseconds spin{};
    std::vector<std::thread> threads;
    std::mutex callers;
    alignas(64) std::atomic<std::uint64_t> state{0};
    alignas(64) std::atomic<std::uint32_t> wake{0}; ///< changes when a region opens or all must end
    std::atomic<bool> quit{false};

    // The region's work; written while no worker is inside.
    Body body{};
    std::size_t count = 0, piece = 0, pieces = 0;
    bool fixed = false;
    alignas(64) std::atomic<std::size_t> next{0};
    std::unique_ptr<std::atomic<bool>[]> taken; ///< Static: piece i has been begun
    std::atomic<bool> failed{false};
    std::exception_ptr failure; ///< written by the thread that set `failed`

    void runPiece(std::size_t index, unsigned worker) {
        if (failed.load(std::memory_order_relaxed)) {
            return;
        }
        const std::size_t begin = index * piece;
        try {
            body.call(body.object, begin, std::min(begin + piece, count), worker);
        } catch (...) {
            if (!failed.exchange(true)) {
                failure = std::current_exception();
            }
        }
    }

    void work(unsigned worker) {
        t_insideLoop = true;
        if (fixed) {
            // Its own piece first, then those of threads that have not come.
            for (std::size_t i = 0; i < pieces; ++i) {
                const std::size_t index = (worker + i) % pieces;
                if (!taken[index].exchange(true, std::memory_order_relaxed)) {
                    runPiece(index, worker);
                }
            }
        } else {
            for (std::size_t index = 0;
                 (index = next.fetch_add(1, std::memory_order_relaxed)) < pieces;) {
                runPiece(index, worker);
            }
        }
        t_insideLoop = false;
    }

    void workerLoop(unsigned worker) {
        std::uint32_t seen = 0;
        for (;;) {
            const auto changed = [&] { return wake.load(std::memory_order_acquire) != seen; };
            if (!spinFor(spin, changed)) {
                wake.wait(seen, std::memory_order_acquire);
            }
            seen = wake.load(std::memory_order_acquire);
            if (quit.load(std::memory_order_relaxed)) {
                return;
            }
            std::uint64_t now = state.load(std::memory_order_acquire);
            while ((now & kOpen) != 0 &&
                   !state.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel)) {
            }
            if ((now & kOpen) == 0) {
                continue;
            }
            work(worker);
            const std::uint64_t left = state.fetch_sub(1, std::memory_order_acq_rel) - 1;
            if ((left & (kOpen | kInside)) == 0) {
                state.notify_all();
            }
        }
    }

    void runRegion() {
        next.store(0, std::memory_order_relaxed);
        for (std::size_t i = 0; fixed && i < pieces; ++i) {
            taken[i].store(false, std::memory_order_relaxed);
        }
        const std::uint64_t number = (state.load(std::memory_order_relaxed) >> 32) + 1;
        state.store(number << 32 | kOpen, std::memory_order_release);
        wake.fetch_add(1, std::memory_order_release);
        wake.notify_all();
        work(0);
        state.fetch_and(~kOpen, std::memory_order_acq_rel);
        const auto empty = [&] { return (state.load(std::memory_order_acquire) & kInside) == 0; };
        while (!spinFor(spin, empty)) {
            const std::uint64_t now = state.load(std::memory_order_acquire);
            if ((now & kInside) != 0) {
                state.wait(now, std::memory_order_acquire);
            }
        }
    }
};

unsigned ThreadPool::availableCores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) {
        cores = static_cast<unsigned>(CPU_COUNT(&set));
    }
    // A container may be given less processor time than the cores it sees (cgroup v2).
    std::ifstream quotaFile("/sys/fs/cgroup/cpu.max");
    std::string quota;
    double period = 0;
    if (quotaFile >> quota >> period && quota != "max" && period > 0) {
        const double share = std::strtod(quota.c_str(), nullptr) / period;
        if (share >= 0.5) {
            cores = std::min(cores, std::max(1U, static_cast<unsigned>(share + 0.5)));
        }
    }
    return cores;
}

ThreadPool::ThreadPool(unsigned threads, std::chrono::microseconds spin)
    : m_impl(std::make_unique<Impl>()) {
    m_impl->spin = spin;
    const unsigned size = threads == 0 ? availableCores() : threads;
    m_impl->taken = std::make_unique<std::atomic<bool>[]>(size);
    m_impl->threads.reserve(size - 1);
    for (unsigned worker = 1; worker < size; ++worker) {
        m_impl->threads.emplace_back([this, worker] { m_impl->workerLoop(worker); });
    }
}

ThreadPool::~ThreadPool() {
    m_impl->quit.store(true);
    m_impl->wake.fetch_add(1);
    m_impl->wake.notify_all();
    for (std::thread& thread : m_impl->threads) {
        thread.join();
    }
}

unsigned ThreadPool::size() const noexcept {
    return static_cast<unsigned>(m_impl->threads.size()) + 1;
}

void ThreadPool::run(std::size_t count, std::size_t grain, Schedule schedule, Body body) {
    if (t_insideLoop) {
        throw Error(ErrorCode::Internal, "parallelFor was called from inside a parallel loop");
    }
    if (count == 0) {
        return;
    }
    grain = std::max<std::size_t>(grain, 1);
    Impl& impl = *m_impl;
    const std::lock_guard lock(impl.callers);
    const std::size_t grains = (count - 1) / grain + 1;
    impl.body = body;
    impl.count = count;
    impl.fixed = schedule == Schedule::Static;
    impl.piece = impl.fixed ? ((grains - 1) / size() + 1) * grain : grain;
    impl.pieces = (count - 1) / impl.piece + 1;
    impl.failed.store(false, std::memory_order_relaxed);
    impl.failure = nullptr;
    if (impl.pieces == 1 || size() == 1) {
        impl.next.store(0, std::memory_order_relaxed);
        for (std::size_t i = 0; impl.fixed && i < impl.pieces; ++i) {
            impl.taken[i].store(false, std::memory_order_relaxed);
        }
        impl.work(0);
    } else {
        impl.runRegion();
    }
    if (impl.failed.load(std::memory_order_acquire)) {
        std::rethrow_exception(std::exchange(impl.failure, nullptr));
    }
}

} // namespace dossier
