// SPDX-License-Identifier: Apache-2.0
// Linear layers of few rows against the plain CPU functions; bits independent of the batch.
#include "engine/kernels/cpu/plain.h"
#include "engine/kernels/cuda/gemv_kernels.h"
#include "engine/kernels/cuda/row_kernels.h"
#include "tests/engine/kernels/device_buffer.h"

namespace dossier::engine::cuda {
namespace {

struct Shape {
    std::uint32_t out, in;
};

TEST_F(CudaKernels, Fp8Gemv) {
    for (const Shape shape : {Shape{16, 128},
                              {33, 128},
                              {127, 256},
                              {129, 1024},
                              {64, 2048},
                              {31, 4096},
                              {48, 8192},
                              {1, 384}}) {
        SCOPED_TRACE(testing::Message() << shape.out << " x " << shape.in);
        const std::uint32_t most = 16, blocks = shape.in / 128;
        const auto w = codes(std::size_t{shape.out} * shape.in);
        const auto ws = scaleBytes(std::size_t{(shape.out + 127) / 128} * blocks, 118);
        const auto x = codes(std::size_t{most} * shape.in);
        const auto xs = scaleFloats(std::size_t{most} * blocks, 120);
        const DeviceArray<std::uint8_t> dw(w), dws(ws), dx(x);
        const DeviceArray<float> dxs(xs);
        const Fp8Weight weight{w.data(), ws.data(), shape.out, shape.in};
        std::vector<Bf16> want(std::size_t{most} * shape.out);
        for (std::uint32_t i = 0; i < most; ++i) {
            plain::linearFp8(&x[std::size_t{i} * shape.in], &xs[std::size_t{i} * blocks], weight, 0,
                             shape.out, &want[std::size_t{i} * shape.out]);
        }
        std::vector<Bf16> all;
        for (const std::uint32_t rows : {16u, 1u, 2u, 7u, 8u, 9u}) {
            const DeviceArray<Bf16> y(std::size_t{rows} * shape.out);
            const GemvTask task{GemvKind::Fp8, dw.get(), dws.get(), dx.get(),
                                dxs.get(),     y.get(),  shape.out, shape.in};
            gemv(m_queue, rows, {&task, 1});
            const auto got = y.host();
            if (rows == 16) {
                all = got;
                double size = 0;
                for (const Bf16 v : want) {
                    size = std::max(size, std::abs(static_cast<double>(bf16ToFloat(v))));
                }
                expectNear(got, want, 0.99, size);
            }
            EXPECT_TRUE(std::equal(got.begin(), got.end(), all.begin())) << rows;
        }
    }
}

TEST_F(CudaKernels, RowsQuantisedOnTheWayInGiveTheSameBits) {
    for (const Shape shape : {Shape{64, 1024}, {48, 8192}, {16, 128}}) {
        for (const bool normed : {false, true}) {
            SCOPED_TRACE(testing::Message() << shape.in << (normed ? ", normed" : ""));
            const std::uint32_t rows = 3, blocks = shape.in / 128;
            const auto w = codes(std::size_t{shape.out} * shape.in);
            const auto ws = scaleBytes(std::size_t{(shape.out + 127) / 128} * blocks, 118);
            const auto x = bf16s(std::size_t{rows} * shape.in), norm = bf16s(shape.in);
            const DeviceArray<std::uint8_t> dw(w), dws(ws), q(x.size());
            const DeviceArray<Bf16> dx(x), dNorm(norm), y(std::size_t{rows} * shape.out),
                y2(y.size());
            const DeviceArray<float> scales(std::size_t{rows} * blocks);
            normQuantise(m_queue, rows, dx.get(), shape.in, normed ? dNorm.get() : nullptr, 1e-6F,
                         {q.get(), scales.get()});
            GemvTask task{GemvKind::Fp8, dw.get(), dws.get(), q.get(),
                          scales.get(),  y.get(),  shape.out, shape.in};
            gemv(m_queue, rows, {&task, 1});
            task.x = nullptr;
            task.xScales = nullptr;
            task.raw = dx.get();
            task.norm = normed ? dNorm.get() : nullptr;
            task.eps = 1e-6F;
            task.y = y2.get();
            gemv(m_queue, rows, {&task, 1});
            EXPECT_EQ(y2.host(), y.host());
        }
    }
}

TEST_F(CudaKernels, GroupedGemvInBf16) {
    for (const Shape shape : {Shape{128, 128}, {256, 512}, {1024, 256}, {64, 4096}}) {
        const std::uint32_t groups = 2, rows = 3;
        SCOPED_TRACE(testing::Message() << shape.out << " x " << shape.in);
        const auto w = codes(std::size_t{shape.out} * shape.in);
        const auto ws = scaleBytes(std::size_t{(shape.out + 127) / 128} * (shape.in / 128), 118);
        const auto x = bf16s(std::size_t{rows} * groups * shape.in);
        const DeviceArray<std::uint8_t> dw(w), dws(ws);
        const DeviceArray<Bf16> dx(x), y(std::size_t{rows} * shape.out);
        const GemvTask task{GemvKind::Fp8Bf16, dw.get(),  dws.get(), dx.get(), nullptr,
                            y.get(),           shape.out, shape.in,  groups};
        gemv(m_queue, rows, {&task, 1});
        std::vector<Bf16> want(std::size_t{rows} * shape.out);
        const Fp8Weight weight{w.data(), ws.data(), shape.out, shape.in};
        const std::uint32_t per = shape.out / groups;
        for (std::uint32_t i = 0; i < rows; ++i) {
            for (std::uint32_t g = 0; g < groups; ++g) {
                plain::linearFp8Bf16(&x[(std::size_t{i} * groups + g) * shape.in], weight, g * per,
                                     (g + 1) * per, &want[std::size_t{i} * shape.out]);
            }
        }
        expectNear(y.host(), want, 0.99, 400);
    }
}

TEST_F(CudaKernels, SeveralBf16GemvsAtOnce) {
    const std::uint32_t in = 512, rows = 2;
    const auto x = bf16s(std::size_t{rows} * in);
    const auto w1 = bf16s(std::size_t{100} * in), w2 = bf16s(std::size_t{64} * in);
    const DeviceArray<Bf16> dx(x), dw1(w1), dw2(w2), y2(std::size_t{rows} * 64);
    const DeviceArray<float> y1(std::size_t{rows} * 100);
    const GemvTask tasks[2] = {
        {GemvKind::Bf16F32, dw1.get(), nullptr, dx.get(), nullptr, y1.get(), 100, in},
        {GemvKind::Bf16, dw2.get(), nullptr, dx.get(), nullptr, y2.get(), 64, in, 1, 0.25F}};
    gemv(m_queue, rows, tasks);
    std::vector<float> want1(std::size_t{rows} * 100);
    std::vector<Bf16> want2(std::size_t{rows} * 64);
    for (std::uint32_t i = 0; i < rows; ++i) {
        plain::linear32(&x[std::size_t{i} * in], {w1.data(), 100, in}, 0, 100, &want1[i * 100]);
        plain::linearBf16(&x[std::size_t{i} * in], {w2.data(), 64, in}, 0, 64, &want2[i * 64]);
    }
    for (Bf16& v : want2) {
        v = floatToBf16(bf16ToFloat(v) * 0.25F);
    }
    expectNear(y1.host(), want1, 1e-6, 1e-4);
    expectNear(y2.host(), want2, 0.99, 20);
}

} // namespace
} // namespace dossier::engine::cuda
