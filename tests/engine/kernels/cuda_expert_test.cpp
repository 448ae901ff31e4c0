// SPDX-License-Identifier: Apache-2.0
// Router and mixture of experts on the device against the plain CPU functions.
#include <numeric>
#include <set>

#include "engine/kernels/cpu/plain.h"
#include "engine/kernels/cuda/expert_kernels.h"
#include "engine/kernels/cuda/gemm_kernels.h"
#include "tests/engine/kernels/device_buffer.h"

namespace dossier::engine::cuda {
namespace {

TEST_F(CudaKernels, Router) {
    struct Case {
        std::uint32_t rows, experts, top;
        bool hash;
    };
    for (const Case c : {Case{1, 256, 6, false},
                         {33, 256, 6, false},
                         {5, 6, 2, true},
                         {3, 384, 6, false},
                         {16, 256, 8, false}}) {
        auto logits = floats(std::size_t{c.rows} * c.experts, 2.0F);
        auto bias = floats(c.experts, 0.1F);
        logits[0] = 25;                    // the linear part of softplus
        logits[2] = logits[3] = logits[1]; // a tie
        bias[2] = bias[3] = bias[1];
        std::vector<std::int64_t> table(std::size_t{50} * c.top);
        for (std::size_t i = 0; i < table.size(); ++i) {
            table[i] = static_cast<std::int64_t>((i * 5 + i / c.top) % c.experts);
        }
        std::vector<std::int32_t> tokens(c.rows);
        for (std::int32_t& t : tokens) {
            t = static_cast<std::int32_t>(m_random() % 50);
        }
        const DeviceArray<float> dLogits(logits), dBias(bias), weights(std::size_t{c.rows} * c.top);
        const DeviceArray<std::int64_t> dTable(table);
        const DeviceArray<std::int32_t> dTokens(tokens), ids(std::size_t{c.rows} * c.top);
        RouterParameters router;
        router.gate.out = c.experts;
        router.bias = c.hash ? nullptr : dBias.get();
        router.tokenExperts = c.hash ? dTable.get() : nullptr;
        const RouteTask task{dLogits.get(), router,    c.top,        1.5F,
                             dTokens.get(), ids.get(), weights.get()};
        route(m_queue, c.rows, task);
        std::vector<std::int32_t> wantIds(ids.size());
        std::vector<float> wantWeights(ids.size());
        for (std::size_t i = 0; i < c.rows; ++i) {
            plain::route(&logits[i * c.experts], bias.data(),
                         c.hash ? &table[static_cast<std::size_t>(tokens[i]) * c.top] : nullptr,
                         c.experts, c.top, 1.5, &wantIds[i * c.top], &wantWeights[i * c.top]);
        }
        EXPECT_EQ(ids.host(), wantIds);
        expectNear(weights.host(), wantWeights, 1e-5);
        if (c.rows > kAnswerRows) {
            continue;
        }
        // Answering: the same choice, and the plan from it.
        const DeviceArray<float> plannedWeights(weights.size());
        const DeviceArray<std::int32_t> plannedIds(ids.size());
        RouteTask planned = task;
        planned.ids = plannedIds.get();
        planned.weights = plannedWeights.get();
        const DeviceArray<const std::uint8_t*> nowhere(
            std::vector<const std::uint8_t*>(c.experts, nullptr));
        const DeviceArray<AnswerPlan> plan(1);
        AnswerBuffers buffers;
        buffers.plan = plan.get();
        planAnswer(m_queue, c.rows, planned, {nowhere.get()}, buffers);
        EXPECT_EQ(plannedIds.host(), ids.host());
        EXPECT_EQ(plannedWeights.host(), weights.host());
        const std::set<std::int32_t> distinct(wantIds.begin(), wantIds.end());
        const AnswerPlan made = plan.host()[0];
        EXPECT_EQ(std::vector<std::uint32_t>(made.expert, made.expert + made.count),
                  std::vector<std::uint32_t>(distinct.begin(), distinct.end()));
    }
}

struct ExpertCase {
    std::uint32_t hidden, inner, experts, top;
    bool fp4;
};

class CudaExperts : public CudaKernels, public testing::WithParamInterface<ExpertCase> {
  protected:
    void SetUp() override {
        CudaKernels::SetUp();
        if (IsSkipped()) {
            return;
        }
        const ExpertCase& c = GetParam();
        layout = expertLayout(c.hidden, c.inner, c.fp4);
        blocks.resize(c.experts);
        for (auto& block : blocks) {
            block = c.fp4 ? anyBytes(layout.bytes) : codes(layout.bytes);
            for (int i = 0; i < 3; ++i) {
                const auto s = scaleBytes(layout.scaleBytes[i], 119, 2);
                std::copy(s.begin(), s.end(), block.begin() + static_cast<long>(layout.scales[i]));
            }
            deviceBlocks.emplace_back(block);
            addresses.push_back(deviceBlocks.back().get());
        }
        const ExpertLayout eight = expertLayout(c.hidden, c.inner, false);
        sharedBlock = codes(eight.bytes);
        for (int i = 0; i < 3; ++i) {
            const auto s = scaleBytes(eight.scaleBytes[i], 114, 2);
            std::copy(s.begin(), s.end(), sharedBlock.begin() + static_cast<long>(eight.scales[i]));
        }
        deviceShared = DeviceArray<std::uint8_t>(sharedBlock);
        sharedLayout = eight;
    }

