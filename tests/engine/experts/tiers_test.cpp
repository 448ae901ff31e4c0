// SPDX-License-Identifier: Apache-2.0
// Where experts lie never changes a result: the same tokens give the same bits with all of them in
// GPU memory, with a few, with the others in RAM or on disk, recorded or not. And what is counted.
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/experts/tier_model.h"

namespace dossier::engine {
namespace {

class Tiering : public testing::Test {
  protected:
    void SetUp() override {
        if (!probeCuda().usable) {
            GTEST_SKIP() << "needs an NVIDIA GPU: " << probeCuda().whyNot;
        }
    }
};

TEST_F(Tiering, WhereExpertsLieNeverChangesAResult) {
    for (const bool copyEngine : {true, false}) {
        const char* name = copyEngine ? "tiny" : "tiny-fp8";
        SCOPED_TRACE(name);
        TierModel model(name, true, copyEngine);
        model.load({});
        ASSERT_EQ(cudaControl(*model.ops)->experts().inRam, 0U);
        const std::vector<float> expected = model.run(40, 3, 2);
        const std::uint64_t ring = model.ring();
        for (const Tiers& tiers : {Tiers{ring + 5, {}}, Tiers{ring, 3}, Tiers{ring + 4, 0}}) {
            SCOPED_TRACE(testing::Message() << *tiers.vram << " in VRAM");
            model.load(tiers);
            const ExpertTelemetry t = cudaControl(*model.ops)->experts();
            EXPECT_EQ(t.inVram, *tiers.vram - ring);
            EXPECT_EQ(t.inRam, tiers.ram.value_or(model.experts() - t.inVram));
            EXPECT_EQ(t.inVram + t.inRam + t.onDisk, model.experts());
            EXPECT_EQ(model.run(40, 3, 2), expected);
        }
    }
}

TEST_F(Tiering, AHeldReadingFetchesAgainWhatAnswersTookTheRoomOf) {
    TierModel model("tiny");
    const auto ids = someTokens(model.config(), 42);
    const std::uint32_t last = 39;
    std::vector<float> expected;
    for (const Tiers& tiers :
         {Tiers{}, Tiers{model.ring() + 2, {}}, Tiers{model.ring(), 3}}) { // ... RAM, disk
        model.load(tiers);
        Sequence lane(*model.ops, model.config(), 4096), other(*model.ops, model.config(), 4096);
        const Forward::Piece piece{&lane, std::span(ids).first(40)};
        const auto reading = model.forward->begin({&piece, 1}, {&last, 1});
        std::optional<std::vector<float>> logits;
        int holds = 0;
        for (; !logits; ++holds) {
            int looks = 0;
            logits = model.forward->resume(*reading, {}, {}, [&] { return looks++ == 2; });
            if (!logits && holds % 2 == 0) { // or it goes on at once
                const Forward::Piece token{&other,
                                           std::span(ids).subspan(other.position() % 40, 1)};
                model.forward->run({&token, 1}, {}, {}, {}, Path::Answering);
            }
        }
        EXPECT_GE(holds, 4);
        if (expected.empty()) {
            expected = *logits;
            Sequence straight(*model.ops, model.config(), 4096);
            const Forward::Piece whole{&straight, std::span(ids).first(40)};
            EXPECT_EQ(model.forward->run({&whole, 1}, {&last, 1}), expected);
        }
        EXPECT_EQ(*logits, expected);
    }
}

TEST_F(Tiering, OneTokenAtATimeAndWithoutRecording) {
    TierModel model("tiny", false, false);
    model.load({});
    const std::vector<float> expected = model.run(3, 6);
    const std::uint64_t ring = model.ring();
    model.load({ring + 2, 5}); // a short run: experts are fetched when their layer is known
    EXPECT_EQ(model.run(3, 6), expected);
}

TEST_F(Tiering, CountsWhatWasUsedAndWhereItCameFrom) {
    TierModel model("tiny");
    const ModelConfig& c = model.config();
    const std::uint64_t ring = model.ring();
    model.load({ring + 4, 6});
    model.run(40, 7, 2);
    const ExpertTelemetry t = cudaControl(*model.ops)->experts();
    ASSERT_EQ(t.layers.size(), c.layers);
    std::uint64_t disk = 0;
    for (const ExpertTelemetry::Layer& layer : t.layers) {
        EXPECT_EQ(layer.batches, 7U);
        EXPECT_EQ(layer.choices, 7U * 2 * c.expertsPerToken);
        EXPECT_LE(layer.hits, layer.choices);
        EXPECT_LE(layer.distinct, layer.choices);
        EXPECT_LE(layer.fromRam + layer.fromDisk, layer.distinct);
        disk += layer.fromDisk;
    }
    EXPECT_GT(disk, 0U);
    EXPECT_EQ(std::accumulate(t.usage.begin(), t.usage.end(), std::uint64_t{0}),
              c.layers * 7U * 2 * c.expertsPerToken);
    EXPECT_GT(t.readFromRam + t.readFromDisk, 0U);
    EXPECT_GE(t.diskReads + t.diskKept, disk);

    // The experts that were used most make a better core.
    const double before = t.hitRate();
    cudaControl(*model.ops)->setExpertUsage(t.usage);
    model.load({ring + 4, 6});
    model.run(40, 7, 2);
    EXPECT_GT(cudaControl(*model.ops)->experts().hitRate(), before);
}

TEST_F(Tiering, TooLittleMemorySaysHowMuchIsNeeded) {
    TierModel model("tiny");
    try {
        model.load({1, {}});
        FAIL() << "one expert was enough";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::OutOfMemory);
        EXPECT_THAT(error.failed(), testing::HasSubstr("at least"));
        EXPECT_FALSE(error.remedy().empty());
    }
    model.load({}); // and life goes on
    EXPECT_EQ(model.run(5, 1).size(), 2 * model.config().vocabSize);
}

} // namespace
} // namespace dossier::engine
