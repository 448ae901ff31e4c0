// SPDX-License-Identifier: Apache-2.0
// Copies what is in use of a lane file, or a prefix of it, into a new file: for another dossier
// with the same documents, for another disk, and to get rid of replaced records.
#pragma once

#include <filesystem>
#include <stop_token>

#include "engine/base/types.h"
#include "engine/engine.h"

namespace dossier::engine {

/// Every section is compared with its checksum on the way: a damaged record ends the copy before
/// it. Rows end at the last frontier at or before `tokens`. `to` must not exist. Cancelled: what
/// was copied is a lane. Errors: as LaneWriter::create; DiskFull before anything is written when
/// the disk has not enough space.
LaneFileInfo copyLaneFile(const std::filesystem::path& from, const std::filesystem::path& to,
                          std::uint64_t tokens, const ProgressFn&, std::stop_token);

} // namespace dossier::engine
