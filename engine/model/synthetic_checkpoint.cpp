// SPDX-License-Identifier: Apache-2.0
// The generator of tests' checkpoints. Its values must not change: golden files depend on them.
#include "engine/base/json_text.h"
#include "engine/model/synthetic.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/model/formats.h"

namespace dossier::engine {
namespace {

constexpr std::uint64_t kGold = 0x9E3779B97F4A7C15ULL;

class Random {
  public:
    Random(std::uint64_t seed, std::string_view name) : m_key(0xCBF29CE484222325ULL) {
        for (const char c : name) {
            m_key = (m_key ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ULL;
        }
        m_key ^= seed * kGold;
    }
    std::uint64_t bits(std::uint64_t index) const {
        std::uint64_t z = m_key + (index + 1) * kGold;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
        return z ^ z >> 31;
    }
    /// Mean 0, deviation 1, never beyond 3.464 (sum of four uniform values).
    double gauss(std::uint64_t index) const {
        const std::uint64_t z = bits(index);
        const std::uint64_t sum =
            (z & 0xFFFF) + (z >> 16 & 0xFFFF) + (z >> 32 & 0xFFFF) + (z >> 48);
        return (static_cast<double>(sum) - 131070) / 37837.5;
    }

  private:
    std::uint64_t m_key;
};

struct Tensor {
    std::string name;
    DType dtype;
    Shape shape;
    std::vector<std::byte> data;
};

class Builder {
  public:
    Builder(const ModelConfig& config, ExpertFormat experts, std::uint64_t seed,
            std::function<void(Tensor)> sink)
        : m_c(config), m_experts(experts), m_seed(seed), m_sink(std::move(sink)) {}

    void build();

  private:
    using Value = std::function<double(std::uint64_t)>;

    Random random(const std::string& name) const { return {m_seed, name}; }
    void emit(const std::string& name, DType dtype, Shape shape, std::vector<std::byte> data) {
        m_sink({name, dtype, shape, std::move(data)});
    }
    void f32(const std::string& name, Shape shape, const Value& value);
    void bf16(const std::string& name, Shape shape, const Value& value);
    void bf16Scaled(const std::string& name, double deviation, Shape shape);
    void norm(const std::string& name, std::uint64_t width, double spread = 0.2);
    std::vector<double> blockSpread(const std::string& name, std::uint64_t blocks) const;
    void fp8(const std::string& name, double deviation, std::uint64_t out, std::uint64_t in);
    void fp4(const std::string& name, double deviation, std::uint64_t out, std::uint64_t in);
    void mixer(const std::string& prefix, std::uint64_t rows, bool diagonal);
    void expert(const std::string& prefix, ExpertFormat format);
    void compressor(const std::string& prefix, std::uint64_t ratio, std::uint64_t width);
    void attention(const std::string& prefix, std::uint32_t ratio);
    void hashTable(const std::string& name);
    void layer(const std::string& prefix, std::uint32_t ratio, bool hashed);

