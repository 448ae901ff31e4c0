// SPDX-License-Identifier: Apache-2.0
// A synthetic model on the GPU, and sequences that have been "read" without reading: their rows are
// filled from a seed.
#pragma once

#include <memory>

#include "engine/base/memory_ledger.h"
#include "engine/base/thread_pool.h"
#include "engine/kernels/cuda/cuda_operations.h"
#include "engine/model/synthetic.h"
#include "engine/transformer/forward.h"

namespace dossier::engine::bench {

/// The configuration of V4-Flash as published.
ModelConfig v4FlashConfig();

/// Experts computed from the seed as they are asked for.
class SyntheticExperts final : public ExpertSource {
  public:
    explicit SyntheticExperts(std::shared_ptr<const SyntheticModel> model);
    void read(std::uint32_t layer, std::uint32_t expert, std::byte* block) const override;

  private:
    std::shared_ptr<const SyntheticModel> m_model;
    ExpertLayout m_layout;
    std::vector<std::size_t> m_tensors; ///< [layers][experts][w1, s1, w3, s3, w2, s2]
};

/// Experts from a file where one was given, or from the seed.
class SwitchedExperts final : public ExpertSource {
  public:
    explicit SwitchedExperts(std::shared_ptr<const ExpertSource> seed) : m_seed(std::move(seed)) {}
    void read(std::uint32_t layer, std::uint32_t expert, std::byte* block) const override {
        (m_file ? m_file : m_seed)->read(layer, expert, block);
    }
    const std::shared_ptr<const ExpertSource>& seed() const { return m_seed; }
    /// Not while anything reads.
    void useFile(std::shared_ptr<const ExpertSource> file) { m_file = std::move(file); }

  private:
    std::shared_ptr<const ExpertSource> m_seed, m_file;
};

class BenchModel {
  public:
    BenchModel(const ModelConfig&, const CudaOptions&, std::uint32_t batchRows = 4096);

    /// Loads the experts; before that, everything else lies in VRAM.
    void loadExperts(const ExpertBudget&);

    /// A lane at `position`, its rows filled from the seed, with room for `more` tokens.
    std::unique_ptr<Sequence> seededLane(std::uint64_t position, std::uint64_t more);

    MemoryLedger ledger;
    ModelConfig config;
    std::unique_ptr<Operations> ops;
    CudaControl* control = nullptr;
    std::unique_ptr<Forward> forward;
    std::shared_ptr<SwitchedExperts> experts;
    std::uint64_t denseVram = 0; ///< taken before any expert was loaded
};

/// Fills packed rows or index keys on the device with valid values.
void fillRows(std::byte* rows, std::uint64_t count, std::uint32_t nope, std::uint32_t rope,
              std::uint32_t rowBytes, std::uint32_t seed);
void fillKeys(std::byte* keys, std::uint64_t count, std::uint32_t dims, std::uint32_t seed);
void fillFloats(float* values, std::uint64_t count, std::uint32_t seed);

} // namespace dossier::engine::bench
