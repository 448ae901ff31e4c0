// SPDX-License-Identifier: Apache-2.0
// Where the bytes of routed experts come from when they are loaded.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/experts/expert_layout.h"

namespace dossier::engine {

class ExpertSource {
  public:
    virtual ~ExpertSource() = default;
    /// Writes the block (expert_layout.h) of an expert, padding excepted. Called on several threads
    /// at once. Errors: Corrupt, Io.
    virtual void read(std::uint32_t layer, std::uint32_t expert, std::byte* block) const = 0;
};

/// Copies from where a checkpoint is mapped.
class MappedExperts final : public ExpertSource {
  public:
    using Check = std::function<void(std::uint32_t layer, std::uint32_t expert)>;
    /// `check` may be empty; it is called before an expert is read and throws for a damaged one.
    MappedExperts(const ExpertLayout&, std::uint32_t layers, Check check = {});
    void set(std::uint32_t layer, std::span<const ExpertParameters> experts);
    void read(std::uint32_t layer, std::uint32_t expert, std::byte* block) const override;

  private:
    const ExpertLayout m_layout;
    const Check m_check;
    std::vector<std::vector<ExpertParameters>> m_experts;
};

} // namespace dossier::engine