    const ModelConfig& m_c;
    ExpertFormat m_experts;
    std::uint64_t m_seed;
    std::function<void(Tensor)> m_sink;
};

double inverseRoot(double scale, std::uint64_t n) {
    return scale / std::sqrt(static_cast<double>(n));
}

void Builder::f32(const std::string& name, Shape shape, const Value& value) {
    std::vector<std::byte> data(*shape.elements() * 4);
    for (std::uint64_t i = 0; i * 4 < data.size(); ++i) {
        const auto rounded = static_cast<float>(value(i));
        std::memcpy(data.data() + i * 4, &rounded, 4);
    }
    emit(name, DType::F32, shape, std::move(data));
}

void Builder::bf16(const std::string& name, Shape shape, const Value& value) {
    std::vector<std::byte> data(*shape.elements() * 2);
    for (std::uint64_t i = 0; i * 2 < data.size(); ++i) {
        const Bf16 rounded = floatToBf16(static_cast<float>(value(i)));
        std::memcpy(data.data() + i * 2, &rounded, 2);
    }
    emit(name, DType::BF16, shape, std::move(data));
}

void Builder::bf16Scaled(const std::string& name, double deviation, Shape shape) {
    const Random r = random(name);
    bf16(name, shape, [&](std::uint64_t i) { return deviation * r.gauss(i); });
}

void Builder::norm(const std::string& name, std::uint64_t width, double spread) {
    const Random r = random(name);
    bf16(name, {width}, [&](std::uint64_t i) { return 1 + spread * r.gauss(i); });
}

/// 1/2, 1 or 2 for every scale block (probabilities 1/4, 1/2, 1/4) over their root mean square, so
/// that neighbouring scales differ.
std::vector<double> Builder::blockSpread(const std::string& name, std::uint64_t blocks) const {
    constexpr std::array<double, 4> kFactors{0.5, 1, 1, 2};
    const Random r = random(name + "#spread");
    std::vector<double> factors(blocks);
    double squares = 0;
    for (std::uint64_t i = 0; i < blocks; ++i) {
        factors[i] = kFactors[r.bits(i) >> 62];
        squares += factors[i] * factors[i];
    }
    const double root = std::sqrt(squares / static_cast<double>(blocks));
    for (double& factor : factors) {
        factor /= root;
    }
    return factors;
}

void Builder::fp8(const std::string& name, double deviation, std::uint64_t out, std::uint64_t in) {
    const std::uint64_t blockRows = (out + 127) / 128, blockCols = (in + 127) / 128;
    const std::vector<double> spread = blockSpread(name, blockRows * blockCols);
    const auto blockOf = [&](std::uint64_t i) { return i / in / 128 * blockCols + i % in / 128; };
    const Random r = random(name + ".weight");
    std::vector<float> values(out * in);
    std::vector<float> amax(spread.size(), 1e-30F);
    for (std::uint64_t i = 0; i < values.size(); ++i) {
        const std::uint64_t block = blockOf(i);
        values[i] = static_cast<float>(deviation * r.gauss(i) * spread[block]);
        amax[block] = std::max(amax[block], std::fabs(values[i]));
    }
    std::vector<std::byte> scales(spread.size()), codes(values.size());
    for (std::size_t b = 0; b < scales.size(); ++b) {
        scales[b] = std::byte{ceilToE8m0(amax[b] * (1.0F / 448.0F))};
    }
    for (std::uint64_t i = 0; i < values.size(); ++i) {
        const auto scale = std::to_integer<std::uint8_t>(scales[blockOf(i)]);
        codes[i] = std::byte{floatToE4m3(values[i] / e8m0ToFloat(scale))};
    }
    emit(name + ".weight", DType::F8E4M3, {out, in}, std::move(codes));
    emit(name + ".scale", DType::F8E8M0, {blockRows, blockCols}, std::move(scales));
}

void Builder::fp4(const std::string& name, double deviation, std::uint64_t out, std::uint64_t in) {
    const std::vector<double> spread = blockSpread(name, out * in / 32);
    const Random r = random(name + ".weight");
    std::vector<std::byte> scales(spread.size()), codes(out * in / 2);
    for (std::uint64_t b = 0; b < spread.size(); ++b) {
        std::array<float, 32> values;
        float amax = 1e-30F;
        for (std::uint64_t i = 0; i < 32; ++i) {
            values[i] = static_cast<float>(deviation * r.gauss(b * 32 + i) * spread[b]);
            amax = std::max(amax, std::fabs(values[i]));
        }
        const std::uint8_t scaleCode = ceilToE8m0(amax * (1.0F / 6.0F));
        const float scale = e8m0ToFloat(scaleCode);
        scales[b] = std::byte{scaleCode};
        for (std::uint64_t i = 0; i < 32; i += 2) {
            const int pair = floatToE2m1(values[i] / scale) | floatToE2m1(values[i + 1] / scale)
                                                                  << 4;
            codes[(b * 32 + i) / 2] = static_cast<std::byte>(pair);
        }
    }
    emit(name + ".weight", DType::I8, {out, in / 2}, std::move(codes));
    emit(name + ".scale", DType::F8E8M0, {out, in / 32}, std::move(scales));
}

void Builder::mixer(const std::string& prefix, std::uint64_t rows, bool diagonal) {
    const std::uint64_t k = m_c.hcMult;
    const Random fn = random(prefix + "fn"), base = random(prefix + "base"),
                 scale = random(prefix + "scale");
    const double deviation = inverseRoot(0.5, m_c.streamWidth());
    f32(prefix + "fn", {rows, m_c.streamWidth()},
        [&](std::uint64_t i) { return deviation * fn.gauss(i); });
    f32(prefix + "base", {rows}, [&](std::uint64_t i) {
        const double value = 0.7 * base.gauss(i);
        if (!diagonal || i < 2 * k) {
            return value;
        }
        const std::uint64_t at = i - 2 * k; // uneven, clearly asymmetric mixing
        return 2 * value + (at / k == at % k ? 1.0 : 0.0);
    });
    f32(prefix + "scale", {diagonal ? 3U : 1U},
        [&](std::uint64_t i) { return 1 + 0.25 * scale.gauss(i); });
}

void Builder::expert(const std::string& prefix, ExpertFormat format) {
    const std::uint64_t in = m_c.hiddenSize, out = m_c.moeIntermediate;
    const auto put = format == ExpertFormat::Fp8 ? &Builder::fp8 : &Builder::fp4;
    (this->*put)(prefix + "w1", inverseRoot(4.5, in), out, in); // so that the clamp fires
    (this->*put)(prefix + "w2", inverseRoot(0.007, out), in, out);
    (this->*put)(prefix + "w3", inverseRoot(4.5, in), out, in);
}

void Builder::compressor(const std::string& prefix, std::uint64_t ratio, std::uint64_t width) {
    const std::uint64_t columns = (ratio == 4 ? 2 : 1) * width;
    const Random ape = random(prefix + "ape");
    f32(prefix + "ape", {ratio, columns}, [&](std::uint64_t i) { return 0.5 * ape.gauss(i); });
    bf16Scaled(prefix + "wkv.weight", inverseRoot(1, m_c.hiddenSize), {columns, m_c.hiddenSize});
    bf16Scaled(prefix + "wgate.weight", inverseRoot(1.5, m_c.hiddenSize),
               {columns, m_c.hiddenSize});
    norm(prefix + "norm.weight", width, 0.3);
}

void Builder::attention(const std::string& p, std::uint32_t ratio) {
    const std::uint64_t d = m_c.hiddenSize, q = m_c.qLoraRank;
    fp8(p + "wq_a", inverseRoot(1, d), q, d);
    norm(p + "q_norm.weight", q);
    fp8(p + "wq_b", inverseRoot(1, q), m_c.qWidth(), q);
    fp8(p + "wkv", inverseRoot(1, d), m_c.headDim, d);
    norm(p + "kv_norm.weight", m_c.headDim, 0.4);
    const Random sink = random(p + "attn_sink");
    f32(p + "attn_sink", {m_c.heads}, [&](std::uint64_t i) { return 1 + 1.5 * sink.gauss(i); });
    fp8(p + "wo_a", inverseRoot(1, m_c.oGroupInput()), m_c.oRank(), m_c.oGroupInput());
    fp8(p + "wo_b", inverseRoot(0.4, m_c.oRank()), d, m_c.oRank());
    if (ratio != 0) {
        compressor(p + "compressor.", ratio, m_c.headDim);
    }
    if (ratio == 4) {
        fp8(p + "indexer.wq_b", inverseRoot(1, q), std::uint64_t{m_c.indexHeads} * m_c.indexHeadDim,
            q);
        bf16Scaled(p + "indexer.weights_proj.weight", inverseRoot(1, d), {m_c.indexHeads, d});
        compressor(p + "indexer.compressor.", 4, m_c.indexHeadDim);
    }
}

/// Distinct experts for every token id: the first ones of a random order.
void Builder::hashTable(const std::string& name) {
    const std::uint64_t experts = m_c.routedExperts, top = m_c.expertsPerToken;
    const Random r = random(name);
    std::vector<std::byte> data(m_c.vocabSize * top * 8);
    std::vector<std::int64_t> order(experts);
    for (std::uint64_t token = 0; token < m_c.vocabSize; ++token) {
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
            return r.bits(token * experts + static_cast<std::uint64_t>(a)) <
                   r.bits(token * experts + static_cast<std::uint64_t>(b));
        });
        std::memcpy(data.data() + token * top * 8, order.data(), top * 8);
    }
    emit(name, DType::I64, {m_c.vocabSize, top}, std::move(data));
}

void Builder::layer(const std::string& p, std::uint32_t ratio, bool hashed) {
    norm(p + "attn_norm.weight", m_c.hiddenSize);
    norm(p + "ffn_norm.weight", m_c.hiddenSize);
    mixer(p + "hc_attn_", m_c.mixRows(), true);
    mixer(p + "hc_ffn_", m_c.mixRows(), true);
    attention(p + "attn.", ratio);
    const std::string f = p + "ffn.";
    bf16Scaled(f + "gate.weight", inverseRoot(3, m_c.hiddenSize),
               {m_c.routedExperts, m_c.hiddenSize});
    if (hashed) {
        hashTable(f + "gate.tid2eid");
    } else {
        const Random bias = random(f + "gate.bias");
        f32(f + "gate.bias", {m_c.routedExperts},
            [&](std::uint64_t i) { return 0.5 * bias.gauss(i); });
    }
    for (std::uint32_t e = 0; e < m_c.routedExperts; ++e) {
        expert(f + "experts." + std::to_string(e) + ".", m_experts);
    }
    expert(f + "shared_experts.", ExpertFormat::Fp8);
}

void Builder::build() {
    const std::uint64_t vocab = m_c.vocabSize, d = m_c.hiddenSize;
    bf16Scaled("embed.weight", 1, {vocab, d});
    for (std::uint32_t i = 0; i < m_c.layers; ++i) {
        layer("layers." + std::to_string(i) + ".", m_c.compressRatios[i], m_c.hashRouted(i));
    }
    const Random rows = random("head.weight#rows"), head = random("head.weight");
    bf16("head.weight", {vocab, d}, [&](std::uint64_t i) { // unequal row lengths: wider logit gaps
        return 0.25 * std::exp(0.5 * rows.gauss(i / d)) * head.gauss(i);
    });
    norm("norm.weight", d);
    mixer("hc_head_", m_c.hcMult, false);
    if (m_c.nextnLayers > 0) {
        layer("mtp.0.", m_c.draftRatios.empty() ? 0 : m_c.draftRatios.front(), false);
        fp8("mtp.0.e_proj", inverseRoot(0.7, d), d, d);
        fp8("mtp.0.h_proj", inverseRoot(0.7, d), d, d);
        norm("mtp.0.enorm.weight", d);
        norm("mtp.0.hnorm.weight", d);
        norm("mtp.0.norm.weight", d);
        mixer("mtp.0.hc_head_", m_c.hcMult, false);
    }
}

void writeFile(const std::filesystem::path& path,
               const std::vector<std::span<const std::byte>>& parts) {
    errno = 0;
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    for (const auto part : parts) {
        file.write(reinterpret_cast<const char*>(part.data()),
                   static_cast<std::streamsize>(part.size()));
    }
    file.close();
    if (!file) {
        throw systemError("write " + path.string(), errno == 0 ? EIO : errno);
    }
}

void writeText(const std::filesystem::path& path, std::string_view text) {
    writeFile(path, {std::as_bytes(std::span(text))});
}

void writeShard(const std::filesystem::path& path, const std::vector<Tensor>& tensors) {
    std::string header = "{";
    std::uint64_t at = 0;
    std::vector<std::span<const std::byte>> parts(2);
    for (const Tensor& tensor : tensors) {
        std::string shape;
        for (std::size_t i = 0; i < tensor.shape.rank(); ++i) {
            shape.append(i == 0 ? "" : ",").append(std::to_string(tensor.shape[i]));
        }
        header += (at == 0 ? "\"" : ",\"") + tensor.name + "\":{\"dtype\":\"" +
                  std::string(dtypeName(tensor.dtype)) + "\",\"shape\":[" + shape +
                  "],\"data_offsets\":[" + std::to_string(at) + "," +
                  std::to_string(at + tensor.data.size()) + "]}";
        at += tensor.data.size();
        parts.emplace_back(tensor.data);
    }
    header += "}";
    header.append((8 - header.size() % 8) % 8, ' ');
    std::array<std::byte, 8> length;
    for (std::size_t i = 0; i < 8; ++i) {
        length[i] = static_cast<std::byte>(header.size() >> (8 * i));
    }
    parts[0] = length;
    parts[1] = std::as_bytes(std::span(header));
    writeFile(path, parts);
}

} // namespace

