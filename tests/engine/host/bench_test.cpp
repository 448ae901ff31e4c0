// SPDX-License-Identifier: Apache-2.0
// The benchmark runs from end to end on a tiny model and the emulated GPU, and says what it
// measured beside what it could have been.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/base/json_text.h"
#include "engine/host/bench/bench_command.h"
#include "engine/host/bench/routing_driver.h"
#include "engine/kernels/types.h"
#include "tests/engine/cuda_emulator/include/cuda_runtime.h"
#include "tests/engine/support/golden.h"

namespace dossier::engine {
namespace {

TEST(Bench, AllPartsRunAndEveryFigureHasItsBound) {
    cuda_emulator::setMemory(std::size_t{3} << 30, std::size_t{512} << 20);
    const auto folder = test::temporaryFolder("bench");
    const auto out = folder / "figures.jsonl";
    const std::string config = (test::tinyCheckpoint("tiny") / "config.json").string();
    EXPECT_EQ(benchCommand(Arguments({"bench",
                                      "--config",
                                      config,
                                      "--small",
                                      "--out",
                                      out.string(),
                                      "--folder",
                                      folder.string(),
                                      "--planned-context",
                                      "1024",
                                      "--context",
                                      "64",
                                      "--rows",
                                      "32",
                                      "--super-chunk",
                                      "64",
                                      "--scratch",
                                      "16000000",
                                      "--rounds",
                                      "2",
                                      "--tokens",
                                      "1",
                                      "--budgets",
                                      "18x",
                                      "--disk-budget",
                                      "18x",
                                      "--reading",
                                      "18x",
                                      "--disk-experts",
                                      "3",
                                      "--layers",
                                      "2",
                                      "--part",
                                      "cpu-experts,budgets,cut",
                                      "--cpu-experts",
                                      "off,on",
                                      "--cpu-share",
                                      "50"})),
              0);
    cuda_emulator::clearFaults();
    std::ifstream file(out);
    std::vector<nlohmann::json> figures;
    for (std::string line; std::getline(file, line);) {
        figures.push_back(parseJson(line));
    }
    std::map<std::string, int> count;
    for (const nlohmann::json& figure : figures) {
        const std::string what = figure["what"];
        ++count[what];
        if (what.starts_with("decode")) {
            EXPECT_GT(figure["bound_no_overlap"], figure["tokens_per_second"]) << figure;
            EXPECT_GE(figure["bound_full_overlap"], figure["bound_no_overlap"]) << figure;
            EXPECT_GT(figure["distinct_experts"], 0) << figure;
            EXPECT_TRUE(figure.contains("hit_rate"));
            EXPECT_EQ(figure["cpu_experts"] == "on", figure["on_cpu"] > 0) << figure;
        }
        if (what == "memory") {
            EXPECT_NEAR(figure["difference"], 0, 0.02) << figure;
        }
    }
    EXPECT_EQ(count["decode"], 8); // with and without the processor's part
    EXPECT_EQ(count["cpu experts"], 2);
    EXPECT_EQ(count["experts on the processor"], 12);
    EXPECT_EQ(count["decode, cut in GPU memory"], 4);
    EXPECT_GE(count["super-chunk"], 4);
    EXPECT_EQ(count["placement"], 1);
    EXPECT_EQ(count["disk tier"], 1);
    EXPECT_EQ(count["reading, integrated from super-chunks"], 2);
}

double unionOf(bench::RoutingDriver driver, std::uint32_t rows) {
    std::size_t distinct = 0;
    constexpr std::size_t kTokens = 60;
    for (std::size_t t = 0; t < kTokens; ++t) {
        const auto ids = driver.next(rows);
        for (std::size_t layer = 0; layer < 43; ++layer) {
            std::set<std::int64_t> all;
            for (std::size_t row = 0; row < rows; ++row) {
                const auto* mine = &ids[(layer * kAnswerRows + row) * 6];
                EXPECT_EQ(std::set<std::int64_t>(mine, mine + 6).size(), 6U);
                all.insert(mine, mine + 6);
            }
            distinct += all.size();
        }
    }
    return static_cast<double>(distinct) / kTokens / 43;
}

TEST(RoutingDriver, KeepsTheMeasuredUnions) {
    using bench::RoutingDriver;
    EXPECT_NEAR(unionOf(RoutingDriver::uniform({43, 256, 6}, 5), 8), 44.2, 0.6);
    EXPECT_NEAR(unionOf(RoutingDriver::local({43, 256, 6}, 5), 5), 17.5, 0.6);
}

TEST(RoutingDriver, PopularExpertsServeAsManyChoicesAsMeasured) {
    using bench::RoutingDriver;
    const auto usage = RoutingDriver::profile(RoutingDriver::local({43, 256, 6}, 5), 400);
    std::vector<std::uint64_t> sorted = usage;
    std::sort(sorted.rbegin(), sorted.rend());
    const auto share = [&](std::size_t slots) {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < slots; ++i) {
            sum += sorted[i];
        }
        return static_cast<double>(sum) / (400.0 * 43 * 6);
    };
    EXPECT_NEAR(share(700), 0.39, 0.02);
    EXPECT_NEAR(share(11008 * 15 / 100), 0.55, 0.02);
    EXPECT_NEAR(share(11008 * 45 / 100), 0.81, 0.02);
}

} // namespace
} // namespace dossier::engine
