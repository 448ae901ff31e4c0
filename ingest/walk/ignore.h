// SPDX-License-Identifier: GPL-3.0-or-later
// Ignore files: .gitignore and its like, nested, with negation; and which rule decided.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/walk/glob.h"

namespace dossier::ingest {

enum class EntryType { File, Folder };

/// The rules of one ignore file, which apply below the folder that holds it.
class IgnoreFile {
  public:
    /// `name` for messages, like "sub/.gitignore"; `folder` is where it stands, relative to the
    /// root of the walk ("" or "sub/").
    IgnoreFile(std::string name, std::string folder, std::string_view content);

    struct Match {
        bool ignored = false; ///< false: taken in again by a "!" rule
        std::string rule;     ///< "sub/.gitignore:3 (*.o)"
    };
    /// The last rule that fits the path (relative to the root of the walk); nullopt if none does.
    std::optional<Match> match(std::string_view path, EntryType type) const;

    const std::string& folder() const { return m_folder; }

  private:
    struct Rule {
        Glob glob;
        std::string text;
        std::size_t line;
        bool negated, folderOnly, anchored;
    };
    std::string m_name, m_folder;
    std::vector<Rule> m_rules;
};

} // namespace dossier::ingest