std::uint64_t writeSyntheticCheckpoint(std::string_view configJson,
                                       const std::filesystem::path& directory,
                                       const SyntheticCheckpointOptions& options) {
    const ModelConfig config = parseModelConfig(configJson, "the configuration");
    std::vector<std::vector<Tensor>> shards(1);
    std::uint64_t size = 0, total = 0;
    Builder builder(
        config, config.expertFormat.value_or(ExpertFormat::Fp4), options.seed, [&](Tensor tensor) {
            if (size + tensor.data.size() > options.shardBytes && !shards.back().empty()) {
                shards.emplace_back();
                size = 0;
            }
            size += tensor.data.size();
            total += tensor.data.size();
            shards.back().push_back(std::move(tensor));
        });
    builder.build();
    std::error_code problem;
    std::filesystem::create_directories(directory, problem);
    if (problem) {
        throw systemError("make the folder " + directory.string(), problem.value());
    }
    nlohmann::json map = nlohmann::json::object();
    for (std::size_t i = 0; i < shards.size(); ++i) {
        std::array<char, 64> name{};
        std::snprintf(name.data(), name.size(), "model-%05zu-of-%05zu.safetensors", i + 1,
                      shards.size());
        writeShard(directory / name.data(), shards[i]);
        for (const Tensor& tensor : shards[i]) {
            map[tensor.name] = name.data();
        }
    }
    const nlohmann::json index{{"metadata", {{"total_size", total}}}, {"weight_map", map}};
    writeText(directory / "model.safetensors.index.json", jsonText(index));
    writeText(directory / "config.json", configJson);
    return total;
}

} // namespace dossier::engine
