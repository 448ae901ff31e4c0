// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4), for fingerprints and provenance.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace dossier {

class Sha256 {
  public:
    using Digest = std::array<std::uint8_t, 32>;

    Sha256();
    void update(std::span<const std::byte> data);
    void update(std::string_view text) { update(std::as_bytes(std::span(text))); }
    /// The digest of everything so far; the object may not be used afterwards.
    Digest finish();

    static std::string hex(const Digest& digest); ///< 64 lower-case digits
    static std::string hexOf(std::span<const std::byte> data);
    static std::string hexOf(std::string_view text) {
        return hexOf(std::as_bytes(std::span(text)));
    }
    /// Reads the file in pieces. Errors: as MappedFile::open, Io.
    static std::string hexOfFile(const std::filesystem::path& path);

  private:
    void block(const std::uint8_t* data);

    std::array<std::uint32_t, 8> m_state;
    std::array<std::uint8_t, 64> m_tail{};
    std::uint64_t m_length = 0;
};

} // namespace dossier
