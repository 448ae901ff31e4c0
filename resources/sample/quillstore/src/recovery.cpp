// Recovery: replays segments in order. What is damaged, lost or merely torn is decided here and
// nowhere else; docs/recovery.md says it in words.
#include "recovery.h"

#include <cstdlib>
#include <vector>

#include "file.h"
#include "segment_reader.h"

namespace quill {
namespace {

bool isPacked(const std::string& name) { return name.find(".packed.") != std::string::npos; }

/// A record is lost when the sequence number jumps: numbers are given out without gaps, and only
/// a packed segment may leave some out, in it or at its end.
Status checkSequence(const std::string& name, const Record& record, std::uint64_t last,
                     bool gapAllowed) {
    const std::uint64_t expected = last + 1;
    if (record.sequence > expected && !gapAllowed)
        return Status(Code::LostRecord, name + ": record " + std::to_string(expected) +
                                            " is missing, found " +
                                            std::to_string(record.sequence));
    if (record.sequence < expected)
        return Status(Code::Damaged, name + ": record " + std::to_string(record.sequence) +
                                         " comes a second time");
    return {};
}

Status endOfSegment(const std::string& path, bool newest, bool repair, const SegmentEnd& end,
                    Recovered& result) {
    if (!end.torn)
        return {};
    if (!newest)
        return Status(Code::Damaged, path + " at byte " + std::to_string(end.goodBytes) +
                                         ": checksum does not match");
    // A power cut leaves half a record at the end of the newest segment. It was never acknowledged.
    std::string bytes;
    if (Status status = readFile(path, bytes); !status)
        return status;
    result.cutBytes = bytes.size() - end.goodBytes;
    return repair ? truncateFile(path, end.goodBytes) : Status();
}

} // namespace

Status recover(const std::string& folder, bool repair, Recovered& result) {
    std::vector<std::string> names;
    if (Status status = listSegments(folder, names); !status)
        return status;
    bool afterPacked = false;
    for (const std::string& name : names) {
        SegmentEnd end;
        afterPacked = afterPacked || isPacked(name);
        const auto visit = [&](Record& record) {
            if (Status status = checkSequence(name, record, result.lastSequence, afterPacked);
                !status)
                return status;
            afterPacked = isPacked(name);
            result.lastSequence = record.sequence;
            result.index.apply(record);
            return Status();
        };
        const std::string path = folder + "/" + name;
        if (Status status = readSegment(path, visit, end); !status)
            return status;
        if (Status status = endOfSegment(path, name == names.back(), repair, end, result); !status)
            return status;
        result.newestSegment = std::strtoull(name.c_str(), nullptr, 10);
    }
    return {};
}

} // namespace quill
