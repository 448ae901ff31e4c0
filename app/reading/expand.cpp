// SPDX-License-Identifier: GPL-3.0-or-later
// Which files a request means and where they hang in the tree.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_set>

#include "app/reading/adder.h"
#include "ingest/document/utf8.h"

namespace dossier::app {
namespace {

namespace fs = std::filesystem;

bool contains(const std::vector<fs::path>& list, const fs::path& path) {
    return std::find(list.begin(), list.end(), path) != list.end();
}

/// Names are bytes; what is no UTF-8 in them becomes U+FFFD, as in folders that are walked.
std::string shown(const std::string& name) {
    std::string text;
    for (std::size_t at = 0; at < name.size();) {
        const auto c = ingest::utf8::decode(name, at);
        ingest::utf8::append(text, c.value);
        at += c.length;
    }
    return text;
}

/// "repo", or "repo (2)" when another folder of that name is in the dossier already.
std::string rootName(const fs::path& folder, const std::vector<Source>& present) {
    const std::string base = shown(folder.filename().string());
    const std::string origin = folder.string() + "/";
    for (int number = 1;; ++number) {
        const std::string name = number == 1 ? base : base + " (" + std::to_string(number) + ")";
        const bool taken = std::any_of(present.begin(), present.end(), [&](const Source& s) {
            const bool under = s.folder == name || s.folder.starts_with(name + "/");
            return under && !s.addedFrom.starts_with(origin);
        });
        if (!taken) {
            return name;
        }
    }
}

/// Which file has which place in the tree.
class Tree {
  public:
    explicit Tree(const std::vector<Source>& present) {
        for (const Source& source : present) {
            m_taken.insert(source.path());
            m_names[{source.folder, source.addedFrom}] = source.name;
        }
    }

    /// A file keeps the name that it got when it was added before; a new one gets a number when
    /// another file is called the same ("lease (2).txt").
    FileToAdd place(const fs::path& file, const std::string& folder, const std::string& wanted) {
        FileToAdd placed{file, folder, wanted};
        if (const auto known = m_names.find({folder, file.string()}); known != m_names.end()) {
            placed.name = known->second;
            return placed;
        }
        const fs::path name(wanted);
        for (int number = 2; !m_taken.insert(placed.path()).second; ++number) {
            placed.name = name.stem().string() + " (" + std::to_string(number) + ")" +
                          name.extension().string();
        }
        return placed;
    }

  private:
    std::unordered_set<std::string> m_taken; ///< paths in the tree
    std::map<std::pair<std::string, std::string>, std::string> m_names;
};

bool isDossier(const fs::path& folder) {
    std::error_code error;
    return folder.extension() == ".dossier" || fs::exists(folder / "dossier.db", error);
}

/// Finds dossiers in a folder that is walked: what is in them are copies and data of ours.
class Dossiers {
  public:
    explicit Dossiers(fs::path root) : m_root(std::move(root)) {}

    /// The dossier that holds a file, relative to the root.
    std::optional<fs::path> holding(const fs::path& file) {
        fs::path folder;
        for (const fs::path& part : file.parent_path()) {
            folder /= part;
            const auto [known, isNew] = m_known.try_emplace(folder, false);
            if (isNew) {
                known->second = isDossier(m_root / folder);
            }
            if (known->second) {
                return folder;
            }
        }
        return std::nullopt;
    }

  private:
    fs::path m_root;
    std::map<fs::path, bool> m_known;
};

ingest::WalkEntry leftOutDossier(const std::string& path) {
    ingest::WalkEntry entry;
    entry.path = path;
    entry.folder = true;
    entry.kind = ingest::WalkReason::Generated;
    entry.reason = "a dossier";
    return entry;
}

void problem(RunningJob& job, const fs::path& path, const Error& error) {
    job.update([&](Job& j) { j.problems.push_back({path.string(), failureOf(error)}); });
}

void leaveOut(RunningJob& job, ingest::WalkEntry entry) {
    job.update([&](Job& j) { j.leftOut.push_back(std::move(entry)); });
}

void expandFolder(const fs::path& folder, const AddRequest& request, ingest::Reader& reader,
                  const std::vector<Source>& present, RunningJob& job, Tree& tree,
                  std::vector<FileToAdd>& files) {
    const std::string root = rootName(folder, present);
    Dossiers dossiers(folder);
    std::set<fs::path> told;
    const auto progress = [&](std::uint64_t done, std::uint64_t total) {
        job.update([&](Job& j) { j.progress = {"Looking through the folder", done, total, 0}; });
    };
    for (ingest::WalkEntry& entry : reader.walk(folder, request.walk, progress, job.stop())) {
        const fs::path relative = entry.file.empty() ? fs::path(entry.path) : entry.file;
        if (const auto dossier = dossiers.holding(relative)) {
            if (told.insert(*dossier).second) {
                leaveOut(job, leftOutDossier(root + "/" + shown(dossier->string())));
            }
            continue;
        }
        const fs::path file = folder / relative;
        const bool take = (entry.included && !contains(request.leaveOut, file)) ||
                          contains(request.alsoTake, file);
        if (!take) {
            entry.path.insert(0, root + "/");
            leaveOut(job, std::move(entry));
            continue;
        }
        const fs::path inside(entry.path);
        std::string parent = root;
        if (inside.has_parent_path()) {
            parent.append("/").append(inside.parent_path().string());
        }
        files.push_back(tree.place(file, parent, inside.filename().string()));
    }
}

} // namespace

std::vector<FileToAdd> expandRequest(const AddRequest& request, ingest::Reader& reader,
                                     const std::vector<Source>& present, RunningJob& job) {
    std::vector<FileToAdd> files;
    Tree tree(present);
    std::set<fs::path> seen;
    for (const fs::path& given : request.paths) {
        std::error_code error;
        fs::path path = fs::weakly_canonical(given, error);
        if (error) {
            path = fs::absolute(given).lexically_normal();
        }
        if (!seen.insert(path).second) {
            continue;
        }
        try {
            const fs::file_status status = fs::status(path, error);
            if (!fs::exists(status)) {
                throw Error(ErrorCode::NotFound, "There is no file " + path.string(),
                            "Check the path");
            }
            if (fs::is_directory(status)) {
                if (isDossier(path)) {
                    throw Error(ErrorCode::InvalidArgument,
                                path.string() + " is a dossier, and no source of one",
                                "Add the files that it was made from");
                }
                expandFolder(path, request, reader, present, job, tree, files);
            } else {
                files.push_back(tree.place(path, "", shown(path.filename().string())));
            }
        } catch (const Error& e) {
            if (e.code() == ErrorCode::Cancelled) {
                throw;
            }
            problem(job, path, e);
        }
    }
    return files;
}

} // namespace dossier::app
