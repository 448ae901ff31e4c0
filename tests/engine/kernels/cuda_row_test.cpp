// SPDX-License-Identifier: Apache-2.0
// CUDA kernels on single rows against the plain CPU functions.
#include "engine/kernels/cpu/plain.h"
#include "engine/kernels/cuda/row_kernels.h"
#include "engine/kernels/cuda/stream_kernels.h"
#include "tests/engine/kernels/device_buffer.h"

namespace dossier::engine::cuda {
namespace {

TEST_F(CudaKernels, RotationTablesEqualThePlainOnes) {
    const std::vector<std::uint32_t> positions{0, 1, 127, 65535, 1048575};
    const auto window = plain::ropeFrequencies(10000, 64);
    const auto compressed = plain::yarnFrequencies(160000, 64, 16, 32, 1, 65536);
    const DeviceArray<std::uint32_t> devicePositions(positions);
    const DeviceArray<float> f1(window), f2(compressed);
    const DeviceArray<float> t1(positions.size() * 64), t2(positions.size() * 64);
    ropeTables(m_queue, 5, devicePositions.get(), f1.get(), f2.get(), 64, t1.get(), t2.get());
    std::vector<float> want1(64 * 5), want2(64 * 5);
    for (std::size_t i = 0; i < positions.size(); ++i) {
        plain::ropeTable(positions[i], window, &want1[i * 64]);
        plain::ropeTable(positions[i], compressed, &want2[i * 64]);
    }
    expectNear(t1.host(), want1, 1e-7, 1e-12);
    expectNear(t2.host(), want2, 1e-7, 1e-12);
}

TEST_F(CudaKernels, NormAndQuantise) {
    for (const std::size_t columns : {128, 256, 1024, 4096}) {
        for (const std::size_t rows : {1, 3, 33}) {
            SCOPED_TRACE(columns);
            const auto x = bf16s(rows * columns, 2.0F), w = bf16s(columns);
            const DeviceArray<Bf16> dx(x), dw(w);
            const DeviceArray<std::uint8_t> q(rows * columns);
            const DeviceArray<float> s(rows * columns / 128);
            // Without a norm: bit for bit.
            normQuantise(m_queue, static_cast<std::uint32_t>(rows), dx.get(),
                         static_cast<std::uint32_t>(columns), nullptr, 1e-6F, {q.get(), s.get()});
            std::vector<std::uint8_t> wantQ(rows * columns);
            std::vector<float> wantS(rows * columns / 128);
            for (std::size_t i = 0; i < rows; ++i) {
                plain::quantise(&x[i * columns], static_cast<std::uint32_t>(columns),
                                &wantQ[i * columns], &wantS[i * columns / 128]);
            }
            EXPECT_EQ(q.host(), wantQ);
            EXPECT_EQ(s.host(), wantS);
            const DeviceArray<Bf16> back(rows * columns);
            dequantiseRows(m_queue, static_cast<std::uint32_t>(rows), {q.get(), s.get()},
                           static_cast<std::uint32_t>(columns), back.get());
            const auto values = back.host();
            for (std::size_t i = 0; i < values.size(); ++i) {
                ASSERT_EQ(bf16ToFloat(values[i]), e4m3ToFloat(wantQ[i]) * wantS[i / 128]);
            }
            normQuantise(m_queue, static_cast<std::uint32_t>(rows), dx.get(),
                         static_cast<std::uint32_t>(columns), dw.get(), 1e-6F, {q.get(), s.get()});
            std::vector<Bf16> normed(columns);
            std::size_t equal = 0;
            for (std::size_t i = 0; i < rows; ++i) {
                plain::rmsNorm(&x[i * columns], w.data(), static_cast<std::uint32_t>(columns), 1e-6,
                               normed.data());
                plain::quantise(normed.data(), static_cast<std::uint32_t>(columns),
                                &wantQ[i * columns], &wantS[i * columns / 128]);
            }
            const auto gotQ = q.host();
            for (std::size_t i = 0; i < gotQ.size(); ++i) {
                equal += gotQ[i] == wantQ[i];
            }
            EXPECT_GE(equal, gotQ.size() * 995 / 1000);
        }
    }
}

TEST_F(CudaKernels, QueriesRowsAndIndexQueries) {
    const std::size_t rows = 5, heads = 4;
    for (const std::uint32_t dims : {128u, 256u, 512u}) {
        SCOPED_TRACE(dims);
        std::vector<float> table(rows * 64);
        const auto frequencies = plain::ropeFrequencies(10000, 64);
        for (std::size_t i = 0; i < rows; ++i) {
            plain::ropeTable(1000 * i + 17, frequencies, &table[i * 64]);
        }
        const DeviceArray<float> deviceTable(table);
        {
            auto q = bf16s(rows * heads * dims, 3.0F);
            const DeviceArray<Bf16> device(q);
            finishQueries(m_queue, rows, {device.get(), heads, dims, 64, 1e-6F, deviceTable.get()});
            for (std::size_t i = 0; i < rows * heads; ++i) {
                plain::headNorm(&q[i * dims], dims, 1e-6F);
                plain::rotate(&q[i * dims], dims, &table[i / heads * 64], 32, false);
            }
            expectNear(device.host(), q);
        }
        {
            const KvRowLayout layout = kvRowLayout(dims, 64);
            const auto kv = bf16s(rows * dims), norm = bf16s(dims);
            const DeviceArray<Bf16> deviceKv(kv), deviceNorm(norm);
            const DeviceArray<std::byte> packed(rows * layout.bytes);
            finishRows(m_queue, rows, deviceKv.get(), deviceNorm.get(), 1e-6F, layout,
                       deviceTable.get(), packed.get());
            const auto got = packed.host();
            std::vector<Bf16> gotValues(rows * dims), wantValues(rows * dims), y(dims);
            std::vector<std::byte> row(layout.bytes);
            for (std::size_t i = 0; i < rows; ++i) {
                plain::rmsNorm(&kv[i * dims], norm.data(), dims, 1e-6, y.data());
                plain::rotate(y.data(), dims, &table[i * 64], 32, false);
                plain::packRow(y.data(), layout, row.data());
                plain::unpackRow(row.data(), layout, &wantValues[i * dims]);
                plain::unpackRow(&got[i * layout.bytes], layout, &gotValues[i * dims]);
                EXPECT_EQ(got[i * layout.bytes + layout.bytes - 1], std::byte{0});
            }
            std::size_t equal = 0;
            for (std::size_t i = 0; i < gotValues.size(); ++i) {
                equal += gotValues[i] == wantValues[i];
            }
            EXPECT_GE(equal, gotValues.size() * 99 / 100);
        }
    }
    for (const std::uint32_t dims : {64u, 128u, 256u}) {
        SCOPED_TRACE(dims);
        std::vector<float> table(rows * 64);
        const auto frequencies = plain::ropeFrequencies(160000, 64);
        for (std::size_t i = 0; i < rows; ++i) {
            plain::ropeTable(999 * i, frequencies, &table[i * 64]);
        }
        const DeviceArray<float> deviceTable(table);
        auto q = bf16s(rows * heads * dims, 3.0F);
        const DeviceArray<Bf16> device(q);
        finishIndexQueries(m_queue, rows, {device.get(), heads, dims, 64, 0, deviceTable.get()});
        for (std::size_t i = 0; i < rows * heads; ++i) {
            plain::rotate(&q[i * dims], dims, &table[i / heads * 64], 32, false);
            plain::hadamard(&q[i * dims], dims);
            plain::fp4Simulate(&q[i * dims], dims);
        }
        const auto got = device.host();
        std::size_t equal = 0;
        for (std::size_t i = 0; i < got.size(); ++i) {
            equal += got[i] == q[i];
        }
        EXPECT_GE(equal, got.size() * 99 / 100);
    }
}

TEST_F(CudaKernels, HyperConnections) {
    for (const std::uint32_t d : {128u, 512u, 1152u, 4096u}) {
        SCOPED_TRACE(d);
        const std::uint32_t rows = 3, k = 4, mixes = 24;
        const auto streams = bf16s(std::size_t{rows} * k * d), y = bf16s(std::size_t{rows} * d);
        const auto fn = floats(std::size_t{mixes} * k * d, 0.02F), base = floats(mixes);
        const std::vector<float> scale{0.5F, 1.0F, 2.0F};
        const auto norm = bf16s(d);
        std::vector<float> post(rows * k), comb(rows * k * k);
        for (float& v : post) {
            v = 0.5F + 0.1F * normal();
        }
        for (float& v : comb) {
            v = 0.25F + 0.05F * normal();
        }
        auto wantStreams = streams;
        std::vector<float> wantPost(post.size()), wantComb(comb.size());
        std::vector<Bf16> wantH(std::size_t{rows} * d);
        std::vector<std::uint8_t> wantQ(wantH.size());
        std::vector<float> wantS(wantH.size() / 128);
        const F32Weight hostFn{fn.data(), mixes, k * d};
        for (std::uint32_t i = 0; i < rows; ++i) {
            Bf16* x = &wantStreams[std::size_t{i} * k * d];
            plain::hyperOut(x, &y[std::size_t{i} * d], &post[i * k], &comb[i * k * k], k, d);
        }

        const DeviceArray<Bf16> dStreams(streams), dY(y), dNorm(norm), h(wantH.size());
        const DeviceArray<float> dFn(fn), dBase(base), dScale(scale), dPost(post), dComb(comb);
        const DeviceArray<double> partial(rows * mixPartials(d));
        const DeviceArray<float> s(wantS.size());
        const DeviceArray<std::uint8_t> q(wantQ.size());
        const HyperSite site{{dFn.get(), mixes, k * d}, dBase.get(), dScale.get(), dNorm.get()};
        mixSlices(m_queue, rows, {}, dStreams.get(), dY.get(), dPost.get(), dComb.get(), d, site.fn,
                  partial.get());
        finishMix(m_queue, rows, {dStreams.get(), {}, partial.get(), nullptr}, site,
                  {20, 1e-6F, 1e-6F}, h.get(), {q.get(), s.get()}, dPost.get(), dComb.get());
        auto updated = dStreams.host();
        expectNear(updated, wantStreams, 0.99, 4);
        for (std::uint32_t i = 0; i < rows; ++i) { // the rest from the device's own streams
            Bf16* x = &updated[std::size_t{i} * k * d];
            std::vector<float> m(mixes), pre(k);
            std::vector<Bf16> u(d);
            plain::hyperMix(x, hostFn, 1e-6, m.data());
            plain::sinkhornSplit(m.data(), scale.data(), base.data(), k, 20, 1e-6F, pre.data(),
                                 &wantPost[i * k], &wantComb[i * k * k]);
            plain::hyperCombine(x, pre.data(), k, d, u.data());
            plain::rmsNorm(u.data(), norm.data(), d, 1e-6, &wantH[std::size_t{i} * d]);
        }
        expectNear(dPost.host(), wantPost, 2.4e-7); // two units in the last place
        expectNear(dComb.host(), wantComb, 5e-6);
        const auto gotH = h.host();
        expectNear(gotH, wantH, 0.98, 4);
        std::vector<std::uint8_t> plainQ(wantQ.size());
        std::vector<float> plainS(wantS.size());
        for (std::uint32_t i = 0; i < rows; ++i) { // of the device's own h: bit for bit
            plain::quantise(&gotH[std::size_t{i} * d], d, &plainQ[std::size_t{i} * d],
                            &plainS[std::size_t{i} * d / 128]);
        }
        EXPECT_EQ(q.host(), plainQ);
        EXPECT_EQ(s.host(), plainS);

        // Reading: the update alone gives the same bits.
        const DeviceArray<Bf16> again(streams);
        const DeviceArray<float> post2(post), comb2(comb);
        updateStreams(m_queue, rows, again.get(), dY.get(), post2.get(), comb2.get(), d);
        EXPECT_EQ(again.host(), dStreams.host());
        const DeviceArray<Bf16> parts(3 * fn.size());
        splitF32(m_queue, dFn.get(), fn.size(), parts.get());
        const auto split = parts.host();
        for (std::size_t i = 0; i < fn.size(); ++i) {
            ASSERT_EQ(bf16ToFloat(split[i]) + bf16ToFloat(split[fn.size() + i]) +
                          bf16ToFloat(split[2 * fn.size() + i]),
                      fn[i]);
        }
    }
}

} // namespace
} // namespace dossier::engine::cuda
