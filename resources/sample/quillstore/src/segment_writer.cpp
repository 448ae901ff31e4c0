// A record is accepted first and given its number then, so that a refused one leaves no gap.
#include "segment_writer.h"

#include <cstdio>

namespace quill {

std::string segmentName(std::uint64_t number) {
    char name[32];
    std::snprintf(name, sizeof name, "%06llu.quill", static_cast<unsigned long long>(number));
    return name;
}

Status SegmentWriter::open(std::uint64_t number, std::uint64_t last) {
    m_number = number;
    m_last = last;
    if (Status status = m_file.open(m_folder + "/" + segmentName(number)); !status)
        return status;
    if (m_file.size() > 0)
        return {};
    if (Status status = m_file.append(std::string_view(kMagic, sizeof kMagic)); !status)
        return status;
    if (Status status = m_file.sync(); !status)
        return status;
    return syncFolder(m_folder);
}

Status SegmentWriter::rolloverIfFull(std::size_t bytes) {
    const std::uint64_t filled = m_file.size() + m_buffer.size();
    if (filled + bytes <= m_options.segmentBytes || filled <= sizeof kMagic)
        return {};
    if (Status status = flushAndSync(); !status)
        return status;
    return open(m_number + 1, m_last);
}

Status SegmentWriter::append(Record& record) {
    if (Status status = checkSizes(record.key, record.value); !status)
        return status;
    const std::size_t bytes = kHeaderBytes + record.key.size() + record.value.size();
    if (Status status = rolloverIfFull(bytes); !status)
        return status;
    record.sequence = ++m_last;
    encode(record, m_buffer);
    return m_options.durability == Durability::Buffered ? Status() : flushAndSync();
}

Status SegmentWriter::flushAndSync() {
    if (m_buffer.empty())
        return {};
    if (Status status = m_file.append(m_buffer); !status)
        return status;
    m_buffer.clear();
    return m_file.sync();
}

} // namespace quill
