// SPDX-License-Identifier: Apache-2.0
// Fibers and the scheduler that runs a block of them.
#include "tests/engine/cuda_emulator/emulator.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

#include <sys/mman.h>

// Saves the callee-saved registers on the running stack, stores its pointer, goes on with the
// other.
asm(R"(
.text
.globl cuda_emulator_switch
.type cuda_emulator_switch,@function
cuda_emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size cuda_emulator_switch,.-cuda_emulator_switch
)");
extern "C" void cuda_emulator_switch(void** save, void* load);

namespace cuda_emulator {

Thread* g_thread = nullptr;
unsigned char* g_dynamicShared = nullptr;

namespace {

/// Not a power of two: the stacks of a block would meet in the same few lines of every cache.
constexpr std::size_t kStackBytes = (64 << 10) + 4096 + 64 * 3;
constexpr std::size_t kMaxThreads = 1024;
constexpr std::size_t kMaxShared = 228 << 10;

enum class Wait { None, Block, Warp };

struct Fiber {
    Thread thread;
    void* stack = nullptr; ///< saved stack pointer
    Wait wait = Wait::None;
    std::uint64_t generation = 0; ///< of what it waits for
    bool done = true;
};

class Machine {
  public:
    Machine() : m_fibers(kMaxThreads), m_warps(kMaxThreads / 32) {
        void* memory =
            mmap(nullptr, kMaxThreads * kStackBytes + 4096 + kMaxShared, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) {
            std::abort();
        }
        m_memory = static_cast<unsigned char*>(memory);
        g_dynamicShared = m_memory + (kMaxThreads * kStackBytes + 4095) / 4096 * 4096;
    }

    void run(dim3 grid, dim3 block, std::size_t shared, const std::function<void()>& body) {
        const std::size_t threads = std::size_t{block.x} * block.y * block.z;
        if (threads == 0 || threads > kMaxThreads || threads % 32 != 0 || shared > kMaxShared) {
            std::fprintf(stderr, "cuda emulator: bad launch, %zu threads, %zu bytes\n", threads,
                         shared);
            std::abort();
        }
        m_body = &body;
        m_threads = threads;
        for (unsigned z = 0; z < grid.z; ++z) {
            for (unsigned y = 0; y < grid.y; ++y) {
                for (unsigned x = 0; x < grid.x; ++x) {
                    std::memset(g_dynamicShared, 0xff, shared); // NaN wherever nothing was written
                    runBlock(grid, block, {x, y, z});
                }
            }
        }
    }

    void waitBlock() {
        Fiber& self = *m_current;
        self.wait = Wait::Block;
        self.generation = m_blockGeneration;
        if (++m_blockArrived == m_alive) {
            m_blockArrived = 0;
            m_result = m_count;
            m_count = 0;
            ++m_blockGeneration;
        }
        yield();
    }
    int countThenWait(bool predicate) {
        m_count += predicate ? 1 : 0;
        waitBlock();
        return m_result;
    }
    std::uint64_t waitWarp() {
        Fiber& self = *m_current;
        Warp& warp = *self.thread.warp;
        self.wait = Wait::Warp;
        self.generation = warp.generation;
        if (++warp.arrived == 32) {
            warp.arrived = 0;
            ++warp.generation;
        }
        const std::uint64_t generation = self.generation;
        yield();
        return generation;
    }

  private:
    static void entry() {
        Machine& machine = instance();
        for (;;) {
            (*machine.m_body)();
            machine.m_current->done = true;
            machine.finished();
            machine.yield();
        }
    }

