// SPDX-License-Identifier: Apache-2.0
#include "engine/model/checkpoint_files.h"

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

#include <nlohmann/json.hpp>

#include "engine/base/error.h"

namespace dossier::engine {
namespace {

constexpr std::size_t kMaxIndexBytes = 256U << 20;
constexpr const char* kIndexName = "model.safetensors.index.json";

using WeightMap = std::map<std::string, std::vector<std::string>>; ///< file -> tensors

void checkFileName(const std::string& name, const std::string& origin) {
    const bool plain = !name.empty() && name != "." && name != ".." &&
                       name.find('/') == std::string::npos && name.find('\0') == std::string::npos;
    if (!plain) {
        throw Error(ErrorCode::Corrupt,
                    origin + " names the file \"" + name + "\", which is not a plain file name",
                    kIncompleteRemedy);
    }
}

/// Receives the parser's events for {"metadata": .., "weight_map": {"tensor": "file", ..}}. A
/// full-size index has 70,000 entries, so no document tree is built.
class IndexReader {
  public:
    explicit IndexReader(std::string origin) : m_origin(std::move(origin)) {}
    WeightMap take() { return std::move(m_map); }
    bool sawMap() const { return m_sawMap; }

    bool null() { return scalar(); }
    bool boolean(bool /*value*/) { return scalar(); }
    bool number_integer(std::int64_t /*value*/) { return scalar(); }
    bool number_unsigned(std::uint64_t /*value*/) { return scalar(); }
    bool number_float(double /*value*/, const std::string& /*text*/) { return scalar(); }
    bool binary(nlohmann::json::binary_t& /*value*/) { return scalar(); }
    bool string(std::string& value) {
        if (!m_inMap) {
            return scalar();
        }
        checkFileName(value, m_origin);
        m_map[value].push_back(m_key);
        return true;
    }
    bool start_object(std::size_t /*size*/) {
        ++m_depth;
        if (m_inMap) {
            return scalar();
        }
        m_inMap = m_depth == 2 && m_key == "weight_map";
        m_sawMap |= m_inMap;
        return true;
    }
    bool end_object() {
        m_inMap = m_inMap && m_depth != 2;
        --m_depth;
        return true;
    }
    bool start_array(std::size_t /*size*/) {
        ++m_depth;
        return scalar();
    }
    bool end_array() {
        --m_depth;
        return true;
    }
    bool key(std::string& name) {
        const bool known = m_inMap ? !m_tensors.insert(name).second
                                   : m_depth == 1 && !m_topKeys.insert(name).second;
        if (known) {
            corrupt("lists \"" + name + "\" twice");
        }
        if (m_inMap || m_depth == 1) {
            m_key = name;
        }
        return true;
    }
    bool parse_error(std::size_t position, const std::string& /*token*/,
                     const nlohmann::json::exception& /*problem*/) {
        corrupt("is not valid JSON: the fault is at byte " + std::to_string(position));
    }

  private:
    [[noreturn]] void corrupt(const std::string& why) const {
        throw Error(ErrorCode::Corrupt, m_origin + " " + why, kIncompleteRemedy);
    }
    /// A value that is not a file name: fine anywhere but in the map.
    bool scalar() const {
        if (m_inMap) {
            corrupt("does not name a file for tensor \"" + m_key + "\"");
        }
        if (m_depth > 32) {
            corrupt("nests more than 32 levels");
        }
        return true;
    }

