// SPDX-License-Identifier: Apache-2.0
// Same tokens, same bits: chunk edges, threads, forks and frontiers never change a result.
#include <gtest/gtest.h>

#include "engine/lanes/frontier.h"
#include "tests/engine/support/golden.h"
#include "tests/engine/transformer/forward_fixture.h"

namespace dossier::engine {
namespace {

std::vector<std::int32_t> tokens(const ModelConfig& config, std::size_t count) {
    std::vector<std::int32_t> ids(count);
    std::uint32_t state = 12345;
    for (std::int32_t& id : ids) {
        state = state * 1664525u + 1013904223u;
        id = static_cast<std::int32_t>((state >> 8) % config.vocabSize);
    }
    return ids;
}

class Invariance : public testing::TestWithParam<Backend> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Invariance);

TEST_P(Invariance, ChunkSizesAndThreadsGiveEqualBits) {
    // Slow ones take one model and one block of 128.
    const bool plain = GetParam().slow();
    for (const char* name : {"tiny", "tiny-fp8", "tiny-pro"}) {
        if (plain && name != std::string_view("tiny")) {
            continue;
        }
        SCOPED_TRACE(name);
        const auto directory = test::tinyCheckpoint(name);
        std::vector<float> reference;
#ifdef DOSSIER_SANITIZED
        const std::size_t count = 140;
#else
        const std::size_t count = GetParam().emulated() ? 35 : plain ? 140 : 700;
#endif
        for (const std::size_t chunk : {1, 3, 127, 128, 129, 4096}) {
            if (GetParam().emulated() && chunk != 3 && chunk != 4096) {
                continue;
            }
            for (const unsigned threads : {1u, 3u}) {
                if ((chunk != 1 && chunk != 4096 && threads == 3) ||
                    (GetParam().emulated() && threads == 3)) {
                    continue;
                }
                LoadedModel model(directory, GetParam(), threads, 100);
                const auto ids = tokens(model.config(), count);
                const auto sequence = model.sequence();
                const std::vector<float> logits = model.logits(*sequence, ids, chunk);
                if (reference.empty()) {
                    reference = logits;
                }
                ASSERT_EQ(logits, reference) << "chunk " << chunk << ", threads " << threads;
            }
        }
    }
}

TEST_P(Invariance, BatchNeighboursDoNotMatter) {
    if (GetParam().emulated()) {
        GTEST_SKIP() << "takes a minute on the emulated GPU; a real one runs it";
    }
    LoadedModel model(test::tinyCheckpoint("tiny"), GetParam());
    const auto ids = tokens(model.config(), 180);
    const auto alone = model.sequence();
    const std::vector<float> expected = model.logits(*alone, ids, 64);
    const std::size_t vocabulary = model.config().vocabSize;

    // The same tokens as three sequences that are at different positions, one token a step.
    const auto a = model.sequence(), b = model.sequence(), c = model.sequence();
    model.logits(*b, std::span(ids).first(40), 64);
    model.logits(*c, std::span(ids).first(131), 64);
    for (std::size_t step = 0; step < 49; ++step) {
        const std::vector<Forward::Piece> pieces{{a.get(), std::span(ids).subspan(step, 1)},
                                                 {b.get(), std::span(ids).subspan(40 + step, 1)},
                                                 {c.get(), std::span(ids).subspan(131 + step, 1)}};
        const std::vector<std::uint32_t> rows{0, 1, 2};
        const std::vector<float> logits = model.forward.run(pieces, rows);
        const std::size_t positions[] = {step, 40 + step, 131 + step};
        for (std::size_t i = 0; i < 3; ++i) {
            ASSERT_TRUE(std::equal(
                logits.begin() + static_cast<std::ptrdiff_t>(i * vocabulary),
                logits.begin() + static_cast<std::ptrdiff_t>((i + 1) * vocabulary),
                expected.begin() + static_cast<std::ptrdiff_t>(positions[i] * vocabulary)))
                << "sequence " << i << ", step " << step;
        }
    }
}

TEST_P(Invariance, ForksContinueLikeTheStraightRun) {
    LoadedModel model(test::tinyCheckpoint("tiny"), GetParam());
    const auto ids = tokens(model.config(), GetParam().emulated() ? 150 : 300);
    const auto straight = model.sequence();
    const std::vector<float> expected = model.logits(*straight, ids, 300);
    const auto tail = [&](std::size_t from) {
        return std::vector<float>(expected.begin() +
                                      static_cast<std::ptrdiff_t>(from * model.config().vocabSize),
                                  expected.end());
    };
    for (const std::size_t cut : {1, 3, 4, 126, 127, 128, 129, 131, 255, 256, 257}) {
        if (GetParam().slow() && cut != 129) {
            continue;
        }
        SCOPED_TRACE(cut);
        const auto lane = model.sequence();
        model.logits(*lane, std::span(ids).first(cut), 64);
        const auto branch = lane->fork();
        // The lane goes on with other tokens; the branch must not notice.
        model.logits(*lane, std::span(ids).first(60), 64);
        const std::size_t middle = (cut + ids.size()) / 2;
        model.logits(*branch, std::span(ids).subspan(cut, middle - cut), 17);
        const auto second = branch->fork(); // a branch of a branch
        model.logits(*branch, std::span(ids).first(30), 64);
        EXPECT_EQ(model.logits(*second, std::span(ids).subspan(middle), 33), tail(middle));
    }
}

TEST_P(Invariance, FrontiersContinueLikeTheStraightRun) {
    if (GetParam().emulated()) {
        GTEST_SKIP() << "takes a minute on the emulated GPU; a real one runs it";
    }
    LoadedModel model(test::tinyCheckpoint("tiny"), GetParam());
    const auto ids = tokens(model.config(), 400);
    const auto straight = model.sequence();
    const std::vector<float> expected = model.logits(*straight, ids, 400);
    const auto lane = model.sequence();
    std::vector<Frontier> frontiers;
    for (std::size_t t = 0; t < 384; t += 128) {
        model.logits(*lane, std::span(ids).subspan(t, 128), 128);
        frontiers.push_back(captureFrontier(model.ops, model.config(), *lane));
    }
    for (const Frontier& frontier : frontiers) {
        const auto branch = lane->forkAt(frontier.position);
        applyFrontier(model.ops, model.config(), frontier, *branch);
        const auto logits = model.logits(*branch, std::span(ids).subspan(frontier.position), 50);
        EXPECT_TRUE(std::equal(
            logits.begin(), logits.end(),
            expected.begin() +
                static_cast<std::ptrdiff_t>(frontier.position * model.config().vocabSize)))
            << "frontier at " << frontier.position;
    }
}

TEST_P(Invariance, ACancelledRunLeavesTheSequenceAsItWas) {
    if (GetParam().emulated()) {
        GTEST_SKIP() << "takes a minute on the emulated GPU; a real one runs it";
    }
    LoadedModel model(test::tinyCheckpoint("tiny"), GetParam(), 2, 16);
    const auto ids = tokens(model.config(), 300);
    const auto straight = model.sequence();
    const std::vector<float> expected = model.logits(*straight, ids, 300);
    const auto sequence = model.sequence();
    model.logits(*sequence, std::span(ids).first(130), 130);
    std::stop_source source;
    const Forward::Piece piece{sequence.get(), std::span(ids).subspan(130)};
    std::uint64_t told = 0;
    EXPECT_THROW(model.forward.run(
                     {&piece, 1}, {},
                     [&](std::uint64_t rows) {
                         told = rows;
                         if (rows > 60) {
                             source.request_stop();
                         }
                     },
                     source.get_token()),
                 Error);
    EXPECT_GT(told, 60u);
    EXPECT_EQ(sequence->position(), 130u);
    const auto logits = model.logits(*sequence, std::span(ids).subspan(130), 64);
    EXPECT_TRUE(
        std::equal(logits.begin(), logits.end(),
                   expected.begin() + static_cast<std::ptrdiff_t>(130 * model.config().vocabSize)));
}

TEST_P(Invariance, AHeldReadingGoesOnWithTheSameBits) {
    const bool few = GetParam().slow();
    LoadedModel model(test::tinyCheckpoint("tiny"), GetParam(), 2, few ? 16 : 48);
    const std::size_t read = few ? 150 : 300, whole = read + 20;
    const auto ids = tokens(model.config(), whole);
    const std::span<const std::int32_t> all = ids;
    const std::uint64_t bytes = frontierBytes(model.config());
    const auto straight = model.sequence(), other = model.sequence();
    const auto capture = model.ops.allocate(bytes, "frontiers");
    const auto frontier = [&] {
        std::vector<std::byte> state(bytes);
        model.ops.download(state.data(), capture->data(), bytes);
        model.ops.synchronise();
        return state;
    };
    const Forward::Capture at{128, capture->data()};
    const auto last = static_cast<std::uint32_t>(read - 1);
    const Forward::Piece first{straight.get(), all.first(read), {&at, 1}};
    const std::vector<float> logits = model.forward.run({&first, 1}, {&last, 1});
    const auto state = frontier();
    const std::vector<float> behind = model.logits(*straight, all.subspan(read), 20);
    model.logits(*other, all.first(30), 30);

    // Held at every look, at every seventh, at the 30th: other readings and answers between.
    for (const int every : {1, 7, 30}) {
        if ((GetParam().emulated() && every != 7) || (few && every == 1)) {
            continue;
        }
        SCOPED_TRACE(every);
        const auto sequence = model.sequence();
        const Forward::Piece piece{sequence.get(), all.first(read), {&at, 1}};
        const auto reading = model.forward.begin({&piece, 1}, {&last, 1});
        std::uint64_t done = 0;
        int holds = 0;
        for (std::optional<std::vector<float>> result; !result;) {
            int looks = 0;
            bool held = false;
            result = model.forward.resume(
                *reading,
                [&](std::uint64_t rows) {
                    EXPECT_GE(rows, done); // nothing twice
                    done = rows;
                },
                {}, [&] { return held = looks++ == every; });
            ASSERT_EQ(held, !result);
            if (held) {
                ASSERT_EQ(sequence->position(), 0u);
                if (++holds % (GetParam().emulated() ? 12 : 4) == 1) {
                    model.logits(*other->fork(), all.first(20), 20, Path::Reading);
                    model.logits(*other->fork(), all.first(2), 1, Path::Answering);
                }
            } else {
                EXPECT_EQ(*result, logits);
            }
        }
        // A GPU takes more rows between two looks.
        EXPECT_GE(holds, every == 30 && !model.ops.synchronous() ? 1 : 2);
        EXPECT_EQ(done, read);
        EXPECT_EQ(sequence->position(), read);
        EXPECT_EQ(frontier(), state);
        EXPECT_EQ(model.logits(*sequence, all.subspan(read), 20), behind);
    }
}

TEST_P(Invariance, AHeldReadingThatIsDroppedLeavesTheSequenceAsItWas) {
    if (GetParam().emulated()) {
        GTEST_SKIP() << "takes a minute on the emulated GPU; a real one runs it";
    }
    LoadedModel model(test::tinyCheckpoint("tiny"), GetParam(), 2, 16);
    const auto ids = tokens(model.config(), 300);
    const auto straight = model.sequence(), sequence = model.sequence();
    const std::vector<float> expected = model.logits(*straight, ids, 300);
    model.logits(*sequence, std::span(ids).first(130), 130);
    const Forward::Piece piece{sequence.get(), std::span(ids).subspan(130)};
    for (const int hold : {0, 5, 40}) {
        const auto reading = model.forward.begin({&piece, 1}, {});
        int looks = 0;
        EXPECT_FALSE(model.forward.resume(*reading, {}, {}, [&] { return looks++ == hold; }));
    }
    EXPECT_EQ(sequence->position(), 130u);
    const auto logits = model.logits(*sequence, std::span(ids).subspan(130), 64);
    EXPECT_TRUE(
        std::equal(logits.begin(), logits.end(),
                   expected.begin() + static_cast<std::ptrdiff_t>(130 * model.config().vocabSize)));
}

TEST_P(Invariance, AnsweringDoesNotDependOnTheBatch) {
    LoadedModel model(test::tinyCheckpoint("tiny"), GetParam());
    const auto ids = tokens(model.config(), 150);
    const std::size_t vocabulary = model.config().vocabSize;
    // One token at a time, alone.
    std::vector<std::vector<float>> expected;
    const auto alone = model.sequence();
    model.logits(*alone, std::span(ids).first(100), 100);
    const std::size_t steps = GetParam().emulated() ? 6 : 20;
    for (std::size_t t = 100; t < 100 + steps; ++t) {
        expected.push_back(model.logits(*alone, std::span(ids).subspan(t, 1), 1, Path::Answering));
    }
    // The same as branches of one lane, at different times and in batches of different sizes.
    const auto lane = model.sequence();
    model.logits(*lane, std::span(ids).first(100), 37);
    std::vector<std::unique_ptr<Sequence>> branches;
    std::vector<std::size_t> at;
    for (std::size_t step = 0; step < steps; ++step) {
        for (std::size_t more = 0; more < (step < 4 ? 5 : 0); ++more) { // 5, 10, 15, 20 branches
            branches.push_back(lane->fork());
            at.push_back(0);
        }
        std::vector<Forward::Piece> pieces;
        std::vector<std::uint32_t> rows;
        for (std::size_t i = 0; i < branches.size(); ++i) {
            pieces.push_back({branches[i].get(), std::span(ids).subspan(100 + at[i], 1)});
            rows.push_back(static_cast<std::uint32_t>(i));
        }
        const std::vector<float> logits = model.forward.run(pieces, rows, {}, {}, Path::Answering);
        for (std::size_t i = 0; i < branches.size(); ++i) {
            ASSERT_TRUE(
                std::equal(logits.begin() + static_cast<std::ptrdiff_t>(i * vocabulary),
                           logits.begin() + static_cast<std::ptrdiff_t>((i + 1) * vocabulary),
                           expected[at[i]].begin()))
                << "branch " << i << ", step " << step;
            ++at[i];
        }
    }
}

std::string backendOf(const testing::TestParamInfo<Backend>& tested) {
    return tested.param.name;
}
INSTANTIATE_TEST_SUITE_P(Backends, Invariance, testing::ValuesIn(backendsFor(&Backend::equality)),
                         backendOf);

} // namespace
} // namespace dossier::engine
