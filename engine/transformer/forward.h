// SPDX-License-Identifier: Apache-2.0
// The forward pass of DeepSeek-V4, written once over the operations (engine/kernels/operations.h).
// Sections in comments are those of the DeepSeek-V4 technical report (arXiv 2606.19348).
// Threads: the engine's owner thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/transformer/parameters.h"
#include "engine/transformer/sequence.h"

namespace dossier::engine {

class Forward {
  public:
    /// `batchRows`: rows that go through attention at a time when reading; bounds the scratch
    /// memory. Experts see Operations::expertRows() rows at a time when that is more.
    Forward(Operations&, const ModelConfig&, Parameters, std::uint32_t batchRows);
    ~Forward();

    /// A frontier to take in the middle of a run (reading only).
    struct Capture {
        std::uint64_t position = 0;    ///< behind the piece's begin, a multiple of kFrontierStep
        std::byte* frontier = nullptr; ///< device memory for frontierBytes()
    };
    /// Tokens that continue a sequence.
    struct Piece {
        Sequence* sequence = nullptr;
        std::span<const std::int32_t> tokens;
        std::span<const Capture> captures = {}; ///< ascending
    };

    /// A run over the layers on the reading path, which can be held between two slices of rows and
    /// gone on with after other work. It has its rows' streams and intermediate results; meanwhile
    /// its sequences stand at different positions in different layers and nobody else may use their
    /// ends. Dropped before its end: they are as before. The Forward outlives it.
    class Reading;
    struct DropReading {
        void operator()(Reading*) const;
    };
    using ReadingPtr = std::unique_ptr<Reading, DropReading>;
    using PauseFn = std::function<bool()>; ///< true: hold the run here

    /// Layer by layer over all rows, so that a layer's weights are needed once. Nothing is computed
    /// yet. The pieces' captures, not their tokens, stay valid until its end. A sequence stands in
    /// one piece at most. For `logitRows` see run().
    ReadingPtr begin(std::span<const Piece> pieces, std::span<const std::uint32_t> logitRows);
    /// Goes on to the end, advances the sequences and gives the logits; absent when `pause` held it
    /// (asked where `stop` is looked at, too). When it throws, it has ended: drop it.
    std::optional<std::vector<float>> resume(Reading&,
                                             const std::function<void(std::uint64_t)>& onRows,
                                             const std::stop_token& stop, const PauseFn& pause);

    /// Runs all pieces through the layers and advances their sequences. When reading, as begin()
    /// and resume() without pauses; when answering, every piece has one token.
    ///
    /// `logitRows`: for which rows (counted over the pieces in order) logits are wanted; the result
    /// is [logitRows, vocabulary] on the host, in that order.
    /// `onRows(done)`: called now and then with the equivalent number of finished rows.
    /// When it throws (Cancelled through `stop`, Corrupt from a damaged expert), the sequences are
    /// as before. Answering on a device that is not synchronous is the exception: it looks at
    /// `stop` between tokens only and undoes nothing.
    std::vector<float> run(std::span<const Piece> pieces, std::span<const std::uint32_t> logitRows,
                           const std::function<void(std::uint64_t)>& onRows = {},
                           std::stop_token stop = {}, Path path = Path::Reading);

    /// The attention sublayer of one layer (sections 2.2, 2.3): h [n,d] -> y [n,d], both on the
    /// host; continues `sequence`'s state of that layer without advancing it. For comparisons.
    std::vector<Bf16> attentionSublayer(std::uint32_t layer, Sequence&, std::uint64_t position,
                                        std::span<const Bf16> h, Path path = Path::Reading);
    /// The mixture of experts of one layer: h [n,d] -> y [n,d]; tokens for the hash layers.
    std::vector<Bf16> moeSublayer(std::uint32_t layer, std::span<const std::int32_t> tokens,
                                  std::span<const Bf16> h, Path path = Path::Reading);

    const ModelConfig& config() const { return m_config; }

  private:
    struct Scratch;
    struct Rows;  // where the rows of a batch lie in the scratch
    struct Slice; // rows that go through attention together
    struct Plan;  // all slices of a run

    Plan plan(std::span<const Piece> pieces) const;
    /// False when it was held.
    bool readLayers(Reading&, const std::function<void(std::uint64_t)>& onRows,
                    const std::stop_token& stop, const PauseFn& pause);
    std::vector<float> answer(std::span<const Piece> pieces,
                              std::span<const std::uint32_t> logitRows,
                              const std::stop_token& stop);
    std::vector<float> logitsOf(const Bf16* streams, std::span<const std::uint32_t> rows);
    void attention(const LayerParameters&, std::uint32_t index, const Scratch&, const Rows&);
    void moe(const LayerParameters&, std::uint32_t index, const Scratch&, const Rows&);
    Scratch& readingScratch(std::uint32_t rows);

    Operations& m_ops;
    const ModelConfig m_config;
    Parameters m_parameters;
    std::uint32_t m_batchRows;
    std::unique_ptr<Scratch> m_answering;
    // Between readings: their memory for the next one.
    std::unique_ptr<Scratch> m_reading;
    std::unique_ptr<DeviceMemory> m_streams; ///< [rows, k, d]
};

} // namespace dossier::engine
