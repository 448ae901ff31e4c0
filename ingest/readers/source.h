// SPDX-License-Identifier: GPL-3.0-or-later
// What every reader gets: the bytes of one file, the limits, and a way to report progress and to be
// stopped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ingest/ingest.h"

namespace dossier::ingest::readers {

/// Bounds on what one file may make us do. Beyond them the file is refused with Error(TooLarge)
/// that names the bound; it is never cut.
struct Limits {
    std::uint64_t fileBytes = 512ull << 20;
    std::uint64_t textBytes = 256ull << 20;
    std::uint32_t pages = 50'000;
    std::uint32_t wordsPerPage = 500'000;
    std::uint64_t imagePixels = 64ull << 20; ///< of a rendered page
    std::uint64_t archiveEntryBytes = 256ull << 20;
    std::uint64_t archiveRatio = 500; ///< unpacked to packed bytes of an archive entry
    std::uint32_t nesting = 200;      ///< elements of XML
};

/// The content of a file, read once, so that its checksum and its text are of the same bytes.
struct SourceFile {
    std::string name; ///< without folders; for messages, the title and the suffix
    std::string bytes;
};

/// One reading. Cheap to pass by reference; used by one thread.
class Job {
  public:
    Job(ReadOptions options, ReadProgressFn progress, std::stop_token stop, Limits limits = {})
        : m_options(std::move(options)),
          m_progress(std::move(progress)),
          m_stop(std::move(stop)),
          m_limits(limits) {}

    const ReadOptions& options() const { return m_options; }
    const Limits& limits() const { return m_limits; }
    bool stopped() const { return m_stop.stop_requested(); }

    /// Reports progress; throws Error(Cancelled) when somebody asked to stop.
    void step(std::uint64_t done, std::uint64_t total) const;

  private:
    ReadOptions m_options;
    ReadProgressFn m_progress;
    std::stop_token m_stop;
    Limits m_limits;
};

/// Hex of SHA-256.
std::string sha256Hex(std::string_view bytes);

/// "12.5 MiB", for messages.
std::string sizeText(std::uint64_t bytes);

/// Throws Error(TooLarge) when the text of `name` has outgrown the limit.
void checkTextSize(const Job&, const std::string& name, std::uint64_t textBytes);

/// Reads an open file to its end. Throws TooLarge, Unsupported (not a regular file), Io.
SourceFile loadFile(int descriptor, const std::string& name, const Limits&);

/// Opens and reads a file; never waits for the other end of a pipe.
SourceFile loadFile(const std::filesystem::path&, const Limits&);

} // namespace dossier::ingest::readers
