// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/support/golden.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include <unistd.h>

#include "engine/base/error.h"
#include "engine/model/formats.h"
#include "engine/model/synthetic.h"

namespace dossier::test {
namespace {

const std::filesystem::path kSource = DOSSIER_SOURCE_DIR;

struct Folders {
    std::filesystem::path root;
    std::map<std::string, std::filesystem::path, std::less<>> checkpoints;
    int count = 0;

    Folders()
        : root(std::filesystem::temp_directory_path() /
               ("dossier-test-" + std::to_string(getpid()))) {
        std::filesystem::create_directories(root);
    }
    ~Folders() {
        std::error_code ignored;
        std::filesystem::remove_all(root, ignored);
    }
};
Folders& folders() {
    static Folders instance;
    return instance;
}

} // namespace

std::optional<std::filesystem::path> sharedPath(std::string_view relative) {
    const std::filesystem::path path = kSource / ".." / "shared" / relative;
    return std::filesystem::exists(path) ? std::optional(path) : std::nullopt;
}

std::optional<std::filesystem::path> goldenPath(std::string_view relative) {
    const std::filesystem::path committed = kSource / "tests" / "golden" / relative;
    if (std::filesystem::exists(committed)) {
        return committed;
    }
    return sharedPath("oracle/golden/" + std::string(relative));
}

std::string missingGolden(std::string_view relative) {
    return "needs ../shared/oracle/golden/" + std::string(relative) +
           ", which is not beside the repository";
}

std::string readText(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw systemError("open " + path.string(), ENOENT);
    }
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::filesystem::path temporaryFolder(std::string_view name) {
    Folders& all = folders();
    const std::filesystem::path path =
        all.root / (std::string(name) + "-" + std::to_string(all.count++));
    std::filesystem::create_directories(path);
    return path;
}

std::filesystem::path tinyCheckpoint(std::string_view name) {
    Folders& all = folders();
    if (const auto known = all.checkpoints.find(name); known != all.checkpoints.end()) {
        return known->second;
    }
    const std::filesystem::path path = temporaryFolder(name);
    const std::filesystem::path config = kSource / "tests" / "golden" / name / "config.json";
    engine::writeSyntheticCheckpoint(readText(config), path);
    all.checkpoints.emplace(name, path);
    return path;
}

GoldenFile::GoldenFile(const std::filesystem::path& path)
    : m_file(engine::SafetensorsFile::open(path)) {}

std::vector<std::string> GoldenFile::names() const {
    std::vector<std::string> names;
    for (const engine::SafetensorsEntry& entry : m_file.entries()) {
        names.push_back(entry.name);
    }
    return names;
}

engine::TensorView GoldenFile::view(std::string_view name) const {
    const engine::SafetensorsEntry* entry = m_file.find(name);
    if (entry == nullptr) {
        throw Error(ErrorCode::NotFound,
                    "no golden tensor \"" + std::string(name) + "\" in " +
                        m_file.file().path().string(),
                    "Generate the golden files again");
    }
    engine::TensorView view = m_file.view(*entry);
    if (!engine::SafetensorsFile::isAligned(view)) {
        auto& copy = m_copies.emplace_back((view.bytes + 7) / 8);
        std::memcpy(copy.data(), view.data, view.bytes);
        view.data = reinterpret_cast<const std::byte*>(copy.data());
    }
    return view;
}

std::vector<float> GoldenFile::floats(std::string_view name) const {
    const engine::TensorView tensor = view(name);
    if (tensor.dtype == engine::DType::F32) {
        const auto values = tensor.f32();
        return {values.begin(), values.end()};
    }
    std::vector<float> values;
    values.reserve(tensor.bytes / 2);
    for (const engine::Bf16 bits : tensor.bf16()) {
        values.push_back(engine::bf16ToFloat(bits));
    }
    return values;
}

std::vector<std::uint8_t> GoldenFile::bytes(std::string_view name) const {
    const auto codes = view(name).codes();
    return {codes.begin(), codes.end()};
}

std::vector<std::int64_t> GoldenFile::integers(std::string_view name) const {
    const engine::TensorView tensor = view(name);
    switch (tensor.dtype) {
    case engine::DType::I64: {
        const auto values = tensor.i64();
        return {values.begin(), values.end()};
    }
    case engine::DType::I8: {
        const auto* values = reinterpret_cast<const std::int8_t*>(tensor.data);
        return {values, values + tensor.bytes};
    }
    case engine::DType::U8:
        return {tensor.codes().begin(), tensor.codes().end()};
    default: {
        const auto values = tensor.i32();
        return {values.begin(), values.end()};
    }
    }
}

} // namespace dossier::test
