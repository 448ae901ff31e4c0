// SPDX-License-Identifier: Apache-2.0
// Bad days of the GPU, on the emulated one: whatever is refused or breaks ends in an Error that
// says what to do, and the engine either goes on or says that its process has to be started again.
#include <atomic>
#include <chrono>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/kernels/cpu/kernels.h"
#include "tests/engine/cuda_emulator/include/cuda_runtime.h"
#include "tests/engine/experts/tier_model.h"

namespace dossier::engine {
namespace {

using testing::HasSubstr;

class GpuFaults : public testing::Test {
  protected:
    void SetUp() override { cuda_emulator::clearFaults(); }
    void TearDown() override { cuda_emulator::clearFaults(); }
};

/// Runs `work`; the code of the Error that it throws, absent when it does not.
template<class Work>
std::optional<ErrorCode> codeOf(Work work, std::string* text = nullptr) {
    try {
        work();
        return std::nullopt;
    } catch (const Error& error) {
        if (text) {
            *text = error.failed() + " / " + error.remedy();
        }
        return error.code();
    }
}

/// Experts of a checkpoint, one of which cannot be read for a while.
class FragileExperts final : public ExpertSource {
  public:
    FragileExperts(const ModelConfig& config, Checkpoint& checkpoint, MemoryLedger& ledger)
        : m_experts(expertLayout(config), config.layers) {
        const ModelWeights weights = checkpoint.weights(ledger);
        for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
            std::vector<ExpertParameters> all;
            for (const ExpertWeights& e : weights.layers[layer].ffn.experts) {
                const auto fp4 = [](const ScaledMatrix& m) {
                    return Fp4Weight{m.weight.codes().data(), m.scale.codes().data(), m.out, m.in};
                };
                ExpertParameters p;
                p.w1 = fp4(e.w1);
                p.w2 = fp4(e.w2);
                p.w3 = fp4(e.w3);
                all.push_back(p);
            }
            m_experts.set(layer, all);
        }
    }
    void read(std::uint32_t layer, std::uint32_t expert, std::byte* block) const override {
        if (broken && layer == 3) {
            throw Error(ErrorCode::Io, "The disk refused to read expert " + std::to_string(expert),
                        "Check the disk");
        }
        m_experts.read(layer, expert, block);
    }
    std::atomic<bool> broken{false};

