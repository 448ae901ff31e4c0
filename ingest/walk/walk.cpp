// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/walk/walk.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "ingest/base/descriptor.h"
#include "ingest/document/utf8.h"
#include "ingest/walk/classify.h"
#include "ingest/walk/git_files.h"
#include "ingest/walk/ignore.h"

namespace dossier::ingest {
namespace {

constexpr std::size_t kMaxIgnoreBytes = 1 << 20;
constexpr std::size_t kMaxDepth = 200; ///< folders; deeper ones are reported, not entered
/// The strongest first: .dossierignore can take in again what .gitignore leaves out.
constexpr std::array<const char*, 3> kIgnoreNames{".dossierignore", ".ignore", ".gitignore"};
constexpr std::size_t kGitignore = 2;

/// Names are bytes; what is no UTF-8 in them is shown as U+FFFD.
std::string shown(const std::string& path) {
    if (utf8::firstInvalid(path) == path.size()) {
        return path;
    }
    std::string text;
    for (std::size_t at = 0; at < path.size();) {
        const auto c = utf8::decode(path, at);
        utf8::append(text, c.value);
        at += c.length;
    }
    return text;
}

/// Up to `limit` bytes of a file; nullopt if it cannot be read.
std::optional<std::string> beginningOf(int folder, const char* name, std::size_t limit) {
    const Descriptor file(::openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    struct stat info {};
    if (!file.valid() || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
        return std::nullopt;
    }
    std::string content(std::min<std::size_t>(static_cast<std::size_t>(info.st_size), limit), '\0');
    const ssize_t got = ::pread(file.get(), content.data(), content.size(), 0);
    if (got < 0) {
        return std::nullopt;
    }
    content.resize(static_cast<std::size_t>(got));
    return content;
}

struct Item {
    std::string name;
    struct stat info {};
    bool known = false; ///< stat succeeded
};

class Walker {
  public:
    Walker(std::filesystem::path root, const WalkOptions& options, const readers::Job& job)
        : m_root(std::move(root)), m_options(options), m_job(job) {
        if (m_options.honourGitignore) {
            openRepository();
        }
    }

    std::vector<WalkEntry> run() {
        const Descriptor folder(::open(m_root.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));
        if (!folder.valid() && errno == ENOTDIR) {
            throw Error(ErrorCode::Unsupported, m_root.string() + " is not a folder",
                        "Add it as a file instead");
        }
        if (!folder.valid()) {
            throw systemError("open the folder " + m_root.string(), errno);
        }
        enter(folder.get(), "", 0, {});
        std::sort(m_entries.begin(), m_entries.end(), [](const WalkEntry& a, const WalkEntry& b) {
            return a.file.native() < b.file.native();
        });
        return std::move(m_entries);
    }

  private:
    /// Rules that are in force in a folder: [kind][outermost first].
    using Rules = std::array<std::vector<std::shared_ptr<const IgnoreFile>>, kIgnoreNames.size()>;

    void openRepository() {
        m_git = openGit(m_root);
        std::error_code failed;
        const auto root = std::filesystem::canonical(m_root, failed);
        if (!m_git || failed) {
            return;
        }
        const auto inside = root.lexically_relative(m_git->root).generic_string();
        m_insideGit = inside == "." ? "" : inside + "/";
        m_excludes = std::make_shared<IgnoreFile>(".git/info/exclude", "", m_git->excludes);
        // .gitignore files between the repository's root and ours.
        auto folder = m_git->root;
        std::string below = m_insideGit;
        while (!below.empty()) {
            const Descriptor open(::open(folder.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));
            if (const auto content = beginningOf(open.get(), ".gitignore", kMaxIgnoreBytes)) {
                m_outer.emplace_back(below, std::make_shared<IgnoreFile>(
                                                (folder / ".gitignore").string(), "", *content));
            }
            const std::size_t slash = below.find('/');
            folder /= below.substr(0, slash);
            below.erase(0, slash + 1);
        }
    }

    void exclude(const std::string& path, std::uint64_t bytes, bool folder, Verdict verdict) {
        m_entries.push_back(
            {shown(path), path, bytes, folder, false, verdict.kind, std::move(verdict.reason)});
    }

    std::vector<Item> list(int folder, const std::string& path) {
        std::vector<Item> items;
        const int copy = ::openat(folder, ".", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
        const std::unique_ptr<DIR, int (*)(DIR*)> open(copy < 0 ? nullptr : ::fdopendir(copy),
                                                       &::closedir);
        if (!open) {
            exclude(path.empty() ? "." : path.substr(0, path.size() - 1), 0, true,
                    {WalkReason::Unreadable, "cannot be opened"});
            return items;
        }
        while (const dirent* entry = ::readdir(open.get())) {
            const std::string_view name = entry->d_name;
            if (name == "." || name == "..") {
                continue;
            }
            Item item;
            item.name = name;
            item.known = ::fstatat(folder, entry->d_name, &item.info, AT_SYMLINK_NOFOLLOW) == 0;
            items.push_back(std::move(item));
        }
        std::sort(items.begin(), items.end(),
                  [](const Item& a, const Item& b) { return a.name < b.name; });
        return items;
    }

    void enter(int folder, const std::string& path, std::size_t depth, Rules rules) {
        m_job.step(m_entries.size(), 0);
        const std::vector<Item> items = list(folder, path);
        for (std::size_t kind = 0; kind < kIgnoreNames.size(); ++kind) {
            if (kind == kGitignore && !m_options.honourGitignore) {
                continue;
            }
            const bool present = std::any_of(items.begin(), items.end(), [&](const Item& item) {
                return item.name == kIgnoreNames.at(kind);
            });
            if (!present) {
                continue;
            }
            if (const auto content = beginningOf(folder, kIgnoreNames.at(kind), kMaxIgnoreBytes)) {
                rules.at(kind).push_back(
                    std::make_shared<IgnoreFile>(path + kIgnoreNames.at(kind), path, *content));
            }
        }
        for (const Item& item : items) {
            visit(folder, path + item.name, item, depth, rules);
        }
    }

    void visit(int folder, const std::string& path, const Item& item, std::size_t depth,
               const Rules& rules) {
        if (!item.known) {
            exclude(path, 0, false, {WalkReason::Unreadable, "cannot be examined"});
        } else if (S_ISDIR(item.info.st_mode)) {
            visitFolder(folder, path, item, depth, rules);
        } else if (S_ISREG(item.info.st_mode)) {
            visitFile(folder, path, item, rules);
        } else if (S_ISLNK(item.info.st_mode)) {
            exclude(path, 0, false, {WalkReason::Link, "symbolic link"});
        } else {
            exclude(path, 0, false,
                    {WalkReason::Special, S_ISFIFO(item.info.st_mode)   ? "named pipe"
                                          : S_ISSOCK(item.info.st_mode) ? "socket"
                                                                        : "device"});
        }
    }

    void visitFolder(int parent, const std::string& path, const Item& item, std::size_t depth,
                     const Rules& rules) {
        const auto ruled = ruleFor(path, EntryType::Folder, rules);
        auto verdict = classifyFolder(item.name);
        const bool data = verdict && verdict->kind == WalkReason::Repository;
        if (verdict && !data && ruled && !ruled->ignored) {
            verdict.reset(); // a rule takes it in by name
        }
        const std::string inside = path + "/";
        if (!verdict && ruled && ruled->ignored) {
            if (!m_git || !m_git->tracksBelow(m_insideGit + inside)) {
                verdict = Verdict{WalkReason::IgnoreRule, "ignored by " + ruled->rule};
            } else {
                // Only what git tracks counts in here; the rest is ignored with the folder.
                m_ignoredFolders.emplace_back(inside, ruled->rule);
            }
        }
        if (!verdict && depth >= kMaxDepth) {
            verdict = Verdict{WalkReason::Unreadable,
                              "more than " + std::to_string(kMaxDepth) + " folders deep"};
        }
        if (verdict) {
            return exclude(path, 0, true, std::move(*verdict));
        }
        const Descriptor folder(
            ::openat(parent, item.name.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW));
        if (!folder.valid()) {
            return exclude(path, 0, true, {WalkReason::Unreadable, "cannot be opened"});
        }
        enter(folder.get(), inside, depth + 1, rules);
        if (!m_ignoredFolders.empty() && m_ignoredFolders.back().first == inside) {
            m_ignoredFolders.pop_back();
        }
    }

    void visitFile(int folder, const std::string& path, const Item& item, const Rules& rules) {
        const auto bytes = static_cast<std::uint64_t>(item.info.st_size);
        const auto ruled = ruleFor(path, EntryType::File, rules);
        const bool tracked = m_git && m_git->isTracked(m_insideGit + path);
        if (ruled && ruled->ignored && !(tracked && ruled->fromGit)) {
            return exclude(path, bytes, false,
                           {WalkReason::IgnoreRule, "ignored by " + ruled->rule});
        }
        if (!m_ignoredFolders.empty() && !tracked) {
            return exclude(
                path, bytes, false,
                {WalkReason::IgnoreRule, "ignored by " + m_ignoredFolders.back().second});
        }
        if (bytes == 0) {
            return exclude(path, 0, false, {WalkReason::Empty, "empty"});
        }
        auto verdict = classifyName(item.name);
        if (!verdict && bytes > m_options.maxFileBytes) {
            verdict = Verdict{WalkReason::TooLarge,
                              "larger than " + readers::sizeText(m_options.maxFileBytes)};
        }
        if (!verdict) {
            const auto beginning = beginningOf(folder, item.name.c_str(), kContentSample);
            verdict = beginning ? classifyContent(item.name, *beginning)
                                : Verdict{WalkReason::Unreadable, "cannot be opened"};
        }
        const bool byTaste = verdict && (verdict->kind == WalkReason::LockFile ||
                                         verdict->kind == WalkReason::Generated ||
                                         verdict->kind == WalkReason::Minified);
        if (verdict && !(byTaste && ruled && !ruled->ignored)) {
            return exclude(path, bytes, false, std::move(*verdict));
        }
        m_entries.push_back({shown(path), path, bytes, false, true, WalkReason::None, {}});
    }

    struct Ruling {
        bool ignored;
        std::string rule;
        bool fromGit; ///< does not count for tracked files
    };

    std::optional<Ruling> ruleFor(const std::string& path, EntryType type,
                                  const Rules& rules) const {
        for (std::size_t kind = 0; kind < rules.size(); ++kind) {
            for (auto file = rules.at(kind).rbegin(); file != rules.at(kind).rend(); ++file) {
                if (auto match = (*file)->match(path, type)) {
                    return Ruling{match->ignored, std::move(match->rule), kind == kGitignore};
                }
            }
        }
        for (auto outer = m_outer.rbegin(); outer != m_outer.rend(); ++outer) {
            if (auto match = outer->second->match(outer->first + path, type)) {
                return Ruling{match->ignored, std::move(match->rule), true};
            }
        }
        if (m_excludes) {
            if (auto match = m_excludes->match(m_insideGit + path, type)) {
                return Ruling{match->ignored, std::move(match->rule), true};
            }
        }
        return std::nullopt;
    }

    std::filesystem::path m_root;
    WalkOptions m_options;
    const readers::Job& m_job;
    std::optional<GitFiles> m_git;
    std::string m_insideGit; ///< from the repository's root to ours, "" or "a/b/"
    std::shared_ptr<const IgnoreFile> m_excludes;
    /// .gitignore files above our root: our path as seen from there, and the rules; outermost
    /// first.
    std::vector<std::pair<std::string, std::shared_ptr<const IgnoreFile>>> m_outer;
    std::vector<std::pair<std::string, std::string>>
        m_ignoredFolders; ///< being walked for tracked files
    std::vector<WalkEntry> m_entries;
};

} // namespace

std::vector<WalkEntry> walkFolder(const std::filesystem::path& folder, const WalkOptions& options,
                                  const readers::Job& job) {
    return Walker(folder, options, job).run();
}

} // namespace dossier::ingest
