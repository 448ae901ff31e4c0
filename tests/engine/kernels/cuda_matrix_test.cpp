// SPDX-License-Identifier: Apache-2.0
// Matrix products of many rows and expansion of weights.
#include <algorithm>
#include <tuple>

#include "engine/kernels/cpu/plain.h"
#include "engine/kernels/cuda/fp8_gemm_kernels.h"
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

class CudaFp8 : public CudaKernels {
  protected:
    void SetUp() override {
        CudaKernels::SetUp();
        cudaDeviceProp properties{};
        if (!IsSkipped()) {
            check(cudaGetDeviceProperties(&properties, 0), "look at the device");
        }
        if (!IsSkipped() && !fp8ProductsFit(properties.major, properties.minor)) {
            GTEST_SKIP() << "needs a GPU of compute capability 9.0, this one has "
                         << properties.major << "." << properties.minor;
        }
    }
};

TEST_F(CudaFp8, ProductsAreWithinWhatTensorCoresCutOff) {
    struct Case {
        std::uint32_t out, in;
        std::vector<std::uint32_t> rows; // of every part
    };
    for (const Case& c :
         {Case{8, 128, {1}}, {129, 256, {130, 3}}, {256, 384, {64, 1, 129}}, {71, 1024, {2}}}) {
        SCOPED_TRACE(testing::Message() << c.out << " x " << c.in);
        const std::uint32_t blocks = c.in / 128, perPart = (c.out + 127) / 128 * blocks;
        const auto parts = static_cast<std::uint32_t>(c.rows.size());
        std::uint32_t rows = 0;
        Fp8Products products{c.out, c.in, c.out + 1, parts};
        const auto w = codes(std::size_t{parts} * c.out * c.in);
        const auto ws = scaleBytes(std::size_t{parts} * perPart, 119);
        const DeviceArray<std::uint8_t> dw(w), dws(ws);
        for (std::uint32_t p = 0; p < parts; ++p) {
            products.parts[p] = {dw.get() + std::size_t{p} * c.out * c.in,
                                 dws.get() + std::size_t{p} * perPart, rows, c.rows[p]};
            rows += c.rows[p];
        }
        const auto x = codes(std::size_t{rows} * c.in);
        const auto xs = scaleFloats(std::size_t{rows} * blocks, 119);
        const DeviceArray<std::uint8_t> dx(x);
        const DeviceArray<float> dxs(xs);
        const DeviceArray<Bf16> y(std::size_t{rows} * products.yPitch);
        gemmFp8(m_queue, products, {dx.get(), dxs.get()}, y.get());
        const auto got = y.host();
        for (std::uint32_t p = 0; p < parts; ++p) {
            for (std::uint32_t r = 0; r < c.rows[p]; ++r) {
                const std::size_t row = products.parts[p].firstRow + r;
                for (std::uint32_t o = 0; o < c.out; ++o) {
                    double sum = 0, cut = 0;
                    for (std::uint32_t b = 0; b < blocks; ++b) {
                        const double scale =
                            double{xs[row * blocks + b]} *
                            double{e8m0ToFloat(ws[p * perPart + o / 128 * blocks + b])};
                        double largest = 0, part = 0;
                        for (std::uint32_t k = 128 * b; k < 128 * b + 128; ++k) {
                            const double product =
                                double{e4m3ToFloat(x[row * c.in + k])} *
                                double{e4m3ToFloat(w[(std::size_t{p} * c.out + o) * c.in + k])};
                            part += product;
                            largest = std::max({largest, std::abs(product), std::abs(part)});
                        }
                        sum += part * scale;
                        cut += largest * scale * 132 * 0x1p-13; // of every addend at most
                    }
                    const double value = double{bf16ToFloat(got[row * products.yPitch + o])};
                    ASSERT_NEAR(value, sum, cut + std::abs(sum) * 0x1p-8) << row << ", " << o;
                }
                EXPECT_EQ(got[row * products.yPitch + c.out], 0xffff); // nobody's
            }
        }
        // A row alone has the same bits.
        const DeviceArray<Bf16> alone(products.yPitch);
        const std::uint32_t last = rows - 1;
        products.parts[0] = {products.parts[parts - 1].values, products.parts[parts - 1].scales, 0,
                             1};
        products.count = 1;
        gemmFp8(m_queue, products, {dx.get() + std::size_t{last} * c.in, dxs.get() + last * blocks},
                alone.get());
        const auto bits = alone.host();
        EXPECT_TRUE(std::equal(bits.begin(), bits.end(),
                               got.begin() + std::size_t{last} * products.yPitch));
    }
}

TEST_F(CudaKernels, Fp4ExpandsToFp8Exactly) {
    for (const auto& [out, in, spread] :
         {std::tuple{16u, 128u, 7}, {129u, 256u, 3}, {128u, 384u, 0}}) {
        const auto w = anyBytes(std::size_t{out} * in / 2);
        const auto s = scaleBytes(std::size_t{out} * in / 32, 118, spread);
        const std::size_t blocks = in / 128;
        const DeviceArray<std::uint8_t> dw(w), ds(s), values(std::size_t{out} * in),
            scales((out + 127) / 128 * blocks);
        expandToFp8(m_queue, Fp4Weight{dw.get(), ds.get(), out, in}, values.get(), scales.get());
        const auto gotValues = values.host(), gotScales = scales.host();
        std::vector<float> want(in), got(in);
        for (std::size_t r = 0; r < out; ++r) {
            dequantiseE2m1Row({&w[r * in / 2], in / 2}, {&s[r * in / 32], in / 32}, want);
            dequantiseE4m3Row({&gotValues[r * in], in}, {&gotScales[r / 128 * blocks], blocks},
                              got);
            ASSERT_EQ(got, want) << "row " << r << ", scales within " << 2 * spread;
        }
    }
}

TEST_F(CudaKernels, Fp4ScalesFurtherApartLoseWhatIsTooSmall) {
    const std::uint32_t out = 2, in = 128;
    const std::vector<std::uint8_t> w(std::size_t{out} * in / 2, 0x77); // all 6
    const std::vector<std::uint8_t> s = {120, 104, 90, 0, 120, 106, 105, 100};
    const DeviceArray<std::uint8_t> dw(w), ds(s), values(w.size() * 2), scales(1);
    expandToFp8(m_queue, Fp4Weight{dw.get(), ds.get(), out, in}, values.get(), scales.get());
    const auto gotValues = values.host(), gotScales = scales.host();
    for (std::size_t i = 0; i < gotValues.size(); ++i) {
        const double got = double{e4m3ToFloat(gotValues[i])} * double{e8m0ToFloat(gotScales[0])};
        ASSERT_NEAR(got, 6 * double{e8m0ToFloat(s[i / 32])}, 0x1p-7 * 0x1p-16) << i;
    }
}

} // namespace
} // namespace dossier::engine::cuda
