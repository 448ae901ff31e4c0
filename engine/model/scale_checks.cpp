// SPDX-License-Identifier: Apache-2.0
#include "engine/model/scale_checks.h"

#include <cstring>
#include <string>
#include <utility>

#include "engine/base/error.h"

namespace dossier::engine {

ScaleChecks::ScaleChecks(const ModelWeights& weights, std::vector<std::filesystem::path> shards)
    : m_shards(std::move(shards)) {
    for (const LayerWeights& layer : weights.layers) {
        const AttentionWeights& a = layer.attn;
        for (const ScaledMatrix* m : {&a.wqA, &a.wqB, &a.wkv, &a.woA, &a.woB, &layer.ffn.shared.w1,
                                      &layer.ffn.shared.w2, &layer.ffn.shared.w3}) {
            m_dense.push_back(m->scale);
        }
        if (a.indexer) {
            m_dense.push_back(a.indexer->wqB.scale);
        }
        for (const ExpertWeights& e : layer.ffn.experts) {
            m_experts.push_back({e.w1.scale, e.w2.scale, e.w3.scale});
        }
        m_expertsPerLayer = layer.ffn.experts.size();
    }
    m_seen = std::make_unique<std::atomic<bool>[]>(m_experts.size());
}

void ScaleChecks::check(const TensorView& scale) const {
    if (std::memchr(scale.data, 0xFF, scale.bytes) == nullptr) {
        return;
    }
    const std::string file =
        scale.shard < m_shards.size() ? m_shards[scale.shard].string() + ", " : std::string();
    throw Error(ErrorCode::Corrupt,
                file + "tensor \"" + std::string(scale.name) +
                    "\" holds a scale that is not a number",
                "Copy or download this file again");
}

void ScaleChecks::dense() const {
    for (const TensorView& scale : m_dense) {
        check(scale);
    }
}

void ScaleChecks::checkExpert(std::size_t index) {
    const Scales& scales = m_experts.at(index);
    check(scales.w1);
    check(scales.w2);
    check(scales.w3);
    m_seen[index].store(true, std::memory_order_relaxed);
}

} // namespace dossier::engine