  private:
    MappedExperts m_experts;
};

TEST_F(GpuFaults, AnExpertThatCannotBeReadFailsTheStepAndNothingElse) {
    for (const bool copyEngine : {true, false}) {
        SCOPED_TRACE(copyEngine);
        TierModel model("tiny", true, copyEngine);
        Checkpoint again = Checkpoint::open(test::tinyCheckpoint("tiny"));
        MemoryLedger other;
        const auto source = std::make_shared<FragileExperts>(model.config(), again, other);
        cudaControl(*model.ops)->setExpertSource(source);
        model.load({model.ring() + 2, 0}); // nearly all on disk
        const std::vector<float> expected = model.run(20, 2);
        // While reading.
        source->broken = true;
        std::string text;
        EXPECT_EQ(codeOf([&] { model.run(20, 2); }, &text), ErrorCode::Io);
        EXPECT_THAT(text, HasSubstr("refused to read expert"));
        source->broken = false;
        EXPECT_EQ(model.run(20, 2), expected);
        // While answering: other tokens, so that nothing of layer 3 is in a buffer.
        const auto ids = someTokens(model.config(), 64);
        Sequence lane(*model.ops, model.config(), 4096);
        const Forward::Piece read{&lane, std::span(ids).first(20)};
        model.forward->run({&read, 1}, {});
        source->broken = true;
        const auto branch = lane.fork();
        const auto step = [&](std::size_t i) {
            const Forward::Piece piece{branch.get(), std::span(ids).subspan(20 + i, 1)};
            const std::uint32_t row = 0;
            return model.forward->run({&piece, 1}, {&row, 1}, {}, {}, Path::Answering);
        };
        std::optional<ErrorCode> code;
        std::size_t i = 0;
        for (; i < 20 && !code; ++i) {
            code = codeOf([&] { step(i); });
        }
        EXPECT_EQ(code, ErrorCode::Io);
        const std::uint64_t position = branch->position();
        EXPECT_EQ(position, 20 + i - 1); // the failed token is not part of the branch
        source->broken = false;
        const std::vector<float> repeated = step(i - 1);
        // The same token on a branch that met no fault.
        const auto straight = lane.fork();
        std::vector<float> logits;
        for (std::size_t k = 0; k < i; ++k) {
            const Forward::Piece piece{straight.get(), std::span(ids).subspan(20 + k, 1)};
            const std::uint32_t row = 0;
            logits = model.forward->run({&piece, 1}, {&row, 1}, {}, {}, Path::Answering);
        }
        EXPECT_EQ(repeated, logits);
    }
}

std::atomic<bool> g_cpuBroken{false}, g_cpuStuck{false};

/// The processor computes all experts that are not in GPU memory, with kernels that can be broken.
CpuExpertsOptions fragileCpuExperts() {
    static const CpuKernels kKernels = [] {
        CpuKernels kernels = plainKernels();
        kernels.linearFp4 = [](const Operand& x, LinearRange range, const Fp4Weight& w, Bf16* y,
                               std::size_t stride) {
            if (g_cpuBroken) {
                throw Error(ErrorCode::Corrupt, "The processor found a damaged expert");
            }
            while (g_cpuStuck) {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
            plainKernels().linearFp4(x, range, w, y, stride);
        };
        return kernels;
    }();
    CpuExpertsOptions options;
    options.mode = CpuExpertsOptions::Mode::On;
    options.share = 1;
    options.threads = 1;
    options.kernels = &kKernels;
    return options;
}

TEST_F(GpuFaults, AProcessorThatThrowsFailsTheStepAndNothingElse) {
    TierModel model("tiny");
    cudaControl(*model.ops)->setCpuExperts(fragileCpuExperts());
    model.load({model.ring() + 2, {}});
    const std::vector<float> expected = model.run(20, 2);
    EXPECT_GT(cudaControl(*model.ops)->experts().cpu.experts, 0U);
    g_cpuBroken = true;
    std::string text;
    const auto code = codeOf([&] { model.run(20, 2); }, &text);
    g_cpuBroken = false;
    EXPECT_EQ(code, ErrorCode::Corrupt);
    EXPECT_THAT(text, HasSubstr("damaged expert"));
    EXPECT_EQ(model.run(20, 2), expected);
}

TEST_F(GpuFaults, AProcessorThatIsStuckEndsTheStepAndSaysToStartAgain) {
    TierModel model("tiny");
    CpuExpertsOptions options = fragileCpuExperts();
    options.limit = std::chrono::milliseconds(2000); // also of the builders' other work
    cudaControl(*model.ops)->setCpuExperts(options);
    model.load({model.ring() + 2, {}});
    model.run(20, 1);
    g_cpuStuck = true;
    std::string text;
    const auto code = codeOf([&] { model.run(20, 1); }, &text);
    g_cpuStuck = false;
    EXPECT_EQ(code, ErrorCode::ProcessDied);
    EXPECT_THAT(text, HasSubstr("Start the engine again"));
    // What is left behind is not used again, and neither is it waited for.
    const std::uint64_t before = cudaControl(*model.ops)->experts().cpu.experts;
    EXPECT_FALSE(model.run(20, 2).empty());
    EXPECT_EQ(cudaControl(*model.ops)->experts().cpu.experts, before);
}

TEST_F(GpuFaults, MemoryTakenBySomebodyElseBetweenPlanAndAllocation) {
    TierModel model("tiny");
    cuda_emulator::setForeignVram((std::size_t{4} << 30) - cuda_emulator::vramUsed() - (64 << 10));
    std::string text;
    EXPECT_EQ(codeOf([&] { model.load({model.ring() + 8, {}}); }, &text), ErrorCode::OutOfMemory);
    EXPECT_THAT(text, HasSubstr("GPU"));
    EXPECT_THAT(text, HasSubstr("Close other programs"));
    const std::uint64_t pinned = cuda_emulator::pinnedUsed();
    EXPECT_EQ(model.ledger.total(MemoryPlace::Pinned), pinned) << "ledger and driver agree";
    cuda_emulator::setForeignVram(0);
    model.load({model.ring() + 8, {}});
    EXPECT_FALSE(model.run(5, 1).empty());
}

TEST_F(GpuFaults, PinnedMemoryRefused) {
    TierModel model("tiny");
    cuda_emulator::inject({"cudaHostRegister", cudaErrorMemoryAllocation});
    std::string text;
    EXPECT_EQ(codeOf([&] { model.load({model.ring() + 8, {}}); }, &text), ErrorCode::OutOfMemory);
    EXPECT_THAT(text, HasSubstr("smaller memory budget"));
    EXPECT_EQ(model.ledger.total(MemoryPlace::Pinned), cuda_emulator::pinnedUsed());
    model.load({model.ring() + 8, {}});
    EXPECT_FALSE(model.run(5, 1).empty());
}

TEST_F(GpuFaults, OutOfMemoryAtAnyStepIsAnAnswer) {
    // Every allocation of a model's life in turn; none may do worse than refuse.
    std::size_t refused = 0;
    for (int n = 0; n < 400; ++n) {
        std::optional<ErrorCode> code;
        {
            cuda_emulator::inject({"cudaMalloc", cudaErrorMemoryAllocation, n});
            code = codeOf([&] {
                TierModel model("tiny");
                model.load({model.ring() + 8, 5});
                const auto ids = someTokens(model.config(), 4);
                Sequence lane(*model.ops, model.config(), 64);
                const Forward::Piece piece{&lane, std::span(ids).first(2)};
                model.forward->run({&piece, 1}, {});
                const Forward::Piece one{&lane, std::span(ids).subspan(2, 1)};
                const std::uint32_t row = 0;
                model.forward->run({&one, 1}, {&row, 1}, {}, {}, Path::Answering);
            });
            cuda_emulator::clearFaults();
        }
        EXPECT_EQ(cuda_emulator::vramUsed(), 0U) << "after allocation " << n;
        EXPECT_EQ(cuda_emulator::pinnedUsed(), 0U) << "after allocation " << n;
        if (!code) {
            break; // there were fewer allocations
        }
        EXPECT_EQ(code, ErrorCode::OutOfMemory);
        ++refused;
        n += n > 60 ? 6 : 0; // the later ones are scratch, all alike
    }
    EXPECT_GT(refused, 20U);
}

TEST_F(GpuFaults, ALostContextSaysThatTheProcessHasToStartAgain) {
    for (const char* call :
         {"launch", "cudaMemcpyAsync", "cudaStreamSynchronize", "cudaGraphLaunch"}) {
        SCOPED_TRACE(call);
        cuda_emulator::clearFaults(); // another process
        TierModel model("tiny");
        model.load({model.ring() + 8, 5});
        model.run(8, 2);
        cuda_emulator::inject({call, cudaErrorIllegalAddress, 3, true});
        std::string text;
        EXPECT_EQ(codeOf([&] { model.run(8, 8); }, &text), ErrorCode::ProcessDied);
        EXPECT_THAT(text, HasSubstr("Start the engine again"));
        EXPECT_EQ(codeOf([&] { model.run(8, 1); }), ErrorCode::ProcessDied) << "and stays so";
        // Going away must neither hang nor throw.
    }
}

TEST_F(GpuFaults, ASecondEngineOnTheSameGpuIsTold) {
    const ModelConfig config = Checkpoint::open(test::tinyCheckpoint("tiny")).config();
    MemoryLedger ledger;
    const CudaOptions options;
    const auto first = makeCudaOperations(config, probeCuda(), options, ledger);
    std::string text;
    EXPECT_EQ(codeOf([&] { makeCudaOperations(config, probeCuda(), options, ledger); }, &text),
              ErrorCode::Busy);
    EXPECT_THAT(text, HasSubstr("another Dossier engine"));
}

TEST_F(GpuFaults, NoUsableDriverOrGpuIsSaid) {
    cuda_emulator::inject({"cudaGetDeviceCount", cudaErrorNoDevice});
    EXPECT_FALSE(probeCuda().usable);
    cuda_emulator::inject({"cudaGetDeviceCount", cudaErrorInsufficientDriver});
    cuda_emulator::setDriverVersion(12000);
    const CudaProbe old = probeCuda();
    EXPECT_FALSE(old.usable);
    EXPECT_THAT(old.whyNot, HasSubstr("driver"));
    cuda_emulator::clearFaults();
    cuda_emulator::setDevice(7, 5);
    EXPECT_THAT(probeCuda().whyNot, HasSubstr("too old"));
    cuda_emulator::setDevice(9, 0);
    cuda_emulator::setMemory(std::size_t{1} << 30, std::size_t{1} << 30);
    EXPECT_THAT(probeCuda().whyNot, HasSubstr("too little memory"));
}

} // namespace
} // namespace dossier::engine
