// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/walk/git_files.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>

#include <git2.h>

namespace dossier::ingest {
namespace {

struct Free {
    void operator()(git_repository* repository) const { git_repository_free(repository); }
    void operator()(git_index* index) const { git_index_free(index); }
};

void startLibrary() {
    static std::once_flag once;
    std::call_once(once, [] {
        git_libgit2_init();
        // A repository unpacked by somebody else is as good as ours: nothing of it is executed. The
        // configuration of the person and the system is not ours to read here.
        git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
        for (const int level : {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_GLOBAL,
                                GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_PROGRAMDATA}) {
            git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
        }
    });
}

std::string contentOf(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream content;
    content << in.rdbuf();
    return content.str();
}

} // namespace

bool GitFiles::isTracked(const std::string& path) const {
    return std::binary_search(tracked.begin(), tracked.end(), path);
}

bool GitFiles::tracksBelow(const std::string& folder) const {
    const auto next = std::lower_bound(tracked.begin(), tracked.end(), folder);
    return next != tracked.end() && next->starts_with(folder);
}

std::optional<GitFiles> openGit(const std::filesystem::path& folder) {
    startLibrary();
    git_repository* opened = nullptr;
    if (git_repository_open_ext(&opened, folder.c_str(), 0, nullptr) != 0) {
        return std::nullopt;
    }
    const std::unique_ptr<git_repository, Free> repository(opened);
    const char* root = git_repository_workdir(repository.get());
    if (root == nullptr) {
        return std::nullopt; // bare: its folders are not sources
    }
    std::error_code failed;
    GitFiles files;
    files.root = std::filesystem::canonical(root, failed);
    if (failed) {
        return std::nullopt;
    }
    files.excludes = contentOf(std::filesystem::path(git_repository_commondir(repository.get())) /
                               "info/exclude");
    git_index* read = nullptr;
    if (git_repository_index(&read, repository.get()) == 0) {
        const std::unique_ptr<git_index, Free> index(read);
        const std::size_t count = git_index_entrycount(index.get());
        files.tracked.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            files.tracked.emplace_back(git_index_get_byindex(index.get(), i)->path);
        }
        std::sort(files.tracked.begin(), files.tracked.end());
    }
    return files;
}

} // namespace dossier::ingest
