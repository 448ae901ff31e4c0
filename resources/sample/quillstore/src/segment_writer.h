// Appends records to the newest segment and begins a new one when it is full.
#pragma once

#include <cstdint>
#include <string>

#include "file.h"
#include "quill/options.h"
#include "quill/record.h"

namespace quill {

inline constexpr char kMagic[] = {'Q', 'U', 'I', 'L', 'L', '\0', '\1', '\n'};

/// "000007.quill"
std::string segmentName(std::uint64_t number);

/// Not for several threads at once: the store holds its write lock around every call.
class SegmentWriter {
  public:
    SegmentWriter(std::string folder, const Options& options)
        : m_folder(std::move(folder)), m_options(options) {}

    /// Goes on with segment `number`, whose last record has sequence `last`.
    Status open(std::uint64_t number, std::uint64_t last);

    /// Gives the record its sequence number and appends it.
    Status append(Record& record);
    /// Writes what is buffered and waits until it is on disk.
    Status flushAndSync();

    std::uint64_t segment() const { return m_number; }
    std::uint64_t lastSequence() const { return m_last; }

  private:
    Status rolloverIfFull(std::size_t bytes);

    std::string m_folder;
    Options m_options;
    AppendFile m_file;
    std::string m_buffer;
    std::uint64_t m_number = 1;
    std::uint64_t m_last = 0;
};

} // namespace quill