    std::string m_origin, m_key;
    WeightMap m_map;
    std::unordered_set<std::string> m_tensors, m_topKeys;
    int m_depth = 0;
    bool m_inMap = false, m_sawMap = false;
};

WeightMap readIndex(const std::filesystem::path& path) {
    const MappedFile file = MappedFile::open(path);
    const auto bytes = file.bytes();
    if (bytes.size() > kMaxIndexBytes) {
        throw Error(ErrorCode::TooLarge, path.string() + " is larger than any index",
                    kIncompleteRemedy);
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    IndexReader reader(path.string());
    nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
    if (!reader.sawMap()) {
        throw Error(ErrorCode::Corrupt, path.string() + " has no \"weight_map\"",
                    kIncompleteRemedy);
    }
    WeightMap map = reader.take();
    if (map.empty()) {
        throw Error(ErrorCode::Corrupt, path.string() + " lists no tensors", kIncompleteRemedy);
    }
    for (auto& [name, tensors] : map) {
        std::sort(tensors.begin(), tensors.end());
    }
    return map;
}

Error missingShard(const std::filesystem::path& path, const std::string& tensor) {
    return {ErrorCode::NotFound,
            path.string() + " is missing; it should hold tensor \"" + tensor + "\"",
            "Copy or download this file into the folder"};
}

/// The index and the header of a shard must list the same tensors. `expected` is sorted.
void compareWithIndex(const SafetensorsFile& file, const std::vector<std::string>& expected) {
    const std::string origin = file.file().path().string();
    for (const std::string& tensor : expected) {
        if (file.find(tensor) == nullptr) {
            throw Error(ErrorCode::Corrupt,
                        origin + ": tensor \"" + tensor +
                            "\" is not in it, though the index says so",
                        kIncompleteRemedy);
        }
    }
    if (file.entries().size() != expected.size()) {
        const auto extra = std::find_if(
            file.entries().begin(), file.entries().end(), [&](const SafetensorsEntry& entry) {
                return !std::binary_search(expected.begin(), expected.end(), entry.name);
            });
        throw Error(ErrorCode::Corrupt,
                    origin + ": tensor \"" +
                        (extra == file.entries().end() ? std::string("?") : extra->name) +
                        "\" is not in the index",
                    kIncompleteRemedy);
    }
}

} // namespace

CheckpointFiles CheckpointFiles::open(const std::filesystem::path& directory,
                                      const std::function<bool(std::string_view)>& optional) {
    CheckpointFiles result;
    result.m_directory = directory;
    const auto add = [&](SafetensorsFile file) {
        const auto shard = static_cast<std::uint32_t>(result.m_files.size());
        result.m_paths.push_back(file.file().path());
        result.m_files.push_back(std::move(file));
        for (const SafetensorsEntry& entry : result.m_files.back().entries()) {
            if (!result.m_shardOf.emplace(entry.name, shard).second) {
                throw Error(ErrorCode::Corrupt,
                            result.m_paths.back().string() + ": tensor \"" + entry.name +
                                "\" is also in " +
                                result.m_paths[result.m_shardOf.at(entry.name)].string(),
                            kIncompleteRemedy);
            }
        }
    };
    const std::filesystem::path index = directory / kIndexName;
    if (!std::filesystem::exists(index)) {
        const std::filesystem::path single = directory / "model.safetensors";
        if (!std::filesystem::exists(single)) {
            throw Error(ErrorCode::NotFound,
                        directory.string() + " has neither " + kIndexName +
                            " nor model.safetensors",
                        "Choose the folder that holds config.json and the *.safetensors files");
        }
        add(SafetensorsFile::open(single));
        return result;
    }
    for (auto& [name, tensors] : readIndex(index)) {
        const std::filesystem::path path = directory / name;
        if (!std::filesystem::exists(path)) {
            const auto needed = std::find_if_not(tensors.begin(), tensors.end(), optional);
            if (needed != tensors.end()) {
                throw missingShard(path, *needed);
            }
            result.m_notes.push_back(name + " is missing; it holds only parts that are not used");
            continue;
        }
        SafetensorsFile file = SafetensorsFile::open(path);
        compareWithIndex(file, tensors);
        add(std::move(file));
    }
    return result;
}

std::uint64_t CheckpointFiles::totalBytes() const {
    std::uint64_t sum = 0;
    for (const SafetensorsFile& file : m_files) {
        sum += file.file().size();
    }
    return sum;
}

std::optional<TensorView> CheckpointFiles::find(std::string_view name) const {
    const auto it = m_shardOf.find(name);
    if (it == m_shardOf.end()) {
        return std::nullopt;
    }
    const SafetensorsFile& file = m_files[it->second];
    return file.view(*file.find(name), it->second);
}

void CheckpointFiles::forEach(const std::function<void(const TensorView&)>& visit) const {
    for (std::uint32_t shard = 0; shard < m_files.size(); ++shard) {
        for (const SafetensorsEntry& entry : m_files[shard].entries()) {
            visit(m_files[shard].view(entry, shard));
        }
    }
}

void CheckpointFiles::checkIntact() const {
    for (const SafetensorsFile& file : m_files) {
        file.file().checkIntact();
    }
}

} // namespace dossier::engine
