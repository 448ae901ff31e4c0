// SPDX-License-Identifier: GPL-3.0-or-later
// Which files a request means and where they hang in the tree.
#include <algorithm>
#include <set>

#include "app/reading/adder.h"

namespace dossier::app {
namespace {

namespace fs = std::filesystem;

bool contains(const std::vector<fs::path>& list, const fs::path& path) {
    return std::find(list.begin(), list.end(), path) != list.end();
}

/// "repo", or "repo (2)" when another folder of that name is in the dossier already.
std::string rootName(const fs::path& folder, const std::vector<Source>& present) {
    const std::string base = folder.filename().string();
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

std::string fileName(const fs::path& file, const std::vector<Source>& present,
                     const std::vector<FileToAdd>& files) {
    const auto taken = [&](const std::string& name) {
        return std::any_of(present.begin(), present.end(),
                           [&](const Source& s) {
                               return s.folder.empty() && s.name == name &&
                                      s.addedFrom != file.string();
                           }) ||
               std::any_of(files.begin(), files.end(),
                           [&](const FileToAdd& f) { return f.folder.empty() && f.name == name; });
    };
    std::string name = file.filename().string();
    for (int number = 2; taken(name); ++number) {
        name =
            file.stem().string() + " (" + std::to_string(number) + ")" + file.extension().string();
    }
    return name;
}

void problem(RunningJob& job, const fs::path& path, const Error& error) {
    job.update([&](Job& j) { j.problems.push_back({path.string(), failureOf(error)}); });
}

void expandFolder(const fs::path& folder, const AddRequest& request, ingest::Reader& reader,
                  const std::vector<Source>& present, RunningJob& job,
                  std::vector<FileToAdd>& files) {
    const std::string root = rootName(folder, present);
    const auto progress = [&](std::uint64_t done, std::uint64_t total) {
        job.update([&](Job& j) { j.progress = {"Looking through the folder", done, total, 0}; });
    };
    for (ingest::WalkEntry& entry : reader.walk(folder, request.walk, progress, job.stop())) {
        const fs::path file = folder / (entry.file.empty() ? fs::path(entry.path) : entry.file);
        const bool take = (entry.included && !contains(request.leaveOut, file)) ||
                          contains(request.alsoTake, file);
        if (!take) {
            job.update([&](Job& j) {
                entry.path.insert(0, root + "/");
                j.leftOut.push_back(std::move(entry));
            });
            continue;
        }
        const fs::path inside(entry.path);
        std::string parent = root;
        if (inside.has_parent_path()) {
            parent.append("/").append(inside.parent_path().string());
        }
        files.push_back({file, parent, inside.filename().string()});
    }
}

} // namespace

std::vector<FileToAdd> expandRequest(const AddRequest& request, ingest::Reader& reader,
                                     const std::vector<Source>& present, RunningJob& job) {
    std::vector<FileToAdd> files;
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
                expandFolder(path, request, reader, present, job, files);
            } else {
                files.push_back({path, "", fileName(path, present, files)});
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
