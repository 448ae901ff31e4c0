// CRC-32C (Castagnoli), the checksum of records.
#pragma once

#include <cstdint>
#include <string_view>

namespace quill {

std::uint32_t crc32c(std::string_view bytes);

} // namespace quill
