// SPDX-License-Identifier: Apache-2.0
#include "engine/host/bench/bench_rates.h"

#include <algorithm>

#include "engine/experts/fetch_kernels.h"
#include "engine/kernels/cuda/cuda_error.h"
#include "engine/kernels/cuda/launch.h"

namespace dossier::engine::bench {
namespace {

constexpr int kRuns = 7;

__global__ void sumKernel(const uint4* data, std::size_t count, unsigned* result) {
    unsigned sum = 0;
    const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
    std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    for (; i + 3 * step < count; i += 4 * step) {
        const uint4 a = data[i], b = data[i + step], c = data[i + 2 * step], d = data[i + 3 * step];
        sum += a.x ^ a.y ^ a.z ^ a.w ^ b.x ^ b.y ^ b.z ^ b.w ^ c.x ^ c.y ^ c.z ^ c.w ^ d.x ^ d.y ^
               d.z ^ d.w;
    }
    for (; i < count; i += step) {
        sum += data[i].x;
    }
    if (sum == 0x12345678u) { // keeps the loads
        *result = sum;
    }
}

__global__ void noiseKernel(unsigned* data, std::size_t count) {
    const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
    for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
        unsigned v = static_cast<unsigned>(i) * 2654435761u;
        v ^= v >> 15;
        data[i] = v * 2246822519u;
    }
}

/// Median seconds of `work`.
template<class Work>
double medianSeconds(cudaStream_t stream, Work work) {
    cudaEvent_t begin, end;
    cuda::check(cudaEventCreate(&begin), "create an event");
    cuda::check(cudaEventCreate(&end), "create an event");
    std::vector<float> times;
    for (int run = 0; run <= kRuns; ++run) {
        cuda::check(cudaEventRecord(begin, stream), "record");
        work();
        cuda::check(cudaEventRecord(end, stream), "record");
        cuda::check(cudaEventSynchronize(end), "measure");
        float milliseconds = 0;
        cuda::check(cudaEventElapsedTime(&milliseconds, begin, end), "read a clock");
        if (run > 0) { // the first one warms up
            times.push_back(milliseconds);
        }
    }
    cudaEventDestroy(begin);
    cudaEventDestroy(end);
    std::nth_element(times.begin(), times.begin() + kRuns / 2, times.end());
    return static_cast<double>(times[kRuns / 2]) / 1e3;
}

} // namespace

double hbmReadRate(std::uint64_t bytes) {
    void* data = nullptr;
    cuda::check(cudaMalloc(&data, bytes), "reserve GPU memory");
    cudaDeviceProp p{};
    cuda::check(cudaGetDeviceProperties(&p, 0), "look at the GPU");
    const auto blocks = static_cast<unsigned>(p.multiProcessorCount) * 8;
    cuda::launch({}, "fill memory", noiseKernel, blocks, 256, 0, static_cast<unsigned*>(data),
                 std::size_t{bytes / 4});
    const double seconds = medianSeconds(nullptr, [&] {
        cuda::launch({}, "read memory", sumKernel, blocks, 512, 0, static_cast<const uint4*>(data),
                     std::size_t{bytes / 16}, static_cast<unsigned*>(data));
    });
    cudaFree(data);
    return static_cast<double>(bytes) / seconds;
}

double busCopyRate(const std::vector<const std::byte*>& pieces, std::uint64_t bytes) {
    void* to = nullptr;
    cuda::check(cudaMalloc(&to, 8 * bytes), "reserve GPU memory");
    const double seconds = medianSeconds(nullptr, [&] {
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            cuda::check(cudaMemcpyAsync(static_cast<std::byte*>(to) + i % 8 * bytes, pieces[i],
                                        bytes, cudaMemcpyHostToDevice, nullptr),
                        "copy");
        }
    });
    cudaFree(to);
    return static_cast<double>(bytes * pieces.size()) / seconds;
}

double busKernelRate(const std::vector<const std::byte*>& pieces, std::uint64_t bytes,
                     unsigned blocks) {
    void* to = nullptr;
    cuda::check(cudaMalloc(&to, 8 * bytes), "reserve GPU memory");
    const double seconds = medianSeconds(nullptr, [&] {
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            cuda::copyBlock({}, pieces[i], static_cast<std::byte*>(to) + i % 8 * bytes, bytes,
                            blocks);
        }
    });
    cudaFree(to);
    return static_cast<double>(bytes * pieces.size()) / seconds;
}

} // namespace dossier::engine::bench
