// SPDX-License-Identifier: Apache-2.0
// Arrays on the device for kernel tests, and comparisons with the plain CPU functions.
#pragma once

#include <cmath>
#include <random>
#include <vector>

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include "engine/kernels/cuda/cuda_error.h"
#include "engine/kernels/cuda/launch.h"
#include "engine/model/formats.h"

namespace dossier::engine::cuda {

template<class T>
class DeviceArray {
  public:
    DeviceArray() = default;
    explicit DeviceArray(std::size_t count) : m_count(count) {
        check(cudaMalloc(&m_data, std::max<std::size_t>(count, 1) * sizeof(T)), "allocate");
        check(cudaMemset(m_data, 0xff, count * sizeof(T)), "poison"); // NaN until written
    }
    explicit DeviceArray(const std::vector<T>& host) : DeviceArray(host.size()) {
        check(cudaMemcpy(m_data, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice),
              "copy to the device");
    }
    DeviceArray(DeviceArray&& other) noexcept
        : m_data(std::exchange(other.m_data, nullptr)), m_count(other.m_count) {}
    DeviceArray& operator=(DeviceArray&& other) noexcept {
        std::swap(m_data, other.m_data);
        std::swap(m_count, other.m_count);
        return *this;
    }
    ~DeviceArray() { cudaFree(m_data); }

    T* get() const { return m_data; }
    std::size_t size() const { return m_count; }
    std::vector<T> host() const {
        std::vector<T> values(m_count);
        check(cudaDeviceSynchronize(), "wait for the device");
        check(cudaMemcpy(values.data(), m_data, m_count * sizeof(T), cudaMemcpyDeviceToHost),
              "copy from the device");
        return values;
    }

  private:
    T* m_data = nullptr;
    std::size_t m_count = 0;
};

/// Skips the test when there is no GPU; inside, a queue to launch on.
class CudaKernels : public testing::Test {
  protected:
    void SetUp() override {
        int count = 0;
        const cudaError_t status = cudaGetDeviceCount(&count);
        if (status != cudaSuccess || count == 0) {
            GTEST_SKIP() << "needs an NVIDIA GPU: " << cudaGetErrorString(status);
        }
        cudaDeviceProp properties{};
        check(cudaGetDeviceProperties(&properties, 0), "look at the device");
        m_queue.sharedLimit = properties.sharedMemPerBlockOptin;
        check(cudaStreamCreateWithFlags(&m_queue.stream, cudaStreamNonBlocking), "make a stream");
    }
    void TearDown() override {
        if (m_queue.stream) {
            check(cudaStreamSynchronize(m_queue.stream), "finish");
            cudaStreamDestroy(m_queue.stream);
        }
    }

    std::mt19937 m_random{7};
    Queue m_queue;

    float normal(float deviation = 1) {
        return std::normal_distribution<float>(0, deviation)(m_random);
    }
    std::vector<Bf16> bf16s(std::size_t count, float deviation = 1) {
        std::vector<Bf16> values(count);
        for (Bf16& v : values) {
            v = floatToBf16(normal(deviation));
        }
        return values;
    }
    std::vector<float> floats(std::size_t count, float deviation = 1) {
        std::vector<float> values(count);
        for (float& v : values) {
            v = normal(deviation);
        }
        return values;
    }
    /// Finite e4m3 codes.
    std::vector<std::uint8_t> codes(std::size_t count) {
        std::vector<std::uint8_t> values(count);
        for (std::uint8_t& v : values) {
            do {
                v = static_cast<std::uint8_t>(m_random());
            } while ((v & 0x7f) == 0x7f);
        }
        return values;
    }
    std::vector<std::uint8_t> anyBytes(std::size_t count) {
        std::vector<std::uint8_t> values(count);
        for (std::uint8_t& v : values) {
            v = static_cast<std::uint8_t>(m_random());
        }
        return values;
    }
    /// e8m0 bytes around 2^(middle-127).
    std::vector<std::uint8_t> scaleBytes(std::size_t count, int middle, int spread = 4) {
        std::vector<std::uint8_t> values(count);
        for (std::uint8_t& v : values) {
            v = static_cast<std::uint8_t>(
                middle + static_cast<int>(m_random() % static_cast<unsigned>(2 * spread + 1)) -
                spread);
        }
        return values;
    }
    std::vector<float> scaleFloats(std::size_t count, int middle, int spread = 4) {
        std::vector<float> values;
        for (const std::uint8_t b : scaleBytes(count, middle, spread)) {
            values.push_back(e8m0ToFloat(b));
        }
        return values;
    }
};

/// bf16 values: neighbours at most, and nearly all equal. `scale` = magnitude that cancellation may
/// have left an absolute error against: |got - want| <= scale * 2^-20 is accepted as well.
inline void expectNear(const std::vector<Bf16>& got, const std::vector<Bf16>& want,
                       double equalShare = 0.99, double scale = 0) {
    ASSERT_EQ(got.size(), want.size());
    std::size_t equal = 0, shown = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        equal += got[i] == want[i];
        const double a = static_cast<double>(bf16ToFloat(got[i]));
        const double b = static_cast<double>(bf16ToFloat(want[i]));
        const bool neighbours =
            std::abs(a - b) <= std::max(std::abs(b) * 0x1.02p-7, scale * 0x1p-20) &&
            std::isfinite(a);
        if (!neighbours && ++shown < 5) {
            ADD_FAILURE() << "element " << i << ": " << a << " instead of " << b;
        }
    }
    EXPECT_GE(static_cast<double>(equal), equalShare * static_cast<double>(got.size()) - 1);
}

inline void expectNear(const std::vector<float>& got, const std::vector<float>& want,
                       double relative, double absolute = 0) {
    ASSERT_EQ(got.size(), want.size());
    std::size_t shown = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double a = static_cast<double>(got[i]), b = static_cast<double>(want[i]);
        if (!(std::abs(a - b) <= relative * std::abs(b) + absolute) && ++shown < 5) {
            ADD_FAILURE() << "element " << i << ": " << a << " instead of " << b;
        }
    }
}

} // namespace dossier::engine::cuda
