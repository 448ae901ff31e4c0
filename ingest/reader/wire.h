// SPDX-License-Identifier: GPL-3.0-or-later
// Messages between the application and dossier-reader, as bytes. Neither side believes the other:
// every length is checked, and what does not fit is Error(Corrupt).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "ingest/ingest.h"

namespace dossier::ingest::wire {

enum class Message : std::uint8_t {
    // From the application. The descriptor of the file travels beside the message.
    Read = 1, ///< name, password
    Outline,  ///< name, password
    Render,   ///< name, password, page, width, clip
    Annotate, ///< name, password, marks; second descriptor: where the copy is written
    Walk,     ///< folder, options
    Report,   ///< nothing; asks for the confinement again
    // From the reader.
    Hello = 64, ///< confinement layers; the first message
    Progress,   ///< done, total
    Result,     ///< as the request: document, outline, image size (descriptor beside), entries
    Failure,    ///< error code, what failed, what to do
};

class Encoder {
  public:
    template<typename T>
    requires std::is_integral_v<T>
    void number(T value) {
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            m_out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
        }
    }
    void real(float value);
    void string(std::string_view value);
    void box(const Box& box);
    std::string& bytes() { return m_out; }

  private:
    std::string m_out;
};

class Decoder {
  public:
    explicit Decoder(std::string_view bytes) : m_bytes(bytes) {}

    template<typename T>
    requires std::is_integral_v<T> T number() {
        const std::string_view raw = take(sizeof(T));
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            value |= std::uint64_t{static_cast<unsigned char>(raw[i])} << (8 * i);
        }
        return static_cast<T>(value);
    }
    float real();
    std::string string();
    Box box();
    /// How many elements follow, each of at least `bytesEach` bytes.
    std::size_t count(std::size_t bytesEach);
    /// Throws unless everything was read.
    void end() const;

  private:
    std::string_view take(std::size_t size);
    std::string_view m_bytes;
};

std::string encodeMarks(const std::vector<PdfMark>&);
std::vector<PdfMark> decodeMarks(Decoder&);

std::string encodeOutline(const std::vector<OutlineEntry>&);
std::vector<OutlineEntry> decodeOutline(std::string_view);

std::string encodeEntries(const std::vector<WalkEntry>&);
std::vector<WalkEntry> decodeEntries(std::string_view);

std::string encodeLayers(const std::vector<ConfinementLayer>&);
std::vector<ConfinementLayer> decodeLayers(std::string_view);

} // namespace dossier::ingest::wire
