// SPDX-License-Identifier: Apache-2.0
// The state of one sequence of tokens in the transformer: compressed rows, index keys, window and
// compressor rings of every layer.
//
// A lane holds rows in address space reserved for the whole context and only grows. A branch is
// forked from a sequence: it shares the lane's rows up to its fork and owns what comes after, in
// one small block that doubles when needed. Shared memory lives as long as the last sequence using
// it. Threads: the engine's owner thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/kernels/operations.h"
#include "engine/model/config.h"

namespace dossier::engine {

class Sequence {
  public:
    /// An empty lane with room for `maxTokens`.
    Sequence(Operations&, const ModelConfig&, std::uint64_t maxTokens);
    ~Sequence();
    Sequence(const Sequence&) = delete;
    Sequence& operator=(const Sequence&) = delete;

    /// A branch from the present end. Costs the window, the rings and a few rows.
    std::unique_ptr<Sequence> fork() const;
    /// A branch of a lane from an earlier position. Window and rings are unset: apply a frontier.
    std::unique_ptr<Sequence> forkAt(std::uint64_t position) const;

    std::uint64_t position() const { return m_position; } ///< tokens so far
    std::uint64_t maxTokens() const { return m_maxTokens; }
    std::uint64_t bytes() const; ///< device memory owned (shared rows not counted)

    /// Makes room for `count` more tokens. Error(TooLarge) beyond maxTokens, OutOfMemory.
    void prepare(std::uint64_t count);
    void advance(std::uint64_t count) { m_position += count; }
    /// A lane forgets what is behind `position`, at most position(). Window and rings are then
    /// unset: apply a frontier. Nobody may hold forks from further behind.
    void rewind(std::uint64_t position);
    LayerState* layers() { return m_layers.data(); }

    /// Window and rings: all that continuing from position() needs besides the rows.
    std::byte* fixedState() const { return m_fixed->data(); }
    std::uint64_t fixedBytes() const { return m_fixed->bytes(); }

  private:
    struct Rows; // reserved regions of a lane, or the block of a branch

    Sequence(const Sequence& parent, std::uint64_t position, std::uint64_t sharedTokens);
    void layOutFixed();

    Operations& m_ops;
    const ModelConfig& m_config;
    std::uint64_t m_maxTokens, m_position = 0;
    std::uint64_t m_sharedTokens = 0; ///< rows of the lane that are used: tokens / ratio each
    std::vector<LayerState> m_layers;
    std::unique_ptr<DeviceMemory> m_fixed;
    std::shared_ptr<Rows> m_rows, m_sharedRows;
};

/// Bytes of Sequence::fixedState for a model.
std::uint64_t fixedStateBytes(const ModelConfig&);

} // namespace dossier::engine
