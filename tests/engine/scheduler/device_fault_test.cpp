// SPDX-License-Identifier: Apache-2.0
// Bad days of a GPU, on the emulated one: each ends in words and a usable engine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cuda_runtime.h>

#include "engine/engine.h"
#include "tests/engine/support/golden.h"

namespace dossier::engine {
namespace {

using testing::HasSubstr;

class GpuFaults : public testing::Test {
  protected:
    void SetUp() override { cuda_emulator::clearFaults(); }
    void TearDown() override { cuda_emulator::clearFaults(); }
    static LoadOptions tiny(Device device) {
        LoadOptions options;
        options.model = test::tinyCheckpoint("tiny");
        options.device = device;
        options.contextTokens = 4096;
        options.vramLeaveFree = 256 << 20;
        return options;
    }
    static Error errorOf(const std::function<void()>& work) {
        try {
            work();
        } catch (const Error& error) {
            return error;
        }
        return {ErrorCode::Internal, "no error"};
    }
    /// The CPU is taken and the device says why; asking for the GPU alone fails with the same.
    static void expectCpuBecause(const std::string& reason, ErrorCode code,
                                 const std::function<void()>& prepare) {
        const auto engine = makeInProcessEngine();
        prepare();
        engine->load(tiny(Device::Auto));
        EXPECT_EQ(engine->device().device, Device::Cpu);
        EXPECT_THAT(engine->device().whyNot, HasSubstr(reason));
        const LaneId lane = engine->openLane().id;
        const Token token = 5;
        EXPECT_EQ(engine->append(lane, {&token, 1}).tokens, 1u);

        cuda_emulator::clearFaults();
        prepare();
        const Error error = errorOf([&] { engine->load(tiny(Device::Cuda)); });
        EXPECT_EQ(error.code(), code);
        EXPECT_THAT(error.failed(), HasSubstr(reason));
        EXPECT_FALSE(error.remedy().empty());
        EXPECT_EQ(cuda_emulator::vramUsed(), 0u);

        cuda_emulator::clearFaults(); // what was wrong has gone
        engine->load(tiny(Device::Cuda));
        EXPECT_EQ(engine->device().device, Device::Cuda);
    }
};

TEST_F(GpuFaults, NoDriver) {
    expectCpuBecause("No NVIDIA driver is installed", ErrorCode::Unsupported, [] {
        cuda_emulator::setDriverVersion(0);
        cuda_emulator::inject({"cudaGetDeviceCount", cudaErrorInsufficientDriver});
    });
}

TEST_F(GpuFaults, DriverTooOld) {
    expectCpuBecause("too old: it supports CUDA 11.4", ErrorCode::Unsupported, [] {
        cuda_emulator::setDriverVersion(11040);
        cuda_emulator::inject({"cudaGetDeviceCount", cudaErrorInsufficientDriver});
    });
}

TEST_F(GpuFaults, GpuTooOld) {
    expectCpuBecause("compute capability 7.5", ErrorCode::Unsupported,
                     [] { cuda_emulator::setDevice(7, 5); });
}

TEST_F(GpuFaults, GpuTooSmall) {
    expectCpuBecause("too little memory", ErrorCode::Unsupported,
                     [] { cuda_emulator::setMemory(std::size_t{1} << 30, std::size_t{4} << 30); });
}

TEST_F(GpuFaults, MemoryTakenByOthersBeforePlanning) {
    expectCpuBecause("Does not fit", ErrorCode::OutOfMemory,
                     [] { cuda_emulator::setForeignVram(std::size_t{3900} << 20); });
}

TEST_F(GpuFaults, MemoryTakenByOthersBetweenPlanAndAllocation) {
    expectCpuBecause("refused", ErrorCode::OutOfMemory, [] {
        cuda_emulator::inject({"cudaMalloc", cudaErrorMemoryAllocation, 3});
    });
}

TEST_F(GpuFaults, PinnedMemoryRefused) {
    expectCpuBecause("pinned memory", ErrorCode::OutOfMemory, [] {
        cuda_emulator::inject({"cudaHostAlloc", cudaErrorMemoryAllocation, 1});
    });
}

TEST_F(GpuFaults, ALostGpuIsSaidAndEndsTheProcess) {
    const auto engine = makeInProcessEngine();
    engine->load(tiny(Device::Cuda));
    const LaneId lane = engine->openLane().id;
    const std::vector<Token> tokens{5, 6, 7};
    engine->append(lane, tokens);
    cuda_emulator::inject({"cudaMemcpyAsync", cudaErrorIllegalAddress, 2, true});
    const Error error = errorOf([&] { engine->append(lane, tokens); });
    EXPECT_EQ(error.code(), ErrorCode::ProcessDied);
    EXPECT_THAT(error.failed(), HasSubstr("The GPU stopped working"));
    EXPECT_THAT(error.remedy(), HasSubstr("Start the engine again"));
    cuda_emulator::clearFaults();
}

} // namespace
} // namespace dossier::engine
