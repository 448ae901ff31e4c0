// SPDX-License-Identifier: Apache-2.0
#include "engine/experts/expert_source.h"

#include <cstring>

namespace dossier::engine {

MappedExperts::MappedExperts(const ExpertLayout& layout, std::uint32_t layers, Check check)
    : m_layout(layout), m_check(std::move(check)), m_experts(layers) {}

void MappedExperts::set(std::uint32_t layer, std::span<const ExpertParameters> experts) {
    m_experts[layer].assign(experts.begin(), experts.end());
}

void MappedExperts::read(std::uint32_t layer, std::uint32_t expert, std::byte* block) const {
    if (m_check) {
        m_check(layer, expert);
    }
    const ExpertParameters& e = m_experts[layer][expert];
    const Fp4Weight* four[3] = {&e.w1, &e.w3, &e.w2};
    const Fp8Weight* eight[3] = {&e.w1Fp8, &e.w3Fp8, &e.w2Fp8};
    for (int i = 0; i < 3; ++i) {
        std::memcpy(block + m_layout.values[i], m_layout.fp4 ? four[i]->values : eight[i]->values,
                    m_layout.valueBytes);
        std::memcpy(block + m_layout.scales[i], m_layout.fp4 ? four[i]->scales : eight[i]->scales,
                    m_layout.scaleBytes[i]);
    }
}

} // namespace dossier::engine
