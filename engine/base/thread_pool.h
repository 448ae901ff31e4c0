// SPDX-License-Identifier: Apache-2.0
// A pool of threads for many short parallel loops, with low latency between them.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <type_traits>

namespace dossier {

/// `size()` threads including the caller of parallelFor. Between loops the others spin for a short
/// while (so that the next layer's loop starts within a microsecond) and then sleep.
///
/// One loop at a time: a call from another thread waits for its turn. Calling parallelFor from
/// inside a loop body throws Error(Internal).
class ThreadPool {
  public:
    enum class Schedule {
        Dynamic, ///< pieces of `grain` are taken one by one: for uneven work
        Static,  ///< one fixed piece per worker, a multiple of `grain` long: keeps caches warm
    };

    /// How long a thread spins for the next loop before it sleeps: longer than the serial code
    /// between two loops of a layer, far shorter than what a person or a battery would notice.
    static constexpr std::chrono::microseconds kSpin{60};

    /// 0 = one thread for every core this process may use.
    explicit ThreadPool(unsigned threads = 0, std::chrono::microseconds spin = kSpin);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    unsigned size() const noexcept;

    /// Calls fn(begin, end, worker) for pieces that cover [0, count) exactly once, and returns when
    /// all are done. `worker` < size() identifies the running thread (0 = the caller): use it to
    /// pick scratch space. Pieces start at multiples of `grain`, whatever the number of threads.
    /// The first exception thrown by fn is rethrown here; pieces not begun by then are skipped.
    template<typename Fn>
    void parallelFor(std::size_t count, std::size_t grain, Fn&& fn,
                     Schedule schedule = Schedule::Dynamic) {
        using Callable = std::remove_reference_t<Fn>;
        run(count, grain, schedule,
            Body{const_cast<void*>(static_cast<const void*>(std::addressof(fn))),
                 [](void* object, std::size_t begin, std::size_t end, unsigned worker) {
                     (*static_cast<Callable*>(object))(begin, end, worker);
                 }});
    }

    /// Cores this process may use (affinity and cgroup quota taken into account), at least 1.
    static unsigned availableCores();

  private:
    struct Body {
        void* object;
        void (*call)(void*, std::size_t, std::size_t, unsigned);
    };
    struct Impl;

    void run(std::size_t count, std::size_t grain, Schedule schedule, Body body);

    std::unique_ptr<Impl> m_impl;
};

} // namespace dossier
