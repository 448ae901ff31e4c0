// SPDX-License-Identifier: Apache-2.0
#include "engine/model/synthetic.h"

#include <cmath>
#include <cstring>
#include <numeric>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/model/checkpoint.h"
#include "engine/model/formats.h"
#include "tests/engine/support/configs.h"
#include "tests/engine/support/golden.h"

namespace dossier::engine {
namespace {

/// deviation of the values of a matrix after dequantisation
double deviationOf(const ScaledMatrix& m) {
    std::vector<float> row(m.in);
    double squares = 0;
    for (std::uint32_t r = 0; r < m.out; ++r) {
        const auto codes = m.weight.codes().subspan(r * m.weight.cols(), m.weight.cols());
        const auto scales = m.scale.codes();
        if (m.fp4) {
            dequantiseE2m1Row(codes, scales.subspan(r * m.scale.cols(), m.scale.cols()), row);
        } else {
            dequantiseE4m3Row(codes, scales.subspan(r / 128 * m.scale.cols(), m.scale.cols()), row);
        }
        for (const float value : row) {
            squares += static_cast<double>(value) * value;
        }
    }
    return std::sqrt(squares / (static_cast<double>(m.out) * m.in));
}

} // namespace

TEST(SyntheticCheckpoint, EqualsTheReferenceToolByteForByte) {
    std::istringstream sums(test::readText(*test::goldenPath("SHA256SUMS")));
    std::string sum, name;
    int compared = 0;
    while (sums >> sum >> name) {
        const std::size_t at = name.find("/checkpoint/");
        if (at == std::string::npos) {
            continue;
        }
        const auto folder = test::tinyCheckpoint(name.substr(0, at));
        EXPECT_EQ(Sha256::hexOfFile(folder / name.substr(at + 12)), sum) << name;
        ++compared;
    }
    EXPECT_EQ(compared, 21);
}

TEST(SyntheticCheckpoint, SeedAndShardSizeDoWhatTheySay) {
    const std::string config = test::readText(*test::goldenPath("tiny/config.json"));
    const auto folder = test::temporaryFolder("one-shard");
    const std::uint64_t bytes =
        writeSyntheticCheckpoint(config, folder, {.seed = 2, .shardBytes = 1U << 30});
    const Checkpoint one = Checkpoint::open(folder);
    EXPECT_EQ(one.shards().size(), 1U);
    EXPECT_LT(one.info().tensorBytes, bytes); // the draft block is not part of the trunk
    EXPECT_NE(one.info().fingerprint,
              Checkpoint::open(test::tinyCheckpoint("tiny")).info().fingerprint);
}

TEST(SyntheticCheckpoint, UnwritableFolderIsAnError) {
    const std::string config = test::readText(*test::goldenPath("tiny/config.json"));
    EXPECT_THROW(writeSyntheticCheckpoint(config, "/proc/no/such/place"), Error);
    EXPECT_THROW(writeSyntheticCheckpoint("{}", test::temporaryFolder("x")), Error);
}

TEST(SyntheticModel, AnyPartIsTheSameAsThatPartOfTheWhole) {
    const SyntheticModel model(test::tinyConfig("tiny"), 7);
    for (std::size_t t = 0; t < model.tensors().size(); t += 5) {
        const TensorSpec& spec = model.tensors()[t];
        std::vector<std::byte> whole(spec.bytes());
        model.fill(t, 0, whole);
        for (const std::uint64_t begin :
             {0UL, 1UL, 7UL, 8UL, 13UL, spec.bytes() / 2, spec.bytes()}) {
            for (const std::uint64_t length : {0UL, 1UL, 3UL, 8UL, 21UL, 1000UL}) {
                if (begin + length > spec.bytes()) {
                    continue;
                }
                std::vector<std::byte> part(length);
                model.fill(t, begin, part);
                ASSERT_TRUE(std::equal(part.begin(), part.end(),
                                       whole.begin() + static_cast<std::ptrdiff_t>(begin)))
                    << spec.name << " " << begin << " " << length;
            }
        }
    }
}

TEST(SyntheticModel, ThreadsAndSeedsDecideNothingAndEverything) {
    const ModelConfig config = test::tinyConfig("tiny-fp8");
    MemoryLedger ledger;
    ThreadPool one(1), four(4);
    const SyntheticModel model(config, 1), other(config, 2);
    const SyntheticWeights a(model, ledger, one), b(model, ledger, four), c(other, ledger, four);
    const auto same = [](const TensorView& x, const TensorView& y) {
        return x.bytes == y.bytes && std::memcmp(x.data, y.data, x.bytes) == 0;
    };
    EXPECT_TRUE(same(a.weights().embed, b.weights().embed));
    EXPECT_FALSE(same(a.weights().embed, c.weights().embed));
    const auto& ea = a.weights().layers[2].ffn.experts;
    EXPECT_TRUE(same(ea[3].w2.weight, b.weights().layers[2].ffn.experts[3].w2.weight));
    EXPECT_FALSE(same(ea[3].w1.weight, ea[2].w1.weight));
    EXPECT_GT(ledger.total(MemoryPlace::Ram), 0U);
}

TEST(SyntheticModel, ValuesAreNumbersOfAPlausibleSize) {
    for (const char* name : {"tiny", "tiny-fp8"}) {
        SCOPED_TRACE(name);
        MemoryLedger ledger;
        ThreadPool pool(2);
        const SyntheticModel model(test::tinyConfig(name), 3);
        const SyntheticWeights synthetic(model, ledger, pool);
        const LayerWeights& layer = synthetic.weights().layers.back();
        for (const ScaledMatrix* m : {&layer.attn.wqA, &layer.attn.woB, &layer.ffn.experts[1].w1,
                                      &layer.ffn.experts[0].w2, &layer.ffn.shared.w3}) {
            // A matrix of one scale block may have half or twice of it.
            const double wanted = 1 / std::sqrt(m->in);
            EXPECT_GT(deviationOf(*m), wanted / 3) << m->weight.name;
            EXPECT_LT(deviationOf(*m), wanted * 3) << m->weight.name;
        }
        for (const TensorSpec& spec : model.tensors()) {
            SCOPED_TRACE(spec.name);
            std::vector<std::byte> data(spec.bytes());
            model.fill(static_cast<std::size_t>(&spec - model.tensors().data()), 0, data);
            if (spec.dtype == DType::F8E8M0) {
                const auto scales = std::set<std::byte>(data.begin(), data.end());
                EXPECT_LE(scales.size(), 3U);
                EXPECT_EQ(scales.count(std::byte{255}), 0U);
            } else if (spec.dtype == DType::F8E4M3) {
                for (const std::byte code : data) {
                    ASSERT_LT(std::fabs(e4m3ToFloat(std::to_integer<std::uint8_t>(code))), 2.0F);
                }
            }
        }
        const auto table = synthetic.weights().layers[0].ffn.tid2eid->i64();
        const std::size_t top = model.config().expertsPerToken;
        for (std::size_t token = 0; token < model.config().vocabSize; ++token) {
            const auto row = table.subspan(token * top, top);
            EXPECT_EQ(std::set<std::int64_t>(row.begin(), row.end()).size(), top);
            for (const std::int64_t expert : row) {
                ASSERT_TRUE(expert >= 0 && expert < model.config().routedExperts);
            }
        }
    }
}

TEST(SyntheticModel, FullSizeTensorsAreReachedWithoutFillingThem) {
    const SyntheticModel flash(test::flashConfig(), 1);
    std::uint64_t bytes = 0;
    for (const TensorSpec& spec : flash.tensors()) {
        bytes += spec.bytes();
    }
    EXPECT_EQ(bytes, 156'015'698'140U); // the published trunk
    std::vector<std::byte> part(64), again(64);
    const std::size_t last = flash.tensors().size() - 1;
    flash.fill(last / 2, 1000, part);
    flash.fill(last / 2, 1000, again);
    EXPECT_EQ(part, again);
}

TEST(SyntheticModel, StopsWhenAsked) {
    const SyntheticModel model(test::tinyConfig("tiny"), 7);
    std::vector<std::byte> data(model.tensors()[0].bytes());
    const SyntheticModel::Target target{0, data.data()};
    ThreadPool pool(2);
    std::stop_source stop;
    EXPECT_TRUE(model.fillAll(pool, {&target, 1}, stop.get_token()));
    stop.request_stop();
    EXPECT_FALSE(model.fillAll(pool, {&target, 1}, stop.get_token()));
}

TEST(FirstLayers, KeepsTheShapeOfWhatRemains) {
    const ModelConfig cut = firstLayers(test::flashConfig(), 10);
    EXPECT_EQ(cut.layers, 10U);
    EXPECT_EQ(cut.compressRatios.size(), 10U);
    EXPECT_EQ(cut.hashLayers, 3U);
    EXPECT_EQ(firstLayers(test::flashConfig(), 2).hashLayers, 2U);
    EXPECT_EQ(firstLayers(test::flashConfig(), 500).layers, 43U);
}

} // namespace dossier::engine
