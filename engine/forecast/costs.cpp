// SPDX-License-Identifier: Apache-2.0
#include "engine/forecast/costs.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "engine/model/kv_layout.h"
#include "engine/model/tensor_plan.h"

namespace dossier::engine {
namespace {

struct RowSizes {
    std::uint64_t row = 0, key = 0;
};

RowSizes rowSizes(const ModelConfig& c, KvFormat format) {
    const std::uint64_t packed = kvRowLayout(c).bytes;
    switch (format) {
    case KvFormat::Packed:
        return {packed, indexKeyBytes(c.indexHeadDim)};
    case KvFormat::PackedFp8Keys:
        return {packed, c.indexHeadDim + 4U};
    case KvFormat::Reference:
        break;
    }
    return {2ULL * c.headDim, 2ULL * c.indexHeadDim};
}

/// Rows that one token sees in one layer of this kind.
std::uint64_t visibleRows(const ModelConfig& c, LayerKind kind, std::uint64_t n) {
    const std::uint64_t window = std::min<std::uint64_t>(n, c.slidingWindow);
    switch (kind) {
    case LayerKind::Window:
        return window;
    case LayerKind::Sparse:
        return window + std::min<std::uint64_t>(c.indexTopk, n / 4);
    case LayerKind::Dense:
        break;
    }
    return window + n / 128;
}

ExpertFormat expertFormatOf(const ModelConfig& c) {
    return c.expertFormat.value_or(ExpertFormat::Fp4);
}

/// Calls add(tensor, times) so that the times add up to all tensors of the trunk. Layers of one
/// kind are alike, and so are the routed experts of a layer: listing each once is enough.
template<typename Add>
void forEachTensor(const ModelConfig& c, const Add& add) {
    std::map<std::pair<std::uint32_t, bool>, std::pair<std::uint32_t, std::uint64_t>> kinds;
    for (std::uint32_t layer = 0; layer < c.layers; ++layer) {
        auto& [first, count] = kinds[{c.compressRatios[layer], c.hashRouted(layer)}];
        first = count == 0 ? layer : first;
        ++count;
    }
    for (const auto& [kind, layers] : kinds) {
        for (const TensorSpec& spec : layerTensors(c, expertFormatOf(c), layers.first, 1)) {
            const bool routed = spec.part == TensorPart::RoutedExpert;
            add(spec, layers.second * (routed ? c.routedExperts : 1));
        }
    }
    for (const TensorSpec& spec : outerTensors(c)) {
        add(spec, 1);
    }
}

double operationsPerScore(const ModelConfig& c) { // per head: product, relu, weight, sum
    return 2.0 * c.indexHeads * c.indexHeadDim + 3.0 * c.indexHeads;
}
double operationsPerRow(const ModelConfig& c) {
    return 4.0 * c.heads * c.headDim;
}

/// A matrix that tokens are multiplied with, as opposed to a norm, bias or table.
bool isProduct(const TensorSpec& spec) {
    if (spec.shape.rank() != 2 || spec.parameters() == 0) {
        return false;
    }
    const std::string& name = spec.name;
    return name.size() < 4 || name.compare(name.size() - 4, 4, ".ape") != 0;
}

/// sum of floor(t/r) for t = 1..n
double sumOfQuotients(std::uint64_t n, std::uint64_t r) {
    const auto q = static_cast<double>(n / r), rest = static_cast<double>(n % r);
    return static_cast<double>(r) * q * (q - 1) / 2 + q * (rest + 1);
}

/// sum of min(most, floor(t/r)) for t = 1..n
double sumOfCappedQuotients(std::uint64_t n, std::uint64_t r, std::uint64_t most) {
    const std::uint64_t last = most * r - 1; // the quotient stays below `most` up to here
    if (n <= last) {
        return sumOfQuotients(n, r);
    }
    return sumOfQuotients(last, r) + static_cast<double>(most) * static_cast<double>(n - last);
}

} // namespace

std::uint64_t kvEntryBytes(const ModelConfig& c, std::uint64_t n, KvFormat format) {
    const RowSizes size = rowSizes(c, format);
    return c.layersOf(LayerKind::Sparse) * (n / 4) * (size.row + size.key) +
           c.layersOf(LayerKind::Dense) * (n / 128) * size.row;
}

std::uint64_t kvWindowBytes(const ModelConfig& c, KvFormat format) {
    return std::uint64_t{c.layers} * c.slidingWindow * rowSizes(c, format).row;
}

std::uint64_t kvBytes(const ModelConfig& c, std::uint64_t n, KvFormat format) {
    return kvWindowBytes(c, format) + kvEntryBytes(c, n, format);
}

double kvBytesPerToken(const ModelConfig& c, KvFormat format) {
    return static_cast<double>(kvEntryBytes(c, 128, format)) / 128.0;
}

std::uint64_t compressorStateBytes(const ModelConfig& c) {
    constexpr std::uint64_t kSumAndScore = 2 * sizeof(float);
    constexpr std::uint64_t kBothBlocks = 8, kBothHalves = 2; // ratio 4: the block before, this one
    return c.layersOf(LayerKind::Sparse) * kBothBlocks * kBothHalves *
               (c.headDim + c.indexHeadDim) * kSumAndScore +
           c.layersOf(LayerKind::Dense) * 128ULL * c.headDim * kSumAndScore;
}

LinearFlops linearFlops(const ModelConfig& c) {
    LinearFlops flops;
    forEachTensor(c, [&](const TensorSpec& spec, std::uint64_t times) {
        if (!isProduct(spec)) {
            return;
        }
        const double work = 2.0 * static_cast<double>(spec.parameters() * times);
        switch (spec.part) {
        case TensorPart::Embedding:
            break;
        case TensorPart::Attention:
            flops.attention += work;
            break;
        case TensorPart::Compressor:
            flops.compressors += work;
            break;
        case TensorPart::Indexer:
            flops.indexer += work;
            break;
        case TensorPart::Mixer:
            flops.mixers += work;
            break;
        case TensorPart::Router:
            flops.router += work;
            break;
        case TensorPart::RoutedExpert:
            flops.routedExperts += work;
            break;
        case TensorPart::SharedExpert:
            flops.sharedExperts += work;
            break;
        case TensorPart::Head:
            flops.head += work;
            break;
        }
    });
    flops.routedExperts *= static_cast<double>(c.expertsPerToken) / c.routedExperts;
    return flops;
}

std::uint64_t attendedEntries(const ModelConfig& c, std::uint64_t n) {
    std::uint64_t rows = 0;
    for (std::uint32_t layer = 0; layer < c.layers; ++layer) {
        rows += visibleRows(c, c.kind(layer), n);
    }
    return rows;
}

DecodeFlops decodeFlops(const ModelConfig& c, std::uint64_t n) {
    DecodeFlops flops;
    const LinearFlops linear = linearFlops(c);
    const double scores =
        static_cast<double>(c.layersOf(LayerKind::Sparse)) * static_cast<double>(n / 4);
    flops.linear = linear.total();
    flops.attention = static_cast<double>(attendedEntries(c, n)) * operationsPerRow(c);
    flops.indexer = scores * operationsPerScore(c);

    // BF16 weights (or FP32 arithmetic on them): wo_a, weights_proj, compressors, gate, mixers,
    // head.
    const double sparse = c.layersOf(LayerKind::Sparse);
    const double woA = 2.0 * c.layers * c.oRank() * c.oGroupInput();
    const double weightsProj = 2.0 * sparse * c.indexHeads * c.hiddenSize;
    const double indexCompressor = 2.0 * sparse * 4.0 * c.indexHeadDim * c.hiddenSize;
    const double bf16 = woA + weightsProj + indexCompressor + linear.compressors + linear.router +
                        linear.mixers + linear.head;
    flops.fp8Equivalent = flops.linear + bf16 + 2 * flops.attention +
                          0.5 * scores * 2.0 * c.indexHeads * c.indexHeadDim;
    return flops;
}

PrefillFlops prefillFlops(const ModelConfig& c, std::uint64_t n) {
    PrefillFlops flops;
    const LinearFlops linear = linearFlops(c);
    const auto tokens = static_cast<double>(n);
    flops.linear = (linear.total() - linear.head) * tokens + linear.head;
    const std::uint64_t inWindow = std::min<std::uint64_t>(n, c.slidingWindow);
    const double window = static_cast<double>(inWindow) * static_cast<double>(inWindow + 1) / 2 +
                          static_cast<double>(n - inWindow) * c.slidingWindow;
    const double rows = c.layers * window +
                        c.layersOf(LayerKind::Sparse) * sumOfCappedQuotients(n, 4, c.indexTopk) +
                        c.layersOf(LayerKind::Dense) * sumOfQuotients(n, 128);
    flops.attention = rows * operationsPerRow(c);
    flops.indexer = c.layersOf(LayerKind::Sparse) * sumOfQuotients(n, 4) * operationsPerScore(c);
    return flops;
}

WeightBytes weightBytesPerToken(const ModelConfig& c) {
    WeightBytes bytes;
    forEachTensor(c, [&](const TensorSpec& spec, std::uint64_t times) {
        const std::uint64_t size =
            times * (spec.dtype == DType::I64 ? spec.bytes() / c.vocabSize : spec.bytes());
        switch (spec.part) {
        case TensorPart::Embedding:
            bytes.embedding += size / c.vocabSize;
            break;
        case TensorPart::Attention:
            bytes.attention += size;
            break;
        case TensorPart::Compressor:
            bytes.compressors += size;
            break;
        case TensorPart::Indexer:
            bytes.indexer += size;
            break;
        case TensorPart::Mixer:
            bytes.mixers += size;
            break;
        case TensorPart::Router:
            bytes.router += size;
            break;
        case TensorPart::RoutedExpert:
            bytes.routedExperts += size;
            break;
        case TensorPart::SharedExpert:
            bytes.sharedExperts += size;
            break;
        case TensorPart::Head:
            bytes.head += size;
            break;
        }
    });
    bytes.routedExperts = bytes.routedExperts / c.routedExperts * c.expertsPerToken;
    return bytes;
}

std::uint64_t kvBytesReadPerToken(const ModelConfig& c, std::uint64_t n, KvFormat format) {
    const RowSizes size = rowSizes(c, format);
    return attendedEntries(c, n) * size.row + c.layersOf(LayerKind::Sparse) * (n / 4) * size.key;
}

std::uint64_t expertBytes(const ModelConfig& c) {
    const std::uint64_t weights = std::uint64_t{c.hiddenSize} * c.moeIntermediate;
    if (expertFormatOf(c) == ExpertFormat::Fp4) {
        return 3 * (weights / 2 + weights / 32);
    }
    return 3 * (weights + weights / (128 * 128));
}

std::uint64_t expertCount(const ModelConfig& c) {
    return std::uint64_t{c.layers} * c.routedExperts;
}

std::uint64_t denseBytes(const ModelConfig& c) {
    std::uint64_t bytes = 0;
    forEachTensor(c, [&](const TensorSpec& spec, std::uint64_t times) {
        bytes += spec.part == TensorPart::RoutedExpert ? 0 : times * spec.bytes();
    });
    return bytes;
}

std::uint64_t parameterCount(const ModelConfig& c) {
    std::uint64_t sum = 0;
    forEachTensor(
        c, [&](const TensorSpec& spec, std::uint64_t times) { sum += times * spec.parameters(); });
    return sum;
}

std::uint64_t activeParameterCount(const ModelConfig& c) {
    std::uint64_t sum = 0;
    forEachTensor(c, [&](const TensorSpec& spec, std::uint64_t times) {
        if (spec.part == TensorPart::RoutedExpert) {
            sum += times / c.routedExperts * c.expertsPerToken * spec.parameters();
        } else if (spec.part != TensorPart::Embedding) {
            sum += times * spec.parameters();
        }
    });
    return sum;
}

double expectedDistinctExperts(const ModelConfig& c, double batch) {
    const double missed = 1.0 - static_cast<double>(c.expertsPerToken) / c.routedExperts;
    return c.routedExperts * (1.0 - std::pow(missed, batch));
}

} // namespace dossier::engine
