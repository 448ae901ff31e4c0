// SPDX-License-Identifier: Apache-2.0
// Indexer, selection, attention and compressor on the device against the plain CPU functions.
#include <set>

#include "engine/kernels/cpu/plain.h"
#include "engine/kernels/cuda/attend_kernels.h"
#include "engine/kernels/cuda/finish_kernels.h"
#include "engine/kernels/cuda/index_kernels.h"
#include "tests/engine/kernels/device_sequence.h"

namespace dossier::engine::cuda {
namespace {

/// Rows of which the first `shared` lie in one array, the others in another.
struct SplitRows {
    SplitRows(const std::vector<std::byte>& all, std::size_t bytes, std::size_t shared)
        : first(std::vector<std::byte>(all.begin(),
                                       all.begin() + static_cast<std::ptrdiff_t>(shared * bytes))),
          second(std::vector<std::byte>(all.begin() + static_cast<std::ptrdiff_t>(shared * bytes),
                                        all.end())),
          extent{first.get(), shared, second.get()} {}
    DeviceArray<std::byte> first, second;
    RowExtent extent;
};

TEST_F(CudaKernels, IndexScoresAndSelection) {
    struct Case {
        std::uint32_t heads, dims, position, rows, topk;
    };
    for (const Case c : {Case{64, 128, 2500, 3, 512},
                         {4, 128, 60, 9, 8},
                         {3, 128, 130, 5, 16},
                         {8, 64, 1001, 2, 100},
                         {17, 256, 700, 1, 64}}) {
        SCOPED_TRACE(testing::Message() << c.heads << " heads, " << c.dims);
        const std::uint32_t keys = (c.position + c.rows) / 4;
        const std::uint32_t keyBytes = indexKeyBytes(c.dims);
        std::vector<std::byte> packed(std::size_t{keys} * keyBytes);
        std::vector<Bf16> keyValues(std::size_t{keys} * c.dims);
        for (std::uint32_t j = 0; j < keys; ++j) {
            const auto x = bf16s(c.dims, j % 7 == 0 ? 8.0F : 1.0F);
            plain::packKey(x.data(), c.dims, &packed[std::size_t{j} * keyBytes]);
            plain::unpackKey(&packed[std::size_t{j} * keyBytes], c.dims,
                             &keyValues[std::size_t{j} * c.dims]);
        }
        const SplitRows rows(packed, keyBytes, keys / 3);
        LayerState state;
        state.keys = rows.extent;
        const DeviceBatch batch({{c.position, 0, c.rows}}, {state});
        auto q = bf16s(std::size_t{c.rows} * c.heads * c.dims);
        for (std::size_t i = 0; i < q.size(); i += c.dims) {
            plain::fp4Simulate(&q[i], c.dims);
        }
        const auto w = bf16s(std::size_t{c.rows} * c.heads, 0.1F);
        const DeviceArray<Bf16> dq(q), dw(w);
        const std::uint32_t pitch = (keys + 127) / 128 * 128;
        const DeviceArray<Bf16> scores(std::size_t{c.rows} * pitch);
        const DeviceArray<std::int32_t> ids(std::size_t{c.rows} * c.topk);
        const IndexShape shape{c.heads, c.dims, c.topk};
        indexScores(m_queue, batch.view, 0, shape, 0, c.rows, keys, dq.get(), dw.get(),
                    scores.get(), pitch);
        selectEntries(m_queue, batch.view, shape, 0, c.rows, scores.get(), pitch, ids.get());
        const auto got = scores.host();
        const auto gotIds = ids.host();
        // On a GPU with fewer multiprocessors blocks take several groups of keys: the same bits.
        Queue small = m_queue;
        small.multiprocessors = 1;
        const DeviceArray<Bf16> again(scores.size());
        indexScores(small, batch.view, 0, shape, 0, c.rows, keys, dq.get(), dw.get(), again.get(),
                    pitch);
        EXPECT_EQ(again.host(), got);
        for (std::uint32_t i = 0; i < c.rows; ++i) {
            const std::uint32_t visible = (c.position + i + 1) / 4;
            std::vector<Bf16> want(visible), mine(visible);
            std::vector<float> values(visible);
            for (std::uint32_t j = 0; j < visible; ++j) {
                want[j] = floatToBf16(plain::indexScore(
                    &q[std::size_t{i} * c.heads * c.dims], &w[std::size_t{i} * c.heads],
                    &keyValues[std::size_t{j} * c.dims], c.heads, c.dims));
                mine[j] = got[std::size_t{i} * pitch + j];
                values[j] = bf16ToFloat(mine[j]);
            }
            expectNear(mine, want, 0.98, 400);
            // The selection from the device's own scores: exactly.
            const std::uint32_t count = std::min(visible, c.topk);
            std::vector<std::int32_t> wantIds(c.topk, -1);
            plain::selectLargest(values.data(), visible, count, wantIds.data());
            EXPECT_EQ(std::vector<std::int32_t>(gotIds.begin() + std::ptrdiff_t{i} * c.topk,
                                                gotIds.begin() + std::ptrdiff_t{i + 1} * c.topk),
                      wantIds)
                << "row " << i;
        }
    }
}

TEST_F(CudaKernels, SelectionAmongManyEqualScores) {
    const std::uint32_t topk = 512, visible = 20000;
    std::vector<Bf16> scores(20096);
    for (Bf16& s : scores) { // few distinct values, zeros of both signs, negative ones
        const float values[] = {0.0F, -0.0F, 1.0F, -1.0F, 0.5F};
        s = floatToBf16(values[m_random() % 5]);
    }
    for (int pass = 0; pass < 2; ++pass) {
        const DeviceBatch batch({{visible * 4 - 1, 0, 1}}, {LayerState{}});
        const DeviceArray<Bf16> device(scores);
        const DeviceArray<std::int32_t> ids(topk);
        selectEntries(m_queue, batch.view, {1, 128, topk}, 0, 1, device.get(), 20096, ids.get());
        std::vector<float> values;
        for (std::uint32_t j = 0; j < visible; ++j) {
            values.push_back(bf16ToFloat(scores[j]));
        }
        std::vector<std::int32_t> want(topk);
        plain::selectLargest(values.data(), visible, topk, want.data());
        EXPECT_EQ(ids.host(), want);
        const DeviceArray<std::uint32_t> bins(
            std::vector<std::uint32_t>(SelectBuffers::binCount(1), 0)),
            counts(SelectBuffers::countCount(1, 6));
        const DeviceArray<std::int32_t> splitIds(topk);
        for (int again = 0; again < 2; ++again) { // the buffers are left as they were
            selectSplit(m_queue, batch.view, {1, 128, topk}, 6 * kSelectChunk, device.get(), 20096,
                        {bins.get(), counts.get(), 6}, splitIds.get());
            EXPECT_EQ(splitIds.host(), want);
        }
        const DeviceBatch few({{400 * 4, 0, 1}}, {LayerState{}});
        selectSplit(m_queue, few.view, {1, 128, topk}, 6 * kSelectChunk, device.get(), 20096,
                    {bins.get(), counts.get(), 6}, splitIds.get());
        const auto all = splitIds.host();
        EXPECT_EQ(all[399], 399);
        EXPECT_EQ(all[400], -1);
        std::fill(scores.begin(), scores.end(), floatToBf16(-3.0F)); // then all equal
    }
}

struct AttentionCase {
    std::uint32_t heads, dims, window, ratio, topk, position, rows;
};

/// Attention of one segment; entries in both extents, window in ring and batch.
class CudaAttention : public CudaKernels {
  protected:
    /// Weights are rounded to bf16 against the running maximum, not the final one: last bits differ
    /// where blocks meet.
    static void expectAttention(const std::vector<Bf16>& got, const std::vector<Bf16>& want,
                                std::size_t dims) {
        expectNear(got, want, 0.55, 3000);
        for (std::size_t i = 0; i < got.size(); i += dims) {
            double difference = 0, norm = 0;
            for (std::size_t j = i; j < i + dims; ++j) {
                const double a = static_cast<double>(bf16ToFloat(got[j]));
                const double b = static_cast<double>(bf16ToFloat(want[j]));
                difference += (a - b) * (a - b);
                norm += b * b;
            }
            ASSERT_LE(std::sqrt(difference / norm), 4e-3);
        }
    }
    void compare(const AttentionCase& c) {
        SCOPED_TRACE(testing::Message() << c.heads << " x " << c.dims << ", ratio " << c.ratio
                                        << " at " << c.position);
        const KvRowLayout layout = kvRowLayout(c.dims, 64);
        const std::uint32_t end = c.position + c.rows;
        const auto makeRows = [&](std::size_t count, std::vector<Bf16>& values) {
            std::vector<std::byte> packed(count * layout.bytes);
            values.resize(count * c.dims);
            for (std::size_t i = 0; i < count; ++i) {
                const auto x = bf16s(c.dims);
                plain::packRow(x.data(), layout, &packed[i * layout.bytes]);
                plain::unpackRow(&packed[i * layout.bytes], layout, &values[i * c.dims]);
            }
            return packed;
        };
        std::vector<Bf16> rawValues, entryValues;
        const auto raw = makeRows(end, rawValues); // of every position
        const std::size_t entryCount = c.ratio ? end / c.ratio : 0;
        const auto entries = makeRows(entryCount, entryValues);
        std::vector<std::byte> ring(std::size_t{c.window} * layout.bytes);
        for (std::uint32_t t = c.position - std::min(c.position, c.window); t < c.position; ++t) {
            std::copy_n(&raw[std::size_t{t} * layout.bytes], layout.bytes,
                        &ring[std::size_t{t % c.window} * layout.bytes]);
        }
        const DeviceArray<std::byte> deviceRing(ring);
        const DeviceArray<std::byte> packed(std::vector<std::byte>(
            raw.begin() + std::ptrdiff_t{c.position} * layout.bytes, raw.end()));
        const SplitRows split(entries, layout.bytes, entryCount / 2);
        LayerState state;
        state.window = deviceRing.get();
        state.entries = split.extent;
        std::vector<std::int32_t> ids(std::size_t{c.rows} * c.topk, -1);
        for (std::uint32_t i = 0; c.topk && i < c.rows; ++i) {
            const std::uint32_t visible = (c.position + i + 1) / 4;
            std::set<std::int32_t> chosen;
            while (chosen.size() < std::min(visible, c.topk)) {
                chosen.insert(static_cast<std::int32_t>(m_random() % visible));
            }
            std::copy(chosen.begin(), chosen.end(), &ids[std::size_t{i} * c.topk]);
        }
        const auto q = bf16s(std::size_t{c.rows} * c.heads * c.dims);
        const auto sink = floats(c.heads, 2.0F);
        std::vector<float> table(std::size_t{c.rows} * 64);
        const auto frequencies = plain::ropeFrequencies(10000, 64);
        for (std::uint32_t i = 0; i < c.rows; ++i) {
            plain::ropeTable(c.position + i, frequencies, &table[std::size_t{i} * 64]);
        }
        const float scale = 1 / std::sqrt(static_cast<float>(c.dims));
        std::vector<Bf16> want(q.size());
        for (std::uint32_t i = 0; i < c.rows; ++i) {
            const std::uint32_t t = c.position + i;
            std::vector<Bf16> seen;
            const auto add = [&](const std::vector<Bf16>& from, std::size_t index) {
                seen.insert(seen.end(), &from[index * c.dims], &from[index * c.dims] + c.dims);
            };
            for (std::uint32_t p = t - std::min(t, c.window - 1); p <= t; ++p) {
                add(rawValues, p);
            }
            const std::uint32_t visible = c.ratio ? (t + 1) / c.ratio : 0;
            for (std::uint32_t j = 0; j < (c.topk ? std::min(c.topk, visible) : visible); ++j) {
                add(entryValues,
                    c.topk ? static_cast<std::size_t>(ids[std::size_t{i} * c.topk + j]) : j);
            }
            for (std::uint32_t h = 0; h < c.heads; ++h) {
                Bf16* o = &want[(std::size_t{i} * c.heads + h) * c.dims];
                plain::attend(&q[(std::size_t{i} * c.heads + h) * c.dims], seen.data(),
                              static_cast<std::uint32_t>(seen.size() / c.dims), c.dims, sink[h],
                              scale, o);
                plain::rotate(o, c.dims, &table[std::size_t{i} * 64], 32, true);
            }
        }
        const DeviceBatch batch({{c.position, 0, c.rows}}, {state});
        const DeviceArray<Bf16> dq(q), o(q.size()), o2(q.size());
        const DeviceArray<float> dSink(sink), dTable(table);
        const DeviceArray<std::int32_t> dIds(ids);
        const AttendShape shape{c.heads, c.dims, c.window, c.ratio, c.topk, layout, scale};
        AttendInput in{dq.get(),     packed.get(), dSink.get(), c.topk ? dIds.get() : nullptr,
                       dTable.get(), o.get()};
        attend(m_queue, batch.view, 0, shape, in);
        expectAttention(o.host(), want, c.dims);
        const DeviceArray<float> partials(attendPartials(shape, c.rows, end + 1));
        in.o = o2.get();
        attendSplit(m_queue, batch.view, 0, shape, in, end + 1, partials.get());
        expectAttention(o2.host(), want, c.dims);
        const auto once = o2.host();
        const DeviceArray<float> larger(attendPartials(shape, c.rows, 4 * end));
        const DeviceArray<std::byte> sameRing(ring); // the first call kept rows in the other one
        state.window = sameRing.get();
        const DeviceBatch again({{c.position, 0, c.rows}}, {state});
        attendSplit(m_queue, again.view, 0, shape, in, std::uint64_t{4} * end, larger.get());
        EXPECT_EQ(o2.host(), once); // the room for more context changes nothing
        const auto kept = deviceRing.host();
        // With more rows than the window holds, several would want the same place: answering has
        // one row a segment.
        for (std::uint32_t t = c.position; c.rows <= c.window && t < end; ++t) {
            EXPECT_TRUE(std::equal(&raw[std::size_t{t} * layout.bytes],
                                   &raw[std::size_t{t} * layout.bytes] + layout.bytes,
                                   &kept[std::size_t{t % c.window} * layout.bytes]));
        }
    }
};

TEST_F(CudaAttention, EqualsThePlainOne) {
    compare({4, 128, 16, 0, 0, 0, 1});
    compare({4, 128, 16, 0, 0, 10, 20});
    compare({4, 128, 16, 4, 8, 61, 9});
    compare({8, 256, 32, 128, 0, 500, 14});
    compare({3, 512, 128, 128, 0, 1022, 2});
    compare({64, 512, 128, 4, 96, 700, 2});
}

TEST_F(CudaKernels, CompressorInAnyChunks) {
    struct Case {
        std::uint32_t ratio, width, rope;
        Pool pool;
    };
    for (const Case c : {Case{4, 128, 64, Pool::Main},
                         {4, 512, 64, Pool::Main},
                         {4, 128, 64, Pool::Index},
                         {4, 64, 64, Pool::Index},
                         {128, 128, 64, Pool::Main}}) {
        SCOPED_TRACE(testing::Message() << "ratio " << c.ratio << ", width " << c.width);
        const std::uint32_t tokens = c.ratio == 4 ? 41 : 261;
        const std::uint32_t overlap = c.ratio == 4 ? 2 : 1, columns = overlap * c.width;
        const KvRowLayout layout = kvRowLayout(c.width + (c.pool == Pool::Index ? 64 : 0), 64);
        const std::uint32_t rowBytes = c.pool == Pool::Main ? layout.bytes : indexKeyBytes(c.width);
        const auto a = floats(std::size_t{tokens} * columns);
        const auto s = floats(std::size_t{tokens} * columns, 2.0F);
        const auto ape = floats(std::size_t{c.ratio} * columns);
        const auto norm = bf16s(c.width);
        const auto frequencies = plain::yarnFrequencies(160000, c.rope, 16, 32, 1, 65536);
        // Plain: all tokens at once.
        const std::uint32_t entries = tokens / c.ratio;
        std::vector<std::vector<Bf16>> want;
        std::vector<float> gated(s);
        for (std::size_t i = 0; i < gated.size(); ++i) {
            gated[i] += ape[i / columns % c.ratio * columns + i % columns];
        }
        for (std::uint32_t j = 0; j < entries; ++j) {
            std::vector<plain::PoolSlot> slots;
            for (std::uint32_t i = 0; overlap == 2 && i < c.ratio; ++i) {
                const std::size_t at = (std::size_t{j} * c.ratio - c.ratio + i) * columns;
                slots.push_back(j ? plain::PoolSlot{&a[at], &gated[at]} : plain::PoolSlot{});
            }
            for (std::uint32_t i = 0; i < c.ratio; ++i) {
                const std::size_t at =
                    (std::size_t{j} * c.ratio + i) * columns + (columns - c.width);
                slots.push_back({&a[at], &gated[at]});
            }
            std::vector<Bf16> pooled(c.width), e(c.width);
            std::vector<float> table(c.rope);
            plain::pool(slots, c.width, pooled.data());
            plain::rmsNorm(pooled.data(), norm.data(), c.width, 1e-6, e.data());
            plain::ropeTable(std::uint64_t{j} * c.ratio, frequencies, table.data());
            plain::rotate(e.data(), c.width, table.data(), c.rope / 2, false);
            std::vector<std::byte> row(rowBytes);
            if (c.pool == Pool::Main) {
                plain::packRow(e.data(), layout, row.data());
                plain::unpackRow(row.data(), layout, e.data());
            } else {
                plain::hadamard(e.data(), c.width);
                plain::packKey(e.data(), c.width, row.data());
                plain::unpackKey(row.data(), c.width, e.data());
            }
            want.push_back(e);
        }
        const DeviceArray<float> da(a), ds(s), dApe(ape), dFrequencies(frequencies);
        const DeviceArray<Bf16> dNorm(norm);
        Compressor compressor;
        compressor.ratio = c.ratio;
        compressor.width = c.width;
        compressor.ape = dApe.get();
        compressor.norm = dNorm.get();
        std::vector<std::byte> first;
        for (const std::uint32_t chunk : {tokens, 1u, 7u, 64u}) {
            SCOPED_TRACE(chunk);
            const DeviceArray<std::byte> rows(std::size_t{entries + 1} * rowBytes);
            const DeviceArray<float> ringA(std::size_t{overlap} * c.ratio * columns),
                ringS(std::size_t{overlap} * c.ratio * columns);
            LayerState state;
            (c.pool == Pool::Main ? state.entries : state.keys).own = rows.get();
            (c.pool == Pool::Main ? state.mainA : state.indexA) = ringA.get();
            (c.pool == Pool::Main ? state.mainS : state.indexS) = ringS.get();
            for (std::uint32_t t = 0; t < tokens; t += chunk) {
                const std::uint32_t count = std::min(chunk, tokens - t);
                const DeviceBatch batch({{t, 0, count}}, {state});
                const CompressInput in{da.get() + std::size_t{t} * columns,
                                       ds.get() + std::size_t{t} * columns, dFrequencies.get(),
                                       layout, 1e-6F};
                if (chunk == 1) { // as answering does it
                    FinishTasks tasks;
                    (c.pool == Pool::Main ? tasks.main : tasks.index) =
                        compressParameters(batch.view, 0, compressor, c.pool, in);
                    finishAnswer(m_queue, batch.view, tasks);
                } else {
                    compress(m_queue, batch.view, 0, compressor, c.pool, in);
                }
                check(cudaStreamSynchronize(m_queue.stream), "finish");
            }
            auto got = rows.host();
            got.resize(std::size_t{entries} * rowBytes);
            if (first.empty()) {
                first = got;
                std::size_t equal = 0, all = 0;
                std::vector<Bf16> e(c.width);
                for (std::uint32_t j = 0; j < entries; ++j) {
                    if (c.pool == Pool::Main) {
                        plain::unpackRow(&got[std::size_t{j} * rowBytes], layout, e.data());
                    } else {
                        plain::unpackKey(&got[std::size_t{j} * rowBytes], c.width, e.data());
                    }
                    for (std::uint32_t i = 0; i < c.width; ++i, ++all) {
                        equal += e[i] == want[j][i];
                    }
                }
                EXPECT_GE(equal, all * 98 / 100);
            }
            EXPECT_EQ(got, first);
        }
    }
}

} // namespace
} // namespace dossier::engine::cuda
