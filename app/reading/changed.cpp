// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/reading/changed.h"

#include <algorithm>
#include <chrono>

#include "engine/base/sha256.h"

namespace dossier::app {
namespace {

namespace fs = std::filesystem;

bool isChanged(const Source& source) {
    std::error_code error;
    const std::uintmax_t bytes = fs::file_size(source.addedFrom, error);
    if (error) {
        return false;
    }
    if (bytes != source.fileBytes) {
        return true;
    }
    const fs::file_time_type written = fs::last_write_time(source.addedFrom, error);
    const std::chrono::sys_time<std::chrono::milliseconds> added{
        std::chrono::milliseconds(source.addedMs)};
    if (error || std::chrono::file_clock::to_sys(written) <= added) {
        return false;
    }
    try {
        return Sha256::hexOfFile(source.addedFrom) != source.sha256;
    } catch (const Error&) {
        return false; // told when it is added
    }
}

} // namespace

std::vector<SourceId> changedSources(const AddRequest& request, const std::vector<Source>& present,
                                     const std::stop_token& stop) {
    std::vector<std::string> files, folders;
    for (const fs::path& path : request.paths) {
        std::error_code error;
        const fs::path real = fs::weakly_canonical(path, error);
        files.push_back(error ? path.string() : real.string());
        folders.push_back(files.back() + "/");
    }
    std::vector<SourceId> changed;
    for (const Source& source : present) {
        if (stop.stop_requested()) {
            break;
        }
        const bool asked =
            std::find(files.begin(), files.end(), source.addedFrom) != files.end() ||
            std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) {
                return source.addedFrom.starts_with(folder);
            });
        const bool left = std::find(request.leaveOut.begin(), request.leaveOut.end(),
                                    fs::path(source.addedFrom)) != request.leaveOut.end();
        if (asked && !left && isChanged(source)) {
            changed.push_back(source.id);
        }
    }
    return changed;
}

} // namespace dossier::app
