// SPDX-License-Identifier: Apache-2.0
#include "engine/transformer/forward.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "engine/base/error.h"
#include "engine/lanes/frontier.h"
#include "engine/model/kv_layout.h"
#include "engine/transformer/forward_scratch.h"
#include "engine/transformer/rollback.h"

namespace dossier::engine {

struct Forward::Slice {
    std::uint64_t firstRow = 0;
    std::uint32_t rows = 0;
    std::vector<RowSpan> segments;
    const Capture* capture = nullptr; ///< at the end of the last segment
};

struct Forward::Plan {
    std::vector<std::int32_t> tokens; ///< of all rows
    std::vector<Slice> slices;
    Batch batch(const Slice& slice) const {
        return {{tokens.data() + slice.firstRow, slice.rows}, slice.segments, Path::Reading};
    }
};

Forward::Forward(Operations& ops, const ModelConfig& config, Parameters parameters,
                 std::uint32_t batchRows)
    : m_ops(ops), m_config(config), m_parameters(std::move(parameters)), m_batchRows(batchRows) {
    readingScratch(batchRows);
}

Forward::~Forward() = default;

Forward::Scratch& Forward::readingScratch(std::uint32_t rows) {
    if (!m_reading || m_reading->wide < rows) {
        m_reading.reset(); // give the old memory back before taking the new
        m_reading = std::make_unique<Scratch>(m_ops, m_config, m_batchRows, rows);
    }
    return *m_reading;
}

Forward::Plan Forward::plan(std::span<const Piece> pieces) const {
    Plan plan;
    for (const Piece& piece : pieces) {
        std::size_t done = 0;
        const Capture* capture = piece.captures.data();
        const Capture* const lastCapture = capture + piece.captures.size();
        while (done < piece.tokens.size()) {
            if (plan.slices.empty() || plan.slices.back().rows == m_batchRows ||
                plan.slices.back().capture) {
                plan.slices.emplace_back().firstRow = plan.tokens.size();
            }
            Slice& slice = plan.slices.back();
            const std::uint64_t position = piece.sequence->position() + done;
            std::size_t most =
                std::min<std::size_t>(piece.tokens.size() - done, m_batchRows - slice.rows);
            if (capture != lastCapture && position + most >= capture->position) {
                most = capture->position - position;
                slice.capture = capture++;
            }
            const auto count = static_cast<std::uint32_t>(most);
            slice.segments.push_back({position, slice.rows, count, piece.sequence->layers()});
            const auto tokens = piece.tokens.subspan(done, count);
            plan.tokens.insert(plan.tokens.end(), tokens.begin(), tokens.end());
            slice.rows += count;
            done += count;
        }
    }
    return plan;
}

std::vector<float> Forward::run(std::span<const Piece> pieces,
                                std::span<const std::uint32_t> logitRows,
                                const std::function<void(std::uint64_t)>& onRows,
                                std::stop_token stop, Path path) {
    for (const Piece& piece : pieces) {
        piece.sequence->prepare(piece.tokens.size());
    }
    Rollback rollback(m_ops, m_config);
    if (path == Path::Reading || m_ops.synchronous()) {
        for (const Piece& piece : pieces) {
            rollback.save(*piece.sequence, piece.tokens.size());
        }
    }
    std::vector<float> logits;
    try {
        if (path == Path::Answering) {
            logits = answer(pieces, logitRows, stop);
        } else {
            const Plan plan = this->plan(pieces);
            const std::uint64_t needed = plan.tokens.size() * m_config.streamWidth() * sizeof(Bf16);
            if (!m_streams || m_streams->bytes() < needed) {
                m_streams.reset();
                m_streams = m_ops.allocate(needed, "scratch");
            }
            auto* streams = reinterpret_cast<Bf16*>(m_streams->data());
            readLayers(plan, streams, onRows, stop);
            logits = logitsOf(streams, logitRows);
        }
        m_ops.synchronise();
    } catch (...) {
        rollback.undo();
        throw;
    }
    for (const Piece& piece : pieces) {
        piece.sequence->advance(piece.tokens.size());
    }
    return logits;
}

void Forward::readLayers(const Plan& plan, Bf16* streams,
                         const std::function<void(std::uint64_t)>& onRows,
                         const std::stop_token& stop) {
    const std::size_t streamWidth = m_config.streamWidth();
    const std::uint64_t total = plan.tokens.size();
    const std::uint32_t wide = std::max(m_batchRows, m_ops.expertRows());
    const Scratch& scratch =
        readingScratch(static_cast<std::uint32_t>(std::min<std::uint64_t>(wide, total)));
    const auto checkStop = [&] {
        if (stop.stop_requested()) {
            throw Error(ErrorCode::Cancelled, "Stopped");
        }
    };
    std::uint64_t work = 0; // rows times layers
    for (std::uint32_t index = 0; index < m_config.layers; ++index) {
        const LayerParameters& p = m_parameters.layers[index];
        m_ops.beginLayer(index, total);
        for (std::size_t next = 0; next < plan.slices.size();) {
            // Slices through attention one by one, then all of them through the experts.
            const std::uint64_t firstRow = plan.slices[next].firstRow;
            std::uint32_t rows = 0;
            const std::size_t firstSlice = next;
            while (next < plan.slices.size() &&
                   (rows == 0 || rows + plan.slices[next].rows <= wide)) {
                checkStop();
                const Slice& slice = plan.slices[next++];
                const Rows r = scratch.rows(rows);
                Bf16* at = streams + slice.firstRow * streamWidth;
                m_ops.begin(plan.batch(slice));
                if (index == 0) {
                    m_ops.embed(m_parameters.head.embedding, at);
                }
                m_ops.hyperIn(p.attentionSite, at, r.h, r.hq, r.post, r.comb);
                attention(p, index, *m_reading, r);
                if (slice.capture) {
                    copyFrontierLayer(m_ops, m_config, index, slice.segments.back().layers[index],
                                      slice.capture->position, slice.capture->frontier);
                }
                m_ops.hyperOutIn(at, r.y, p.ffnSite, r.h, r.hq, r.post, r.comb);
                rows += slice.rows;
            }
            checkStop();
            if (next - firstSlice > 1) {
                m_ops.begin({{plan.tokens.data() + firstRow, rows}, {}, Path::Reading});
            }
            const Rows r = scratch.rows(0);
            moe(p, index, *m_reading, r);
            m_ops.hyperOut(streams + firstRow * streamWidth, r.y, r.post, r.comb);
            work += rows;
            if (onRows) {
                onRows(work / m_config.layers);
            }
        }
    }
}

std::vector<float> Forward::logitsOf(const Bf16* streams, std::span<const std::uint32_t> rows) {
    std::vector<float> logits(rows.size() * m_config.vocabSize);
    // A bounded number of rows at a time: the logits of a whole document would be gigabytes.
    constexpr std::size_t kHeadRows = 64;
    const std::size_t most = std::min(kHeadRows, rows.size());
    if (most == 0) {
        return logits;
    }
    const auto device = m_ops.allocate(most * m_config.vocabSize * sizeof(float), "scratch");
    auto* result = reinterpret_cast<float*>(device->data());
    for (std::size_t done = 0; done < rows.size(); done += most) {
        const auto part = rows.subspan(done, std::min(most, rows.size() - done));
        m_ops.head(m_parameters.head, streams, part, result);
        m_ops.download(logits.data() + done * m_config.vocabSize, result,
                       part.size() * m_config.vocabSize * sizeof(float));
    }
    return logits;
}

std::vector<float> Forward::answer(std::span<const Piece> pieces,
                                   std::span<const std::uint32_t> logitRows,
                                   const std::stop_token& stop) {
    if (!m_answering) {
        m_answering = std::make_unique<Scratch>(m_ops, m_config, kAnswerRows, kAnswerRows);
        m_answering->takeAnswerRows(kAnswerRows);
    }
    Scratch& x = *m_answering;
    const Rows r = x.rows(0);
    const std::size_t vocabulary = m_config.vocabSize;
    std::vector<float> logits(logitRows.size() * vocabulary);
    for (std::size_t first = 0; first < pieces.size(); first += kAnswerRows) {
        const auto part =
            pieces.subspan(first, std::min<std::size_t>(kAnswerRows, pieces.size() - first));
        std::vector<std::int32_t> tokens;
        std::vector<RowSpan> segments;
        for (const Piece& piece : part) {
            if (piece.tokens.size() != 1) {
                throw Error(ErrorCode::Internal, "Answering takes one token of each sequence");
            }
            segments.push_back({piece.sequence->position(),
                                static_cast<std::uint32_t>(tokens.size()), 1,
                                piece.sequence->layers()});
            tokens.push_back(piece.tokens[0]);
        }
        std::vector<std::uint32_t> rows; // of this part, and where their logits go
        std::vector<std::size_t> places;
        std::uint64_t key = 0xcbf29ce484222325U; // FNV-1a over the rows
        for (std::size_t i = 0; i < logitRows.size(); ++i) {
            if (logitRows[i] >= first && logitRows[i] < first + part.size()) {
                rows.push_back(static_cast<std::uint32_t>(logitRows[i] - first));
                places.push_back(i);
                key = (key ^ (rows.back() + 1)) * 0x100000001b3U;
            }
        }
        m_ops.begin({tokens, segments, Path::Answering});
        m_ops.section(key, [&] {
            for (std::uint32_t index = 0; index < m_config.layers; ++index) {
                if (m_config.hashRouted(index)) {
                    m_ops.expectExperts(index, m_parameters.layers[index].router);
                }
            }
            m_ops.embed(m_parameters.head.embedding, x.streams);
            m_ops.hyperIn(m_parameters.layers[0].attentionSite, x.streams, r.h, r.hq, r.post,
                          r.comb);
            for (std::uint32_t index = 0; index < m_config.layers; ++index) {
                if (m_ops.synchronous() && stop.stop_requested()) {
                    throw Error(ErrorCode::Cancelled, "Stopped");
                }
                const LayerParameters& p = m_parameters.layers[index];
                attention(p, index, x, r);
                m_ops.hyperOutIn(x.streams, r.y, p.ffnSite, r.h, r.hq, r.post, r.comb);
                moe(p, index, x, r);
                if (index + 1 < m_config.layers) {
                    m_ops.hyperOutIn(x.streams, r.y, m_parameters.layers[index + 1].attentionSite,
                                     r.h, r.hq, r.post, r.comb);
                } else {
                    m_ops.hyperOut(x.streams, r.y, r.post, r.comb);
                }
            }
            if (!rows.empty()) {
                m_ops.head(m_parameters.head, x.streams, rows, x.logits);
            }
        });
        for (std::size_t i = 0; i < rows.size(); ++i) {
            m_ops.download(logits.data() + places[i] * vocabulary, x.logits + i * vocabulary,
                           vocabulary * sizeof(float));
        }
    }
    return logits;
}

void Forward::attention(const LayerParameters& parameters, std::uint32_t index, const Scratch& x,
                        const Rows& r) {
    const AttentionParameters& p = parameters.attention;
    const Rope rope = p.main.ratio ? Rope::Compressed : Rope::Window;
    m_ops.together([&] {
        m_ops.linear(r.hq, p.wqA, x.qa);
        m_ops.linear(r.hq, p.wkv, x.kv);
        if (p.main.ratio) {
            m_ops.linear32(r.h, p.main.wkv, x.a);
            m_ops.linear32(r.h, p.main.wgate, x.s);
        }
        if (p.index.ratio) {
            m_ops.linear32(r.h, p.index.wkv, x.indexA);
            m_ops.linear32(r.h, p.index.wgate, x.indexS);
            m_ops.indexWeights(r.h, p.indexProj, x.indexWeights);
        }
    });
    m_ops.normQuantise(x.qa, m_config.qLoraRank, p.qNorm, x.cq);
    m_ops.together([&] {
        m_ops.linear(x.cq, p.wqB, x.q);
        if (p.index.ratio) {
            m_ops.linear(x.cq, p.indexWqB, x.qi);
        }
    });
    m_ops.together([&] {
        m_ops.finishQueries(x.q, rope);
        m_ops.finishRows(x.kv, p.kvNorm, rope, x.packed);
        if (p.main.ratio) {
            m_ops.compress(p.main, Pool::Main, index, x.a, x.s);
        }
        if (p.index.ratio) {
            m_ops.finishIndexQueries(x.qi);
            m_ops.compress(p.index, Pool::Index, index, x.indexA, x.indexS);
        }
    });
    const std::int32_t* ids = nullptr;
    if (p.index.ratio) {
        m_ops.selectEntries(x.qi, x.indexWeights, index, x.entryIds);
        ids = x.entryIds;
    }
    m_ops.attend(x.q, x.packed, p.sink, index, p.main.ratio, ids, rope, x.o);
    m_ops.linearGrouped(x.o, p.woA, m_config.oGroups, x.z, x.zq);
    m_ops.linear(x.zq, p.woB, r.y);
}

void Forward::moe(const LayerParameters& p, std::uint32_t index, const Scratch& x, const Rows& r) {
    m_ops.route(r.h, index, p.router, x.expertIds, x.expertWeights);
    m_ops.experts(r.hq, index, x.expertIds, x.expertWeights, p.shared, r.y);
}

std::vector<Bf16> Forward::attentionSublayer(std::uint32_t layer, Sequence& sequence,
                                             std::uint64_t position, std::span<const Bf16> h,
                                             Path path) {
    const auto n = static_cast<std::uint32_t>(h.size() / m_config.hiddenSize);
    assert(n <= m_batchRows);
    const Scratch& x = readingScratch(n);
    const Rows r = x.rows(0);
    const std::vector<std::int32_t> tokens(n, 0);
    const RowSpan segment{position, 0, n, sequence.layers()};
    m_ops.begin({tokens, {&segment, 1}, path});
    m_ops.upload(r.h, h.data(), h.size_bytes());
    m_ops.quantise(r.h, m_config.hiddenSize, r.hq);
    attention(m_parameters.layers[layer], layer, x, r);
    std::vector<Bf16> y(h.size());
    m_ops.download(y.data(), r.y, h.size_bytes());
    m_ops.synchronise();
    return y;
}

std::vector<Bf16> Forward::moeSublayer(std::uint32_t layer, std::span<const std::int32_t> tokens,
                                       std::span<const Bf16> h, Path path) {
    const Scratch& x = readingScratch(static_cast<std::uint32_t>(tokens.size()));
    const Rows r = x.rows(0);
    m_ops.begin({tokens, {}, path});
    m_ops.upload(r.h, h.data(), h.size_bytes());
    m_ops.quantise(r.h, m_config.hiddenSize, r.hq);
    moe(m_parameters.layers[layer], layer, x, r);
    std::vector<Bf16> y(h.size());
    m_ops.download(y.data(), r.y, h.size_bytes());
    m_ops.synchronise();
    return y;
}

} // namespace dossier::engine
