// SPDX-License-Identifier: Apache-2.0
#include "engine/forecast/deepseek_v32.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "engine/forecast/costs.h"

namespace dossier::engine {
namespace {

/// Weights multiplied with in BF16 when decoding: the halves of kv_b that are absorbed into the
/// query and output sides, the router and the head.
double bf16Weights(const DeepSeekV32& m) {
    const auto layers = static_cast<double>(m.layers);
    return layers * static_cast<double>(m.heads * (m.nopeHead + m.valueHead) * m.kvLora) +
           static_cast<double>((m.layers - m.denseLayers) * m.routedExperts * m.hidden) +
           static_cast<double>(m.vocabulary * m.hidden);
}

double attentionFlops(const DeepSeekV32& m, std::uint64_t n) {
    const auto rows = static_cast<double>(std::min(n, m.indexTopk));
    return static_cast<double>(m.layers) * rows * 2.0 *
           static_cast<double>(m.heads * (m.kvLora + m.rope + m.kvLora));
}

double indexProducts(const DeepSeekV32& m, std::uint64_t n) {
    return static_cast<double>(m.layers) * static_cast<double>(n) * 2.0 *
           static_cast<double>(m.indexHeads * m.indexHeadDim);
}

std::string row(const char* format, const Comparison& c, bool first) {
    std::array<char, 256> text{};
    const auto percent = [&](double ratio) { return first ? 100.0 : 100.0 * ratio; };
    std::snprintf(text.data(), text.size(), format, c.name.c_str(), c.flops / 1e9,
                  percent(c.flopsRatio), c.flopsFp8Equivalent / 1e9,
                  percent(c.flopsFp8EquivalentRatio), c.kvBytes / 1e9, percent(c.kvRatio));
    return text.data();
}

} // namespace

double DeepSeekV32::activeParameters() const {
    const std::uint64_t attention =
        qLora * hidden + heads * (nopeHead + rope) * qLora + (kvLora + rope) * hidden +
        heads * (nopeHead + valueHead) * kvLora + hidden * heads * valueHead;
    const std::uint64_t index =
        indexHeads * indexHeadDim * qLora + indexHeadDim * hidden + indexHeads * hidden;
    const std::uint64_t moe =
        3 * hidden * moeIntermediate * (expertsPerToken + sharedExperts) + routedExperts * hidden;
    return static_cast<double>(layers * (attention + index)) +
           static_cast<double>(denseLayers * 3 * hidden * denseIntermediate) +
           static_cast<double>((layers - denseLayers) * moe) +
           static_cast<double>(vocabulary * hidden);
}

double DeepSeekV32::flopsPerToken(std::uint64_t n) const {
    const double elementwise = static_cast<double>(layers) * static_cast<double>(n) * 3.0 *
                               static_cast<double>(indexHeads);
    return 2 * activeParameters() + attentionFlops(*this, n) + indexProducts(*this, n) +
           elementwise;
}

double DeepSeekV32::flopsPerTokenFp8Equivalent(std::uint64_t n) const {
    return 2 * activeParameters() + 2 * bf16Weights(*this) + 2 * attentionFlops(*this, n) +
           indexProducts(*this, n);
}

std::uint64_t DeepSeekV32::kvBytesPerToken() const {
    const std::uint64_t cacheRow = kvLora + kvLora / 128 * 4 + 2 * rope;
    return layers * (cacheRow + indexHeadDim + 4);
}

std::vector<Comparison> compareWithV32(std::span<const NamedConfig> models, std::uint64_t n) {
    const DeepSeekV32 v32;
    Comparison base{"DeepSeek-V3.2",
                    v32.flopsPerToken(n),
                    v32.flopsPerTokenFp8Equivalent(n),
                    static_cast<double>(v32.kvBytesPerToken()) * static_cast<double>(n),
                    1,
                    1,
                    1};
    std::vector<Comparison> rows{base};
    for (const NamedConfig& model : models) {
        const DecodeFlops flops = decodeFlops(model.config, n);
        Comparison c{model.name, flops.total(), flops.fp8Equivalent,
                     static_cast<double>(kvBytes(model.config, n))};
        c.flopsRatio = c.flops / base.flops;
        c.flopsFp8EquivalentRatio = c.flopsFp8Equivalent / base.flopsFp8Equivalent;
        c.kvRatio = c.kvBytes / base.kvBytes;
        rows.push_back(c);
    }
    return rows;
}

std::string comparisonMarkdown(std::span<const NamedConfig> models, std::uint64_t n) {
    std::string text = "One token at a context of " + std::to_string(n) + " tokens:\n\n";
    text +=
        "| model | GFLOP, plain count | of V3.2 | GFLOP in FP8 equivalents | of V3.2 | KV, GB | "
        "of V3.2 |\n|---|---|---|---|---|---|---|\n";
    bool first = true;
    for (const Comparison& c : compareWithV32(models, n)) {
        text += row("| %s | %.1f | %.1f %% | %.1f | %.1f %% | %.2f | %.1f %% |\n", c, first);
        first = false;
    }
    text += R"(
The DeepSeek-V4 report gives 27 % of the FLOPs and 10 % of the KV bytes for V4-Pro at 1M tokens, 10 % and
7 % for V4-Flash, "measured in equivalent FP8 FLOPs", and does not say how it weighs formats. A plain
count of multiply-adds takes all formats alike. Weighed by peak rates (our reading), a BF16 product
counts as two FP8 ones (attention, wo_a, compressors, router, head), an FP4 product as half (V4's index
scores; V3.2's are FP8), an FP4 weight times an FP8 activation as one: then the published ratios come
out. KV: V3.2 keeps 656-byte rows and 132-byte index keys in each of 61 layers, V4 the packed rows of
this engine.
)";
    return text;
}

} // namespace dossier::engine
