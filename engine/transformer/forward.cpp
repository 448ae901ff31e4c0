// SPDX-License-Identifier: Apache-2.0
#include "engine/transformer/forward.h"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

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

class Forward::Reading {
  public:
    Reading(Forward& forward, std::span<const Piece> given, std::span<const std::uint32_t> logits)
        : pieces(given.begin(), given.end()),
          logitRows(logits.begin(), logits.end()),
          m_forward(forward),
          m_rollback(forward.m_ops, forward.m_config) {
        for (const Piece& piece : pieces) {
            piece.sequence->prepare(piece.tokens.size());
        }
        plan = forward.plan(pieces);
        const std::uint64_t total = plan.tokens.size();
        const std::uint64_t needed = total * forward.m_config.streamWidth() * sizeof(Bf16);
        if (!forward.m_streams || forward.m_streams->bytes() < needed) {
            forward.m_streams.reset(); // give the old memory back before taking the new
            forward.m_streams = forward.m_ops.allocate(needed, "scratch");
        }
        wide = std::max(forward.m_batchRows, forward.m_ops.expertRows());
        forward.readingScratch(static_cast<std::uint32_t>(std::min<std::uint64_t>(wide, total)));
        for (const Piece& piece : pieces) {
            m_rollback.save(*piece.sequence, piece.tokens.size());
        }
        streams = std::move(forward.m_streams);
        scratch = std::move(forward.m_reading);
    }
    ~Reading() {
        try {
            end(false);
        } catch (...) {
            // The device is lost, and the sequences' memory with it.
        }
    }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

    /// Done, or given up: then the sequences are as before.
    void end(bool done) {
        if (!std::exchange(m_open, false)) {
            return;
        }
        // What others made meanwhile is kept when it is larger.
        if (!m_forward.m_streams || m_forward.m_streams->bytes() < streams->bytes()) {
            m_forward.m_streams = std::move(streams);
        }
        if (!m_forward.m_reading || m_forward.m_reading->wide < scratch->wide) {
            m_forward.m_reading = std::move(scratch);
        }
        if (!done) {
            m_rollback.undo();
        }
    }
    bool open() const { return m_open; }
    Bf16* rows() const { return reinterpret_cast<Bf16*>(streams->data()); }

    const std::vector<Piece> pieces;
    const std::vector<std::uint32_t> logitRows;
    Plan plan;
    std::uint32_t wide = 0; ///< most rows that go through the experts together
    std::unique_ptr<DeviceMemory> streams;
    std::unique_ptr<Scratch> scratch;
    // Where it stands: slices [first, next) of a layer, `rows` rows, are through attention and wait
    // for the experts.
    std::uint32_t layer = 0, rowsWaiting = 0;
    std::size_t first = 0, next = 0;
    std::uint64_t work = 0; ///< rows times layers

  private:
    Forward& m_forward;
    Rollback m_rollback;
    bool m_open = true;
};

void Forward::DropReading::operator()(Reading* reading) const {
    delete reading;
}

Forward::ReadingPtr Forward::begin(std::span<const Piece> pieces,
                                   std::span<const std::uint32_t> logitRows) {
    return ReadingPtr(new Reading(*this, pieces, logitRows));
}

std::optional<std::vector<float>> Forward::resume(Reading& reading,
                                                  const std::function<void(std::uint64_t)>& onRows,
                                                  const std::stop_token& stop,
                                                  const PauseFn& pause) {
    if (!reading.open()) {
        throw Error(ErrorCode::Internal, "A reading was gone on with after its end");
    }
    std::vector<float> logits;
    try {
        if (!readLayers(reading, onRows, stop, pause)) {
            m_ops.synchronise(); // what was queued is done, and other work may come
            return std::nullopt;
        }
        logits = logitsOf(reading.rows(), reading.logitRows);
        m_ops.synchronise();
    } catch (...) {
        reading.end(false);
        throw;
    }
    reading.end(true);
    for (const Piece& piece : reading.pieces) {
        piece.sequence->advance(piece.tokens.size());
    }
    return logits;
}

std::vector<float> Forward::run(std::span<const Piece> pieces,
                                std::span<const std::uint32_t> logitRows,
                                const std::function<void(std::uint64_t)>& onRows,
                                std::stop_token stop, Path path) {
    if (path == Path::Reading) {
        return *resume(*begin(pieces, logitRows), onRows, stop, {});
    }
    for (const Piece& piece : pieces) {
        piece.sequence->prepare(piece.tokens.size());
    }
    Rollback rollback(m_ops, m_config);
    if (m_ops.synchronous()) {
        for (const Piece& piece : pieces) {
            rollback.save(*piece.sequence, piece.tokens.size());
        }
    }
    std::vector<float> logits;
    try {
        logits = answer(pieces, logitRows, stop);
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

bool Forward::readLayers(Reading& reading, const std::function<void(std::uint64_t)>& onRows,
                         const std::stop_token& stop, const PauseFn& pause) {
    const std::size_t streamWidth = m_config.streamWidth();
    const Plan& plan = reading.plan;
    const std::uint64_t total = plan.tokens.size();
    const Scratch& scratch = *reading.scratch;
    const auto held = [&] {
        if (stop.stop_requested()) {
            throw Error(ErrorCode::Cancelled, "Stopped");
        }
        return pause && pause();
    };
    bool goesOn = true; // the device has to be told where the run stands
    for (; reading.layer < m_config.layers; ++reading.layer) {
        const std::uint32_t index = reading.layer;
        const LayerParameters& p = m_parameters.layers[index];
        m_ops.beginLayer(index, total, std::exchange(goesOn, false));
        // Slices through attention one by one, then all of them through the experts.
        while (reading.first < plan.slices.size()) {
            std::uint32_t rows = reading.rowsWaiting;
            bool batchKnown = false; // the experts' batch is that of the only slice
            while (reading.next < plan.slices.size() &&
                   (rows == 0 || rows + plan.slices[reading.next].rows <= reading.wide)) {
                if (held()) {
                    return false;
                }
                const Slice& slice = plan.slices[reading.next++];
                const Rows r = scratch.rows(rows);
                Bf16* at = reading.rows() + slice.firstRow * streamWidth;
                m_ops.begin(plan.batch(slice));
                if (index == 0) {
                    m_ops.embed(m_parameters.head.embedding, at);
                }
                m_ops.hyperIn(p.attentionSite, at, r.h, r.hq, r.post, r.comb);
                attention(p, index, scratch, r);
                if (slice.capture) {
                    copyFrontierLayer(m_ops, m_config, index, slice.segments.back().layers[index],
                                      slice.capture->position, slice.capture->frontier);
                }
                m_ops.hyperOutIn(at, r.y, p.ffnSite, r.h, r.hq, r.post, r.comb);
                batchKnown = rows == 0;
                reading.rowsWaiting = rows += slice.rows;
            }
            if (held()) {
                return false;
            }
            const std::uint64_t firstRow = plan.slices[reading.first].firstRow;
            if (!batchKnown) {
                m_ops.begin({{plan.tokens.data() + firstRow, rows}, {}, Path::Reading});
            }
            const Rows r = scratch.rows(0);
            moe(p, index, scratch, r);
            m_ops.hyperOut(reading.rows() + firstRow * streamWidth, r.y, r.post, r.comb);
            reading.first = reading.next;
            reading.rowsWaiting = 0;
            reading.work += rows;
            if (onRows) {
                onRows(reading.work / m_config.layers);
            }
        }
        reading.first = reading.next = 0;
    }
    return true;
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
