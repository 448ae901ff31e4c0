// SPDX-License-Identifier: GPL-3.0-or-later
// Public interface of ingest: reading sources. Untrusted files are opened in a dossier-reader
// process only; this client starts it, watches it, limits it and starts it again.
//
// Threads: a Reader may be called from any thread; each call blocks and is served by one worker
// process of a small pool. Cancelling kills the worker of that call (250 ms) and nothing else.
// Errors: dossier::Error. A crash, hang or memory overrun of the worker is ErrorCode::ProcessDied,
// TooLarge or Io with the file's name; the next call works.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "ingest/document/document.h"

namespace dossier::ingest {

struct ReadOptions {
    std::string password{}; ///< for encrypted files
    /// What the file is called: decides format, language and title, and stands in errors. Empty:
    /// the name it has on disk. For copies that are named by their content.
    std::string name{};
};

/// done/total in pages, or bytes for files without pages.
using ReadProgressFn = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// A rendered page: 32-bit pixels, 0xffRRGGBB, rows of `width` pixels, in memory shared with the
/// worker until the last copy of `memory` goes.
struct PageImage {
    std::uint32_t width = 0, height = 0;
    const std::uint32_t* pixels = nullptr;
    std::shared_ptr<const void> memory;
};

struct OutlineEntry {
    std::string title;
    std::uint32_t level = 0; ///< from 0
    std::uint32_t page = 0;  ///< from 0
};

/// Why a file or folder is off by default.
enum class WalkReason : std::uint8_t {
    None,       ///< included
    IgnoreRule, ///< .gitignore, .ignore, .dossierignore, git's exclude files
    Repository, ///< version control's own data (.git)
    Binary,
    LockFile,
    Generated,
    Minified,
    Vendored,
    Secret,
    TooLarge,
    Empty,
    Link,    ///< symbolic link: what it points to is listed at its own place, or lies outside
    Special, ///< socket, pipe, device
    Unreadable,
};

/// What walking a folder found, sorted by path. Nothing is dropped silently: excluded files carry
/// the reason, excluded folders too (they are one entry; what lies below them is not listed).
struct WalkEntry {
    std::string path;           ///< relative to the folder, '/' separated, UTF-8 (lossy if needed)
    std::filesystem::path file; ///< the same with the file system's own bytes, to open it
    std::uint64_t bytes = 0;
    bool folder = false;   ///< a folder that was left out as a whole
    bool included = false; ///< proposed default
    WalkReason kind = WalkReason::None;
    std::string reason; ///< when not included: "ignored by sub/.gitignore:3 (*.o)", "binary",
                        ///< "lock file", "generated", "may hold a secret (private key)", ...
};

struct WalkOptions {
    bool honourGitignore = true;
    std::uint64_t maxFileBytes = 64ull << 20;
};

enum class MarkKind { Highlight, Underline, StrikeOut, Note };

/// A mark to be written into a copy of a PDF.
struct PdfMark {
    MarkKind kind = MarkKind::Highlight;
    std::vector<PageBox> boxes; ///< one annotation per page
    std::array<std::uint8_t, 3> rgb{255, 224, 127};
    std::string author, note; ///< note may be empty
};

/// One layer of what keeps the reader process apart from the rest of the computer.
struct ConfinementLayer {
    std::string name; ///< "system calls", "files", "network", "memory", "time"
    bool active = false;
    std::string detail; ///< what it does, or why this computer does not have it
};

class Reader {
  public:
    virtual ~Reader() = default;

    /// What confines the reader processes on this computer; starts one if none has run yet.
    virtual std::vector<ConfinementLayer> confinement() = 0;

    virtual Document read(const std::filesystem::path& file, const ReadOptions&,
                          ReadProgressFn = {}, std::stop_token = {}) = 0;

    /// Renders the part of a page given by `clip` (fractions) so that the whole page would be
    /// `pageWidth` pixels wide.
    virtual PageImage renderPage(const std::filesystem::path& pdf, const ReadOptions&,
                                 std::uint32_t page, std::uint32_t pageWidth, Box clip,
                                 std::stop_token = {}) = 0;

    virtual std::vector<OutlineEntry> outline(const std::filesystem::path& pdf,
                                              const ReadOptions&) = 0;

    virtual std::vector<WalkEntry> walk(const std::filesystem::path& folder, const WalkOptions&,
                                        ReadProgressFn = {}, std::stop_token = {}) = 0;

    /// Writes a copy of `pdf` with the marks as real annotations to `output` (never the original;
    /// written beside it under a temporary name, synced, then renamed).
    virtual void writeAnnotatedCopy(const std::filesystem::path& pdf, const ReadOptions&,
                                    const std::vector<PdfMark>&,
                                    const std::filesystem::path& output) = 0;
};

/// `program`: path of dossier-reader. Nothing is started before the first call.
std::unique_ptr<Reader> makeReader(const std::filesystem::path& program, unsigned workers = 2);

} // namespace dossier::ingest
