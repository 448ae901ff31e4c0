// SPDX-License-Identifier: Apache-2.0
#include "engine/model/synthetic.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <unordered_map>
#include <utility>

#include "engine/model/formats.h"

namespace dossier::engine {
namespace {

constexpr std::uint64_t kWordStep = 0x9E3779B97F4A7C15ULL;
constexpr std::uint64_t kBytes = 0x0101010101010101ULL; ///< times b: b in every byte

/// Random bits from a counter: one multiplication, so that eight bytes cost about a nanosecond.
constexpr std::uint64_t wordAt(std::uint64_t key, std::uint64_t index) {
    std::uint64_t x = key + index * kWordStep;
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93ULL;
    return x ^ x >> 32;
}

std::uint64_t keyOf(std::string_view name, std::uint64_t seed) {
    std::uint64_t key = 0xCBF29CE484222325ULL;
    for (const char c : name) {
        key = (key ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ULL;
    }
    return wordAt(key ^ seed * kWordStep, 1);
}

bool endsWith(std::string_view text, std::string_view tail) {
    return text.size() >= tail.size() && text.substr(text.size() - tail.size()) == tail;
}

/// Bytes [begin, begin + out.size()) of a stream of 8-byte words. `word` must be pure.
template<typename Word>
void fillWords(std::uint64_t begin, std::span<std::byte> out, const Word& word) {
    std::uint64_t at = begin / 8;
    std::size_t done = 0;
    const auto part = [&](std::size_t skip, std::size_t length) {
        const std::uint64_t value = word(at++);
        std::memcpy(out.data() + done, reinterpret_cast<const std::byte*>(&value) + skip, length);
        done += length;
    };
    if (begin % 8 != 0 && !out.empty()) {
        part(begin % 8, std::min<std::size_t>(8 - begin % 8, out.size()));
    }
    const std::size_t whole = (out.size() - done) / 8;
    std::byte* data = out.data() + done;
    for (std::size_t i = 0; i < whole; ++i) {
        const std::uint64_t value = word(at + i);
        std::memcpy(data + 8 * i, &value, 8);
    }
    at += whole;
    done += 8 * whole;
    if (done < out.size()) {
        part(0, out.size() - done);
    }
}

/// Distinct experts of a token: an arithmetic progression short enough not to wrap onto itself.
std::int64_t hashExpert(std::uint64_t key, std::uint64_t token, std::uint64_t slot,
                        std::uint64_t experts, std::uint64_t top) {
    const std::uint64_t bits = wordAt(key, token);
    const std::uint64_t longest =
        top > 1 ? std::max<std::uint64_t>((experts - 1) / (top - 1), 1) : 1;
    const std::uint64_t step = 1 + (bits >> 32) % longest;
    return static_cast<std::int64_t>(((bits & 0xFFFFFFFFU) + slot * step) % experts);
}

} // namespace

/// How the values of a tensor come from random bits.
struct SyntheticModel::Recipe {
    std::uint64_t key = 0;
    double mean = 0, deviation = 1; ///< BF16, F32
    std::uint8_t scale = 127;       ///< middle one of the e8m0 scales
};

SyntheticModel::SyntheticModel(ModelConfig config, std::uint64_t seed)
    : m_config(std::move(config)), m_seed(seed) {
    m_config.expertFormat = m_config.expertFormat.value_or(ExpertFormat::Fp4);
    m_tensors = trunkTensors(m_config, *m_config.expertFormat);
}

SyntheticModel::Recipe SyntheticModel::recipeFor(const TensorSpec& spec) const {
    Recipe recipe;
    recipe.key = keyOf(spec.name, m_seed);
    const auto is = [&](std::string_view tail) { return endsWith(spec.name, tail); };
    const double columns = static_cast<double>(spec.shape[spec.shape.rank() - 1]);
    if (spec.dtype == DType::F8E8M0) {
        // Random codes have a deviation of 2.93 (FP4) or 0.61 (FP8, exponents up to 7), and the
        // three scale values one of 1.25; the matrix shall have 1/sqrt(inputs).
        const bool fp4 =
            spec.part == TensorPart::RoutedExpert && expertFormat() == ExpertFormat::Fp4;
        const double inputs = columns * (fp4 ? 32 : 128);
        const double wanted = 1 / (std::sqrt(inputs) * 1.25 * (fp4 ? 2.93 : 0.61));
        recipe.scale = static_cast<std::uint8_t>(127 + std::lround(std::log2(wanted)));
    } else if (is("norm.weight")) {
        recipe.mean = 1;
        recipe.deviation = 0.1;
    } else if (is("_scale")) {
        recipe.mean = 1;
        recipe.deviation = 0.1;
    } else if (is("_base") || is(".ape") || is("attn_sink") || is("gate.bias")) {
        recipe.deviation = is("gate.bias") ? 0.05 : 0.5;
    } else if (spec.name == "embed.weight") {
        recipe.deviation = 1;
    } else {
        recipe.deviation = (is("gate.weight") ? 2 : 1) / std::sqrt(columns);
    }
    return recipe;
}

void SyntheticModel::fill(std::size_t tensor, std::uint64_t begin, std::span<std::byte> out) const {
    const TensorSpec& spec = m_tensors.at(tensor);
    const Recipe recipe = recipeFor(spec);
    const std::uint64_t key = recipe.key;
    switch (spec.dtype) {
    case DType::I8: // every pair of e2m1 codes is a pair of numbers
        fillWords(begin, out, [key](std::uint64_t i) { return wordAt(key, i); });
        return;
    case DType::F8E4M3: // exponents 0 to 7: below 2, and no NaN
        fillWords(begin, out, [key](std::uint64_t i) { return wordAt(key, i) & 0xBF * kBytes; });
        return;
    case DType::F8E8M0: { // middle scale, or half or twice of it (1/4 each)
        const std::uint64_t least = (recipe.scale - 1U) * kBytes;
        fillWords(begin, out, [key, least](std::uint64_t i) {
            const std::uint64_t r = wordAt(key, i);
            return least + (r & kBytes) + (r >> 1 & kBytes);
        });
        return;
    }
    case DType::I64: {
        const std::uint64_t top = m_config.expertsPerToken, experts = m_config.routedExperts;
        fillWords(begin, out, [=](std::uint64_t i) {
            return static_cast<std::uint64_t>(hashExpert(key, i / top, i % top, experts, top));
        });
        return;
    }
    default:
        break;
    }
    // Uniform values of the wanted mean and deviation.
    const auto mean = static_cast<float>(recipe.mean);
    const auto unit = static_cast<float>(recipe.deviation * std::sqrt(3.0) / 32768);
    const auto value = [=](std::uint64_t bits) {
        return mean + unit * static_cast<float>(static_cast<std::int16_t>(bits));
    };
    if (spec.dtype == DType::BF16) {
        fillWords(begin, out, [&](std::uint64_t i) {
            const std::uint64_t r = wordAt(key, i);
            std::uint64_t word = 0;
            for (int lane = 0; lane < 64; lane += 16) {
                word |= static_cast<std::uint64_t>(floatToBf16(value(r >> lane))) << lane;
            }
            return word;
        });
    } else {
        fillWords(begin, out, [&](std::uint64_t i) {
            const std::uint64_t r = wordAt(key, i);
            return std::bit_cast<std::uint32_t>(value(r)) |
                   static_cast<std::uint64_t>(std::bit_cast<std::uint32_t>(value(r >> 32))) << 32;
        });
    }
}

bool SyntheticModel::fillAll(ThreadPool& pool, std::span<const Target> targets,
                             std::stop_token stop) const {
    constexpr std::uint64_t kPiece = 4U << 20;
    std::vector<std::uint64_t> firstPiece(targets.size() + 1, 0);
    for (std::size_t i = 0; i < targets.size(); ++i) {
        const std::uint64_t bytes = m_tensors.at(targets[i].tensor).bytes();
        firstPiece[i + 1] = firstPiece[i] + (bytes + kPiece - 1) / kPiece;
    }
    pool.parallelFor(firstPiece.back(), 1, [&](std::size_t piece, std::size_t, unsigned) {
        if (stop.stop_requested()) {
            return;
        }
        const auto after = std::upper_bound(firstPiece.begin(), firstPiece.end(), piece);
        const auto index = static_cast<std::size_t>(after - firstPiece.begin()) - 1;
        const Target& target = targets[index];
        const std::uint64_t begin = (piece - firstPiece[index]) * kPiece;
        const std::uint64_t end = std::min(begin + kPiece, m_tensors[target.tensor].bytes());
        fill(target.tensor, begin, {target.data + begin, end - begin});
    });
    return !stop.stop_requested();
}

SyntheticWeights::SyntheticWeights(const SyntheticModel& model, MemoryLedger& ledger,
                                   ThreadPool& pool)
    : m_tensors(model.tensors()) {
    std::vector<SyntheticModel::Target> targets;
    std::unordered_map<std::string_view, TensorView> views;
    m_buffers.reserve(m_tensors.size());
    for (std::size_t i = 0; i < m_tensors.size(); ++i) {
        const TensorSpec& spec = m_tensors[i];
        const bool routed = spec.part == TensorPart::RoutedExpert;
        AlignedBuffer& buffer = m_buffers.emplace_back(
            ledger, routed ? "routed experts" : "dense weights", spec.bytes());
        targets.push_back({i, buffer.data()});
        views[spec.name] = {spec.name, spec.dtype, spec.shape, buffer.data(), spec.bytes(), 0};
    }
    model.fillAll(pool, targets);
    m_weights = assembleWeights(model.config(), model.expertFormat(),
                                [&](const std::string& name) { return views.at(name); });
}

ModelConfig firstLayers(const ModelConfig& config, std::uint32_t layers) {
    ModelConfig cut = config;
    cut.layers = std::clamp(layers, 1U, config.layers);
    cut.compressRatios.resize(cut.layers);
    cut.draftRatios.clear();
    cut.hashLayers = std::min(config.hashLayers, cut.layers);
    return cut;
}

} // namespace dossier::engine
