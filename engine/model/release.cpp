// SPDX-License-Identifier: Apache-2.0
#include "engine/model/release.h"

#include <fstream>
#include <optional>
#include <string_view>

#include "engine/base/sha256.h"

namespace dossier::engine {
namespace {

constexpr std::uint32_t kPublishedVocabulary = 129280;

// Published versions of encoding/encoding_dsv4.py.
constexpr std::string_view kAprilEncoding =
    "bdbd57c132a1b3725042323d02b98b9d1df28e5f388f134399555d041f5055e0";
constexpr std::string_view k0731Encoding =
    "abc0d26120250dda0ae077dc64aa28836026e61e970854aaeb792445e6a0dde6";

std::optional<Release> byEncodingFile(const std::filesystem::path& directory) {
    const std::filesystem::path path = directory / "encoding" / "encoding_dsv4.py";
    std::error_code problem;
    if (!std::filesystem::is_regular_file(path, problem) ||
        std::filesystem::file_size(path, problem) > (1U << 22)) {
        return std::nullopt;
    }
    const std::string hash = Sha256::hexOfFile(path);
    if (hash == kAprilEncoding) {
        return Release::April;
    }
    if (hash == k0731Encoding) {
        return Release::V0731;
    }
    return std::nullopt;
}

/// The card of our own model begins "# Embedded default model, version 2 (...)".
std::optional<std::string> embeddedVersion(const std::filesystem::path& directory) {
    constexpr std::string_view kTitle = "# Embedded default model, version ";
    std::ifstream card(directory / "MODEL_CARD.md");
    std::string line;
    if (!std::getline(card, line) || line.compare(0, kTitle.size(), kTitle) != 0) {
        return std::nullopt;
    }
    const std::size_t end = line.find_first_not_of("0123456789.", kTitle.size());
    const std::string version = line.substr(kTitle.size(), end - kTitle.size());
    return version.empty() ? std::nullopt : std::optional(version);
}

std::string folderName(const std::filesystem::path& directory) {
    const std::filesystem::path clean = (directory / "").lexically_normal().parent_path();
    const std::string name = clean.filename().string();
    return name.empty() || name == "." ? "model" : name;
}

} // namespace

std::string releaseName(Release release) {
    switch (release) {
    case Release::April:
        return "april";
    case Release::V0731:
        return "0731";
    case Release::Embedded:
        break;
    }
    return "embedded";
}

std::vector<std::string> releaseLevels(Release release) {
    switch (release) {
    case Release::April:
        return {"none", "high", "max"};
    case Release::V0731:
        return {"none", "low", "high", "max"};
    case Release::Embedded:
        break;
    }
    return {"none", "high"};
}

Release detectRelease(const ModelConfig& config, const std::filesystem::path& directory,
                      bool hasDsparkTensors) {
    if (config.vocabSize != kPublishedVocabulary) {
        return Release::Embedded;
    }
    if (const std::optional<Release> known = byEncodingFile(directory)) {
        return *known;
    }
    const bool dspark = config.dsparkBlockSize.has_value() || hasDsparkTensors;
    return dspark && config.draftRatios.size() >= 3 ? Release::V0731 : Release::April;
}

std::string modelName(const ModelConfig& config, Release release,
                      const std::filesystem::path& directory) {
    if (release == Release::Embedded) {
        const std::optional<std::string> version = embeddedVersion(directory);
        return version ? "Dossier embedded " + *version : folderName(directory);
    }
    const bool flash = config.hiddenSize == 4096 && config.layers == 43;
    const bool pro = config.hiddenSize == 7168 && config.layers == 61;
    if (!flash && !pro) {
        return folderName(directory);
    }
    std::string name = flash ? "DeepSeek-V4-Flash" : "DeepSeek-V4-Pro";
    if (release == Release::V0731) {
        name += flash ? "-0731" : "-0813";
    }
    if (config.expertFormat == ExpertFormat::Fp8) {
        name += "-Base";
    }
    if (config.routedExperts != (flash ? 256U : 384U)) {
        name += " (" + std::to_string(config.routedExperts) + " experts)";
    }
    return name;
}

} // namespace dossier::engine
