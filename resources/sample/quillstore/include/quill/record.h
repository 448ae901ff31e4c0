// One change of the store as it stands in a segment file. See docs/format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "quill/status.h"

namespace quill {

inline constexpr std::size_t kMaxKeyBytes = 1024;
inline constexpr std::size_t kMaxValueBytes = 16u << 20;
inline constexpr std::size_t kHeaderBytes = 4 + 8 + 1 + 2 + 4;

enum class RecordKind : std::uint8_t { Put = 1, Erase = 2 };

struct Record {
    std::uint64_t sequence = 0;
    RecordKind kind = RecordKind::Put;
    std::string key;
    std::string value; ///< empty for Erase
};

/// Keys are 1 to kMaxKeyBytes bytes, values at most kMaxValueBytes.
Status checkSizes(std::string_view key, std::string_view value);

/// Appends the bytes of the record to `out`.
void encode(const Record& record, std::string& out);

/// Reads one record from the beginning of `bytes` and sets `used` to its size. Code::Damaged when
/// the checksum does not match or the bytes end too early.
Status decode(std::string_view bytes, Record& record, std::size_t& used);

} // namespace quill
