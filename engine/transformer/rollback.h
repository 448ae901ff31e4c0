// SPDX-License-Identifier: Apache-2.0
// Puts sequences back to where they stood before a run that was given up. Private to forward.cpp.
#pragma once

#include <memory>
#include <vector>

#include "engine/kernels/operations.h"
#include "engine/model/config.h"

namespace dossier::engine {

class Sequence;

/// What a run overwrites: slots of the window and of the compressor rings (completed entries are
/// appended behind the sequence's end and need no care). Saves just the slots of the coming tokens
/// where operations are done at once, else each sequence's whole fixed state as one copy.
class Rollback {
  public:
    Rollback(Operations& ops, const ModelConfig& config) : m_ops(ops), m_config(config) {}

    /// Saves what `tokens` more tokens of `sequence` will overwrite.
    void save(Sequence& sequence, std::uint64_t tokens);
    void undo();

  private:
    struct Place {
        std::byte* at = nullptr;
        std::uint64_t bytes = 0;
    };
    struct Saved {
        std::vector<Place> places;
        std::unique_ptr<DeviceMemory> bytes; ///< of all places, one behind the other
    };
    std::vector<Place> slots(Sequence& sequence, std::uint64_t tokens) const;

    Operations& m_ops;
    const ModelConfig& m_config;
    std::vector<Saved> m_saved;
};

} // namespace dossier::engine
