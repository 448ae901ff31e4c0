// SPDX-License-Identifier: Apache-2.0
// Experts in a file of their own.
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/base/aligned_buffer.h"
#include "engine/base/error.h"
#include "engine/experts/direct_experts.h"
#include "engine/experts/direct_read.h"
#include "engine/experts/expert_file.h"
#include "tests/engine/support/golden.h"

namespace dossier::engine {
namespace {

constexpr std::uint64_t kBlock = 3 * 4096 * 257; // three requests and a part

class Counting final : public ExpertSource {
  public:
    void read(std::uint32_t layer, std::uint32_t expert, std::byte* block) const override {
        for (std::uint64_t i = 0; i < kBlock; ++i) {
            block[i] = static_cast<std::byte>(i * 31 + i / 4096 + layer * 7 + expert * 13);
        }
    }
};

ExpertLayout layoutOf(std::uint64_t bytes) {
    ExpertLayout layout;
    layout.bytes = bytes;
    return layout;
}

TEST(ExpertFile, GivesBackWhatItWasGiven) {
    ThreadPool workers(2);
    const auto path = test::temporaryFolder("expert_file") / "experts";
    const std::vector<ExpertFile::Key> keys{{1, 2}, {0, 3}, {1, 0}};
    {
        const auto file = ExpertFile::write(path, std::make_shared<Counting>(), layoutOf(kBlock), 2,
                                            4, keys, workers);
        MemoryLedger ledger;
        AlignedBuffer block(ledger, "staging", kBlock + 4096, AlignedBuffer::Fill::Zero,
                            AlignedBuffer::HugePages::Yes);
        std::vector<std::byte> want(kBlock);
        for (std::uint32_t layer = 0; layer < 2; ++layer) {
            for (std::uint32_t expert = 0; expert < 4; ++expert) { // in the file or not
                Counting().read(layer, expert, want.data());
                for (const std::uint64_t shift : {0, 64}) { // aligned or not
                    file->read(layer, expert, block.data() + shift);
                    EXPECT_EQ(std::memcmp(block.data() + shift, want.data(), kBlock), 0);
                }
            }
        }
        EXPECT_TRUE(std::filesystem::exists(path));
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ExpertFile, AFileCutShortIsNoticed) {
    const auto path = test::temporaryFolder("expert_file_short") / "experts";
    const int fd = open(path.c_str(), O_RDWR | O_CREAT, 0600);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(ftruncate(fd, 100'000), 0);
    std::vector<std::byte> to(200'000);
    readAll(fd, to.data(), 100'000, 0, path);
    try {
        readAll(fd, to.data(), 200'000, 0, path);
        ADD_FAILURE() << "read what is not there";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Corrupt);
        EXPECT_THAT(error.failed(), testing::HasSubstr("shorter"));
    }
    close(fd);
    EXPECT_THROW(readAll(fd, to.data(), 4096, 0, path), Error); // closed
}

TEST(DirectExperts, TheSameBytesAsFromTheMapping) {
    for (const char* name : {"tiny", "tiny-fp8"}) {
        SCOPED_TRACE(name);
        Checkpoint checkpoint = Checkpoint::open(test::tinyCheckpoint(name));
        MemoryLedger ledger;
        const ModelWeights weights = checkpoint.weights(ledger);
        const ModelConfig& config = checkpoint.config();
        std::uint32_t checked = 0;
        const DirectExperts direct(checkpoint, weights,
                                   [&](std::uint32_t, std::uint32_t) { ++checked; });
        const ExpertLayout layout = expertLayout(config);
        std::vector<std::byte> block(layout.bytes);
        for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
            for (std::uint32_t e = 0; e < config.routedExperts; ++e) {
                direct.read(layer, e, block.data());
                const ExpertWeights& want = weights.layers[layer].ffn.experts[e];
                const ScaledMatrix* matrices[3] = {&want.w1, &want.w3, &want.w2};
                for (std::size_t i = 0; i < 3; ++i) {
                    EXPECT_EQ(std::memcmp(block.data() + layout.values[i], matrices[i]->weight.data,
                                          layout.valueBytes),
                              0);
                    EXPECT_EQ(std::memcmp(block.data() + layout.scales[i], matrices[i]->scale.data,
                                          layout.scaleBytes[i]),
                              0);
                }
            }
        }
        EXPECT_EQ(checked, config.layers * config.routedExperts);
    }
}

TEST(ExpertFile, AFolderThatIsNotThere) {
    ThreadPool workers(1);
    EXPECT_THROW(ExpertFile::write("/nowhere/experts", std::make_shared<Counting>(),
                                   layoutOf(kBlock), 1, 1, std::vector<ExpertFile::Key>{{0, 0}},
                                   workers),
                 Error);
}

} // namespace
} // namespace dossier::engine
