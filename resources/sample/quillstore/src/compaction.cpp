// Compaction writes NAME.tmp first, syncs it, renames it, and deletes the old segments last.
#include "compaction.h"

#include <cstdlib>
#include <vector>

#include "file.h"
#include "segment_reader.h"
#include "segment_writer.h"

namespace quill {
namespace {

Status closedSegments(const std::string& folder, std::vector<std::string>& names) {
    if (Status status = listSegments(folder, names); !status)
        return status;
    if (!names.empty())
        names.pop_back(); // the newest one is being written
    return {};
}

} // namespace

Status worthCompacting(const std::string& folder, const Index& index, bool& worth) {
    std::vector<std::string> names;
    if (Status status = closedSegments(folder, names); !status)
        return status;
    std::uint64_t all = 0, current = 0;
    for (const std::string& name : names) {
        SegmentEnd end;
        const auto count = [&](Record& record) {
            ++all;
            current += index.isCurrent(record);
            return Status();
        };
        if (Status status = readSegment(folder + "/" + name, count, end); !status)
            return status;
    }
    worth = names.size() > 1 && current * 2 < all;
    return {};
}

Status compact(const std::string& folder, const Index& index, std::uint64_t newestSegment) {
    std::vector<std::string> names;
    if (Status status = closedSegments(folder, names); !status || names.size() < 2)
        return status;
    std::string packed(kMagic, sizeof kMagic);
    for (const std::string& name : names) {
        if (std::strtoull(name.c_str(), nullptr, 10) >= newestSegment)
            return Status(Code::Damaged, folder + ": the newest segment is not the last one");
        SegmentEnd end;
        const auto keep = [&](Record& record) {
            if (index.isCurrent(record))
                encode(record, packed);
            return Status();
        };
        if (Status status = readSegment(folder + "/" + name, keep, end); !status)
            return status;
    }
    // It takes the highest number of the files that it replaces, so that the order stays.
    const std::string target =
        folder + "/" + names.back().substr(0, names.back().find('.')) + ".packed.quill";
    AppendFile file;
    if (Status status = file.open(target + ".tmp"); !status)
        return status;
    if (Status status = file.append(packed); !status)
        return status;
    if (Status status = file.sync(); !status)
        return status;
    if (Status status = renameFile(target + ".tmp", target); !status)
        return status;
    for (const std::string& name : names) {
        if (folder + "/" + name != target) {
            if (Status status = removeFile(folder + "/" + name); !status)
                return status;
        }
    }
    return syncFolder(folder);
}

} // namespace quill
