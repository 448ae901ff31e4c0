// SPDX-License-Identifier: Apache-2.0
// Matrix products of many rows and expansion of weights.
#include "engine/kernels/cpu/plain.h"
#include "engine/kernels/cuda/gemm_kernels.h"
#include "tests/engine/kernels/device_buffer.h"

namespace dossier::engine::cuda {
namespace {

TEST_F(CudaKernels, ExpandedWeightsAreExact) {
    for (const std::uint32_t out : {16u, 129u}) {
        const std::uint32_t in = 256;
        const auto w8 = codes(std::size_t{out} * in);
        const auto s8 = scaleBytes(std::size_t{(out + 127) / 128} * (in / 128), 118);
        const auto w4 = anyBytes(std::size_t{out} * in / 2);
        const auto s4 = scaleBytes(std::size_t{out} * in / 32, 118);
        const DeviceArray<std::uint8_t> dw8(w8), ds8(s8), dw4(w4), ds4(s4);
        const DeviceArray<Bf16> to8(std::size_t{out} * in), to4(std::size_t{out} * in);
        dequantise(m_queue, Fp8Weight{dw8.get(), ds8.get(), out, in}, to8.get());
        dequantise(m_queue, Fp4Weight{dw4.get(), ds4.get(), out, in}, to4.get());
        std::vector<float> row(in);
        const auto got8 = to8.host(), got4 = to4.host();
        for (std::size_t r = 0; r < out; ++r) {
            dequantiseE4m3Row({&w8[r * in], in}, {&s8[r / 128 * (in / 128)], in / 128}, row);
            for (std::size_t i = 0; i < in; ++i) {
                ASSERT_EQ(bf16ToFloat(got8[r * in + i]), row[i]);
            }
            dequantiseE2m1Row({&w4[r * in / 2], in / 2}, {&s4[r * in / 32], in / 32}, row);
            for (std::size_t i = 0; i < in; ++i) {
                ASSERT_EQ(bf16ToFloat(got4[r * in + i]), row[i]);
            }
        }
    }
}

TEST_F(CudaKernels, Bf16Products) {
    struct Case {
        std::uint32_t rows, out, in, batch;
    };
    for (const Case c : {Case{1, 1, 64, 1},
                         {2, 31, 128, 1},
                         {33, 127, 256, 1},
                         {129, 72, 512, 1},
                         {130, 129, 128, 1},
                         {3, 64, 128, 2}}) {
        SCOPED_TRACE(testing::Message() << c.rows << " x " << c.out << " x " << c.in);
        const auto x = bf16s(std::size_t{c.rows} * c.in * c.batch);
        const auto w = bf16s(std::size_t{c.out} * c.in * c.batch);
        const DeviceArray<Bf16> dx(x), dw(w), y(std::size_t{c.rows} * c.out * c.batch);
        const DeviceArray<float> y32(std::size_t{c.rows} * c.out * c.batch);
        // The products of a batch lie beside each other in a row.
        GemmShape shape{c.rows, c.out, c.in, c.in * c.batch, c.out * c.batch, c.batch};
        shape.xStep = c.in;
        shape.wStep = std::uint64_t{c.out} * c.in;
        shape.yStep = c.out;
        gemmBf16(m_queue, shape, dx.get(), dw.get(), y.get(), false);
        gemmBf16(m_queue, shape, dx.get(), dw.get(), y32.get(), true);
        std::vector<Bf16> want(y.size());
        std::vector<float> want32(y.size());
        for (std::uint32_t i = 0; i < c.rows; ++i) {
            for (std::uint32_t b = 0; b < c.batch; ++b) {
                const Bf16Weight weight{&w[std::size_t{b} * c.out * c.in], c.out, c.in};
                const Bf16* row = &x[(std::size_t{i} * c.batch + b) * c.in];
                const std::size_t at = (std::size_t{i} * c.batch + b) * c.out;
                plain::linearBf16(row, weight, 0, c.out, &want[at]);
                plain::linear32(row, weight, 0, c.out, &want32[at]);
            }
        }
        expectNear(y.host(), want, 0.99, 40);
        expectNear(y32.host(), want32, 1e-6, 1e-4);
    }
}

} // namespace
} // namespace dossier::engine::cuda
