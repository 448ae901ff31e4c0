// SPDX-License-Identifier: Apache-2.0
#include "engine/base/thread_pool.h"

#include <atomic>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "engine/base/error.h"

namespace dossier {
namespace {

using Schedule = ThreadPool::Schedule;

class ThreadPoolTest : public testing::TestWithParam<std::tuple<unsigned, Schedule>> {};

} // namespace

TEST_P(ThreadPoolTest, EveryItemExactlyOnceInPiecesOnTheGrid) {
    const auto [threads, schedule] = GetParam();
    ThreadPool pool(threads);
    ASSERT_EQ(pool.size(), threads);
    for (const std::size_t count : {0UL, 1UL, 7UL, 64UL, 1000UL, 12345UL}) {
        for (const std::size_t grain : {0UL, 1UL, 3UL, 64UL, 100000UL}) {
            std::vector<std::atomic<int>> seen(count);
            std::atomic<bool> offGrid{false}, badWorker{false};
            pool.parallelFor(
                count, grain,
                [&](std::size_t begin, std::size_t end, unsigned worker) {
                    offGrid = offGrid || (grain > 0 && begin % grain != 0) || begin >= end;
                    badWorker = badWorker || worker >= pool.size();
                    for (std::size_t i = begin; i < end; ++i) {
                        ++seen[i];
                    }
                },
                schedule);
            ASSERT_FALSE(offGrid) << count << " " << grain;
            ASSERT_FALSE(badWorker);
            for (const auto& n : seen) {
                ASSERT_EQ(n, 1) << count << " " << grain;
            }
        }
    }
}

TEST_P(ThreadPoolTest, ExceptionsReachTheCallerAndThePoolStaysUsable) {
    const auto [threads, schedule] = GetParam();
    ThreadPool pool(threads);
    for (int round = 0; round < 20; ++round) {
        EXPECT_THROW(pool.parallelFor(
                         100, 1,
                         [&](std::size_t, std::size_t end, unsigned) {
                             if (end > 40) {
                                 throw std::runtime_error("bad item");
                             }
                         },
                         schedule),
                     std::runtime_error);
        std::atomic<int> sum{0};
        pool.parallelFor(
            10, 1,
            [&](std::size_t begin, std::size_t end, unsigned) {
                sum += static_cast<int>(end - begin);
            },
            schedule);
        ASSERT_EQ(sum, 10);
    }
}

INSTANTIATE_TEST_SUITE_P(Sizes, ThreadPoolTest,
                         testing::Combine(testing::Values(1U, 2U, 3U, 8U),
                                          testing::Values(Schedule::Dynamic, Schedule::Static)));

TEST(ThreadPool, ManySmallLoopsBackToBack) {
    ThreadPool pool(4);
    std::vector<int> values(256, 0);
    for (int round = 0; round < 20'000; ++round) {
        pool.parallelFor(values.size(), 64, [&](std::size_t begin, std::size_t end, unsigned) {
            for (std::size_t i = begin; i < end; ++i) {
                ++values[i];
            }
        });
    }
    EXPECT_EQ(std::accumulate(values.begin(), values.end(), 0), 256 * 20'000);
}

TEST(ThreadPool, WakesUpAgainAfterSleeping) {
    ThreadPool pool(3);
    for (int round = 0; round < 5; ++round) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        std::atomic<int> pieces{0};
        pool.parallelFor(30, 1, [&](std::size_t, std::size_t, unsigned) { ++pieces; });
        EXPECT_EQ(pieces, 30);
    }
}

TEST(ThreadPool, NestedUseIsRefused) {
    ThreadPool pool(2);
    try {
        pool.parallelFor(4, 1, [&](std::size_t, std::size_t, unsigned) {
            pool.parallelFor(1, 1, [](std::size_t, std::size_t, unsigned) {});
        });
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Internal);
    }
}

TEST(ThreadPool, CallersFromSeveralThreadsTakeTurns) {
    ThreadPool pool(3);
    std::atomic<std::size_t> total{0};
    std::vector<std::thread> callers;
    for (int t = 0; t < 4; ++t) {
        callers.emplace_back([&] {
            for (int round = 0; round < 200; ++round) {
                pool.parallelFor(50, 7, [&](std::size_t begin, std::size_t end, unsigned) {
                    total += end - begin;
                });
            }
        });
    }
    for (std::thread& caller : callers) {
        caller.join();
    }
    EXPECT_EQ(total, 4U * 200U * 50U);
}

TEST(ThreadPool, StaticPiecesDependOnlyOnCountAndThreads) {
    ThreadPool pool(4);
    for (int round = 0; round < 50; ++round) {
        std::vector<std::atomic<std::size_t>> owner(1000);
        pool.parallelFor(
            1000, 8,
            [&](std::size_t begin, std::size_t end, unsigned) {
                for (std::size_t i = begin; i < end; ++i) {
                    owner[i] = begin;
                }
            },
            Schedule::Static);
        for (std::size_t i = 0; i < 1000; ++i) {
            ASSERT_EQ(owner[i], i / 256 * 256); // 125 grains, 32 for each of 4 workers
        }
    }
}

TEST(ThreadPool, KnowsHowManyCoresItMayUse) {
    EXPECT_GE(ThreadPool::availableCores(), 1U);
    EXPECT_EQ(ThreadPool().size(), ThreadPool::availableCores());
}

} // namespace dossier
