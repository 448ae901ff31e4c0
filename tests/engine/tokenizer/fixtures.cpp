// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/tokenizer/fixtures.h"
#include "engine/base/json_text.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

namespace dossier::engine::testing {

std::filesystem::path sharedFolder() {
    return DOSSIER_SOURCE_DIR "/../shared";
}

std::filesystem::path dataFolder() {
    return DOSSIER_SOURCE_DIR "/tests/engine/tokenizer/data";
}

std::string readAll(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

std::filesystem::path embeddedFolder() {
    for (const std::filesystem::path& folder :
         {std::filesystem::path(DOSSIER_SOURCE_DIR "/resources/model"),
          sharedFolder() / "embedded-model/checkpoint"}) {
        if (std::filesystem::exists(folder / "tokenizer.json")) {
            return folder;
        }
    }
    return {};
}

std::shared_ptr<const Tokenizer> embeddedTokenizer() {
    static const std::shared_ptr<const Tokenizer> tokenizer =
        embeddedFolder().empty() ? nullptr : Tokenizer::load(embeddedFolder());
    return tokenizer;
}

const std::string& v4Json() {
    static const std::string json = [] {
        const std::filesystem::path packed = sharedFolder() / "tokenizer/tokenizer.json.xz";
        std::string out;
        if (!std::filesystem::exists(packed)) {
            return out;
        }
        FILE* pipe = popen(("xz -dc '" + packed.string() + "'").c_str(), "r");
        if (pipe == nullptr) {
            return out;
        }
        std::array<char, 65536> buffer;
        while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
            out.append(buffer.data(), n);
        }
        return pclose(pipe) == 0 ? out : std::string();
    }();
    return json;
}

std::shared_ptr<const Tokenizer> v4Tokenizer() {
    static const std::shared_ptr<const Tokenizer> tokenizer =
        v4Json().empty()
            ? nullptr
            : Tokenizer::parse(v4Json(),
                               readAll(sharedFolder() / "tokenizer" / "tokenizer_config.json"));
    return tokenizer;
}

std::vector<Vector> readVectors(const std::filesystem::path& path, const std::string& key) {
    std::vector<Vector> out;
    for (const auto& entry : parseJson(readAll(path))) {
        out.push_back(
            {entry.at("text").get<std::string>(), entry.at(key).get<std::vector<Token>>()});
    }
    return out;
}

} // namespace dossier::engine::testing
