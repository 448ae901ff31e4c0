// The whole file is read at once: segments are at most 64 MiB.
#include "segment_reader.h"

#include <cstring>

#include "file.h"
#include "segment_writer.h"

namespace quill {

Status readSegment(const std::string& path, const std::function<Status(Record&)>& visit,
                   SegmentEnd& end) {
    std::string bytes;
    if (Status status = readFile(path, bytes); !status)
        return status;
    if (bytes.size() < sizeof kMagic || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0)
        return Status(Code::Damaged, path + " does not begin like a segment");
    end.goodBytes = sizeof kMagic;
    end.torn = false;
    while (end.goodBytes < bytes.size()) {
        Record record;
        std::size_t used = 0;
        if (!decode(std::string_view(bytes).substr(end.goodBytes), record, used)) {
            end.torn = true;
            return {};
        }
        if (Status status = visit(record); !status)
            return status;
        end.goodBytes += used;
    }
    return {};
}

} // namespace quill
