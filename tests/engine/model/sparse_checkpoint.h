// SPDX-License-Identifier: Apache-2.0
// Checkpoints whose data is one big hole: true names, shapes and file sizes of any model, taking
// almost no disk. All weights are zero.
#pragma once

#include <filesystem>
#include <string_view>

namespace dossier::test {

/// One shard for the embedding, one for every layer, one for the head, as published. Extra tensors
/// of a draft module go into a last shard when `draft` is set.
void writeSparseCheckpoint(std::string_view configJson, const std::filesystem::path& directory,
                           bool draft = false);

} // namespace dossier::test
