// Rebuilds the index of a store from its segments and finds out whether anything is missing.
#pragma once

#include <cstdint>
#include <string>

#include "index.h"
#include "quill/status.h"

namespace quill {

struct Recovered {
    Index index;
    std::uint64_t lastSequence = 0;
    std::uint64_t newestSegment = 1;
    std::uint64_t cutBytes = 0; ///< of a torn record at the end of the newest segment
};

/// `repair` cuts a torn record off the newest segment; without it no file is changed.
Status recover(const std::string& folder, bool repair, Recovered& result);

} // namespace quill
