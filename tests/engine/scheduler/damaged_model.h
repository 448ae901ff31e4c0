// SPDX-License-Identifier: Apache-2.0
// A model with one damaged byte, for tests of what finds it.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "engine/model/checkpoint.h"
#include "tests/engine/support/golden.h"

namespace dossier::test {

/// A copy of the tiny model in which one byte of `tensor` is 255; gives the folder and the shard.
inline std::pair<std::filesystem::path, std::string> damagedModel(const std::string& tensor) {
    const auto folder = temporaryFolder("damaged");
    std::filesystem::copy(tinyCheckpoint("tiny"), folder, std::filesystem::copy_options::recursive);
    const engine::Checkpoint checkpoint = engine::Checkpoint::open(folder);
    const engine::TensorView* view = checkpoint.find(tensor);
    const auto shard = checkpoint.shards()[view->shard];
    std::fstream file(shard, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(checkpoint.fileOffset(*view) + 3));
    file.put('\xff');
    return {folder, shard.filename().string()};
}

} // namespace dossier::test
