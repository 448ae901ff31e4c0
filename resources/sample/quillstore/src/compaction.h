// Copies what is still current out of old segments and deletes them.
#pragma once

#include <cstdint>
#include <string>

#include "index.h"
#include "quill/status.h"

namespace quill {

/// True when more than half of the closed segments' records are out of date.
Status worthCompacting(const std::string& folder, const Index& index, bool& worth);

/// Packs all segments but the newest into one file that takes the place of the oldest. A crash at
/// any moment leaves either the old files or the new one.
Status compact(const std::string& folder, const Index& index, std::uint64_t newestSegment);

} // namespace quill
