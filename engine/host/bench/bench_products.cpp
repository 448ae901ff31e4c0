// SPDX-License-Identifier: Apache-2.0
// Matrix products of reading: cuBLAS beside the own kernels in bf16 and, where the GPU has them, in
// FP8; and whether a row's bits depend on the number of rows.
#include <algorithm>

#include <cuda_runtime.h>

#include "engine/base/clock.h"
#include "engine/host/bench/bench_parts.h"
#include "engine/kernels/cuda/cuda_error.h"
#include "engine/kernels/cuda/cuda_memory.h"
#include "engine/kernels/cuda/cuda_operations.h"
#include "engine/kernels/cuda/fp8_gemm_kernels.h"
#include "engine/kernels/cuda/matrix_library.h"

namespace dossier::engine::bench {
namespace {

template<class Run>
double medianSeconds(Run run) {
    std::vector<double> seconds;
    for (int i = 0; i < 6; ++i) {
        cuda::check(cudaDeviceSynchronize(), "wait");
        const double begin = steadySeconds();
        run();
        cuda::check(cudaDeviceSynchronize(), "wait");
        seconds.push_back(steadySeconds() - begin);
    }
    return median(seconds);
}

/// FP8 products of `parts` matrices beside each other, in TFLOP/s; 0 without a kernel for this GPU.
double fp8Rate(std::uint32_t parts, std::uint32_t rows, std::uint32_t out, std::uint32_t in) {
    const CudaProbe probe = probeCuda();
    if (!cuda::fp8ProductsFit(probe.computeMajor, probe.computeMinor)) {
        return 0;
    }
    MemoryLedger ledger;
    const std::uint64_t values = std::uint64_t{out} * in, blocks = (out + 127) / 128 * (in / 128);
    cuda::VramBuffer x(ledger, "scratch", std::uint64_t{parts} * rows * in);
    cuda::VramBuffer xScales(ledger, "scratch", std::uint64_t{parts} * rows * (in / 128) * 4);
    cuda::VramBuffer w(ledger, "scratch", parts * values), ws(ledger, "scratch", parts * blocks);
    cuda::VramBuffer y(ledger, "scratch", std::uint64_t{parts} * rows * out * 2);
    // Numbers in [1/2, 2) of either sign: what data does to the clock is part of the rate.
    const auto noise = [](cuda::VramBuffer& b) {
        std::vector<std::uint8_t> host(b.bytes());
        std::uint32_t state = 1;
        for (std::uint8_t& v : host) {
            state = state * 1664525 + 1013904223;
            v = static_cast<std::uint8_t>((state >> 24 & 0x8f) | 0x30);
        }
        cuda::check(cudaMemcpy(b.data(), host.data(), b.bytes(), cudaMemcpyHostToDevice), "copy");
    };
    noise(x);
    noise(w);
    const std::vector<float> ones(xScales.bytes() / 4, 1.0F);
    cuda::check(cudaMemcpy(xScales.data(), ones.data(), xScales.bytes(), cudaMemcpyHostToDevice),
                "copy");
    cuda::check(cudaMemset(ws.data(), 127, ws.bytes()), "fill");
    cuda::Fp8Products products{out, in, out, parts};
    for (std::uint32_t p = 0; p < parts; ++p) {
        products.parts[p] = {w.as<std::uint8_t>() + p * values, ws.as<std::uint8_t>() + p * blocks,
                             p * rows, rows};
    }
    return 2.0 * parts * rows * out * in / medianSeconds([&] {
               cuda::gemmFp8({nullptr, cuda::Overlap::None, 227 << 10}, products,
                             {x.as<std::uint8_t>(), xScales.as<float>()}, y.as<Bf16>());
           }) /
           1e12;
}

/// One shape: rates of cuBLAS and of the own kernels, and whether rows are independent of the
/// number of rows. `parts`: so many experts go through the FP8 kernel together; 0: it is left out.
double product(Report& report, cuda::MatrixLibrary* library, std::uint32_t rows, std::uint32_t out,
               std::uint32_t in, std::uint32_t parts) {
    MemoryLedger ledger;
    cuda::VramBuffer x(ledger, "scratch", std::uint64_t{rows} * in * 2);
    cuda::VramBuffer w(ledger, "scratch", std::uint64_t{out} * in * 2);
    cuda::VramBuffer y(ledger, "scratch", std::uint64_t{rows} * out * 2);
    // bf16 pairs in (-1, 1): floats' upper halves are taken as bf16, their lower halves are small.
    const auto noise = [](cuda::VramBuffer& b, std::uint32_t seed) {
        std::vector<std::uint16_t> host(b.bytes() / 2);
        std::uint32_t state = seed;
        for (std::uint16_t& v : host) {
            state = state * 1664525 + 1013904223;
            v = static_cast<std::uint16_t>((state >> 16 & 0x807f) | 0x3f00);
        }
        cuda::check(cudaMemcpy(b.data(), host.data(), b.bytes(), cudaMemcpyHostToDevice), "copy");
    };
    noise(x, 1);
    noise(w, 2);
    cudaStream_t stream = nullptr;
    cuda::Queue queue{stream, cuda::Overlap::None, 227 << 10};
    const cuda::GemmShape shape{rows, out, in, in, out};
    const auto time = [&](auto run) { return 2.0 * rows * out * in / medianSeconds(run) / 1e12; };
    bool used = false;
    const double lib = library ? time([&] {
        used = library->gemm(queue, shape, x.as<Bf16>(), w.as<Bf16>(), y.data(), false);
    })
                               : 0;
    std::vector<std::uint16_t> all(y.bytes() / 2);
    cuda::check(cudaMemcpy(all.data(), y.data(), y.bytes(), cudaMemcpyDeviceToHost), "copy");
    std::string differing;
    for (const std::uint32_t n : {1U, 2U, 3U, 8U, 31U, 64U, 127U, 129U, 500U, 1000U}) {
        if (!used || n > rows) {
            continue;
        }
        cuda::GemmShape part = shape;
        part.rows = n;
        cuda::check(cudaMemset(y.data(), 0xff, y.bytes()), "poison");
        library->gemm(queue, part, x.as<Bf16>(), w.as<Bf16>(), y.data(), false);
        std::vector<std::uint16_t> some(std::size_t{n} * out);
        cuda::check(cudaMemcpy(some.data(), y.data(), some.size() * 2, cudaMemcpyDeviceToHost),
                    "copy");
        if (!std::equal(some.begin(), some.end(), all.begin())) {
            differing.append(" ").append(std::to_string(n));
        }
    }
    const double own =
        time([&] { cuda::gemmBf16(queue, shape, x.as<Bf16>(), w.as<Bf16>(), y.data(), false); });
    report.add(Figure("product")
                   .number("rows", rows, 0)
                   .number("out", out, 0)
                   .number("in", in, 0)
                   .number("cublas_tflops", used ? lib : 0, 0)
                   .number("own_tflops", own, 0)
                   .number("fp8_together", parts, 0)
                   .number("fp8_tflops", parts > 0 ? fp8Rate(parts, rows, out, in) : 0, 0)
                   .text("rows_that_differ", differing.empty() ? "none" : differing));
    return std::max(lib, own) * 1e12;
}

} // namespace

double productRate(Report& report, std::uint32_t side, bool all) {
    MemoryLedger ledger;
    cuda::VramBuffer workspace(ledger, "scratch", 64 << 20);
    std::string whyNot;
    const auto library = cuda::openMatrixLibrary(workspace.data(), workspace.bytes(), whyNot);
    report.say(library ? library->name() : whyNot);
    const double rate = product(report, library.get(), side, side, side, all ? 1 : 0);
    if (all) {
        product(report, library.get(), 4096, 1024, 4096, 1);
        product(report, library.get(), 4096, 512, 4096, 1);
        product(report, library.get(), 4096, 32768, 1024, 1);
        product(report, library.get(), 4096, 4096, 8192, 1);
        product(report, library.get(), 768, 4096, 4096, 8);
        product(report, library.get(), 768, 4096, 2048, 8);
        product(report, library.get(), 4096, 256, 4096, 1);
    }
    return rate;
}

} // namespace dossier::engine::bench
