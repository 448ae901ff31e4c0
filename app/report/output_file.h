// SPDX-License-Identifier: GPL-3.0-or-later
// A file that appears under its name only when it is whole: written beside it under a temporary
// name, synced, then renamed. An existing file is replaced only when that was asked for.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace dossier::app::report {

enum class Existing { Keep, Replace };

/// Not for several threads at once. Without commit() the temporary file goes with the object.
class OutputFile {
  public:
    /// Throws Error(InvalidArgument) when `path` exists and is to be kept, or is a folder; Error of
    /// the system call when the file cannot be made.
    OutputFile(std::filesystem::path path, Existing existing);
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    void write(std::string_view bytes); ///< throws Error (DiskFull, Io ...)
    /// Syncs and renames. Throws Error; also InvalidArgument when `path` came into being meanwhile.
    void commit();

  private:
    std::filesystem::path m_path, m_temporary;
    Existing m_existing;
    int m_descriptor = -1;
};

void writeWholeFile(const std::filesystem::path& path, std::string_view bytes, Existing existing);

/// Makes the names in a folder survive a power cut. Throws Error.
void syncFolder(const std::filesystem::path& folder);

/// Renames a file or folder that must not exist at `to` yet. Throws Error.
void renameNew(const std::filesystem::path& from, const std::filesystem::path& to);

} // namespace dossier::app::report
