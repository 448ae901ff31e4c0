// SPDX-License-Identifier: Apache-2.0
// Intermediate results of the forward pass, on the device. Private to forward.cpp.
#pragma once

#include <memory>
#include <vector>

#include "engine/transformer/forward.h"

namespace dossier::engine {

/// Where the rows of a batch lie: pointers to its first row.
struct Forward::Rows {
    Bf16 *h = nullptr, *y = nullptr;
    QuantRows hq;
    float *post = nullptr, *comb = nullptr;
};

struct Forward::Scratch {
    /// `attentionRows` go through attention at a time, `wideRows` through the experts.
    Scratch(Operations& ops, const ModelConfig& c, std::uint32_t attentionRows,
            std::uint32_t wideRows)
        : wide(wideRows), m_ops(ops), m_config(c) {
        const std::size_t n = attentionRows, d = c.hiddenSize, w = wideRows;
        const std::size_t indexQuery = std::size_t{c.indexHeads} * c.indexHeadDim;
        m_rows.h = take<Bf16>(w * d);
        m_rows.hq = quantRows(w, d);
        m_rows.post = take<float>(w * c.hcMult);
        m_rows.comb = take<float>(w * c.hcMult * c.hcMult);
        m_rows.y = take<Bf16>(w * d);
        expertIds = take<std::int32_t>(w * c.expertsPerToken);
        expertWeights = take<float>(w * c.expertsPerToken);
        qa = take<Bf16>(n * c.qLoraRank);
        cq = quantRows(n, c.qLoraRank);
        q = take<Bf16>(n * c.qWidth());
        kv = take<Bf16>(n * c.headDim);
        packed = take<std::byte>(n * kvRowLayout(c).bytes);
        a = take<float>(n * 2 * c.headDim);
        s = take<float>(n * 2 * c.headDim);
        indexA = take<float>(n * 2 * c.indexHeadDim);
        indexS = take<float>(n * 2 * c.indexHeadDim);
        qi = take<Bf16>(n * indexQuery);
        indexWeights = take<Bf16>(n * c.indexHeads);
        entryIds = take<std::int32_t>(n * c.indexTopk);
        o = take<Bf16>(n * c.qWidth());
        z = take<Bf16>(n * c.oRank());
        zq = quantRows(n, c.oRank());
    }

    Rows rows(std::size_t first) const {
        const std::size_t d = m_config.hiddenSize, k = m_config.hcMult;
        Rows r = m_rows;
        r.h += first * d;
        r.y += first * d;
        r.hq.values += first * d;
        r.hq.scales += first * (d / 128);
        r.post += first * k;
        r.comb += first * k * k;
        return r;
    }

    const std::uint32_t wide;
    Bf16 *qa, *q, *kv, *qi, *indexWeights, *o, *z;
    QuantRows cq, zq;
    float *a, *s, *indexA, *indexS, *expertWeights;
    std::byte* packed;
    std::int32_t *entryIds, *expertIds;

    // Answering only: fixed addresses, since a device may replay recorded work.
    Bf16* streams = nullptr;
    float* logits = nullptr;
    void takeAnswerRows(std::uint32_t rows) {
        streams = take<Bf16>(std::size_t{rows} * m_config.streamWidth());
        logits = take<float>(std::size_t{rows} * m_config.vocabSize);
    }

  private:
    template<class T>
    T* take(std::size_t count) {
        m_memory.push_back(m_ops.allocate(count * sizeof(T), "scratch"));
        return reinterpret_cast<T*>(m_memory.back()->data());
    }
    QuantRows quantRows(std::size_t n, std::size_t columns) {
        return {take<std::uint8_t>(n * columns), take<float>(n * (columns / 128))};
    }

    Operations& m_ops;
    const ModelConfig& m_config;
    Rows m_rows;
    std::vector<std::unique_ptr<DeviceMemory>> m_memory;
};

} // namespace dossier::engine
