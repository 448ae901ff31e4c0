// SPDX-License-Identifier: Apache-2.0
// What a model costs, counted from its configuration alone: bytes of key/value rows, floating-point
// operations and bytes read per token. Pure functions. A multiply-add counts as two operations.
// "n" is the context length: the tokens that the new one can see, itself included.
#pragma once

#include <cstdint>

#include "engine/model/config.h"

namespace dossier::engine {

// ------------------------------------------------------------------------ key/value rows

enum class KvFormat {
    Packed,        ///< this engine: kv_layout.h (584-byte rows, 68-byte keys at full size)
    PackedFp8Keys, ///< rows as above, index keys as FP8 with one FP32 scale (132 bytes): common
    Reference,     ///< bf16, as in the published reference code
};

/// Packed entries of n tokens, without the windows.
std::uint64_t kvEntryBytes(const ModelConfig& config, std::uint64_t n,
                           KvFormat format = KvFormat::Packed);
/// Sliding windows of all layers: a fixed size per sequence.
std::uint64_t kvWindowBytes(const ModelConfig& config, KvFormat format = KvFormat::Packed);
/// Both: what one sequence of n tokens holds, the compressor states below excepted.
std::uint64_t kvBytes(const ModelConfig& config, std::uint64_t n,
                      KvFormat format = KvFormat::Packed);
/// Average bytes that one more token adds.
double kvBytesPerToken(const ModelConfig& config, KvFormat format);
/// FP32 sums and scores of unfinished blocks (and of the block before, for ratio 4) of all
/// compressors: a fixed size per sequence.
std::uint64_t compressorStateBytes(const ModelConfig& config);

// ------------------------------------------------------------------------ work of one token

/// Operations of the matrix products with weights, by part; the embedding is a lookup.
struct LinearFlops {
    double attention = 0, routedExperts = 0, sharedExperts = 0, compressors = 0, indexer = 0,
           router = 0, mixers = 0, head = 0;
    double total() const {
        return attention + routedExperts + sharedExperts + compressors + indexer + router + mixers +
               head;
    }
};
LinearFlops linearFlops(const ModelConfig& config);

/// Rows that attention reads for one token, over all layers.
std::uint64_t attendedEntries(const ModelConfig& config, std::uint64_t n);

struct DecodeFlops {
    double linear = 0;
    double attention = 0; ///< scores and sums over the attended rows
    double indexer = 0;   ///< scores of all visible index keys
    double total() const { return linear + attention + indexer; }
    /// The same in "equivalent FP8 FLOPs", the unit of the DeepSeek-V4 report, weighed by peak
    /// rates: a BF16 product counts twice, an FP4 product (index scores) half, FP4 experts times
    /// FP8 activations once. Element-wise work of the indexer is no product and is left out.
    double fp8Equivalent = 0;
};
DecodeFlops decodeFlops(const ModelConfig& config, std::uint64_t n);

/// Whole prompt of n tokens from an empty context, logits for the last token only.
struct PrefillFlops {
    double linear = 0, attention = 0, indexer = 0;
    double total() const { return linear + attention + indexer; }
};
PrefillFlops prefillFlops(const ModelConfig& config, std::uint64_t n);

/// Weight bytes read for one token at batch 1, in the checkpoint's formats (FP4 experts when the
/// configuration does not say). One row of the embedding and of each table of expert ids.
struct WeightBytes {
    std::uint64_t attention = 0, routedExperts = 0, sharedExperts = 0, compressors = 0, indexer = 0,
                  router = 0, mixers = 0, head = 0, embedding = 0;
    std::uint64_t total() const {
        return attention + routedExperts + sharedExperts + compressors + indexer + router + mixers +
               head + embedding;
    }
};
WeightBytes weightBytesPerToken(const ModelConfig& config);

/// Key/value bytes read for one token: windows, selected entries, all index keys.
std::uint64_t kvBytesReadPerToken(const ModelConfig& config, std::uint64_t n,
                                  KvFormat format = KvFormat::Packed);

// ------------------------------------------------------------------------ sizes

/// Bytes of one routed expert (weights and scales of w1, w2, w3).
std::uint64_t expertBytes(const ModelConfig& config);
/// Number of routed experts in the model.
std::uint64_t expertCount(const ModelConfig& config);
/// All other tensors of the trunk, embedding included.
std::uint64_t denseBytes(const ModelConfig& config);
std::uint64_t parameterCount(const ModelConfig& config);
std::uint64_t activeParameterCount(const ModelConfig& config);

/// Distinct experts of one layer that `batch` tokens choose, if they choose uniformly.
double expectedDistinctExperts(const ModelConfig& config, double batch);

} // namespace dossier::engine
