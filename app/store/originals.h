// SPDX-License-Identifier: GPL-3.0-or-later
// The folder sources/ of a dossier: byte-for-byte copies of the files that were added, named by
// their content, so that the dossier can be copied to another computer and nothing is kept twice.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

namespace dossier::app {

class Originals {
  public:
    struct Stored {
        std::string sha256; ///< hex
        std::uint64_t bytes = 0;
        std::filesystem::path file;
    };

    /// `folder` is made when it does not exist.
    explicit Originals(std::filesystem::path folder);

    /// Copies the file in; on return it is complete but perhaps not yet on disk: see sync().
    /// `progress` gets bytes done. Throws Error (Cancelled, Io, DiskFull ...); a file that could
    /// not be copied whole leaves nothing behind.
    Stored add(const std::filesystem::path& file,
               const std::function<void(std::uint64_t)>& progress = {},
               std::stop_token stop = {}) const;
    /// Makes everything added so far survive a power cut. Call before committing rows that name it.
    void sync() const;
    /// `extension` with its dot, or empty; as it was when the file was added.
    std::filesystem::path path(const std::string& sha256, const std::string& extension) const;
    void remove(const std::string& sha256, const std::string& extension) const;

    /// The extension that the stored file gets: short, lower case, letters and digits only.
    static std::string storedExtension(const std::filesystem::path& file);

  private:
    std::filesystem::path m_folder;
};

} // namespace dossier::app
