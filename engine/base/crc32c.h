// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78, as in RFC 3720): finds every flipped bit
// and every burst of up to 32 bits. Faster than memory where the processor has the instruction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace dossier {

/// The checksum of the bytes that `before` is the checksum of, followed by `data`.
std::uint32_t crc32c(std::span<const std::byte> data, std::uint32_t before = 0);

namespace detail {
/// The same without the processor's instruction; what the fast version is compared with.
std::uint32_t crc32cPlain(std::span<const std::byte> data, std::uint32_t before = 0);
} // namespace detail

} // namespace dossier