    /// One expert on one row, as the model defines it.
    std::vector<Bf16> plainExpert(const ExpertParameters& e, const std::uint8_t* q,
                                  const float* scales, float weight) const {
        const ExpertCase& c = GetParam();
        std::vector<Bf16> g(c.inner), u(c.inner), a(c.inner), y(c.hidden);
        std::vector<std::uint8_t> aq(c.inner);
        std::vector<float> as(c.inner / 128);
        const auto linear = [](const Fp4Weight& w4, const Fp8Weight& w8, const std::uint8_t* x,
                               const float* s, std::vector<Bf16>& out) {
            if (w4.values) {
                plain::linearFp4(x, s, w4, 0, w4.out, out.data());
            } else {
                plain::linearFp8(x, s, w8, 0, w8.out, out.data());
            }
        };
        linear(e.w1, e.w1Fp8, q, scales, g);
        linear(e.w3, e.w3Fp8, q, scales, u);
        plain::swiglu(g.data(), u.data(), c.inner, weight, 10, a.data());
        plain::quantise(a.data(), c.inner, aq.data(), as.data());
        linear(e.w2, e.w2Fp8, aq.data(), as.data(), y);
        return y;
    }

    ExpertLayout layout, sharedLayout;
    std::vector<std::vector<std::uint8_t>> blocks;
    std::vector<DeviceArray<std::uint8_t>> deviceBlocks;
    std::vector<const std::uint8_t*> addresses;
    std::vector<std::uint8_t> sharedBlock;
    DeviceArray<std::uint8_t> deviceShared;
};

TEST_P(CudaExperts, AnsweringEqualsThePlainOne) {
    const ExpertCase& c = GetParam();
    const std::uint32_t most = kAnswerRows;
    const auto x = bf16s(std::size_t{most} * c.hidden);
    std::vector<std::uint8_t> q(x.size());
    std::vector<float> s(x.size() / 128);
    std::vector<std::int32_t> ids;
    std::vector<float> weights;
    for (std::size_t i = 0; i < most; ++i) {
        plain::quantise(&x[i * c.hidden], c.hidden, &q[i * c.hidden], &s[i * c.hidden / 128]);
        std::vector<std::int32_t> order(c.experts);
        std::iota(order.begin(), order.end(), 0);
        std::shuffle(order.begin(), order.end(), m_random);
        for (std::uint32_t k = 0; k < c.top; ++k) {
            ids.push_back(order[k]);
            weights.push_back(0.2F + 0.1F * static_cast<float>(k));
        }
    }
    std::vector<Bf16> want(x.size());
    for (std::size_t i = 0; i < most; ++i) {
        std::vector<float> sum(c.hidden, 0.0F);
        const auto add = [&](const std::vector<Bf16>& y) {
            for (std::uint32_t j = 0; j < c.hidden; ++j) {
                sum[j] += bf16ToFloat(y[j]);
            }
        };
        for (std::int32_t e = 0; e < static_cast<std::int32_t>(c.experts); ++e) {
            for (std::uint32_t k = 0; k < c.top; ++k) {
                if (ids[i * c.top + k] == e) {
                    add(plainExpert(layout.at(blocks[static_cast<std::size_t>(e)].data()),
                                    &q[i * c.hidden], &s[i * c.hidden / 128],
                                    weights[i * c.top + k]));
                }
            }
        }
        add(plainExpert(sharedLayout.at(sharedBlock.data()), &q[i * c.hidden],
                        &s[i * c.hidden / 128], 1.0F));
        for (std::uint32_t j = 0; j < c.hidden; ++j) {
            want[i * c.hidden + j] = floatToBf16(sum[j]);
        }
    }

    const std::uint32_t tasks = std::min(c.experts, most * c.top);
    const DeviceArray<const std::uint8_t*> table(addresses);
    const DeviceArray<AnswerPlan> plan(1);
    const DeviceArray<Bf16> products(std::size_t{tasks + 1} * most * c.inner),
        outputs(std::size_t{most} * (c.top + 1) * c.hidden);
    const DeviceArray<std::uint8_t> productCodes(products.size());
    const DeviceArray<float> productScales(products.size() / 128);
    const DeviceArray<std::uint32_t> counters(
        std::vector<std::uint32_t>(AnswerBuffers::counterCount(tasks, c.hidden, c.inner), 0));
    const AnswerBuffers buffers{
        plan.get(),     products.get(), productCodes.get(), productScales.get(), outputs.get(),
        counters.get(), tasks};
    const DeviceArray<std::uint8_t> dq(q);
    const DeviceArray<float> ds(s), dWeights(weights);
    const DeviceArray<std::int32_t> dIds(ids);
    RouteTask chosen; // what the router would have written
    chosen.router.gate.out = c.experts;
    chosen.top = c.top;
    chosen.ids = dIds.get();
    chosen.weights = dWeights.get();
    const ExpertParameters shared = sharedLayout.at(deviceShared.get());
    std::vector<Bf16> all;
    for (const std::uint32_t rows : {most, 1u, 3u, 9u}) {
        SCOPED_TRACE(rows);
        const AnswerShape shape{layout, rows, c.top, c.experts, 10};
        const DeviceArray<Bf16> y(std::size_t{rows} * c.hidden);
        planAnswer(m_queue, rows, chosen, {table.get()}, buffers);
        answerUp(m_queue, shape, AnswerPart::All, {dq.get(), ds.get()}, shared, buffers);
        answerDown(m_queue, shape, AnswerPart::All, shared, buffers, y.get());
        const auto got = y.host();
        if (all.empty()) {
            all = got;
            expectNear(got, want, 0.9, 1e5);
        }
        EXPECT_TRUE(std::equal(got.begin(), got.end(), all.begin()));

        // The same in two parts, as when some experts are still on their way.
        planAnswer(m_queue, rows, chosen, {table.get()}, buffers);
        AnswerPlan split = plan.host()[0];
        for (std::uint32_t t = 0; t < split.count; ++t) {
            split.miss[t] = t % 2;
        }
        check(cudaMemcpy(plan.get(), &split, sizeof split, cudaMemcpyHostToDevice), "copy");
        const DeviceArray<Bf16> y2(y.size());
        for (const AnswerPart part : {AnswerPart::First, AnswerPart::Second}) {
            answerUp(m_queue, shape, part, {dq.get(), ds.get()}, shared, buffers);
            answerDown(m_queue, shape, part, shared, buffers, y2.get());
        }
        EXPECT_EQ(y2.host(), got);
    }
    for (const std::uint32_t counter : counters.host()) {
        ASSERT_EQ(counter, 0u);
    }
}

TEST_P(CudaExperts, ReadingEqualsThePlainOne) {
    const ExpertCase& c = GetParam();
    const std::uint32_t rows = 5;
    const auto x = bf16s(std::size_t{rows} * c.hidden);
    std::vector<std::uint8_t> q(x.size());
    std::vector<float> s(x.size() / 128), weights(std::size_t{rows} * c.top);
    std::vector<std::int32_t> ids(weights.size());
    for (std::size_t i = 0; i < rows; ++i) {
        plain::quantise(&x[i * c.hidden], c.hidden, &q[i * c.hidden], &s[i * c.hidden / 128]);
        for (std::uint32_t k = 0; k < c.top; ++k) {
            ids[i * c.top + k] = static_cast<std::int32_t>((i + k * 2) % c.experts);
            weights[i * c.top + k] = 0.3F + 0.1F * static_cast<float>(i);
        }
    }
    const DeviceArray<std::uint8_t> dq(q);
    const DeviceArray<float> ds(s), dWeights(weights);
    const DeviceArray<std::int32_t> dIds(ids);
    const DeviceArray<std::uint32_t> counts(c.experts), lists(std::size_t{c.experts} * rows);
    sortByExpert(m_queue, rows, c.top, c.experts, dIds.get(), counts.get(), lists.get());
    const auto hostCounts = counts.host(), hostLists = lists.host();
    const DeviceArray<float> sums(std::vector<float>(x.size(), 0.0F));
    std::vector<float> want(x.size(), 0.0F);
    for (std::uint32_t e = 0; e < c.experts; ++e) {
        std::vector<std::uint32_t> chosen;
        for (std::uint32_t i = 0; i < ids.size(); ++i) {
            if (ids[i] == static_cast<std::int32_t>(e)) {
                chosen.push_back(i);
            }
        }
        ASSERT_EQ(hostCounts[e], chosen.size());
        if (chosen.empty()) {
            continue;
        }
        EXPECT_TRUE(std::equal(chosen.begin(), chosen.end(), &hostLists[std::size_t{e} * rows]));
        const auto n = static_cast<std::uint32_t>(chosen.size());
        const DeviceArray<Bf16> gathered(std::size_t{n} * c.hidden),
            w13(std::size_t{2} * c.inner * c.hidden), w2(std::size_t{c.inner} * c.hidden),
            gateUp(std::size_t{n} * 2 * c.inner), products(std::size_t{n} * c.inner),
            out(std::size_t{n} * c.hidden);
        const std::uint32_t* list = lists.get() + std::size_t{e} * rows;
        ExpertPieces pieces;
        pieces.add(list, n);
        gatherRows(m_queue, pieces, c.top, {dq.get(), ds.get()}, c.hidden, gathered.get());
        const ExpertParameters p = layout.at(addresses[e]);
        Bf16* w3 = w13.get() + std::size_t{c.inner} * c.hidden;
        if (c.fp4) {
            dequantise(m_queue, p.w1, w13.get());
            dequantise(m_queue, p.w3, w3);
            dequantise(m_queue, p.w2, w2.get());
        } else {
            dequantise(m_queue, p.w1Fp8, w13.get());
            dequantise(m_queue, p.w3Fp8, w3);
            dequantise(m_queue, p.w2Fp8, w2.get());
        }
        gemmBf16(m_queue, {n, 2 * c.inner, c.hidden, c.hidden, 2 * c.inner}, gathered.get(),
                 w13.get(), gateUp.get(), false);
        gate(m_queue, pieces, dWeights.get(), 10, gateUp.get(), c.inner, products.get());
        gemmBf16(m_queue, {n, c.hidden, c.inner, c.inner, c.hidden}, products.get(), w2.get(),
                 out.get(), false);
        addRows(m_queue, n, list, c.top, out.get(), c.hidden, sums.get());
        check(cudaStreamSynchronize(m_queue.stream), "finish");
        for (const std::uint32_t choice : chosen) {
            const std::size_t row = choice / c.top;
            const auto y = plainExpert(layout.at(blocks[e].data()), &q[row * c.hidden],
                                       &s[row * c.hidden / 128], weights[choice]);
            for (std::uint32_t j = 0; j < c.hidden; ++j) {
                want[row * c.hidden + j] += bf16ToFloat(y[j]);
            }
        }
    }
    const auto sharedOut = bf16s(x.size());
    const DeviceArray<Bf16> dShared(sharedOut), y(x.size());
    finishSums(m_queue, x.size(), sums.get(), dShared.get(), y.get());
    std::vector<Bf16> wantY(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        wantY[i] = floatToBf16(want[i] + bf16ToFloat(sharedOut[i]));
    }
    expectNear(y.host(), wantY, 0.9, 1e5);
}

INSTANTIATE_TEST_SUITE_P(Shapes, CudaExperts,
                         testing::Values(ExpertCase{128, 128, 6, 2, true},
                                         ExpertCase{256, 384, 5, 3, false},
                                         ExpertCase{256, 256, 16, 4, true},
                                         ExpertCase{384, 256, 9, 6, true}));

} // namespace
} // namespace dossier::engine::cuda
