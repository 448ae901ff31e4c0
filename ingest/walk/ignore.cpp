// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/walk/ignore.h"

#include <utility>

namespace dossier::ingest {
namespace {

/// Blanks at the end do not count unless a backslash stands before them.
std::string_view withoutTrailingBlanks(std::string_view line) {
    while (line.ends_with(' ') && !line.ends_with("\\ ")) {
        line.remove_suffix(1);
    }
    return line;
}

} // namespace

IgnoreFile::IgnoreFile(std::string name, std::string folder, std::string_view content)
    : m_name(std::move(name)), m_folder(std::move(folder)) {
    if (content.starts_with("\xEF\xBB\xBF")) {
        content.remove_prefix(3);
    }
    for (std::size_t number = 1; !content.empty(); ++number) {
        const std::size_t end = std::min(content.find('\n'), content.size());
        std::string_view line = content.substr(0, end);
        content.remove_prefix(std::min(end + 1, content.size()));
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        line = withoutTrailingBlanks(line);
        if (line.empty() || line.starts_with('#')) {
            continue;
        }
        const std::string text(line);
        const bool negated = line.starts_with('!');
        line.remove_prefix(negated ? 1 : 0);
        const bool folderOnly = line.ends_with('/');
        line.remove_suffix(folderOnly ? 1 : 0);
        const bool anchored = line.find('/') != std::string_view::npos;
        if (line.starts_with('/')) {
            line.remove_prefix(1);
        }
        if (!line.empty()) {
            m_rules.push_back({Glob(line), text, number, negated, folderOnly, anchored});
        }
    }
}

std::optional<IgnoreFile::Match> IgnoreFile::match(std::string_view path, EntryType type) const {
    const std::string_view below = path.substr(m_folder.size());
    const std::string_view name = path.substr(path.rfind('/') + 1);
    for (auto rule = m_rules.rbegin(); rule != m_rules.rend(); ++rule) {
        if (rule->folderOnly && type != EntryType::Folder) {
            continue;
        }
        if (rule->glob.matches(rule->anchored ? below : name)) {
            return Match{!rule->negated,
                         m_name + ":" + std::to_string(rule->line) + " (" + rule->text + ")"};
        }
    }
    return std::nullopt;
}

} // namespace dossier::ingest