    void runBlock(dim3 grid, dim3 block, dim3 at) {
        m_alive = m_threads;
        m_blockArrived = 0;
        m_count = 0;
        for (std::size_t i = 0; i < m_threads; ++i) {
            Fiber& fiber = m_fibers[i];
            fiber.thread.index = {static_cast<unsigned>(i % block.x),
                                  static_cast<unsigned>(i / block.x % block.y),
                                  static_cast<unsigned>(i / block.x / block.y)};
            fiber.thread.block = at;
            fiber.thread.blockSize = block;
            fiber.thread.gridSize = grid;
            fiber.thread.lane = static_cast<unsigned>(i % 32);
            fiber.thread.warp = &m_warps[i / 32];
            fiber.thread.warp->arrived = 0;
            fiber.thread.open.clear();
            fiber.thread.groups.clear();
            fiber.done = false;
            fiber.wait = Wait::None;
            if (fiber.stack == nullptr) {
                auto* top =
                    reinterpret_cast<void**>(m_memory + (i + 1) * kStackBytes); // 64-aligned
                *--top = nullptr; // keeps the stack aligned as behind a call
                *--top = reinterpret_cast<void*>(&entry);
                for (int r = 0; r < 6; ++r) {
                    *--top = nullptr;
                }
                fiber.stack = top;
            }
        }
        while (m_alive > 0) {
            bool progress = false;
            for (std::size_t i = 0; i < m_threads; ++i) {
                Fiber& fiber = m_fibers[i];
                if (fiber.done || !ready(fiber)) {
                    continue;
                }
                progress = true;
                enter(&m_scheduler, fiber);
                i = placeOf(*m_current); // they have handed on to each other since
            }
            if (!progress) {
                std::fprintf(stderr, "cuda emulator: the threads of a block wait for each other\n");
                std::abort();
            }
        }
    }
    bool ready(const Fiber& fiber) const {
        switch (fiber.wait) {
        case Wait::Block:
            return fiber.generation != m_blockGeneration;
        case Wait::Warp:
            return fiber.generation != fiber.thread.warp->generation;
        default:
            return true;
        }
    }
    void finished() {
        --m_alive;
        if (m_alive > 0 && m_blockArrived == m_alive) { // the others wait for no one any more
            m_blockArrived = 0;
            m_result = m_count;
            m_count = 0;
            ++m_blockGeneration;
        }
    }
    std::size_t placeOf(const Fiber& fiber) const {
        return static_cast<std::size_t>(&fiber - m_fibers.data());
    }
    void enter(void** save, Fiber& fiber) {
        fiber.wait = Wait::None;
        m_current = &fiber;
        g_thread = &fiber.thread;
        cuda_emulator_switch(save, fiber.stack);
    }
    /// To the next one that can go on, else to the scheduler, which looks from the first one again.
    void yield() {
        Fiber& self = *m_current;
        for (std::size_t i = placeOf(self) + 1; i < m_threads; ++i) {
            if (!m_fibers[i].done && ready(m_fibers[i])) {
                enter(&self.stack, m_fibers[i]);
                return;
            }
        }
        cuda_emulator_switch(&self.stack, m_scheduler);
    }

  public:
    static Machine& instance() {
        static Machine machine;
        return machine;
    }

  private:
    std::vector<Fiber> m_fibers;
    std::vector<Warp> m_warps;
    unsigned char* m_memory = nullptr;
    void* m_scheduler = nullptr;
    Fiber* m_current = nullptr;
    const std::function<void()>* m_body = nullptr;
    std::size_t m_threads = 0, m_alive = 0, m_blockArrived = 0;
    std::uint64_t m_blockGeneration = 0;
    int m_count = 0, m_result = 0;
};

std::mutex g_oneGrid;

} // namespace

void blockBarrier() {
    Machine::instance().waitBlock();
}
int blockBarrierCount(bool predicate) {
    return Machine::instance().countThenWait(predicate);
}
std::uint64_t warpBarrier() {
    return Machine::instance().waitWarp();
}
void runGrid(dim3 grid, dim3 block, std::size_t dynamicShared, const std::function<void()>& body) {
    const std::lock_guard lock(g_oneGrid);
    Machine::instance().run(grid, block, dynamicShared, body);
}

} // namespace cuda_emulator
