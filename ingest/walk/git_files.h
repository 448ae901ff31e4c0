// SPDX-License-Identifier: GPL-3.0-or-later
// What a git repository says about a folder, through libgit2.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace dossier::ingest {

struct GitFiles {
    std::filesystem::path root;       ///< of the working tree, canonical
    std::string excludes;             ///< content of info/exclude; may be empty
    std::vector<std::string> tracked; ///< sorted, relative to the root, '/' separated

    /// Tracked files are part of the source, whatever the ignore rules say.
    bool isTracked(const std::string& path) const;
    bool tracksBelow(const std::string& folder) const; ///< `folder` ends in '/'
};

/// nullopt if the folder lies in no repository or the repository cannot be read.
std::optional<GitFiles> openGit(const std::filesystem::path& folder);

} // namespace dossier::ingest
