// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/model/sparse_checkpoint.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "engine/model/config.h"
#include "engine/model/tensor_plan.h"

namespace dossier::test {

void writeSparseCheckpoint(std::string_view configJson, const std::filesystem::path& directory,
                           bool draft) {
    using namespace engine;
    const ModelConfig config = parseModelConfig(configJson, "config");
    std::filesystem::create_directories(directory);
    std::ofstream(directory / "config.json") << configJson;
    std::map<int, std::vector<TensorSpec>> shards;
    for (TensorSpec& spec : trunkTensors(config, config.expertFormat.value_or(ExpertFormat::Fp4))) {
        const int last = static_cast<int>(config.layers) + 2;
        const int shard = spec.part == TensorPart::Embedding ? 1
                          : spec.layer < 0                   ? last
                                                             : spec.layer + 2;
        shards[shard].push_back(std::move(spec));
    }
    if (draft) {
        TensorSpec spec;
        spec.name = "mtp.0.main_proj.weight";
        spec.dtype = DType::F8E4M3;
        spec.shape = {128, 128};
        shards[static_cast<int>(config.layers) + 3] = {spec};
    }
    std::string index = "{\"metadata\":{\"total_size\":0},\"weight_map\":{";
    for (auto& [number, specs] : shards) {
        // The order of the published files: wide types first, then by name.
        std::sort(specs.begin(), specs.end(), [](const TensorSpec& a, const TensorSpec& b) {
            return a.dtype != b.dtype ? a.dtype > b.dtype : a.name < b.name;
        });
        char name[64];
        std::snprintf(name, sizeof name, "model-%05d-of-%05zu.safetensors", number, shards.size());
        std::string header = "{";
        std::uint64_t at = 0;
        for (const TensorSpec& spec : specs) {
            std::string shape;
            for (std::size_t i = 0; i < spec.shape.rank(); ++i) {
                shape.append(i == 0 ? "" : ",").append(std::to_string(spec.shape[i]));
            }
            header.append(at == 0 ? "\"" : ",\"").append(spec.name).append("\":{\"dtype\":\"");
            header.append(dtypeName(spec.dtype)).append("\",\"shape\":[").append(shape);
            header.append("],\"data_offsets\":[").append(std::to_string(at)).append(",");
            at += spec.bytes();
            header.append(std::to_string(at)).append("]}");
            index.append(index.back() == '{' ? "\"" : ",\"").append(spec.name);
            index.append("\":\"").append(name).append("\"");
        }
        header.append("}");
        header.append((8 - header.size() % 8) % 8, ' ');
        const std::uint64_t length = header.size();
        std::ofstream file(directory / name, std::ios::binary);
        file.write(reinterpret_cast<const char*>(&length), 8);
        file << header;
        file.close();
        std::filesystem::resize_file(directory / name, 8 + length + at);
    }
    std::ofstream(directory / "model.safetensors.index.json") << index << "}}";
}

} // namespace dossier::test
