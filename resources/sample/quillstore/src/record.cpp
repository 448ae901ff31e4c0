// Bytes of a record and back.
#include "quill/record.h"

#include "crc32c.h"

namespace quill {
namespace {

void putInteger(std::string& out, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i)
        out.push_back(static_cast<char>(value >> (8 * i)));
}

std::uint64_t getInteger(std::string_view bytes, std::size_t at, int count) {
    std::uint64_t value = 0;
    for (int i = 0; i < count; ++i)
        value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
    return value;
}

} // namespace

Status checkSizes(std::string_view key, std::string_view value) {
    if (key.empty())
        return Status(Code::InvalidKey, "a key has at least one byte");
    if (key.size() > kMaxKeyBytes)
        return Status(Code::TooLarge, "a key has at most 1,024 bytes");
    if (value.size() > kMaxValueBytes)
        return Status(Code::TooLarge, "a value has at most 16 MiB");
    return {};
}

void encode(const Record& record, std::string& out) {
    std::string body;
    putInteger(body, record.sequence, 8);
    putInteger(body, static_cast<std::uint64_t>(record.kind), 1);
    putInteger(body, record.key.size(), 2);
    putInteger(body, record.value.size(), 4);
    body += record.key;
    body += record.value;
    putInteger(out, crc32c(body), 4);
    out += body;
}

Status decode(std::string_view bytes, Record& record, std::size_t& used) {
    if (bytes.size() < kHeaderBytes)
        return Status(Code::Damaged, "the record ends in its header");
    const std::size_t keyBytes = getInteger(bytes, 13, 2);
    const std::size_t valueBytes = getInteger(bytes, 15, 4);
    if (valueBytes > kMaxValueBytes || bytes.size() - kHeaderBytes < keyBytes + valueBytes)
        return Status(Code::Damaged, "the record is longer than the file");
    used = kHeaderBytes + keyBytes + valueBytes;
    if (crc32c(bytes.substr(4, used - 4)) != getInteger(bytes, 0, 4))
        return Status(Code::Damaged, "checksum does not match");
    record.sequence = getInteger(bytes, 4, 8);
    record.kind = static_cast<RecordKind>(bytes[12]);
    record.key = bytes.substr(kHeaderBytes, keyBytes);
    record.value = bytes.substr(kHeaderBytes + keyBytes, valueBytes);
    return {};
}

} // namespace quill
