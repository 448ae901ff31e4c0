// Reads the records of one segment file from its beginning to its end.
#pragma once

#include <functional>
#include <string>

#include "quill/record.h"

namespace quill {

struct SegmentEnd {
    std::uint64_t goodBytes = 0; ///< up to here every record is whole
    bool torn = false;           ///< something that is not a record follows
};

/// Calls `visit` for each whole record, in order; a Status that is not Ok stops the reading and is
/// returned. A torn end is not an error here: the caller knows whether it may be one.
Status readSegment(const std::string& path, const std::function<Status(Record&)>& visit,
                   SegmentEnd& end);

} // namespace quill
